"""Whether a JSON object can be read as its kind: unknown fields and wrong types.

    unknown_fields(pod, obj)   ->  ["spec.containers[0].imagePullPolcy"]
    decode_errors(pod, obj)    ->  ["json: cannot unmarshal number into Go struct field …"]

Source: refusals of a kube-apiserver 1.37.2; the Go names of types from the published source.
Left out: Go names in the groups that no AKS chart uses.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from akswi_helpers.sandbox.cluster.tables import quantities
from akswi_helpers.sandbox.cluster.tables.canonical import slots
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, root
from akswi_helpers.sandbox.cluster.tables.schema import (
    INT_OR_STRING,
    META,
    MICRO_TIME,
    QUANTITY,
    TIME,
    Node,
    child,
    facts,
    item,
    ref,
    resolved,
)
from akswi_helpers.types import Json

_JSON_NAMES = ((bool, "bool"), (int, "number"), (float, "number"), (str, "string"))
_WANTED = {"string": str, "boolean": bool, "array": list, "object": dict}


def unknown_fields(kind: Kind, obj: Json) -> list[str]:
    """Paths of fields that the kind does not have, in the object's order."""
    return list(_unknown(root(kind), obj, ""))


def pruned(kind: Kind, obj: Json) -> Json:
    """A copy of the object without the fields that the kind does not have."""
    copied: Json = _pruned(root(kind), obj)
    return copied


def decode_errors(kind: Kind, obj: Json) -> list[str]:
    """What the API server says about values of the wrong type, first ones first.

    A custom resource is checked by its schema later; only its metadata is here.
    """
    if not kind.custom:
        return list(_wrong(root(kind), obj, "", ref(root(kind))))
    return list(_wrong({"ref": META}, obj.get("metadata"), "", META))


def _closed(node: Node) -> bool:
    """Whether the node names every field that its object may have."""
    return "fields" in node and "values" not in node and not node.get("open")


def _unknown(node: Node, value: Any, path: str) -> Iterator[str]:
    whole = resolved(node)
    if isinstance(value, dict):
        for name, inner in value.items():
            at = f"{path}.{name}" if path else name
            if _closed(whole) and name not in whole["fields"]:
                yield at
            else:
                yield from _unknown(child(whole, name), inner, at)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _unknown(item(whole), inner, f"{path}[{number}]")


def _pruned(node: Node, value: Any) -> Any:
    whole = resolved(node)
    if isinstance(value, dict):
        return {
            name: _pruned(child(whole, name), inner)
            for name, inner in value.items()
            if not _closed(whole) or name in whole["fields"]
        }
    if isinstance(value, list):
        return [_pruned(item(whole), inner) for inner in value]
    return value


def _wrong(node: Node, value: Any, path: str, struct: str, go: str = "") -> Iterator[str]:
    """`struct` is the type that holds the value, `go` what Go calls the value's own."""
    if value is None:
        return
    whole = resolved(node)
    read = _reads_itself(whole, value)
    if read is not None:
        yield from read
    elif not _fits(whole, value):
        yield _cannot(value, path, struct, go or _go(whole))
    elif isinstance(value, dict):
        holder = ref(whole) if "fields" in whole else ""
        for name, inner in value.items():
            segment, owner = _segment(holder, name)
            at = f"{path}.{segment}" if holder and path else path or segment
            named = facts("gotypes").get(owner, {}).get(name, "")
            yield from _wrong(child(whole, name), inner, at, holder or struct, named)
    elif isinstance(value, list):
        for inner in value:
            yield from _wrong(item(whole), inner, path, struct, go.removeprefix("[]"))


def _segment(holder: str, name: str) -> tuple[str, str]:
    """A field as the path names it, and the type that declares it: inlined types show."""
    for inlined in _inlined(holder):
        if any(slot.name == name for slot in slots(inlined)):
            segment, owner = _segment(inlined, name)
            return f"{inlined.rpartition('.')[2]}.{segment}", owner
    return name, holder


@cache
def _inlined(type_name: str) -> tuple[str, ...]:
    rows = facts("protobuf").get(type_name, ())
    return tuple(inner for _, name, inner, *_ in rows if name == "*inline")


def _fits(node: Node, value: Any) -> bool:
    if node.get("name") == INT_OR_STRING:
        return isinstance(value, (int, str)) and not isinstance(value, bool)
    kind = node.get("type")
    if kind in ("integer", "number"):
        whole = isinstance(value, int) or kind == "number"
        return isinstance(value, (int, float)) and not isinstance(value, bool) and whole
    wanted = _WANTED.get(kind) if isinstance(kind, str) else None
    return wanted is None or isinstance(value, wanted)


def _cannot(value: Any, path: str, struct: str, go: str) -> str:
    found = f"number {value}" if isinstance(value, float) and "int" in go else _json_name(value)
    where = f"{struct.rpartition('.')[2]}.{path}"
    return f"json: cannot unmarshal {found} into Go struct field {where} of type {go}"


def _go(node: Node) -> str:
    whole = resolved(node)
    kind = whole.get("type")
    if kind == "array":
        return f"[]{_go(item(whole))}"
    if kind == "object" and "fields" in whole:
        return "v1." + ref(whole).rpartition(".")[2]
    if kind == "object":
        return f"map[string]{_go(whole.get('values') or {'type': 'string'})}"
    if whole.get("format") == "byte":
        return "[]uint8"
    if whole.get("name") == INT_OR_STRING:
        return "int32"
    if kind == "integer":
        return str(whole.get("format", "int32"))
    return "bool" if kind == "boolean" else str(kind)


def _reads_itself(node: Node, value: Any) -> list[str] | None:
    """The complaints about a value of a type that reads itself; None for any other."""
    name = node.get("name")
    if name == QUANTITY:
        return _quantity(value)
    if name in (TIME, MICRO_TIME):
        return _time(value)
    if node.get("format") == "byte" and isinstance(value, str):
        return _bytes(value)
    return None


def _json_name(value: Any) -> str:
    plain = next((name for type_, name in _JSON_NAMES if isinstance(value, type_)), "")
    return plain or ("array" if isinstance(value, list) else "object")


def _quantity(value: Any) -> list[str]:
    if isinstance(value, (dict, list, bool)):
        return [f"quantities must match the regular expression '{quantities.PATTERN}'"]
    try:
        quantities.parse(value)
    except ValueError as error:
        return [str(error)]
    return []


def _time(value: Any) -> list[str]:
    if not isinstance(value, str):
        return [f"json: cannot unmarshal {_json_name(value)} into Go value of type string"]
    try:
        datetime.fromisoformat(value)
    except ValueError:
        layout = "2006-01-02T15:04:05Z07:00"
        return [f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"']
    return []


def _bytes(value: str) -> list[str]:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = value.replace("\n", "").replace("\r", "")
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        body = text.rstrip("=")
        strange = (at for at, char in enumerate(body) if char not in alphabet)
        return [f"illegal base64 data at input byte {next(strange, len(text) // 4 * 4)}"]
    return []
