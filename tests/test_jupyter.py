"""Working copies: made once, kept, put aside on demand; settings of our own."""

import json
from pathlib import Path

import pytest

from akswi_helpers import jupyter, places


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a wheel: copies go under AKSWI_HOME."""
    shipped = places.shipped("notebooks")
    monkeypatch.setattr(places, "clone", lambda: None)
    monkeypatch.setattr(places, "shipped", lambda _: shipped)
    monkeypatch.setenv("AKSWI_HOME", str(tmp_path))


def test_working_copies_are_kept(tmp_path: Path) -> None:
    folder = jupyter.working_copies()
    (folder / jupyter.FIRST).write_text("mine")
    assert jupyter.working_copies() == folder == tmp_path / "work"
    assert (folder / jupyter.FIRST).read_text() == "mine"


def test_working_copies_are_put_aside_when_fresh(tmp_path: Path) -> None:
    (jupyter.working_copies() / jupyter.FIRST).write_text("mine")
    assert (jupyter.working_copies(fresh=True) / jupyter.FIRST).read_text() != "mine"
    assert (tmp_path / "work-1" / jupyter.FIRST).read_text() == "mine"


def test_settings_open_the_first_notebook_before_a_learner_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    monkeypatch.setenv("AKSWI_HEADLESS", "1")
    env = jupyter.environment(tmp_path / "work")
    first, _, rest = env["JUPYTER_CONFIG_PATH"].partition(":")
    server = json.loads((Path(first) / "jupyter_server_config.json").read_text())
    assert server["LabApp"]["default_url"] == "/lab/tree/00-start-here.ipynb"
    assert rest == "/mine"
    assert "AKSWI_HEADLESS" not in env
