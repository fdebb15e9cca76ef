"""The status of a pod, put together as the kubelet does: pure functions on JSON.

    of(pod, initial, ordinary, now="2026-11-24T17:05:01Z", addresses=("10.244.1.5", "10.224.0.5"))

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ and kubelets 1.33 to 1.37.
Left out: ephemeral containers, in-place resizing, conditions that only probes and gates set.
"""

from __future__ import annotations

from akswi_helpers.types import Json

_OVER = ("Succeeded", "Failed")


def of(
    pod: Json,
    initial: list[Json],
    ordinary: list[Json],
    *,
    now: str,
    addresses: tuple[str, str],
    mounted: bool = True,
) -> Json:
    """The new status. `initial` and `ordinary` are container statuses; `addresses` pod and node."""
    before, spec = pod.get("status") or {}, pod["spec"]
    pod_ip, host_ip = addresses
    status: Json = {
        "observedGeneration": pod["metadata"].get("generation", 1),
        "phase": phase(spec, initial, ordinary),
    }
    status["conditions"] = _conditions(pod, status["phase"], initial, ordinary, now, mounted)
    status |= {"hostIP": host_ip, "hostIPs": [{"ip": host_ip}]}
    if mounted and status["phase"] not in _OVER:
        status |= {"podIP": pod_ip, "podIPs": [{"ip": pod_ip}]}
    elif before.get("podIP"):
        status |= {"podIP": before["podIP"], "podIPs": before["podIPs"]}
    status["startTime"] = before.get("startTime", now)
    if initial:
        status["initContainerStatuses"] = initial
    return {**status, "containerStatuses": ordinary, "qosClass": qos_class(spec)}


def phase(spec: Json, initial: list[Json], ordinary: list[Json]) -> str:
    """Pending, Running, Succeeded or Failed."""
    policy = spec.get("restartPolicy", "Always")
    if any(_code(c) not in (None, 0) for c in initial) and policy == "Never":
        return "Failed"
    if any(_waits_for_first_start(c) for c in ordinary):
        return "Pending"
    if policy != "Always" and all("terminated" in c["state"] for c in ordinary):
        codes = [_code(c) for c in ordinary]
        if not any(codes):
            return "Succeeded"
        return "Failed" if policy == "Never" else "Running"
    return "Running"


def qos_class(spec: Json) -> str:
    """Guaranteed, Burstable or BestEffort, from requests and limits."""
    wanted = [c.get("resources") or {} for c in _all(spec)]
    if not any(r.get("requests") or r.get("limits") for r in wanted):
        return "BestEffort"

    def fixed(resources: Json) -> bool:
        limits = resources.get("limits") or {}
        requests = {**limits, **(resources.get("requests") or {})}
        return all(limits.get(name) and requests[name] == limits[name] for name in _MEASURED)

    return "Guaranteed" if all(fixed(resources) for resources in wanted) else "Burstable"


_MEASURED = ("cpu", "memory")


def ready(pod: Json) -> bool:
    """Whether the pod's Ready condition is true."""
    return condition(pod, "Ready").get("status") == "True"


def condition(pod: Json, name: str) -> Json:
    """The pod's condition `name`, {} when it has none."""
    found = (pod.get("status") or {}).get("conditions") or []
    return next((c for c in found if c["type"] == name), {})


def _all(spec: Json) -> list[Json]:
    return [*(spec.get("initContainers") or []), *spec["containers"]]


def _code(status: Json) -> int | None:
    ended = status["state"].get("terminated")
    return None if ended is None else int(ended["exitCode"])


def _waits_for_first_start(status: Json) -> bool:
    return "waiting" in status["state"] and not status.get("lastState")


def _conditions(
    pod: Json, now_in: str, initial: list[Json], ordinary: list[Json], now: str, mounted: bool
) -> list[Json]:
    over = now_in == "Succeeded"
    began = over or all(_code(c) == 0 or c.get("started") for c in initial)
    waiting = [c["name"] for c in ordinary if not c["ready"]]
    reason, message = "", ""
    if over:
        reason = "PodCompleted"
    elif now_in == "Failed":
        reason = "PodFailed"
    elif waiting:
        reason = "ContainersNotReady"
        message = f"containers with unready status: [{' '.join(waiting)}]"
    unready = (reason, message)
    rest = [c["name"] for c in initial if _code(c) != 0 and not c.get("started")]
    incomplete = f"containers with incomplete status: [{' '.join(rest)}]"
    good: dict[str, tuple[bool, str, str]] = {
        "PodReadyToStartContainers": (mounted and now_in not in _OVER, "", ""),
        "Initialized": (
            began,
            reason if over else ("" if began else "ContainersNotInitialized"),
            "" if began else incomplete,
        ),
        "Ready": (not reason, *unready),
        "ContainersReady": (not reason, *unready),
        "PodScheduled": (True, "", ""),
    }
    return [_condition(pod, name, *values, now) for name, values in good.items()]


def _condition(pod: Json, name: str, good: bool, reason: str, message: str, now: str) -> Json:
    before, value = condition(pod, name), "True" if good else "False"
    changed = now if before.get("status") != value else before["lastTransitionTime"]
    made: Json = {
        "type": name,
        "observedGeneration": pod["metadata"].get("generation", 1),
        "status": value,
        "lastProbeTime": None,
        "lastTransitionTime": changed,
    }
    if reason:
        made["reason"] = reason
    return made | ({"message": message} if message else {})
