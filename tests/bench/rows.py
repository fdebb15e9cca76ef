"""A figure of the bench: what was measured, how it spread, and what it should be.

    timed(work, repeats)        seconds of each run of one work
    in_turn(repeats, a, b)      seconds of several works, run a b a b …
    ratio(a, b)                 pair by pair, so that a machine that slows down slows both
    Row(…).cells()              one line of the table

Left out: pinning processors, dropping outliers; the spread is shown instead.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True)
class Spread:
    """The median of some measurements, and the lowest and highest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of `values`, of which there is at least one."""
        return cls(statistics.median(values), min(values), max(values))

    def text(self, unit: str) -> str:
        """The median, with three figures."""
        return f"{_figures(self.median)} {unit}".rstrip()

    def range(self) -> str:
        """Lowest to highest."""
        return f"{_figures(self.low)} to {_figures(self.high)}"


@dataclass(frozen=True)
class Row:
    """One line of the table. `goal` is at most, or with `at_least` at least, that much."""

    what: str
    found: Spread
    goal: float | None = None
    unit: str = "×"
    at_least: bool = False
    said: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median meets the goal; None without one."""
        if self.goal is None:
            return None
        good = self.found.median >= self.goal if self.at_least else self.found.median <= self.goal
        return good

    def cells(self) -> tuple[str, ...]:
        """What, median, range, goal, verdict, and what was compared."""
        verdict = {True: "met", False: "missed", None: ""}[self.met]
        goal = f"{'≥' if self.at_least else '≤'} {_figures(self.goal)}" if self.goal else ""
        return self.what, self.found.text(self.unit), self.found.range(), goal, verdict, self.said


@dataclass(frozen=True)
class Absent:
    """A figure that could not be measured here, and why."""

    what: str
    why: str

    def cells(self) -> tuple[str, ...]:
        """What, and why not."""
        return self.what, "", "", "", "", self.why


HEAD = ("figure", "median", "spread", "goal", "verdict", "measured")


def table(rows: Sequence[Row | Absent]) -> str:
    """The rows under their heads, in columns."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    padded = ("  ".join(t.ljust(w) for t, w in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)


def timed(work: Work, repeats: int = 1) -> list[float]:
    """Seconds that each of `repeats` runs of `work` took."""
    return in_turn(repeats, work)[0]


def in_turn(repeats: int, *works: Work) -> list[list[float]]:
    """Seconds of each work, which take turns `repeats` times."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(repeats):
        for seconds, work in zip(taken, works, strict=True):
            begun = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - begun)
    return taken


def ratio(upper: Sequence[float], lower: Sequence[float]) -> Spread:
    """The spread of upper ÷ lower, pair by pair."""
    return Spread.of([a / b for a, b in zip(upper, lower, strict=True)])


def seconds(values: Sequence[float]) -> str:
    """The median of `values`, as people say it."""
    median = statistics.median(values)
    return f"{_figures(median)} s" if median >= 0.1 else f"{_figures(median * 1000)} ms"


def _figures(value: float) -> str:
    """Three figures: 0.0412, 1.27, 153."""
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3g}"
