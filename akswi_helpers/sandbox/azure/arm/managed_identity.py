"""User-assigned managed identities and their federated identity credentials.

    PUT …/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{identity}
    GET …/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{identity}
    PATCH …/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{identity}
    DELETE …/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{identity}
    GET …/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities
    GET /subscriptions/{subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities
    PUT …/userAssignedIdentities/{identity}/federatedIdentityCredentials/{name}
    GET …/userAssignedIdentities/{identity}/federatedIdentityCredentials/{name}
    DELETE …/userAssignedIdentities/{identity}/federatedIdentityCredentials/{name}
    GET …/userAssignedIdentities/{identity}/federatedIdentityCredentials

Source: https://learn.microsoft.com/rest/api/managedidentity and
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
Left out: system-assigned identities as resources, associated resources, throttling; regions that
do not support credentials.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from akswi_helpers.sandbox.azure.arm.property_tables import checked
from akswi_helpers.sandbox.azure.arm.requests import tags_of, takes
from akswi_helpers.sandbox.azure.arm.resource_ids import group_id, name_of, path_of
from akswi_helpers.sandbox.azure.arm.resources import Resources, on_delete, place
from akswi_helpers.sandbox.azure.entra.directory import (
    MAX_CREDENTIALS,
    Directory,
    FederatedCredential,
    Principal,
)
from akswi_helpers.sandbox.wire import UNVERIFIED, Reply, Request, Route, WireError
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId

# 1 · Shapes: what is stored, and how it looks on the wire ---------------------

TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"
CREDENTIALS = f"{TYPE}/federatedIdentityCredentials"
WRITE_S = 0.05  # how long the write of a credential takes on the wire


def identity_id(subscription: str, group: str, name: str) -> ResourceId:
    """The id of an identity; its provider writes "resourcegroups" in lower case."""
    return f"/subscriptions/{subscription}/resourcegroups/{group}/providers/{TYPE}/{name}"


def credential_document(identity: ResourceId, credential: FederatedCredential) -> Json:
    """A federated identity credential as Azure shows it."""
    return {
        "id": f"{identity}/federatedIdentityCredentials/{credential.name}",
        "name": credential.name,
        "type": CREDENTIALS,
        "properties": {
            "issuer": credential.issuer,
            "subject": credential.subject,
            "audiences": credential.audiences,
        },
    }


# 2 · State: identities are resources, their principals live in the directory ---


def make(world: World, resource_id: ResourceId, location: str, tags: Json) -> Json:
    """A new identity and its principal, stored; inside a transaction."""
    client = world.ids.guid("client", resource_id)
    principal = world.ids.guid("principal", resource_id)
    name = name_of(resource_id)
    world.state(Directory).add(
        Principal(principal, client, name, "ManagedIdentity", owner=resource_id)
    )
    document = {
        "id": resource_id,
        "name": name,
        "type": TYPE,
        "location": location,
        "tags": tags,
        "properties": {
            "tenantId": world.tenant_id,
            "principalId": principal,
            "clientId": client,
        },
    }
    return world.state(Resources).put(resource_id, document)


def _forget_principal(world: World, document: Json) -> None:
    world.state(Directory).remove(document["properties"]["principalId"])


on_delete(TYPE, _forget_principal)


class Writes:
    """Which identities have a credential being written at this moment."""

    def __init__(self, world: World) -> None:
        self._busy: set[str] = set()

    def begin(self, identity: ResourceId) -> None:
        """Raise WireError 409 when another write is under way."""
        if identity.lower() in self._busy:
            raise concurrent_writes(identity)
        self._busy.add(identity.lower())

    def end(self, identity: ResourceId) -> None:
        """The write is done."""
        self._busy.discard(identity.lower())


# 3 · Errors: this service's codes ---------------------------------------------


def bad_request(text: str) -> WireError:
    """A credential that Azure does not take, in its own words."""
    return WireError(400, "BadRequest", text)


def parent_missing() -> WireError:
    """A credential on an identity that is not there."""
    return WireError(404, "NotFound", "The parent user-assigned identity doesn't exist.")


def pair_taken() -> WireError:
    """Another credential of the identity names the same issuer and subject."""
    text = "Issuer and subject combination already exists for this Managed Identity."
    return bad_request(text)


def too_many() -> WireError:
    """The 21st credential."""
    text = f"An identity has at most {MAX_CREDENTIALS} federated identity credentials."
    return WireError(400, "BadRequest", UNVERIFIED + text)


def concurrent_writes(identity: ResourceId) -> WireError:
    """Two credentials of one identity written at the same moment."""
    text = (
        "Too many Federated Identity Credentials are written concurrently for the managed "
        f"identity '{identity}'. Concurrent Federated Identity Credentials writes under the same "
        "managed identity are not supported."
    )
    return WireError(
        409, "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity", text
    )


def credential_not_found(identity: ResourceId, name: str) -> WireError:
    """The identity has no credential of that name."""
    text = f"The federated identity credential '{name}' was not found on '{name_of(identity)}'."
    return WireError(404, "NotFound", UNVERIFIED + text)


def invalid_identity_name(name: str) -> WireError:
    """A name that no identity can have."""
    text = f"The resource name '{name}' is invalid: 3 to 128 letters, digits, '-' and '_'."
    return WireError(400, "BadRequest", UNVERIFIED + text)


# 4 · Routes: parse, ask the state, render -------------------------------------


def create_or_update(world: World, request: Request) -> Reply:
    """Make an identity (201) or change its tags (200)."""
    wanted, body = _id(request), checked(TYPE, request.json())
    if not re.fullmatch(r"[A-Za-z0-9][\w-]{2,127}", request.args["identity"], re.ASCII):
        raise invalid_identity_name(request.args["identity"])
    found, location = place(world, wanted, TYPE, body)
    if found is None:
        document, status = make(world, wanted, location, tags_of(body)), 201
    else:
        changed = {**found, "tags": tags_of(body)}
        document, status = world.state(Resources).put(wanted, changed), 200
    return Reply(document, status, {"location": document["id"]})


def get(world: World, request: Request) -> Reply:
    """One identity."""
    return Reply(world.state(Resources).find(_id(request)))


def update(world: World, request: Request) -> Reply:
    """Change an identity's tags."""
    found = world.state(Resources).find(_id(request))
    body = checked(TYPE, request.json(), partial=True)
    changed = {**found, "tags": tags_of(body)} if "tags" in body else found
    return Reply(world.state(Resources).put(found["id"], changed))


