"""One notebook through papermill: why it stopped, in a learner's words, and what is kept."""

import io
import json
from pathlib import Path

import pytest

from akswi_helpers.execution import Stopped, execute
from akswi_helpers.reporting import Reporter
from akswi_helpers.types import Json


@pytest.fixture
def reporter(tmp_path: Path) -> Reporter:
    return Reporter(tmp_path / "progress.jsonl", io.StringIO(), io.StringIO())


def _notebook(folder: Path, *cells: str) -> Path:
    markdown: Json = {"cell_type": "markdown", "metadata": {}, "source": "## The part that fails"}
    code: list[Json] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": c}
        for c in cells
    ]
    rows = [{**cell, "id": f"c{number}"} for number, cell in enumerate([markdown, *code])]
    path = folder / "05-trial.ipynb"
    path.write_text(json.dumps({"cells": rows, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def _run(folder: Path, reporter: Reporter, *cells: str, timeout: int = 60) -> Path:
    out = folder / "out.ipynb"
    execute(_notebook(folder, *cells), out, {"target": "sandbox"}, timeout, reporter)
    return out


def test_execute_keeps_the_outputs_and_passes_the_parameters(
    tmp_path: Path, reporter: Reporter
) -> None:
    out = _run(tmp_path, reporter, "target * 2")
    assert "sandboxsandbox" in out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600


def test_execute_gives_a_lab_error_as_its_sentence(tmp_path: Path, reporter: Reporter) -> None:
    code = "from akswi_helpers.errors import LabError\nraise LabError('Run 01 first.')"
    with pytest.raises(Stopped, match=r"^05-trial, cell 4 of 4: Run 01 first\.$"):
        _run(tmp_path, reporter, "kept = 41 + 1\nkept", code)
    assert "42" in (tmp_path / "out.ipynb").read_text()


def test_execute_names_any_other_error(tmp_path: Path, reporter: Reporter) -> None:
    with pytest.raises(Stopped, match="ZeroDivisionError: division by zero"):
        _run(tmp_path, reporter, "1 / 0")


def test_execute_says_how_to_give_a_slow_cell_more_time(tmp_path: Path, reporter: Reporter) -> None:
    with pytest.raises(Stopped, match="longer than 1 seconds; give it more with --cell-timeout"):
        _run(tmp_path, reporter, "import time; time.sleep(30)", timeout=1)


def test_execute_says_that_the_kernel_died(tmp_path: Path, reporter: Reporter) -> None:
    with pytest.raises(Stopped, match="the kernel died"):
        _run(tmp_path, reporter, "import os; os._exit(9)")


def test_execute_says_that_it_was_interrupted(tmp_path: Path, reporter: Reporter) -> None:
    code = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(30)"
    with pytest.raises(Stopped, match="cell 3 of 3: interrupted"):
        _run(tmp_path, reporter, code)


def test_execute_leaves_nothing_behind_that_the_next_notebook_would_wake(
    tmp_path: Path, reporter: Reporter, caplog: pytest.LogCaptureFixture
) -> None:
    code = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(30)"
    with pytest.raises(Stopped, match="interrupted"):
        _run(tmp_path, reporter, code)
    _run(tmp_path, reporter, "import time; time.sleep(1.5)")
    assert [record.name for record in caplog.records] == []


def test_execute_shows_where_it_is_and_what_happens_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, said = tmp_path / "progress.jsonl", io.StringIO()
    monkeypatch.setenv("AKSWI_PROGRESS", str(events))
    code = "from akswi_helpers import progress\nwith progress.step('Digging'): pass"
    _run(tmp_path, Reporter(events, io.StringIO(), said), code)
    assert "05-trial, cell 3 of 3 · The part that fails" in said.getvalue()
    assert "· Digging" in said.getvalue()


def test_long_work_leaves_one_line_in_a_learner_s_notebook(
    tmp_path: Path, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AKSWI_HEADLESS", raising=False)
    step = (
        "from akswi_helpers import progress\nwith progress.step('Digging'): progress.note('deep')"
    )
    cells = json.loads(_run(tmp_path, reporter, step).read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert [output["data"]["text/plain"] for output in outputs] == [["done: Digging"]]
