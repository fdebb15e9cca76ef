"""SecretProviderClassPodStatus: which objects, in which version, a pod has mounted.

Source: kubernetes-sigs/secrets-store-csi-driver, pkg/secrets-store/utils.go. Its owner is the pod,
so it goes with the pod. Left out: nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.secrets_store.definitions import GROUP
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

NODE_LABEL = "internal.secrets-store.csi.k8s.io/node-name"

_MANAGER = "secrets-store-csi"


def kind(cluster: Cluster) -> Kind:
    """The kind. Raises KeyError when the driver is not installed."""
    return cluster.kind(f"{GROUP}/v1", "SecretProviderClassPodStatus")


def name_of(pod: Json, provider_class: str) -> str:
    """The name of a pod's status for one SecretProviderClass."""
    metadata = pod["metadata"]
    return f"{metadata['name']}-{metadata['namespace']}-{provider_class}"


def target_path(pod: Json, volume: str) -> str:
    """Where the volume is on its node."""
    uid = pod["metadata"]["uid"]
    return f"/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~csi/{volume}/mount"


def versions(cluster: Cluster, pod: Json, provider_class: str) -> dict[str, str] | None:
    """The version of each object that the pod has mounted, by id; None when it has none."""
    namespace = pod["metadata"]["namespace"]
    try:
        found = cluster.store.get(kind(cluster), namespace, name_of(pod, provider_class))
    except KeyError:  # somebody deleted the definition
        return None
    owners = ((found or {}).get("metadata") or {}).get("ownerReferences") or []
    if found is None or pod["metadata"]["uid"] not in [owner["uid"] for owner in owners]:
        return None
    return {one["id"]: one["version"] for one in found["status"].get("objects") or []}


def write(
    cluster: Cluster, pod: Json, volume: str, provider_class: str, objects: dict[str, str]
) -> None:
    """Write that the pod has these objects (id -> version) mounted."""
    namespace, found = pod["metadata"]["namespace"], kind(cluster)
    new = _document(pod, volume, provider_class, objects)
    old = cluster.objects.find(found, namespace, new["metadata"]["name"])
    if old is None:
        cluster.objects.create(found, namespace, new, manager=_MANAGER)
        return
    changed = {**old, "status": new["status"]}
    changed["metadata"]["ownerReferences"] = new["metadata"]["ownerReferences"]
    cluster.objects.update(found, namespace, changed, manager=_MANAGER)


def _document(pod: Json, volume: str, provider_class: str, objects: dict[str, str]) -> Json:
    metadata = pod["metadata"]
    owner = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "metadata": {
            "name": name_of(pod, provider_class),
            "labels": {NODE_LABEL: pod["spec"]["nodeName"]},
            "ownerReferences": [owner],
        },
        "status": {
            "mounted": True,
            "objects": [{"id": key, "version": objects[key]} for key in sorted(objects)],
            "podName": metadata["name"],
            "secretProviderClassName": provider_class,
            "targetPath": target_path(pod, volume),
        },
    }