def delete(world: World, request: Request) -> Reply:
    """Delete an identity and its principal: 200, or 204 when there was none."""
    if world.state(Resources).get(_id(request)) is None:
        return Reply(None, 204)
    world.state(Resources).remove(_id(request))
    return Reply(None, 200)


def list_by_group(world: World, request: Request) -> Reply:
    """The identities of a group."""
    scope = group_id(request.args["subscription"], request.args["group"])
    return Reply({"value": world.state(Resources).of_type(TYPE, scope)})


def list_by_subscription(world: World, request: Request) -> Reply:
    """The identities of the subscription."""
    scope = f"/subscriptions/{request.args['subscription']}"
    return Reply({"value": world.state(Resources).of_type(TYPE, scope)})


def put_credential(world: World, request: Request) -> Reply:
    """Write a federated identity credential: 201 when new, 200 when changed."""
    identity = _parent(world, request)
    directory, principal = world.state(Directory), identity["properties"]["principalId"]
    others = directory.credentials(principal)
    old = _named(others, request.args["name"])
    wanted = _credential(world, request, identity, old)
    others = [one for one in others if one is not old]
    if any((one.issuer, one.subject) == (wanted.issuer, wanted.subject) for one in others):
        raise pair_taken()
    if old is None and len(others) >= MAX_CREDENTIALS:
        raise too_many()
    directory.put_credential(principal, wanted)
    return Reply(credential_document(identity["id"], wanted), 200 if old else 201)


