"""The cluster, the vaults and the identities: deployed from main.json, and read back.

    deploy(lab)     deploy, or leave alone what stands as main.json says
    compare(lab)    what the template promised beside what Azure lists

Source: https://learn.microsoft.com/rest/api/resources/deployments. Left out: what-if.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from akswi_helpers import cost, explain, inventory, ownership, progress, template, waiting
from akswi_helpers.errors import LabError, NotThereYet
from akswi_helpers.scenarios import named

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

NAME = "main"  # as az names a deployment of main.json
FEDERATED = ("app1", "app5")  # the template makes their federated credentials
_THEN = "a role counts within ten minutes; look at identity.role_assignments(lab), and go on then"
BUSY = ("Accepted", "Running", "Creating", "Updating")
PLAIN = {
    inventory.CLUSTER: "AKS clusters",
    inventory.VAULT: "key vaults",
    inventory.SECRET: "secrets",
    inventory.IDENTITY: "managed identities",
    inventory.CREDENTIAL: "federated identity credentials",
    inventory.ROLE: "role assignments",
}


@dataclass(frozen=True)
class Deployment:
    """A deployment of main.json. `changed` says whether this call made it."""

    name: str
    state: str
    changed: bool
    outputs: dict[str, str] = field(repr=False)

    def __repr__(self) -> str:
        did = "made now" if self.changed else "left alone: it stands as main.json says"
        return f"deployment {self.name}: {self.state}, {len(self.outputs)} outputs, {did}"


@explain.told
def deploy(lab: Lab) -> Deployment:
    """Deploy main.json into the lab's group; leave it alone when it stands as main.json says.

    Raises LabError for a group or a vault name that is not the lab's, and on Azure when the cost
    was not accepted; Refused when Azure refuses. Wire: PUT resource group, PUT deployment, GET
    until it is done.
    """
    _group(lab)
    standing = _finished(lab)
    if standing is not None and _as_promised(lab, standing):
        _until_roles_count(lab, standing)
        return _shown(standing, changed=False)
    cost.agree(lab)
    _require_means(lab)
    _refuse_foreign_resources(lab)
    lab.ledger.note(
        "deployment", f"{lab.group_id}/providers/Microsoft.Resources/deployments/{NAME}"
    )
    with progress.step("Deploying main.json"):
        made = _deploy(lab)
    lab.forget()
    _until_roles_count(lab, made)
    return _shown(made, changed=True)


def _until_roles_count(lab: Lab, made: Any) -> None:
    """Wait until the cluster and the vaults let in who deployed; an old deployment is not asked."""
    from akswi_helpers import cluster, vaults

    lag, age = waiting.lag_s(lab), lab.cloud.clock() - made.properties.timestamp.timestamp()
    if not lag or age > 2 * lag:
        return
    doors: dict[str, Callable[[], object]] = {
        name: partial(vaults.read, lab, app) for app, name in vaults.names(lab).items()
    }
    doors["the cluster"] = partial(cluster.read, lab, "/api/v1/nodes")
    with progress.step("Waiting until the new roles count"):
        for name, door in doors.items():
            not_yet = f"{name} does not let you in"
            waiting.until(lab, partial(waiting.answers, door), not_yet, _THEN)


def outputs(lab: Lab) -> dict[str, str]:
    """The deployment's outputs by name: "aksClusterName", "kvApp1Name", "idApp1ClientId".

    Raises NotThereYet when nothing is deployed.
    """
    return lab.once("outputs", lambda: _outputs(lab))


def state(lab: Lab) -> str:
    """How the last deployment ended: "Succeeded", "Failed", "Running"; "" when there is none."""
    found = get(lab)
    return word(found.properties.provisioning_state) if found else ""


def get(lab: Lab, name: str = NAME) -> Any:
    """A deployment in the lab's group as Azure keeps it, or None."""
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return lab.cloud.deployments().deployments.get(lab.resource_group, name)
    except ResourceNotFoundError:
        return None


def word(state: Any) -> str:
    """A state as Azure spells it: "Succeeded"; the SDK wraps those it knows in an enum."""
    return str(getattr(state, "value", state))


def promised() -> pd.DataFrame:
    """What main.json declares: one row per type, with how many."""
    import pandas as pd

    counts = template.declared()
    rows = [
        {"what": PLAIN.get(kind, kind), "type": kind, "promised": n} for kind, n in counts.items()
    ]
    return pd.DataFrame(rows)


@explain.told
def compare(lab: Lab) -> pd.DataFrame:
    """What main.json promised beside what Azure's own lists hold now."""
    import pandas as pd

    found = _of_main(lab, inventory.found(lab))
    rows = [
        {
            "what": PLAIN.get(kind, kind),
            "promised": number,
            "found": len(found.get(kind, [])),
            "same": "yes" if len(found.get(kind, [])) == number else "no",
        }
        for kind, number in template.declared().items()
    ]
    return pd.DataFrame(rows)


@explain.told
def found(lab: Lab) -> pd.DataFrame:
    """Every resource that Azure lists in the lab's group: what it is, and its name."""
    import pandas as pd

    rows = [
        {"what": PLAIN.get(kind, kind), "name": inventory.name(id_)}
        for kind, ids in inventory.found(lab).items()
        for id_ in sorted(ids)
        if kind != inventory.ROLE
    ]
    return pd.DataFrame(rows, columns=["what", "name"])


