"""What Azure refuses about role assignments, in its words.

Source: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting and texts that
people quote; those that were not read begin with `wire.UNVERIFIED`.
"""

from __future__ import annotations

from akswi_helpers.sandbox.wire import UNVERIFIED, WireError
from akswi_helpers.types import Json


def _plain(guid: str) -> str:
    return guid.replace("-", "").lower()


def assignment_exists(other: Json) -> WireError:
    """The same role, principal and scope under another name."""
    text = "The role assignment already exists. The ID of the existing role assignment is "
    return WireError(409, "RoleAssignmentExists", f"{text}{_plain(other['name'])}.")


def update_not_permitted() -> WireError:
    """The same name with other values."""
    text = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
    return WireError(400, "RoleAssignmentUpdateNotPermitted", text)


def principal_not_found(principal: str, tenant: str) -> WireError:
    """Nobody in the directory has this object id."""
    text = (
        f"Principal {_plain(principal)} does not exist in the directory {tenant}. Check that you "
        "have the correct principal ID. If you are creating this principal and then immediately "
        "assigning a role, this error might be related to a replication delay. In this case, set "
        "the role assignment principalType property to a value, such as ServicePrincipal, User, "
        "or Group.  See https://aka.ms/docs-principaltype"
    )
    return WireError(400, "PrincipalNotFound", text)


def unmatched_principal_type(principal: str, wanted: str) -> WireError:
    """The principal is of another type than the request says; the misspelling is Azure's."""
    text = (
        f"The PrincipalId '{_plain(principal)}' has type 'ServicePrincipal' , which is different "
        f"from specified PrinciaplType '{wanted}'."
    )
    return WireError(400, "UnmatchedPrincipalType", text)


def invalid_assignment_id(name: str) -> WireError:
    """The name is not a GUID."""
    text = f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."
    return WireError(400, "InvalidRoleAssignmentId", UNVERIFIED + text)


def definition_not_found(role: str) -> WireError:
    """There is no such role here."""
    text = f"The specified role definition with ID '{_plain(role)}' does not exist."
    return WireError(404, "RoleDefinitionDoesNotExist", UNVERIFIED + text)


def assignment_not_found(name: str) -> WireError:
    """No assignment of that name at this scope."""
    text = f"The role assignment '{name}' is not found."
    return WireError(404, "RoleAssignmentNotFound", UNVERIFIED + text)


def invalid_condition(why: str) -> WireError:
    """A condition that cannot be read."""
    text = f"The role assignment's condition is not valid: {why}."
    return WireError(400, "InvalidCondition", UNVERIFIED + text)


def condition_version(version: str) -> WireError:
    """A condition goes with version 2.0."""
    text = f"The condition version '{version}' is not valid; it must be '2.0'."
    return WireError(400, "InvalidConditionVersion", UNVERIFIED + text)
