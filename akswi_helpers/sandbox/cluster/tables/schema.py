"""What every kind is made of: fields, types, defaults, and how lists merge, as tables.

    child(root(pod), "spec")          ->  the node of a pod's spec
    follow(root(pod), "spec", "containers")["keys"]   ->  ["name"]

A *node* says what a JSON value may be. Its keys: `type` (object, array, string, integer, number,
boolean), `fields` (name -> node), `values` (node of a map's values), `items` (node of a list's),
`required`, `default`, `enum`, `format`; `list` (atomic, set, map) with `keys` and `map` (atomic)
for server-side apply; `patch` and `merge` for strategic merge. `ref` names another node; every
function here resolves it. An empty node knows nothing about its value.

Source: /openapi/v3 of a kube-apiserver 1.37.2. Left out: descriptions, so `kubectl explain` is
short.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, TypeAlias

from akswi_helpers.types import Json

Node: TypeAlias = Mapping[str, Any]

META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
TIME = "io.k8s.apimachinery.pkg.apis.meta.v1.Time"
MICRO_TIME = "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime"

_NOTHING: Node = {}


@cache
def facts(name: str) -> Any:
    """The table `name` ("schema", "discovery", …) of the real API's facts, read once."""
    folder = resources.files("akswi_helpers.sandbox.data") / "k8s"
    return json.loads((folder / f"{name}.json").read_bytes())


@cache
def types() -> dict[str, Json]:
    """Every type by its name: "io.k8s.api.core.v1.Pod" -> node, which says its `name`."""
    found: dict[str, Json] = facts("schema")
    for name, node in found.items():
        node["name"] = name
    return found


def resolved(node: Node) -> Node:
    """The node with what its `ref` names added; what the node itself says wins."""
    name = node.get("ref")
    return _joined(name, node) if name else node


def ref(node: Node) -> str:
    """The name of the type that the node is or refers to, or ""."""
    return str(node.get("ref") or node.get("name", ""))


def child(node: Node, name: str) -> Node:
    """The node of the field or map entry `name`; empty when the schema does not know it."""
    whole = resolved(node)
    found = (whole.get("fields") or _NOTHING).get(name)
    if found is None:
        found = whole.get("values") or _NOTHING
    return resolved(found)


def item(node: Node) -> Node:
    """The node of a list's items; empty when unknown."""
    return resolved(resolved(node).get("items") or _NOTHING)


def follow(node: Node, *names: str) -> Node:
    """The node at the end of field `names`, stepping through lists to their items."""
    for name in names:
        whole = resolved(node)
        node = child(item(whole) if "items" in whole else whole, name)
    return resolved(node)


def field(type_name: str, name: str) -> Node:
    """The node of the field `name` of a type; empty when there is none."""
    return child({"ref": type_name}, name)


def fields(type_name: str) -> Mapping[str, Node]:
    """The fields of a type by name, unresolved; empty for a type without fields."""
    found: Mapping[str, Node] = types().get(type_name, {}).get("fields") or {}
    return found


_JOINED: dict[tuple[str, int], tuple[Node, Node]] = {}


def _joined(name: str, node: Node) -> Node:
    whole = types().get(name, _NOTHING)
    if len(node) == 1:
        return whole
    # Nodes live as long as the tables do; the node is kept beside its answer so its id stays true.
    known = _JOINED.get((name, id(node)))
    if known is None:
        known = _JOINED[name, id(node)] = (node, {**whole, **node})
    return known[1]


def of_custom(definition: Json) -> Node:
    """A custom resource's `openAPIV3Schema` as the node of the whole object."""
    root: Json = dict(_converted(definition)) if definition else {"open": True}
    known = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"ref": META},
    }
    return {**root, "type": "object", "fields": dict(root.get("fields") or {}) | known}


_RENAMED = {
    "x-kubernetes-list-type": "list",
    "x-kubernetes-list-map-keys": "keys",
    "x-kubernetes-map-type": "map",
    "x-kubernetes-preserve-unknown-fields": "open",
}
_KEPT = ("type", "required", "default", "enum", "format", "nullable", "pattern")
_LIMITS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


def _converted(definition: Json) -> Node:
    if definition.get("x-kubernetes-int-or-string"):
        return {"ref": INT_OR_STRING}
    node: Json = {key: definition[key] for key in (*_KEPT, *_LIMITS) if key in definition}
    node |= {ours: definition[theirs] for theirs, ours in _RENAMED.items() if theirs in definition}
    if "properties" in definition:
        properties = definition["properties"]
        node["fields"] = {name: _converted(inner) for name, inner in properties.items()}
    if isinstance(definition.get("items"), dict):
        node["items"] = _converted(definition["items"])
    extra = definition.get("additionalProperties")
    if extra:
        node["values"] = _converted(extra) if isinstance(extra, dict) else {"open": True}
    return node
