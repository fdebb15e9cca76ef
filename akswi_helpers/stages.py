"""How far a lab is, and how to bring it further: a notebook's number is its stage.

    require(lab, "03")  refuse when an earlier notebook has to run first
    bring(lab, "03")    run the verbs of every stage before 03

What a stage has reached is read from Azure and the cluster; nothing is remembered. Left out: going
back; `clean_up` removes everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akswi_helpers import application, apps, infrastructure, node_identity, vault_access
from akswi_helpers.errors import NotThereYet, UsageError

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

LAST = "99"  # cleaning up needs nothing to stand


@dataclass(frozen=True)
class Stage:
    """One notebook. `reached` asks Azure and the cluster; `bring` is what the notebook does."""

    number: str
    notebook: str
    needed_for: str
    reached: Callable[[Lab], bool]
    bring: Callable[[Lab], object]


def _deployed(lab: Lab) -> bool:
    return infrastructure.state(lab) == "Succeeded"


def _installed(lab: Lab) -> bool:
    return all(apps.installed(lab, scenario) for scenario in lab.scenarios)


def _install(lab: Lab) -> None:
    """Install the apps, and do for apps 2, 3 and 4 what no notebook of this version does."""
    chosen = {scenario.name for scenario in lab.scenarios}
    if "app2" in chosen:
        application.create(lab)
    vault_access.grant(lab)
    apps.install(lab)
    if "app2" in chosen:
        application.federate(lab)
    if "app3" in chosen:
        node_identity.assign(lab)
    for name in chosen & {"app2", "app3"}:
        apps.wait(lab, name)


def _nothing(lab: Lab) -> None:
    """This notebook only looks."""


def _always(lab: Lab) -> bool:
    return True


STAGES = (
    Stage("00", "00-start-here", "", _always, _nothing),
    Stage(
        "01", "01-deploy-the-infrastructure", "the cluster and the vaults", _deployed,
        infrastructure.deploy,
    ),
    Stage("03", "03-deploy-the-apps", "the apps", _installed, _install),
    Stage("07", "07-see-them-work", "", _always, _nothing),
    Stage("99", "99-clean-up", "", _always, _nothing),
)  # fmt: skip


def at(number: str) -> Stage:
    """The stage of this number. Raises UsageError when there is none."""
    for stage in STAGES:
        if stage.number == number:
            return stage
    numbers = ", ".join(stage.number for stage in STAGES)
    raise UsageError(f"There is no notebook '{number}'; there are {numbers}.")


def before(number: str) -> tuple[Stage, ...]:
    """The stages that must be reached before notebook `number` can run."""
    at(number)
    if number == LAST:
        return ()
    return tuple(stage for stage in STAGES if stage.number < number)


def reached(lab: Lab, number: str) -> bool:
    """Whether the lab has what notebook `number` leaves behind."""
    return at(number).reached(lab)


def require(lab: Lab, number: str) -> None:
    """Raise NotThereYet, naming the notebook to run first, unless the lab is as far as needed."""
    for stage in before(number):
        if not stage.reached(lab):
            raise NotThereYet(
                f"{stage.needed_for.capitalize()} are not there yet: run {stage.notebook} first, "
                "or set catch_up = True."
            )


def bring(lab: Lab, number: str) -> None:
    """Run the verbs of every stage before `number`; what stands already is left alone."""
    for stage in before(number):
        stage.bring(lab)
