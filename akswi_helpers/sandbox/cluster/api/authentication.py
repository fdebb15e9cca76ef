"""Who is calling a cluster: an Entra token for AKS, or a token of one of its service accounts.

An Entra principal is known by its object id, as on AKS for service principals; a service account
by system:serviceaccount:<namespace>:<name>. No token, or a bad one, is 401: AKS has no anonymous
callers.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/. Left out: client
certificates, bootstrap tokens, impersonation of uid and extra.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.azure.entra import access
from akswi_helpers.sandbox.cluster.api import rbac
from akswi_helpers.sandbox.cluster.refusals import not_implemented, unauthorized
from akswi_helpers.sandbox.cluster.users import User
from akswi_helpers.sandbox.tokens import BadToken, SigningKeys, read, within
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.api.calls import Call
    from akswi_helpers.sandbox.cluster.clusters import Cluster

EVERYBODY = "system:authenticated"
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
POD_NAME = "authentication.kubernetes.io/pod-name"
_ACCOUNT = "system:serviceaccount:"
POD_UID = "authentication.kubernetes.io/pod-uid"


def user_of(cluster: Cluster, authorization: str) -> User:
    """The user behind an `Authorization` header. Raises StatusError 401."""
    scheme, _, token = authorization.partition(" ")
    user = user_of_token(cluster, token.strip()) if scheme.lower() == "bearer" else None
    if user is None:
        raise unauthorized()
    return user


def acting_as(cluster: Cluster, user: User, call: Call) -> User:
    """Whom the user acts as (`kubectl --as`); the user itself without such headers.

    Raises StatusError 403 when it may not.
    """
    asked = {name for name in call.headers if name.startswith("impersonate-")}
    if not asked:
        return user
    name = call.headers.get("impersonate-user", "")
    if asked - {"impersonate-user", "impersonate-group"} or not name:
        raise not_implemented("impersonation of anything but a user with groups")
    named = [group for group in call.headers.get("impersonate-group", "").split("\n") if group]
    for wanted in _impersonations(name, named):
        if not rbac.allowed(cluster, user, wanted):
            kind = "serviceaccount" if wanted.resource == "serviceaccounts" else "user-info"
            attributes = call.attributes
            verb = f"impersonate-on:{kind}:{attributes.verb}"
            raise rbac.refusal(user, replace(attributes, verb=verb))
    groups = (*(named or _groups_of(name)), EVERYBODY)
    return User(name, tuple(dict.fromkeys(groups)))


def _impersonations(name: str, groups: list[str]) -> Iterator[rbac.Attributes]:
    if name.startswith(_ACCOUNT):
        _, _, namespace, account = name.split(":", 3)
        resource = "serviceaccounts"
        yield rbac.Attributes("impersonate", resource=resource, namespace=namespace, name=account)
    else:
        yield rbac.Attributes("impersonate", resource="users", name=name)
    for group in groups:
        yield rbac.Attributes("impersonate", resource="groups", name=group)


def _groups_of(name: str) -> tuple[str, ...]:
    if not name.startswith(_ACCOUNT):
        return ()
    return "system:serviceaccounts", f"system:serviceaccounts:{name.split(':')[2]}"


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
