"""What a cluster has before anybody uses it: namespaces, nodes, and what the sandbox stands in for.

Of AKS's components in kube-system only those are here whose work the sandbox does; each is marked
with the annotation `akswi.dev/stands-in: "true"`.

Source: `kubectl get -n kube-system` on AKS with workload identity; Azure/azure-workload-identity
manifests. Left out: CoreDNS, konnectivity, metrics, network and storage components.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster import nodes, webhook
from akswi_helpers.sandbox.cluster.secrets_store import daemons, definitions
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

STANDS_IN = {"akswi.dev/stands-in": "true"}
WEBHOOK = "azure-wi-webhook-controller-manager"
WEBHOOK_IMAGE = "mcr.microsoft.com/oss/v2/azure/workload-identity/webhook:v1.5.1-6"

_MANAGER = "aks"
_LABELS = {
    "app": "workload-identity-webhook",
    "azure-workload-identity.io/system": "true",
    "kubernetes.azure.com/managedby": "aks",
}
_SERVICE, _ACCOUNT = "azure-wi-webhook-webhook-service", "azure-wi-webhook-admin"
_NAMESPACES: dict[str, dict[str, str]] = {
    "default": {},
    "kube-node-lease": {},
    "kube-public": {},
    "kube-system": {
        "addonmanager.kubernetes.io/mode": "Reconcile",
        "control-plane": "true",
        "kubernetes.azure.com/managedby": "aks",
        "kubernetes.io/cluster-service": "true",
    },
}


def install(cluster: Cluster) -> None:
    """Make what is missing, inside a transaction; nodes follow the cluster's node pools."""
    for name, labels in _NAMESPACES.items():
        _ensure(cluster, "v1", "Namespace", "", {"metadata": {"name": name, "labels": labels}})
    nodes.install(cluster)
    _ensure(cluster, "v1", "Service", "default", _api_service())
    for api_version, kind, namespace, obj in _webhook(cluster):
        _ensure(cluster, api_version, kind, namespace, obj)
    definitions.install(cluster)
    daemons.install(cluster)


def _ensure(cluster: Cluster, api_version: str, name: str, namespace: str, obj: Json) -> None:
    kind = cluster.kind(api_version, name)
    if cluster.store.get(kind, namespace, obj["metadata"]["name"]) is None:
        cluster.objects.create(kind, namespace, obj, manager=_MANAGER)


def _api_service() -> Json:
    labels = {"component": "apiserver", "provider": "kubernetes"}
    ports = [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 443}]
    spec = {"clusterIP": "10.0.0.1", "ports": ports, "type": "ClusterIP"}
    return {"metadata": {"name": "kubernetes", "labels": labels}, "spec": spec}


def _webhook(cluster: Cluster) -> list[tuple[str, str, str, Json]]:
    return [
        ("v1", "ServiceAccount", "kube-system", {"metadata": _named(_ACCOUNT)}),
        ("v1", "Service", "kube-system", _webhook_service()),
        ("apps/v1", "Deployment", "kube-system", _webhook_deployment()),
        (
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
            "",
            _webhook_configuration(cluster),
        ),
    ]


def _named(name: str) -> Json:
    return {"name": name, "labels": dict(_LABELS), "annotations": dict(STANDS_IN)}


def _webhook_service() -> Json:
    selector = {"azure-workload-identity.io/system": "true"}
    ports = [{"port": 443, "targetPort": 9443, "protocol": "TCP"}]
    return {"metadata": _named(_SERVICE), "spec": {"ports": ports, "selector": selector}}


def _webhook_deployment() -> Json:
    ports = {"webhook-server": 9443, "metrics": 8095, "healthz": 9440}
    container = {
        "name": "manager",
        "image": WEBHOOK_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/manager"],
        "args": ["--log-level=info"],
        "ports": [{"name": n, "containerPort": p, "protocol": "TCP"} for n, p in ports.items()],
        "resources": {
            "limits": {"cpu": "100m", "memory": "300Mi"},
            "requests": {"cpu": "100m", "memory": "20Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsGroup": 65532,
            "runAsNonRoot": True,
            "runAsUser": 65532,
        },
    }
    pod = {
        "containers": [container],
        "nodeSelector": {"kubernetes.azure.com/mode": "system", "kubernetes.io/os": "linux"},
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": _ACCOUNT,
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
    }
    template = {"metadata": {"labels": dict(_LABELS), "annotations": dict(STANDS_IN)}, "spec": pod}
    selector = {k: v for k, v in _LABELS.items() if k != "kubernetes.azure.com/managedby"}
    spec = {"replicas": 2, "selector": {"matchLabels": selector}, "template": template}
    return {"metadata": _named(WEBHOOK), "spec": spec}


def _webhook_configuration(cluster: Cluster) -> Json:
    authority = cluster.world.surroundings.ca_file.read_bytes()
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["pods"],
        "scope": "*",
    }
    not_aks = {"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"]}
    service = {
        "name": _SERVICE,
        "namespace": "kube-system",
        "path": "/mutate-v1-pod",
        "port": 443,
    }
    hook = {
        "name": "mutation.azure-workload-identity.io",
        "admissionReviewVersions": ["v1", "v1beta1"],
        "clientConfig": {"caBundle": base64.b64encode(authority).decode(), "service": service},
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {"matchExpressions": [not_aks]},
        "objectSelector": {"matchLabels": {f"{webhook.PREFIX}use": "true"}},
        "reinvocationPolicy": "IfNeeded",
        "rules": [rule],
        "sideEffects": "None",
        "timeoutSeconds": 10,
    }
    name = "azure-wi-webhook-mutating-webhook-configuration"
    return {"metadata": _named(name), "webhooks": [hook]}
