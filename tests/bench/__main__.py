"""`python -m tests.bench [NAME …]`: every figure, or those named, in one table.

Each figure is a module here with one function, `rows()`. Everything runs in private folders and is
taken away afterwards. Wall-clock times are only worth something on a machine that does nothing
else, so the load is said at both ends. Left out: a history; compare two runs of your own.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Sequence

from tests.bench.rows import Absent, Row, table

NAMES = ("start", "gateway", "exchanges", "helm", "labs", "walk", "typed")


def main(names: Sequence[str]) -> int:
    """Measure, print, and say with the exit code whether every goal was met."""
    if unknown := set(names) - set(NAMES):
        print(f"There is no figure '{min(unknown)}'; there are {', '.join(NAMES)}.")  # noqa: T201
        return 2
    begun, load = time.monotonic(), os.getloadavg()[0]
    found: list[Row | Absent] = []
    for name in names or NAMES:
        print(f"{name} …", file=sys.stderr, flush=True)  # noqa: T201
        found += importlib.import_module(f"tests.bench.{name}").rows()
    print(table(found))  # noqa: T201
    print(_about(time.monotonic() - begun, load))  # noqa: T201
    return int(any(isinstance(row, Row) and row.met is False for row in found))


def _about(seconds: float, load: float) -> str:
    cores, after = os.cpu_count() or 1, os.getloadavg()[0]
    text = f"\n{seconds:.0f} s on {cores} cores; load {load:.1f} before, {after:.1f} after."
    if load > cores / 2:
        text += " Something else was running: read the ratios, not the seconds."
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
