"""The lab's cluster: a kubeconfig of its own, and reading objects through the Kubernetes client.

    environment(lab)                the variables that kubectl and helm get
    read(lab, "/api/v1/nodes")      one object or list, as JSON

The kubeconfig lies in the lab's folder and names a token file beside it; both are private, and the
token is renewed before it expires. A learner's own ~/.kube is never touched. Left out: writing; all
that an app needs is written by helm.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akswi_helpers import explain, places, retrying
from akswi_helpers.errors import LabError
from akswi_helpers.sandbox import private_files
from akswi_helpers.targets import AKS_SCOPE
from akswi_helpers.types import Json

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

RENEW_BEFORE_S = 600
EXPIRY, CLIENT = "the token's expiry", "the Kubernetes client"  # what a lab remembers of it


def kubeconfig(lab: Lab) -> Path:
    """The lab's kubeconfig, with a token that is good for at least ten minutes.

    Raises NotThereYet when the cluster is not there. Wire: listClusterUserCredential.
    """
    path = lab.folder / "kubeconfig"
    lab.once("kubeconfig", lambda: _write(lab, path))
    _renew(lab)
    return path


def environment(lab: Lab) -> dict[str, str]:
    """The variables of a kubectl or helm of this lab; its caches are the lab's too."""
    config = kubeconfig(lab)
    helm = places.private(lab.folder / "helm")
    return {
        **lab.cloud.environment(),
        "KUBECONFIG": str(config),
        "KUBECACHEDIR": str(lab.folder / "kube-cache"),
        "HELM_CACHE_HOME": str(helm / "cache"),
        "HELM_CONFIG_HOME": str(helm / "config"),
        "HELM_DATA_HOME": str(helm / "data"),
    }


def read(lab: Lab, path: str, **query: str) -> Json | None:
    """What the API answers to GET `path`, or None when there is no such thing.

    Raises Refused for every other refusal.
    """
    status, body = _ask(lab, "GET", path, query=query)
    if status == 404:
        return None
    if status >= 300:
        raise explain.kubernetes(status, body)
    found: Json = json.loads(body)
    return found


def text(lab: Lab, path: str, **query: str) -> str:
    """What the API answers to GET `path`, as text: a log. Raises Refused when it refuses."""
    status, body = _ask(lab, "GET", path, query=query, accept="*/*")
    if status >= 300:
        raise explain.kubernetes(status, body)
    return body.decode(errors="replace")


def ask_token(lab: Lab, namespace: str, account: str, request: Json) -> Json:
    """What TokenRequest answers for a service account; it holds a token, which is a secret."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    status, body = _ask(lab, "POST", path, body=request)
    if status >= 300:
        raise explain.kubernetes(status, body)
    made: Json = json.loads(body)
    return made


def find(lab: Lab, object_: Json, default_namespace: str) -> Json | None:
    """The live object that a manifest's `object_` names, or None."""
    version, metadata = object_["apiVersion"], object_["metadata"]
    group = f"/api/{version}" if "/" not in version else f"/apis/{version}"
    kinds = lab.once(f"kinds {group}", lambda: read(lab, group) or {"resources": []})
    served = [row for row in kinds["resources"] if row["kind"] == object_["kind"]]
    plural = next((row for row in served if "/" not in row["name"]), None)
    if plural is None:
        return None
    inside = f"/namespaces/{metadata.get('namespace', default_namespace)}"
    where = inside if plural["namespaced"] else ""
    return read(lab, f"{group}{where}/{plural['name']}/{metadata['name']}")


def core(lab: Lab) -> Any:
    """The Kubernetes client's CoreV1Api for this cluster."""
    from kubernetes import client

    return client.CoreV1Api(_client(lab))


def nodes(lab: Lab) -> pd.DataFrame:
    """The cluster's nodes, by pool."""
    import pandas as pd

    found = (read(lab, "/api/v1/nodes") or {"items": []})["items"]
    labels = [node["metadata"].get("labels", {}) for node in found]
    rows = [
        {
            "pool": label.get("kubernetes.azure.com/agentpool", label.get("agentpool", "")),
            "mode": label.get("kubernetes.azure.com/mode", ""),
            "node": node["metadata"]["name"],
        }
        for node, label in zip(found, labels, strict=True)
    ]
    return pd.DataFrame(rows, columns=["pool", "mode", "node"]).sort_values(
        "node", ignore_index=True
    )


