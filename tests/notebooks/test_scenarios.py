"""`akswi run --scenario …`: every choice ends green, also on pages that are about other apps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers import stages
from akswi_helpers.sandbox import process
from tests.chain.standing import Standing

IN_MAKE_TEST = "app4"
PASSED = "its other cells are passed over."


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Standing]:
    """A home with nothing in it."""
    home = tmp_path / "home"
    yield Standing(home)
    process.stop(home)


def _choices() -> list[object]:
    others = ("app1", "app2", "app3", "app5", "app2,app3")
    return [IN_MAKE_TEST, *(pytest.param(one, marks=pytest.mark.clients) for one in others)]


def _passed_over(out: Path) -> set[str]:
    """The numbers of the executed notebooks that say that they are about other apps."""
    pages = sorted(out.glob("*.ipynb"))
    return {page.name[:2] for page in pages if PASSED in page.read_text(encoding="utf-8")}


def _about_others(apps: list[str]) -> set[str]:
    return {stage.number for stage in stages.STAGES if not set(stage.about) <= set(apps)}


def _end(about_others: bool) -> str:
    return "passed over" if about_others else "ok"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("choice", _choices())
def test_walk_of_a_choice_ends_green(alone: Standing, tmp_path: Path, choice: str) -> None:
    out, apps = tmp_path / "out", choice.split(",")
    done = alone.akswi("run", "--scenario", choice, "--clean-up", "--yes", "--out", str(out))
    ends = dict(re.findall(r"^(\d\d)-\S+ +[\d.]+ s  (.+)$", done.stdout, re.MULTILINE))
    rows = [line.split()[:2] for line in done.stdout.splitlines() if line.startswith("app")]
    others = _about_others(apps)
    assert ends == {one.number: _end(one.number in others) for one in stages.STAGES}
    assert rows == [["app", "works"], *([app, "yes"] for app in apps)]
    assert _passed_over(out) == others
    assert not [path for path in out.iterdir() if '"output_type": "error"' in path.read_text()]
