"""Graph's service principals; the routes are in `graph`.

An application's is made, changed and deleted here. A managed identity's comes and goes with its
identity, the deployer's with the sandbox: both are shown, and any change of them is refused.

Source: https://learn.microsoft.com/graph/api/resources/serviceprincipal. Left out: Microsoft's own
(Graph, Key Vault, …), passwords and roles of service principals, disabled accounts.
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.arm.timestamps import iso_seconds
from akswi_helpers.sandbox.azure.graph import bodies, refusals, shapes
from akswi_helpers.sandbox.azure.graph import filters as query
from akswi_helpers.sandbox.azure.graph.store import Registrations
from akswi_helpers.sandbox.wire import Reply, Request, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

KIND = shapes.SERVICE_PRINCIPALS


def create(world: World, request: Request) -> Reply:
    """The service principal of an application (201); each has one."""
    registrations, body = world.state(Registrations), bodies.body_of(request)
    client = bodies.need_text(body, "appId").lower()
    if registrations.has_principal(client):
        raise refusals.principal_exists(client)
    if registrations.by_client_id(client) is None:
        raise refusals.no_application(client)
    id = world.ids.guid("graph service principal", client)
    document = shapes.service_principal(id, client, iso_seconds(world.clock.now()))
    changes = bodies.principal_changes(document, {**body, "appId": client})
    made = registrations.put_principal({**document, **changes})
    path = f"directoryObjects/{id}/Microsoft.DirectoryServices.ServicePrincipal"
    return shapes.created(world.tenant_id, path, shapes.entity(request, KIND, made))


def list_all(world: World, request: Request) -> Reply:
    """The service principals that the query asks for."""
    return query.page(request, KIND, world.state(Registrations).principals())


def get(world: World, request: Request) -> Reply:
    """One service principal, by object id or by appId."""
    return query.one(request, KIND, _existing(world, request))


def update(world: World, request: Request) -> Reply:
    """Change a service principal (204)."""
    current = _changeable(world, request)
    changes = bodies.principal_changes(current, bodies.body_of(request))
    world.state(Registrations).put_principal({**current, **changes})
    return Reply(None, 204)


def delete(world: World, request: Request) -> Reply:
    """Move a service principal to the recycle bin (204); its role assignments are orphans."""
    world.state(Registrations).delete_principal(_changeable(world, request))
    return Reply(None, 204)


def _existing(world: World, request: Request) -> Json:
    registrations, args = world.state(Registrations), request.args
    if "appId" in args:
        found = registrations.principal_of(args["appId"])
    else:
        found = registrations.principal(args["id"])
    if found is None:
        raise refusals.not_found(args.get("appId") or args["id"])
    return found


def _changeable(world: World, request: Request) -> Json:
    found = _existing(world, request)
    query.only(request, frozenset())
    if found["servicePrincipalType"] == "ManagedIdentity":
        raise refusals.identity_owned()
    registrations = world.state(Registrations)
    if registrations.shown_late(found["id"]):
        raise refusals.not_found(found["id"])
    current = registrations.current(found["id"])
    if current is None:
        raise not_emulated("a change of the service principal of the deployer itself")
    return current
