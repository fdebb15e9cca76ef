"""The lab that a notebook's proof gets: fresh, private, headless, and gone afterwards."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from akswi_helpers import parameters
from akswi_helpers.sandbox import process
from tests.notebooks.labs import notebooks, prepared, stage_of


def test_stage_is_the_number_in_the_name() -> None:
    assert [stage_of(path) for path in notebooks()] == [
        "00",
        "01",
        "02",
        "03",
        "04",
        "05",
        "06",
        "07",
        "99",
    ]


def test_prepared_gives_a_private_home_with_a_running_sandbox() -> None:
    with prepared(Path("00-start-here.ipynb")) as home:
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert process.running(home) is not None


def test_prepared_is_headless_and_forgets_what_a_person_has_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AKSWI_RESOURCE_GROUP", "somebody-elses")
    with prepared(Path("00-start-here.ipynb")) as home:
        assert os.environ["AKSWI_HOME"] == str(home)
        assert parameters.headless()
        assert "AKSWI_RESOURCE_GROUP" not in os.environ
    assert os.environ["AKSWI_RESOURCE_GROUP"] == "somebody-elses"


def a_proof_that_fails(seen: list[int]) -> None:
    """Note the sandbox's process, and fail."""
    with prepared(Path("00-start-here.ipynb")) as home:
        seen.append(process.ensure(home).pid)
        raise ZeroDivisionError


def test_prepared_stops_the_sandbox_when_the_proof_fails() -> None:
    seen: list[int] = []
    with pytest.raises(ZeroDivisionError):
        a_proof_that_fails(seen)
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0], 0)
