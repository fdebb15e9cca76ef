"""Can this lab be made here, by you? Asked before anything is made, and nothing is written.

    check(lab)      a row per thing: there or not, what for, who can give it, the way round
    require(lab)    raises one sentence when something is missing that cannot be gone round
    narrow(lab)     leaves out the apps that you lack a right for

Azure is asked for everything at once. Source: see `rights`, `directory`, `supplies`. Left out:
policies of the subscription, and whether the region has machines to give at this hour.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from akswi_helpers import explain, progress
from akswi_helpers.errors import LabError, Refused
from akswi_helpers.preflight import directory, rights, supplies
from akswi_helpers.preflight.finding import MISSING, OK, UNKNOWN, Finding

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

__all__ = ["MISSING", "OK", "UNKNOWN", "Finding", "check", "findings", "narrow", "require"]

Check = Callable[["Lab"], list[Finding]]

CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("the right to make resources", "", rights.making),
    ("the right to assign roles", "", rights.assigning),
    ("the right to change the nodes' scale set", "", rights.on_the_nodes),
    ("the right to register an application", "", directory.registering),
    ("the right to purge deleted vaults", "", rights.purging),
    ("resource providers", "", supplies.providers),
    ("a default Kubernetes version", "Microsoft.ContainerService", supplies.version),
    ("cores for the nodes", "Microsoft.Compute", supplies.cores),
    ("the names of the five vaults", "Microsoft.KeyVault", supplies.vault_names),
    ("the resource group", "", supplies.group),
    ("helm and kubectl", "", supplies.programs),
)
"""What is looked at, which provider is asked for it, and how."""

OF_ONE_APP: dict[str, Check] = {"app2": directory.registering, "app3": rights.on_the_nodes}


@explain.told
def check(lab: Lab) -> pd.DataFrame:
    """A row per thing that the lab needs: ok, missing or unknown. Nothing is written."""
    import pandas as pd

    with progress.step("Looking at what the lab needs"):
        found = findings(lab)
    return pd.DataFrame([one.row() for one in found]).set_index("what")


@explain.told
def require(lab: Lab) -> None:
    """Return when the lab can be made; raise LabError, one sentence, when it cannot."""
    stopping = [one for one in findings(lab) if one.stops]
    if not stopping:
        return
    more = len(stopping) - 1
    rest = f" {more} more: preflight.check(lab) lists them." if more else ""
    raise LabError(f"Nothing was made. {stopping[0].sentence()}{rest}")


@explain.told
def narrow(lab: Lab) -> None:
    """Leave out the apps that you lack a right for; `lab.left_out` then says why."""
    for app, one in _missing(lab).items():
        lab.left_out[app] = f"{app} is left out. {one.sentence()}"
    lab.scenarios = tuple(one for one in lab.scenarios if one.name not in lab.left_out)


@explain.told
def findings(lab: Lab) -> list[Finding]:
    """Every finding, in the order of CHECKS; without those of apps that were not chosen."""
    _meet(lab)
    chosen = {one.name for one in lab.scenarios} | set(lab.left_out) | {""}
    out = _unregistered(lab)
    with ThreadPoolExecutor(len(CHECKS)) as several:
        asked = [
            several.submit(
                _asked, lab, what, _not_asked(what, provider) if provider in out else ask
            )
            for what, provider, ask in CHECKS
        ]
        found = [one for each in asked for one in each.result()]
    return [one for one in found if one.app in chosen]


def _asked(lab: Lab, what: str, ask: Check) -> list[Finding]:
    """The findings of one check; UNKNOWN when Azure refuses to tell."""
    try:
        return explain.told(ask)(lab)
    except Refused as refused:
        return [Finding(what, UNKNOWN, "the lab", f"Azure did not tell: {refused.code}")]


def _unregistered(lab: Lab) -> list[str]:
    """The providers to leave in peace: Azure's SDKs register one that says it is not registered."""
    try:
        return explain.told(supplies.unregistered)(lab)
    except Refused:
        return []


def _not_asked(what: str, provider: str) -> Check:
    why = f"{provider} answers only once it is registered"
    return lambda lab: [Finding(what, UNKNOWN, "the lab", why)]


def _missing(lab: Lab) -> dict[str, Finding]:
    """What is missing for one app alone, by app."""
    chosen = [one.name for one in lab.scenarios if one.name in OF_ONE_APP]
    found = [(app, one) for app in chosen for one in _asked(lab, app, OF_ONE_APP[app])]
    return {app: one for app, one in found if one.state == MISSING}


def _meet(lab: Lab) -> None:
    """Sign in, and make what the checks share, before they run side by side."""
    cloud = lab.cloud
    assert cloud.who
    for client in (cloud.resources, cloud.authorization, cloud.containers, cloud.compute):
        client()
    cloud.vaults()
    lab.forget(rights.GROUP, supplies.CONTENTS, supplies.UNREGISTERED)
    rights.lab_group(lab)
