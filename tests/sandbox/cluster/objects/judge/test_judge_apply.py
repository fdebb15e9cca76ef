"""Random writes by several managers: objects and owners as on a real server."""

from __future__ import annotations

import copy
import time

import pytest

from akswi_helpers.sandbox.cluster.merging.apply import ApplyConflict, apply, track
from akswi_helpers.sandbox.cluster.merging.merge import json_merge
from akswi_helpers.sandbox.cluster.tables.defaulting import apply_defaults
from akswi_helpers.sandbox.cluster.tables.kinds import Kind
from tests.sandbox.cluster.objects.judge.generate import MERGED, Generator, Obj
from tests.sandbox.cluster.objects.judge.real import APPLY, MERGE, Real, comparable, path_of

pytestmark = [pytest.mark.judge, pytest.mark.clients]

NOW = "2026-11-24T12:00:00Z"
KEPT = ("generation", "creationTimestamp", "uid", "deletionTimestamp")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", MERGED, ids=lambda kind: str(kind.kind))
def test_managers_share_an_object_as_on_the_real_server(real: Real, kind: Kind, seed: int) -> None:
    generator, name = Generator(seed), f"applied-{seed}"
    outcomes = []
    for _ in range(70):
        live = _settled(real, path_of(kind, name))
        sent = generator.obj(kind, name)
        sent["metadata"].pop("finalizers", None)
        _as_kept(kind, sent)
        outcomes.append(_round(real, kind, generator, live, sent))
    assert outcomes.count("same") > 25
    assert outcomes.count("conflict") > 0


def _settled(real: Real, path: str) -> Obj | None:
    """The object once its controller has seen it, if it has one; None while there is none."""
    for _ in range(100):
        status, found = real.call("GET", path)
        if status != 200:
            return None
        seen = found.get("status", {}).get("observedGeneration")
        if found["kind"] != "Deployment" or seen == found["metadata"]["generation"]:
            break
        time.sleep(0.02)
    return dict(found)


def _as_kept(kind: Kind, sent: Obj) -> None:
    """Leave out what controllers and allocators answer for."""
    if kind.kind == "Deployment":
        sent["spec"]["paused"] = True
    if kind.kind == "Service":
        for field in ("clusterIP", "type"):
            sent["spec"].pop(field, None)


def _round(real: Real, kind: Kind, generator: Generator, live: Obj | None, sent: Obj) -> str:
    """One write by one manager, on both sides; what came of it."""
    manager, force = generator.one(["m1", "m2", "m3"]), generator.chance(0.4)
    verb = generator.one(["apply", "apply", "merge", "put"]) if live else "apply"
    path = f"{path_of(kind, sent['metadata']['name'])}?fieldManager={manager}"
    if verb == "apply":
        status, theirs = real.call("PATCH", f"{path}&force={str(force).lower()}", sent, APPLY)
        try:
            ours = apply(kind, live, _spaced(sent), manager=manager, force=force, now=NOW)
        except ApplyConflict as refused:
            return _conflict(refused, status, theirs)
    else:
        assert live is not None
        changed = _changed(verb, live, sent)
        body = _patch(sent) if verb == "merge" else changed
        status, theirs = real.call(*_request(verb, path), body, _form(verb))
        ours = changed
    if status not in (200, 201):
        return "refused"
    return _compare(kind, verb, live, ours, theirs, manager)


def _compare(kind: Kind, verb: str, live: Obj | None, ours: Obj, theirs: Obj, manager: str) -> str:
    stored = _kept_from(live, apply_defaults(kind, ours))
    if verb != "apply":
        stored = track(kind, live, stored, manager=manager, now=NOW)
    assert comparable(stored) == comparable(theirs), verb
    return "same"


def _kept_from(live: Obj | None, obj: Obj) -> Obj:
    if live:
        before = live["metadata"]
        obj["metadata"] |= {name: before[name] for name in KEPT if name in before}
        obj |= {"status": live["status"]} if "status" in live else {}
    return obj


def _changed(verb: str, live: Obj, sent: Obj) -> Obj:
    if verb == "merge":
        return json_merge(live, _patch(sent))
    put = _spaced(sent)
    put["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
    if live["kind"] == "Service":
        put["spec"] |= {name: live["spec"][name] for name in ("clusterIP", "clusterIPs")}
    return put


def _patch(sent: Obj) -> Obj:
    return {name: value for name, value in sent.items() if name not in ("kind", "apiVersion")}


def _spaced(sent: Obj) -> Obj:
    copied = copy.deepcopy(sent)
    copied["metadata"]["namespace"] = "default"
    return copied


def _request(verb: str, path: str) -> tuple[str, str]:
    return ("PATCH" if verb == "merge" else "PUT"), path


def _form(verb: str) -> str:
    return MERGE if verb == "merge" else "application/json"


def _conflict(refused: ApplyConflict, status: int, theirs: Obj) -> str:
    assert status == 409, theirs
    assert sorted(str(refused).splitlines()) == sorted(theirs["message"].splitlines())
    ours = sorted(refused.causes, key=str)
    assert ours == sorted(theirs["details"]["causes"], key=str)
    return "conflict"
