"""What stands for the driver's and the provider's DaemonSets in kube-system, a pod on every node.

    install(cluster)     in a transaction; `kubectl get pods -n kube-system
                         -l 'app in (secrets-store-csi-driver,secrets-store-provider-azure)'`

The sandbox itself does their work; each is marked `akswi.dev/stands-in: "true"`.

Source: names, labels and containers of AKS's documentation of the add-on. Left out: the pods come
with the nodes; one that somebody deletes is not made again until the node pools change.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

STANDS_IN = {"akswi.dev/stands-in": "true"}

_MANAGER, _NAMESPACE = "aks", "kube-system"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_MCR = "mcr.microsoft.com/oss/v2"


@dataclass(frozen=True, slots=True)
class _Daemon:
    """A DaemonSet of the add-on: its name, its label `app`, its containers by name."""

    name: str
    app: str
    images: tuple[tuple[str, str], ...]


_DAEMONS = (
    _Daemon(
        "aks-secrets-store-csi-driver",
        "secrets-store-csi-driver",
        (
            ("node-driver-registrar", f"{_MCR}/kubernetes-csi/csi-node-driver-registrar:v2.13.0"),
            ("secrets-store", f"{_MCR}/kubernetes-csi/secrets-store/driver:v1.5.1"),
            ("liveness-probe", f"{_MCR}/kubernetes-csi/livenessprobe:v2.15.0"),
        ),
    ),
    _Daemon(
        "aks-secrets-store-provider-azure",
        "secrets-store-provider-azure",
        (("provider-azure-installer", f"{_MCR}/azure/secrets-store/provider-azure:v1.7.2"),),
    ),
)


def install(cluster: Cluster) -> None:
    """Make what is missing, or remove everything when the add-on is off."""
    for daemon in _DAEMONS:
        if cluster.spec.secrets_store:
            _make(cluster, daemon)
        else:
            _remove(cluster, daemon)


def _make(cluster: Cluster, daemon: _Daemon) -> None:
    accounts = cluster.kind("v1", "ServiceAccount")
    if cluster.store.get(accounts, _NAMESPACE, daemon.name) is None:
        cluster.objects.create(accounts, _NAMESPACE, {"metadata": _named(daemon)}, manager=_MANAGER)
    owner = _set(cluster, daemon)
    nodes = [node["metadata"]["name"] for node in cluster.store.list(cluster.kind("v1", "Node"))]
    pods = cluster.kind("v1", "Pod")
    for node in nodes:
        pod = _pod(daemon, owner, node)
        if cluster.store.get(pods, _NAMESPACE, pod["metadata"]["name"]) is None:
            cluster.objects.create(pods, _NAMESPACE, pod, manager=_MANAGER)
    _count(cluster, owner, len(nodes))


def _remove(cluster: Cluster, daemon: _Daemon) -> None:
    for kind in (cluster.kind("apps/v1", "DaemonSet"), cluster.kind("v1", "ServiceAccount")):
        if cluster.store.get(kind, _NAMESPACE, daemon.name) is not None:
            cluster.objects.delete(kind, _NAMESPACE, daemon.name)


def _set(cluster: Cluster, daemon: _Daemon) -> Json:
    kind = cluster.kind("apps/v1", "DaemonSet")
    found = cluster.objects.find(kind, _NAMESPACE, daemon.name)
    if found is not None:
        return found
    selector = {"matchLabels": {"app": daemon.app}}
    template = {"metadata": {"labels": _labels(daemon)}, "spec": _pod_spec(daemon)}
    new = {"metadata": _named(daemon), "spec": {"selector": selector, "template": template}}
    return cluster.objects.create(kind, _NAMESPACE, new, manager=_MANAGER)


def _count(cluster: Cluster, owner: Json, nodes: int) -> None:
    counts = ("currentNumberScheduled", "desiredNumberScheduled", "numberAvailable", "numberReady")
    status: Json = {**dict.fromkeys(counts, nodes), "numberMisscheduled": 0}
    status |= {"updatedNumberScheduled": nodes, "observedGeneration": 1}
    if owner.get("status") != status:
        kind, changed = cluster.kind("apps/v1", "DaemonSet"), {**owner, "status": status}
        cluster.objects.update(
            kind, _NAMESPACE, changed, manager="kube-controller-manager", subresource="status"
        )


def _pod(daemon: _Daemon, owner: Json, node: str) -> Json:
    digest = hashlib.sha256(f"{daemon.name}/{node}".encode()).digest()
    ending = "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:5])
    reference = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "name": daemon.name,
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": f"{daemon.name}-{ending}",
        "labels": _labels(daemon),
        "annotations": dict(STANDS_IN),
        "ownerReferences": [reference],
    }
    return {"metadata": metadata, "spec": {**_pod_spec(daemon), "nodeName": node}}


def _pod_spec(daemon: _Daemon) -> Json:
    containers = [{"name": name, "image": image} for name, image in daemon.images]
    return {
        "containers": containers,
        "hostNetwork": True,
        "priorityClassName": "system-node-critical",
        "serviceAccountName": daemon.name,
        "tolerations": [{"operator": "Exists"}],
    }


def _labels(daemon: _Daemon) -> Json:
    return {"app": daemon.app, "kubernetes.azure.com/managedby": "aks"}


def _named(daemon: _Daemon) -> Json:
    return {"name": daemon.name, "labels": _labels(daemon), "annotations": dict(STANDS_IN)}
