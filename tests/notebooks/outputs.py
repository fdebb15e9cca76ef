"""Write the outputs that the notebooks are committed with: `python -m tests.notebooks.outputs`.

Each notebook runs on its own defaults, without injected parameters, in the lab that `labs.prepared`
gives it. What differs from run to run is dropped: widget views, their state, timings, the version
of Python. Give names ("03 07") to write only those. Left out: proving them; `make test` does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from akswi_helpers import diagrams, places, stills, storyboards
from akswi_helpers.svg import Picture
from tests.notebooks.labs import notebooks, prepared, stage_of

WIDGET = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

# The picture at the top of each page, drawn by the package, so that it can be drawn again.
PICTURES: dict[str, Callable[[], Picture]] = {
    "00": stills.five_ways,
    "01": stills.architecture,
    "02": storyboards.registration,
    "03": diagrams.injection,
    "04": storyboards.two_failures,
    "05": storyboards.federation,
    "06": storyboards.node_identity,
    "07": diagrams.expected,
    "99": stills.clean_up,
}


def main(names: list[str]) -> None:
    """Execute the named notebooks, or all, and write them back; and the picture of the README."""
    places.shipped("notebooks").joinpath("chain.svg").write_text(diagrams.expected().svg)
    for path in notebooks():
        if not names or stage_of(path) in names:
            sys.stderr.write(f"{path.name} …\n")
            write(path, executed(path))


def executed(path: Path) -> Any:
    """The notebook with fresh outputs and nothing that differs from run to run.

    Raises nbclient's CellExecutionError when a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    with prepared(path):
        NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            shutdown_kernel="immediate",
            resources={"metadata": {"path": str(path.parent)}},
        ).execute()
    return clean(redrawn(notebook, stage_of(path)))


def clean(notebook: Any) -> Any:
    """The notebook without widget views and without metadata that differs from run to run."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
            if "metadata" in output:
                output.metadata = {}
    return notebook


def redrawn(notebook: Any, stage: str) -> Any:
    """The notebook with its first picture as the package draws it now."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("<img "):
            cell.source = PICTURES[stage]().html()
    return notebook


def write(path: Path, notebook: Any) -> None:
    """Write the notebook as it is kept in git."""
    text: str = nbformat.writes(notebook, indent=1)  # type: ignore[no-untyped-call]
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
