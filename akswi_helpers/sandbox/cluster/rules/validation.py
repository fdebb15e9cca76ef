"""Whether an object may be stored: what is wrong with it, field by field.

    validate_create(deployment, obj)             ->  [FieldError(…), …], empty when all is well
    validate_update(deployment, new, old)
    invalid_message(deployment, "web", errors)   ->  'Deployment.apps "web" is invalid: …'

Whether JSON can be read as its kind at all is `decoding.py`: `unknown_fields`, `decode_errors`.

Source: 422 Status bodies of a kube-apiserver 1.37.2 and the validation in its published source.
Left out: kinds and fields that `_RULES` does not reach; they are stored as they come.
"""

from __future__ import annotations

from collections.abc import Callable

from akswi_helpers.sandbox.cluster.rules import (
    custom_rules,
    data_rules,
    metadata_rules,
    pod_rules,
    service_rules,
    workload_rules,
)
from akswi_helpers.sandbox.cluster.rules.field_errors import FieldError
from akswi_helpers.sandbox.cluster.tables.decoding import decode_errors, pruned, unknown_fields
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, root
from akswi_helpers.types import Json

__all__ = [
    "FieldError",
    "decode_errors",
    "invalid_message",
    "pruned",
    "unknown_fields",
    "validate_create",
    "validate_update",
]


def validate_create(kind: Kind, obj: Json) -> list[FieldError]:
    """What is wrong with a new object, defaults filled in."""
    return metadata_rules.for_create(kind, obj) + _of_kind(kind, obj)


def validate_update(kind: Kind, new: Json, old: Json) -> list[FieldError]:
    """What is wrong with `new` in the place of `old`."""
    errors = metadata_rules.for_update(kind, new, old)
    errors += _of_kind(kind, new)
    change = _CHANGES.get(kind.group_resource)
    return errors + (change(new, old) if change else [])


def _of_kind(kind: Kind, obj: Json) -> list[FieldError]:
    if kind.custom:
        return custom_rules.instance(root(kind), obj)
    rules = _RULES.get(kind.group_resource)
    return rules(obj) if rules else []


def invalid_message(kind: Kind, name: str, errors: list[FieldError]) -> str:
    """The message of the 422 Status for these errors."""
    texts = list(dict.fromkeys(error.sentence() for error in errors))
    said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    subject = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    return f'{subject} "{name}" is invalid: {said}'


_IMMUTABLE_MAP = data_rules.frozen("data", "binaryData")

_RULES: dict[str, Callable[[Json], list[FieldError]]] = {
    "pods": pod_rules.pod,
    "services": service_rules.service,
    "configmaps": data_rules.config_map,
    "secrets": data_rules.secret,
    "deployments.apps": workload_rules.deployment,
    "replicasets.apps": workload_rules.replica_set,
    "daemonsets.apps": workload_rules.daemon_set,
    "statefulsets.apps": workload_rules.stateful_set,
    "jobs.batch": workload_rules.job,
    "cronjobs.batch": workload_rules.cron_job,
    "roles.rbac.authorization.k8s.io": data_rules.role,
    "clusterroles.rbac.authorization.k8s.io": data_rules.cluster_role,
    "rolebindings.rbac.authorization.k8s.io": data_rules.role_binding,
    "clusterrolebindings.rbac.authorization.k8s.io": data_rules.cluster_role_binding,
    "customresourcedefinitions.apiextensions.k8s.io": custom_rules.definition,
}
_CHANGES: dict[str, Callable[[Json, Json], list[FieldError]]] = {
    "pods": pod_rules.pod_change,
    "services": service_rules.address_kept,
    "configmaps": _IMMUTABLE_MAP,
    "secrets": data_rules.secret_kept,
    "deployments.apps": workload_rules.selector_kept,
    "replicasets.apps": workload_rules.selector_kept,
    "daemonsets.apps": workload_rules.selector_kept,
    "rolebindings.rbac.authorization.k8s.io": data_rules.role_kept,
    "clusterrolebindings.rbac.authorization.k8s.io": data_rules.role_kept,
}
