"""Whose access token is this? One answer for every service that takes Entra's tokens.

Source: access token claims as in Key Vault's documentation (v1.0 tokens). Each service says no in
its own words: `TokenRefused.reason` tells which words.
"""

from __future__ import annotations

from collections.abc import Collection

from akswi_helpers.sandbox.tokens import BadToken, SigningKeys, read
from akswi_helpers.sandbox.wire import Caller
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

ENTRA = "entra"  # the name Entra's signing key goes by

ARM_AUDIENCES = frozenset(
    {
        "https://management.azure.com/",
        "https://management.azure.com",
        "https://management.core.windows.net/",
        "https://management.core.windows.net",
    }
)
VAULT_AUDIENCES = frozenset({"https://vault.azure.net", "https://vault.azure.net/"})
GRAPH_AUDIENCES = frozenset({"https://graph.microsoft.com", "https://graph.microsoft.com/"})
AKS_SERVER_APP = "6dae42f8-4368-4678-94ff-3960e28e3630"
AKS_AUDIENCES = frozenset({AKS_SERVER_APP})


class TokenRefused(Exception):
    """Why a bearer token was refused. `claims` is {} unless its signature was Entra's.

    `reason` is one of: missing, malformed, signature, early, expired, audience, issuer, principal.
    """

    def __init__(self, reason: str, claims: Json | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.claims: Json = claims or {}


def issuer_url(tenant_id: str) -> str:
    """The `iss` of every access token of the tenant."""
    return f"https://sts.windows.net/{tenant_id}/"


def caller_of(world: World, authorization: str, audiences: Collection[str]) -> Caller:
    """The caller behind an `Authorization: Bearer …` header. Raises TokenRefused.

    A deleted principal's token goes on being valid until it expires, as on Azure; it just has no
    rights left.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRefused("missing")
    claims = _signed_claims(world, token.strip())
    _judge(world, claims, audiences)
    return Caller(
        object_id=claims["oid"],
        client_id=claims["appid"],
        tenant_id=claims["tid"],
        identity_resource_id=claims.get("xms_mirid", ""),
    )


def _signed_claims(world: World, token: str) -> Json:
    try:
        return world.state(SigningKeys).verify(ENTRA, token)
    except BadToken as error:
        raise TokenRefused(_fault(token)) from error


def _fault(token: str) -> str:
    """Why a token is none of Entra's."""
    try:
        read(token)
    except BadToken:
        return "malformed"
    return "signature"


def _judge(world: World, claims: Json, audiences: Collection[str]) -> None:
    now = world.clock.now()
    if claims["aud"] not in audiences:
        raise TokenRefused("audience", claims)
    if claims["iss"] != issuer_url(world.tenant_id):
        raise TokenRefused("issuer", claims)
    if now < claims["nbf"]:
        raise TokenRefused("early", claims)
    if now >= claims["exp"]:
        raise TokenRefused("expired", claims)
