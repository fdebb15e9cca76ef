"""The tenant's directory: principals, client secrets, federated identity credentials.

`entra` signs in against it, `managed_identity` and `graph` write to it, `authorization` asks who
exists. A principal is gone when its application or identity is: its object id never comes back.

Source: facts of Entra's token endpoint and Graph. Left out: users, groups, certificates.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict, dataclass, field

from akswi_helpers.sandbox.late import LateTable
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import ClientId, Json, ObjectId, ResourceId, Seconds

MAX_CREDENTIALS = 20  # per application or identity

DEPLOYER_NAME = "akswi-deployer"  # display name of the service principal a learner signs in as


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """Which foreign token may stand in for a secret. All three values match exactly."""

    id: str
    name: str
    issuer: str
    subject: str
    audiences: list[str]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """A service principal. `kind` is "Application" or "ManagedIdentity".

    `owner` names what its credentials hang on: the identity's resource id, or the application's
    object id. `secrets` are SHA-256 digests, never the text; `periods` says of a digest from when
    until when it counts, and one that it does not name always counts.
    """

    object_id: ObjectId
    client_id: ClientId
    display_name: str
    kind: str
    owner: str = ""
    secrets: list[str] = field(default_factory=list)
    periods: dict[str, list[Seconds]] = field(default_factory=dict)

    @property
    def resource_id(self) -> ResourceId:
        """The managed identity's resource id; empty for an application."""
        return self.owner if self.kind == "ManagedIdentity" else ""


class Directory:
    """Who exists in the tenant. Changes happen inside the caller's transaction."""

    def __init__(self, world: World) -> None:
        self._principals = LateTable(world, "directory.principals", "graph-write")  # by object id
        self._by_client = LateTable(world, "directory.clients", "graph-write")  # {"object_id"}
        # object id -> {name: credential}
        self._credentials = LateTable(world, "directory.credentials", "federated-credential")

    def add(self, principal: Principal, *, late: bool = False) -> Principal:
        """Store a new principal, or an old one's new display name and secrets.

        `late`: written through Graph, so that the token endpoint hears of it later.
        """
        rows, client = asdict(principal), {"object_id": principal.object_id}
        for table, key, row in (
            (self._principals, principal.object_id, rows),
            (self._by_client, principal.client_id, client),
        ):
            (table.put if late else table.settle)(key, row)
        return principal

    def remove(self, object_id: ObjectId, *, late: bool = False) -> None:
        """Forget a principal and its credentials; its role assignments become orphans."""
        gone = (
            (self._by_client, self._principals[object_id]["client_id"]),
            (self._principals, object_id),
            (self._credentials, object_id),
        )
        for table, key in gone:
            if key in table:
                (table.remove if late else table.forget)(key)

    def find(self, object_id: ObjectId) -> Principal | None:
        """The principal with this object id."""
        row = self._principals.get(object_id)
        return Principal(**row) if row else None

    def by_client_id(self, client_id: ClientId) -> Principal | None:
        """The principal that signs in with this client id (never matches an object id)."""
        row = self._by_client.get(client_id)
        return self.find(row["object_id"]) if row else None

    def known(self, client_id: ClientId) -> Principal | None:
        """The principal of a client id as the token endpoint knows it by now."""
        row = self._by_client.seen.get(client_id)
        found = self._principals.seen.get(row["object_id"]) if row else None
        return Principal(**found) if found else None

    def knows(self, object_id: ObjectId) -> bool:
        """Whether those who hear of Graph's writes later know this principal by now."""
        return object_id in self._principals.seen

    def all(self) -> list[Principal]:
        """Every principal, in order of creation within this process' file."""
        return [Principal(**row) for row in self._principals.values()]

    def credentials(self, object_id: ObjectId) -> list[FederatedCredential]:
        """The principal's federated identity credentials, by name."""
        return _sorted(self._credentials.get(object_id, {}))

    def known_credentials(self, object_id: ObjectId) -> list[FederatedCredential]:
        """Likewise, as the token endpoint knows them by now."""
        return _sorted(self._credentials.seen.get(object_id, {}))

    def put_credential(self, object_id: ObjectId, credential: FederatedCredential) -> None:
        """Store a credential under its name, new or changed."""
        rows = dict(self._credentials.get(object_id, {}))
        rows[credential.name] = asdict(credential)
        self._credentials.put(object_id, rows)

    def remove_credential(self, object_id: ObjectId, name: str) -> None:
        """Forget a credential. Raises KeyError when there is none of that name."""
        rows = dict(self._credentials.get(object_id, {}))
        del rows[name]
        self._credentials.put(object_id, rows)


def _sorted(rows: Json) -> list[FederatedCredential]:
    return [FederatedCredential(**rows[name]) for name in sorted(rows)]


def digest(secret: str) -> str:
    """What is stored of a client secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def secret_matches(principal: Principal, secret: str) -> bool:
    """Whether `secret` is one of the principal's, compared in constant time."""
    given = digest(secret)
    return any(hmac.compare_digest(given, kept) for kept in principal.secrets)


def secret_period(principal: Principal, secret: str) -> tuple[Seconds, Seconds]:
    """From when until when one of the principal's secrets counts, Unix seconds."""
    start, end = principal.periods.get(digest(secret), (0.0, float("inf")))
    return start, end