async def put_credential_in_time(world: World, request: Request) -> Reply:
    """`put_credential` as clients meet it: it takes a moment, and refuses another meanwhile."""
    identity, writes = _id(request), world.state(Writes)
    writes.begin(identity)
    try:
        await asyncio.sleep(WRITE_S)
        with world.transaction():
            return put_credential(world, request)
    finally:
        writes.end(identity)


def get_credential(world: World, request: Request) -> Reply:
    """One credential."""
    identity = _parent(world, request)
    return Reply(credential_document(identity["id"], _existing(world, request, identity)))


def delete_credential(world: World, request: Request) -> Reply:
    """Delete a credential: 200, or 204 when there was none."""
    identity = _parent(world, request)
    principal = identity["properties"]["principalId"]
    found = _named(world.state(Directory).credentials(principal), request.args["name"])
    if found is None:
        return Reply(None, 204)
    world.state(Directory).remove_credential(principal, found.name)
    return Reply(None, 200)


@takes("$top")
def list_credentials(world: World, request: Request) -> Reply:
    """The credentials of an identity, by name."""
    identity = _parent(world, request)
    found = world.state(Directory).credentials(identity["properties"]["principalId"])
    top = int(request.query.get("$top") or MAX_CREDENTIALS)
    return Reply({"value": [credential_document(identity["id"], one) for one in found[:top]]})


def _id(request: Request) -> ResourceId:
    args = request.args
    return identity_id(args["subscription"], args["group"], args["identity"])


def _parent(world: World, request: Request) -> Json:
    found = world.state(Resources).get(_id(request))
    if found is None:
        raise parent_missing()
    return found


def _named(credentials: list[FederatedCredential], name: str) -> FederatedCredential | None:
    return next((one for one in credentials if one.name.lower() == name.lower()), None)


def _existing(world: World, request: Request, identity: Json) -> FederatedCredential:
    principal = identity["properties"]["principalId"]
    found = _named(world.state(Directory).credentials(principal), request.args["name"])
    if found is None:
        raise credential_not_found(identity["id"], request.args["name"])
    return found


def _credential(
    world: World, request: Request, identity: Json, old: FederatedCredential | None
) -> FederatedCredential:
    name, sent = request.args["name"], request.json().get("properties")
    if not re.fullmatch(r"[A-Za-z0-9][\w-]{2,119}", name, re.ASCII):
        raise bad_request(f"Federated Identity Credential name '{name}' is invalid.")
    if not sent:
        raise bad_request("Federated Identity Credential from HTTP body has empty properties")
    issuer, subject, audiences = (sent.get(k) for k in ("issuer", "subject", "audiences"))
    if not (issuer and subject and audiences):
        raise bad_request(
            "The request format was unexpected. Federated Identity Credential must specify "
            "'issuer', 'subject' and 'audience'."
        )
    if len(audiences) != 1:
        raise bad_request("Federated identity credentials must have exactly one audience.")
    checked(CREDENTIALS, request.json())
    if old is not None:
        return replace(old, issuer=issuer, subject=subject, audiences=audiences)
    unique = world.ids.guid("credential", f"{path_of(identity['id'])}/{name}")
    return FederatedCredential(unique, name, issuer, subject, audiences)


_ALL = "/subscriptions/{subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
_GROUP = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
)
_ONE = _GROUP + "/{identity}"
_CREDENTIALS = _ONE + "/federatedIdentityCredentials"

ROUTES = (
    Route("PUT", _ONE, create_or_update, TYPE),
    Route("GET", _ONE, get, TYPE),
    Route("PATCH", _ONE, update, TYPE),
    Route("DELETE", _ONE, delete, TYPE),
    Route("GET", _GROUP, list_by_group, TYPE),
    Route("GET", _ALL, list_by_subscription, TYPE),
    Route("PUT", _CREDENTIALS + "/{name}", put_credential, CREDENTIALS),
    Route("GET", _CREDENTIALS + "/{name}", get_credential, CREDENTIALS),
    Route("DELETE", _CREDENTIALS + "/{name}", delete_credential, CREDENTIALS),
    Route("GET", _CREDENTIALS, list_credentials, CREDENTIALS),
)
