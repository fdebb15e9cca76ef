"""resourceId() and its relatives: from type and names to the id of a resource.

    resourceId('Microsoft.KeyVault/vaults', 'kv') -> "/subscriptions/…/vaults/kv"

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource.
Left out: managementGroupResourceId, for deployments to a management group.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from akswi_helpers.sandbox.templates.builtins import PLACES, Value, too_few, wrong_type
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused
from akswi_helpers.sandbox.templates.scopes import Scope
from akswi_helpers.types import ResourceId

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def joined(scope: str, kind: str, names: Sequence[str], function: str = "resourceId") -> ResourceId:
    """The id of a resource of type `kind` with `names`, one for each part of the type, at `scope`.

    Raises ExpressionRefused when the counts differ.
    """
    namespace, *parts = kind.split("/")
    if not parts or len(parts) != len(names):
        raise ExpressionRefused(
            f"Unable to evaluate template language function '{function}': the type '{kind}' "
            f"requires '{len(parts)}' resource name argument(s). Please see "
            f"https://aka.ms/arm-resource-functions/#{function.lower()} for usage details."
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
    return joined(f"/subscriptions/{subscription}", kind, names, "subscriptionResourceId")


def tenant_resource_id(scope: Scope, arguments: Sequence[Value]) -> ResourceId:
    """tenantResourceId(type, name, …)."""
    _, kind, names = _around_type("tenantResourceId", arguments)
    return joined("", kind, names, "tenantResourceId")


def extension_resource_id(scope: Scope, arguments: Sequence[Value]) -> ResourceId:
    """extensionResourceId(id, type, name, …)."""
    if len(arguments) < 3:
        raise too_few("extensionResourceId", 3)
    texts = _texts("extensionResourceId", arguments)
    return joined(texts[0], texts[1], texts[2:], "extensionResourceId")


def _subscription_and_group(scope: Scope, before: Sequence[str]) -> tuple[str, str]:
    _, _, subscription, _, group = scope.group_id.split("/")[:5]
    for value in before:
        if _GUID.fullmatch(value):
            subscription = value
        else:
            group = value
    return subscription, group


def _around_type(name: str, arguments: Sequence[Value]) -> tuple[list[str], str, list[str]]:
    if len(arguments) < 2:
        raise too_few(name, 2)
    texts = _texts(name, arguments)
    at = next((place for place, text in enumerate(texts) if "/" in text), None)
    if at is None or at > 2:
        raise _unfit(name, arguments)
    return texts[:at], texts[at], texts[at + 1 :]


def _texts(name: str, arguments: Sequence[Value]) -> list[str]:
    for place, argument in enumerate(arguments):
        if not isinstance(argument, str):
            raise wrong_type(name, f"its {PLACES[min(place, 8)]} parameter", "String", argument)
    return list(arguments)


def _unfit(name: str, arguments: Sequence[Value]) -> ExpressionRefused:
    return ExpressionRefused(
        f"Unable to evaluate template language function '{name}': function requires exactly one "
        "multi-segmented argument which must be resource type including resource provider "
        f"namespace. Current function arguments '{','.join(map(str, arguments))}'. Please see "
        f"https://aka.ms/arm-resource-functions/#{name.lower()} for usage details."
    )
