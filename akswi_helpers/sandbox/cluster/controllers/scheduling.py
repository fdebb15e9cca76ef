"""Which node a pod runs on: the scheduler, as far as selectors, taints and readiness go.

Source: https://kubernetes.io/docs/concepts/scheduling-eviction/. Left out: affinity, spreading,
resources, preemption, other schedulers (their pods stay Pending, as without such a scheduler).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.controllers import reporting
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

_SELECTOR = "node(s) didn't match Pod's node affinity/selector"
_KEEPS_OUT = ("NoSchedule", "NoExecute")


def schedule(cluster: Cluster, namespace: str, name: str) -> bool:
    """Bind a pod that has no node; whether it has one now."""
    pods = cluster.kind("v1", "Pod")
    pod = cluster.store.get(pods, namespace, name)
    if pod is None or pod["spec"].get("nodeName") or "deletionTimestamp" in pod["metadata"]:
        return True
    if pod["spec"].get("schedulerName", "default-scheduler") != "default-scheduler":
        return True
    nodes = cluster.store.list(cluster.kind("v1", "Node"))
    refusals = {n["metadata"]["name"]: refusal(pod, n) for n in nodes}
    fitting = [node for node, why in refusals.items() if not why]
    if not fitting:
        _unschedulable(cluster, pod, list(refusals.values()))
        return False
    count = dict.fromkeys(fitting, 0)
    for other in cluster.store.list(pods):
        where = other["spec"].get("nodeName", "")
        count[where] = count.get(where, 0) + 1
    _bind(cluster, pod, min(fitting, key=lambda node: (count[node], node)))
    return True


def refusal(pod: Json, node: Json) -> str:
    """Why the node does not take the pod, in the scheduler's words; "" when it does."""
    spec, labels = pod["spec"], node["metadata"].get("labels") or {}
    if node["spec"].get("unschedulable"):
        return "node(s) were unschedulable"
    for taint in node["spec"].get("taints") or []:
        if taint["effect"] in _KEEPS_OUT and not _tolerated(spec, taint):
            value = taint.get("value", "")
            return f"node(s) had untolerated taint {{{taint['key']}: {value}}}"
    wanted = spec.get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return _SELECTOR
    return ""


def _tolerated(spec: Json, taint: Json) -> bool:
    return any(_tolerates(item, taint) for item in spec.get("tolerations") or [])


def _tolerates(toleration: Json, taint: Json) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key", "") not in ("", taint["key"]):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("value", "") == taint.get("value", "") and toleration.get("key"))


def _bind(cluster: Cluster, pod: Json, node: str) -> None:
    """Give the pod its node. Written past the update rules, which let nobody change the node."""
    now = timestamp(cluster.world.clock.now())
    metadata = pod["metadata"]
    done = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
    done |= {"lastTransitionTime": now, "observedGeneration": metadata.get("generation", 1)}
    bound = {
        **pod,
        "metadata": dict(metadata),
        "spec": {**pod["spec"], "nodeName": node},
        "status": {**(pod.get("status") or {}), "conditions": [done]},
    }
    with cluster.world.transaction():
        cluster.store.put(cluster.kind("v1", "Pod"), bound)
        said = f"Successfully assigned {metadata['namespace']}/{metadata['name']} to {node}"
        reporting.report(cluster, bound, "Scheduled", said, component="default-scheduler")


def _unschedulable(cluster: Cluster, pod: Json, refusals: list[str]) -> None:
    counts = {why: refusals.count(why) for why in sorted(set(refusals))}
    listed = ", ".join(f"{count} {why}" for why, count in counts.items())
    message = f"0/{len(refusals)} nodes are available: {listed}. no new claims to deallocate, "
    message += f"preemption: 0/{len(refusals)} nodes are available: {len(refusals)} Preemption is "
    message += "not helpful for scheduling."
    now = timestamp(cluster.world.clock.now())
    why: Json = {"type": "PodScheduled", "status": "False", "lastProbeTime": None}
    why |= {"lastTransitionTime": now, "reason": "Unschedulable", "message": message}
    why["observedGeneration"] = pod["metadata"].get("generation", 1)
    before = (pod.get("status") or {}).get("conditions") or []
    if any(c["type"] == "PodScheduled" and c.get("message") == message for c in before):
        return
    others = [condition for condition in before if condition["type"] != "PodScheduled"]
    status = {**(pod.get("status") or {}), "conditions": [*others, why]}
    namespace, kind = pod["metadata"]["namespace"], cluster.kind("v1", "Pod")
    cluster.objects.update(
        kind,
        namespace,
        {**pod, "status": status},
        manager="kube-scheduler",
        subresource="status",
    )
    reporting.report(
        cluster, pod, "FailedScheduling", message, component="default-scheduler", warning=True
    )
