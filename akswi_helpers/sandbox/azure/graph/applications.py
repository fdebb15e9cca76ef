"""Graph's applications and their passwords: what each operation does; the routes are in `graph`.

A secret's text is in the answer of addPassword and nowhere else.

Source: https://learn.microsoft.com/graph/api/resources/application. Left out: certificates,
owners, templates; the deployer's own application is shown and cannot be changed.
"""

from __future__ import annotations

import copy

from akswi_helpers.sandbox.azure.arm.timestamps import iso_seconds
from akswi_helpers.sandbox.azure.graph import bodies, refusals, shapes
from akswi_helpers.sandbox.azure.graph import filters as query
from akswi_helpers.sandbox.azure.graph.store import Registrations
from akswi_helpers.sandbox.wire import Reply, Request, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

KIND = shapes.APPLICATIONS


def create(world: World, request: Request) -> Reply:
    """A new application (201); two may have the same display name."""
    body = bodies.body_of(request)
    name = bodies.need_text(body, "displayName")
    changes = bodies.application_changes(copy.deepcopy(shapes.APPLICATION), body)
    document = shapes.application(
        world.ids.guid("graph application", name),
        world.ids.guid("graph client", name),
        name,
        iso_seconds(world.clock.now()),
    )
    made = world.state(Registrations).put_application({**document, **changes})
    path = f"directoryObjects/{made['id']}/Microsoft.DirectoryServices.Application"
    return shapes.created(world.tenant_id, path, shapes.entity(request, KIND, made))


def list_all(world: World, request: Request) -> Reply:
    """The applications of the tenant that the query asks for."""
    return query.page(request, KIND, world.state(Registrations).applications())


def get(world: World, request: Request) -> Reply:
    """One application, by object id or by appId."""
    return query.one(request, KIND, existing(world, request))


def update(world: World, request: Request) -> Reply:
    """Change an application (204)."""
    current = changeable(world, request)
    changes = bodies.application_changes(current, bodies.body_of(request))
    world.state(Registrations).put_application({**current, **changes})
    return Reply(None, 204)


def delete(world: World, request: Request) -> Reply:
    """Move an application, and its service principal, to the recycle bin (204)."""
    world.state(Registrations).delete_application(changeable(world, request))
    return Reply(None, 204)


def add_password(world: World, request: Request) -> Reply:
    """A new secret, shown this once."""
    owner = changeable(world, request)
    name, start, end = bodies.password_of(
        bodies.body_of(request, may_be_empty=True), world.clock.now()
    )
    secret = world.ids.secret(30)
    password = {
        "customKeyIdentifier": None,
        "displayName": name,
        "endDateTime": iso_seconds(end),
        "hint": secret[:3],
        "keyId": world.ids.guid("graph key", owner["id"]),
        "secretText": None,
        "startDateTime": iso_seconds(start),
    }
    world.state(Registrations).add_password(owner, password, secret, start, end)
    shown = {**password, "secretText": secret}
    return Reply({**shapes.context(request, "microsoft.graph.passwordCredential"), **shown})


def remove_password(world: World, request: Request) -> Reply:
    """Forget a secret, named by its key id (204)."""
    owner = changeable(world, request)
    key = bodies.need_text(bodies.body_of(request), "keyId").lower()
    if key not in [one["keyId"] for one in owner["passwordCredentials"]]:
        raise refusals.no_such_key()
    world.state(Registrations).remove_password(owner, key)
    return Reply(None, 204)


def existing(world: World, request: Request) -> Json:
    """The application that the path names. Raises WireError 404."""
    registrations, args = world.state(Registrations), request.args
    if "appId" in args:
        found = registrations.by_client_id(args["appId"])
    else:
        found = registrations.application(args["id"])
    if found is None:
        raise refusals.not_found(args.get("appId") or args["id"])
    return found


def changeable(world: World, request: Request) -> Json:
    """The same, where it may be changed. Raises WireError 404, 501 for the deployer's own."""
    found = existing(world, request)
    query.only(request, frozenset())
    registrations = world.state(Registrations)
    if registrations.shown_late(found["id"]):
        raise refusals.not_found(found["id"])
    current = registrations.current(found["id"])
    if current is None:
        raise not_emulated("a change of the application of the deployer itself")
    return current
