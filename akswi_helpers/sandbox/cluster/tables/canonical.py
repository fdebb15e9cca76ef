"""Objects in the one form in which the API server writes them.

It reads JSON into Go structs and writes those: a field that may not be left out appears with its
zero, an optional field that is zero disappears, null is nothing, amounts are written one way. What
may be left out is table-driven: flags of every field of every type.

    canonical("io.k8s.api.core.v1.Container", {"name": "c", "tty": False})
        ->  {"name": "c", "resources": {}}      (in place)

Source: published Go types of Kubernetes 1.37 (json and protobuf tags); objects stored by a
kube-apiserver 1.37.2. Left out: the order of keys.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from akswi_helpers.sandbox.cluster.tables import quantities
from akswi_helpers.sandbox.cluster.tables.schema import (
    INT_OR_STRING,
    MICRO_TIME,
    QUANTITY,
    TIME,
    facts,
)
from akswi_helpers.types import Json

Visit = Callable[[str, Json], None]

_RAW = (
    "JSON",
    "FieldsV1",
    "RawExtension",
    "JSONSchemaProps",
    "JSONSchemaPropsOrArray",
    "JSONSchemaPropsOrBool",
    "JSONSchemaPropsOrStringArray",
    "ExtraValue",
    "AttestationValue",
)
_ZERO: dict[str, Any] = {
    "string": "",
    "bytes": "",
    "bool": False,
    "int32": 0,
    "int64": 0,
    "float64": 0,
    TIME: None,
    MICRO_TIME: None,
    QUANTITY: "0",
    INT_OR_STRING: 0,
}


class Slot(NamedTuple):
    """A field of a type: how it is written."""

    name: str
    type: str
    many: str  # "one", "many" or "map"
    pointer: bool
    optional: bool  # left out when zero
    leaf: bool  # no fields of its own


def canonical(type_name: str, obj: Json, visit: Visit = lambda name, obj: None) -> None:
    """Bring the object into that form, in place.

    `visit(type name, object)` is called for every object before its fields, parents first: the
    place to fill in defaults.
    """
    for slot in slots(type_name):
        if slot.many == "many" and None in (obj.get(slot.name) or ()):
            zero = _ZERO.get(slot.type, {})
            obj[slot.name] = [
                dict(zero) if one is None and zero == {} else one or zero for one in obj[slot.name]
            ]
    visit(type_name, obj)
    for slot in slots(type_name):
        value = obj.get(slot.name)
        if value is None and (slot.pointer or (slot.optional and slot.leaf and slot.many == "one")):
            if _kept_null(slot):
                obj[slot.name] = None
            else:
                obj.pop(slot.name, None)
        else:
            _write(obj, slot, value, visit)


@cache
def slots(type_name: str) -> tuple[Slot, ...]:
    """The fields of a type, those of inlined types among them."""
    found: list[Slot] = []
    for _, name, inner, many, flags in facts("protobuf").get(type_name, ()):
        if name == "*inline":
            found += slots(inner)
        elif name != "-":
            leaf = inner in _ZERO or inner.rpartition(".")[2] in _RAW
            found.append(Slot(name, inner, many, "p" in flags, "o" in flags, leaf))
    return tuple(found)


def _kept_null(slot: Slot) -> bool:
    # A time that is no pointer is written as null, except when an object was made.
    timed = slot.type in (TIME, MICRO_TIME) and not slot.pointer
    return (timed and slot.name != "creationTimestamp") or (slot.pointer and not slot.optional)


def _write(obj: Json, slot: Slot, value: Any, visit: Visit) -> None:
    if slot.many == "many":
        _write_list(obj, slot, value, visit)
    elif slot.many == "map":
        _write_map(obj, slot, value, visit)
    elif slot.leaf:
        _write_leaf(obj, slot, value)
    else:
        inner = obj[slot.name] = value if isinstance(value, dict) else {}
        canonical(slot.type, inner, visit)


def _write_list(obj: Json, slot: Slot, value: Any, visit: Visit) -> None:
    if not value and slot.optional:
        obj.pop(slot.name, None)
        return
    obj[slot.name] = value
    if not slot.leaf:
        for one in value or ():
            canonical(slot.type, one, visit)


def _write_map(obj: Json, slot: Slot, value: Any, visit: Visit) -> None:
    if not value:
        obj.pop(slot.name, None)
        return
    for key, one in value.items():
        if slot.type == QUANTITY:
            value[key] = quantities.canonical("0" if one is None else one)
        elif one is None and slot.type in _ZERO:
            value[key] = _ZERO[slot.type]
        elif not slot.leaf:
            canonical(slot.type, one, visit)


def _write_leaf(obj: Json, slot: Slot, value: Any) -> None:
    zero = _ZERO.get(slot.type)
    if value is None:
        value = zero
    if slot.type == QUANTITY and value is not None:
        value = quantities.canonical(value)
    scalar = "." not in slot.type
    if scalar and slot.optional and not slot.pointer and value == zero:
        obj.pop(slot.name, None)
    else:
        obj[slot.name] = value
