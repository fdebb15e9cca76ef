"""Defaults: what a real server stored of each minimal object, and what we would store."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.tables.defaulting import apply_defaults, prepare_new
from akswi_helpers.sandbox.cluster.tables.kinds import builtin
from akswi_helpers.sandbox.cluster.tables.quantities import canonical, parse
from tests.sandbox.cluster.objects.vectors import cases

# Admission, allocation and the store add these; a Job's labels carry its uid.
ADMITTED = ("serviceAccountName", "serviceAccount", "tolerations", "priority", "preemptionPolicy")
ALLOCATED = ("clusterIP", "clusterIPs")


def comparable(obj: dict[str, Any]) -> dict[str, Any]:
    """The object without what other parts of a server add."""
    found = copy.deepcopy(obj)
    for name in ("namespace", "generation"):
        found["metadata"].pop(name, None)
    spec = found.get("spec") or {}
    if found["kind"] == "Pod":
        for name in ADMITTED:
            spec.pop(name, None)
        _without_token(spec)
    if found["kind"] == "Service":
        for name in ALLOCATED:
            spec.pop(name, None)
    if found["kind"] == "Job":
        spec.pop("selector", None)
        found["metadata"].pop("labels", None)
        spec["template"]["metadata"] = {}
    if found["kind"] == "Node":
        spec.pop("taints", None)
    return found


def _without_token(spec: dict[str, Any]) -> None:
    def ordinary(one: dict[str, Any]) -> bool:
        return not one["name"].startswith("kube-api-access-")

    spec["volumes"] = [one for one in spec.get("volumes", []) if ordinary(one)]
    for container in [*spec["containers"], *spec.get("initContainers", [])]:
        container["volumeMounts"] = [o for o in container.get("volumeMounts", []) if ordinary(o)]


@pytest.mark.parametrize("case", cases("defaults"), ids=lambda case: str(case["name"]))
def test_defaults_are_the_real_server_s(case: dict[str, Any]) -> None:
    sent = copy.deepcopy(case["sent"])
    kind = builtin().named(sent["apiVersion"], sent["kind"])
    ours = prepare_new(kind, apply_defaults(kind, sent))
    assert comparable(ours) == comparable(case["stored"])


@pytest.mark.parametrize("case", cases("defaults"), ids=lambda case: str(case["name"]))
def test_defaults_change_nothing_the_second_time(case: dict[str, Any]) -> None:
    stored = case["stored"]
    kind = builtin().named(stored["apiVersion"], stored["kind"])
    assert apply_defaults(kind, copy.deepcopy(stored)) == stored


def test_defaults_keep_zero_behind_a_pointer_and_drop_other_zeros() -> None:
    kind = builtin().named("apps/v1", "Deployment")
    spec = {"replicas": 0, "paused": False, "template": {"spec": {"hostNetwork": False}}}
    stored = apply_defaults(kind, {"metadata": {"name": "d"}, "spec": spec})["spec"]
    assert stored["replicas"] == 0
    assert "paused" not in stored
    assert "hostNetwork" not in stored["template"]["spec"]


def test_defaults_write_null_where_go_cannot_leave_out() -> None:
    role = apply_defaults(
        builtin().named("rbac.authorization.k8s.io/v1", "Role"), {"metadata": {"name": "r"}}
    )
    assert role == {"metadata": {"name": "r"}, "rules": None}


def test_custom_defaults_come_from_the_definition() -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "default": {},
                "properties": {"size": {"type": "integer", "default": 3}},
            }
        },
    }
    version = {"name": "v1", "served": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "foos", "kind": "Foo"}
    spec = {"group": "x.io", "scope": "Namespaced", "names": names, "versions": [version]}
    kind = builtin().with_definitions([{"spec": spec}]).named("x.io/v1", "Foo")
    assert apply_defaults(kind, {"metadata": {}})["spec"] == {"size": 3}
    assert apply_defaults(kind, {"metadata": {}, "spec": {"size": 1}})["spec"] == {"size": 1}


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        (1, "1"),
        ("1000", "1k"),
        ("1e3", "1e3"),
        ("0.0001", "1m"),
        ("0", "0"),
    ],
)
def test_quantity_is_written_one_way(given: str | int, written: str) -> None:
    assert canonical(given) == written
    assert parse(written) >= parse(given)


@pytest.mark.parametrize("given", ["abc", "", "1Kb", "--1", "1.2.3"])
def test_quantity_is_refused_in_the_api_s_words(given: str) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        parse(given)
