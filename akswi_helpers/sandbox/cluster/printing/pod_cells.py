"""What `kubectl get pods` prints: how many containers are ready, and the one word for its state.

    cells(pod, now)   ->  ["web-0", "1/1", "Running", "2 (5m ago)", "3h", "10.244.0.5", …]

Source: Table answers of a kube-apiserver 1.37.2 and
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/.
Left out: nothing known.
"""

from __future__ import annotations

from typing import Any

from akswi_helpers.sandbox.cluster.printing.durations import since, unix
from akswi_helpers.types import Json, Seconds

_NONE = "<none>"


def cells(pod: Json, now: Seconds) -> list[Any]:
    """The cells of one pod, wide ones included."""
    spec, status, metadata = pod["spec"], pod.get("status") or {}, pod["metadata"]
    sidecars = {
        c["name"] for c in spec.get("initContainers") or [] if c.get("restartPolicy") == "Always"
    }
    word, ready, restarted = _state(pod, sidecars)
    total = len(spec["containers"]) + len(sidecars)
    addresses = status.get("podIPs") or []
    address = addresses[0].get("ip") if addresses else status.get("podIP")
    wide = [address or _NONE, spec.get("nodeName") or _NONE]
    wide += [status.get("nominatedNodeName") or _NONE, _gates(pod)]
    age = since(metadata.get("creationTimestamp"), now)
    head = [metadata["name"], f"{ready}/{total}", word, _restarts(restarted, now)]
    return [*head, age, *wide]


def _state(pod: Json, sidecars: set[str]) -> tuple[str, int, list[Json]]:
    """The word, the number of ready containers, the statuses whose restarts count."""
    status = pod.get("status") or {}
    word, ready, waiting = _initial(pod), 0, ""
    inits = status.get("initContainerStatuses") or []
    for number, one in enumerate(inits):
        state = one.get("state") or {}
        if (state.get("terminated") or {"exitCode": 1})["exitCode"] == 0:
            continue
        if one["name"] in sidecars and one.get("started"):
            ready += bool(one.get("ready"))
            continue
        total = len(pod["spec"].get("initContainers") or [])
        waiting = _init_word(state, f"Init:{number}/{total}")
        inits = inits[: number + 1]
        break
    if waiting and not _condition(pod, "Initialized"):
        return _going(pod, waiting), ready, inits
    counted = [one for one in inits if one["name"] in sidecars]
    word, more = _of_containers(pod, waiting or word)
    statuses = status.get("containerStatuses") or []
    return _going(pod, word), ready + more, [*counted, *statuses]


def _initial(pod: Json) -> str:
    status = pod.get("status") or {}
    for condition in status.get("conditions") or []:
        gated = condition.get("reason") == "SchedulingGated"
        if condition["type"] == "PodScheduled" and gated:
            return "SchedulingGated"
    return str(status.get("reason") or status.get("phase") or "")


def _init_word(state: Json, progress: str) -> str:
    ended, waiting = state.get("terminated"), state.get("waiting") or {}
    if ended:
        return "Init:" + _ended(ended)
    reason = waiting.get("reason")
    return f"Init:{reason}" if reason and reason != "PodInitializing" else progress


def _ended(terminated: Json) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _of_containers(pod: Json, word: str) -> tuple[str, int]:
    ready, running, failed = 0, False, ""
    for one in reversed((pod.get("status") or {}).get("containerStatuses") or []):
        state = one.get("state") or {}
        waiting, ended = (state.get("waiting") or {}).get("reason"), state.get("terminated")
        if waiting:
            word = waiting
        elif ended:
            word = _ended(ended)
            failed = word if ended.get("exitCode") else failed
        elif one.get("ready") and "running" in state:
            ready, running = ready + 1, True
    return (_not_over(pod, running, failed) if word == "Completed" else word), ready


def _not_over(pod: Json, running: bool, failed: str) -> str:
    """The word when the first container completed: others may run, or have failed."""
    if running and _condition(pod, "Ready"):
        return "Running"
    return failed or ("NotReady" if running else "Completed")


def _going(pod: Json, word: str) -> str:
    status = pod.get("status") or {}
    if not pod["metadata"].get("deletionTimestamp"):
        return word
    if status.get("reason") == "NodeLost":
        return "Unknown"
    return word if status.get("phase") in ("Succeeded", "Failed") else "Terminating"


def _condition(pod: Json, name: str) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c["type"] == name and c.get("status") == "True" for c in conditions)


def _restarts(statuses: list[Json], now: Seconds) -> str:
    count = sum(one.get("restartCount", 0) for one in statuses)
    ends = [((one.get("lastState") or {}).get("terminated") or {}) for one in statuses]
    times = [end["finishedAt"] for end in ends if end.get("finishedAt")]
    if not count or not times:
        return str(count)
    return f"{count} ({since(max(times, key=unix), now)} ago)"


def _gates(pod: Json) -> str:
    gates = pod["spec"].get("readinessGates") or []
    if not gates:
        return _NONE
    return f"{sum(_condition(pod, gate['conditionType']) for gate in gates)}/{len(gates)}"
