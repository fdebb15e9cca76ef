"""Rules for what runs pods: Deployments, ReplicaSets, DaemonSets, StatefulSets, Jobs.

Source: 422 Status bodies of a kube-apiserver 1.37.2 and the validation in its published source.
Left out: rules of Jobs and StatefulSets beyond their pods, names of schedules' time zones.
"""

from __future__ import annotations

from typing import Any

from akswi_helpers.sandbox.cluster.rules import names, pod_rules
from akswi_helpers.sandbox.cluster.rules.field_errors import (
    FieldError,
    forbidden,
    invalid,
    not_negative,
    required,
    unsupported,
)
from akswi_helpers.types import Json

_CRON_NAME = 52
_STRATEGIES = ("Recreate", "RollingUpdate")
_DAEMON_STRATEGIES = ("RollingUpdate", "OnDelete")


def deployment(obj: Json) -> list[FieldError]:
    """What is wrong with a Deployment."""
    spec = obj["spec"]
    errors = not_negative("spec.replicas", spec.get("replicas", 0))
    errors += _selector(spec.get("selector"), "deployment") + _template(spec, "ReplicaSet")
    errors += _strategy(spec.get("strategy") or {})
    ready, deadline = spec.get("minReadySeconds", 0), spec.get("progressDeadlineSeconds")
    errors += not_negative("spec.minReadySeconds", ready)
    errors += not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit", 0))
    if deadline is not None:
        at = "spec.progressDeadlineSeconds"
        errors += not_negative(at, deadline)
        if deadline <= ready:
            errors.append(invalid(at, deadline, "must be greater than minReadySeconds"))
    return errors + _counts(obj.get("status") or {}, ("updatedReplicas",))


def replica_set(obj: Json) -> list[FieldError]:
    """What is wrong with a ReplicaSet."""
    spec = obj["spec"]
    errors = not_negative("spec.replicas", spec.get("replicas", 0))
    errors += not_negative("spec.minReadySeconds", spec.get("minReadySeconds", 0))
    # "deployment" is what the real server says here too.
    errors += _selector(spec.get("selector"), "deployment") + _template(spec, "ReplicaSet")
    return errors + _counts(obj.get("status") or {}, ("fullyLabeledReplicas",))


def daemon_set(obj: Json) -> list[FieldError]:
    """What is wrong with a DaemonSet."""
    spec = obj["spec"]
    found = spec.get("selector")
    errors = pod_rules.selector(found, "spec.selector") + _mismatch(spec)
    if found is not None and not _rules(found):
        why = "empty selector is invalid for daemonset"
        errors.append(invalid("spec.selector", found, why))
    errors += pod_rules.template(spec.get("template") or {}, "spec.template")
    errors += _always(spec, "DaemonSet")
    errors += not_negative("spec.minReadySeconds", spec.get("minReadySeconds", 0))
    kind = (spec.get("updateStrategy") or {}).get("type", "")
    if kind not in _DAEMON_STRATEGIES:
        errors.append(unsupported("spec.updateStrategy.type", kind, _DAEMON_STRATEGIES))
    return errors + _daemon_rolling(spec.get("updateStrategy") or {})


