"""Nobody gives away rights that are not theirs: roles and bindings are checked as they are written.

A user may write a role only with rights they hold (or with the verb `escalate`), a binding only to
a role whose rights they hold (or with the verb `bind`).

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
and refusals of a kube-apiserver 1.37.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.api import rbac
from akswi_helpers.sandbox.cluster.refusals import forbidden, not_found
from akswi_helpers.sandbox.cluster.users import User
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

# API group (None for a URL), resource or URL, resource name or "", verb
Right = tuple[str | None, str, str, str]


_EVERYTHING: list[Json] = [
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
]


def check(cluster: Cluster, user: User, kind: Kind, obj: Json) -> None:
    """Refuse a role or binding that grants more than `user` holds. Raises StatusError 403, 404."""
    if kind.group != rbac.API or rbac.MASTERS in user.groups:
        return
    namespace = obj["metadata"].get("namespace", "")
    reference = obj.get("roleRef")
    plural = f"{reference['kind'].lower()}s" if reference else kind.plural
    name = reference["name"] if reference else obj["metadata"]["name"]
    verb = "bind" if reference else "escalate"
    wanted = rbac.Attributes(verb, rbac.API, plural, namespace=namespace, name=name)
    if rbac.allowed(cluster, user, wanted):
        return
    if obj.get("aggregationRule") and _missing(cluster, user, "", _EVERYTHING):
        why = "must have cluster-admin privileges to use the aggregationRule"
        raise forbidden(kind, obj["metadata"]["name"], why)
    rules = _of_role(cluster, kind, reference, namespace) if reference else obj.get("rules") or []
    missing = _missing(cluster, user, namespace, rules)
    if missing:
        groups = " ".join(f'"{group}"' for group in user.groups)
        who = f'user "{user.name}" (groups=[{groups}])'
        what = "is attempting to grant RBAC permissions not currently held"
        raise forbidden(kind, obj["metadata"]["name"], f"{who} {what}:\n" + "\n".join(missing))


def _of_role(cluster: Cluster, kind: Kind, reference: Json, namespace: str) -> list[Json]:
    role = cluster.kind(f"{rbac.API}/v1", reference["kind"])
    found = cluster.store.get(role, namespace if role.namespaced else "", reference["name"])
    if found is None:
        raise not_found(kind, reference["name"])
    return found.get("rules") or []


def _missing(cluster: Cluster, user: User, namespace: str, rules: list[Json]) -> list[str]:
    held = list(rbac.rules_of(cluster, user, namespace))
    verbs: dict[tuple[str | None, str, str], list[str]] = {}
    for rule in rules:
        for right in _rights(rule):
            if not any(rbac.permits(mine, _attributes(right)) for mine in held):
                found = verbs.setdefault(right[:3], [])
                found += [right[3]] if right[3] not in found else []
    return sorted(_written(*right, names) for right, names in verbs.items())


def _rights(rule: Json) -> Iterator[Right]:
    for verb in rule.get("verbs") or []:
        for url in rule.get("nonResourceURLs") or []:
            yield None, url, "", verb
        for group in rule.get("apiGroups") or []:
            for resource in rule.get("resources") or []:
                for name in rule.get("resourceNames") or [""]:
                    yield group, resource, name, verb


def _attributes(right: Right) -> rbac.Attributes:
    group, resource, name, verb = right
    if group is None:
        return rbac.Attributes(verb, path=resource)
    plural, _, subresource = resource.partition("/")
    return rbac.Attributes(verb, group, plural, subresource, name=name)


def _written(group: str | None, resource: str, name: str, verbs: list[str]) -> str:
    listed = " ".join(f'"{verb}"' for verb in verbs)
    if group is None:
        return f'{{NonResourceURLs:["{resource}"], Verbs:[{listed}]}}'
    names = f'ResourceNames:["{name}"], ' if name else ""
    return f'{{APIGroups:["{group}"], Resources:["{resource}"], {names}Verbs:[{listed}]}}'
