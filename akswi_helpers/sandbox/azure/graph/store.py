"""What Graph remembers: applications, their service principals, credentials and the recycle bin.

A federated credential and a password belong to the application; who signs in is its service
principal. So after every change `publish` makes the Directory, which Entra reads, agree: with both
alive the principal is there with all of the application's credentials, else it is gone.

Source: https://learn.microsoft.com/entra/identity/enterprise-apps/delete-recover-faq.
Left out: quotas of deleted objects, passwords of service principals.
"""

from __future__ import annotations

from collections.abc import Iterable

from akswi_helpers.sandbox.azure.arm.timestamps import iso_seconds
from akswi_helpers.sandbox.azure.entra.directory import (
    Directory,
    FederatedCredential,
    Principal,
    digest,
)
from akswi_helpers.sandbox.azure.graph import shapes
from akswi_helpers.sandbox.late import LateTable
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import ClientId, Json, ObjectId, Seconds

DIAL = "graph-write"
KEPT_S = 30 * 86_400  # how long the recycle bin keeps


class Registrations:
    """The applications of the tenant and all that hangs on them; change inside a transaction.

    The deployer and the managed identities are in the Directory alone: they are shown, not kept.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._applications = LateTable(world, "graph.applications", DIAL)  # id -> document
        self._principals = LateTable(world, "graph.principals", DIAL)  # id -> document
        self._bin = LateTable(world, "graph.deleted", DIAL)  # id -> {kind, document, at, with}
        self._secrets = world.table("graph.secrets")  # application -> {key id: [digest, from, to]}
        # application -> {id: credential}
        self._credentials = LateTable(world, "graph.credentials", DIAL)

    # Reading

    def applications(self) -> list[Json]:
        """Every application, the deployer's too."""
        shown = [self._foreign_application(one) for one in self._foreign("Application")]
        return [*shown, *self._applications.seen.values()]

    def application(self, key: str) -> Json | None:
        """The application with this object id."""
        return _first(self.applications(), "id", key)

    def by_client_id(self, client: ClientId) -> Json | None:
        """The application with this client id."""
        return _first(self.applications(), "appId", client)

    def principals(self) -> list[Json]:
        """Every service principal: applications', the deployer's, managed identities'."""
        identities = [shapes.of_identity(one) for one in self._foreign("ManagedIdentity")]
        deployers = [self._foreign_principal(one) for one in self._foreign("Application")]
        return [*deployers, *identities, *map(self._shown, self._principals.seen.values())]

    def principal(self, key: str) -> Json | None:
        """The service principal with this object id."""
        return _first(self.principals(), "id", key)

    def principal_of(self, client: ClientId) -> Json | None:
        """The service principal with this client id."""
        return _first(self.principals(), "appId", client)

    def has_principal(self, client: ClientId) -> bool:
        """Whether an application has a service principal, whoever knows of it yet."""
        found = _first(self._principals.values(), "appId", client)
        return found is not None or self.principal_of(client) is not None

    def is_kept(self, key: str) -> bool:
        """Whether the application or service principal was made through Graph."""
        return key.lower() in self._applications or key.lower() in self._principals

    def current(self, key: str) -> Json | None:
        """An application or service principal made through Graph as it is, for changing it."""
        return self._applications.get(key.lower()) or self._principals.get(key.lower())

    def shown_late(self, key: str) -> bool:
        """Whether an object is gone, and shown only because a reader hears late."""
        late = key.lower() in self._applications.seen or key.lower() in self._principals.seen
        return late and not self.is_kept(key)

    def credentials(
        self, application: ObjectId, *, seen: bool = False
    ) -> list[FederatedCredential]:
        """An application's federated identity credentials, oldest first; or those seen by now."""
        rows = (self._credentials.seen if seen else self._credentials).get(application)
        if rows is None and application in self._credentials:
            return []
        if rows is None:
            return self._world.state(Directory).credentials(self._signs_in(application))
        return [FederatedCredential(**one) for one in rows.values()]

    # Writing

    def put_application(self, document: Json) -> Json:
        """Store an application, new or changed."""
        self._applications.put(document["id"], document)
        self._publish(document)
        return document

    def put_principal(self, document: Json) -> Json:
        """Store a service principal, new or changed; returns it as it is shown."""
        self._principals.put(document["id"], document)
        self._publish(self._owner(document["appId"]))
        return self._shown(document)

    def put_credential(self, application: Json, one: FederatedCredential) -> None:
        """Store a federated identity credential under its id."""
        rows = {**self._credentials.get(application["id"], {}), one.id: _row(one)}
        self._credentials.put(application["id"], rows)
        self._publish(application)

    def remove_credential(self, application: Json, id: str) -> None:
        """Forget a federated identity credential."""
        rows = dict(self._credentials[application["id"]])
        del rows[id]
        self._credentials.put(application["id"], rows)
        self._publish(application)

    def add_password(
        self, application: Json, password: Json, secret: str, start: Seconds, end: Seconds
    ) -> None:
        """Let `secret` sign in from `start` to `end`; only its digest is kept."""
        rows = dict(self._secrets.get(application["id"], {}))
        rows[password["keyId"]] = {"digest": digest(secret), "start": start, "end": end}
        self._secrets.put(application["id"], rows)
        shown = [*application["passwordCredentials"], password]
        self.put_application({**application, "passwordCredentials": shown})

    def remove_password(self, application: Json, key_id: str) -> None:
        """Forget a password."""
        rows = dict(self._secrets[application["id"]])
        del rows[key_id]
        self._secrets.put(application["id"], rows)
        shown = [one for one in application["passwordCredentials"] if one["keyId"] != key_id]
        self.put_application({**application, "passwordCredentials": shown})

    # The recycle bin

    def deleted(self, kind: str) -> list[Json]:
        """What the bin holds of a kind ("applications", "servicePrincipals"), as it is shown."""
        rows = [one for one in self._in_bin() if one["kind"] == kind]
        return [self._document(one) for one in rows]

    def find_deleted(self, key: str) -> tuple[str, Json] | None:
        """The kind and the document of one deleted object."""
        row = next((one for one in self._in_bin() if one["document"]["id"] == key.lower()), None)
        return (row["kind"], self._document(row)) if row else None

    def delete_application(self, application: Json) -> None:
        """Into the bin, with its service principal: nobody signs in as it any more."""
        kept = [one for one in self._principals.values() if one["appId"] == application["appId"]]
        for one in kept:
            self._discard(shapes.SERVICE_PRINCIPALS, one, application["id"])
            self._principals.remove(one["id"])
        self._discard(shapes.APPLICATIONS, application)
        self._applications.remove(application["id"])
        self._publish(application)

    def delete_principal(self, principal: Json) -> None:
        """Into the bin; its application stays."""
        self._discard(shapes.SERVICE_PRINCIPALS, self._principals[principal["id"]])
        self._principals.remove(principal["id"])
        self._withdraw(principal["id"])

    def restore(self, key: str) -> tuple[str, Json]:
        """Bring an object back with what was deleted along with it: same ids, same credentials."""
        row = self._bin[key.lower()]
        for one in [row, *self._deleted_with(key.lower())]:
            table = self._principals if _is_principal(one) else self._applications
            self._bin.remove(one["document"]["id"])
            table.put(one["document"]["id"], {**one["document"], "deletedDateTime": None})
        self._publish(self._owner(row["document"]["appId"]))
        if _is_principal(row):
            return row["kind"], self._shown(self._principals[key.lower()])
        return row["kind"], self._applications[key.lower()]

    def purge(self, key: str) -> None:
        """Forget a deleted object for good; an application takes what is left of it along."""
        row = self._bin[key.lower()]
        self._bin.remove(key.lower())
        if _is_principal(row):
            return
        for other in [one for one in self._bin.values() if _same_client(one, row)]:
            self._bin.remove(other["document"]["id"])
        for table in (self._secrets, self._credentials):
            if key.lower() in table:
                table.remove(key.lower())

    # What Entra sees

    def _publish(self, application: Json) -> None:
        principal = _first(self._principals.values(), "appId", application["appId"])
        if principal is None or application["id"] not in self._applications:
            for one in self._world.state(Directory).all():
                if one.owner == application["id"]:
                    self._withdraw(one.object_id)
            return
        passwords = self._secrets.get(application["id"], {}).values()
        self._world.state(Directory).add(
            Principal(
                principal["id"],
                application["appId"],
                application["displayName"],
                "Application",
                application["id"],
                [one["digest"] for one in passwords],
                {one["digest"]: [one["start"], one["end"]] for one in passwords},
            ),
            late=True,
        )
        self._publish_credentials(principal["id"], application["id"])

    def _publish_credentials(self, principal: ObjectId, application: ObjectId) -> None:
        directory, wanted = self._world.state(Directory), self.credentials(application)
        if sorted(wanted, key=lambda one: one.name) == directory.credentials(principal):
            return
        for one in directory.credentials(principal):
            directory.remove_credential(principal, one.name)
        for one in wanted:
            directory.put_credential(principal, one)

    def _withdraw(self, principal: ObjectId) -> None:
        if self._world.state(Directory).find(principal):
            self._world.state(Directory).remove(principal, late=True)

    def _signs_in(self, application: ObjectId) -> ObjectId:
        found = (one for one in self._world.state(Directory).all() if one.owner == application)
        return next((one.object_id for one in found), "")

    # How kept and foreign things are shown

    def _foreign(self, kind: str) -> list[Principal]:
        every = self._world.state(Directory).all()
        return [one for one in every if one.kind == kind and one.object_id not in self._principals]

    def _foreign_application(self, one: Principal) -> Json:
        return shapes.application(one.owner, one.client_id, one.display_name, None)

    def _foreign_principal(self, one: Principal) -> Json:
        document = shapes.service_principal(one.object_id, one.client_id, None)
        owner = self._foreign_application(one)
        return shapes.named_after(document, owner, self._world.tenant_id)

    def _shown(self, document: Json) -> Json:
        owner = self._owner(document["appId"])
        return shapes.named_after(document, owner, self._world.tenant_id)

    def _owner(self, client: ClientId) -> Json:
        live = _first(self._applications.values(), "appId", client)
        if live is not None:
            return live
        kept = [*self._bin.values(), *self._bin.seen.values()]
        rows = [one["document"] for one in kept if not _is_principal(one)]
        found = _first([*rows, *self._applications.seen.values()], "appId", client)
        assert found is not None, "a service principal outlived its application"
        return found

    def _document(self, row: Json) -> Json:
        shown: Json = self._shown(row["document"]) if _is_principal(row) else row["document"]
        return shown

    def _discard(self, kind: str, document: Json, along_with: ObjectId = "") -> None:
        now = self._world.clock.now()
        gone = {**document, "deletedDateTime": iso_seconds(now)}
        row = {"kind": kind, "document": gone, "at": now, "with": along_with}
        self._bin.put(document["id"], row)

    def _deleted_with(self, key: ObjectId) -> list[Json]:
        return [one for one in self._bin.values() if one["with"] == key]

    def _in_bin(self) -> list[Json]:
        since = self._world.clock.now() - KEPT_S
        return [one for one in self._bin.seen.values() if one["at"] > since]

    def in_bin(self, key: str) -> bool:
        """Whether the bin holds this object, whoever knows of it yet."""
        return key.lower() in self._bin


def _first(rows: Iterable[Json], name: str, wanted: str) -> Json | None:
    return next((one for one in rows if one[name] == wanted.lower()), None)


def _row(one: FederatedCredential) -> Json:
    row = shapes.credential(one)
    return {**row, "description": one.description}


def _is_principal(row: Json) -> bool:
    return bool(row["kind"] == shapes.SERVICE_PRINCIPALS)


def _same_client(one: Json, other: Json) -> bool:
    return bool(one["document"]["appId"] == other["document"]["appId"])
