r"""Request bodies that typed clients send as protobuf, as the JSON objects they stand for.

    decode(body)   ->  {"apiVersion": "v1", "kind": "Secret", "metadata": …, "data": …}

A body is `k8s\0` and a `runtime.Unknown` that names the kind and holds the object. helm 3.17 and
kubectl 1.32 and newer send their own objects so; answers may always be JSON. Go writes every
field that is not a pointer, zeros too: those are left out of the JSON unless the Go type keeps
them (no omitempty), zeros behind a pointer (`replicas: 0`) always stay.

Source: field numbers of the published Go types of Kubernetes 1.37; https://protobuf.dev encoding.
Left out: writing protobuf.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from akswi_helpers.sandbox.cluster.tables.schema import facts, types
from akswi_helpers.types import Json

MAGIC = b"k8s\0"

_API = "io.k8s.apimachinery.pkg."
_META = _API + "apis.meta.v1."
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _Field(NamedTuple):
    name: str
    type: str
    many: str  # "one", "many" or "map"
    flags: str  # "p" pointer, "o" omitempty


def decode(body: bytes) -> Json:
    """The object in a protobuf body. Raises ValueError with a sentence when it is not one."""
    if not body.startswith(MAGIC):
        raise ValueError("The body does not begin with the Kubernetes protobuf prefix k8s\\0.")
    try:
        unknown = dict(_wire(body[len(MAGIC) :]))
        identity = dict(_wire(unknown.get(1, b"")))
        api_version, kind = identity[1].decode(), identity[2].decode()
        return {"kind": kind, "apiVersion": api_version} | _message(
            _type_of(api_version, kind), unknown.get(2, b"")
        )
    except (KeyError, IndexError, AttributeError, TypeError, struct.error) as error:
        raise ValueError("The body is not a whole protobuf message.") from error
    except UnicodeDecodeError as error:
        raise ValueError("The body holds a text that is not UTF-8.") from error


def _type_of(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    name = _by_kind().get(f"{group}/{version}/{kind}")
    if name is None and _META + kind in _messages():
        name = _META + kind  # DeleteOptions and its like belong to every group
    if name is None:
        raise ValueError(f'No kind "{kind}" of "{api_version}" is known in protobuf.')
    return name


@cache
def _by_kind() -> dict[str, str]:
    return {name: key for key, node in types().items() for name in node.get("kinds", ())}


@cache
def _messages() -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = facts("protobuf")
    return found


@cache
def _fields(name: str) -> dict[int, _Field]:
    return {row[0]: _Field(*row[1:]) for row in _messages()[name]}


def _wire(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, form = tag >> 3, tag & 7
        value: Any
        if form == _VARINT:
            value, at = _varint(data, at)
        elif form == _BYTES:
            size, at = _varint(data, at)
            value, at = _exactly(data, at, size)
        elif form in (_FIXED64, _FIXED32):
            value, at = _exactly(data, at, 8 if form == _FIXED64 else 4)
        else:
            raise ValueError("The body holds a protobuf wire type that Kubernetes does not use.")
        yield number, value


def _exactly(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(data):
        raise ValueError("The body ends in the middle of a protobuf field.")
    return data[at : at + size], at + size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("The body holds a number that is too long for protobuf.")


def _message(name: str, data: bytes) -> Json:
    found: Json = {}
    known = _fields(name)
    for number, raw in _wire(data):
        if field := known.get(number):
            _set(found, field, raw)
    return found


def _set(found: Json, field: _Field, raw: Any) -> None:
    if field.many == "map":
        pair = dict(_wire(raw))
        empty = b"" if field.type in ("string", "bytes") or "." in field.type else 0
        value = _value(field.type, pair.get(2, empty))
        found.setdefault(field.name, {})[pair.get(1, b"").decode()] = value
    elif field.many == "many":
        found.setdefault(field.name, []).extend(_several(field.type, raw))
    else:
        value = _value(field.type, raw)
        if field.name == "*inline":
            found.update(value)
        elif value or "p" in field.flags or ("o" not in field.flags and value is not None):
            found[field.name] = value


def _several(type_name: str, raw: Any) -> list[Any]:
    if type_name.startswith("int") and isinstance(raw, bytes):  # packed
        numbers, at = [], 0
        while at < len(raw):
            number, at = _varint(raw, at)
            numbers.append(_signed(number))
        return numbers
    return [_value(type_name, raw)]


def _value(type_name: str, raw: Any) -> Any:
    convert = _CONVERT.get(type_name)
    return convert(raw) if convert else _message(type_name, raw)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _time(raw: bytes) -> str | None:
    if not raw:
        return None
    return f"{_moment(dict(_wire(raw)))}Z"


def _micro_time(raw: bytes) -> str | None:
    if not raw:
        return None
    parts = dict(_wire(raw))
    return f"{_moment(parts)}.{parts.get(2, 0) // 1000:06d}Z"


def _moment(parts: dict[int, Any]) -> str:
    try:
        moment = datetime.fromtimestamp(_signed(parts.get(1, 0)), UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError("The body holds a time that no calendar has.") from error
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _int_or_string(raw: bytes) -> int | str:
    parts = dict(_wire(raw))
    if parts.get(1):
        text: bytes = parts.get(3, b"")
        return text.decode()
    return _signed(parts.get(2, 0))


def _raw_json(raw: bytes) -> Any:
    text = dict(_wire(raw)).get(1, b"")
    return json.loads(text) if text else None


def _strings(raw: bytes) -> list[str]:
    return [text.decode() for number, text in _wire(raw) if number == 1]


def _schema_or(other: str) -> Callable[[bytes], Any]:
    """One of apiextensions' two-sided types: a schema, or what `other` says."""

    def convert(raw: bytes) -> Any:
        pairs = list(_wire(raw))
        schemas = [value for number, value in pairs if number == (2 if other == "bool" else 1)]
        if schemas and schemas[0]:
            return _message(_EXTENSIONS + "JSONSchemaProps", schemas[0])
        if other == "bool":
            return bool(dict(pairs).get(1, 0))
        rest = [value for number, value in pairs if number == 2]
        if other == "strings":
            return [text.decode() for text in rest]
        return [_message(_EXTENSIONS + "JSONSchemaProps", value) for value in rest]

    return convert


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "string": lambda raw: raw.decode(),
    "bytes": lambda raw: base64.b64encode(raw).decode(),
    "bool": bool,
    "int32": _signed,
    "int64": _signed,
    "float64": lambda raw: struct.unpack("<d", raw)[0],
    _META + "Time": _time,
    _META + "MicroTime": _micro_time,
    _META + "FieldsV1": _raw_json,
    _API + "api.resource.Quantity": lambda raw: dict(_wire(raw)).get(1, b"0").decode(),
    _API + "util.intstr.IntOrString": _int_or_string,
    _API + "runtime.RawExtension": _raw_json,
    _EXTENSIONS + "JSON": _raw_json,
    _EXTENSIONS + "JSONSchemaPropsOrBool": _schema_or("bool"),
    _EXTENSIONS + "JSONSchemaPropsOrArray": _schema_or("array"),
    _EXTENSIONS + "JSONSchemaPropsOrStringArray": _schema_or("strings"),
    "io.k8s.api.authentication.v1.ExtraValue": _strings,
    "io.k8s.api.authentication.v1.AttestationValue": _strings,
    "io.k8s.api.authorization.v1.ExtraValue": _strings,
}
