"""The body of a deployment request, read as az writes it, and checked.

az puts the template's text into the body as it stands, under a key without quotes and with its
comments: `{"properties": {…, template:{…}}}`. Azure takes that, so does this reader.

Source: https://learn.microsoft.com/rest/api/resources/deployments and az's own requests. Left out:
linked templates and parameters, mode Complete, rollback on error, debug settings: all refused.
"""

from __future__ import annotations

import json
import re
from typing import Any

from akswi_helpers.sandbox.azure.arm.refusals import invalid_request
from akswi_helpers.sandbox.azure.arm.requests import tags_of
from akswi_helpers.sandbox.wire import MalformedBody, Request, not_emulated
from akswi_helpers.types import Json

# A text, a comment, the bare key, or a comma before a closing bracket.
_ODD = re.compile(
    r'("(?:[^"\\]|\\.)*")|(//[^\n]*|/\*.*?\*/)|(?<=[,{])(\s*)template\s*:|,(?=\s*[}\]])', re.DOTALL
)
_FORMATS = ("FullResourcePayloads", "ResourceIdOnly")
_TAKEN = frozenset(
    ("template", "parameters", "mode", "debugSetting", "expressionEvaluationOptions")
) | {"validationLevel", "whatIfSettings"}


def deployment_body(request: Request) -> tuple[Json, Json]:
    """The request's `properties` and its tags. Raises WireError, MalformedBody."""
    body = _lenient(request.body)
    for name in body.keys() - {"properties", "tags"}:
        if body[name] is not None:
            raise not_emulated(f"'{name}' in a deployment to a resource group")
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise invalid_request("The request content was invalid: 'properties' is missing.")
    return _checked({k: v for k, v in properties.items() if v is not None}), tags_of(body)


def _checked(properties: Json) -> Json:
    for name in properties.keys() - _TAKEN:
        raise not_emulated(f"'{name}' of a deployment")
    _one_of(properties, "validationLevel", "Template", "Provider", "ProviderNoRbac")
    _one_of(properties.get("whatIfSettings") or {}, "resultFormat", *_FORMATS)
    mode = str(properties.get("mode", ""))
    if mode.lower() != "incremental":
        if mode.lower() == "complete":
            raise not_emulated("the deployment mode 'Complete'")
        raise invalid_request(f"The deployment mode '{mode}' is not valid.", "InvalidDeployment")
    if "template" not in properties:
        raise invalid_request("The deployment has no template.", "InvalidDeployment")
    if str((properties.get("debugSetting") or {}).get("detailLevel") or "none").lower() != "none":
        raise not_emulated("the debug settings of a deployment")
    if not isinstance(properties.get("parameters", {}), dict):
        raise invalid_request("The deployment's parameters must be an object.")
    return properties


def _one_of(body: Json, name: str, *values: str) -> None:
    value = body.get(name)
    if value is not None and str(value).lower() not in [one.lower() for one in values]:
        raise invalid_request(f"'{value}' is not one of '{', '.join(values)}' for '{name}'.")


def _lenient(raw: bytes) -> Json:
    text = raw.decode("utf-8-sig", "replace")
    value: Any
    try:
        value = json.loads(text or "{}", strict=False)
    except ValueError:
        value = _loads(_ODD.sub(_mended, text))
    if not isinstance(value, dict):
        raise MalformedBody("the body is not a JSON object")
    return value


def _mended(match: re.Match[str]) -> str:
    if match[1] is not None:
        return match[1]
    if match[3] is not None:
        return match[3] + '"template":'
    return " " if match[2] else ""


def _loads(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except ValueError as error:
        raise MalformedBody(str(error)) from error
