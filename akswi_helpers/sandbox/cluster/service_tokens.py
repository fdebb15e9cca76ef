"""Service-account tokens: what TokenRequest answers and what the kubelet projects into pods.

    token, expiry = await issue(cluster, "app1", "default", ["api://AzureADTokenExchange"], 3600)

RS256 by the cluster's own key; bound to the pod and its node when a pod is given.

Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/ and tokens
of AKS. Left out: tokens bound to a Secret, extended lifetimes (AKS turns them off).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akswi_helpers.sandbox.tokens import SigningKeys
from akswi_helpers.types import Json, Jws, Seconds

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

DEFAULT, LONGEST = 3600, 24 * 3600  # seconds; AKS allows no more than a day


async def issue(
    cluster: Cluster,
    namespace: str,
    service_account: str,
    audiences: list[str] | None = None,
    expiration: int | None = None,
    pod: Json | None = None,
) -> tuple[Jws, Seconds]:
    """A token of the account and when it expires (Unix seconds).

    No `audiences` means the cluster's own; `expiration` is in seconds, checked by the API.
    Raises StatusError 404 when there is no such account.
    """
    seconds = DEFAULT if expiration is None else expiration
    kind = cluster.kind("v1", "ServiceAccount")
    account = cluster.objects.get(kind, namespace, service_account)
    now = int(cluster.world.clock.now())
    expiry = now + min(seconds, LONGEST)
    claims = {
        "aud": list(audiences or [cluster.spec.issuer]),
        "exp": expiry,
        "iat": now,
        "iss": cluster.spec.issuer,
        "jti": cluster.world.ids.random_guid(),
        "kubernetes.io": _private(cluster, account, pod),
        "nbf": now,
        "sub": f"system:serviceaccount:{namespace}:{service_account}",
    }
    token = await cluster.world.state(SigningKeys).sign(cluster.issuer_key, claims, typ=None)
    return token, expiry


def _private(cluster: Cluster, account: Json, pod: Json | None) -> Json:
    """The claims under "kubernetes.io", in the API server's order."""
    found: Json = {"namespace": account["metadata"]["namespace"]}
    if pod is not None:
        if node := _node(cluster, pod):
            found["node"] = node
        found["pod"] = _named(pod)
    return {**found, "serviceaccount": _named(account)}


def _node(cluster: Cluster, pod: Json) -> Json | None:
    name = pod["spec"].get("nodeName")
    if not name:
        return None
    node = cluster.store.get(cluster.kind("v1", "Node"), "", name)
    return _named(node) if node else {"name": name}


def _named(obj: Json) -> Json:
    return {"name": obj["metadata"]["name"], "uid": obj["metadata"]["uid"]}
