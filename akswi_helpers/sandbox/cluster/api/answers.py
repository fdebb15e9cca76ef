"""What a client wants to see: the object, a Table of it, or only its metadata. Always as JSON.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ (alternate representations).
Left out: YAML and protobuf answers; every client that asks for them also takes JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.printing import columns
from akswi_helpers.sandbox.cluster.refusals import StatusError, bad_request
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

META = "meta.k8s.io/v1"
_OFFERED = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
_TAKEN = {"application/json", "application/*", "*/*", "application/vnd.kubernetes.protobuf"}


@dataclass(frozen=True, slots=True)
class Form:
    """How to show objects: `shape` is "", "Table" or "PartialObjectMetadata"."""

    shape: str = ""


def form_of(call: Call) -> Form:
    """The form the client prefers. Raises StatusError 406 when none of ours is accepted."""
    accept = call.headers.get("accept", "")
    if not accept.strip():
        return Form()
    for media, parameters in parsed(accept):
        shape = parameters.get("as", "")
        if media not in _TAKEN or parameters.get("g", "meta.k8s.io") != "meta.k8s.io":
            continue
        if shape in ("", "Table"):
            return Form(shape)
        if shape in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return Form("PartialObjectMetadata")
    raise not_acceptable()


def not_acceptable() -> StatusError:
    """406, naming what there is."""
    message = f"406: Not Acceptable\n\nAvailable representations: {_OFFERED}"
    return StatusError(406, "NotAcceptable", message, {})


def parsed(accept: str) -> list[tuple[str, Mapping[str, str]]]:
    """The media types of an Accept header, in its order, each with its parameters."""
    found: list[tuple[str, Mapping[str, str]]] = []
    for part in accept.split(","):
        media, *parameters = [piece.strip() for piece in part.split(";")]
        pairs = dict(piece.split("=", 1) for piece in parameters if "=" in piece)
        found.append((media.lower(), pairs))
    return found


def one(call: Call, kind: Kind, obj: Json) -> Json:
    """A single object in the client's form; a Status stays what it is."""
    form = form_of(call)
    if obj.get("kind") == "Status" or not form.shape:
        return obj
    if form.shape == "Table":
        found = table(call, kind, [obj])
        found["metadata"] = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return found
    return partial(obj)


def many(call: Call, kind: Kind, objects: list[Json], metadata: Json) -> Json:
    """A list in the client's form."""
    form = form_of(call)
    if form.shape == "Table":
        return {**table(call, kind, objects), "metadata": metadata}
    if form.shape:
        items = [partial(obj) for obj in objects]
        return _list("PartialObjectMetadataList", META, metadata, items)
    return _list(kind.list_kind, kind.api_version, metadata, [_item(kind, o) for o in objects])


def table(call: Call, kind: Kind, objects: list[Json]) -> Json:
    """A Table of the objects, with what includeObject asks for in each row."""
    now = call.cluster.world.clock.now()
    return columns.table(kind, objects, now=now, include=_include(call))


def _include(call: Call) -> columns.Include:
    match call.query.get("includeObject", ""):
        case "" | "Metadata":
            return "Metadata"
        case "Object":
            return "Object"
        case "None":
            return "None"
        case other:
            why = f"includeObject: Invalid value: \"{other}\": must be 'Metadata', 'Object', 'None'"
            raise bad_request(f"Unable to convert to Table as requested: {why}, or empty")


def partial(obj: Json) -> Json:
    """Only the object's metadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": obj["metadata"]}


def _list(kind: str, api_version: str, metadata: Json, items: list[Json]) -> Json:
    return {"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items}


def _item(kind: Kind, obj: Json) -> Json:
    # Items of built-in lists carry no kind and apiVersion; those of custom resources do.
    if kind.custom:
        return obj
    return {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}
