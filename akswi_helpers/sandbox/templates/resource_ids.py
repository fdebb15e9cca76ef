"""resourceId() and its relatives: from type and names to the id of a resource.

    resourceId('Microsoft.KeyVault/vaults', 'kv') -> "/subscriptions/…/vaults/kv"

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource.
Left out: managementGroupResourceId, for deployments to a management group.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from akswi_helpers.sandbox.templates.builtins import Value
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused
from akswi_helpers.sandbox.templates.scopes import Scope
from akswi_helpers.sandbox.wire import UNVERIFIED
from akswi_helpers.types import ResourceId

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def joined(scope: str, kind: str, names: Sequence[str]) -> ResourceId:
    """The id of a resource of type `kind` with `names`, one for each part of the type, at `scope`.

    Raises ExpressionRefused when the counts differ.
    """
    namespace, *parts = kind.split("/")
    if not parts or len(parts) != len(names):
        raise ExpressionRefused(
            f"{UNVERIFIED}Unable to evaluate template language function 'resourceId': the type "
            f"'{kind}' requires '{len(parts)}' resource name argument(s). "
            "Please see https://aka.ms/arm-resource-functions/#resourceid for usage details."
        )
    pairs = "/".join(f"{part}/{name}" for part, name in zip(parts, names, strict=True))
    return f"{scope.rstrip('/')}/providers/{namespace}/{pairs}"


def resource_id(scope: Scope, arguments: Sequence[Value]) -> ResourceId:
    """resourceId([subscription], [group], type, name, …)."""
    before, kind, names = _around_type("resourceId", arguments)
    if len(before) > 2:
        raise _unfit("resourceId", arguments)
    subscription, group = _subscription_and_group(scope, before)
    return joined(f"/subscriptions/{subscription}/resourceGroups/{group}", kind, names)


def subscription_resource_id(scope: Scope, arguments: Sequence[Value]) -> ResourceId:
    """subscriptionResourceId([subscription], type, name, …)."""
    before, kind, names = _around_type("subscriptionResourceId", arguments)
    subscription = before[0] if before else scope.group_id.split("/")[2]
    return joined(f"/subscriptions/{subscription}", kind, names)


def tenant_resource_id(scope: Scope, arguments: Sequence[Value]) -> ResourceId:
    """tenantResourceId(type, name, …)."""
    _, kind, names = _around_type("tenantResourceId", arguments)
    return joined("", kind, names)


def extension_resource_id(scope: Scope, arguments: Sequence[Value]) -> ResourceId:
    """extensionResourceId(id, type, name, …)."""
    texts = _texts("extensionResourceId", arguments)
    if len(texts) < 3:
        raise _unfit("extensionResourceId", arguments)
    return joined(texts[0], texts[1], texts[2:])


def _subscription_and_group(scope: Scope, before: Sequence[str]) -> tuple[str, str]:
    _, _, subscription, _, group = scope.group_id.split("/")[:5]
    for value in before:
        if _GUID.fullmatch(value):
            subscription = value
        else:
            group = value
    return subscription, group


def _around_type(name: str, arguments: Sequence[Value]) -> tuple[list[str], str, list[str]]:
    texts = _texts(name, arguments)
    at = next((place for place, text in enumerate(texts) if "/" in text), None)
    if at is None or at > 2:
        raise _unfit(name, arguments)
    return texts[:at], texts[at], texts[at + 1 :]


def _texts(name: str, arguments: Sequence[Value]) -> list[str]:
    if not all(isinstance(argument, str) for argument in arguments):
        raise _unfit(name, arguments)
    return list(arguments)


def _unfit(name: str, arguments: Sequence[Value]) -> ExpressionRefused:
    return ExpressionRefused(
        f"{UNVERIFIED}Unable to evaluate template language function '{name}': the arguments do not "
        "name a resource type and its names. "
        "Please see https://aka.ms/arm-resource-functions/#resourceid for usage details."
    )
