"""A lab: one resource group on one target, and who is working in it.

    lab = open_lab("03", target, resource_group, location, scenarios, catch_up, accept_cost)

A lab has no state of its own: everything is read back from Azure and the cluster. Opening one makes
nothing; it starts the sandbox when that is the target, and refuses a group that is not the lab's.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from akswi_helpers import commands, explain, ownership, parameters, places, progress
from akswi_helpers.commands import CommandOutput
from akswi_helpers.errors import LabError
from akswi_helpers.ledger import Ledger
from akswi_helpers.scenarios import Scenario
from akswi_helpers.targets import Target, open_target

if TYPE_CHECKING:
    import httpx

Made = TypeVar("Made")


@dataclass
class Lab:
    """One lab. `cloud` makes the clients; `folder` holds its ledger and kubeconfig.

    `left_out` holds the apps that a right is missing for, each with the reason.
    """

    cloud: Target
    resource_group: str
    location: str
    scenarios: tuple[Scenario, ...]
    stage: str = "00"
    accept_cost: bool = False
    left_out: dict[str, str] = field(default_factory=dict)
    _memory: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def target(self) -> str:
        """Where it lives: "sandbox" or "azure"."""
        return self.cloud.name

    @property
    def tags(self) -> dict[str, str]:
        """The tags of everything that this lab makes.

        Who made it and when it should be gone are read back from its group, so that a second run
        changes no tag; they are new only while there is no group.
        """
        return self.once("tags", self._tags)

    def _tags(self) -> dict[str, str]:
        group = find_group(self.cloud, self.resource_group)
        new = {ownership.OWNER: self.cloud.who.owner, ownership.DELETE_BY: parameters.delete_by()}
        guard = new if group is None else ownership.kept(group.tags)
        return {**ownership.tags(self.resource_group), **guard}

    @cached_property
    def folder(self) -> Path:
        """This lab's private folder under AKSWI_HOME."""
        return places.private(folder(self.target, self.resource_group))

    @property
    def ledger(self) -> Ledger:
        """What this lab has begun to make."""
        return Ledger(self.folder)

    @property
    def group_id(self) -> str:
        """The resource id of its group."""
        return f"/subscriptions/{self.cloud.subscription_id}/resourceGroups/{self.resource_group}"

    def kubectl(self, line: str | Sequence[str], *, check: bool = True) -> CommandOutput:
        """What the real kubectl prints for this lab's cluster: `lab.kubectl("get pods -A")`."""
        return commands.kubectl(self, line, check=check)

    def helm(self, line: str | Sequence[str], *, check: bool = True) -> CommandOutput:
        """What the real helm prints for this lab's cluster: `lab.helm("list -A")`."""
        return commands.helm(self, line, check=check)

    def http(self) -> httpx.Client:
        """A plain HTTP client that reaches this target; it adds no token."""
        return self.cloud.http()

    def once(self, key: str, make: Callable[[], Made]) -> Made:
        """What `make` returned the first time; kept until `forget`."""
        if key not in self._memory:
            self._memory[key] = make()
        made: Made = self._memory[key]
        return made

    def forget(self, *keys: str) -> None:
        """Read these things again from now on, or everything: it was made anew or removed."""
        for key in keys or tuple(self._memory):
            self._memory.pop(key, None)

    def rows(self) -> dict[str, str]:
        """What a learner should know before anything is made."""
        return {
            "target": self.target,
            "tenant": self.cloud.tenant_id,
            "subscription": self.cloud.subscription_id,
            "resource group": self.resource_group,
            "region": self.location,
            "you are": str(self.cloud.who),
            "scenarios": ", ".join(scenario.name for scenario in self.scenarios),
            **{f"not {app}": reason for app, reason in self.left_out.items()},
            **({} if self.cloud.is_sandbox else self._account()),
        }

    def _account(self) -> dict[str, str]:
        """What more a person should know where it costs money: who pays, and how much."""
        from akswi_helpers import cost

        who, subscription = self.cloud.who, self.cloud.subscription_id
        return {
            "subscription": f"{self.cloud.subscription_name} ({subscription})",
            "you are": f"{who}, object id {who.object_id}",
            **cost.rows(self),
        }

    def __repr__(self) -> str:
        return "\n".join(f"{name:<15}{value}" for name, value in self.rows().items())

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<tr><th style="text-align:left">{name}</th>'
            f'<td style="text-align:left">{html.escape(value)}</td></tr>'
            for name, value in self.rows().items()
        )
        return f"<table>{cells}</table>"


