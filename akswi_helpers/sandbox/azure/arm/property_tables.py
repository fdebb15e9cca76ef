"""Is this body one that the resource type takes? Judged by Microsoft's own type tables.

    checked(kind, body) -> the body without what may only be read; refuses the rest

Source: the published type definitions behind Bicep, as data in `data/arm/properties.json`; one
api-version per type. A property that is not in the table is refused as not emulated, never
dropped. Left out: types without a table.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from akswi_helpers.sandbox.azure.arm.refusals import invalid_request
from akswi_helpers.sandbox.wire import not_emulated
from akswi_helpers.types import Json

_PYTHON = {"string": str, "boolean": bool, "array": list, "object": dict}


@cache
def arm_data(name: str) -> Any:
    """The data file `name`.json of Resource Manager, read once."""
    place = files("akswi_helpers.sandbox") / "data" / "arm" / f"{name}.json"
    return json.loads(place.read_text(encoding="utf-8"))


def checked(kind: str, body: Json, *, partial: bool = False) -> Json:
    """`body` without its read-only properties.

    `partial` is for a PATCH: nothing is required. Raises WireError 400 when a value is missing or
    outside its bounds, 501 when a property is unknown here.
    """
    rows: dict[str, Json] = arm_data("properties")[kind]
    return _object(kind, rows, "", body, partial)


def _object(kind: str, rows: dict[str, Json], path: str, value: Json, partial: bool) -> Json:
    prefix = f"{path}." if path else ""
    if not partial:
        _require(rows, prefix, value)
    kept = {}
    for name, item in value.items():
        inner, row = _row(kind, rows, prefix, name)
        if "readonly" not in row.get("flags", "") and inner != "name":
            kept[name] = _value(kind, rows, inner, row, item, partial)
    return kept


def _row(kind: str, rows: dict[str, Json], prefix: str, name: str) -> tuple[str, Json]:
    for inner in (prefix + name, prefix + "*"):
        if inner in rows:
            return inner, rows[inner]
    if prefix + name in ("type", "apiVersion", "etag"):
        return prefix + name, {"flags": "readonly"}
    if prefix and rows[prefix[:-1]].get("type") == "any":
        return prefix + name, {"type": "any"}
    raise not_emulated(f"the property '{prefix}{name}' of {kind}")


def _require(rows: dict[str, Json], prefix: str, value: Json) -> None:
    for path, row in rows.items():
        head, name = path[: len(prefix)], path[len(prefix) :]
        wanted = "required" in row.get("flags", "") and "readonly" not in row.get("flags", "")
        own = head == prefix and name.isalnum() and path not in ("name", "location")
        if wanted and own and value.get(name) is None:
            raise invalid_request(f"The required property '{path}' is missing.")


def _value(
    kind: str, rows: dict[str, Json], path: str, row: Json, value: Any, partial: bool
) -> Any:
    if value is None or row["type"] == "any":
        return value
    _bounds(path, row, value)
    if isinstance(value, dict):
        return _object(kind, rows, path, value, partial) if _has_inner(rows, path) else value
    if isinstance(value, list):
        item = rows.get(path + "[]")
        inner = path + "[]"
        return [_value(kind, rows, inner, item, one, partial) if item else one for one in value]
    return value


def _has_inner(rows: dict[str, Json], path: str) -> bool:
    return any(other.startswith(path + ".") for other in rows)


def _bounds(path: str, row: Json, value: Any) -> None:
    if not _of_type(row["type"], value):
        raise invalid_request(f"The property '{path}' must be of type {row['type']}.")
    size = value if isinstance(value, int | float) else len(value)
    low = row.get("minLength", row.get("minValue"))
    high = row.get("maxLength", row.get("maxValue", row.get("max")))
    if (low is not None and size < low) or (high is not None and size > high):
        raise invalid_request(f"The property '{path}' must be between {low} and {high}.")
    allowed = row.get("enum")
    if allowed and str(value).lower() not in [one.lower() for one in allowed]:
        raise invalid_request(f"'{value}' is not one of '{', '.join(allowed)}' for '{path}'.")
    if "pattern" in row and not re.search(row["pattern"], str(value)):
        raise invalid_request(f"The value of '{path}' does not match '{row['pattern']}'.")


def _of_type(wanted: str, value: Any) -> bool:
    if wanted == "integer":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, _PYTHON.get(wanted, object))
