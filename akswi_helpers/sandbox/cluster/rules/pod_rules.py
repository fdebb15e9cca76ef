"""Rules for pods and pod templates, and for the selectors that find them.

Source: 422 Status bodies of a kube-apiserver 1.37.2 and the validation in its published source.
Left out: affinity, security contexts, host aliases, topology; the difference between two pods that
the real server adds to a refused update.
"""

from __future__ import annotations

import copy

from akswi_helpers.sandbox.cluster.rules import container_rules, names, volume_rules
from akswi_helpers.sandbox.cluster.rules.field_errors import (
    FieldError,
    each,
    forbidden,
    invalid,
    required,
    unsupported,
)
from akswi_helpers.sandbox.cluster.rules.metadata_rules import labels, noted
from akswi_helpers.types import Json

_RESTART = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_CHANGEABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod(obj: Json) -> list[FieldError]:
    """What is wrong with a pod."""
    spec = obj["spec"]
    return _spec(spec, "spec") + _spaces(spec) + _nameless_tokens(spec)


def template(found: Json, field: str) -> list[FieldError]:
    """What is wrong with a pod template."""
    metadata = found.get("metadata") or {}
    errors = labels(metadata.get("labels"), f"{field}.labels")
    errors += noted(metadata.get("annotations"), f"{field}.annotations")
    return errors + _spec(found.get("spec") or {}, f"{field}.spec")


def pod_change(new: Json, old: Json) -> list[FieldError]:
    """What may not change in a pod that exists."""
    after, before = new["spec"], old["spec"]
    for name in ("containers", "initContainers"):
        if len(after.get(name) or ()) != len(before.get(name) or ()):
            why = "pod updates may not add or remove containers"
            return [forbidden(f"spec.{name}", why)]
    errors = _tolerations_kept(after, before)
    if _fixed(after, before) != _fixed(before, before):
        why = f"pod updates may not change fields other than {_CHANGEABLE}\n"
        errors.append(forbidden("spec", why))
    return errors


def _tolerations_kept(after: Json, before: Json) -> list[FieldError]:
    def timeless(found: Json) -> list[Json]:
        listed = found.get("tolerations") or ()
        return [{k: v for k, v in one.items() if k != "tolerationSeconds"} for one in listed]

    now = timeless(after)
    if all(one in now for one in timeless(before)):
        return []
    why = "existing toleration can not be modified except its tolerationSeconds"
    return [forbidden("spec.tolerations", why)]


def _fixed(spec: Json, before: Json) -> Json:
    """The part of a pod's spec that stays as it was made."""
    kept = copy.deepcopy(spec)
    for name in ("priority", "preemptionPolicy"):  # admission sets them again
        kept.setdefault(name, before.get(name))
    loose = ("activeDeadlineSeconds", "tolerations", "schedulingGates", "ephemeralContainers")
    for name in loose:
        kept.pop(name, None)
    if not before.get("nodeName"):
        kept.pop("nodeName", None)  # a scheduler binds it once
    for name in ("containers", "initContainers"):
        for one in kept.get(name) or ():
            one.pop("image", None)
    return kept


def selector(found: Json | None, field: str) -> list[FieldError]:
    """What is wrong with a label selector."""
    errors = labels((found or {}).get("matchLabels"), f"{field}.matchLabels")
    for at, rule in each(f"{field}.matchExpressions", (found or {}).get("matchExpressions")):
        operator, values = rule.get("operator", ""), rule.get("values") or []
        if operator in ("In", "NotIn") and not values:
            why = "must be specified when `operator` is 'In' or 'NotIn'"
            errors.append(required(f"{at}.values", why))
        elif operator in ("Exists", "DoesNotExist") and values:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(forbidden(f"{at}.values", why))
        elif operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            errors.append(invalid(f"{at}.operator", operator, "not a valid selector operator"))
        key = rule.get("key", "")
        errors += [invalid(f"{at}.key", key, why) for why in names.qualified(key)]
        for number, value in enumerate(values):
            field_at = f"{at}.values[{number}]"
            errors += [invalid(field_at, value, why) for why in names.label_value(value)]
    return errors


def matches(found: Json, given: Json) -> bool:
    """Whether labels fit a selector."""
    if any(given.get(key) != value for key, value in (found.get("matchLabels") or {}).items()):
        return False
    return all(_fits(rule, given) for rule in found.get("matchExpressions") or ())


