"""What is dropped before a notebook is committed, and what may differ in its proof."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.notebooks.outputs import KERNEL, WIDGET, clean

CONFIG = Path(__file__).with_name("sanitize.cfg")


def a_notebook() -> Any:
    """One cell with a widget, timings and a parameters tag."""
    shown = new_output("execute_result", {WIDGET: {"model_id": "1"}, "text/plain": "picker"})  # type: ignore[no-untyped-call]
    cell = new_code_cell("1", outputs=[shown], execution_count=1)  # type: ignore[no-untyped-call]
    cell.metadata = {"tags": ["parameters"], "execution": {"iopub.status.busy": "now"}}
    notebook = new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    notebook.metadata = {"widgets": {}, "language_info": {"version": "3.99"}}
    return notebook


def test_clean_drops_widgets_and_keeps_words() -> None:
    [cell] = clean(a_notebook()).cells
    assert cell.outputs[0].data == {"text/plain": "picker"}
    assert cell.execution_count == 1


def test_clean_drops_timings_and_versions_and_keeps_tags() -> None:
    notebook = clean(a_notebook())
    assert notebook.cells[0].metadata == {"tags": ["parameters"]}
    assert notebook.metadata == {"kernelspec": KERNEL, "language_info": {"name": "python"}}


def test_sanitize_has_few_patterns_each_with_its_reason() -> None:
    text = CONFIG.read_text(encoding="utf-8")
    patterns = re.findall(r"^\[.+: .+\]\nregex: (.+)\nreplace: .+$", text, re.MULTILINE)
    assert len(patterns) == text.count("regex:") <= 5
    assert all(re.compile(pattern) for pattern in patterns)


def test_sanitize_leaves_an_id_alone() -> None:
    known = "client 51c2f3a0-1111-4222-8333-944455566677 has sha256=ab"
    patterns = re.findall(r"^regex: (.*)$", CONFIG.read_text(encoding="utf-8"), re.MULTILINE)
    assert not [pattern for pattern in patterns if re.search(pattern, known)]
