"""The arithmetic of a rollout, step by step."""

from __future__ import annotations

from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.controllers import rollout
from akswi_helpers.types import Json


def deployment(replicas: int, kind: str = "RollingUpdate", rolling: Json | None = None) -> Json:
    strategy: Json = {"type": kind}
    if rolling:
        strategy["rollingUpdate"] = rolling
    return {"spec": {"replicas": replicas, "strategy": strategy}}


def replica_set(name: str, replicas: int, available: int | None = None) -> Json:
    count = replicas if available is None else available
    status: dict[str, Any] = {"replicas": replicas, "availableReplicas": count}
    metadata = {"name": name, "creationTimestamp": name}
    return {"metadata": metadata, "spec": {"replicas": replicas}, "status": status}


@pytest.mark.parametrize(
    ("replicas", "rolling", "expected"),
    [
        (1, {}, (1, 0)),
        (4, {}, (1, 1)),
        (10, {"maxSurge": "25%", "maxUnavailable": "25%"}, (3, 2)),
        (3, {"maxSurge": 0, "maxUnavailable": 0}, (0, 1)),
    ],
)
def test_limits_round_surge_up_and_unavailable_down(
    replicas: int, rolling: Json, expected: tuple[int, int]
) -> None:
    assert rollout.limits(deployment(replicas, rolling=rolling)) == expected


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ((1, 0), (1, 1), {}),  # the new pod is not available: the old one stays
        ((1, 1), (1, 1), {"old": 0}),
        ((1, 0), (1, 0), {}),  # nor does a broken one go before
        ((1, 1), (0, 0), {}),
    ],
)
def test_scaled_replaces_one_pod_without_a_gap(
    new: tuple[int, int], old: tuple[int, int], expected: dict[str, int]
) -> None:
    found = rollout.scaled(deployment(1), replica_set("new", *new), [replica_set("old", *old)])
    assert found == expected


def test_scaled_removes_broken_old_pods_first() -> None:
    new, old = replica_set("new", 1, 0), replica_set("old", 4, 2)
    assert rollout.scaled(deployment(4), new, [old]) == {"old": 3}


def test_scaled_follows_the_wanted_number_when_nothing_else_changes() -> None:
    assert rollout.scaled(deployment(5), replica_set("new", 2), []) == {"new": 5}
    assert rollout.scaled(deployment(1), replica_set("new", 3), []) == {"new": 1}


def test_recreate_waits_until_the_old_pods_are_gone() -> None:
    wanted = deployment(2, "Recreate")
    new, old = replica_set("new", 0), replica_set("old", 2)
    assert rollout.scaled(wanted, new, [old]) == {"old": 0}
    going = {**old, "spec": {"replicas": 0}}
    assert rollout.scaled(wanted, new, [going]) == {}
    gone = replica_set("old", 0)
    assert rollout.scaled(wanted, new, [gone]) == {"new": 2}


def test_template_hash_is_the_same_for_the_same_template() -> None:
    template: Json = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}
    marked = {**template, "metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}}
    assert rollout.same_template(template, marked)
    assert rollout.template_hash(template) == rollout.template_hash(marked)
    assert rollout.template_hash(template) != rollout.template_hash(template, 1)
