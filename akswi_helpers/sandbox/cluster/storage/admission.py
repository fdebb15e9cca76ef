"""What the API server adds to a request or refuses before it validates: admission.

Namespaces must exist and not be going; a pod gets its service account, the account's API token
volume, default tolerations, a priority, and (by the workload-identity webhook) its Azure token.

Source: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/ and objects
stored by a kube-apiserver 1.37.2. Left out: whatever else restricts (quotas, limit ranges,
admission webhooks and policies, pod security levels): such objects are refused with 501, because
a restriction that nobody enforces is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.api.rbac import MASTERS
from akswi_helpers.sandbox.cluster.refusals import forbidden, not_found, not_implemented
from akswi_helpers.sandbox.cluster.storage.lifecycle import generated_name
from akswi_helpers.sandbox.cluster.tables import defaulting
from akswi_helpers.sandbox.cluster.users import User
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
WEBHOOK_LABEL = "azure.workload.identity/use"

_SECURITY_LABEL = "pod-security.kubernetes.io/enforce"
_UNENFORCED = {
    "LimitRange",
    "ResourceQuota",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
}
_IMMORTAL = {"default", "kube-system", "kube-public"}
_TOKEN_SECONDS = 3607  # the API server's own, so that it can tell these tokens apart
_PRIORITIES = {"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}


def for_create(cluster: Cluster, kind: Kind, draft: Json, user: User) -> Json:
    """The draft with what admission adds. Raises StatusError 403, 404 or 501."""
    refuse_unenforced(kind, draft, user)
    if kind.namespaced:
        _namespace_open(cluster, kind, draft)
    if kind.kind != "Pod" or kind.group:
        return draft
    draft = _with_account(cluster, kind, draft)
    _prioritise(cluster, kind, draft)
    _tolerate(draft["spec"])
    return _through_webhook(cluster, kind, draft)


def refuse_unenforced(kind: Kind, draft: Json, user: User) -> None:
    """Refuse an object that restricts others and would not be obeyed. Raises StatusError 501."""
    if MASTERS in user.groups and user.name.startswith("system:"):
        return
    if kind.kind in _UNENFORCED:
        raise not_implemented(f"{kind.group_resource}; nothing here would enforce it")
    level = (draft["metadata"].get("labels") or {}).get(_SECURITY_LABEL, "privileged")
    if kind.kind == "Namespace" and level != "privileged":
        raise not_implemented(f"the label {_SECURITY_LABEL}={level}; nothing here would enforce it")


def for_delete(cluster: Cluster, kind: Kind, live: Json) -> None:
    """Refuse what may not be deleted. Raises StatusError 403."""
    name = live["metadata"]["name"]
    if kind.kind == "Namespace" and name in _IMMORTAL:
        raise forbidden(kind, name, "this namespace may not be deleted")


def _namespace_open(cluster: Cluster, kind: Kind, draft: Json) -> None:
    namespaces = cluster.kind("v1", "Namespace")
    name = draft["metadata"].get("namespace", "")
    found = cluster.store.get(namespaces, "", name)
    if found is None:
        raise not_found(namespaces, name)
    if "deletionTimestamp" in found["metadata"]:
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {name} is being terminated",
            "field": "metadata.namespace",
        }
        why = f"unable to create new content in namespace {name} because it is being terminated"
        raise forbidden(kind, _asked(draft["metadata"]), why, [cause])


def _asked(metadata: Json) -> str:
    """The name as the client gave it: admission runs before one is generated."""
    return str(metadata.get("generateName") or metadata["name"])


def _with_account(cluster: Cluster, kind: Kind, pod: Json) -> Json:
    spec, metadata = pod.setdefault("spec", {}), pod["metadata"]
    name = spec.get("serviceAccountName") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    accounts = cluster.kind("v1", "ServiceAccount")
    account = cluster.store.get(accounts, metadata["namespace"], name)
    if account is None:
        where = f"{metadata['namespace']}/{name}"
        why = f'error looking up service account {where}: serviceaccount "{name}" not found'
        raise forbidden(kind, _asked(metadata), why)
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(item) for item in account["imagePullSecrets"]]
    if _mounts_token(spec, account):
        _mount_token(cluster, pod)
    return pod


def _mounts_token(spec: Json, account: Json) -> bool:
    for holder in (spec, account):
        if holder.get("automountServiceAccountToken") is not None:
            return bool(holder["automountServiceAccountToken"])
    return True


def _mount_token(cluster: Cluster, pod: Json) -> None:
    spec, metadata = pod["spec"], pod["metadata"]
    path = f"{cluster.spec.resource_id}/{metadata['namespace']}/{metadata['name']}"
    name = generated_name("kube-api-access-", cluster.world.ids.guid("token volume", path))
    mount = {"name": name, "readOnly": True, "mountPath": TOKEN_PATH}
    needed = False
    listed = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    for container in filter(None, listed):
        mounts = container["volumeMounts"] = list(container.get("volumeMounts") or [])
        if not any(item.get("mountPath") == TOKEN_PATH for item in mounts):
            mounts.append(dict(mount))
            needed = True
    if needed:
        spec["volumes"] = [*(spec.get("volumes") or []), _token_volume(name)]


def _token_volume(name: str) -> Json:
    namespace = {
        "path": "namespace",
        "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
    }
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
        {"configMap": authority},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 420}}


def _prioritise(cluster: Cluster, kind: Kind, pod: Json) -> None:
    spec = pod["spec"]
    name = spec.get("priorityClassName", "")
    value, policy = _PRIORITIES.get(name, 0), "PreemptLowerPriority"
    if name and name not in _PRIORITIES:
        found = cluster.store.get(cluster.kind("scheduling.k8s.io/v1", "PriorityClass"), "", name)
        if found is None:
            why = f"no PriorityClass with name {name} was found"
            raise forbidden(kind, _asked(pod["metadata"]), why)
        value, policy = int(found.get("value", 0)), found.get("preemptionPolicy", policy)
    spec.setdefault("priority", value)
    spec.setdefault("preemptionPolicy", policy)


def _tolerate(spec: Json) -> None:
    tolerations = list(spec.get("tolerations") or [])
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(_covers(item, key) for item in tolerations):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            )
    spec["tolerations"] = tolerations


def _covers(toleration: Json, key: str) -> bool:
    same_key = toleration.get("key", "") in ("", key)
    return same_key and toleration.get("effect", "") in ("", "NoExecute")


def _through_webhook(cluster: Cluster, kind: Kind, pod: Json) -> Json:
    if (pod["metadata"].get("labels") or {}).get(WEBHOOK_LABEL) != "true":
        return pod
    if pod["metadata"]["namespace"] == "kube-system":
        return pod
    from akswi_helpers.sandbox.cluster import webhook

    return defaulting.apply_defaults(kind, webhook.mutate(cluster, pod))
