"""What every namespace is given, and how it is emptied when it is deleted.

A new one gets the service account `default` and the ConfigMap kube-root-ca.crt. A deleted one
stays, Terminating, until everything in it is gone, its pods with their grace.

Source: kubernetes pkg/controller/namespace, serviceaccount, certificates/rootcacertpublisher.
"""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.controllers import garbage
from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

CA_CONFIG_MAP = "kube-root-ca.crt"
LEAST_S = 1.5  # clients that delete a namespace and then its content must still find both
_MANAGER = "kube-controller-manager"
_ABOUT_CA = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)


_ALL_WELL = {
    "NamespaceDeletionDiscoveryFailure": (
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": (
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
    ),
}


def reconcile(cluster: Cluster, name: str) -> float | None:
    """Furnish a namespace, or empty it; seconds until it may go."""
    kind = cluster.kind("v1", "Namespace")
    namespace = cluster.objects.find(kind, "", name)
    if namespace is None:
        return None
    if "deletionTimestamp" in namespace["metadata"]:
        return _empty(cluster, namespace)
    _furnish(cluster, name)
    return None


def _furnish(cluster: Cluster, name: str) -> None:
    accounts, maps = cluster.kind("v1", "ServiceAccount"), cluster.kind("v1", "ConfigMap")
    with contextlib.suppress(StatusError):
        if cluster.store.get(accounts, name, "default") is None:
            account: Json = {"metadata": {"name": "default"}}
            cluster.objects.create(accounts, name, account, manager=_MANAGER)
    authority = cluster.world.surroundings.ca_file.read_text("ascii")
    found = cluster.objects.find(maps, name, CA_CONFIG_MAP)
    with contextlib.suppress(StatusError):
        if found is None:
            metadata = {
                "name": CA_CONFIG_MAP,
                "annotations": {"kubernetes.io/description": _ABOUT_CA},
            }
            made = {"metadata": metadata, "data": {"ca.crt": authority}}
            cluster.objects.create(maps, name, made, manager=_MANAGER)
        elif found.get("data") != {"ca.crt": authority}:
            found["data"] = {"ca.crt": authority}
            cluster.objects.update(maps, name, found, manager=_MANAGER)


def _empty(cluster: Cluster, namespace: Json) -> float | None:
    name, left = namespace["metadata"]["name"], []
    for kind in garbage.namespaced(cluster):
        for obj in cluster.store.list(kind, name):
            if "deletionTimestamp" not in obj["metadata"]:
                with contextlib.suppress(StatusError):
                    cluster.objects.delete(kind, name, obj["metadata"]["name"])
        left += [kind.group_resource] * len(cluster.store.list(kind, name))
    _tell(cluster, namespace, left)
    if left:
        return None  # each deletion leads back here
    began = datetime.fromisoformat(namespace["metadata"]["deletionTimestamp"]).timestamp()
    wait = began + LEAST_S - cluster.world.clock.now()
    if 0 < wait <= LEAST_S:
        return wait
    _finalize(cluster, name)
    return None


def _tell(cluster: Cluster, namespace: Json, left: list[str]) -> None:
    """The conditions of a namespace that is going."""
    kind, name = cluster.kind("v1", "Namespace"), namespace["metadata"]["name"]
    live = cluster.objects.find(kind, "", name)
    if live is None:
        return
    counts = ", ".join(f"{r}. has {left.count(r)} resource instances" for r in sorted(set(left)))
    content = ("SomeResourcesRemain", f"Some resources are remaining: {counts}")
    if not left:
        content = _ALL_WELL["NamespaceContentRemaining"]
    remaining = {"NamespaceContentRemaining": (bool(left), *content)}
    wanted = {name: (False, *words) for name, words in _ALL_WELL.items()} | remaining
    before = {c["type"]: c for c in live["status"].get("conditions") or []}
    now = timestamp(cluster.world.clock.now())
    conditions = [
        _condition(before.get(type_) or {}, type_, *values, now) for type_, values in wanted.items()
    ]
    if conditions != live["status"].get("conditions"):
        live["status"]["conditions"] = conditions
        cluster.objects.update(kind, "", live, manager=_MANAGER, subresource="status")


def _condition(before: Json, type_: str, value: bool, reason: str, message: str, now: str) -> Json:
    status = "True" if value else "False"
    changed = before["lastTransitionTime"] if before.get("status") == status else now
    made = {"type": type_, "status": status, "lastTransitionTime": changed}
    return {**made, "reason": reason, "message": message}


def _finalize(cluster: Cluster, name: str) -> None:
    kind = cluster.kind("v1", "Namespace")
    live = cluster.objects.find(kind, "", name)
    if live is not None:
        live["spec"] = {**(live.get("spec") or {}), "finalizers": []}
        cluster.objects.update(kind, "", live, manager=_MANAGER, subresource="finalize")
