"""A lab with app 1 running, on a sandbox of its own; the tests leave it as they found it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers.lab import Lab, open_lab
from akswi_helpers.sandbox import control, process
from akswi_helpers.types import Json
from tests.chain.standing import Standing


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """A lab that the verbs brought to its last stage."""
    home = Path(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSWI_HOME", str(home))
        patch.setenv("AKSWI_HEADLESS", "1")
        try:
            open_lab("07", scenarios="app1", catch_up=True)
            yield Standing(home)
        finally:
            process.stop(home)


@pytest.fixture(scope="session")
def first_walk(standing: Standing) -> list[Json]:
    """What was asked while the lab was made, row by row; taken before any test writes."""
    rows: list[Json] = control.ask(standing.home, "log", limit=50_000)["rows"]
    return rows


@pytest.fixture
def lab(standing: Standing, first_walk: list[Json], monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The same lab, opened in this process as a notebook opens it."""
    monkeypatch.setenv("AKSWI_HOME", str(standing.home))
    monkeypatch.setenv("AKSWI_HEADLESS", "1")
    return open_lab("07", scenarios="app1")


@pytest.fixture
def terminal(
    standing: Standing, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """This process as a terminal has it: `env`'s exports, but an AKSWI_HOME that knows no sandbox.

    The target "azure" then finds its way by the environment, and by nothing else.
    """
    for name, value in standing.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AKSWI_HOME", str(tmp_path / "elsewhere"))
    return dict(standing.env)
