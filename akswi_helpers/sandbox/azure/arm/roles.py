"""The built-in roles, and which actions each allows.

Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles, as data in
`data/arm/roles.json` (privileged and AKS roles, Key Vault Administrator and Reader compared word
for word with the pages of July 2026). Left out: custom roles, and built-in roles not in that file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from akswi_helpers.sandbox.azure.arm.property_tables import arm_data
from akswi_helpers.types import Json, ResourceId

DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


@dataclass(frozen=True, slots=True)
class Role:
    """A built-in role: `id` is the GUID it has in every tenant."""

    id: str
    roleName: str
    description: str
    actions: tuple[str, ...]
    notActions: tuple[str, ...]
    dataActions: tuple[str, ...]
    notDataActions: tuple[str, ...]

    def allows(self, action: str, *, data: bool) -> bool:
        """Whether the role allows a control-plane action, or a data action."""
        granted = self.dataActions if data else self.actions
        taken = self.notDataActions if data else self.notActions
        return _any(granted, action) and not _any(taken, action)


def definition_document(role: Role, subscription: str) -> Json:
    """A built-in role as Azure shows it."""
    permission = {
        "actions": list(role.actions),
        "notActions": list(role.notActions),
        "dataActions": list(role.dataActions),
        "notDataActions": list(role.notDataActions),
    }
    return {
        "properties": {
            "roleName": role.roleName,
            "type": "BuiltInRole",
            "description": role.description,
            "assignableScopes": ["/"],
            "permissions": [permission],
            "createdOn": None,
            "updatedOn": None,
            "createdBy": None,
            "updatedBy": None,
        },
        "id": definition_id(subscription, role.id),
        "type": DEFINITIONS,
        "name": role.id,
    }


def definition_id(subscription: str, role: str) -> ResourceId:
    """The id of a built-in role in a subscription."""
    return f"/subscriptions/{subscription}/providers/{DEFINITIONS}/{role}"


@cache
def all_roles() -> dict[str, Role]:
    """Every role by its GUID."""
    return {row["id"]: _role(row) for row in arm_data("roles")}


def _role(row: Json) -> Role:
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return Role(row["id"], row["roleName"], row["description"], **lists)


def _any(patterns: tuple[str, ...], action: str) -> bool:
    return any(_compiled(pattern).fullmatch(action) for pattern in patterns)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.IGNORECASE)
