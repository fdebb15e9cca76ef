"""Request bodies: JSON, YAML or protobuf in; an object of the expected kind out, or the refusal.

Unknown and duplicate fields are refused, warned of or ignored as `fieldValidation` says, and never
stored.

Source: refusals of a kube-apiserver 1.37.2. Left out: CBOR.
"""

from __future__ import annotations

import json
from typing import Any

from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.refusals import StatusError, bad_request
from akswi_helpers.sandbox.cluster.rules import validation
from akswi_helpers.sandbox.cluster.tables import protobuf
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, root
from akswi_helpers.sandbox.cluster.tables.schema import Node, child, item
from akswi_helpers.types import Json

JSON, YAML = "application/json", "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
_UNREADABLE = (
    "the body of the request was in an unknown format - accepted media types include: "
    f"{JSON}, {YAML}, {PROTOBUF}"
)


def media_type(call: Call) -> str:
    """The body's media type without parameters; JSON when none is given."""
    return call.headers.get("content-type", "").partition(";")[0].strip().lower() or JSON


def read_object(call: Call, kind: Kind) -> Json:
    """The body as an object of `kind`, checked field by field. Raises StatusError 400 or 415."""
    obj, duplicates = _decoded(call, kind.kind)
    _of_kind(call, kind, obj)
    obj |= {"kind": kind.kind, "apiVersion": kind.api_version}
    return checked(call, kind, obj, duplicates)


def checked(call: Call, kind: Kind, obj: Json, duplicates: list[str] | None = None) -> Json:
    """The object without unknown fields. Raises StatusError 400 for wrong types or in Strict."""
    wrong = validation.decode_errors(kind, obj)
    if wrong:
        raise _cannot(kind, wrong[0])
    mode = call.field_validation
    unknown = [f'unknown field "{path}"' for path in validation.unknown_fields(kind, obj)]
    found = [f'duplicate field "{path}"' for path in duplicates or []] + unknown
    if found and mode == "Strict":
        raise _cannot(kind, f"strict decoding error: {', '.join(found)}")
    if mode == "Warn":
        call.answered.warnings += found
    kept = validation.pruned(kind, obj) if unknown else obj
    return kept if kind.custom else _without_nulls(kept, root(kind))


