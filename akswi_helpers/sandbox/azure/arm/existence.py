"""Is what an id names there? Asked before something is put under it.

Source: ARM's answers to requests under a group or resource that does not exist.
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.arm import refusals
from akswi_helpers.sandbox.azure.arm.resource_groups import Groups
from akswi_helpers.sandbox.azure.arm.resource_ids import group_of, name_of, parent_of, type_of
from akswi_helpers.sandbox.azure.arm.resources import Resources
from akswi_helpers.sandbox.world import World


def require(world: World, scope: str) -> None:
    """Raise WireError unless the subscription, group or resource called `scope` is there.

    A child that a service keeps by itself (a vault's secret) counts when its parent is there.
    """
    parts = scope.strip("/").split("/")
    if parts[0].lower() != "subscriptions" or len(parts) < 2:
        raise refusals.invalid_request(f"The scope '{scope}' is not valid.", "InvalidScope")
    if parts[1].lower() != world.subscription_id.lower():
        raise refusals.subscription_not_found(parts[1])
    group = group_of(scope)
    if group and world.state(Groups).get(group) is None:
        raise refusals.group_not_found(name_of(group))
    if "/providers/" in scope.lower():
        nested = type_of(scope).count("/") > 1
        world.state(Resources).find(parent_of(scope) if nested else scope)


def require_parent(world: World, child: str) -> None:
    """Raise WireError ParentResourceNotFound unless the child's parent is there."""
    if world.state(Resources).get(parent_of(child)) is None:
        raise refusals.parent_not_found(parent_of(child))
