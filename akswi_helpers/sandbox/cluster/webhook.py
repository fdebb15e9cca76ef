"""The workload identity webhook: what a pod with the label gets, or why it is refused.

    mutate(cluster, pod) -> the pod with token volume, mounts and the four AZURE_ variables

A pure function of the pod and its service account, as azure-wi-webhook v1.5.1, the one AKS runs.
Who is asked at all (the pod label, CREATE, not kube-system) is decided by admission.

Source: Azure/azure-workload-identity pkg/webhook v1.5.1, compared with the program itself on a
Kubernetes 1.37. Left out: the migration proxy sidecar (refused, not ignored), identity bindings
(v1.6.0, behind flags).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

PREFIX = "azure.workload.identity/"
CLIENT_ID = PREFIX + "client-id"
TENANT_ID = PREFIX + "tenant-id"
EXPIRATION = PREFIX + "service-account-token-expiration"
SKIP_CONTAINERS = PREFIX + "skip-containers"
INJECT_PROXY = PREFIX + "inject-proxy-sidecar"

AUDIENCE = "api://AzureADTokenExchange"
AUTHORITY = "https://login.microsoftonline.com/"
SHORTEST, LONGEST = 3600, 86400  # seconds that a token may live

LAYOUT = "1.5.1"
"""Whose places the token goes to: "1.5.1", or "1.6.0" for the reserved volume of that version."""

_TOKEN_NAME = "azure-identity-token"
_DENIED = 'admission webhook "mutation.azure-workload-identity.io" denied the request: '


@dataclass(frozen=True, slots=True)
class Places:
    """Where the token is: the volume, its mount path, the path inside it."""

    volume: str
    mount_path: str
    token_path: str

    @property
    def token_file(self) -> str:
        """What AZURE_FEDERATED_TOKEN_FILE says."""
        return f"{self.mount_path}/{self.token_path}"


def mutate(cluster: Cluster, pod: Json, layout: str = LAYOUT) -> Json:
    """The pod as the webhook leaves it. Raises StatusError in the webhook's words."""
    account = _account(cluster, pod)
    return mutated(pod, account, cluster.spec.tenant_id, layout)


def mutated(pod: Json, account: Json, tenant_id: str, layout: str = LAYOUT) -> Json:
    """The same with the service account given; `tenant_id` is the cluster's default."""
    _refuse_proxy(pod)
    places = _places(pod["metadata"], layout)
    seconds = _expiration(pod, account)
    spec = dict(pod["spec"])
    variables = _variables(account, tenant_id, places)
    skipped = set(_annotations(pod).get(SKIP_CONTAINERS, "").split(";"))
    for field in ("initContainers", "containers"):
        if field in spec:
            spec[field] = [
                c if c["name"] in skipped else _container(c, variables, places) for c in spec[field]
            ]
    if not _has_token(spec, places):
        spec["volumes"] = [*(spec.get("volumes") or []), _volume(places, seconds)]
    return {**pod, "spec": spec}


def _account(cluster: Cluster, pod: Json) -> Json:
    name = pod["spec"].get("serviceAccountName") or "default"
    kind = cluster.kind("v1", "ServiceAccount")
    account = cluster.store.get(kind, pod["metadata"]["namespace"], name)
    if account is None:
        raise _denied(f'serviceaccounts "{name}" not found')
    return account


def _places(metadata: Json, layout: str) -> Places:
    if layout == "1.5.1":
        return Places(_TOKEN_NAME, "/var/run/secrets/azure/tokens", _TOKEN_NAME)
    # One name for all pods of a ReplicaSet, which share the beginning of theirs.
    whose = metadata.get("name") or f"{metadata.get('generateName', '')} (prefix)"
    reserved = f"azure-workload-identity-reserved-{hashlib.sha256(whose.encode()).hexdigest()[:30]}"
    return Places(reserved, "/var/run/secrets/azure/wi", f"token/{_TOKEN_NAME}")


def _expiration(pod: Json, account: Json) -> int:
    said = _annotations(pod).get(EXPIRATION) or _annotations(account).get(EXPIRATION)
    if not said:
        return SHORTEST
    if not re.fullmatch(r"[+-]?[0-9]+", said):
        raise _denied(f'strconv.ParseInt: parsing "{said}": invalid syntax')
    seconds = int(said)
    if not SHORTEST <= seconds <= LONGEST:
        raise _denied(
            f"token expiration {seconds} not valid. Expected value to be between 3600 and 86400"
        )
    return seconds


def _variables(account: Json, tenant_id: str, places: Places) -> dict[str, str]:
    said = _annotations(account)
    found = {
        "AZURE_CLIENT_ID": said.get(CLIENT_ID, ""),
        "AZURE_TENANT_ID": said.get(TENANT_ID, tenant_id),
        "AZURE_FEDERATED_TOKEN_FILE": places.token_file,
        "AZURE_AUTHORITY_HOST": AUTHORITY,
    }
    return {name: value for name, value in found.items() if value}


def _container(container: Json, variables: dict[str, str], places: Places) -> Json:
    env, mounts = list(container.get("env") or []), list(container.get("volumeMounts") or [])
    present = {item["name"] for item in env}
    env += [{"name": n, "value": v} for n, v in variables.items() if n not in present]
    if not any(mount.get("name") == places.volume for mount in mounts):
        mounts.append({"name": places.volume, "readOnly": True, "mountPath": places.mount_path})
    return {**container, "env": env, "volumeMounts": mounts}


def _has_token(spec: Json, places: Places) -> bool:
    sources = [
        source.get("serviceAccountToken") or {}
        for volume in spec.get("volumes") or []
        for source in (volume.get("projected") or {}).get("sources") or []
    ]
    # By the token's path, not by the volume's name: a pod of that kind then fails validation.
    return any(source.get("path") == places.token_path for source in sources)


def _volume(places: Places, seconds: int) -> Json:
    token = {"audience": AUDIENCE, "expirationSeconds": seconds, "path": places.token_path}
    return {"name": places.volume, "projected": {"sources": [{"serviceAccountToken": token}]}}


def _refuse_proxy(pod: Json) -> None:
    if INJECT_PROXY not in _annotations(pod):
        return
    if pod["spec"].get("hostNetwork"):
        raise _denied("hostNetwork is set to true, cannot inject proxy sidecar")
    raise StatusError(
        501, "NotEmulated", f"The sandbox does not emulate the annotation {INJECT_PROXY}."
    )


def _annotations(obj: Json) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def _denied(why: str) -> StatusError:
    return StatusError(400, "", _DENIED + why)