def _of_main(lab: Lab, found: dict[str, list[str]]) -> dict[str, list[str]]:
    """What is there, but for the access that apps 2 and 4 were given later."""
    from akswi_helpers import vault_access

    later = vault_access.assignments(lab)
    roles = [id_ for id_ in found.get(inventory.ROLE, []) if id_.lower() not in later]
    return {**found, inventory.ROLE: roles}


def _group(lab: Lab) -> None:
    """Make the group when there is none; refuse one that is not the lab's."""
    from akswi_helpers.lab import find_group

    groups = lab.cloud.resources().resource_groups
    standing = find_group(lab.cloud, lab.resource_group)
    if standing is None:
        cost.agree(lab)
        _require_means(lab)
        lab.ledger.note("resource group", lab.group_id)
        groups.create_or_update(lab.resource_group, {"location": lab.location, "tags": lab.tags})
        return
    ownership.refuse_foreign(
        f"The resource group '{lab.resource_group}'", standing.tags, lab.resource_group
    )


def _require_means(lab: Lab) -> None:
    """Before the first write on Azure: raise LabError when something is missing for it."""
    if not lab.cloud.is_sandbox:
        lab.once("the means", lambda: _means(lab))


def _means(lab: Lab) -> None:
    from akswi_helpers import preflight, registration

    preflight.require(lab)
    with progress.step("Registering resource providers"):
        registration.register(lab)


def _refuse_foreign_resources(lab: Lab) -> None:
    for row in inventory.in_group(lab):
        ownership.refuse_foreign(f"'{row.name}' in this group", row.tags, lab.resource_group)


def _finished(lab: Lab) -> Any:
    """The last deployment, waited for when it still runs; None when there is none."""
    found, end = get(lab), time.monotonic() + waiting.patience_s(lab)
    while found and found.properties.provisioning_state in BUSY:
        if time.monotonic() > end:
            raise LabError("A deployment of this lab does not end; look at it before the next one.")
        progress.note("a deployment of this lab is still running")
        time.sleep(lab.cloud.poll_s)
        found = get(lab)
    return found


def _as_promised(lab: Lab, standing: Any) -> bool:
    """Whether it succeeded with this template and these parameters, and all of it is there."""
    about = standing.properties
    if about.provisioning_state != "Succeeded" or about.template_hash != template.hash_of_main():
        return False
    given = {key: value.get("value") for key, value in (about.parameters or {}).items()}
    if any(given.get(key) != value for key, value in template.parameters(lab).items()):
        return False
    there = {id_.lower() for ids in inventory.found(lab).values() for id_ in ids}
    if not all(str(row.id).lower() in there for row in about.output_resources or []):
        return False
    return _trusted(lab, _shown(standing, changed=False).outputs)


def _trusted(lab: Lab, known: dict[str, str]) -> bool:
    """Whether apps 1 and 5 are trusted as the template says: a credential can be changed."""
    from akswi_helpers.application import AUDIENCE, subject

    for app in (named(name) for name in FEDERATED):
        name = inventory.name(known[app.client_id_output.replace("ClientId", "Id")])
        wanted = (known["aksOidcIssuerUrl"], subject(app), [AUDIENCE])
        found = [
            (row.issuer, row.subject, row.audiences) for row in inventory.credentials(lab, name)
        ]
        if wanted not in found:
            return False
    return True


def _deploy(lab: Lab) -> Any:
    client = lab.cloud.deployments()
    given = {key: {"value": value} for key, value in template.parameters(lab).items()}
    body: Any = {
        "properties": {"mode": "Incremental", "template": template.main(), "parameters": given}
    }
    poller = client.deployments.begin_create_or_update(
        lab.resource_group, NAME, body, polling_interval=lab.cloud.poll_s
    )
    told: set[str] = set()
    while not poller.done():
        poller.wait(lab.cloud.poll_s)
        _tell(lab, told)
    return poller.result()


def _tell(lab: Lab, told: set[str]) -> None:
    """Say which parts have been made since the last time."""
    for part in lab.cloud.deployments().deployment_operations.list(lab.resource_group, NAME):
        about: Any = part.properties
        target = about.target_resource
        if about.provisioning_state == "Succeeded" and target and str(target.id) not in told:
            told.add(str(target.id))
            progress.note(f"{target.resource_name} is ready")


def _outputs(lab: Lab) -> dict[str, str]:
    standing = explain.told(get)(lab)
    if standing is None or standing.properties.provisioning_state != "Succeeded":
        raise NotThereYet(
            f"Nothing is deployed in '{lab.resource_group}' yet: run "
            "01-deploy-the-infrastructure first, or set catch_up = True."
        )
    return _shown(standing, changed=False).outputs


def _shown(standing: Any, *, changed: bool) -> Deployment:
    about = standing.properties
    values = json.loads(json.dumps(about.outputs or {}, default=dict))
    return Deployment(
        str(standing.name),
        word(about.provisioning_state),
        changed,
        {name: str(output["value"]) for name, output in values.items()},
    )
