"""Who is calling a cluster: an Entra token for AKS, or a token of one of its service accounts.

An Entra principal is known by its object id, as on AKS for service principals; a service account
by system:serviceaccount:<namespace>:<name>. No token, or a bad one, is 401: AKS has no anonymous
callers.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/. Left out: client
certificates, impersonation, bootstrap tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akswi_helpers.sandbox.azure import access
from akswi_helpers.sandbox.cluster.refusals import unauthorized
from akswi_helpers.sandbox.cluster.users import User
from akswi_helpers.sandbox.tokens import BadToken, SigningKeys, read, within
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

EVERYBODY = "system:authenticated"
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
POD_NAME = "authentication.kubernetes.io/pod-name"
POD_UID = "authentication.kubernetes.io/pod-uid"


def user_of(cluster: Cluster, authorization: str) -> User:
    """The user behind an `Authorization` header. Raises StatusError 401."""
    scheme, _, token = authorization.partition(" ")
    user = user_of_token(cluster, token.strip()) if scheme.lower() == "bearer" else None
    if user is None:
        raise unauthorized()
    return user


def user_of_token(cluster: Cluster, token: str, audiences: list[str] | None = None) -> User | None:
    """The user a token stands for, or None when the cluster does not accept it.

    `audiences` are those that a service-account token must name one of; the cluster's own when
    none are given.
    """
    try:
        _, claims = read(token)
    except BadToken:
        return None
    if claims.get("iss") == cluster.spec.issuer:
        return _account(cluster, token, audiences or [cluster.spec.issuer])
    return _principal(cluster, token)


def _principal(cluster: Cluster, token: str) -> User | None:
    try:
        caller = access.caller_of(cluster.world, f"Bearer {token}", access.AKS_AUDIENCES)
    except access.TokenRefused:
        return None
    extra = {"oid": [caller.object_id]}
    return User(caller.object_id, (EVERYBODY,), extra=extra, object_id=caller.object_id)


def _account(cluster: Cluster, token: str, audiences: list[str]) -> User | None:
    try:
        claims = cluster.world.state(SigningKeys).verify(cluster.issuer_key, token)
    except BadToken:
        return None
    if not within(claims, cluster.world.clock.now()):
        return None
    if not set(claims.get("aud", [])) & set(audiences):
        return None
    private: Json = claims.get("kubernetes.io", {})
    if not _still_there(cluster, private):
        return None
    return _service_account(private, claims)


def _service_account(private: Json, claims: Json) -> User:
    namespace, account = private["namespace"], private["serviceaccount"]
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", EVERYBODY)
    extra = {CREDENTIAL_ID: [f"JTI={claims['jti']}"]} if claims.get("jti") else {}
    if pod := private.get("pod"):
        extra |= {POD_NAME: [pod["name"]], POD_UID: [pod["uid"]]}
    name = f"system:serviceaccount:{namespace}:{account['name']}"
    return User(name, groups, account["uid"], extra)


def _still_there(cluster: Cluster, private: Json) -> bool:
    """Whether the account, and the pod or secret the token is bound to, are still the same."""
    namespace = private.get("namespace", "")
    bound = {"serviceaccount": "ServiceAccount", "pod": "Pod", "secret": "Secret"}
    for claim, kind in bound.items():
        named = private.get(claim)
        if named is None:
            if claim == "serviceaccount":
                return False
            continue
        found = cluster.store.get(cluster.kind("v1", kind), namespace, named.get("name", ""))
        if found is None or found["metadata"]["uid"] != named.get("uid"):
            return False
    return True
