"""The JSON that a walk leaves for a pipeline: when it is green, red, or stopped by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers import parameters, runner
from akswi_helpers.errors import LabError, UsageError
from akswi_helpers.report import Report
from akswi_helpers.sandbox import process
from akswi_helpers.types import Json

AKSWI = Path(sys.executable).parent / "akswi"
NAMES = [path.stem for path in runner.notebooks()]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An AKSWI_HOME of its own, whose sandbox is stopped at the end."""
    folder = tmp_path / "home"
    yield folder
    if folder.exists():
        process.stop(folder)


def _walk(home: Path, *arguments: str) -> subprocess.Popen[str]:
    report, out = str(home.parent / "report.json"), str(home.parent / "out")
    return subprocess.Popen(
        [str(AKSWI), "run", "--report", report, "--out", out, *arguments],
        env={**os.environ, "AKSWI_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _read(home: Path) -> Json:
    document: Json = json.loads((home.parent / "report.json").read_text())
    return document


def _states(document: Json) -> list[str]:
    return [row["state"] for row in document["notebooks"]]


@pytest.mark.timeout(150)
def test_report_of_a_green_walk_names_what_ran(home: Path) -> None:
    walk = _walk(home, "--only", "00", "--scenario", "app3", "--resource-group", "mine")
    walk.communicate(timeout=120)
    found = _read(home)
    assert (found["schema"], found["outcome"], found["exit_code"]) == (1, "ok", walk.returncode)
    assert (found["resource_group"], found["scenarios"]) == ("mine", ["app3"])
    assert _states(found) == ["ok", *["not run"] * 8]
    assert found["seconds"] >= found["notebooks"][0]["seconds"] > 0
    assert (home.parent / "report.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.timeout(150)
def test_report_of_a_red_walk_says_why(home: Path) -> None:
    walk = _walk(home, "--from", "03", "--to", "04")
    _, err = walk.communicate(timeout=120)
    found = _read(home)
    assert (found["outcome"], found["exit_code"], walk.returncode) == ("failed", 1, 1)
    assert _states(found) == [*["not run"] * 3, "failed", *["not run"] * 5]
    assert "run 01-deploy-the-infrastructure first" in found["notebooks"][3]["reason"]
    assert found["notebooks"][3]["reason"] in err


@pytest.mark.timeout(150)
def test_report_of_an_interrupted_walk_says_so(home: Path) -> None:
    walk = _walk(home)
    out = home.parent / "out" / "00-start-here.ipynb"
    while not out.exists():
        assert walk.poll() is None
        time.sleep(0.1)
    assert _read(home)["outcome"] == "running"
    walk.send_signal(signal.SIGINT)
    walk.communicate(timeout=120)
    found = _read(home)
    assert (found["outcome"], found["exit_code"], walk.returncode) == ("interrupted", 1, 1)
    assert _states(found).count("failed") == 1


def _report(path: Path | None) -> Report:
    return Report(path, parameters.settle("sandbox"), NAMES)


def test_evidence_is_told_without_fingerprints(tmp_path: Path) -> None:
    report = _report(tmp_path / "r.json")
    row = {"app": "app1", "works": "yes", "how": "x", "in the pod": "sha256=ab", "proof": "equal"}
    with report.kept():
        report.proven([row])
        report.ended(0)
    found = json.loads((tmp_path / "r.json").read_text())
    assert list(found["evidence"][0]) == ["app", "works", "how", "since", "proof"]
    assert "sha256" not in (tmp_path / "r.json").read_text()


def test_page_about_other_apps_is_passed_over_with_its_sentence() -> None:
    report = _report(None)
    report.done(NAMES[2], 1.26, "This page is about app2.")
    row = report.document()["notebooks"][2]
    assert row["state"] == "passed over"
    assert (row["seconds"], row["reason"]) == (1.3, "This page is about app2.")


def _broken(report: Report, error: BaseException) -> None:
    with report.kept():
        report.began(NAMES[1])
        raise error


@pytest.mark.parametrize(
    ("error", "outcome", "reason", "code"),
    [
        (KeyboardInterrupt(), "interrupted", "interrupted", 1),
        (UsageError("No such thing."), "failed", "No such thing.", 2),
        (LabError("No helm."), "failed", "No helm.", 1),
        (ValueError("token=abc"), "failed", "ValueError", 1),
    ],
)
def test_report_is_written_when_the_walk_breaks(
    tmp_path: Path, error: BaseException, outcome: str, reason: str, code: int
) -> None:
    with pytest.raises(type(error)):
        _broken(_report(tmp_path / "r.json"), error)
    found = json.loads((tmp_path / "r.json").read_text())
    assert (found["outcome"], found["exit_code"]) == (outcome, code)
    assert found["notebooks"][1]["reason"] == reason


def test_report_keeps_the_mode_of_a_file_that_is_there(tmp_path: Path) -> None:
    path, link = tmp_path / "r.json", tmp_path / "link.json"
    path.write_text("{}")
    path.chmod(0o644)
    link.symlink_to(path)
    with _report(link).kept():
        pass
    assert (path.stat().st_mode & 0o777, link.is_symlink()) == (0o644, True)


@pytest.mark.parametrize("name", [".", "missing/r.json", "/dev/null"])
def test_report_refuses_what_is_no_file_before_anything_runs(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="report"):
        _report(tmp_path / name)
