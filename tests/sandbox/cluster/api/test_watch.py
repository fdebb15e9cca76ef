"""Watches over the wire: from a version, from now, with the objects there are; bookmarks; 410."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.api import watching
from akswi_helpers.types import Json
from tests.sandbox.cluster.api.conftest import Client, Host

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def two_maps(admin: Client) -> Iterator[list[Json]]:
    """Two config maps, one labelled."""
    bodies: list[Json] = [_map("w1", labels={"keep": "yes"}), _map("w2")]
    yield [admin("POST", MAPS, body).body for body in bodies]
    for body in bodies:
        admin("DELETE", f"{MAPS}/{body['metadata']['name']}")


def test_watch_from_a_version_tells_what_happened_since(
    admin: Client, two_maps: list[Json]
) -> None:
    version = two_maps[0]["metadata"]["resourceVersion"]
    admin("PATCH", f"{MAPS}/w2", {"data": {"a": "1"}}, content_type="application/merge-patch+json")
    events = _events(admin, f"resourceVersion={version}")
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in events] == [
        ("ADDED", "w2"),
        ("MODIFIED", "w2"),
    ]


def test_watch_with_initial_events_ends_them_with_a_bookmark(
    admin: Client, two_maps: list[Json]
) -> None:
    options = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    events = _events(admin, f"{options}&labelSelector=keep")
    assert [e["type"] for e in events] == ["ADDED", "BOOKMARK"]
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_watch_tells_of_a_deletion_when_an_object_stops_matching(
    admin: Client, two_maps: list[Json]
) -> None:
    version = two_maps[1]["metadata"]["resourceVersion"]
    body = {"metadata": {"labels": {"keep": None}}}
    admin("PATCH", f"{MAPS}/w1", body, content_type="application/merge-patch+json")
    events = _events(admin, f"resourceVersion={version}&labelSelector=keep")
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in events] == [("DELETED", "w1")]


def test_watch_from_a_forgotten_version_is_expired(host: Host, admin: Client) -> None:
    host.call(host.cluster.store.compact)
    events = _events(admin, "resourceVersion=1")
    assert [e["type"] for e in events] == ["ERROR"]
    assert (events[0]["object"]["code"], events[0]["object"]["reason"]) == (410, "Expired")


def test_watch_from_the_future_is_refused(admin: Client) -> None:
    answer = admin("GET", f"{MAPS}?watch=1&resourceVersion=99999999")
    assert answer.status == 504
    assert answer.body["message"].startswith("Timeout: Too large resource version: 99999999")


def test_initial_events_need_the_right_match(admin: Client) -> None:
    answer = admin("GET", f"{MAPS}?watch=1&sendInitialEvents=true")
    assert answer.status == 422
    assert "sendInitialEvents requires setting resourceVersionMatch" in answer.body["message"]


def test_table_watch_sends_its_columns_once(admin: Client, two_maps: list[Json]) -> None:
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    events = _events(admin, "", accept=accept)
    columns = [event["object"]["columnDefinitions"] for event in events]
    assert columns[0][0]["name"] == "Name"
    assert set(map(bool, columns[1:])) == {False}


def test_slow_watcher_is_told_to_start_over(
    host: Host, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "QUEUE", 3)
    with _watch(host) as watch:
        host.call(lambda: _touch(host, *(f"slow{i}" for i in range(5))))
        last = host.run(lambda: _last(watch))
    assert json.loads(last)["object"]["code"] == 410


@contextmanager
def _watch(host: Host) -> Iterator[watching.Watch]:
    from akswi_helpers.sandbox.cluster.api import paths
    from akswi_helpers.sandbox.cluster.api.calls import Call

    target = paths.read(MAPS)
    kind = host.cluster.kind("v1", "ConfigMap")
    call = Call(host.cluster, "GET", target, "watch=1&timeoutSeconds=5", {}, b"", kind)
    watch = host.call(lambda: watching.Watch(call))
    host.call(watch.listen)
    yield watch


async def _last(watch: watching.Watch) -> bytes:
    lines = [line async for line in watch.stream([])]
    return lines[-1]


def _touch(host: Host, *names: str) -> None:
    kind = host.cluster.kind("v1", "ConfigMap")
    for name in names:
        host.cluster.objects.create(kind, "default", _map(name), manager="test")


def _events(admin: Client, options: str, **headers: Any) -> list[Json]:
    answer = admin("GET", f"{MAPS}?watch=1&timeoutSeconds=1&{options}", **headers)
    assert answer.status == 200
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return [json.loads(line) for line in text.splitlines()]


def _map(name: str, **metadata: Any) -> Json:
    head = {"apiVersion": "v1", "kind": "ConfigMap"}
    return {**head, "metadata": {"name": name, **metadata}}
