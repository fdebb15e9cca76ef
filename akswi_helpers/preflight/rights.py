"""What the one who is signed in may do, as Azure itself lists it.

    making(lab)         resources in the lab's group
    assigning(lab)      the three roles that the templates give
    on_the_nodes(lab)   app 3's identity on the scale set
    purging(lab)        the deleted vaults, at the end

Source: https://learn.microsoft.com/rest/api/authorization/permissions, and the list of role
assignments for the condition of a narrowed one. Left out: deny assignments, and roles that
Privileged Identity Management would give for the asking.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from akswi_helpers import infrastructure, inventory, template
from akswi_helpers.errors import NotThereYet
from akswi_helpers.preflight.finding import MISSING, OK, UNKNOWN, Finding
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

ROLES = {
    "Azure Kubernetes Service RBAC Cluster Admin": "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
}
"""The roles that main.json and kvRbac.json assign."""

GROUP = "the resource group"  # what `lab.once` calls it
WRITE_ROLES = "Microsoft.Authorization/roleAssignments/write"
DELETE_ROLES = "Microsoft.Authorization/roleAssignments/delete"
_GROUPS = "Microsoft.Resources/subscriptions/resourceGroups/write"
_NODES = "Microsoft.Compute/virtualMachineScaleSets/write"
_ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
_PURGE = "Microsoft.KeyVault/locations/deletedVaults/purge/action"
_GIVERS = (
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",  # Owner
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",  # User Access Administrator
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168",  # Role Based Access Control Administrator
)


def making(lab: Lab) -> list[Finding]:
    """Whether everything of the templates but the role assignments may be written."""
    kinds = [kind for kind in template.declared() if kind != inventory.ROLE]
    actions = [f"{kind}/write" for kind in (*kinds, "Microsoft.Resources/deployments")]
    if lab_group(lab) is None:
        actions.append(_GROUPS)
    lacking = _lacking(permissions(lab, _scope(lab)), actions)
    return [
        Finding(
            "the right to make resources" + (f" (not: {lacking[0]})" if lacking else ""),
            MISSING if lacking else OK,
            "the cluster, the vaults and the identities",
            f"an Owner gives you Contributor {_where(lab)}",
        )
    ]


def assigning(lab: Lab) -> list[Finding]:
    """Whether the three roles may be given, and taken away again."""
    lacking = _lacking(permissions(lab, _scope(lab)), [WRITE_ROLES, DELETE_ROLES])
    state = MISSING if lacking else _under_conditions(lab)
    return [
        Finding(
            "the right to assign roles",
            state,
            "access to the cluster and the vaults",
            f"an Owner gives you Role Based Access Control Administrator {_where(lab)}, narrowed "
            f"to {', '.join(ROLES)}",
        )
    ]


def on_the_nodes(lab: Lab) -> list[Finding]:
    """Whether app 3's identity may be put on the nodes; their group is AKS's, beside the lab's."""
    nodes = node_group(lab)
    lacking = _lacking(permissions(lab, nodes), [_NODES])
    lacking += _lacking(permissions(lab, _scope(lab)), [_ASSIGN])
    return [
        Finding(
            "the right to change the nodes' scale set",
            MISSING if lacking else OK,
            "app 3's identity on the nodes",
            "an Owner gives you Contributor on the subscription, or on the node resource group "
            "once the cluster is there",
            "app 3 is left out",
            "app3",
        )
    ]


def purging(lab: Lab) -> list[Finding]:
    """Whether the deleted vaults may be purged; the right is the subscription's to give."""
    lacking = _lacking(permissions(lab, _subscription(lab)), [_PURGE])
    return [
        Finding(
            "the right to purge deleted vaults",
            MISSING if lacking else OK,
            "cleaning up whole",
            "an Owner gives you Key Vault Purge Operator on the subscription",
            "deleted vaults go by themselves after 7 days, and their names stay taken until then",
        )
    ]


def may(lab: Lab, action: str) -> bool:
    """Whether an action is allowed in the whole subscription."""
    return not _lacking(permissions(lab, _subscription(lab)), [action])


def permissions(lab: Lab, scope: str) -> list[Json]:
    """What Azure says that you may do at `scope`; nothing where you may not even ask.

    Wire: GET {scope}/providers/Microsoft.Authorization/permissions.
    """
    from azure.core.rest import HttpRequest

    path = f"{scope}/providers/Microsoft.Authorization/permissions"
    request = HttpRequest("GET", path, params={"api-version": "2022-04-01"})
    answer = lab.cloud.resources().send_request(request)
    if answer.status_code in (403, 404):
        return []
    answer.raise_for_status()
    return list(answer.json()["value"])


def allows(entries: list[Json], action: str) -> bool:
    """Whether one of the roles allows the action, and does not take it away again."""
    return any(
        _named(one.get("actions"), action) and not _named(one.get("notActions"), action)
        for one in entries
    )


def lab_group(lab: Lab) -> object:
    """The lab's resource group as Azure has it, or None; asked once."""
    from akswi_helpers.lab import find_group

    return lab.once(GROUP, lambda: find_group(lab.cloud, lab.resource_group))


def node_group(lab: Lab) -> str:
    """The scope of the nodes: their group, or the subscription while there is none."""
    try:
        name = infrastructure.outputs(lab)["nodeResourceGroup"]
    except NotThereYet:
        return _subscription(lab)
    return f"{_subscription(lab)}/resourceGroups/{name}"


def _lacking(entries: list[Json], actions: list[str]) -> list[str]:
    return [action for action in actions if not allows(entries, action)]


def _named(patterns: list[str] | None, action: str) -> bool:
    return any(
        re.fullmatch(".*".join(map(re.escape, one.split("*"))), action, re.IGNORECASE)
        for one in patterns or ()
    )


def _under_conditions(lab: Lab) -> str:
    """OK when one of your roles lets you give all three, whatever its condition."""
    held = [
        row
        for row in lab.cloud.authorization().role_assignments.list_for_scope(
            _scope(lab), filter=f"assignedTo('{lab.cloud.who.object_id}')"
        )
        if inventory.name(str(row.role_definition_id)).lower() in _GIVERS
    ]
    if not held:  # a role of your own making, or one that comes from above
        return OK
    states = {_narrowed(lab, row.condition) for row in held}
    return next(state for state in (OK, UNKNOWN, MISSING) if state in states)


def _narrowed(lab: Lab, condition: str | None) -> str:
    from akswi_helpers.sandbox.azure.arm import conditions

    you, kind = lab.cloud.who.object_id, lab.cloud.who.kind
    admin, officer, reader = ROLES.values()
    wanted: list[Json] = [
        {"roleDefinitionId": admin, "principalId": you, "principalType": kind},
        {"roleDefinitionId": officer, "principalId": you, "principalType": kind},
        {"roleDefinitionId": reader, "principalId": None},  # the identities are not made yet
    ]
    try:
        passes = all(
            conditions.holds(condition, WRITE_ROLES, conditions.of_assignment("request", one))
            for one in wanted
        )
    except ValueError:  # a condition that is not read here
        return UNKNOWN
    return OK if passes else MISSING


def _scope(lab: Lab) -> str:
    return lab.group_id if lab_group(lab) is not None else _subscription(lab)


def _where(lab: Lab) -> str:
    if lab_group(lab) is None:
        return "on the subscription"
    return f"on the resource group '{lab.resource_group}'"


def _subscription(lab: Lab) -> str:
    return f"/subscriptions/{lab.cloud.subscription_id}"
