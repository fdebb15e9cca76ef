"""The memory of a sandbox: all of a transaction or none of it, and still there tomorrow."""

from pathlib import Path

import pytest

from akswi_helpers.sandbox.world import StateRefused, Table, World


def test_transaction_keeps_nothing_when_it_fails() -> None:
    vaults = (world := World()).table("vaults")
    with pytest.raises(KeyError), world.transaction():
        _put_and_fail(vaults)
    assert "kv" not in vaults


def _put_and_fail(table: Table) -> None:
    table.put("kv", {"a": 1})
    raise KeyError


def test_state_is_there_when_opened_again(tmp_path: Path) -> None:
    world = World(tmp_path / "state.sqlite")
    with world.transaction():
        world.table("vaults").put("kv", {"a": 1})
    world.close()
    assert World(tmp_path / "state.sqlite").table("vaults")["kv"] == {"a": 1}


def test_change_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="outside a transaction"):
        World().table("vaults").put("kv", {})


def test_state_file_refuses_a_second_sandbox(tmp_path: Path) -> None:
    first = World(tmp_path / "state.sqlite")
    with pytest.raises(StateRefused, match="Another process holds"):
        World(tmp_path / "state.sqlite")
    first.close()


def test_state_file_refuses_what_is_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"not a database, but long enough to look at it" * 50)
    with pytest.raises(StateRefused, match="cannot be read"):
        World(tmp_path / "state.sqlite")


def test_guid_is_the_same_in_every_fresh_world_and_new_when_made_again() -> None:
    one, other = World(), World()
    with one.transaction(), other.transaction():
        first, again = one.ids.guid("identity", "/a"), one.ids.guid("identity", "/a")
        assert first == other.ids.guid("identity", "/A")
        assert first != again
