"""A template as a document: what it must have, what is not emulated, its definitions.

Array templates and symbolic ones (languageVersion 2.0) look the same afterwards: a list of
`Definition`, nested child resources included.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/syntax. Left out:
deployments to a subscription or tenant, user-defined functions, extensions, imports: all refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from akswi_helpers.sandbox.templates.refusals import (
    NotEmulated,
    TemplateRefused,
    validation_failed,
)
from akswi_helpers.sandbox.wire import UNVERIFIED
from akswi_helpers.types import Json

NESTED = "Microsoft.Resources/deployments"


@dataclass(frozen=True, slots=True)
class Definition:
    """One resource as the template writes it; `symbol` is empty in array templates."""

    body: Json
    symbol: str = ""

    @property
    def existing(self) -> bool:
        """Read, not made."""
        return bool(self.body.get("existing", False))

    @property
    def loop(self) -> Json | None:
        """The resource's own loop, or None."""
        return self.body.get("copy")


def checked(template: Any) -> Json:
    """`template` when it is one that can be deployed to a resource group.

    Raises TemplateRefused for what Azure refuses, NotEmulated for what this engine leaves out.
    """
    if not isinstance(template, dict):
        raise _unreadable("Unexpected token, a JSON object is required")
    for name in ("$schema", "contentVersion", "resources"):
        if name not in template:
            raise _unreadable(f"Required property '{name}' not found in JSON. Path ''")
    schema = str(template["$schema"]).lower()
    if not schema.rstrip("#").endswith("/deploymenttemplate.json"):
        raise validation_failed(
            f"{UNVERIFIED}The template schema '{template['$schema']}' is not supported for a "
            "deployment to a resource group."
        )
    for name in ("functions", "imports", "extensions", "policies"):
        if template.get(name):
            raise NotEmulated(f"'{name}' in a template")
    return template


def definitions(template: Json) -> list[Definition]:
    """The template's resources in the order they are written, children after their parents."""
    resources = template["resources"]
    if isinstance(resources, dict):
        pairs = [(body, symbol) for symbol, body in resources.items()]
    else:
        pairs = [(body, "") for body in resources]
    return [found for body, symbol in pairs for found in _with_children(body, symbol)]


def template_hash(template: Json) -> str:
    """The compiler's own hash where the template carries one, else one of ours: decimal digits."""
    metadata = template.get("metadata") or {}
    generator = metadata.get("_generator") or {}
    if isinstance(generator, dict) and generator.get("templateHash"):
        return str(generator["templateHash"])
    text = json.dumps(template, sort_keys=True).encode()
    return str(int.from_bytes(hashlib.sha256(text).digest()[:8], "big"))


def column(template: Json, name: str) -> int:
    """Where parameter `name` is defined in the template written on one line, near Azure's count."""
    text = json.dumps(template, separators=(",", ":"))
    parameters = max(text.find('"parameters":'), 0)
    return text.find(f'{json.dumps(name)}:{{"type"', parameters) + 1


def place(template: Json, part: Json) -> int:
    """Where `part` of the template begins when it is written on one line, near Azure's count."""
    text = json.dumps(template, separators=(",", ":"))
    return text.find(json.dumps(part, separators=(",", ":"))[:-1]) + 1 or 1


def resolved(template: Json, definition: Json) -> Json:
    """A parameter or output with its "$ref" followed; what it says itself wins.

    Raises TemplateRefused when there is no such definition.
    """
    while "$ref" in definition:
        name = str(definition["$ref"]).removeprefix("#/definitions/")
        named = (template.get("definitions") or {}).get(name)
        if named is None:
            raise validation_failed(f"{UNVERIFIED}The type definition '{name}' is not found.")
        own = {key: value for key, value in definition.items() if key != "$ref"}
        definition = {**named, **own}
    return definition


def _with_children(body: Any, symbol: str) -> Iterator[Definition]:
    for name in ("type", "name"):
        if not isinstance(body, dict) or name not in body:
            raise _unreadable(f"Required property '{name}' not found in JSON. Path 'resources'")
    if "import" in body or "extension" in body:
        raise NotEmulated("extension resources that are not Azure's")
    own = {key: value for key, value in body.items() if key != "resources"}
    yield Definition(own, symbol)
    for child in [] if body["type"] == NESTED else body.get("resources", []):
        yield from _with_children(_full_child(body, child), "")


def _full_child(parent: Json, child: Json) -> Json:
    if str(child["type"]).lower().startswith(str(parent["type"]).lower() + "/"):
        return child
    names = [_inner(parent["name"]), _inner(child["name"])]
    full = {**child, "type": f"{parent['type']}/{child['type']}"}
    return full | {"name": f"[concat({names[0]}, '/', {names[1]})]"}


def _inner(name: str) -> str:
    if name.startswith("[") and not name.startswith("[["):
        return name[1:-1]
    return "'" + name.replace("'", "''") + "'"


def _unreadable(reason: str) -> TemplateRefused:
    return TemplateRefused(f"{UNVERIFIED}Deployment template parse failed: '{reason}.'.")
