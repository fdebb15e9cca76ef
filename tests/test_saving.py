"""When the runner writes the notebook that it runs."""

from datetime import timedelta
from pathlib import Path

import nbformat
import pytest

from akswi_helpers.saving import Seldom


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "out.ipynb"


@pytest.fixture
def manager(kept: Path) -> Seldom:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": "1 + 1", "outputs": []}
    notebook = nbformat.from_dict(  # type: ignore[no-untyped-call]
        {"cells": [cell], "metadata": {"papermill": {}}, "nbformat": 4, "nbformat_minor": 5}
    )
    manager = Seldom(notebook, output_path=str(kept), progress_bar=False)
    manager.notebook_start()
    return manager


def test_notebook_is_not_written_again_within_a_second(manager: Seldom, kept: Path) -> None:
    manager.cell_start(manager.nb.cells[0], 0)
    assert not kept.exists()


def test_notebook_is_written_while_it_runs_long(manager: Seldom, kept: Path) -> None:
    manager.last_save_time -= timedelta(seconds=2)
    manager.cell_start(manager.nb.cells[0], 0)
    assert "running" in kept.read_text()


def test_notebook_is_written_at_its_end(manager: Seldom, kept: Path) -> None:
    manager.cell_complete(manager.nb.cells[0], 0)
    manager.notebook_complete()
    assert '"end_time"' in kept.read_text()
