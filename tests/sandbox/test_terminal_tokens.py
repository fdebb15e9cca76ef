"""A lab's token file is renewed in time, and only when it is this sandbox's own."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from akswi_helpers.sandbox import deployer
from akswi_helpers.sandbox.azure.entra import access_tokens
from akswi_helpers.sandbox.azure.entra.access import AKS_AUDIENCES, AKS_SERVER_APP, caller_of
from akswi_helpers.sandbox.terminal_tokens import renew
from akswi_helpers.sandbox.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def file(world: World, tmp_path: Path) -> Path:
    with world.transaction():
        principal = deployer.settle(world, "secret")
    issued = asyncio.run(access_tokens.issue(world, principal, AKS_SERVER_APP, "1", []))
    path = tmp_path / "token"
    path.write_text(issued.text)
    return path


def later(world: World, seconds: float) -> None:
    with world.transaction():
        world.clock.move(seconds)


def test_renew_leaves_a_young_token_alone(world: World, file: Path) -> None:
    before = file.read_text()
    assert not asyncio.run(renew(world, file))
    assert file.read_text() == before


@pytest.mark.parametrize("seconds", [50 * 60, 5 * 3600])
def test_renew_replaces_an_old_token_by_one_of_the_same_principal(
    world: World, file: Path, seconds: float
) -> None:
    later(world, seconds)
    assert asyncio.run(renew(world, file))
    caller = caller_of(world, f"Bearer {file.read_text()}", AKS_AUDIENCES)
    assert caller.object_id == deployer.settle(world, "secret").object_id
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_renew_leaves_a_foreign_token_alone(world: World, file: Path) -> None:
    other = World()
    with other.transaction():
        principal = deployer.settle(other, "secret")
    issued = asyncio.run(access_tokens.issue(other, principal, AKS_SERVER_APP, "1", []))
    file.write_text(issued.text)
    later(world, 5 * 3600)
    assert not asyncio.run(renew(world, file))
    assert file.read_text() == issued.text


@pytest.mark.parametrize("text", ["", "not a token", "a.b.c"])
def test_renew_leaves_what_is_no_token_alone(world: World, file: Path, text: str) -> None:
    file.write_text(text)
    assert not asyncio.run(renew(world, file))