def write_kubeconfig(path: Path, token_file: Path, answer: bytes) -> None:
    """Write AKS's kubeconfig with its sign-in replaced by a token file; mode 0600."""
    import yaml

    config: Json = yaml.safe_load(answer)
    for user in config["users"]:
        user["user"] = {"tokenFile": str(token_file)}
    private_files.write(path, yaml.safe_dump(config, sort_keys=False).encode())


@explain.told
def _write(lab: Lab, path: Path) -> bool:
    from akswi_helpers import infrastructure

    name = infrastructure.outputs(lab)["aksClusterName"]
    clusters = lab.cloud.containers().managed_clusters
    answer = clusters.list_cluster_user_credentials(lab.resource_group, name)
    if not answer.kubeconfigs or not answer.kubeconfigs[0].value:
        raise LabError(f"AKS gave no kubeconfig for '{name}'.")
    write_kubeconfig(path, lab.folder / "token", _bytes(answer.kubeconfigs[0].value))
    return True


def _bytes(value: bytes | bytearray | str) -> bytes:
    return base64.b64decode(value) if isinstance(value, str) else bytes(value)


def _renew(lab: Lab) -> None:
    """Put a fresh token in the token file when the last one is about to expire."""
    file = lab.folder / "token"
    expires = lab.once(EXPIRY, lambda: 0)
    if expires - lab.cloud.clock() > RENEW_BEFORE_S and file.exists():
        return
    token, expires = lab.cloud.token(AKS_SCOPE)
    lab.forget(EXPIRY)
    lab.once(EXPIRY, lambda: expires)
    private_files.write(file, token.encode())


def _client(lab: Lab) -> Any:
    path = kubeconfig(lab)
    return lab.once(CLIENT, lambda: _connect(lab, path))


def _connect(lab: Lab, path: Path) -> Any:
    from kubernetes import client, config

    settings: Any = client.Configuration()
    settings.retries = retrying.for_kubernetes()
    load: Any = config.load_kube_config
    load(str(path), client_configuration=settings)
    if "//127.0.0.1" in settings.host or "//localhost" in settings.host:
        settings.proxy = None
    elif proxy := lab.cloud.proxy():
        settings.proxy = proxy
    if settings.proxy and "@" in settings.proxy:
        settings.proxy_headers = _proxy_headers(settings.proxy)
    settings.refresh_api_key_hook = lambda held: _sign(lab, held)
    return client.ApiClient(settings)


def _sign(lab: Lab, settings: Any) -> None:
    """Give a client that may be held for long the token of now."""
    _renew(lab)
    token = (lab.folder / "token").read_text()
    settings.api_key = {"BearerToken": f"Bearer {token}"}


def _proxy_headers(proxy: str) -> Any:
    """The user and password in a proxy's URL as a header; this client drops them otherwise."""
    from urllib.parse import unquote, urlsplit

    from urllib3.util import make_headers

    url = urlsplit(proxy)
    return make_headers(
        proxy_basic_auth=f"{unquote(url.username or '')}:{unquote(url.password or '')}"
    )


def _ask(
    lab: Lab,
    method: str,
    path: str,
    *,
    query: dict[str, str] | None = None,
    body: Json | None = None,
    accept: str = "application/json",
) -> tuple[int, bytes]:
    status, said = _once(lab, method, path, query, body, accept)
    if status == 401:  # the token file is newer than what this client holds
        lab.forget(EXPIRY)
        status, said = _once(lab, method, path, query, body, accept)
    return status, said


def _once(
    lab: Lab, method: str, path: str, query: dict[str, str] | None, body: Json | None, accept: str
) -> tuple[int, bytes]:
    api = _client(lab)
    headers = {"Accept": accept, "Content-Type": "application/json"}
    prepared = api.param_serialize(
        method,
        path,
        query_params=list((query or {}).items()),
        header_params=headers,
        body=body,
        auth_settings=["BearerToken"],
    )
    answer = api.call_api(*prepared, _request_timeout=60)
    return answer.status, answer.read() or b""
