"""The five apps: who each one is, and how a secret reaches it.

    chosen("app1,app3")     the scenarios that a parameter names
    table()                 the five side by side

Source: the sample Azure-Samples/aks-workload-identity. Left out: installing them; that is `apps`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akswi_helpers import places
from akswi_helpers.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Scenario:
    """One app and the identity it reads its secret with."""

    name: str  # "app1": also its namespace and its helm release
    title: str
    identity: str
    arrives_by: str
    scope: str
    works_at_first: bool
    chart_name: str
    client_id_output: str = ""  # "idApp1ClientId"; "" where the template makes no identity
    since: str = "03-deploy-the-apps"  # the notebook that makes it work

    @property
    def namespace(self) -> str:
        """Its Kubernetes namespace."""
        return self.name

    @property
    def release(self) -> str:
        """Its helm release."""
        return self.name

    @property
    def number(self) -> int:
        """1 to 5."""
        return int(self.name[-1])

    @property
    def vault_output(self) -> str:
        """The deployment output that names its vault: "kvApp1Name"."""
        return f"kv{self.name.capitalize()}Name"

    @property
    def full_name(self) -> str:
        """What the chart calls its Deployment and its service account: "app1-workloadidapp1"."""
        return f"{self.release}-{self.name_in_chart}"

    @property
    def name_in_chart(self) -> str:
        """The chart's name, or what stands in for it: app 5 is app 2's chart under its own name."""
        return "workloadidapp5" if self.name == "app5" else self.chart_name.lower()

    @property
    def chart(self) -> Path:
        """The folder of its chart."""
        return places.shipped("charts") / self.chart_name

    @property
    def mounts(self) -> bool:
        """Whether its secret is a file that the CSI driver mounts; else its own code reads it."""
        return self.name != "app1"

    @property
    def is_the_node(self) -> bool:
        """Whether it is, for Key Vault, the node that it runs on; else its service account."""
        return self.chart_name == "csiApp"


_POD, _POOL, _NODES = "its service account", "every pod on that pool", "every pod on every pool"

SCENARIOS = (
    Scenario(
        "app1", "reads Key Vault itself", "workload identity with a managed identity",
        "its own code", _POD, True, "workloadIdApp1", "idApp1ClientId",
    ),
    Scenario(
        "app2", "reads a file", "workload identity with an app registration",
        "the Secrets Store CSI driver", _POD, False, "workloadIdApp2",
        since="05-federate-app2",
    ),
    Scenario(
        "app3", "reads a file", "a managed identity on the node pool",
        "the Secrets Store CSI driver", _POOL, False, "csiApp", "idApp3ClientId",
        since="06-give-the-nodes-app3s-identity",
    ),
    Scenario(
        "app4", "reads a file", "the add-on's own identity",
        "the Secrets Store CSI driver", _NODES, True, "csiApp",
    ),
    Scenario(
        "app5", "reads a file", "workload identity with a managed identity",
        "the Secrets Store CSI driver", _POD, True, "workloadIdApp2", "idApp5ClientId",
    ),
)  # fmt: skip

NAMES = tuple(scenario.name for scenario in SCENARIOS)


def named(name: str) -> Scenario:
    """The scenario called `name`. Raises UsageError for any other name."""
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    raise UsageError(f"There is no scenario '{name}'; the five are {', '.join(NAMES)}.")


def chosen(value: str | Sequence[str] | None) -> tuple[Scenario, ...]:
    """The scenarios that `value` names, in their usual order; None means all five.

    `value` is None, "app1", "app1,app3" or a list: papermill passes strings. Raises UsageError
    for an unknown name, and when there is no name in it.
    """
    if value is None:
        return SCENARIOS
    words = re.split(r"[,\s]+", value if isinstance(value, str) else ",".join(value))
    wanted = {named(word) for word in words if word}
    if not wanted:
        raise UsageError(f"No scenario was named; the five are {', '.join(NAMES)}.")
    return tuple(scenario for scenario in SCENARIOS if scenario in wanted)


def table() -> pd.DataFrame:
    """The five scenarios side by side, one row each."""
    import pandas as pd

    rows = [
        {
            "app": scenario.name,
            "what it does": scenario.title,
            "identity": scenario.identity,
            "the secret arrives by": scenario.arrives_by,
            "who can use the identity": scenario.scope,
            "works at first": "yes" if scenario.works_at_first else "no",
        }
        for scenario in SCENARIOS
    ]
    return pd.DataFrame(rows).set_index("app")
