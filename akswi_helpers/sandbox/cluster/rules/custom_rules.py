"""Rules for CustomResourceDefinitions, and for the objects that they define.

Source: 422 Status bodies of a kube-apiserver 1.37.2. Left out: validation expressions (CEL),
allOf, anyOf, oneOf and not; formats of strings; the full list of what a schema must be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from akswi_helpers.sandbox.cluster.rules import names
from akswi_helpers.sandbox.cluster.rules.field_errors import (
    FieldError,
    duplicate,
    each,
    invalid,
    required,
    too_long,
    unsupported,
)
from akswi_helpers.sandbox.cluster.tables.gotext import compact
from akswi_helpers.sandbox.cluster.tables.schema import INT_OR_STRING, Node, child, item, resolved
from akswi_helpers.types import Json

_SCOPES = ("Cluster", "Namespaced")
_STORAGE = "must have exactly one version marked as storage version"


def definition(obj: Json) -> list[FieldError]:
    """What is wrong with a CustomResourceDefinition."""
    spec = obj["spec"]
    group, called, scope = spec.get("group", ""), spec.get("names") or {}, spec.get("scope", "")
    errors = []
    name = obj["metadata"].get("name", "")
    if name != f"{called.get('plural', '')}.{group}":
        errors.append(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    if group:
        errors += [invalid("spec.group", group, why) for why in names.subdomain(group)]
    else:
        errors.append(required("spec.group"))
    if scope not in _SCOPES:
        at = "spec.scope"
        errors.append(unsupported(at, scope, _SCOPES) if scope else required(at))
    return errors + _names(called) + _versions(spec) + _stored(obj)


def _names(called: Json) -> list[FieldError]:
    errors = []
    for name in ("plural", "singular", "kind", "listKind"):
        at, value = f"spec.names.{name}", called.get(name, "")
        if not value:
            errors.append(required(at))
        else:
            errors += [invalid(at, value, why) for why in names.label_1035(value.lower())]
            if name in ("plural", "singular") and value != value.lower():
                errors += [invalid(at, value, why) for why in names.label_1035(value)]
    return errors


def _versions(spec: Json) -> list[FieldError]:
    errors: list[FieldError] = []
    versions = spec.get("versions") or []
    found = [version.get("name", "") for version in versions]
    for at, version in each("spec.versions", versions):
        name, schema = version.get("name", ""), (version.get("schema") or {})
        errors += [invalid(f"{at}.name", name, why) for why in names.label_1035(name)]
        whole = schema.get("openAPIV3Schema")
        if not whole:
            errors.append(required(f"{at}.schema.openAPIV3Schema"))
        elif whole.get("type") != "object":
            errors.append(_root(whole.get("type")))
    if len(set(found)) < len(found):
        why = "must contain unique version names"
        errors.append(invalid("spec.versions", _printed(versions), why))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        errors.append(invalid("spec.versions", _printed(versions), _STORAGE))
    return errors


def _root(found: str | None) -> FieldError:
    at = "spec.validation.openAPIV3Schema.type"
    if not found:
        return required(at, "must not be empty at the root")
    return invalid(at, found, "must be object at the root")


def _stored(obj: Json) -> list[FieldError]:
    if (obj.get("status") or {}).get("storedVersions"):
        return []
    return [invalid("status.storedVersions", None, "must have at least one stored version")]


def _printed(versions: list[Json]) -> list[Json]:
    """Versions as the real server prints them: its own Go values, schemas moved elsewhere."""
    empty = ("DeprecationWarning", "Schema", "Subresources", "AdditionalPrinterColumns")
    return [
        {
            "Name": version.get("name", ""),
            "Served": bool(version.get("served")),
            "Storage": bool(version.get("storage")),
            "Deprecated": bool(version.get("deprecated")),
            **dict.fromkeys(empty),
            "SelectableFields": None,
        }
        for version in versions
    ]


def instance(node: Node, obj: Json) -> list[FieldError]:
    """What is wrong with an object beside its definition's schema."""
    whole = {name: value for name, value in obj.items() if name != "metadata"}
    return list(_checked(node, whole, ""))


def _checked(node: Node, value: Any, at: str) -> Iterator[FieldError]:
    whole = resolved(node)
    if value is None or not _fits(whole, value):
        if value is not None or not (whole.get("nullable") or not whole.get("type")):
            yield _mistyped(whole, value, at)
        return
    yield from _bounds(whole, value, at)
    if isinstance(value, dict):
        for name in whole.get("required") or ():
            if name not in value and name != "metadata":
                yield required(f"{at}.{name}" if at else name)
        for name, inner in value.items():
            yield from _checked(child(whole, name), inner, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        for path, inner in each(at, value):
            yield from _checked(item(whole), inner, path)
        if whole.get("list") in ("set", "map"):
            yield from _unique(whole, value, at)


def _fits(node: Node, value: Any) -> bool:
    kind = node.get("type")
    if node.get("name") == INT_OR_STRING:
        return isinstance(value, (int, str)) and not isinstance(value, bool)
    if kind in ("integer", "number"):
        numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
        return numeric and (kind == "number" or float(value).is_integer())
    wanted = {"string": str, "boolean": bool, "array": list, "object": dict}.get(str(kind))
    return wanted is None or isinstance(value, wanted)


def _mistyped(node: Node, value: Any, at: str) -> FieldError:
    integer = node.get("name") == INT_OR_STRING
    wanted = "integer,string" if integer else str(node.get("type"))
    said = compact(_json_type(value))
    message = f"Invalid value: {said}: {at} in body must be of type {wanted}: {said}"
    return FieldError("FieldValueTypeInvalid", message, at)


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    for python, name in ((int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, python):
            return name
    return "object" if isinstance(value, dict) else "null"


def _bounds(node: Node, value: Any, at: str) -> Iterator[FieldError]:
    if node.get("enum") and value not in node["enum"]:
        yield unsupported(at, value, node["enum"])
    if isinstance(value, str):
        yield from _text(node, value, at)
    elif isinstance(value, list):
        yield from _count(node, len(value), at)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if "minimum" in node and value < node["minimum"]:
            why = f"{at} in body should be greater than or equal to {node['minimum']}"
            yield invalid(at, value, why)
        if "maximum" in node and value > node["maximum"]:
            why = f"{at} in body should be less than or equal to {node['maximum']}"
            yield invalid(at, value, why)


def _text(node: Node, value: str, at: str) -> Iterator[FieldError]:
    if len(value) < node.get("minLength", 0):
        why = f"{at} in body should be at least {node['minLength']} chars long"
        yield invalid(at, value, why)
    if len(value) > node.get("maxLength", len(value)):
        yield too_long(at, node["maxLength"])
    if "pattern" in node and not re.search(node["pattern"], value):
        yield invalid(at, value, f"{at} in body should match '{node['pattern']}'")


def _count(node: Node, count: int, at: str) -> Iterator[FieldError]:
    if count < node.get("minItems", 0):
        why = f"{at} in body should have at least {node['minItems']} items"
        yield invalid(at, count, why)
    most = node.get("maxItems", count)
    if count > most:
        said = f"Too many: {count}: must have at most {most} items"
        yield FieldError("FieldValueTooMany", said, at)


def _unique(node: Node, values: list[Any], at: str) -> Iterator[FieldError]:
    seen: list[Any] = []
    for path, value in each(at, values):
        keys = node.get("keys") or ()
        mapped = node.get("list") == "map" and isinstance(value, dict)
        key = {name: value.get(name) for name in keys} if mapped else value
        if key in seen:
            yield duplicate(path, key)
        seen.append(key)
