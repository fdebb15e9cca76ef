"""The access tokens that Entra issues to applications and managed identities: v1.0, RS256.

A service principal's lives 60 minutes, a managed identity's 24 hours; both are dated back by five.

Source: the token in Key Vault's documentation of its error codes; lifetimes as observed.
A token for Graph carries the permissions that its application holds there, as `roles`.
Left out: rh, xms_tcdt.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from akswi_helpers.sandbox.azure.entra.access import (
    AKS_AUDIENCES,
    ARM_AUDIENCES,
    ENTRA,
    GRAPH_AUDIENCES,
    VAULT_AUDIENCES,
    issuer_url,
)
from akswi_helpers.sandbox.azure.entra.directory import DEPLOYER_NAME, Principal
from akswi_helpers.sandbox.tokens import SigningKeys
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, Jws

BACKDATED = 300
HOUR, DAY = 3600, 86_400
RESOURCES = ARM_AUDIENCES | VAULT_AUDIENCES | GRAPH_AUDIENCES | AKS_AUDIENCES

GRAPH_PERMISSION = "Application.ReadWrite.All"

SECRET, ASSERTION = "1", "2"  # appidacr: how the client proved who it is


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token and for how long, from now, a client may count on it."""

    text: Jws
    claims: Json
    lifetime: int  # seconds from now to exp


async def issue(
    world: World, principal: Principal, audience: str, proof: str, capabilities: list[str]
) -> AccessToken:
    """A token for `audience`, one of RESOURCES. `capabilities` become xms_cc."""
    lifetime = DAY if principal.kind == "ManagedIdentity" else HOUR
    claims = _claims(world, principal, audience, proof, lifetime)
    if capabilities:
        claims["xms_cc"] = capabilities
    keys = world.state(SigningKeys)
    await keys.ensure(ENTRA)
    text = await keys.sign(ENTRA, claims, x5t=keys.kid(ENTRA))
    return AccessToken(text, claims, lifetime)


def _claims(world: World, principal: Principal, audience: str, proof: str, lifetime: int) -> Json:
    issued = int(world.clock.now()) - BACKDATED
    issuer = issuer_url(world.tenant_id)
    claims = {
        "aud": audience,
        "iss": issuer,
        "iat": issued,
        "nbf": issued,
        "exp": issued + BACKDATED + lifetime,
        "aio": secrets.token_urlsafe(32),
        "appid": principal.client_id,
        "appidacr": proof,
        "idp": issuer,
        "idtyp": "app",
        "oid": principal.object_id,
        "sub": principal.object_id,
        "tid": world.tenant_id,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
    }
    if audience in GRAPH_AUDIENCES and principal.object_id == deployer(world):
        claims["roles"] = [GRAPH_PERMISSION]
    if principal.resource_id:
        claims["xms_mirid"] = principal.resource_id.replace("/resourceGroups/", "/resourcegroups/")
    return claims


def deployer(world: World) -> str:
    """The object id of the one principal that holds a permission of Graph's."""
    return world.ids.fixed("service principal", DEPLOYER_NAME)
