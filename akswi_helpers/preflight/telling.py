"""Findings as lines for a terminal: of `akswi preflight`, and of `akswi run` before it writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from akswi_helpers.preflight.finding import OK, Finding

if TYPE_CHECKING:
    from akswi_helpers.parameters import Parameters


def not_there(asked: Parameters) -> list[str]:
    """What is missing or unknown for a lab of these parameters; notebook 01 stops by it."""
    from akswi_helpers import preflight
    from akswi_helpers.lab import open_lab

    names = [scenario.name for scenario in asked.scenarios]
    lab = open_lab("00", asked.target, asked.resource_group, asked.location, names)
    return list(lines([one for one in preflight.findings(lab) if one.state != OK]))


def lines(found: Sequence[Finding]) -> Iterator[str]:
    """A line per finding; for what is not there, what it is for, who gives it, the way round."""
    for one in found:
        yield f"{one.state:<9}{one.what}"
        if one.state != OK:
            yield from (f"{'':<9}{text}" for text in _more(one) if text)


def _more(one: Finding) -> tuple[str, str, str]:
    round_ = f"or: {one.way_round}" if one.way_round else ""
    return f"needed for {one.needed_for}", one.who_gives, round_
