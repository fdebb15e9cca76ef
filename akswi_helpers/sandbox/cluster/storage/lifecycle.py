"""What the API server itself writes on an object: names, uids, times, generations, status.

Pure functions on JSON: a draft goes in, the object as it would be stored comes out. Who may write
what: clients the spec, controllers the status (through the status subresource), nobody the rest.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/ and a kube-apiserver
1.37.2 (which kinds count generations, which drop a status on create).
Left out: selfLink (gone since 1.20).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from akswi_helpers.types import Json, Seconds

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # of generated names: no vowels, no look-alikes
_LONGEST_BASE = 58

_COUNTED = {  # kinds whose metadata.generation counts changes of their spec
    "Pod",
    "Deployment",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Ingress",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ReplicationController",
    "HorizontalPodAutoscaler",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "CustomResourceDefinition",
}
_STATUS_KEPT_ON_CREATE = {"Node", "PersistentVolume", "APIService"}
_META_ORDER = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)
_SYSTEM = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_UNCOUNTED = ("apiVersion", "kind", "metadata", "status")


def timestamp(seconds: Seconds) -> str:
    """Unix seconds as the API writes a time: "2026-11-24T16:47:49Z"."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def generated_name(base: str, guid: str) -> str:
    """`base`, cut to 58, and five characters made of `guid`."""
    number = int(guid.replace("-", ""), 16)
    tail = ""
    for _ in range(5):
        number, digit = divmod(number, len(_ALPHABET))
        tail += _ALPHABET[digit]
    return base[:_LONGEST_BASE] + tail


def for_create(kind: Kind, obj: Json, *, uid: str, now: str) -> Json:
    """The draft with what a client may not choose set."""
    metadata = {k: v for k, v in obj["metadata"].items() if k not in (*_SYSTEM, "generation")}
    metadata |= {"uid": uid, "creationTimestamp": now}
    if counts(kind):
        metadata["generation"] = 1
    return {**obj, "metadata": metadata}


def without_status(kind: Kind, obj: Json) -> Json:
    """What a create takes of `obj`: its status is the controllers' to write."""
    if "status" not in kind.subresources or kind.kind in _STATUS_KEPT_ON_CREATE:
        return obj
    return {key: value for key, value in obj.items() if key != "status"}


def for_update(kind: Kind, old: Json, new: Json, subresource: str) -> Json:
    """The draft with everything that this write may not change taken from `old`."""
    if subresource == "status":
        draft = _status_only(kind, old, new)
    elif subresource == "finalize":
        spec = {**old.get("spec", {}), "finalizers": (new.get("spec") or {}).get("finalizers", [])}
        draft = {**old, "spec": spec}
    else:
        draft = dict(new)
        if "status" in kind.subresources:
            draft.pop("status", None)
            draft |= {"status": old["status"]} if "status" in old else {}
    if subresource == "status" and kind.custom:
        return {**draft, "metadata": dict(old["metadata"])}
    metadata = _kept(old, new)
    if subresource == "status":  # annotations may change with it, these may not
        for name in ("labels", "ownerReferences"):
            metadata.pop(name, None)
            metadata |= {name: old["metadata"][name]} if name in old["metadata"] else {}
    return {**draft, "metadata": metadata}


def _status_only(kind: Kind, old: Json, new: Json) -> Json:
    draft = {key: value for key, value in old.items() if key != "status"}
    if "status" in new:
        draft["status"] = new["status"]
    return draft


def _kept(old: Json, new: Json) -> Json:
    before = old["metadata"]
    metadata = {**new["metadata"], "name": before["name"]}
    for name in (*_SYSTEM, "namespace", "generation", "generateName"):
        metadata.pop(name, None)
        if name in before:
            metadata[name] = before[name]
    return metadata


def counted(kind: Kind, old: Json, draft: Json) -> Json:
    """The draft with its generation raised when its desired state differs from `old`'s."""
    if counts(kind) and desired(kind, old) != desired(kind, draft):
        draft["metadata"]["generation"] = int(old["metadata"].get("generation", 0)) + 1
    return draft


def counts(kind: Kind) -> bool:
    """Whether the kind's generation counts."""
    return kind.kind in _COUNTED or kind.custom


def desired(kind: Kind, obj: Json) -> Json:
    """What a client asks for: everything but metadata and status."""
    wanted = {key: value for key, value in obj.items() if key not in _UNCOUNTED}
    if kind.kind == "Deployment":  # its annotations count, they are copied to the replica sets
        wanted["annotations"] = obj["metadata"].get("annotations") or {}
    return wanted


def ordered(obj: Json) -> Json:
    """The object with its keys in the order in which the API server writes them."""
    head: Json = {key: obj[key] for key in ("kind", "apiVersion", "metadata") if key in obj}
    metadata = obj["metadata"]
    first = {key: metadata[key] for key in _META_ORDER if key in metadata}
    return {**head, **obj, "metadata": {**first, **metadata}}


def unchanged(old: Json, new: Json) -> bool:
    """Whether a write would change nothing but times in managedFields."""
    return _bare(old) == _bare(new)


def _bare(obj: Json) -> Json:
    metadata = {k: v for k, v in obj["metadata"].items() if k != "resourceVersion"}
    entries = metadata.pop("managedFields", None) or []
    timeless = [{k: v for k, v in entry.items() if k != "time"} for entry in entries]
    return {**obj, "metadata": metadata, "managedFields": timeless}
