"""The store alone: numbered writes, a bounded history, nothing kept of what is rolled back."""

from __future__ import annotations

import pytest

from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.cluster.storage.store import Event, Store
from akswi_helpers.sandbox.cluster.tables.kinds import builtin
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

MAPS = builtin().named("v1", "ConfigMap")


@pytest.fixture
def store() -> Store:
    return Store(World(), "c", history=3)


def test_every_write_takes_the_next_version(store: Store) -> None:
    versions = [_put(store, name)["metadata"]["resourceVersion"] for name in "aab"]
    assert versions == ["2", "3", "4"]
    assert [obj["metadata"]["name"] for obj in store.list(MAPS, "n")] == ["a", "b"]


def test_events_come_after_the_commit(store: Store) -> None:
    heard: list[Event] = []
    stop = store.subscribe(heard.append)
    with store._world.transaction():
        store.put(MAPS, _map("a"))
        assert heard == []
    assert [event.type for event in heard] == ["ADDED"]
    stop()
    _put(store, "a")
    assert len(heard) == 1


def test_listener_that_fails_keeps_no_other_from_hearing(store: Store) -> None:
    heard: list[Event] = []
    store.subscribe(lambda event: heard.append(event.nothing))  # type: ignore[attr-defined]
    store.subscribe(heard.append)
    _put(store, "a")
    assert [event.type for event in heard] == ["ADDED"]


def test_rolled_back_write_leaves_no_trace(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        _put_and_fail(store)
    assert (store.list(MAPS), store.revision, store.since(MAPS, 1)) == ([], 1, [])


def test_past_is_remembered_as_far_as_the_history_goes(store: Store) -> None:
    for value in "12345":
        _put(store, "a", value)
    assert store.list_at(MAPS, "n", 4)[0]["data"] == {"v": "3"}
    assert store.list_at(MAPS, "n", 3)[0]["data"] == {"v": "2"}
    with pytest.raises(StatusError, match=r"too old resource version: 2 \(3\)"):
        store.list_at(MAPS, "n", 2)


def test_namespaces_are_listed_apart(store: Store) -> None:
    _put(store, "a")
    with store._world.transaction():
        store.put(MAPS, {"metadata": {"name": "a", "namespace": "n2"}})
    assert len(store.list(MAPS, "n")) == 1
    assert len(store.list(MAPS)) == 2


def _put(store: Store, name: str, value: str = "") -> Json:
    with store._world.transaction():
        return store.put(MAPS, _map(name, value))


def _put_and_fail(store: Store) -> None:
    with store._world.transaction():
        store.put(MAPS, _map("a"))
        raise ZeroDivisionError


def _map(name: str, value: str = "") -> Json:
    return {"metadata": {"name": name, "namespace": "n"}, "data": {"v": value}}
