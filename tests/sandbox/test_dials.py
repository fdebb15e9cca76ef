"""Dials and what stands on them: tables whose readers hear late, requests that are turned away."""

from __future__ import annotations

from pathlib import Path

import pytest

from akswi_helpers.sandbox.dials import DIALS, Dials, fail, throttle
from akswi_helpers.sandbox.faults import SAYINGS, Faults
from akswi_helpers.sandbox.late import LateTable
from akswi_helpers.sandbox.wire import UNVERIFIED, WireError
from akswi_helpers.sandbox.world import World

DIAL = "role-assignment"


@pytest.fixture
def world() -> World:
    return World()


def late(world: World) -> LateTable:
    return LateTable(world, "things", DIAL)


def move(world: World, seconds: float) -> None:
    with world.transaction():
        world.clock.move(seconds)


def put(world: World, rows: LateTable, **documents: int) -> None:
    with world.transaction():
        for key, value in documents.items():
            rows.put(key, {"value": value})


def test_every_dial_stands_where_nobody_waits(world: World) -> None:
    standing = {dial.name: dial.default for dial in DIALS}
    assert {name: value for name, value in standing.items() if value} == {"mount-back-off": 2}
    assert not world.state(Dials).faulty


@pytest.mark.parametrize("dial", DIALS, ids=lambda dial: dial.name)
def test_dial_names_its_source_and_takes_what_is_documented(dial: object, world: World) -> None:
    [row] = [row for row in world.state(Dials).rows() if row["name"] == getattr(dial, "name", "")]
    world.state(Dials).turn({row["name"]: row["documented"]})
    assert len(row["source"]) > 10


def test_late_table_is_the_table_itself_at_default(world: World) -> None:
    rows = late(world)
    put(world, rows, a=1)
    assert rows.seen is world.table("things")
    assert not world.table("things.past")


def test_new_document_is_seen_when_its_time_has_come(world: World) -> None:
    world.state(Dials).turn({DIAL: 60})
    rows = late(world)
    put(world, rows, a=1)
    assert (dict(rows), dict(rows.seen)) == ({"a": {"value": 1}}, {})
    move(world, 61)
    assert rows.seen is world.table("things")


def test_readers_see_every_document_in_its_turn(world: World) -> None:
    world.state(Dials).turn({DIAL: 60})
    rows = late(world)
    for value in (1, 2, 3):
        put(world, rows, a=value)
        move(world, 40)
    seen = [rows.seen["a"]["value"]]
    move(world, 40)
    assert [*seen, rows.seen["a"]["value"]] == [2, 3]


def test_removed_document_is_seen_for_a_while(world: World) -> None:
    rows = late(world)
    put(world, rows, a=1)
    world.state(Dials).turn({DIAL: 60})
    with world.transaction():
        rows.remove("a")
    assert ("a" in rows, "a" in rows.seen) == (False, True)
    move(world, 61)
    assert "a" not in rows.seen


def test_forgotten_document_is_gone_for_everybody(world: World) -> None:
    world.state(Dials).turn({DIAL: 60})
    rows = late(world)
    put(world, rows, a=1)
    move(world, 61)
    with world.transaction():
        rows.forget("a")
    assert "a" not in rows.seen


def test_dial_turned_back_ends_the_wait(world: World) -> None:
    world.state(Dials).turn({DIAL: 600})
    rows = late(world)
    put(world, rows, a=1)
    world.state(Dials).turn({DIAL: 0})
    assert "a" in rows.seen


def test_wait_goes_on_after_a_restart(tmp_path: Path) -> None:
    first = World(tmp_path / "state.sqlite")
    first.state(Dials).turn({DIAL: 600})
    put(first, late(first), a=1)
    first.close()
    second = World(tmp_path / "state.sqlite")
    assert ("a" in late(second), "a" in late(second).seen) == (True, False)
    second.close()


def test_every_third_request_is_throttled(world: World) -> None:
    world.state(Dials).turn({throttle("arm"): 3})
    faults = world.state(Faults)
    assert [faults.next("arm") for _ in range(6)] == [0, 0, 429, 0, 0, 429]
    assert {faults.next("graph") for _ in range(6)} == {0}


def test_faults_are_the_same_for_the_same_seed() -> None:
    drawn = []
    for seed in ("one", "one", "two"):
        world = World(seed=seed)
        world.state(Dials).turn({fail("graph"): 20})
        drawn.append([world.state(Faults).next("graph") for _ in range(200)])
    assert drawn[0] == drawn[1] != drawn[2]
    assert 20 < drawn[0].count(503) < 60


def test_refusals_of_this_kind_do_not_pass_for_azure_s_words(world: World) -> None:
    for service, status in SAYINGS:
        world.state(Dials).turn({throttle(service): 1 if status == 429 else 0, fail(service): 100})
        with pytest.raises(WireError) as refused:
            world.state(Faults).spare(service)
        assert (refused.value.status, refused.value.headers["retry-after"]) == (status, "1")
        assert refused.value.message.startswith(UNVERIFIED)
