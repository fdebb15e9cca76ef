"""The ReplicaSet controller: as many pods of a template as asked for.

Source: kubernetes pkg/controller/replicaset. Left out: adoption of pods that nobody owns, slow
start in batches.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.controllers import owned, reporting
from akswi_helpers.sandbox.cluster.node import pod_status
from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.sandbox.cluster.storage.store import copied
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

COMPONENT = "replicaset-controller"
_OVER = ("Succeeded", "Failed")


def reconcile(cluster: Cluster, key: str) -> float | None:
    """Bring a replica set's pods to the number it asks for; seconds until one turns available."""
    namespace, _, name = key.partition("/")
    kind = cluster.kind("apps/v1", "ReplicaSet")
    replica_set = cluster.objects.find(kind, namespace, name)
    if replica_set is None:
        return None
    failure: StatusError | None = None
    if "deletionTimestamp" not in replica_set["metadata"]:
        try:
            _scale(cluster, replica_set, _active(cluster, replica_set))
        except StatusError as error:
            failure = error
    wait = _write_status(cluster, replica_set, failure)
    if failure is not None:
        raise failure
    return wait


def _active(cluster: Cluster, replica_set: Json) -> list[Json]:
    pods = owned.by(cluster, cluster.kind("v1", "Pod"), replica_set)
    return [
        pod
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and (pod.get("status") or {}).get("phase") not in _OVER
    ]


def _scale(cluster: Cluster, replica_set: Json, pods: list[Json]) -> None:
    wanted = int(replica_set["spec"].get("replicas", 1))
    for _ in range(wanted - len(pods)):
        _create(cluster, replica_set)
    if len(pods) > wanted:
        for pod in sorted(pods, key=_worth)[: len(pods) - wanted]:
            _delete(cluster, replica_set, pod)


def _create(cluster: Cluster, replica_set: Json) -> None:
    template, metadata = replica_set["spec"]["template"], replica_set["metadata"]
    pod_metadata = copied(template.get("metadata") or {})
    pod_metadata.pop("creationTimestamp", None)
    pod_metadata |= {
        "generateName": f"{metadata['name']}-",
        "ownerReferences": [owned.reference(replica_set)],
    }
    pod = {"metadata": pod_metadata, "spec": copied(template["spec"])}
    kind = cluster.kind("v1", "Pod")
    try:
        made = cluster.objects.create(
            kind, metadata["namespace"], pod, manager="kube-controller-manager"
        )
    except StatusError as error:
        _report(cluster, replica_set, "FailedCreate", f"Error creating: {error.message}", True)
        raise
    _report(cluster, replica_set, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")


def _delete(cluster: Cluster, replica_set: Json, pod: Json) -> None:
    metadata = pod["metadata"]
    kind = cluster.kind("v1", "Pod")
    cluster.objects.delete(kind, metadata["namespace"], metadata["name"], uid=metadata["uid"])
    _report(cluster, replica_set, "SuccessfulDelete", f"Deleted pod: {metadata['name']}")


def _worth(pod: Json) -> tuple[bool, int, bool, list[int]]:
    """Who goes first: without a node, not running, not ready, the younger ones."""
    phase = (pod.get("status") or {}).get("phase", "Pending")
    rank = {"Pending": 0, "Unknown": 1}.get(phase, 2)
    age = [-ord(letter) for letter in pod["metadata"]["creationTimestamp"]]
    return bool(pod["spec"].get("nodeName")), rank, pod_status.ready(pod), age


def _write_status(cluster: Cluster, replica_set: Json, failure: StatusError | None) -> float | None:
    metadata = replica_set["metadata"]
    kind = cluster.kind("apps/v1", "ReplicaSet")
    live = cluster.objects.find(kind, metadata["namespace"], metadata["name"])
    if live is None:
        return None
    pods = _active(cluster, live)
    ready = [pod for pod in pods if pod_status.ready(pod)]
    waits = [_until_available(cluster, live, pod) for pod in ready]
    labels = (live["spec"]["template"].get("metadata") or {}).get("labels") or {}
    numbers = {
        "fullyLabeledReplicas": sum(
            labels.items() <= (pod["metadata"].get("labels") or {}).items() for pod in pods
        ),
        "readyReplicas": len(ready),
        "availableReplicas": sum(wait <= 0 for wait in waits),
    }
    going = owned.by(cluster, cluster.kind("v1", "Pod"), live)
    terminating = sum("deletionTimestamp" in pod["metadata"] for pod in going)
    status: Json = {"replicas": len(pods)} | {k: v for k, v in numbers.items() if v}
    status["terminatingReplicas"] = terminating
    status["observedGeneration"] = live["metadata"]["generation"]
    if failure is not None:
        status["conditions"] = [_failed(cluster, live, failure)]
    if status != live.get("status"):
        live["status"] = status
        cluster.objects.update(
            kind,
            metadata["namespace"],
            live,
            manager="kube-controller-manager",
            subresource="status",
        )
    return min((wait for wait in waits if wait > 0), default=None)


def _until_available(cluster: Cluster, replica_set: Json, pod: Json) -> float:
    least = float(replica_set["spec"].get("minReadySeconds", 0))
    if not least:
        return 0
    since = pod_status.condition(pod, "Ready")["lastTransitionTime"]
    began = datetime.fromisoformat(since).timestamp()
    return began + least - cluster.world.clock.now()


def _failed(cluster: Cluster, replica_set: Json, failure: StatusError) -> Json:
    before = (replica_set.get("status") or {}).get("conditions") or [{}]
    now = timestamp(cluster.world.clock.now())
    return {
        "type": "ReplicaFailure",
        "status": "True",
        "lastTransitionTime": before[0].get("lastTransitionTime", now),
        "reason": "FailedCreate",
        "message": failure.message,
    }


def _report(
    cluster: Cluster, replica_set: Json, reason: str, message: str, warning: bool = False
) -> None:
    reporting.report(cluster, replica_set, reason, message, component=COMPONENT, warning=warning)
