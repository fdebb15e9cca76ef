"""The sandbox that a notebook started goes on when the notebook's kernel is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from akswi_helpers.sandbox import process
from tests.notebooks.test_alone import run, text


@pytest.mark.timeout(120)
def test_sandbox_outlives_the_kernel_that_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("AKSWI_HOME", str(home))
    try:
        assert "you are" in text(run("00-start-here.ipynb", tmp_path))  # its kernel is gone now
        started = process.running(home)
        assert started
        run("00-start-here.ipynb", tmp_path)
        again = process.running(home)
        assert again
        assert again.pid == started.pid
    finally:
        process.stop(home)
