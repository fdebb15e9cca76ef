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

from akswi_helpers import (
    application,
    apps,
    events,
    evidence,
    infrastructure,
    node_identity,
    vault_access,
)
from akswi_helpers.errors import NotThereYet, UsageError

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

FIRST = "00"  # looking around needs nothing
MAKES = "01"  # the first that writes
LAST = "99"  # cleaning up needs nothing to stand


def _nothing(lab: Lab) -> None:
    """This notebook only looks."""


@dataclass(frozen=True)
class Stage:
    """One notebook. `reached` asks Azure and the cluster; `bring` is what the notebook does."""

    number: str
    notebook: str
    needed_for: str
    reached: Callable[[Lab], bool]
    bring: Callable[[Lab], object]
    about: tuple[str, ...] = ()  # the apps that its text needs, all of them; () is any
    instead: Callable[[Lab], object] = _nothing  # what it does for a lab without one of them

    def tells(self, lab: Lab) -> bool:
        """Whether the page is about what this lab has."""
        return set(self.about) <= {scenario.name for scenario in lab.scenarios}

    @property
    def does_something_instead(self) -> bool:
        """Whether a lab that the page is not about gets something from it all the same."""
        return self.instead is not _nothing


def _deployed(lab: Lab) -> bool:
    return infrastructure.state(lab) == "Succeeded"


def _installed(lab: Lab) -> bool:
    return all(apps.installed(lab, scenario) for scenario in lab.scenarios)


def _identified(lab: Lab) -> bool:
    if _has(lab, "app2") and application.find(lab) is None:
        return False
    return all(vault_access.granted(lab, app) for app in vault_access.APPS if _has(lab, app))


def _identify(lab: Lab) -> object:
    if _has(lab, "app2"):
        application.create(lab)
    return vault_access.grant(lab)


def _federated(lab: Lab) -> bool:
    return not _has(lab, "app2") or application.credential(lab) is not None


def _federate(lab: Lab) -> None:
    if _has(lab, "app2"):
        application.federate(lab)
        apps.wait(lab, "app2")


def _on_the_nodes(lab: Lab) -> bool:
    return not _has(lab, "app3") or node_identity.assigned(lab)


def _put_on_the_nodes(lab: Lab) -> None:
    if _has(lab, "app3"):
        node_identity.assign(lab)
        apps.wait(lab, "app3")


def _refusals(lab: Lab) -> object:
    """Why the one of apps 2 and 3 that is chosen does not start; None when it does."""
    for app in ("app2", "app3"):
        if _has(lab, app):
            return events.account(lab, app)
    return None


def _has(lab: Lab, app: str) -> bool:
    return any(one.name == app for one in lab.scenarios)


def _always(lab: Lab) -> bool:
    return True


STAGES = (
    Stage("00", "00-start-here", "", _always, _nothing),
    Stage(
        "01", "01-deploy-the-infrastructure", "the cluster and the vaults", _deployed,
        infrastructure.deploy,
    ),
    Stage(
        "02", "02-give-app2-an-identity", "the identities and roles of apps 2 and 4",
        _identified, _identify, ("app2",), _identify,
    ),
    Stage(
        "03", "03-deploy-the-apps", "the apps", _installed, apps.install, ("app1",), apps.install
    ),
    Stage(
        "04", "04-read-the-two-failures", "", _always, _nothing, ("app2", "app3"), _refusals
    ),
    Stage(
        "05", "05-federate-app2", "the federated credentials of app 2", _federated, _federate,
        ("app2",),
    ),
    Stage(
        "06", "06-give-the-nodes-app3s-identity", "the identities on the nodes for app 3",
        _on_the_nodes, _put_on_the_nodes, ("app3",),
    ),
    Stage("07", "07-see-them-work", "", _always, _nothing, ("app1",), evidence.table),
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
