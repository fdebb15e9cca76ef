"""Access to the vaults for the two principals that the template does not know.

    grant(lab)      kvRbac.json, once for app 2's service principal, once for app 4's identity
    addon(lab)      app 4's identity: the CSI add-on's own, made by AKS

Each of them may read its own app's vault, and nothing else. Source:
https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access. Left out: the identities of
apps 1, 3 and 5; main.json gives them theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from akswi_helpers import (
    application,
    explain,
    infrastructure,
    inventory,
    ownership,
    progress,
    template,
    vaults,
)
from akswi_helpers.errors import LabError, NotThereYet

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

APPS = ("app2", "app4")
ADDON = "azureKeyvaultSecretsProvider"


@dataclass(frozen=True, slots=True)
class AddOn:
    """The identity of the CSI add-on: on every node of the cluster from the start."""

    name: str
    client_id: str
    principal_id: str


@explain.told
def grant(lab: Lab) -> pd.DataFrame:
    """Let apps 2 and 4, as far as chosen, read their vaults; a row each, with what changed.

    Left alone when it stands as kvRbac.json says. Raises NotThereYet without an application,
    LabError for a vault that is not the lab's. Wire: PUT deployment, GET until it is done.
    """
    import pandas as pd

    rows = [
        {"app": app, "vault": vaults.name(lab, app), "changed": "yes" if _grant(lab, app) else "no"}
        for app in _chosen(lab)
    ]
    return pd.DataFrame(rows, columns=["app", "vault", "changed"]).set_index("app")


@explain.told
def granted(lab: Lab, app: str) -> bool:
    """Whether the last deployment of kvRbac.json for this app stands, for today's principal."""
    principal = _principal(lab, app)
    return principal is not None and _stands(lab, app, principal)


@explain.told
def addon(lab: Lab) -> AddOn:
    """The identity that AKS made for the CSI add-on. Raises NotThereYet when there is none."""
    return lab.once("the add-on's identity", lambda: _addon(lab))


@explain.told
def revoke(lab: Lab) -> list[str]:
    """Take back what `grant` gave; the vaults that were opened by it. Wire: DELETE assignments."""
    closed, made = [], assignments(lab)
    for row in inventory.roles(lab) if made else []:
        if str(row.id).lower() in made:
            lab.cloud.authorization().role_assignments.delete_by_id(row.id)
            closed.append(inventory.name(str(row.scope)))
    return closed


def principals(lab: Lab) -> dict[str, str]:
    """The object ids that `grant` gave access, each with a name for it."""
    names = {"app2": application.NAME, "app4": "the CSI add-on"}
    made = {app: infrastructure.get(lab, deployment(app)) for app in APPS}
    return {
        str(one.properties.parameters["principalId"]["value"]): names[app]
        for app, one in made.items()
        if one
    }


def assignments(lab: Lab) -> set[str]:
    """The ids of the role assignments that `grant` made, in lower case."""
    made = (infrastructure.get(lab, deployment(app)) for app in APPS)
    return {str(row.id).lower() for one in made if one for row in _outputs(one)}


def deployment(app: str) -> str:
    """The name of the deployment that gives one app access: "kvRbac-app2"."""
    return f"kvRbac-{app}"


def _chosen(lab: Lab) -> list[str]:
    return [one.name for one in lab.scenarios if one.name in APPS]


def _grant(lab: Lab, app: str) -> bool:
    """Deploy kvRbac.json for one app unless it stands; whether it was deployed."""
    principal = _principal(lab, app)
    if principal is None:
        raise NotThereYet("App 2 has no application yet: application.create(lab) registers it.")
    if _stands(lab, app, principal):
        return False
    vault = vaults.name(lab, app)
    found = lab.cloud.vaults().vaults.get(lab.resource_group, vault)
    ownership.refuse_foreign(f"The vault '{vault}'", found.tags, lab.resource_group)
    path = f"{lab.group_id}/providers/Microsoft.Resources/deployments/{deployment(app)}"
    lab.ledger.note("deployment", path)
    with progress.step(f"Giving {app} access to {vault}"):
        _deploy(lab, app, principal)
    return True


def _deploy(lab: Lab, app: str, principal: str) -> None:
    given = {key: {"value": value} for key, value in _parameters(lab, app, principal).items()}
    about = {"mode": "Incremental", "template": template.kv_rbac(), "parameters": given}
    body: Any = {"properties": about}
    poller = lab.cloud.deployments().deployments.begin_create_or_update(
        lab.resource_group, deployment(app), body, polling_interval=lab.cloud.poll_s
    )
    poller.wait()
    poller.result()


def _stands(lab: Lab, app: str, principal: str) -> bool:
    found = infrastructure.get(lab, deployment(app))
    if found is None or infrastructure.word(found.properties.provisioning_state) != "Succeeded":
        return False
    if found.properties.template_hash != template.hash_of(template.kv_rbac()):
        return False
    given = {key: value.get("value") for key, value in (found.properties.parameters or {}).items()}
    if given != _parameters(lab, app, principal):
        return False
    there = {str(row.id).lower() for row in inventory.roles(lab)}
    return all(str(row.id).lower() in there for row in _outputs(found))


def _outputs(found: Any) -> list[Any]:
    return list(found.properties.output_resources or [])


def _parameters(lab: Lab, app: str, principal: str) -> dict[str, str]:
    return {"kvName": vaults.name(lab, app), "principalId": principal}


def _principal(lab: Lab, app: str) -> str | None:
    """The object id that roles are given to; None while app 2 has no application."""
    if app == "app4":
        return addon(lab).principal_id
    if app != "app2":
        raise LabError(f"{app} gets its access from main.json.")
    made = application.find(lab)
    return made.principal_id if made else None


def _addon(lab: Lab) -> AddOn:
    name = infrastructure.outputs(lab)["aksClusterName"]
    cluster: Any = lab.cloud.containers().managed_clusters.get(lab.resource_group, name)
    profile = (cluster.addon_profiles or {}).get(ADDON)
    if profile is None or profile.identity is None:
        raise NotThereYet(f"The cluster '{name}' has no Key Vault CSI add-on.")
    about = profile.identity
    return AddOn(inventory.name(str(about.resource_id)), about.client_id, about.object_id)
