"""What Key Vault refuses, on both planes, in its words.

Source: https://learn.microsoft.com/azure/key-vault/general/rest-error-codes, recorded answers and
texts that people quote; those that were not read begin with `wire.UNVERIFIED`.
"""

from __future__ import annotations

from akswi_helpers.sandbox.wire import UNVERIFIED, Caller, WireError
from akswi_helpers.types import Json

LARGEST_VALUE = 25 * 1024  # bytes

_HELP = "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid="


def unauthorized(tenant_id: str, text: str) -> WireError:
    """No token, or one that is not good here; the challenge says where to get one."""
    challenge = (
        f'Bearer authorization="https://login.microsoftonline.com/{tenant_id}", '
        'resource="https://vault.azure.net"'
    )
    return WireError(401, "Unauthorized", text, headers={"www-authenticate": challenge})


def forbidden_by_rbac(caller: Caller, action: str, resource: str, vault: Json) -> WireError:
    """No role assignment lets the caller do that. The line ends are Azure's."""
    text = (
        "Caller is not authorized to perform action on resource.\r\n"
        "If role assignments, deny assignments or role definitions were changed recently, please "
        "observe propagation time.\r\n"
        f"Caller: appid={caller.client_id};oid={caller.object_id};"
        f"iss=https://sts.windows.net/{caller.tenant_id}/\r\n"
        f"Action: '{action}'\r\n"
        f"Resource: '{resource}'\r\n"
        "Assignment: (not found)\r\n"
        "DenyAssignmentId: null\r\n"
        "DecisionReason: 'DeniedWithNoValidRBAC' \r\n"
        f"Vault: {vault['name']};location={vault['location']}\r\n"
    )
    return WireError(403, "Forbidden", text, innererror={"code": "ForbiddenByRbac"})


def forbidden_by_policy(caller: Caller, permission: str, vault: Json) -> WireError:
    """No access policy of the vault names the caller with that permission."""
    who = (
        f"appid={caller.client_id};oid={caller.object_id};"
        f"iss=https://sts.windows.net/{caller.tenant_id}/"
    )
    text = (
        f"The user, group or application '{who}' does not have secrets {permission} permission on "
        f"key vault '{vault['name']};location={vault['location']}'. {_HELP}2125287"
    )
    return WireError(403, "Forbidden", text, innererror={"code": "AccessDenied"})


def secret_not_found(name: str) -> WireError:
    """There is no such secret, or no such version."""
    text = (
        f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted "
        "this secret you may be able to recover it using the correct recovery command. "
        f"{_HELP}2125182"
    )
    return WireError(404, "SecretNotFound", text)


def secret_disabled() -> WireError:
    """The version is switched off."""
    text = "Operation get is not allowed on a disabled secret."
    return WireError(403, "Forbidden", text, innererror={"code": "SecretDisabled"})


def secret_soft_deleted(name: str) -> WireError:
    """The name belongs to a deleted secret."""
    text = (
        f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be "
        "reused; in this state, the secret can only be recovered or purged."
    )
    inner = {"code": "ObjectIsDeletedButRecoverable"}
    return WireError(409, "Conflict", UNVERIFIED + text, innererror=inner)


def secret_name_invalid(name: str) -> WireError:
    """A name that no secret can have."""
    return bad_parameter(f"The request URI contains an invalid name: {name}")


def bad_parameter(text: str) -> WireError:
    """A parameter that cannot be taken."""
    return WireError(400, "BadParameter", UNVERIFIED + text)


def fitting_value(value: object) -> str:
    """`value` when it is a text that a secret can hold. Raises WireError."""
    if not isinstance(value, str):
        raise bad_parameter("Property value is required and must be a string")
    if len(value.encode()) > LARGEST_VALUE:
        raise bad_parameter(f"The secret value is longer than {LARGEST_VALUE} bytes")
    return value


def vault_name_invalid(name: str) -> WireError:
    """A name that no vault can have."""
    text = (
        f"The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric "
        "characters. The name must begin with a letter, end with a letter or digit, and not "
        "contain consecutive hyphens. Follow this link for more information: "
        "https://go.microsoft.com/fwlink/?linkid=2147742"
    )
    return WireError(400, "VaultNameNotValid", UNVERIFIED + text)


def vault_soft_deleted() -> WireError:
    """The name belongs to a deleted vault."""
    text = (
        "A vault with the same name already exists in deleted state. You need to either recover or "
        "purge existing key vault. Follow this link "
        "https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete."
    )
    return WireError(409, "ConflictError", text)


def vault_name_taken(name: str) -> WireError:
    """The name belongs to another vault."""
    text = (
        f"The vault name '{name}' is already in use. Vault names are globally unique so it is "
        "possible that the name is already taken. If you are sure that the vault name was not "
        "taken then it is possible that a vault with the same name was recently deleted but not "
        "purged after being placed in a recoverable state. If the vault is in a recoverable state "
        "then the vault will need to be purged before reusing the name. For more information about "
        "VaultAlreadyExists, soft delete and purging a vault follow this link "
        "https://go.microsoft.com/fwlink/?linkid=2147740."
    )
    return WireError(409, "VaultAlreadyExists", text)


def soft_delete_required() -> WireError:
    """A new vault without soft delete: no longer to be had (since February 2025)."""
    text = 'The property "enableSoftDelete" cannot be set to false.'
    return WireError(400, "BadRequest", UNVERIFIED + text)


def soft_delete_fixed() -> WireError:
    """Soft delete cannot be switched off."""
    text = (
        'The property "enableSoftDelete" can be set to false only for creating new vault. Enabling '
        "the 'soft delete' functionality is an irreversible action."
    )
    return WireError(400, "BadRequest", text)


def purge_protection_fixed() -> WireError:
    """Purge protection cannot be switched off."""
    text = (
        'The property "enablePurgeProtection" cannot be set to false. Enabling the purge '
        "protection for a vault is an irreversible action."
    )
    return WireError(400, "BadRequest", text)


def retention_out_of_bounds() -> WireError:
    """Fewer than 7 days or more than 90."""
    text = 'The property "softDeleteRetentionInDays" must be between 7 and 90.'
    return WireError(400, "BadRequest", UNVERIFIED + text)


def retention_fixed() -> WireError:
    """The retention is chosen when the vault is made."""
    text = 'The property "softDeleteRetentionInDays" has been set already and cannot be modified.'
    return WireError(400, "BadRequest", UNVERIFIED + text)


def foreign_tenant(tenant: str) -> WireError:
    """The vault would belong to another tenant than its subscription."""
    text = f"The tenant ID '{tenant}' is not the tenant of the subscription."
    return WireError(400, "BadRequest", UNVERIFIED + text)


def purge_protected(name: str) -> WireError:
    """A vault that nobody may purge before its time."""
    text = f"Operation 'DeletedVaultPurge' is not allowed: '{name}' has purge protection."
    return WireError(400, "MethodNotAllowed", UNVERIFIED + text)


def deleted_vault_not_found(name: str) -> WireError:
    """No deleted vault of that name there."""
    text = f"The specified deleted vault '{name}' does not exist."
    return WireError(404, "DeletedVaultNotFound", UNVERIFIED + text)
