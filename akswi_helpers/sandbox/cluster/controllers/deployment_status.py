"""The status of a deployment: its counts, and whether it is available and progresses. Pure.

Source: kubernetes pkg/controller/deployment/progress.go and sync.go.
"""

from __future__ import annotations

from datetime import datetime

from akswi_helpers.sandbox.cluster.controllers import rollout
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.types import Json, Seconds


def of(deployment: Json, new: Json | None, old: list[Json], *, now: Seconds) -> Json:
    """The status of a deployment with these replica sets."""
    every = [*old, new] if new else old
    available = sum(rollout.count(rs, "availableReplicas") for rs in every)
    total = sum(rollout.count(rs, "replicas") for rs in every)
    numbers = {
        "replicas": total,
        "updatedReplicas": rollout.count(new, "replicas") if new else 0,
        "readyReplicas": sum(rollout.count(rs, "readyReplicas") for rs in every),
        "availableReplicas": available,
        "unavailableReplicas": sum(rollout.wanted(rs) for rs in every) - available,
    }
    status: Json = {"observedGeneration": deployment["metadata"]["generation"]}
    status |= {key: value for key, value in numbers.items() if value > 0}
    status["terminatingReplicas"] = sum(rollout.count(rs, "terminatingReplicas") for rs in every)
    stamp = timestamp(now)
    conditions = [_available(deployment, available, stamp)]
    if said := _progress(deployment, new, status, now):
        conditions.append(said)
    if failure := _failure(every):
        conditions.append({**failure, "lastUpdateTime": failure["lastTransitionTime"]})
    status["conditions"] = _ordered(deployment, conditions, _moved(deployment, status))
    return status


def _ordered(deployment: Json, conditions: list[Json], moved: bool) -> list[Json]:
    """The conditions as the controller leaves them: one that it writes anew moves to the end."""
    before = [(c["type"], c["status"], c.get("reason")) for c in _conditions(deployment)]

    def place(condition: Json) -> int:
        key = (condition["type"], condition["status"], condition.get("reason"))
        if moved and condition.get("reason") == "ReplicaSetUpdated":
            return len(before)
        return before.index(key) if key in before else len(before)

    return sorted(conditions, key=place)


def _available(deployment: Json, available: int, now: str) -> Json:
    least = rollout.wanted(deployment) - rollout.limits(deployment)[1]
    enough = available >= least
    words = ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    if not enough:
        words = ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    return _condition(deployment, "Available", enough, *words, now=now)


def _failure(every: list[Json]) -> Json | None:
    for replica_set in every:
        for condition in (replica_set.get("status") or {}).get("conditions") or []:
            if condition["type"] == "ReplicaFailure":
                return dict(condition)
    return None


def _progress(deployment: Json, new: Json | None, status: Json, now: Seconds) -> Json | None:
    if deployment["spec"].get("paused"):
        words = ("DeploymentPaused", "Deployment is paused")
        return _condition(deployment, "Progressing", None, *words, now=timestamp(now))
    before = _named(deployment, "Progressing") or {}
    updated = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if updated and before.get("reason") == "NewReplicaSetAvailable":
        return before  # it was complete and is only scaled
    who = _who(deployment, new)
    stamp = timestamp(now)
    if _complete(deployment, status):
        said = f"{who} has successfully progressed."
        return _condition(
            deployment, "Progressing", True, "NewReplicaSetAvailable", said, now=stamp
        )
    if _moved(deployment, status):
        first = _named(deployment, "Progressing") is None
        reason = "NewReplicaSetCreated" if first else "ReplicaSetUpdated"
        said = f'Created new replica set "{_name(new)}"' if first else f"{who} is progressing."
        return _condition(deployment, "Progressing", True, reason, said, now=stamp, fresh=True)
    return _overdue(deployment, who, now)


def _who(deployment: Json, new: Json | None) -> str:
    return f'ReplicaSet "{_name(new)}"' if new else f'Deployment "{_name(deployment)}"'


def _name(obj: Json | None) -> str:
    return str(obj["metadata"]["name"]) if obj else ""


def _overdue(deployment: Json, who: str, now: Seconds) -> Json:
    before = _named(deployment, "Progressing")
    assert before is not None
    seconds = float(deployment["spec"].get("progressDeadlineSeconds", 600))
    late = datetime.fromisoformat(before["lastUpdateTime"]).timestamp() + seconds < now
    if not late or before["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        return before
    said = f"{who} has timed out progressing."
    reason = "ProgressDeadlineExceeded"
    return _condition(deployment, "Progressing", False, reason, said, now=timestamp(now))


def _complete(deployment: Json, status: Json) -> bool:
    wanted = rollout.wanted(deployment)
    counts = (status.get(name, 0) for name in ("updatedReplicas", "replicas", "availableReplicas"))
    return all(count == wanted for count in counts)


def _moved(deployment: Json, status: Json) -> bool:
    """Whether the rollout got on since the status that is stored."""
    before = deployment.get("status") or {}
    if _named(deployment, "Progressing") is None:
        return True
    if before.get("observedGeneration") != status["observedGeneration"]:
        return True
    more = ("updatedReplicas", "readyReplicas", "availableReplicas")
    fewer_old = _old(status) < _old(before)
    return fewer_old or any(status.get(name, 0) > before.get(name, 0) for name in more)


def _old(status: Json) -> int:
    return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))


def _condition(
    deployment: Json,
    name: str,
    good: bool | None,
    reason: str,
    message: str,
    *,
    now: str,
    fresh: bool = False,
) -> Json:
    before = _named(deployment, name) or {}
    status = {True: "True", False: "False", None: "Unknown"}[good]
    same = before.get("status") == status
    if same and before.get("reason") == reason and before.get("message") == message and not fresh:
        return before
    return {
        "type": name,
        "status": status,
        "lastUpdateTime": now,
        "lastTransitionTime": before["lastTransitionTime"] if same else now,
        "reason": reason,
        "message": message,
    }


def _named(deployment: Json, name: str) -> Json | None:
    return next((c for c in _conditions(deployment) if c["type"] == name), None)


def _conditions(deployment: Json) -> list[Json]:
    found: list[Json] = (deployment.get("status") or {}).get("conditions") or []
    return found
