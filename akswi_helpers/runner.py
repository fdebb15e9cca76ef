"""`akswi run`: the notebooks in order, without a person, through papermill.

    run(Walk(…))        0 when every notebook ran, else 1

The executed notebooks stay in `out`, the failing one included. Nothing is printed but progress, one
line per notebook, and the evidence. Left out: running notebooks side by side; they build on each
other.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from akswi_helpers import places, spending, stages, warm_kernels
from akswi_helpers.errors import UsageError
from akswi_helpers.execution import Stopped, execute
from akswi_helpers.interrupts import finishing
from akswi_helpers.parameters import Parameters
from akswi_helpers.preflight import telling
from akswi_helpers.report import Report
from akswi_helpers.reporting import Reporter
from akswi_helpers.types import Json

CLEAN_UP = "99"
GOES_ON = (
    "The clean-up goes on, so that nothing is left. Ctrl-C again leaves it unfinished; "
    "'akswi run --only 99' then finishes it."
)


@dataclass(frozen=True)
class Walk:
    """What to run: the parameters of every notebook, and which notebooks."""

    parameters: Parameters
    only: tuple[str, ...] = ()
    first: str = ""
    last: str = ""
    catch_up: bool = False
    clean_up: bool = False
    accept_cost: bool = False
    out: Path | None = None
    cell_timeout_s: int = 1800
    report: Path | None = None

    def notebooks(self) -> list[Path]:
        """The notebooks to run, in order; clean-up apart. Raises UsageError for unknown numbers."""
        found = notebooks()
        if self.only:
            wanted = {_number(name, found) for name in self.only}
            return [path for path in found if path.name[:2] in wanted]
        low = _number(self.first, found) if self.first else "00"
        high = _number(self.last, found) if self.last else _highest(found, low)
        if low > high:
            raise UsageError(f"Nothing lies between {low} and {high}: --from comes before --to.")
        return [path for path in found if low <= path.name[:2] <= high]

    def injected(self) -> Json:
        """The parameters cell of every notebook, all of it."""
        asked = self.parameters
        return {
            "target": asked.target,
            "resource_group": asked.resource_group,
            "location": asked.location,
            "scenarios": [scenario.name for scenario in asked.scenarios],
            "catch_up": self.catch_up,
            "accept_cost": self.accept_cost,
        }


def notebooks() -> list[Path]:
    """The notebooks that were shipped, in order."""
    return sorted(places.shipped("notebooks").glob("[0-9][0-9]-*.ipynb"))


def default_out() -> Path:
    """`out/` in a clone, else a folder under AKSWI_HOME."""
    return (places.clone() or places.home()) / "out"


def run(walk: Walk) -> int:
    """Run the walk; the exit code: 0 when every notebook ran, else 1.

    With `clean_up`, 99 runs in any case, and a sandbox that this run started is stopped; it takes
    two more Ctrl-C to end that. With `report`, what happened is also written there.
    """
    chosen = walk.notebooks()
    report = Report(walk.report, walk.parameters, [path.stem for path in notebooks()])
    with report.kept():
        code = _all(walk, chosen, report)
        report.ended(code)
    return code


def _all(walk: Walk, chosen: Sequence[Path], report: Report) -> int:
    out = places.private(walk.out or default_out())
    spending.before(walk.parameters, walk.accept_cost)
    idle = _sandbox_is_idle(walk)
    with tempfile.TemporaryDirectory(prefix="akswi-") as folder:
        _prepare(Path(folder) / "progress.jsonl")
        reporter = Reporter(Path(folder) / "progress.jsonl")
        if walk.parameters.target == "azure" and _makes_the_lab(walk, chosen):
            reporter.tell(telling.not_there(walk.parameters))
        with warm_kernels.kept() as kernels:
            going = _Run(walk, out, reporter, report, kernels)
            code = _until_interrupted(going, chosen)
            with _finishing(walk):
                if walk.clean_up:
                    code = max(code, _walk(going, _clean_up_of(chosen)))
                report.proven(reporter.evidence)
                reporter.show_evidence()
                spending.after(walk.parameters)
                if walk.clean_up and idle:
                    _stop_sandbox()
    return code


@dataclass(frozen=True)
class _Run:
    """One run: what it walks, where the notebooks stay, who is told, who forks its kernels."""

    walk: Walk
    out: Path
    reporter: Reporter
    report: Report
    kernels: warm_kernels.Kernels | None


def _makes_the_lab(walk: Walk, chosen: Sequence[Path]) -> bool:
    return walk.catch_up or any(path.name.startswith(stages.MAKES) for path in chosen)


def _until_interrupted(going: _Run, chosen: Sequence[Path]) -> int:
    """The walk; with `clean_up`, Ctrl-C between two notebooks does not end the run either."""
    try:
        return _walk(going, chosen)
    except KeyboardInterrupt:
        if not going.walk.clean_up:
            raise
        going.report.interrupted()
        return 1


def _finishing(walk: Walk) -> AbstractContextManager[None]:
    return finishing(GOES_ON) if walk.clean_up else nullcontext()


def _walk(going: _Run, chosen: Sequence[Path]) -> int:
    walk, reporter, report = going.walk, going.reporter, going.report
    for path in chosen:
        begun, kept = time.monotonic(), going.out / path.name
        report.began(path.stem)
        try:
            execute(path, kept, walk.injected(), walk.cell_timeout_s, reporter, going.kernels)
        except Stopped as stopped:
            seconds, reason = time.monotonic() - begun, str(stopped)
            reporter.failed(path.stem, seconds, reason, kept)
            report.failed(path.stem, seconds, reason, stopped.interrupted)
            return 1
        seconds = time.monotonic() - begun
        reporter.done(path.stem, seconds)
        report.done(path.stem, seconds, reporter.passed_over)
    return 0


def _clean_up_of(chosen: Sequence[Path]) -> list[Path]:
    """Notebook 99, unless it was among those chosen."""
    if any(path.name.startswith(CLEAN_UP) for path in chosen):
        return []
    return [path for path in notebooks() if path.name.startswith(CLEAN_UP)]


def _prepare(progress: Path) -> None:
    """What every kernel of this run inherits."""
    os.environ["AKSWI_HEADLESS"] = "1"
    os.environ["AKSWI_PROGRESS"] = str(progress)
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["AKSWI_HOME"] = str(places.home())
    # What a library says of a notebook that stopped, we say in one sentence.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    # 0.8 s of every import of nbformat, for a check of IRIs that notebooks do not need.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def _number(name: str, found: Sequence[Path]) -> str:
    for path in found:
        if name in (path.name[:2], path.stem, path.name):
            return path.name[:2]
    numbers = ", ".join(path.name[:2] for path in found)
    raise UsageError(f"There is no notebook '{name}'; there are {numbers}.")


def _highest(found: Sequence[Path], low: str) -> str:
    """The last notebook of a walk: all but clean-up, unless it starts there."""
    return max([low, *(p.name[:2] for p in found if p.name[:2] != stages.LAST)])


def _sandbox_is_idle(walk: Walk) -> bool:
    if walk.parameters.target != "sandbox":
        return False
    from akswi_helpers.sandbox import process

    return process.running(places.home()) is None


def _stop_sandbox() -> None:
    from akswi_helpers.sandbox import process

    process.stop(places.home())
