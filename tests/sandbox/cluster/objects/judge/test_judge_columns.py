"""Pods in many states, printed by a real server and by us: the same cells."""

from __future__ import annotations

import time
from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.printing.columns import table
from tests.sandbox.cluster.objects.judge.generate import POD, Generator, Obj
from tests.sandbox.cluster.objects.judge.real import MERGE, Real, path_of

pytestmark = [pytest.mark.judge, pytest.mark.clients]

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PATH = path_of(POD, "printed")
LONG_AGO = "2026-11-20T08:00:00Z"


def states(generator: Generator) -> Obj:
    """The state of one container."""
    ended = {"exitCode": generator.one([0, 1]), "finishedAt": LONG_AGO, "startedAt": LONG_AGO}
    found: Obj = generator.one(
        [
            {"running": {"startedAt": LONG_AGO}},
            {"waiting": {"reason": generator.one(["CrashLoopBackOff", "PodInitializing"])}},
            {"terminated": {**ended, "reason": generator.one(["Completed", "Error"])}},
            {"terminated": {**ended, "signal": generator.one([0, 9])}},
        ]
    )
    return found


def status(generator: Generator, name: str) -> Obj:
    """The status of one container."""
    last = {"terminated": {"exitCode": 1, "finishedAt": LONG_AGO, "startedAt": LONG_AGO}}
    found: Obj = {
        "name": name,
        "image": "x",
        "imageID": "",
        "ready": generator.one([True, False]),
        "restartCount": generator.one([0, 3]),
        "state": states(generator),
        "lastState": generator.one([{}, last]),
    }
    return found


def pod_status(generator: Generator) -> Obj:
    """The status of a pod with two containers and two that run first."""
    phase = generator.one(["Pending", "Running", "Succeeded", "Failed"])
    truth = generator.one(["True", "False"])
    found: Obj = {
        "phase": phase,
        "containerStatuses": [status(generator, name) for name in ("a", "b")],
        "initContainerStatuses": [status(generator, name) for name in ("i", "j")],
        "conditions": [
            {"type": "Ready", "status": truth},
            {"type": "Initialized", "status": generator.one(["True", "False"])},
        ],
        "reason": generator.one([None, None, "Evicted"]),
        "podIP": "10.0.0.5",
    }
    return found


@pytest.mark.parametrize("seed", range(3))
def test_pod_prints_as_on_the_real_server(real: Real, seed: int) -> None:
    generator, differing = Generator(seed), []
    named = [{"name": name, "image": "x"} for name in "ab"]
    first = [{"name": name, "image": "x"} for name in "ij"]
    spec: dict[str, Any] = {"containers": named, "initContainers": first}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "printed"}, "spec": spec}
    real.call("DELETE", f"{PATH}?gracePeriodSeconds=0")
    assert real.call("POST", path_of(POD), body)[0] == 201
    for _ in range(60):
        change = {"status": pod_status(generator)}
        changed = real.call("PATCH", f"{PATH}/status", change, MERGE)[0]
        assert changed == 200
        _, theirs = real.call("GET", f"{PATH}?includeObject=Object", accept=TABLE)
        row = theirs["rows"][0]
        ours = table(POD, [row["object"]], now=time.time(), include="None")["rows"][0]
        if [*ours["cells"][:4], *ours["cells"][5:]] != [*row["cells"][:4], *row["cells"][5:]]:
            differing.append((row["object"]["status"], row["cells"], ours["cells"]))
        assert [one["reason"] for one in ours.get("conditions", ())] == [
            one["reason"] for one in row.get("conditions") or ()
        ]
    assert differing == [], differing
