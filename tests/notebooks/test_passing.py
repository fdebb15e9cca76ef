"""A page about other apps, in a kernel without papermill: it says so, and Run All ends green."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from akswi_helpers import places
from akswi_helpers.passing import PassOver
from tests.notebooks.labs import prepared

START = Path("00-start-here.ipynb")
OPEN = "from akswi_helpers import open_lab\nlab = open_lab('02', scenarios={!r}, catch_up=True)"

pytestmark = pytest.mark.timeout(120)


def ran(notebook: Any) -> Any:
    """The notebook, run through in a fresh sandbox. Raises CellExecutionError when a cell fails."""
    with prepared(START):
        NotebookClient(
            notebook, timeout=100, kernel_name="python3", shutdown_kernel="immediate"
        ).execute()
    return notebook


def said(cell: Any) -> str:
    """What a code cell printed."""
    return "".join(output.get("text", "") for output in cell.outputs)


def page(name: str, parameters: str) -> Any:
    """A page with these lines at the end of its parameters cell."""
    path = places.shipped("notebooks") / name
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    first = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    first.source += parameters
    return notebook


def test_run_all_of_a_page_about_other_apps_says_so_once_and_ends_green() -> None:
    notebook = ran(
        page("06-give-the-nodes-app3s-identity.ipynb", '\nscenarios = "app4"\ncatch_up = True')
    )
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    told = [cell for cell in code if "about app3, and your lab is about app4" in said(cell)]
    after = code[code.index(told[0]) + 1 :]
    assert len(told) == 1
    assert len(after) > 10
    assert [cell.source for cell in after if cell.outputs] == ["cost.still_running(lab)"]


def test_another_choice_ends_the_passing_over() -> None:
    cells = [OPEN.format("app1"), "print('one')", OPEN.format("app2"), "print('two')"]
    notebook = new_notebook(cells=[new_code_cell(text) for text in cells])  # type: ignore[no-untyped-call]
    _, passed, _, done = ran(notebook).cells
    assert (said(passed), said(done)) == ("", "two\n")


@pytest.mark.parametrize(
    ("source", "runs"),
    [
        ("import sys", True),
        ("from akswi_helpers import (\n    apps,\n    checks,\n)", True),
        ("scenarios = ['app1']\ncatch_up = False", True),
        ("lab = open_lab('03')\nlab", True),
        ("from akswi_helpers import infrastructure\noutputs = infrastructure.outputs(lab)", False),
        ("answer = ...\nchecks.reach(answer)", False),
        ("chart = f'-l {one}'", False),
        ("lab", False),
        ("cost.still_running(lab)", True),
    ],
)
def test_pass_over_leaves_what_opens_the_lab(source: str, runs: bool) -> None:
    tree = ast.parse(source)
    assert (PassOver().visit(tree) is tree) == runs
    assert runs or PassOver().visit(tree).body == []
