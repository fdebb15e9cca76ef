"""A template's outputs: worked out when everything is made; secure ones stay unseen.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/outputs.
Left out: nothing that the page describes.
"""

from __future__ import annotations

from akswi_helpers.sandbox.templates.builtins import Value
from akswi_helpers.sandbox.templates.documents import resolved
from akswi_helpers.sandbox.templates.dotnet import type_name
from akswi_helpers.sandbox.templates.evaluate import copies, evaluate
from akswi_helpers.sandbox.templates.parameters import TYPES, is_secure, lower_first
from akswi_helpers.sandbox.templates.refusals import type_differs, validation_failed
from akswi_helpers.sandbox.templates.scopes import Scope
from akswi_helpers.sandbox.wire import UNVERIFIED
from akswi_helpers.types import Json


def outputs(template: Json, scope: Scope) -> Json:
    """The outputs by name: {"type": "String", "value": …}, without `value` where it is secure.

    Raises ExpressionRefused, TemplateRefused, or what reading a resource raises.
    """
    given: Json = template.get("outputs") or {}
    shown: Json = {}
    for name, raw in given.items():
        definition = resolved(template, raw)
        if evaluate(definition.get("condition", True), scope):
            shown[lower_first(name)] = _one(name, definition, scope)
    return shown


def _one(name: str, definition: Json, scope: Scope) -> Json:
    kind = str(definition.get("type", "")).lower()
    if kind not in TYPES:
        raise validation_failed(f"{UNVERIFIED}The type '{kind}' of output '{name}' is not valid.")
    value = _value(definition, scope)
    if type_name(value) not in TYPES[kind][1].split(", ") and not (
        value is None and definition.get("nullable")
    ):
        raise type_differs("output", name, TYPES[kind][1], type_name(value))
    if is_secure(definition):
        return {"type": TYPES[kind][0]}
    return {"type": TYPES[kind][0], "value": value}


def _value(definition: Json, scope: Scope) -> Value:
    if "copy" in definition:
        return copies({"name": "", **definition["copy"]}, scope, main=True)
    return evaluate(definition["value"], scope)
