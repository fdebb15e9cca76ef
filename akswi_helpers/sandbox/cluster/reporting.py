"""Events of a cluster: what happened to an object, counted when it happens again.

    report(cluster, pod, "Started", "Started container app1", node="aks-…-vmss000000")

Source: client-go tools/record (an event that repeats raises its count). Left out: rate limits,
grouping of similar events. Events are dropped an hour after they last happened.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.lifecycle import timestamp
from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.cluster.store import copied
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster
    from akswi_helpers.sandbox.cluster.kinds import Kind

KEPT_S = 3600
_LONGEST = 1024


def report(
    cluster: Cluster,
    about: Json,
    reason: str,
    message: str,
    *,
    component: str = "kubelet",
    node: str = "",
    warning: bool = False,
    container: str = "",
) -> None:
    """Write an event about an object, or count one more of it. `container` names the part."""
    involved = _involved(about, container)
    namespace = about["metadata"].get("namespace") or "default"
    kind = cluster.kind("v1", "Event")
    now = timestamp(cluster.world.clock.now())
    found = _same(cluster, kind, namespace, involved, reason, message)
    try:
        if found is not None:
            found = copied(found)
            found |= {"count": int(found.get("count", 1)) + 1, "lastTimestamp": now}
            cluster.objects.update(kind, namespace, found, manager=component)
            return
        event = {
            "metadata": {"name": f"{about['metadata']['name']}.{time.time_ns():x}"},
            "involvedObject": involved,
            "reason": reason,
            "message": message[:_LONGEST],
            "source": {"component": component} | ({"host": node} if node else {}),
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": "Warning" if warning else "Normal",
            "eventTime": None,
            "reportingComponent": component,
            "reportingInstance": node,
        }
        cluster.objects.create(kind, namespace, event, manager=component)
    except StatusError as error:
        if error.status not in (403, 404, 409):  # the namespace is going: nobody will read it
            raise


def expire(cluster: Cluster) -> None:
    """Drop the events that are too old."""
    kind = cluster.kind("v1", "Event")
    oldest = timestamp(cluster.world.clock.now() - KEPT_S)
    for event in cluster.store.list(kind):
        last = event.get("lastTimestamp") or event["metadata"]["creationTimestamp"]
        if last < oldest:
            metadata = event["metadata"]
            cluster.objects.delete(kind, metadata["namespace"], metadata["name"])


def _same(
    cluster: Cluster, kind: Kind, namespace: str, involved: Json, reason: str, message: str
) -> Json | None:
    wanted = (involved["uid"], involved.get("fieldPath"), reason, message[:_LONGEST])
    for event in cluster.store.list(kind, namespace):
        about = event["involvedObject"]
        if (about.get("uid"), about.get("fieldPath"), event["reason"], event["message"]) == wanted:
            return event
    return None


def _involved(about: Json, container: str) -> Json:
    metadata = about["metadata"]
    found = {"kind": about["kind"]}
    if metadata.get("namespace"):
        found["namespace"] = metadata["namespace"]
    found |= {"name": metadata["name"], "uid": metadata["uid"], "apiVersion": about["apiVersion"]}
    found["resourceVersion"] = metadata.get("resourceVersion", "")
    if container:
        found["fieldPath"] = f"spec.containers{{{container}}}"
    return found