def _fits(rule: Json, given: Json) -> bool:
    key, values = rule.get("key"), rule.get("values") or []
    fits: dict[str, bool] = {
        "In": key in given and given[key] in values,
        "NotIn": key not in given or given[key] not in values,
        "Exists": key in given,
        "DoesNotExist": key not in given,
    }
    return fits.get(str(rule.get("operator")), False)


def _spec(spec: Json, field: str) -> list[FieldError]:
    good, errors = volume_rules.volumes(spec.get("volumes") or [], f"{field}.volumes")
    ordinary = spec.get("containers") or []
    errors += container_rules.containers(ordinary, good, f"{field}.containers")
    first = spec.get("initContainers") or []
    errors += container_rules.init_containers(first, ordinary, good, f"{field}.initContainers")
    errors += _listed(spec, "restartPolicy", _RESTART, field)
    errors += _listed(spec, "dnsPolicy", _DNS, field)
    errors += labels(spec.get("nodeSelector"), f"{field}.nodeSelector")
    for name in ("serviceAccountName", "nodeName", "priorityClassName", "runtimeClassName"):
        value = spec.get(name)
        if value:
            errors += [invalid(f"{field}.{name}", value, why) for why in names.subdomain(value)]
    errors += _deadline(spec.get("activeDeadlineSeconds"), f"{field}.activeDeadlineSeconds")
    for name in ("hostname", "subdomain"):
        value = spec.get(name)
        if value:
            errors += [invalid(f"{field}.{name}", value, why) for why in names.label(value)]
    return errors + _tolerations(spec.get("tolerations"), f"{field}.tolerations")


def _listed(spec: Json, name: str, allowed: tuple[str, ...], field: str) -> list[FieldError]:
    value = spec.get(name, "")
    if not value:
        return [required(f"{field}.{name}")]
    return [] if value in allowed else [unsupported(f"{field}.{name}", value, allowed)]


def _deadline(seconds: int | None, field: str) -> list[FieldError]:
    if seconds is None or 1 <= seconds <= 2**31 - 1:
        return []
    return [invalid(field, seconds, "must be between 1 and 2147483647, inclusive")]


def _tolerations(found: list[Json] | None, field: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for at, one in each(field, found):
        key, operator, effect = one.get("key", ""), one.get("operator", ""), one.get("effect", "")
        if key:
            errors += [invalid(f"{at}.key", key, why) for why in names.qualified(key)]
        elif operator != "Exists":
            why = (
                "operator must be Exists when `key` is empty, which means "
                '"match all values and all keys"'
            )
            errors.append(invalid(f"{at}.operator", operator, why))
        if one.get("tolerationSeconds") is not None and effect != "NoExecute":
            why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            errors.append(invalid(f"{at}.effect", effect, why))
        errors += _operator(one, f"{at}.operator")
        if effect and effect not in _EFFECTS:
            errors.append(unsupported(f"{at}.effect", effect, _EFFECTS))
    return errors


def _operator(one: Json, at: str) -> list[FieldError]:
    operator, value = one.get("operator", ""), one.get("value", "")
    if operator in ("", "Equal"):
        wrong = names.label_value(value)
        return [invalid(at, value, ";".join(wrong))] if wrong else []
    if operator == "Exists":
        why = "value must be empty when `operator` is 'Exists'"
        return [invalid(at, value, why)] if value else []
    return [unsupported(at, operator, ("Equal", "Exists"))]


def _nameless_tokens(spec: Json) -> list[FieldError]:
    """A pod without a service account has no token to project."""
    if spec.get("serviceAccountName"):
        return []
    why = "must not be specified when serviceAccountName is not set"
    return [
        forbidden(f"{path}.serviceAccountToken", why)
        for at, volume in each("spec.volumes", spec.get("volumes"))
        for path, one in each(
            f"{at}.projected.sources", (volume.get("projected") or {}).get("sources")
        )
        if one.get("serviceAccountToken") is not None
    ]


def _spaces(spec: Json) -> list[FieldError]:
    errors: list[FieldError] = []
    for name in ("containers", "initContainers"):
        for at, one in each(f"spec.{name}", spec.get(name)):
            image = one.get("image", "")
            if image != image.strip():
                why = "must not have leading or trailing whitespace"
                errors.append(invalid(f"{at}.image", image, why))
    return errors