def folder(target: str, resource_group: str) -> Path:
    """Where the lab of this target and group keeps its files; not made here."""
    return places.home() / f"{target}-{resource_group}"


def open_lab(
    stage: str = "00",
    target: str | None = None,
    resource_group: str | None = None,
    location: str | None = None,
    scenarios: str | Sequence[str] | None = None,
    catch_up: bool = False,
    accept_cost: bool = False,
) -> Lab:
    """The lab, as far as notebook `stage` needs it.

    On Azure, apps that a right is missing for are left out, which is said. Raises UsageError for a
    parameter that cannot be meant, LabError for a group that is not the lab's, or when no app is
    left, NotThereYet when an earlier notebook has to run first; with `catch_up`, runs its verbs.
    """
    from akswi_helpers import passing, stages

    stages.at(stage)
    asked = parameters.settle(target, resource_group, location, scenarios)
    lab = at(asked, stage, accept_cost)
    if stage != stages.FIRST and not lab.cloud.is_sandbox:
        _leave_out(lab, stage)
    if catch_up:
        _agree(lab)
        stages.bring(lab, stage)
    else:
        stages.require(lab, stage)
    if progress.in_a_notebook():
        _show_tables_whole()
        passing.nothing()
        if not stages.at(stage).tells(lab):
            passing.over(lab, stages.at(stage))
            progress.passed_over(passing.sentence(lab, stages.at(stage)))
    return lab


def _leave_out(lab: Lab, stage: str) -> None:
    """Go on without the apps that a right is missing for; the sandbox's deployer lacks none."""
    from akswi_helpers import preflight, stages

    preflight.narrow(lab)
    if not lab.scenarios and stage != stages.LAST:
        raise LabError(" ".join(lab.left_out.values()))
    if progress.in_a_notebook():
        for reason in lab.left_out.values():
            print(reason)  # noqa: T201 - this is the page's own text


def _show_tables_whole() -> None:
    """An issuer cut at its fiftieth character cannot be compared by eye."""
    import pandas as pd

    pd.set_option("display.max_colwidth", None)
    pd.set_option("display.width", 240)


def _agree(lab: Lab) -> None:
    """Before a catch-up writes on Azure: the cost is accepted, and who pays for what was shown."""
    from akswi_helpers import cost, stages

    if lab.cloud.is_sandbox or all(stage.reached(lab) for stage in stages.before(lab.stage)):
        return
    cost.agree(lab)
    if progress.in_a_notebook():
        from IPython.display import display

        display(lab)  # type: ignore[no-untyped-call]


@explain.told
def at(asked: parameters.Parameters, stage: str = "00", accept_cost: bool = False) -> Lab:
    """The lab that these parameters name, however far it is.

    Raises LabError for a group that is not the lab's.
    """
    cloud = open_target(asked.target)
    found = find_group(cloud, asked.resource_group)
    region = asked.location or parameters.DEFAULT_LOCATION
    if found is not None:
        ownership.refuse_foreign(
            f"The resource group '{asked.resource_group}'", found.tags, asked.resource_group
        )
        region = str(found.location)
        if asked.location and asked.location != region:
            raise LabError(
                f"The resource group '{asked.resource_group}' is in {region}, not in "
                f"{asked.location}; leave the region out, or pick another name."
            )
    return Lab(cloud, asked.resource_group, region, asked.scenarios, stage, accept_cost)


def find_group(cloud: Target, name: str) -> Any:
    """The resource group as Azure has it, or None."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return cloud.resources().resource_groups.get(name)
    except ResourceNotFoundError:
        return None
