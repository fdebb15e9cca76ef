"""Patches: merge, strategic merge and JSON patch, and what each refuses."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.merging.merge import (
    PatchRefused,
    json_merge,
    json_patch,
    strategic_merge,
)
from akswi_helpers.sandbox.cluster.tables.kinds import builtin

DEPLOYMENT = builtin().named("apps/v1", "Deployment")
SERVICE = builtin().named("v1", "Service")
ACCOUNT = builtin().named("v1", "ServiceAccount")


def pod_patch(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def names(obj: dict[str, Any], field: str = "containers") -> list[str]:
    return [one["name"] for one in obj["spec"]["template"]["spec"][field]]


LIVE = pod_patch(
    containers=[
        {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}]},
        {"name": "b", "image": "b:1"},
    ],
    volumes=[{"name": "v", "emptyDir": {}}, {"name": "w", "secret": {"secretName": "s"}}],
)


def test_merge_patch_removes_null_and_replaces_lists() -> None:
    live = {"a": {"b": 1, "c": 2}, "l": [1, 2]}
    assert json_merge(live, {"a": {"b": None}, "l": [3]}) == {"a": {"c": 2}, "l": [3]}
    assert live == {"a": {"b": 1, "c": 2}, "l": [1, 2]}


def test_merge_patch_drops_nulls_in_new_objects() -> None:
    assert json_merge({}, {"a": {"b": None, "c": 1}}) == {"a": {"c": 1}}


def test_strategic_merge_changes_one_container_and_leaves_the_other() -> None:
    before = copy.deepcopy(LIVE)
    after = strategic_merge(DEPLOYMENT, LIVE, pod_patch(containers=[{"name": "b", "image": "b:2"}]))
    found = {one["name"]: one["image"] for one in after["spec"]["template"]["spec"]["containers"]}
    assert found == {"a": "a:1", "b": "b:2"}
    assert before == LIVE


def test_strategic_merge_deletes_by_directive() -> None:
    gone = [{"$patch": "delete", "name": "a"}]
    assert names(strategic_merge(DEPLOYMENT, LIVE, pod_patch(containers=gone))) == ["b"]


def test_strategic_merge_follows_the_element_order() -> None:
    order = [{"name": "new"}, {"name": "b"}, {"name": "a"}]
    patch = pod_patch(**{"$setElementOrder/containers": order, "containers": [{"name": "new"}]})
    assert names(strategic_merge(DEPLOYMENT, LIVE, patch)) == ["new", "b", "a"]


def test_strategic_merge_puts_server_items_where_they_stood() -> None:
    order = [{"name": "b"}]
    patch = pod_patch(**{"$setElementOrder/containers": order})
    assert names(strategic_merge(DEPLOYMENT, LIVE, patch)) == ["a", "b"]


def test_strategic_merge_refuses_an_order_without_its_items() -> None:
    patch = pod_patch(
        **{"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "z"}]}
    )
    with pytest.raises(PatchRefused, match="doesn't match") as refused:
        strategic_merge(DEPLOYMENT, LIVE, patch)
    assert refused.value.status == 500


def test_strategic_merge_replaces_a_whole_list() -> None:
    patch = pod_patch(containers=[{"$patch": "replace"}, {"name": "only", "image": "o"}])
    assert names(strategic_merge(DEPLOYMENT, LIVE, patch)) == ["only"]


def test_strategic_merge_retains_only_the_named_keys() -> None:
    volume = {"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}
    after = strategic_merge(DEPLOYMENT, LIVE, pod_patch(volumes=[volume]))
    kept = {one["name"]: one for one in after["spec"]["template"]["spec"]["volumes"]}
    assert kept["v"] == {"name": "v", "configMap": {"name": "c"}}
    assert set(kept["w"]) == {"name", "secret"}


def test_strategic_merge_refuses_a_key_that_is_not_retained() -> None:
    volume = {"name": "v", "$retainKeys": ["name"], "configMap": {"name": "c"}}
    with pytest.raises(PatchRefused, match="invalid patch format of retainKeys") as refused:
        strategic_merge(DEPLOYMENT, LIVE, pod_patch(volumes=[volume]))
    assert refused.value.status == 400


def test_strategic_merge_joins_finalizers_and_takes_some_away() -> None:
    live = {"metadata": {"finalizers": ["a", "b"]}}
    more = {"metadata": {"finalizers": ["c", "a"]}}
    less = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    joined = strategic_merge(SERVICE, live, more)["metadata"]["finalizers"]
    assert sorted(joined) == ["a", "b", "c"]
    assert strategic_merge(SERVICE, live, less)["metadata"]["finalizers"] == ["b"]


def test_strategic_merge_replaces_atomic_lists() -> None:
    live = {"imagePullSecrets": [{"name": "a"}], "secrets": [{"name": "s"}]}
    patch = {"imagePullSecrets": [{"name": "b"}], "secrets": [{"name": "t"}]}
    after = strategic_merge(ACCOUNT, live, patch)
    assert after["imagePullSecrets"] == [{"name": "b"}]
    assert sorted(one["name"] for one in after["secrets"]) == ["s", "t"]


def test_strategic_merge_refuses_an_item_without_its_key() -> None:
    with pytest.raises(PatchRefused) as refused:
        strategic_merge(DEPLOYMENT, LIVE, pod_patch(containers=[{"image": "x"}]))
    assert refused.value.status == 500
    assert str(refused.value) == "map: map[image:x] does not contain declared merge key: name"


def test_json_patch_does_its_operations_in_order() -> None:
    live = {"data": {"a": "1"}}
    ops = [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "remove", "path": "/data/a"}]
    assert json_patch(live, ops) == {"data": {}}
    assert live == {"data": {"a": "1"}}


@pytest.mark.parametrize(
    "op",
    [
        {"op": "test", "path": "/data/a", "value": "2"},
        {"op": "foo", "path": "/data/a"},
        {"op": "remove", "path": "/data/b"},
        {"op": "replace", "path": "/data/b", "value": 1},
        {"op": "add", "path": "/nope/b", "value": 1},
        {"op": "add", "path": "", "value": 1},
        {"path": "/data/a"},
    ],
    ids=str,
)
def test_json_patch_refuses_in_the_api_s_words(op: dict[str, Any]) -> None:
    with pytest.raises(PatchRefused, match="the server rejected our request") as refused:
        json_patch({"data": {"a": "1"}}, [op])
    assert (refused.value.status, refused.value.reason) == (422, "Invalid")


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        (
            {"$setElementOrder/secrets": None},
            "expected a []interface {}, but received a %!s(<nil>)",
        ),
        (
            {"$setElementOrder/foo": []},
            'unable to find api field in struct ServiceAccount for the json field "foo"',
        ),
        ({"secrets": [1]}, "list element types are not identical: [[map[name:a]] [1]]"),
        (
            {"secrets": [{"$patch": "x", "name": "a"}]},
            "unknown patch type: x in map: map[$patch:x name:a]",
        ),
        ({"$patch": "foo"}, "unknown patch type: foo in map: map[$patch:foo]"),
    ],
    ids=str,
)
def test_strategic_merge_refuses_odd_directives_as_the_real_server(
    patch: dict[str, Any], words: str
) -> None:
    with pytest.raises(PatchRefused) as refused:
        strategic_merge(ACCOUNT, {"secrets": [{"name": "a"}]}, patch)
    assert (refused.value.status, str(refused.value)) == (500, words)
