"""A notebook that is run alone, by plain papermill, in a lab where nothing stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from akswi_helpers import places
from akswi_helpers.sandbox import request_log
from tests.notebooks.labs import prepared

NOTHING_STANDS = Path("00-start-here.ipynb")
NOTEBOOKS = places.shipped("notebooks")

pytestmark = pytest.mark.timeout(300)


def run(name: str, out: Path, **parameters: Any) -> Any:
    """The executed notebook. Raises PapermillExecutionError when a cell fails."""
    return papermill.execute_notebook(
        NOTEBOOKS / name,
        out / name,
        parameters=parameters,
        progress_bar=False,
        cwd=str(out),
        shutdown_kernel="immediate",
    )


def text(notebook: Any) -> str:
    """What its cells show, in plain text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.data.get("text/plain", "") for output in outputs if "data" in output)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("03-deploy-the-apps.ipynb", "01-deploy-the-infrastructure"),
        ("07-see-them-work.ipynb", "01-deploy-the-infrastructure"),
    ],
)
def test_notebook_alone_names_the_one_to_run_first_and_makes_nothing(
    name: str, first: str, tmp_path: Path
) -> None:
    with prepared(NOTHING_STANDS) as home:
        with pytest.raises(PapermillExecutionError) as failed:
            run(name, tmp_path)
        methods = {row["method"] for row in request_log.read(home / "sandbox", 1000)}
    assert f"run {first} first, or set catch_up = True" in failed.value.evalue
    assert not methods & {"PUT", "PATCH", "DELETE"}


def test_notebook_alone_catches_up_when_told_and_takes_its_parameters(tmp_path: Path) -> None:
    with prepared(NOTHING_STANDS):
        notebook = run(
            "07-see-them-work.ipynb",
            tmp_path,
            catch_up=True,
            resource_group="another-lab",
            location="northeurope",
            scenarios="app1",
        )
    assert "resource group another-lab" in text(notebook)
    assert "https://northeurope.oic.prod-aks.azure.com/" in text(notebook)


def test_clean_up_works_where_nothing_stands(tmp_path: Path) -> None:
    with prepared(NOTHING_STANDS):
        notebook = run("99-clean-up.ipynb", tmp_path)
    assert "was not there" in text(notebook)