def _daemon_rolling(strategy: Json) -> list[FieldError]:
    if strategy.get("type") != "RollingUpdate":
        return []
    at, rolling = "spec.updateStrategy.rollingUpdate", strategy.get("rollingUpdate") or {}
    down, surge = rolling.get("maxUnavailable", 0), rolling.get("maxSurge", 0)
    errors = _share(down, f"{at}.maxUnavailable") + _share(surge, f"{at}.maxSurge")
    if _number(down) and _number(surge):
        why = "may not be set when maxUnavailable is non-zero"
        errors.append(invalid(f"{at}.maxSurge", surge, why))
    elif not _number(down) and not _number(surge):
        errors.append(required(f"{at}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return errors


def stateful_set(obj: Json) -> list[FieldError]:
    """What is wrong with a StatefulSet."""
    spec = obj["spec"]
    errors = not_negative("spec.replicas", spec.get("replicas", 0))
    return errors + _selector(spec.get("selector"), "statefulset") + _template(spec, "StatefulSet")


def job(obj: Json) -> list[FieldError]:
    """What is wrong with a Job."""
    return _job_spec(obj["spec"], "spec")


def cron_job(obj: Json) -> list[FieldError]:
    """What is wrong with a CronJob."""
    spec = obj["spec"]
    schedule = spec.get("schedule", "")
    errors = [] if schedule else [required("spec.schedule")]
    name = obj["metadata"].get("name", "")
    if len(name) > _CRON_NAME:  # its Jobs add eleven characters
        errors.append(invalid("metadata.name", name, "must be no more than 52 characters"))
    parts = schedule.split()
    if schedule and not schedule.startswith("@") and len(parts) != 5:
        why = f"expected exactly 5 fields, found {len(parts)}: [{' '.join(parts)}]"
        errors.append(invalid("spec.schedule", schedule, why))
    inner = (spec.get("jobTemplate") or {}).get("spec") or {}
    return errors + _job_spec(inner, "spec.jobTemplate.spec")


def selector_kept(new: Json, old: Json) -> list[FieldError]:
    """A selector is chosen once."""
    after, before = new["spec"].get("selector"), old["spec"].get("selector")
    return [] if after == before else [invalid("spec.selector", after, "field is immutable")]


def _job_spec(spec: Json, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for name in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds"):
        errors += not_negative(f"{field}.{name}", spec.get(name, 0))
    found = spec.get("template") or {}
    errors += pod_rules.template(found, f"{field}.template")
    policy = (found.get("spec") or {}).get("restartPolicy", "")
    at = f"{field}.template.spec.restartPolicy"
    if policy not in ("", "Always", "OnFailure", "Never"):
        errors.append(unsupported(at, policy, ("OnFailure", "Never")))
    if policy == "Always":
        why = 'valid values: "OnFailure", "Never"'
        errors.append(FieldError("FieldValueRequired", f"Required value: {why}", at))
    return errors


def _counts(status: Json, own: tuple[str, ...]) -> list[FieldError]:
    """What is wrong with the numbers of a status."""
    parts = (*own, "readyReplicas", "availableReplicas")
    counted = ("observedGeneration", "replicas", *parts, "unavailableReplicas")
    errors = [e for n in counted for e in not_negative(f"status.{n}", status.get(n, 0))]
    whole = status.get("replicas", 0)
    for name in parts:
        part = status.get(name, 0)
        if part > whole:
            why = "cannot be greater than status.replicas"
            errors.append(invalid(f"status.{name}", part, why))
    available = status.get("availableReplicas", 0)
    if available > status.get("readyReplicas", 0):
        why = "cannot be greater than readyReplicas"
        errors.append(invalid("status.availableReplicas", available, why))
    return errors


def _selector(found: Json | None, kind: str) -> list[FieldError]:
    if found is None:
        return [required("spec.selector")]
    errors = pod_rules.selector(found, "spec.selector")
    if not _rules(found):
        errors.append(invalid("spec.selector", found, f"empty selector is invalid for {kind}"))
    return errors


def _rules(found: Json) -> int:
    return len(found.get("matchLabels") or ()) + len(found.get("matchExpressions") or ())


def _mismatch(spec: Json) -> list[FieldError]:
    found = spec.get("selector")
    given = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    unclear = found is not None and (not _rules(found) or pod_rules.selector(found, ""))
    if unclear or (found and pod_rules.matches(found, given or {})):
        return []
    why = "`selector` does not match template `labels`"
    return [invalid("spec.template.metadata.labels", given, why)]


def _template(spec: Json, kind: str) -> list[FieldError]:
    found = spec.get("selector")
    if pod_rules.selector(found, ""):
        return [invalid("spec.selector", found, "invalid label selector")]
    errors = _mismatch(spec) + pod_rules.template(spec.get("template") or {}, "spec.template")
    return errors + _always(spec, kind)


def _always(spec: Json, kind: str) -> list[FieldError]:
    inner = (spec.get("template") or {}).get("spec") or {}
    policy, errors = inner.get("restartPolicy", ""), list[FieldError]()
    if policy != "Always":
        errors.append(unsupported("spec.template.spec.restartPolicy", policy, ["Always"]))
    if inner.get("activeDeadlineSeconds") is not None:
        why = f"activeDeadlineSeconds in {kind} is not Supported"
        errors.append(forbidden("spec.template.spec.activeDeadlineSeconds", why))
    return errors


def _strategy(strategy: Json) -> list[FieldError]:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    at = "spec.strategy.rollingUpdate"
    if kind == "Recreate":
        why = "may not be specified when strategy `type` is 'Recreate'"
        return [forbidden(at, why)] if rolling is not None else []
    if kind != "RollingUpdate":
        return [unsupported("spec.strategy", _as_printed(strategy), _STRATEGIES)]
    down, surge = (rolling or {}).get("maxUnavailable", 0), (rolling or {}).get("maxSurge", 0)
    errors = _share(down, f"{at}.maxUnavailable") + _share(surge, f"{at}.maxSurge")
    if _number(down) == 0 and _number(surge) == 0:
        errors.append(invalid(f"{at}.maxUnavailable", down, "may not be 0 when `maxSurge` is 0"))
    if isinstance(down, str) and (_number(down) or 0) > 100:
        errors.append(invalid(f"{at}.maxUnavailable", down, "must not be greater than 100%"))
    return errors


def _as_printed(strategy: Json) -> Json:
    """A strategy as the real server prints it: its own Go value, without JSON names."""
    rolling = strategy.get("rollingUpdate")
    limits = {name: (rolling or {}).get(name, 0) for name in ("maxUnavailable", "maxSurge")}
    printed = {f"{name[0].upper()}{name[1:]}": value for name, value in limits.items()}
    return {"Type": strategy.get("type"), "RollingUpdate": printed if rolling is not None else None}


def _share(value: Any, field: str) -> list[FieldError]:
    if isinstance(value, str):
        return [invalid(field, value, why) for why in names.percent(value)]
    return not_negative(field, value)


def _number(value: Any) -> int | None:
    """The number in a count or a percentage; what is no percentage counts as zero."""
    text = str(value).removesuffix("%")
    return int(text) if text.isdigit() else 0
