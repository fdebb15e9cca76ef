"""Progress: events for whoever follows, nothing in a headless output."""

import json
from pathlib import Path

import pytest

from akswi_helpers import progress


def _events(path: Path) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [(row["state"], row["text"]) for row in rows]


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "events"
    monkeypatch.setenv("AKSWI_PROGRESS", str(path))
    return path


def test_step_tells_its_beginning_its_middle_and_its_end(events: Path) -> None:
    with progress.step("Deploying"):
        progress.note("a vault is ready")
    assert _events(events) == [
        ("begun", "Deploying"),
        ("at", "a vault is ready"),
        ("done", "Deploying"),
    ]
    assert events.stat().st_mode & 0o777 == 0o600


def test_step_tells_that_it_failed_and_raises(events: Path) -> None:
    with pytest.raises(ValueError, match="no"), progress.step("Deploying"):
        raise ValueError("no")
    assert _events(events)[-1] == ("failed", "Deploying")


def test_step_writes_nothing_when_nobody_follows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AKSWI_PROGRESS", raising=False)
    with progress.step("Deploying"):
        progress.note("on the way")
    assert capsys.readouterr() == ("", "")
