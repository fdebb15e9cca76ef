"""The whole walk, beside the same number of empty notebooks, both by `akswi run`'s own runner.

Warm: the sandbox runs, and files have been read before. Each walk has a fresh lab and cleans it up.
The second row starts kernels the ordinary way, as papermill does alone: what forking them saves.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.homes import home, run
from tests.bench.rows import Row, in_turn, ratio, seconds

REPEATS = 2
EMPTY = """
import json, pathlib, sys
from akswi_helpers import parameters, runner
folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
cell = {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {}, "outputs": []}
text = json.dumps({"cells": [{**cell, "source": "pass"}], "metadata": {}, "nbformat": 4,
                   "nbformat_minor": 5})
class Empty(runner.Walk):
    def notebooks(self):
        return [folder / page.name for page in runner.notebooks()]
walk = Empty(parameters.settle("sandbox"), out=folder / "out")
for path in walk.notebooks():
    path.write_text(text)
sys.exit(runner.run(walk))
"""


def rows() -> list[Row]:
    """With forked kernels, and with ordinary ones."""
    with home() as folder:
        _walk(folder, "1")
        return [
            _row(folder, "1", "the walk ÷ nine empty notebooks", 2.0),
            _row(folder, "0", "… with ordinary kernels", None),
        ]


def _row(folder: Path, warm: str, what: str, goal: float | None) -> Row:
    walks, empty = in_turn(REPEATS, lambda: _walk(folder, warm), lambda: _empty(folder, warm))
    said = f"the walk {seconds(walks)}, empty {seconds(empty)}"
    return Row(what, ratio(walks, empty), goal, said=said)


def _walk(folder: Path, warm: str) -> None:
    akswi = str(Path(sys.executable).with_name("akswi"))
    command = [akswi, "run", "--clean-up", "--yes", "--out", str(folder / "walked")]
    run(command, folder, AKSWI_WARM_KERNELS=warm)


def _empty(folder: Path, warm: str) -> None:
    run([sys.executable, "-c", EMPTY, str(folder / "empty")], folder, AKSWI_WARM_KERNELS=warm)
