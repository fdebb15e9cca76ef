"""Events of a cluster: what happened to an object, counted when it happens again.

    report(cluster, pod, "Started", "Started container app1", node="aks-…-vmss000000")

Source: client-go tools/record (an event that repeats raises its count; many alike are combined).
Left out: rate limits. Events are dropped an hour after they last happened.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.sandbox.cluster.storage.store import copied
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

KEPT_S = 3600
_MOST_ALIKE = 9  # different messages of one reason about one object; then they are combined
_COMBINED = "(combined from similar events): "


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
    kind, namespace = cluster.kind("v1", "Event"), about["metadata"].get("namespace") or "default"
    every = cluster.store.list(kind, namespace)
    alike = [event for event in every if _alike(event, involved, reason, component)]
    if combined := len(alike) >= _MOST_ALIKE:
        message = _COMBINED + message
    found = next((event for event in alike if _repeats(event, message, combined)), None)
    now = timestamp(cluster.world.clock.now())
    try:
        if found is not None:
            again = {"count": int(found.get("count", 1)) + 1, "lastTimestamp": now}
            changed = {**copied(found), **again, "message": message}
            cluster.objects.update(kind, namespace, changed, manager=component)
            return
        event = _event(involved, reason, message, component, node, warning, now)
        cluster.objects.create(kind, namespace, event, manager=component)
    except StatusError as error:
        if error.status not in (403, 404, 409):  # the namespace is going: nobody will read it
            raise


def _event(
    involved: Json, reason: str, message: str, component: str, node: str, warning: bool, now: str
) -> Json:
    return {
        "metadata": {"name": f"{involved['name']}.{time.time_ns():x}"},
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "source": {"component": component} | ({"host": node} if node else {}),
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
        "type": "Warning" if warning else "Normal",
        "eventTime": None,
        "reportingComponent": component,
        "reportingInstance": node,
    }


def expire(cluster: Cluster) -> None:
    """Drop the events that are too old."""
    kind = cluster.kind("v1", "Event")
    oldest = timestamp(cluster.world.clock.now() - KEPT_S)
    for event in cluster.store.list(kind):
        last = event.get("lastTimestamp") or event["metadata"]["creationTimestamp"]
        if last < oldest:
            metadata = event["metadata"]
            cluster.objects.delete(kind, metadata["namespace"], metadata["name"])


def _alike(event: Json, involved: Json, reason: str, component: str) -> bool:
    about = event["involvedObject"]
    return (
        about.get("uid") == involved["uid"]
        and about.get("fieldPath") == involved.get("fieldPath")
        and (event["reason"], event["source"].get("component")) == (reason, component)
    )


def _repeats(event: Json, message: str, combined: bool) -> bool:
    said = str(event["message"])
    return said.startswith(_COMBINED) if combined else said == message


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
