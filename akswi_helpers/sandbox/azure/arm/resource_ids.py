"""Resource ids, taken apart: what type, which group, under which scope.

Ids compare without regard to letter case; the casing a thing was created with is kept.

Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.
Left out: management groups and tenants as scopes.
"""

from __future__ import annotations

from akswi_helpers.types import ResourceId

PROVIDERS = "/providers/"


def path_of(scope: str) -> ResourceId:
    """`scope` with one slash before it and none after it."""
    return "/" + scope.strip("/")


def type_of(resource_id: ResourceId) -> str:
    """The resource type: "Microsoft.KeyVault/vaults/secrets"; a group's or subscription's too."""
    _, found, tail = resource_id.rpartition(PROVIDERS)
    if found:
        parts = tail.split("/")
        return "/".join([parts[0], *parts[1::2]])
    depth = len(path_of(resource_id).split("/"))
    return (
        "Microsoft.Resources/resourceGroups" if depth > 3 else "Microsoft.Resources/subscriptions"
    )


def name_of(resource_id: ResourceId) -> str:
    """The last segment."""
    return resource_id.rstrip("/").rpartition("/")[2]


def names_of(resource_id: ResourceId) -> str:
    """Its names from the outermost resource down: "kv-lab/arbitrarySecret"."""
    return "/".join(resource_id.rpartition(PROVIDERS)[2].split("/")[2::2])


def group_of(resource_id: ResourceId) -> ResourceId:
    """The id of the resource group it lies in, or "" when it lies in none."""
    parts = path_of(resource_id).split("/")
    return "/".join(parts[:5]) if len(parts) > 4 and parts[3].lower() == "resourcegroups" else ""


def group_id(subscription: str, group: str) -> ResourceId:
    """The id of a resource group."""
    return f"/subscriptions/{subscription}/resourceGroups/{group}"


def parent_of(resource_id: ResourceId) -> ResourceId:
    """The resource a child hangs on; for a resource of the first level, its group."""
    head, _, tail = resource_id.rpartition(PROVIDERS)
    parts = tail.split("/")
    return f"{head}{PROVIDERS}{'/'.join(parts[:-2])}" if len(parts) > 3 else head


def target_of(path: str) -> ResourceId:
    """What a path is about: the resource of an action, the parent or scope of a list."""
    head, found, tail = path_of(path).rpartition(PROVIDERS)
    parts = tail.split("/")
    if not found or len(parts) % 2:
        return path_of(path)
    return f"{head}{PROVIDERS}{'/'.join(parts[:-1])}" if len(parts) > 2 else head


def within(resource_id: ResourceId, scope: str) -> bool:
    """Whether `resource_id` is `scope` or lies under it."""
    inner, outer = path_of(resource_id).lower(), path_of(scope).lower()
    return outer == "/" or inner == outer or inner.startswith(outer + "/")
