"""What the Key Vault add-on puts into a cluster: two custom resources and the CSI driver's entry.

    install(cluster)     in a transaction: there when the add-on is enabled, gone when it is not

Source: the manifests of kubernetes-sigs/secrets-store-csi-driver and its Azure provider, as AKS
installs them. Left out: descriptions of the fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

GROUP = "secrets-store.csi.x-k8s.io"
DRIVER = "secrets-store.csi.k8s.io"

_MANAGER = "aks"
_TEXT = {"type": "string"}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}


def install(cluster: Cluster) -> None:
    """Make, change or remove the add-on's objects, inside a transaction."""
    if cluster.spec.secrets_store:
        for definition in (_classes(), _statuses()):
            _ensure(cluster, "apiextensions.k8s.io/v1", "CustomResourceDefinition", definition)
        _ensure(cluster, "storage.k8s.io/v1", "CSIDriver", _driver(cluster))
        return
    _remove(cluster, "storage.k8s.io/v1", "CSIDriver", DRIVER)
    for plural in ("secretproviderclasses", "secretproviderclasspodstatuses"):
        _remove(cluster, "apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{GROUP}")


def in_use(cluster: Cluster) -> bool:
    """Whether the driver is installed and some SecretProviderClass is there."""
    if not cluster.spec.secrets_store:
        return False
    try:
        kind = cluster.kind(f"{GROUP}/v1", "SecretProviderClass")
    except KeyError:  # somebody deleted the definition
        return False
    return bool(cluster.store.list(kind))


def _ensure(cluster: Cluster, api_version: str, name: str, wanted: Json) -> None:
    kind = cluster.kind(api_version, name)
    found = cluster.objects.find(kind, "", wanted["metadata"]["name"])
    if found is None:
        cluster.objects.create(kind, "", wanted, manager=_MANAGER)
    elif name == "CSIDriver":
        republish = wanted["spec"]["requiresRepublish"]
        if found["spec"].get("requiresRepublish") != republish:
            changed = {**found, "spec": {**found["spec"], "requiresRepublish": republish}}
            cluster.objects.update(kind, "", changed, manager=_MANAGER)


def _remove(cluster: Cluster, api_version: str, name: str, called: str) -> None:
    kind = cluster.kind(api_version, name)
    if cluster.store.get(kind, "", called) is not None:
        cluster.objects.delete(kind, "", called)


def _driver(cluster: Cluster) -> Json:
    return {
        "metadata": {"name": DRIVER, "labels": {"kubernetes.azure.com/managedby": "aks"}},
        "spec": {
            "attachRequired": False,
            "podInfoOnMount": True,
            "requiresRepublish": cluster.spec.secret_rotation,
            "tokenRequests": [{"audience": "api://AzureADTokenExchange"}],
            "volumeLifecycleModes": ["Ephemeral"],
        },
    }


def _classes() -> Json:
    item = _object({"key": _TEXT, "objectName": _TEXT})
    secret = _object(
        {
            "annotations": _TEXTS,
            "data": {"type": "array", "items": item},
            "labels": _TEXTS,
            "secretName": _TEXT,
            "type": _TEXT,
        }
    )
    spec = _object(
        {
            "parameters": _TEXTS,
            "provider": _TEXT,
            "secretObjects": {"type": "array", "items": secret},
        }
    )
    by_pod = {"type": "array", "items": _object({"id": _TEXT, "namespace": _TEXT})}
    properties = {"spec": spec, "status": _object({"byPod": by_pod})}
    return _definition("SecretProviderClass", "secretproviderclasses", properties)


def _statuses() -> Json:
    properties = _object(
        {
            "mounted": {"type": "boolean"},
            "objects": {"type": "array", "items": _object({"id": _TEXT, "version": _TEXT})},
            "podName": _TEXT,
            "secretProviderClassName": _TEXT,
            "targetPath": _TEXT,
        }
    )
    plural = "secretproviderclasspodstatuses"
    return _definition("SecretProviderClassPodStatus", plural, {"status": properties})


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties}


def _definition(kind: str, plural: str, properties: Json) -> Json:
    head = {"apiVersion": _TEXT, "kind": _TEXT, "metadata": {"type": "object"}}
    schema = {"openAPIV3Schema": _object({**head, **properties})}
    names = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
    }
    versions = [
        {"name": "v1", "served": True, "storage": True, "schema": schema},
        {
            "name": "v1alpha1",
            "served": True,
            "storage": False,
            "deprecated": True,
            "schema": schema,
        },
    ]
    return {
        "metadata": {
            "name": f"{plural}.{GROUP}",
            "labels": {"kubernetes.azure.com/managedby": "aks"},
        },
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": versions},
    }
