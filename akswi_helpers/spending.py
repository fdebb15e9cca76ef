"""What `akswi run` says of the money: who pays, before the first notebook; what still runs, after.

    before(parameters, accept_cost)     the account, the region and the cost of a day
    after(parameters)                   what stands in Azure, also when the walk failed

On the sandbox neither says anything. Left out: what was spent; Azure's own cost analysis has that,
a day later.
"""

from __future__ import annotations

from akswi_helpers.parameters import Parameters


def before(parameters: Parameters, accept_cost: bool) -> None:
    """Print who would pay how much for what, and whether that was accepted."""
    if parameters.target != "sandbox":
        from akswi_helpers import lab

        _print(lab.at(parameters, accept_cost=accept_cost))


def after(parameters: Parameters) -> None:
    """Print what Azure still lists of the lab, and what it costs a day."""
    if parameters.target != "sandbox":
        from akswi_helpers import cost, lab

        _print(cost.still_running(lab.at(parameters)))


def _print(shown: object) -> None:
    print(f"\n{shown!r}\n", flush=True)  # noqa: T201 - for a person at a terminal
