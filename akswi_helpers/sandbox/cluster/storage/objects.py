"""The verbs of a cluster's API in process: what the HTTP API, the controllers and kubelets call.

    cluster.objects.create(kind, "app1", {"metadata": {"name": "c"}, "data": …}, manager="helm")

Each verb is one transaction (or joins the open one) and does what the real API server does, in its
order: defaults, admission, system fields, validation, managed fields, storage. What it returns is
a copy; events (`subscribe`) carry the stored object itself.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ and a kube-apiserver 1.37.2.
Left out: conversion between versions of a resource (an object keeps the version it was sent in).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from akswi_helpers.sandbox.cluster.api import escalation
from akswi_helpers.sandbox.cluster.merging import apply, merge
from akswi_helpers.sandbox.cluster.refusals import (
    StatusError,
    already_exists,
    conflict,
    invalid,
    modified,
    not_found,
    precondition,
)
from akswi_helpers.sandbox.cluster.rules import validation
from akswi_helpers.sandbox.cluster.storage import (
    admission,
    allocation,
    custom,
    deletion,
    lifecycle,
    selectors,
)
from akswi_helpers.sandbox.cluster.storage.store import Event, Store, copied
from akswi_helpers.sandbox.cluster.tables import defaulting
from akswi_helpers.sandbox.cluster.users import SYSTEM, User
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

__all__ = ["SYSTEM", "Event", "Objects", "StatusError", "User"]

Patch: TypeAlias = Json | list[Json]  # a merge patch, or JSON patch operations
Track = Callable[[Json], Json]  # an object as stored -> the same with its managedFields


class Objects:
    """Every object of one cluster, by the API's verbs."""

    def __init__(self, cluster: Cluster, store: Store) -> None:
        self._cluster, self.store = cluster, store
        self._world = cluster.world

    def find(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """A copy of the object, or None."""
        return copied(self.store.get(kind, namespace, name))

    def get(self, kind: Kind, namespace: str, name: str) -> Json:
        """A copy of the object. Raises StatusError 404."""
        return copied(self._live(kind, namespace, name))

    def list(
        self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> list[Json]:
        """Copies of the objects that both selectors keep, in the API's order."""
        keep, also = selectors.labels(labels), selectors.fields(kind, fields)
        found = self.store.list(kind, namespace)
        return [copied(o) for o in found if keep(o["metadata"].get("labels") or {}) and also(o)]

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call back with every event after its commit; returns the way to stop.

        The callback wakes somebody up and returns: it must not write.
        """
        return self.store.subscribe(callback)

    def create(
        self,
        kind: Kind,
        namespace: str,
        obj: Json,
        *,
        manager: str,
        user: User = SYSTEM,
        dry_run: bool = False,
    ) -> Json:
        """The new object as stored. Raises StatusError 403, 404, 409 or 422."""

        def track(draft: Json) -> Json:
            return self._tracked(kind, None, draft, manager, "")

        with self._attempt(dry_run):
            return self._create(kind, namespace, obj, track, user)

    def update(
        self,
        kind: Kind,
        namespace: str,
        obj: Json,
        *,
        manager: str,
        user: User = SYSTEM,
        subresource: str = "",
        dry_run: bool = False,
    ) -> Json:
        """The object as replaced; with `subresource` "status" or "finalize" only that part of it.

        Raises StatusError 404, 409 when its resourceVersion is not the newest, 422.
        """
        with self._attempt(dry_run):
            live = self._live(kind, namespace, obj["metadata"].get("name", ""))
            _same_version(kind, live, obj)
            draft = lifecycle.for_update(kind, live, copied(obj), subresource)

            def track(draft: Json) -> Json:
                return self._tracked(kind, live, draft, manager, subresource)

            return self._replace(kind, live, draft, track, user, subresource)

    def patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        patch: Patch,
        *,
        form: str = "merge",
        manager: str,
        user: User = SYSTEM,
        subresource: str = "",
        dry_run: bool = False,
        check: Callable[[Json], Json] = lambda obj: obj,
    ) -> Json:
        """The object after a patch; `form` is "merge", "strategic" or "json" (RFC 6902).

        `check` sees the patched object before anything else does and may refuse or prune it.
        """
        with self._attempt(dry_run):
            live = self._live(kind, namespace, name)
            draft = check(_patched(kind, copied(live), patch, form))
            return self.update(
                kind, namespace, draft, manager=manager, user=user, subresource=subresource
            )

    def apply(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        applied: Json,
        *,
        manager: str,
        force: bool = False,
        user: User = SYSTEM,
        subresource: str = "",
        dry_run: bool = False,
    ) -> tuple[Json, bool]:
        """The object after a server-side apply, and whether it is new.

        Raises StatusError 409 naming each conflicting field and its manager.
        """
        with self._attempt(dry_run):
            live = self.store.get(kind, namespace, name)
            if live is None and subresource:
                raise not_found(kind, name)
            draft = self._applied(kind, live, applied, manager, force, subresource)
            managed = draft["metadata"].get("managedFields")
            track = _keeping(managed)
            if live is None:
                return self._create(kind, namespace, draft, track, user), True
            draft = lifecycle.for_update(kind, live, draft, subresource)
            return self._replace(kind, live, draft, track, user, subresource), False

    def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        propagation: str = "Background",
        uid: str = "",
        resource_version: str = "",
        grace: int | None = None,
        user: User = SYSTEM,
        dry_run: bool = False,
    ) -> Json:
        """What DELETE answers: the object when somebody must still let go of it, else a Status.

        `propagation` "" is the kind's own policy. Raises StatusError 403, 404 or 409.
        """
        with self._attempt(dry_run):
            live = self._live(kind, namespace, name)
            _expected(kind, live, uid, resource_version)
            admission.for_delete(self._cluster, kind, live)
            now = self._world.clock.now()
            draft = deletion.marked(kind, live, propagation, grace, now)
            if not deletion.done(draft):
                kept = draft if draft == live else self.store.put(kind, copied(draft))
                return copied(deletion.answer(kind, kept, gone=False))
            last = self._remove(kind, draft)
            return copied(deletion.answer(kind, last, gone=True))

    def _create(self, kind: Kind, namespace: str, obj: Json, track: Track, user: User) -> Json:
        draft = track(self._drafted(kind, namespace, obj))  # what admission adds has no owner
        draft["metadata"].setdefault("name", "")
        draft = admission.for_create(self._cluster, kind, draft, user)
        name = draft["metadata"]["name"]
        path = f"{kind.plural}.{kind.group}/{namespace}"
        guid = self._world.ids.guid("uid", f"{self._cluster.spec.resource_id}/{path}/{name}")
        now = lifecycle.timestamp(self._world.clock.now())
        draft = lifecycle.for_create(kind, draft, uid=guid, now=now)
        if kind.kind == custom.DEFINITION:
            draft = custom.established(kind, draft, now)
        errors = validation.validate_create(kind, draft)
        if errors:
            raise _invalid(kind, draft, errors)
        if self.store.get(kind, namespace, name) is not None:
            raise already_exists(kind, name)
        draft = defaulting.prepare_new(kind, draft)
        draft = allocation.allocated(self.store, kind, draft)
        escalation.check(self._cluster, user, kind, draft)
        return copied(self.store.put(kind, lifecycle.ordered(draft)))

    def _replace(
        self, kind: Kind, live: Json, draft: Json, track: Track, user: User, subresource: str
    ) -> Json:
        draft = track(defaulting.apply_defaults(kind, copied(draft)))  # it held parts of `live`
        draft = allocation.kept(self.store, kind, live, draft)
        if subresource != "status":
            draft = lifecycle.counted(kind, live, draft)
        errors = validation.validate_update(kind, draft, live)
        if errors:
            raise _invalid(kind, draft, errors)
        admission.refuse_unenforced(kind, draft, user)
        escalation.check(self._cluster, user, kind, draft)
        if "deletionTimestamp" in draft["metadata"] and deletion.done(draft):
            return copied(self._remove(kind, draft))
        if lifecycle.unchanged(live, draft):
            return copied(live)
        return copied(self.store.put(kind, lifecycle.ordered(draft)))

    def _remove(self, kind: Kind, last: Json) -> Json:
        for gone, namespace, name in custom.orphaned(self._cluster, kind, last):
            self.delete(gone, namespace, name)
        return self.store.remove(kind, last)

    def _drafted(self, kind: Kind, namespace: str, obj: Json) -> Json:
        metadata = dict(obj.get("metadata") or {})
        if metadata.get("resourceVersion"):
            raise StatusError(500, "", "resourceVersion should not be set on objects to be created")
        metadata.pop("resourceVersion", None)
        metadata.pop("namespace", None)
        if namespace:
            metadata["namespace"] = namespace
        if not metadata.get("name") and metadata.get("generateName"):
            path = f"{self._cluster.spec.resource_id}/{kind.plural}/{namespace}"
            guid = self._world.ids.guid("name", f"{path}/{metadata['generateName']}")
            metadata["name"] = lifecycle.generated_name(metadata["generateName"], guid)
        metadata.setdefault("name", "")
        head = {"kind": kind.kind, "apiVersion": kind.api_version}
        draft = copied({**lifecycle.without_status(kind, obj), **head, "metadata": metadata})
        return defaulting.apply_defaults(kind, draft)

    def _tracked(
        self, kind: Kind, old: Json | None, new: Json, manager: str, subresource: str
    ) -> Json:
        now = lifecycle.timestamp(self._world.clock.now())
        operation = "Update"
        return apply.track(
            kind, old, new, manager=manager, operation=operation, now=now, subresource=subresource
        )

    def _applied(
        self, kind: Kind, live: Json | None, applied: Json, manager: str, force: bool, sub: str
    ) -> Json:
        now = lifecycle.timestamp(self._world.clock.now())
        try:
            return apply.apply(
                kind, live, applied, manager=manager, force=force, now=now, subresource=sub
            )
        except apply.ApplyConflict as error:
            raise StatusError(409, "Conflict", str(error), {"causes": error.causes}) from error
        except merge.PatchRefused as error:
            raise StatusError(error.status, error.reason, str(error), error.details) from error

    def _live(self, kind: Kind, namespace: str, name: str) -> Json:
        live = self.store.get(kind, namespace, name)
        if live is None:
            raise not_found(kind, name)
        return live

    @contextmanager
    def _attempt(self, dry_run: bool) -> Iterator[None]:
        try:
            with self._world.transaction():
                yield
                if dry_run:
                    raise _UndoneError
        except _UndoneError:
            pass


class _UndoneError(Exception):
    """A dry run's way out of its transaction."""


def _keeping(managed: object) -> Track:
    def track(draft: Json) -> Json:
        draft["metadata"].pop("managedFields", None)
        if managed:
            draft["metadata"]["managedFields"] = managed
        return draft

    return track


def _patched(kind: Kind, live: Json, patch: Patch, form: str) -> Json:
    try:
        if isinstance(patch, list):
            return merge.json_patch(live, patch)
        if form == "strategic":
            return merge.strategic_merge(kind, live, patch)
        return merge.json_merge(live, patch)
    except merge.PatchRefused as error:
        raise StatusError(error.status, error.reason, str(error), error.details) from error


def _same_version(kind: Kind, live: Json, obj: Json) -> None:
    name, current = live["metadata"]["name"], live["metadata"]["resourceVersion"]
    given = obj["metadata"].get("resourceVersion", "")
    if given and given != current:
        raise modified(kind, name)
    if not given and kind.custom:
        why = "Invalid value: 0: must be specified for an update"
        cause = ("metadata.resourceVersion", "FieldValueInvalid", why)
        raise invalid(kind.plural, name, kind.group, [cause])
    uid, found = obj["metadata"].get("uid", ""), live["metadata"]["uid"]
    if uid and uid != found:
        key = f"/registry/{kind.plural}/{live['metadata'].get('namespace', '')}/{name}"
        why = (
            f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, "
            f"AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, "
            f"UID in object meta: {found}"
        )
        raise conflict(kind, name, why)


def _expected(kind: Kind, live: Json, uid: str, resource_version: str) -> None:
    metadata = live["metadata"]
    if uid and uid != metadata["uid"]:
        raise precondition(kind, metadata["name"], "UID", uid, metadata["uid"])
    found = metadata["resourceVersion"]
    if resource_version and resource_version != found:
        raise precondition(kind, metadata["name"], "ResourceVersion", resource_version, found)


def _invalid(kind: Kind, draft: Json, errors: list[validation.FieldError]) -> StatusError:
    causes = [(e.field, e.reason, e.message) for e in errors]
    return invalid(kind.kind, draft["metadata"]["name"], kind.group, causes)
