"""The garbage collector: what becomes of objects when their owner is deleted.

    collect(cluster)

One look at all owner references: dependents of owners that are gone are deleted; an owner that is
deleted in the foreground waits for its dependents; one that is orphaned lets go of them.

Source: https://kubernetes.io/docs/concepts/architecture/garbage-collection/. Left out: owners in
another namespace (they count as gone, as documented).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.cluster.storage.lifecycle import FOREGROUND, ORPHAN
from akswi_helpers.sandbox.cluster.storage.store import Event, copied
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

Found = tuple["Kind", Json]

_MANAGER = "kube-controller-manager"


def concerns(event: Event) -> bool:
    """Whether an event may leave something to collect."""
    if event.kind.kind == "Event":
        return False
    metadata = event.object["metadata"]
    if event.type == "ADDED":
        return bool(metadata.get("ownerReferences"))
    return event.type == "DELETED" or "deletionTimestamp" in metadata


def collect(cluster: Cluster) -> None:
    """Look at every object once; each deletion leads to another look."""
    every = list(_every(cluster))
    uids = {obj["metadata"]["uid"] for _, obj in every}
    for kind, obj in every:
        finalizers = obj["metadata"].get("finalizers") or []
        if "deletionTimestamp" in obj["metadata"]:
            if ORPHAN in finalizers:
                _let_go(cluster, every, kind, obj)
            elif FOREGROUND in finalizers:
                _wait_for_dependents(cluster, every, kind, obj)
        elif _abandoned(obj, uids):
            _delete(cluster, kind, obj)


def namespaced(cluster: Cluster) -> Iterator[Kind]:
    """Every kind that lives in namespaces, each resource once."""
    return (kind for kind in _kinds(cluster) if kind.namespaced)


def _kinds(cluster: Cluster) -> Iterator[Kind]:
    seen = set()
    for kind in cluster.kinds.all():
        if (kind.group, kind.plural) not in seen and "delete" in kind.verbs:
            seen.add((kind.group, kind.plural))
            yield kind


def _every(cluster: Cluster) -> Iterator[Found]:
    for kind in _kinds(cluster):
        if kind.kind != "Event":
            for obj in cluster.store.list(kind):
                yield kind, obj


def _owners(obj: Json) -> list[Json]:
    return obj["metadata"].get("ownerReferences") or []


def _abandoned(obj: Json, uids: set[str]) -> bool:
    owners = _owners(obj)
    return bool(owners) and not any(owner["uid"] in uids for owner in owners)


def _dependents(every: list[Found], owner: Json) -> list[Found]:
    uid = owner["metadata"]["uid"]
    return [found for found in every if any(ref["uid"] == uid for ref in _owners(found[1]))]


def _let_go(cluster: Cluster, every: list[Found], kind: Kind, owner: Json) -> None:
    uid = owner["metadata"]["uid"]
    with cluster.world.transaction():
        for other, obj in _dependents(every, owner):
            kept = copied(obj)
            refs = [ref for ref in _owners(obj) if ref["uid"] != uid]
            kept["metadata"]["ownerReferences"] = refs
            if not refs:
                del kept["metadata"]["ownerReferences"]
            _update(cluster, other, kept)
        _unfinalize(cluster, kind, owner, ORPHAN)


def _wait_for_dependents(cluster: Cluster, every: list[Found], kind: Kind, owner: Json) -> None:
    uid, blocking = owner["metadata"]["uid"], False
    for other, obj in _dependents(every, owner):
        if "deletionTimestamp" not in obj["metadata"]:
            _delete(cluster, other, obj, "Foreground")
        refs = [ref for ref in _owners(obj) if ref["uid"] == uid]
        blocking |= any(ref.get("blockOwnerDeletion") for ref in refs) and _there(
            cluster, other, obj
        )
    if not blocking:
        _unfinalize(cluster, kind, owner, FOREGROUND)


def _there(cluster: Cluster, kind: Kind, obj: Json) -> bool:
    metadata = obj["metadata"]
    return cluster.store.get(kind, metadata.get("namespace", ""), metadata["name"]) is not None


def _unfinalize(cluster: Cluster, kind: Kind, obj: Json, name: str) -> None:
    metadata = obj["metadata"]
    live = cluster.objects.find(kind, metadata.get("namespace", ""), metadata["name"])
    if live is not None:
        kept = [f for f in live["metadata"].get("finalizers") or [] if f != name]
        live["metadata"]["finalizers"] = kept
        if not kept:
            del live["metadata"]["finalizers"]
        _update(cluster, kind, live)


def _update(cluster: Cluster, kind: Kind, obj: Json) -> None:
    cluster.objects.update(kind, obj["metadata"].get("namespace", ""), obj, manager=_MANAGER)


def _delete(cluster: Cluster, kind: Kind, obj: Json, propagation: str = "Background") -> None:
    metadata = obj["metadata"]
    with contextlib.suppress(StatusError):  # somebody was faster
        cluster.objects.delete(
            kind,
            metadata.get("namespace", ""),
            metadata["name"],
            propagation=propagation,
            uid=metadata["uid"],
        )
