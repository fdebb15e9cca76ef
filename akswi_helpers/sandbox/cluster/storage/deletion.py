"""What a DELETE makes of an object: gone at once, or marked and waiting for somebody.

A pod waits for its kubelet (grace), a namespace for its emptying, anything for its finalizers;
`Foreground` and `Orphan` are finalizers that the garbage collector takes away.

Source: https://kubernetes.io/docs/concepts/architecture/garbage-collection/ and what a
kube-apiserver 1.37.2 answers. Left out: deleting what cannot be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.storage.lifecycle import FOREGROUND, ORPHAN, timestamp
from akswi_helpers.types import Json, Seconds

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

_ANSWERED = {"Pod", "PodTemplate", "Service", "ServiceAccount", "PersistentVolume"}
_ANSWERED |= {"PersistentVolumeClaim", "ResourceQuota"}  # DELETE answers with these themselves
_POLICIES = {"Foreground": FOREGROUND, "Orphan": ORPHAN}


def marked(kind: Kind, live: Json, propagation: str, grace: int | None, now: Seconds) -> Json:
    """The object as the DELETE leaves it, or as it was when it is already on its way.

    `propagation` is "Background", "Foreground", "Orphan" or "" for the kind's own; `grace` in
    seconds or None for the pod's own.
    """
    metadata = dict(live["metadata"])
    _finalize(kind, metadata, propagation)
    if kind.kind == "Namespace":
        return _terminating(live, metadata, now)
    seconds = _grace(live, grace) if kind.kind == "Pod" else 0
    if seconds or metadata.get("finalizers") or kind.kind == "Pod":
        _mark(metadata, seconds, now)
    return {**live, "metadata": metadata}


def done(obj: Json) -> bool:
    """Whether nothing holds a deleted object any longer."""
    metadata = obj["metadata"]
    if metadata.get("finalizers"):
        return False
    if "deletionTimestamp" in metadata and obj.get("kind") == "Namespace":
        return not (obj.get("spec") or {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


def answer(kind: Kind, last: Json, *, gone: bool) -> Json:
    """What DELETE answers: the object when it stays or is of such a kind, else a Status."""
    if not gone or kind.kind in _ANSWERED:
        return last
    found: Json = {"name": last["metadata"]["name"]} | ({"group": kind.group} if kind.group else {})
    found |= {"kind": kind.plural, "uid": last["metadata"]["uid"]}
    head: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**head, "details": found}


def _finalize(kind: Kind, metadata: Json, propagation: str) -> None:
    policy = propagation or ("Orphan" if (kind.group, kind.kind) == ("batch", "Job") else "")
    if not policy:
        return
    kept = [name for name in metadata.get("finalizers") or [] if name not in _POLICIES.values()]
    if policy in _POLICIES:
        kept.append(_POLICIES[policy])
    metadata.pop("finalizers", None)
    if kept:
        metadata["finalizers"] = kept


def _mark(metadata: Json, seconds: int, now: Seconds) -> None:
    if "deletionTimestamp" in metadata and metadata.get("deletionGracePeriodSeconds", 0) <= seconds:
        return
    if "deletionTimestamp" not in metadata and metadata.get("generation"):
        metadata["generation"] += 1
    metadata["deletionTimestamp"] = timestamp(now + seconds)
    metadata["deletionGracePeriodSeconds"] = seconds


def _terminating(live: Json, metadata: Json, now: Seconds) -> Json:
    metadata.setdefault("deletionTimestamp", timestamp(now))
    return {**live, "metadata": metadata, "status": {**live.get("status", {}), **_TERMINATING}}


_TERMINATING = {"phase": "Terminating"}


def _grace(pod: Json, asked: int | None) -> int:
    spec, status = pod["spec"], pod.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
        return 0
    seconds = spec.get("terminationGracePeriodSeconds", 30) if asked is None else asked
    return max(int(seconds), 0)
