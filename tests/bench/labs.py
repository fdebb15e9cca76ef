"""1, 10 and 100 labs in one sandbox: what the last of them cost, beside the first ten.

A lab here is a resource group with everything of main.json: a cluster, five vaults, identities.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from akswi_helpers.sandbox import process
from tests.bench.homes import home, run
from tests.bench.rows import Row, Spread
from tests.bench.start import megabytes

LABS, TENTH = 100, 10
FLAT = 1.3  # what may pass for no growth on a machine that is not quite idle
DEPLOY = """
import json, sys, time
from akswi_helpers import infrastructure, open_lab
for number in range(int(sys.argv[1]), int(sys.argv[2])):
    lab = open_lab("01", "sandbox", f"lab-{number:03}")
    begun = time.perf_counter()
    infrastructure.deploy(lab)
    print(json.dumps(time.perf_counter() - begun), flush=True)
"""


def rows() -> list[Row]:
    """Time and memory per lab: the last ten ÷ the first ten."""
    with home() as folder:
        _deploy(folder, 0, 1)  # the clients' own first steps, and the sandbox's
        taken, held = list[float](), [_megabytes(folder)]
        for first in range(1, LABS + 1, TENTH):
            taken += _deploy(folder, first, first + TENTH)
            held.append(_megabytes(folder))
    memory = [(after - before) / TENTH for before, after in pairwise(held)]
    of_time = (
        f"first ten {_mean(taken[:TENTH]):.2f} s, last ten {_mean(taken[-TENTH:]):.2f} s a lab"
    )
    of_memory = f"{_mean(memory):.2f} MB a lab; {held[0]:.0f} MB with 1, {held[-1]:.0f} with 101"
    late = Spread.of([one / memory[0] for one in memory[1:]])
    return [
        Row("100 labs: time of a late lab ÷ an early one", _times(taken), FLAT, said=of_time),
        Row("100 labs: memory of a late lab ÷ an early one", late, FLAT, said=of_memory),
    ]


def _times(taken: Sequence[float]) -> Spread:
    """Each of the last ten ÷ the mean of the first ten."""
    early = _mean(taken[:TENTH])
    return Spread.of([late / early for late in taken[-TENTH:]])


def _deploy(folder: Path, first: int, end: int) -> list[float]:
    said = run([sys.executable, "-c", DEPLOY, str(first), str(end)], folder)
    return [float(json.loads(line)) for line in said.splitlines()]


def _megabytes(folder: Path) -> float:
    running = process.running(folder)
    assert running
    return megabytes(running.pid)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
