"""What a run shows, in a terminal and without one."""

import io
import json
from pathlib import Path

import pytest

from akswi_helpers.reporting import Reporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    cells = [
        {"cell_type": "markdown", "source": "# 3 · Where from?\n\nThis."},
        {"cell_type": "code", "source": "1"},
        {"cell_type": "code", "source": "2"},
        {"cell_type": "markdown", "source": "## Install it"},
        {"cell_type": "code", "source": "3"},
    ]
    path = tmp_path / "03-trial.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    return path


def _walk(reporter: Reporter, notebook: Path) -> None:
    watch = reporter.watch(notebook)
    for index in range(6):
        watch.cell_started({}, index)


def test_progress_is_a_line_per_heading_without_a_terminal(tmp_path: Path, notebook: Path) -> None:
    said = io.StringIO()
    _walk(Reporter(tmp_path / "none", io.StringIO(), said), notebook)
    lines = said.getvalue().splitlines()
    assert [line.rpartition(" · ")[2] for line in lines] == ["Where from?", "Install it"]
    assert lines[0].startswith("03-trial, cell 1 of 6")


def test_progress_is_one_changing_line_in_a_terminal(tmp_path: Path, notebook: Path) -> None:
    said = Terminal()
    _walk(Reporter(tmp_path / "none", io.StringIO(), said), notebook)
    assert "\n" not in said.getvalue()
    assert said.getvalue().count("\r") == 6


def test_events_are_shown_as_they_come(tmp_path: Path, notebook: Path) -> None:
    events, said = tmp_path / "events", io.StringIO()
    reporter = Reporter(events, io.StringIO(), said)
    with reporter.following():
        events.write_text(
            '{"state": "at", "text": "vault ready"}\n{"state": "done", "text": "All"}\n{"half'
        )
    assert [line.rpartition(" · ")[2] for line in said.getvalue().splitlines()] == [
        "vault ready",
        "All: done",
    ]


def test_evidence_is_printed_once_as_a_table(tmp_path: Path) -> None:
    events, kept = tmp_path / "events", io.StringIO()
    reporter = Reporter(events, kept, io.StringIO())
    rows = [{"app": "app1", "works": "yes"}]
    with reporter.following():
        events.write_text(json.dumps({"state": "evidence", "rows": rows}) + "\n")
    reporter.show_evidence()
    reporter.show_evidence()
    assert kept.getvalue() == "\napp   works\napp1  yes\n"


def test_page_about_other_apps_is_not_called_ok(tmp_path: Path, notebook: Path) -> None:
    events, kept = tmp_path / "events", io.StringIO()
    reporter = Reporter(events, kept, io.StringIO())
    reporter.watch(notebook)
    with reporter.following():
        events.write_text('{"state": "passed over", "text": "About app2."}\n')
    reporter.done("03-trial", 1.0)
    reporter.watch(notebook)
    reporter.done("03-trial", 1.0)
    assert [line[42:] for line in kept.getvalue().splitlines()] == ["passed over", "ok"]


def test_failed_says_what_is_kept(tmp_path: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    reporter = Reporter(tmp_path / "none", out, err)
    reporter.failed(
        "03-trial", 1.23, "03-trial, cell 4 of 6: no helm.", tmp_path / "03-trial.ipynb"
    )
    assert out.getvalue() == f"{'03-trial':<32}   1.2 s  failed\n"
    assert "03-trial, cell 4 of 6: no helm.\nWhat ran so far is in" in err.getvalue()
