"""Notebooks in any order, each in a kernel of its own: green, or one sentence on what comes first.

Afterwards the lab can still be brought to green by running them in their order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers import stages
from akswi_helpers.sandbox import process
from tests.chain.standing import Standing

NUMBERS = [stage.number for stage in stages.STAGES]
FIRST = "first, or set catch_up = True."


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Standing]:
    """A home with nothing in it."""
    home = tmp_path / "home"
    yield Standing(home)
    process.stop(home)


def _refusal(alone: Standing, number: str) -> str:
    """Why notebook `number` stopped; "" when it ran to its end. Raises for a stop without words."""
    out = ("--out", str(alone.home / "out"))
    done = alone.akswi("run", "--only", number, "--yes", *out, check=False)
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if FIRST in line]
    assert (done.returncode, len(said)) == (1, 1), done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return said[0]


def _first(said: str) -> str:
    """The number of the notebook that a refusal asks for."""
    return said.partition(": run ")[2][:2]


def test_shuffles_differ_and_hold_every_notebook() -> None:
    one, two = (random.Random(seed).sample(NUMBERS, len(NUMBERS)) for seed in (14, 25))
    assert one != two
    assert sorted(one) == sorted(two) == NUMBERS


@pytest.mark.clients
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [14, 25])
def test_any_order_is_green_or_says_what_comes_first(alone: Standing, seed: int) -> None:
    stopped = {}
    for number in random.Random(seed).sample(NUMBERS, len(NUMBERS)):
        if said := _refusal(alone, number):
            stopped[number] = _first(said)
    assert stopped
    assert all(first in NUMBERS and first < number for number, first in stopped.items())
    assert [_refusal(alone, number) for number in NUMBERS] == [""] * len(NUMBERS)
