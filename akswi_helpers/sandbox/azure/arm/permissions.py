"""What the caller may do at a scope: the roles that he holds there and above, written out.

    GET /{scope+}/providers/Microsoft.Authorization/permissions

Source: https://learn.microsoft.com/rest/api/authorization/permissions. Left out: paging; Azure does
not say here which of them holds under a condition, the list of role assignments does.
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.arm.authorization import held
from akswi_helpers.sandbox.azure.arm.existence import require
from akswi_helpers.sandbox.azure.arm.requests import caller_of
from akswi_helpers.sandbox.azure.arm.resource_ids import path_of
from akswi_helpers.sandbox.azure.arm.roles import DEFINITIONS, Role
from akswi_helpers.sandbox.wire import Reply, Request, Route
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

# 1 · Shapes: how things look on the wire --------------------------------------

ACTION = "Microsoft.Authorization/permissions/read"


def permission(role: Role) -> Json:
    """What one role allows, and what it takes away again."""
    return {
        "actions": list(role.actions),
        "notActions": list(role.notActions),
        "dataActions": list(role.dataActions),
        "notDataActions": list(role.notDataActions),
    }


# 2 · State: the assignments, in authorization.py ------------------------------

# 3 · Errors: a scope that is not there, in existence.py -----------------------

# 4 · Routes: parse, ask the state, render -------------------------------------


def list_for_scope(world: World, request: Request) -> Reply:
    """One entry for each role assignment of the caller."""
    scope = path_of(request.args["scope"])
    require(world, scope)
    roles = [role for _, role in held(world, caller_of(request).object_id, scope)]
    return Reply({"value": [permission(role) for role in roles]})


_PATH = "/{scope+}/providers/Microsoft.Authorization/permissions"

# Its api-versions are those of the role definitions, which Azure publishes in the same document.
ROUTES = (Route("GET", _PATH, list_for_scope, DEFINITIONS, ACTION),)
