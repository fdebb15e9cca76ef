"""Server-side apply: who owns what, what conflicts, what goes when it is no longer applied."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.merging.apply import ApplyConflict, apply, track
from akswi_helpers.sandbox.cluster.merging.fieldsets import from_wire, in_order, printed, to_wire
from akswi_helpers.sandbox.cluster.merging.merge import PatchRefused
from akswi_helpers.sandbox.cluster.tables.kinds import builtin

CONFIG = builtin().named("v1", "ConfigMap")
DEPLOYMENT = builtin().named("apps/v1", "Deployment")
SERVICE = builtin().named("v1", "Service")
NOW, LATER = "2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z"


def config(**data: str) -> dict[str, Any]:
    found = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}}
    return {**found, "data": data} if data else found


def deployment(image: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "image": image}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container]}}
    selector = {"matchLabels": {"a": "b"}}
    whole = {"selector": selector, "template": template, **spec}
    metadata = {"name": "real"}
    return {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": metadata, "spec": whole}


def applied(live: Any, obj: dict[str, Any], manager: str, *, force: bool = False) -> dict[str, Any]:
    kind = DEPLOYMENT if obj["kind"] == "Deployment" else CONFIG
    return apply(kind, live, obj, manager=manager, force=force, now=LATER)


def owned(obj: dict[str, Any]) -> dict[str, Any]:
    return {one["manager"]: one["fieldsV1"] for one in obj["metadata"]["managedFields"]}


def test_apply_makes_the_object_and_owns_its_fields() -> None:
    made = applied(None, config(a="1"), "helm")
    entry = made["metadata"]["managedFields"][0]
    assert made["data"] == {"a": "1"}
    assert entry == {
        "manager": "helm",
        "operation": "Apply",
        "apiVersion": "v1",
        "time": LATER,
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:a": {}}},
    }


def test_apply_removes_what_it_no_longer_applies() -> None:
    made = applied(None, config(a="1", b="2"), "helm")
    assert applied(made, config(b="2"), "helm")["data"] == {"b": "2"}


def test_apply_leaves_what_somebody_else_owns_too() -> None:
    made = applied(applied(None, config(a="1", b="2"), "helm"), config(a="1"), "other")
    after = applied(made, config(b="2"), "helm")
    assert after["data"] == {"a": "1", "b": "2"}
    assert owned(after)["helm"] == {"f:data": {"f:b": {}}}


def test_apply_conflicts_with_another_owner() -> None:
    made = applied(None, config(a="1"), "helm")
    with pytest.raises(ApplyConflict) as refused:
        applied(made, config(a="2"), "other")
    assert str(refused.value) == 'Apply failed with 1 conflict: conflict with "helm": .data.a'
    assert refused.value.conflicts == [('"helm"', ".data.a")]


def test_apply_lists_several_conflicts_as_the_real_server() -> None:
    live = track(
        DEPLOYMENT, None, deployment("nginx", replicas=1), manager="Python-urllib", now=NOW
    )
    with pytest.raises(ApplyConflict) as refused:
        applied(live, deployment("other", replicas=5), "two")
    assert str(refused.value) == (
        'Apply failed with 2 conflicts: conflicts with "Python-urllib" using apps/v1:\n'
        "- .spec.replicas\n"
        '- .spec.template.spec.containers[name="c"].image'
    )
    assert refused.value.causes[0] == {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "Python-urllib" using apps/v1',
        "field": ".spec.replicas",
    }


def test_forced_apply_takes_the_field_over() -> None:
    made = applied(None, config(a="1"), "helm")
    after = applied(made, config(a="2"), "other", force=True)
    assert after["data"] == {"a": "2"}
    assert list(owned(after)) == ["other"]


def test_apply_of_the_same_shares_and_keeps_the_time() -> None:
    made = apply(CONFIG, None, config(a="1"), manager="helm", force=False, now=NOW)
    again = applied(made, config(a="1"), "helm")
    assert again == made
    assert set(owned(applied(made, config(a="1"), "other"))) == {"helm", "other"}


def test_apply_keeps_the_live_order_of_items_it_does_not_name() -> None:
    def names(obj: dict[str, Any]) -> list[str]:
        return [one["name"] for one in obj["spec"]["template"]["spec"]["containers"]]

    live = deployment("x")
    containers = [{"name": name, "image": "x"} for name in "abc"]
    live["spec"]["template"]["spec"]["containers"] = containers
    more = deployment("x")
    more["spec"]["template"]["spec"]["containers"] = [{"name": "d"}, {"name": "b"}]
    assert names(applied(live, more, "m")) == ["a", "d", "b", "c"]


def test_apply_tells_items_apart_by_all_their_keys() -> None:
    ports = [{"port": 53, "name": "t"}, {"port": 53, "name": "u", "protocol": "UDP"}]
    obj = {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "s"}}
    made = apply(
        SERVICE, None, {**obj, "spec": {"ports": ports}}, manager="m", force=False, now=NOW
    )
    assert set(owned(made)["m"]["f:spec"]["f:ports"]) == {
        'k:{"port":53,"protocol":"TCP"}',
        'k:{"port":53,"protocol":"UDP"}',
    }


def test_apply_refuses_one_key_twice() -> None:
    twice = deployment("x")
    twice["spec"]["template"]["spec"]["containers"] *= 2
    with pytest.raises(PatchRefused, match="duplicate entries for key") as refused:
        applied(None, twice, "m")
    assert refused.value.status == 500


def test_apply_refuses_managed_fields() -> None:
    obj = config(a="1")
    obj["metadata"]["managedFields"] = [{"manager": "x"}]
    with pytest.raises(PatchRefused, match=r"metadata.managedFields must be nil") as refused:
        applied(None, obj, "m")
    assert refused.value.status == 400


def test_first_apply_on_an_untracked_object_names_what_was_before() -> None:
    after = applied(config(a="1"), config(a="1", b="2"), "helm")
    assert list(owned(after)) == ["helm", "before-first-apply"]


def test_update_owns_what_it_changed_and_takes_it_from_others() -> None:
    made = applied(None, config(a="1", b="2"), "helm")
    changed = {**copy.deepcopy(made), "data": {"a": "9", "b": "2"}}
    after = track(CONFIG, made, changed, manager="kubectl-edit", now=NOW)
    assert owned(after) == {
        "helm": {"f:data": {"f:b": {}}},
        "kubectl-edit": {"f:data": {"f:a": {}}},
    }


def test_update_that_changes_nothing_leaves_the_managers_alone() -> None:
    made = applied(None, config(a="1"), "helm")
    assert track(CONFIG, made, made, manager="kubectl-edit", now=NOW) == made


def test_update_with_emptied_managed_fields_resets_them() -> None:
    made = applied(None, config(a="1"), "helm")
    reset = {**made, "metadata": {**made["metadata"], "managedFields": [{}]}}
    assert "managedFields" not in track(CONFIG, made, reset, manager="x", now=NOW)["metadata"]


def test_status_is_owned_by_its_path_alone() -> None:
    made = {**deployment("x"), "status": {}}
    live = track(DEPLOYMENT, None, made, manager="helm", now=NOW)
    changed = {**live, "status": {"replicas": 1}}
    plain = track(DEPLOYMENT, live, changed, manager="kcm", now=NOW)
    by_path = track(DEPLOYMENT, live, changed, manager="kcm", now=NOW, subresource="status")
    assert list(owned(plain)) == ["helm"]
    assert owned(by_path)["kcm"] == {"f:status": {"f:replicas": {}}}


def test_field_set_is_written_and_read_back() -> None:
    wire = {"f:a": {".": {}, 'k:{"name":"c"}': {".": {}, "f:image": {}}}, "f:z": {'v:"x"': {}}}
    fields = from_wire(wire)
    assert to_wire(fields) == wire
    assert [printed(path) for path in in_order(fields)] == [
        ".a",
        '.a[name="c"]',
        '.a[name="c"].image',
        '.z[="x"]',
    ]
