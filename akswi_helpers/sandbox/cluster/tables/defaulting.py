"""Objects as a real API server would store them: defaults filled in, written in one form.

    apply_defaults(deployment, obj)      in place; the same object is returned
    prepare_new(namespace, obj)          what only a create adds: finalizers, first status

Source: objects stored by a kube-apiserver 1.37.2; a custom resource's defaults from its
definition. Left out: what admission adds (service account, tolerations), allocated addresses,
selectors of Jobs.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from akswi_helpers.sandbox.cluster.tables.canonical import Slot, canonical, slots
from akswi_helpers.sandbox.cluster.tables.defaults import FILL, FIXED
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, root
from akswi_helpers.sandbox.cluster.tables.schema import Node, child, fields, item, resolved
from akswi_helpers.types import Json


def apply_defaults(kind: Kind, obj: Json) -> Json:
    """Fill in the defaults, in place, and return the object.

    Doing it twice changes nothing.
    """
    if kind.type_name:
        canonical(kind.type_name, obj)  # so that what fills in meets no nulls
        canonical(kind.type_name, obj, _fill)
    elif kind.custom:
        _custom(root(kind), obj)
    return obj


def prepare_new(kind: Kind, obj: Json) -> Json:
    """Add, in place, what the API server sets when an object is made, and return the object."""
    if kind.group_resource == "namespaces":
        spec = obj.setdefault("spec", {})
        if "kubernetes" not in (spec.get("finalizers") or []):
            spec["finalizers"] = [*(spec.get("finalizers") or []), "kubernetes"]
    elif kind.group_resource == "pods":
        from akswi_helpers.sandbox.cluster.node.pod_status import qos_class

        obj["status"] = {"phase": "Pending", "qosClass": qos_class(_counted(obj["spec"]))}
    elif kind.group_resource == "daemonsets.apps":
        annotations = obj["metadata"].get("annotations") or {}
        generation = {"deprecated.daemonset.template.generation": "1"}
        obj["metadata"]["annotations"] = {**annotations, **generation}
    elif kind.group_resource == "services":
        _families(obj["spec"])
    return obj


def _counted(spec: Json) -> Json:
    """A spec whose containers may be missing, which validation refuses later."""
    return spec if spec.get("containers") else {**spec, "containers": []}


def _families(spec: Json) -> None:
    """An IPv4 cluster's answer; a headless Service without selector may be reached by both."""
    if spec.get("type") == "ExternalName":
        return
    both = spec.get("clusterIP") == "None" and not spec.get("selector")
    if not spec.get("ipFamilyPolicy"):
        spec["ipFamilyPolicy"] = "RequireDualStack" if both else "SingleStack"
    if not spec.get("ipFamilies"):
        spec["ipFamilies"] = ["IPv4", "IPv6"] if both else ["IPv4"]


def _fill(type_name: str, obj: Json) -> None:
    for fill in FILL.get(type_name, ()):
        fill(obj)
    by_name = None
    for name, value in _fixed(type_name).items():
        given = obj.get(name)
        if given is None:
            obj[name] = copy.deepcopy(value)
        elif not given:
            by_name = by_name or {slot.name: slot for slot in slots(type_name)}
            if _unset(by_name.get(name)):
                obj[name] = copy.deepcopy(value)


def _unset(slot: Slot | None) -> bool:
    """Whether a zero in this field is the same as nothing: it is no pointer."""
    return slot is not None and not slot.pointer


@cache
def _fixed(type_name: str) -> Json:
    from_schema = {
        name: node["default"] for name, node in fields(type_name).items() if node.get("default")
    }
    return {**from_schema, **FIXED.get(type_name, {})}


def _custom(node: Node, value: Any) -> None:
    if isinstance(value, dict):
        _custom_object(resolved(node), value)
    elif isinstance(value, list):
        for one in value:
            _custom(item(node), one)


def _custom_object(node: Node, value: Json) -> None:
    for name, inner in (node.get("fields") or {}).items():
        whole = resolved(inner)
        nullable = whole.get("nullable")
        if "default" in whole and (name not in value or (value[name] is None and not nullable)):
            value[name] = copy.deepcopy(whole["default"])
        elif value.get(name, "") is None and not nullable:
            del value[name]
    for name in list(value):
        if name != "metadata":
            _custom(child(node, name), value[name])