def _without_nulls(value: Any, node: Node) -> Any:
    """The value as Go reads it: a null field is none, a null item the zero of its type."""
    if isinstance(value, dict):
        return {k: _without_nulls(v, child(node, k)) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        inner = item(node)
        zero = "" if inner.get("type") == "string" else {}
        return [_without_nulls(zero if v is None else v, inner) for v in value]
    return value


def read_any(call: Call) -> Json:
    """The body as an object of whatever kind. Raises StatusError 400 or 415."""
    return _decoded(call, "object")[0]


def read_applied(call: Call, kind: Kind) -> Json:
    """The body of a server-side apply, JSON or YAML. Raises StatusError 400."""
    obj = _object(read_json(call))
    _of_kind(call, kind, obj)
    obj |= {"kind": kind.kind, "apiVersion": kind.api_version}
    return checked(call, kind, obj)


def read_options(call: Call) -> Json:
    """DeleteOptions: the body's, else the query's."""
    if call.body.strip():
        obj, _ = _decoded(call, "DeleteOptions")
        return obj
    names = ("propagationPolicy", "gracePeriodSeconds", "orphanDependents", "dryRun")
    found: Json = {name: call.query[name] for name in names if name in call.query}
    if "gracePeriodSeconds" in found:
        found["gracePeriodSeconds"] = call.integer("gracePeriodSeconds")
    if "orphanDependents" in found:
        found["orphanDependents"] = call.true("orphanDependents")
    if "dryRun" in found:
        found["dryRun"] = [found["dryRun"]]
    return found


def read_json(call: Call) -> Any:
    """The body of a patch: any JSON, or YAML where apply-patch sends it."""
    try:
        return json.loads(call.body)
    except ValueError as error:
        if "yaml" in media_type(call):
            return _yaml(call.body)
        raise bad_request(f"error decoding patch: {_go_words(call.body, error)}") from error


def _decoded(call: Call, expected: str) -> tuple[Json, list[str]]:
    media = media_type(call)
    if media == PROTOBUF:
        return _protobuf(call), []
    if media == YAML:
        return _object(_yaml(call.body)), []
    if media != JSON:
        raise StatusError(415, "UnsupportedMediaType", _UNREADABLE)
    try:
        found = json.loads(call.body, object_pairs_hook=_Pairs)
    except ValueError as error:
        words = _go_words(call.body, error)
        text = call.body.decode("utf-8", "replace")
        raise bad_request(
            f"the object provided is unrecognized (must be of type {expected}): "
            f"couldn't get version/kind; json parse error: {words} ({text})"
        ) from error
    obj = _object(found)
    return obj, list(_duplicates(obj))


def _protobuf(call: Call) -> Json:
    try:
        return protobuf.decode(call.body)
    except (ValueError, KeyError, IndexError) as error:
        raise bad_request(f"the protobuf body cannot be decoded: {error}") from error


def _yaml(body: bytes) -> Any:
    import yaml

    try:
        return yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error


def _object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise bad_request(
            "couldn't get version/kind; json parse error: json: cannot unmarshal "
            f"{_go_type(value)} into Go value of type struct"
        )
    return value


class _Pairs(dict[str, Any]):
    """A JSON object that remembers which of its keys came twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.twice = sorted({name for name in names if names.count(name) > 1})


def _duplicates(value: Any, path: str = "") -> list[str]:
    if isinstance(value, list):
        return [d for i, inner in enumerate(value) for d in _duplicates(inner, f"{path}[{i}]")]
    if not isinstance(value, dict):
        return []
    dot = f"{path}." if path else ""
    found = [f"{dot}{name}" for name in getattr(value, "twice", ())]
    for name, inner in value.items():
        found += _duplicates(inner, f"{dot}{name}")
    return found


def _of_kind(call: Call, kind: Kind, obj: Json) -> None:
    for name in ("apiVersion", "kind"):
        if not isinstance(obj.get(name, ""), str):
            found = _go_type(obj[name])
            raise bad_request(
                f"couldn't get version/kind; json parse error: json: cannot unmarshal {found} "
                f"into Go struct field .{name} of type string"
            )
    given, version = obj.get("kind") or kind.kind, obj.get("apiVersion") or kind.api_version
    if (given, version) == (kind.kind, kind.api_version):
        return
    words = f'{given} in version "{version.rpartition("/")[2]}" cannot be handled as a {kind.kind}'
    if given != kind.kind:
        known = any((k.kind, k.api_version) == (given, version) for k in call.cluster.kinds.all())
        short = version.rpartition("/")[2]
        why = (
            f"converting ({short}.{given}) to ({kind.group or 'core'}.{kind.kind}): "
            "unknown conversion"
            if known
            else f'no kind "{given}" is registered for version "{version}" '
            'in scheme "pkg/runtime/scheme.go:111"'
        )
        raise bad_request(f"{words}: {why}")
    raise bad_request(
        f"the API version in the data ({version}) does not match the expected API version "
        f"({kind.api_version})"
    )


def _cannot(kind: Kind, why: str) -> StatusError:
    name = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}'
    return bad_request(f"{name}: {why}")


_EXPECTED = {
    "Expecting property name": "looking for beginning of object key string",
    "Expecting value": "looking for beginning of value",
    "Expecting ':'": "after object key",
    "Expecting ','": "after object key:value pair",
    "Extra data": "after top-level value",
}


def _go_words(body: bytes, error: ValueError) -> str:
    """What Go's decoder says where Python's said `error`."""
    if not isinstance(error, json.JSONDecodeError):
        return "invalid UTF-8 in string"
    text = body.decode("utf-8", "replace")
    if error.pos >= len(text):
        return "unexpected end of JSON input"
    for start, words in _EXPECTED.items():
        if error.msg.startswith(start):
            return f"invalid character '{text[error.pos]}' {words}"
    return f"invalid character '{text[error.pos]}' in string literal"


def _go_type(value: Any) -> str:
    names = {
        list: "array",
        _Pairs: "object",
        dict: "object",
        str: "string",
        bool: "bool",
        int: "number",
        float: "number",
    }
    return names.get(type(value), "null")
