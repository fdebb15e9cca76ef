"""What Azure lists of a lab now, from each service's own list: nothing is remembered.

    found(lab)      resource ids by type, children and role assignments included

Left out: what AKS makes for itself in the node group; `clean_up` looks there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

CLUSTER = "Microsoft.ContainerService/managedClusters"
VAULT = "Microsoft.KeyVault/vaults"
SECRET = "Microsoft.KeyVault/vaults/secrets"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
CREDENTIAL = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
ROLE = "Microsoft.Authorization/roleAssignments"


def found(lab: Lab) -> dict[str, list[str]]:
    """Resource ids by type, in the spelling above; only what is in the lab's group."""
    top = [(str(row.type), str(row.id)) for row in in_group(lab)]
    vaults, identities = _named(top, VAULT), _named(top, IDENTITY)
    ids: dict[str, list[str]] = {
        VAULT: vaults,
        IDENTITY: identities,
        CLUSTER: _named(top, CLUSTER),
        CREDENTIAL: [str(row.id) for one in identities for row in credentials(lab, name(one))],
        ROLE: [str(row.id) for row in roles(lab)],
        SECRET: [row for one in vaults for row in _secrets(lab, name(one))],
    }
    known = {kind.lower() for kind in ids}
    for kind, id_ in top:
        if kind.lower() not in known:
            ids.setdefault(kind, []).append(id_)
    return ids


def in_group(lab: Lab) -> list[Any]:
    """The resources that ARM lists in the lab's group, with their tags."""
    return list(lab.cloud.resources().resources.list_by_resource_group(lab.resource_group))


def credentials(lab: Lab, identity: str) -> list[Any]:
    """The federated identity credentials of one identity."""
    listed = lab.cloud.identities().federated_identity_credentials.list(
        lab.resource_group, identity
    )
    return list(listed)


def roles(lab: Lab) -> list[Any]:
    """The role assignments at the group and below; not those inherited from above."""
    listed = lab.cloud.authorization().role_assignments.list_for_resource_group(lab.resource_group)
    return [row for row in listed if str(row.scope).lower().startswith(lab.group_id.lower())]


def name(id_: str) -> str:
    """The last part of a resource id."""
    return id_.rpartition("/")[2]


def _secrets(lab: Lab, vault: str) -> Iterable[str]:
    listed = lab.cloud.vaults().secrets.list(lab.resource_group, vault)
    return [str(row.id) for row in listed]


def _named(rows: Iterable[tuple[str, str]], kind: str) -> list[str]:
    return [id_ for type_, id_ in rows if type_.lower() == kind.lower()]
