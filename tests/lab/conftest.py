"""A lab with app 1 running, on a sandbox of its own; the tests leave it as they found it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers.lab import Lab, open_lab
from tests.chain.standing import Standing


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """What a person has after `akswi run`."""
    home = Path(tmp_path_factory.mktemp("home"))
    lab = Standing(home)
    try:
        lab.akswi("run", "--yes", "--out", str(home / "out"))
        yield lab
    finally:
        lab.akswi("sandbox", "stop", check=False)


@pytest.fixture
def lab(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The same lab, opened in this process as a notebook opens it."""
    monkeypatch.setenv("AKSWI_HOME", str(standing.home))
    monkeypatch.setenv("AKSWI_HEADLESS", "1")
    return open_lab("07")
