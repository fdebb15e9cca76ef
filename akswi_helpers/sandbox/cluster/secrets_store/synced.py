"""Kubernetes Secrets made from mounted files: the `secretObjects` of a SecretProviderClass.

Made only after a mount, marked as managed, owned by whatever owns the pod (its ReplicaSet; a pod of
its own otherwise). They go when the last owner goes, by garbage collection.

Source: kubernetes-sigs/secrets-store-csi-driver, controllers/ and pkg/util/secretutil. Left out:
taking certificate and key of a kubernetes.io/tls Secret out of one file.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.controllers import reporting
from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.wire import UNVERIFIED
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

MANAGED = "secrets-store.csi.k8s.io/managed"

_MANAGER = "secrets-store-csi"
_CONTROLLER = "csi-secrets-store-controller"
_ROTATION = "csi-secrets-store-rotation"


class _IncompleteError(Exception):
    """A secretObject that cannot be made; the controller's words."""


def write(
    cluster: Cluster, pod: Json, provider_class: Json, files: Mapping[str, bytes], *, again: bool
) -> None:
    """Make the Secrets that are missing; `again` after a rotation, which also changes them."""
    for wanted in provider_class["spec"].get("secretObjects") or []:
        name = str(wanted.get("secretName", "")).strip()
        try:
            data = _data(provider_class, wanted, name, files)
            _put(cluster, pod, wanted, name, data, again=again)
        except (_IncompleteError, StatusError) as error:
            reason = "SecretRotationFailed" if again else "SecretCreationFailed"
            who = _ROTATION if again else _CONTROLLER
            reporting.report(cluster, pod, reason, str(error), component=who, warning=True)


def _put(
    cluster: Cluster, pod: Json, wanted: Json, name: str, data: dict[str, str], *, again: bool
) -> None:
    kind, namespace = cluster.kind("v1", "Secret"), pod["metadata"]["namespace"]
    found = cluster.objects.find(kind, namespace, name)
    if found is None:
        new = _document(wanted, name, data)
        new["metadata"]["ownerReferences"] = _owners(pod)
        cluster.objects.create(kind, namespace, new, manager=_MANAGER)
        return
    if (found["metadata"].get("labels") or {}).get(MANAGED) != "true":
        return  # somebody else's
    changed = _owned(found, pod)
    turned = again and found.get("data") != data
    if turned:
        changed["data"] = data
    if changed != found:
        cluster.objects.update(kind, namespace, changed, manager=_MANAGER)
    if turned:
        said = f"successfully rotated K8s secret {name}"
        reporting.report(cluster, pod, "SecretRotationComplete", said, component=_ROTATION)


def _document(wanted: Json, name: str, data: dict[str, str]) -> Json:
    metadata: Json = {"name": name}
    metadata["labels"] = {**(wanted.get("labels") or {}), MANAGED: "true"}
    if wanted.get("annotations"):
        metadata["annotations"] = dict(wanted["annotations"])
    return {"metadata": metadata, "type": str(wanted["type"]).strip(), "data": data}


def _owned(secret: Json, pod: Json) -> Json:
    """The Secret with the pod's owners among its own."""
    have = secret["metadata"].get("ownerReferences") or []
    uids = {owner["uid"] for owner in have}
    owners = have + [owner for owner in _owners(pod) if owner["uid"] not in uids]
    return {**secret, "metadata": {**secret["metadata"], "ownerReferences": owners}}


def _owners(pod: Json) -> list[Json]:
    metadata = pod["metadata"]
    itself = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
    keys = ("apiVersion", "kind", "name", "uid")
    owners = metadata.get("ownerReferences") or [itself]
    return [{key: owner[key] for key in keys} for owner in owners]


def _data(
    provider_class: Json, wanted: Json, name: str, files: Mapping[str, bytes]
) -> dict[str, str]:
    """The Secret's data, encoded. Raises _IncompleteError."""
    metadata = provider_class["metadata"]
    whose = f"{metadata['namespace']}/{metadata['name']}"
    if wrong := _wrong(wanted, name):
        said = f"failed to validate secret object in spc {whose}, err: {wrong}"
        raise _IncompleteError(UNVERIFIED + said)
    found = {}
    for item in wanted["data"]:
        source = str(item.get("objectName", "")).strip()
        if source not in files:
            why = f"file matching objectName {source} not found in the pod"
            said = f"failed to get data in spc {whose} for secret {name}, err: {why}"
            raise _IncompleteError(said)
        found[str(item.get("key", "")).strip()] = base64.b64encode(files[source]).decode()
    return found


def _wrong(wanted: Json, name: str) -> str:
    if not name:
        return "secret name is empty"
    if not wanted.get("type"):
        return "secret type is empty"
    if not wanted.get("data"):
        return "data is empty"
    if wanted["type"] == "kubernetes.io/tls":
        return "the sandbox does not emulate synced Secrets of the type kubernetes.io/tls"
    return ""
