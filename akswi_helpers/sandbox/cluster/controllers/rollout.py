"""The arithmetic of a rollout: which replica set gets how many pods. Pure functions.

    scaled(deployment, new, old)  ->  {"web-6d4b…": 1, "web-7c9f…": 2}

Source: kubernetes pkg/controller/deployment (rolling.go, recreate.go, util). Left out: proportional
scaling of several old replica sets in the middle of a rollout; the newest takes the difference.
"""

from __future__ import annotations

import hashlib
import json
import math

from akswi_helpers.types import Json

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
HISTORY = "deployment.kubernetes.io/revision-history"
MOST = "deployment.kubernetes.io/max-replicas"
_GOING = "terminatingReplicas"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: Json, collisions: int = 0) -> str:
    """Ten letters that stand for a pod template (not the ones a real cluster computes)."""
    text = json.dumps([_bare(template), collisions], sort_keys=True)
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    found = ""
    for _ in range(10):
        number, digit = divmod(number, len(_LETTERS))
        found += _LETTERS[digit]
    return found


def same_template(one: Json, other: Json) -> bool:
    """Whether two pod templates are equal but for the hash label."""
    return _bare(one) == _bare(other)


def revision(obj: Json) -> int:
    """The revision of a deployment or replica set; 0 when it has none."""
    return int((obj["metadata"].get("annotations") or {}).get(REVISION, 0))


def limits(deployment: Json) -> tuple[int, int]:
    """How many pods a rollout may add (maxSurge) and lack (maxUnavailable)."""
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return 0, 0
    rolling, replicas = strategy.get("rollingUpdate") or {}, wanted(deployment)
    surge = _number(rolling.get("maxSurge", "25%"), replicas, up=True)
    lacking = min(_number(rolling.get("maxUnavailable", "25%"), replicas, up=False), replicas)
    return (surge, lacking) if surge or lacking else (0, 1)


def wanted(obj: Json) -> int:
    """spec.replicas of a deployment or replica set."""
    return int(obj["spec"].get("replicas", 1))


def count(obj: Json, field: str) -> int:
    """A number of a status, 0 when it is left out."""
    return int((obj.get("status") or {}).get(field, 0))


def scaled(deployment: Json, new: Json | None, old: list[Json]) -> dict[str, int]:
    """The replicas that each replica set should have now, by name; only those that change."""
    if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        return _recreated(deployment, new, old)
    changes = _grown(deployment, new, old) if new else {}
    return changes or _shrunk(deployment, new, old)


def scaled_while_paused(deployment: Json, every: list[Json]) -> dict[str, int]:
    """Likewise for a deployment that is paused: only its own number is followed."""
    active = [rs for rs in every if wanted(rs)] or every[-1:]
    if not active:
        return {}
    newest, rest = active[-1], sum(wanted(rs) for rs in active[:-1])
    target = max(wanted(deployment) - rest, 0)
    return {_name(newest): target} if wanted(newest) != target else {}


def waits_for_old(deployment: Json, old: list[Json]) -> bool:
    """Whether the new template has to wait until the old pods are gone (Recreate)."""
    if (deployment["spec"].get("strategy") or {}).get("type") != "Recreate":
        return False
    return any(wanted(rs) or count(rs, "replicas") or count(rs, _GOING) for rs in old)


def first_size(deployment: Json, old: list[Json]) -> int:
    """How many pods a replica set that is made now begins with."""
    if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        return wanted(deployment)
    room = wanted(deployment) + limits(deployment)[0] - sum(wanted(rs) for rs in old)
    return max(min(room, wanted(deployment)), 0)


def _recreated(deployment: Json, new: Json | None, old: list[Json]) -> dict[str, int]:
    going = {_name(rs): 0 for rs in old if wanted(rs)}
    if going or new is None or waits_for_old(deployment, old):
        return going
    return {_name(new): wanted(deployment)} if wanted(new) != wanted(deployment) else {}


def _grown(deployment: Json, new: Json, old: list[Json]) -> dict[str, int]:
    target, has = wanted(deployment), wanted(new)
    if has > target:
        return {_name(new): target}
    most = target + limits(deployment)[0]
    room = most - has - sum(wanted(rs) for rs in old)
    step = min(room, target - has)
    return {_name(new): has + step} if step > 0 else {}


def _shrunk(deployment: Json, new: Json | None, old: list[Json]) -> dict[str, int]:
    if not any(wanted(rs) for rs in old):
        return {}
    least = wanted(deployment) - limits(deployment)[1]
    every = [*old, new] if new else list(old)
    missing = wanted(new) - count(new, "availableReplicas") if new else 0
    spare = sum(wanted(rs) for rs in every) - least - missing
    available = sum(count(rs, "availableReplicas") for rs in every) - least
    changes: dict[str, int] = {}
    for rs in sorted(old, key=_made):  # pods that do not work are no loss
        sick = min(wanted(rs) - count(rs, "availableReplicas"), spare)
        if sick > 0:
            changes[_name(rs)] = wanted(rs) - sick
            spare -= sick
    for rs in sorted(old, key=_made):
        left = changes.get(_name(rs), wanted(rs))
        step = min(left, available, spare)
        if step > 0:
            changes[_name(rs)] = left - step
            available, spare = available - step, spare - step
    return changes


def _number(value: int | str, replicas: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    part = replicas * int(value.rstrip("%")) / 100
    return math.ceil(part) if up else math.floor(part)


def _bare(template: Json) -> Json:
    metadata = dict(template.get("metadata") or {})
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k != HASH_LABEL}
    metadata = {k: v for k, v in metadata.items() if k != "creationTimestamp"} | {"labels": labels}
    return {**template, "metadata": metadata}


def _name(obj: Json) -> str:
    return str(obj["metadata"]["name"])


def _made(obj: Json) -> str:
    return str(obj["metadata"]["creationTimestamp"])
