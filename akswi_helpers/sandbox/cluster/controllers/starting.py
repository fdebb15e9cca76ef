"""What runs behind a cluster's API: every controller, the scheduler, the kubelets.

    await run(cluster)          until cancelled

Each has a queue of keys and looks at what is there; after a restart everything is looked at once.
Nothing polls: changes come from the API, timers are set for what is due.

Source: kube-controller-manager and kube-scheduler. Left out: the controllers of DaemonSets,
StatefulSets, Jobs and their like; such an object is told so in an event.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.controllers import (
    deployments,
    garbage,
    namespaces,
    owned,
    replicasets,
    reporting,
    scheduling,
)
from akswi_helpers.sandbox.cluster.controllers.work import Queue
from akswi_helpers.sandbox.cluster.node.kubelet import Kubelet
from akswi_helpers.sandbox.cluster.storage.store import Event
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

_UNSERVED = (
    "DaemonSet",
    "StatefulSet",
    "Job",
    "CronJob",
    "ReplicationController",
    "HorizontalPodAutoscaler",
    "Ingress",
    "PersistentVolumeClaim",
)


async def run(cluster: Cluster) -> None:
    """Run every controller of the cluster until cancelled."""
    plane = ControlPlane(cluster)
    stop = cluster.objects.subscribe(plane.hear)
    try:
        plane.look_at_everything()
        await asyncio.gather(*(queue.run() for queue in plane.queues), Kubelet(cluster).run())
    finally:
        stop()


class ControlPlane:
    """The queues of one cluster, and which of them hears of what."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.deployments = Queue("deployment", lambda key: deployments.reconcile(cluster, key))
        self.replica_sets = Queue("replicaset", lambda key: replicasets.reconcile(cluster, key))
        self.namespaces = Queue("namespace", lambda key: namespaces.reconcile(cluster, key))
        self.pods = Queue("scheduler", self._place)
        self.garbage = Queue("garbage", lambda _: garbage.collect(cluster))
        self.unserved = Queue("unserved", self._say_unserved)
        self.events = Queue("events", lambda _: reporting.expire(cluster))
        self.queues = (
            self.namespaces,
            self.deployments,
            self.replica_sets,
            self.pods,
            self.garbage,
            self.unserved,
            self.events,
        )

    def look_at_everything(self) -> None:
        """Queue every object that a controller is responsible for."""
        for api_version, kind in _WATCHED:
            for obj in self._cluster.store.list(self._cluster.kind(api_version, kind)):
                self._queue(kind, obj)
        self.garbage.add("all")
        self.events.add("all")

    def hear(self, event: Event) -> None:
        """Queue what a change concerns."""
        kind, obj = event.kind.kind, event.object
        if kind == "Event":
            self.events.add_later("all", reporting.KEPT_S + 1)
            return
        self._queue(kind, obj)
        if garbage.concerns(event):
            self.garbage.add("all")
        namespace, name = obj["metadata"].get("namespace"), obj["metadata"]["name"]
        furniture = kind in ("ConfigMap", "ServiceAccount") and name in _FURNITURE
        if namespace and (event.type == "DELETED" or furniture):
            self.namespaces.add(namespace)
        elif kind in _UNSERVED and event.type == "ADDED":
            self.unserved.add(f"{event.kind.api_version} {kind} {namespace} {name}")

    def _queue(self, kind: str, obj: Json) -> None:
        metadata = obj["metadata"]
        key = f"{metadata.get('namespace', '')}/{metadata['name']}"
        if kind == "Deployment":
            self.deployments.add(key)
        elif kind == "ReplicaSet":
            self.replica_sets.add(key)
            self._queue_owner(obj, "Deployment", self.deployments)
        elif kind == "Pod":
            self.pods.add(key)
            self._queue_owner(obj, "ReplicaSet", self.replica_sets)
        elif kind == "Namespace":
            self.namespaces.add(metadata["name"])
        elif kind == "Node":
            for pod in self._cluster.store.list(self._cluster.kind("v1", "Pod")):
                self._queue("Pod", pod)

    def _queue_owner(self, obj: Json, kind: str, queue: Queue) -> None:
        owner = owned.controller(obj)
        if owner is not None and owner["kind"] == kind:
            queue.add(f"{obj['metadata']['namespace']}/{owner['name']}")

    def _place(self, key: str) -> None:
        """Give a pod a node, or take it away with the node it had."""
        namespace, _, name = key.partition("/")
        cluster = self._cluster
        pod = cluster.store.get(cluster.kind("v1", "Pod"), namespace, name)
        node = pod["spec"].get("nodeName") if pod else None
        if node and cluster.store.get(cluster.kind("v1", "Node"), "", node) is None:
            cluster.objects.delete(cluster.kind("v1", "Pod"), namespace, name, grace=0)
        else:
            scheduling.schedule(cluster, namespace, name)

    def _say_unserved(self, key: str) -> None:
        api_version, kind, namespace, name = key.split(" ")
        found = self._cluster.store.get(self._cluster.kind(api_version, kind), namespace, name)
        if found is not None and not _stands_in(found):
            said = f"The sandbox does not emulate the controller of a {kind}: nothing will happen"
            reporting.report(
                self._cluster, found, "NotEmulated", said, component="akswi", warning=True
            )


def _stands_in(obj: Json) -> bool:
    """Whether the sandbox itself does the work of this object."""
    return "akswi.dev/stands-in" in (obj["metadata"].get("annotations") or {})


_WATCHED = (
    ("v1", "Namespace"),
    ("v1", "Pod"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "Deployment"),
)
_FURNITURE = ("default", namespaces.CA_CONFIG_MAP)
