"""Graph's recycle bin: deleted applications and service principals; the routes are in `graph`.

It keeps for 30 days. An application takes its service principal into the bin and brings it back;
ids and credentials stay the same. Deleting here is for good.

Source: https://learn.microsoft.com/graph/api/resources/directory and
https://learn.microsoft.com/entra/identity/enterprise-apps/delete-recover-faq.
Left out: deleted users, groups, devices and units (501).
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.graph import filters as query
from akswi_helpers.sandbox.azure.graph import refusals, shapes
from akswi_helpers.sandbox.azure.graph.store import Registrations
from akswi_helpers.sandbox.wire import Reply, Request, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json


def list_applications(world: World, request: Request) -> Reply:
    """The deleted applications that the query asks for."""
    rows = world.state(Registrations).deleted(shapes.APPLICATIONS)
    return query.page(request, shapes.APPLICATIONS, rows)


def list_principals(world: World, request: Request) -> Reply:
    """The deleted service principals that the query asks for."""
    rows = world.state(Registrations).deleted(shapes.SERVICE_PRINCIPALS)
    return query.page(request, shapes.SERVICE_PRINCIPALS, rows)


def get(world: World, request: Request) -> Reply:
    """One deleted object."""
    query.only(request, frozenset())
    return Reply(_shown(request, *_existing(world, request)))


def restore(world: World, request: Request) -> Reply:
    """Bring an object back. Raises WireError when its application is gone or has another."""
    query.only(request, frozenset())
    registrations, (kind, document) = world.state(Registrations), _existing(world, request)
    if kind == shapes.SERVICE_PRINCIPALS:
        if registrations.by_client_id(document["appId"]) is None:
            raise refusals.no_application(document["appId"])
        if registrations.has_principal(document["appId"]):
            raise refusals.principal_exists(document["appId"])
    return Reply(_shown(request, *registrations.restore(document["id"])))


def purge(world: World, request: Request) -> Reply:
    """Forget an object for good (204)."""
    query.only(request, frozenset())
    _, document = _existing(world, request)
    world.state(Registrations).purge(document["id"])
    return Reply(None, 204)


def _existing(world: World, request: Request) -> tuple[str, Json]:
    key = request.args["id"]
    if key.lower().startswith(("microsoft.graph.", "graph.")):
        raise not_emulated(f"deleted objects of type {key}")
    registrations = world.state(Registrations)
    found = registrations.find_deleted(key)
    if found is None or (request.method != "GET" and not registrations.in_bin(key)):
        raise refusals.not_found(key)
    return found


def _shown(request: Request, kind: str, document: Json) -> Json:
    type_ = {"@odata.type": f"#microsoft.graph.{shapes.KINDS[kind]}"}
    return {**shapes.context(request, "directoryObjects/$entity"), **type_, **document}
