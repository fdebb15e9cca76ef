"""May this user do that? Kubernetes RBAC for all, Azure role assignments for Entra principals.

A verb on a resource is allowed by a rule of a bound (Cluster)Role; for an Entra principal also by
a data action of a role assigned at the cluster, at one of its namespaces, or above.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/ (rules, bindings, the
bootstrap roles as a kube-apiserver 1.37.2 has them) and
https://learn.microsoft.com/azure/aks/manage-azure-rbac. Left out: the node authorizer. An
aggregated role's rules are added up when asked for: its `rules` do not show roles made later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.cluster.storage import selectors
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.sandbox.cluster.storage.store import copied
from akswi_helpers.sandbox.cluster.users import User
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

API = "rbac.authorization.k8s.io"
_V1 = f"{API}/v1"
MASTERS = "system:masters"
DATA_ACTIONS = "Microsoft.ContainerService/managedClusters"

_ACTIONS = {
    "get": "read",
    "list": "read",
    "watch": "read",
    "create": "write",
    "update": "write",
    "patch": "write",
    "delete": "delete",
    "deletecollection": "delete",
}
_OWN_ACTIONS = {"exec", "attach", "portforward", "proxy", "token"}  # subresources named in actions


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a user wants to do: a verb on a resource, or on a `path` that is none."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full(self) -> str:
        """The resource with its subresource: "pods/log", or "pods"."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def install(cluster: Cluster) -> None:
    """Write the bootstrap cluster roles and bindings of a new cluster, inside a transaction."""
    for name, row in _bootstrap()["clusterRoles"].items():
        body: Json = {"rules": row["rules"]}
        if row["aggregate"]:
            body = {"aggregationRule": row["aggregate"], **body}
        _write(cluster, "ClusterRole", name, body, row["labels"])
    for name, row in _bootstrap()["clusterRoleBindings"].items():
        role = {"apiGroup": API, "kind": "ClusterRole", "name": row["role"]}
        _write(cluster, "ClusterRoleBinding", name, {"subjects": row["subjects"], "roleRef": role})


def allowed(cluster: Cluster, user: User, wanted: Attributes) -> bool:
    """Whether the user may."""
    if MASTERS in user.groups:
        return True
    if any(permits(rule, wanted) for rule in rules_of(cluster, user, wanted.namespace)):
        return True
    return bool(user.object_id) and _azure_allows(cluster, user, wanted)


def refusal(user: User, wanted: Attributes) -> StatusError:
    """403 in the API server's words."""
    if wanted.path:
        why = f'forbidden: User "{user.name}" cannot {wanted.verb} path "{wanted.path}"'
        return StatusError(403, "Forbidden", why, {})
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    subject = f"{wanted.resource}.{wanted.group}" if wanted.group else wanted.resource
    named = f'{subject} "{wanted.name}"' if wanted.name else subject
    message = (
        f'{named} is forbidden: User "{user.name}" cannot {wanted.verb} resource "{wanted.full}" '
        f'in API group "{wanted.group}" {where}'
    )
    found: Json = {"name": wanted.name} if wanted.name else {}
    found |= {"group": wanted.group} if wanted.group else {}
    return StatusError(403, "Forbidden", message, {**found, "kind": wanted.resource})


def rules_of(cluster: Cluster, user: User, namespace: str) -> Iterator[Json]:
    """The rules of every role bound to the user, cluster-wide and in `namespace`."""
    for binding in cluster.store.list(cluster.kind(_V1, "ClusterRoleBinding")):
        if _bound(binding, user):
            yield from _rules(cluster, binding["roleRef"], "")
    if not namespace:
        return
    for binding in cluster.store.list(cluster.kind(_V1, "RoleBinding"), namespace):
        if _bound(binding, user):
            yield from _rules(cluster, binding["roleRef"], namespace)


def _rules(cluster: Cluster, role: Json, namespace: str) -> list[Json]:
    kind = cluster.kind(_V1, role["kind"])
    found = cluster.store.get(kind, namespace if kind.namespaced else "", role["name"]) or {}
    rules: list[Json] = list(found.get("rules") or [])
    for selector in (found.get("aggregationRule") or {}).get("clusterRoleSelectors") or []:
        for other in cluster.store.list(kind):
            if selectors.matches(selector, other["metadata"].get("labels") or {}):
                rules += other.get("rules") or []
    return rules


def _bound(binding: Json, user: User) -> bool:
    namespace = binding["metadata"].get("namespace", "")
    return any(_is(subject, user, namespace) for subject in binding.get("subjects") or [])


def _is(subject: Json, user: User, namespace: str) -> bool:
    name = subject["name"]
    if subject["kind"] == "Group":
        return name in user.groups
    if subject["kind"] == "ServiceAccount":
        return user.name == f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}"
    return bool(name == user.name)


def permits(rule: Json, wanted: Attributes) -> bool:
    """Whether one rule of a role allows it."""
    if not _among(wanted.verb, rule.get("verbs")):
        return False
    if wanted.path:
        return any(_covers(glob, wanted.path) for glob in rule.get("nonResourceURLs") or [])
    if not _among(wanted.group, rule.get("apiGroups")):
        return False
    names = rule.get("resourceNames") or []
    return _resource(rule, wanted) and (not names or wanted.name in names)


def _resource(rule: Json, wanted: Attributes) -> bool:
    listed = rule.get("resources") or []
    if "*" in listed or wanted.full in listed:
        return True
    return bool(wanted.subresource) and f"*/{wanted.subresource}" in listed


def _among(value: str, listed: list[str] | None) -> bool:
    return value in (listed or []) or "*" in (listed or [])


def _covers(glob: str, path: str) -> bool:
    return path.startswith(glob[:-1]) if glob.endswith("*") else path == glob


def _azure_allows(cluster: Cluster, user: User, wanted: Attributes) -> bool:
    from akswi_helpers.sandbox.azure.arm import authorization

    scope = cluster.spec.resource_id
    if wanted.namespace:
        scope += f"/namespaces/{wanted.namespace}"
    action = f"{DATA_ACTIONS}/{_action(wanted)}"
    return authorization.allowed(cluster.world, user.object_id, action, scope, data=True)


def _action(wanted: Attributes) -> str:
    """The data action: "apps/deployments/read", "pods/exec/action", "api/read" for a path."""
    if wanted.path:
        return f"{wanted.path.strip('/')}/{_ACTIONS.get(wanted.verb, 'read')}"
    parts = [wanted.group] if wanted.group else []
    parts.append(wanted.resource)
    if wanted.subresource in _OWN_ACTIONS:
        return "/".join([*parts, wanted.subresource, "action"])
    return "/".join([*parts, _ACTIONS.get(wanted.verb, f"{wanted.verb}/action")])


def _write(cluster: Cluster, kind: str, name: str, body: Json, labels: Json | None = None) -> None:
    found = cluster.kind(_V1, kind)
    path = f"{cluster.spec.resource_id}/{found.plural}.{API}//{name}"
    metadata = {
        "name": name,
        "uid": cluster.world.ids.guid("uid", path),
        "creationTimestamp": timestamp(cluster.world.clock.now()),
        "labels": labels or {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    }
    obj = {"kind": kind, "apiVersion": _V1, "metadata": metadata, **copied(body)}
    cluster.store.put(found, obj)


@cache
def _bootstrap() -> Json:
    file = resources.files("akswi_helpers.sandbox.data") / "k8s" / "roles.json"
    return dict(json.loads(file.read_text("utf-8")))
