"""Graph's federated identity credentials of an application; the routes are in `graph`.

One is found by its id or by its name. Issuer and subject together are unique in an application.

Source: https://learn.microsoft.com/graph/api/resources/federatedidentitycredential and
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
Left out: claims matching expressions, creating through PATCH; both answer 501.
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.entra.directory import MAX_CREDENTIALS, FederatedCredential
from akswi_helpers.sandbox.azure.graph import bodies, refusals, shapes
from akswi_helpers.sandbox.azure.graph import filters as query
from akswi_helpers.sandbox.azure.graph.applications import changeable, existing
from akswi_helpers.sandbox.azure.graph.store import Registrations
from akswi_helpers.sandbox.wire import Reply, Request
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json


def create(world: World, request: Request) -> Reply:
    """A new credential (201). Raises WireError when its name, or its pair, is taken."""
    owner, registrations = changeable(world, request), world.state(Registrations)
    others, body = registrations.credentials(owner["id"]), bodies.body_of(request)
    wanted = bodies.new_credential("", body)
    if any(one.name.lower() == wanted.name.lower() for one in others):
        raise refusals.credential_name_taken(wanted.name)
    if len(others) >= MAX_CREDENTIALS:
        raise refusals.too_many_credentials()
    _refuse_same_pair(wanted, others)
    id = world.ids.guid("graph credential", f"{owner['id']}/{wanted.name}")
    made = bodies.new_credential(id, body)
    registrations.put_credential(owner, made)
    shown = shapes.entity(request, _collection(owner), shapes.credential(made))
    return shapes.created(world.tenant_id, f"federatedIdentityCredentials/{id}", shown)


def list_all(world: World, request: Request) -> Reply:
    """The application's credentials; no query option is read."""
    query.only(request, frozenset())
    owner = existing(world, request)
    found = world.state(Registrations).credentials(owner["id"], seen=True)
    shown = [shapes.credential(one) for one in found]
    return Reply({**shapes.context(request, _collection(owner)), "value": shown})


def get(world: World, request: Request) -> Reply:
    """One credential, by id or name."""
    query.only(request, frozenset())
    owner = existing(world, request)
    shown = shapes.credential(_named(world, request, owner, seen=True))
    return Reply(shapes.entity(request, _collection(owner), shown))


def update(world: World, request: Request) -> Reply:
    """Change a credential's values (204); its name stays."""
    owner, registrations = changeable(world, request), world.state(Registrations)
    old = _named(world, request, owner)
    wanted = bodies.changed_credential(old, bodies.body_of(request))
    others = [one for one in registrations.credentials(owner["id"]) if one.id != old.id]
    _refuse_same_pair(wanted, others)
    registrations.put_credential(owner, wanted)
    return Reply(None, 204)


def delete(world: World, request: Request) -> Reply:
    """Forget a credential (204); it does not go to the recycle bin."""
    owner = changeable(world, request)
    found = _named(world, request, owner)
    world.state(Registrations).remove_credential(owner, found.id)
    return Reply(None, 204)


def _named(
    world: World, request: Request, owner: Json, *, seen: bool = False
) -> FederatedCredential:
    key = request.args["credential"]
    for one in world.state(Registrations).credentials(owner["id"], seen=seen):
        if key.lower() in (one.id, one.name.lower()):
            return one
    raise refusals.not_found(key)


def _refuse_same_pair(wanted: FederatedCredential, others: list[FederatedCredential]) -> None:
    if any((one.issuer, one.subject) == (wanted.issuer, wanted.subject) for one in others):
        raise refusals.pair_taken(wanted)


def _collection(owner: Json) -> str:
    return f"applications('{owner['id']}')/federatedIdentityCredentials"
