"""Every exercise can be solved: with the right answers in their places, every page says "right"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.labs import notebooks, prepared, stage_of

OPEN = "answer = ..."

# What a learner would put in place of the dots, in order.
ANSWERS = {
    "00": ['"app4"', "0", '"ResourceGroupNotFound"'],
    "01": [
        'outputs["aksOidcIssuerUrl"]',
        '"system:serviceaccount:app1:app1-workloadidapp1"',
        '{"app2", "app4"}',
    ],
    "02": ['"tag"', '"principal id"'],
    "03": ['"pod"', '"AZURE_CLIENT_ID"', "source.audience"],
    "04": ["70025", '"events"'],
    "05": ["700213", "application.credential(lab).subject"],
    "06": ['outputs["aksUserNodePoolName"]', '"AADSTS70025"'],
    "07": ["700212", '"AADSTS70025"', "token.subject"],
    "99": ['"vault"', '"ResourceGroupNotFound"', '"no"'],
}


def answered(path: Path) -> Any:
    """The notebook, its exercises filled in, and only what they need to run."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    answers = iter(ANSWERS[stage_of(path)])
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.startswith(OPEN):
            cell.source = cell.source.replace(OPEN, f"answer = {next(answers)}", 1)
    assert next(answers, None) is None
    return notebook


@pytest.fixture(scope="module")
def walk() -> dict[str, Any]:
    """Every page with its answers, run in order in one lab, by the number of its stage."""
    pages = {stage_of(path): answered(path) for path in notebooks()}
    with prepared(notebooks()[0]):
        for page in pages.values():
            NotebookClient(page, timeout=120, shutdown_kernel="immediate").execute()
    return pages


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", ANSWERS)
def test_exercises_are_right_with_the_right_answers(walk: dict[str, Any], number: str) -> None:
    cells = [cell for cell in walk[number].cells if cell.source.startswith("answer = ")]
    verdicts = [cell.outputs[0].data["text/plain"] for cell in cells]
    assert len(verdicts) == len(ANSWERS[number])
    assert all(verdict.startswith("right: ") for verdict in verdicts)
