"""Who may do what: the identities, their federated credentials, the role assignments.

    managed(lab)                the managed identities, and which app each is for
    federated_credentials(lab)  whose token Entra takes as proof of which identity
    role_assignments(lab)       who may do what, where

App 2's application is `application`'s; here it is only named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from akswi_helpers import application, explain, infrastructure, inventory, vault_access
from akswi_helpers.errors import LabError
from akswi_helpers.scenarios import SCENARIOS, named

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab


@explain.told
def managed(lab: Lab) -> pd.DataFrame:
    """The user-assigned identities in the lab's group, with the app that each is for."""
    import pandas as pd

    known = infrastructure.outputs(lab)
    users = {known.get(one.client_id_output, ""): one.name for one in SCENARIOS}
    rows = [
        {
            "identity": row.name,
            "client id": row.client_id,
            "object id": row.principal_id,
            "for": users.get(str(row.client_id), ""),
        }
        for row in _identities(lab)
    ]
    return pd.DataFrame(rows, columns=["identity", "client id", "object id", "for"])


@explain.told
def federated_credentials(lab: Lab) -> pd.DataFrame:
    """Every federated credential of the lab's identities: issuer, subject, audience."""
    import pandas as pd

    rows = [
        {
            "identity": identity.name,
            "credential": row.name,
            "issuer": row.issuer,
            "subject": row.subject,
            "audience": ", ".join(row.audiences),
        }
        for identity in _identities(lab)
        for row in inventory.credentials(lab, str(identity.name))
    ]
    return pd.DataFrame(rows, columns=["identity", "credential", "issuer", "subject", "audience"])


@explain.told
def role_assignments(lab: Lab) -> pd.DataFrame:
    """Who has which role on what, in the lab's group."""
    import pandas as pd

    people = {str(row.principal_id): str(row.name) for row in _identities(lab)}
    people[lab.cloud.who.object_id] = "you"
    people.update(vault_access.principals(lab))
    rows = [
        {
            "who": people.get(str(row.principal_id), str(row.principal_id)),
            "role": _role(lab, str(row.role_definition_id)),
            "on": inventory.name(str(row.scope)),
        }
        for row in inventory.roles(lab)
    ]
    found = pd.DataFrame(rows, columns=["who", "role", "on"])
    return found.sort_values(["on", "role", "who"], ignore_index=True)


def credential_of(lab: Lab, app: str) -> Any:
    """The federated credential of one app's identity or application, or None when it has none."""
    if app == "app2":
        return application.credential(lab)
    found = inventory.credentials(lab, identity_name(lab, app))
    return found[0] if found else None


def identity_name(lab: Lab, app: str) -> str:
    """The name of the managed identity that one app uses. Raises LabError when it uses none."""
    output = named(app).client_id_output
    if not output:
        raise LabError(f"{app} uses no managed identity that the template makes.")
    return inventory.name(infrastructure.outputs(lab)[output.replace("ClientId", "Id")])


def _identities(lab: Lab) -> list[Any]:
    listed = lab.cloud.identities().user_assigned_identities.list_by_resource_group(
        lab.resource_group
    )
    return sorted(listed, key=lambda row: str(row.name))


def _role(lab: Lab, definition: str) -> str:
    """The name of a role definition, asked once."""
    definitions = lab.cloud.authorization().role_definitions
    return lab.once(definition, lambda: str(definitions.get_by_id(definition).role_name))
