"""The OIDC issuer documents of every cluster: who signs its service-account tokens.

    GET /{tenant}/{issuer}/.well-known/openid-configuration
    GET /{tenant}/{issuer}/openid/v1/jwks

Public, at https://{region}.oic.prod-aks.azure.com, as on AKS; Entra fetches them before it trusts
a token. Source: https://learn.microsoft.com/azure/aks/use-oidc-issuer. Left out: key rotation
(one key, where AKS publishes two).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from akswi_helpers.sandbox.tokens import SigningKeys
from akswi_helpers.sandbox.wire import (
    UNVERIFIED,
    MalformedBody,
    Reply,
    Request,
    Route,
    Service,
    WireError,
)
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

# 1 · Shapes: the discovery document ------------------------------------------------------------


def configuration(issuer: str) -> Json:
    """The discovery document of `issuer`, a URL with its trailing slash."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


# 2 · State: Clusters knows the issuers, SigningKeys their keys; nothing is kept here -----------


def cluster_of(world: World, request: Request) -> Cluster:
    """The cluster whose issuer the request's address begins with, to the letter."""
    if not world.table("clusters"):
        raise not_found()
    from akswi_helpers.sandbox.cluster.clusters import Clusters

    found = world.state(Clusters).by_issuer(request.args["issuer"])
    if found is None or not request.url.startswith(found.spec.issuer):
        raise not_found()
    return found


# 3 · Errors: plain, for the real issuer is a store of files -----------------------------------


def not_found() -> WireError:
    """No cluster has this issuer."""
    return WireError(404, "BlobNotFound", f"{UNVERIFIED}There is no such issuer document.")


def render_error(error: WireError, request: Request) -> Reply:
    """A refusal, as text."""
    return Reply(f"{error.code}: {error.message}\n", error.status)


def unknown(request: Request) -> WireError:
    """Any other path."""
    return not_found()


def malformed(request: Request, error: MalformedBody) -> WireError:
    """A body where none is read."""
    return not_found()


# 4 · Routes: parse, ask, render ---------------------------------------------------------------


def get_configuration(world: World, request: Request) -> Reply:
    """The discovery document."""
    return Reply(configuration(cluster_of(world, request).spec.issuer))


async def get_keys(world: World, request: Request) -> Reply:
    """The public keys."""
    key = cluster_of(world, request).issuer_key
    return Reply(await world.state(SigningKeys).jwks(key))


ROUTES = (
    Route("GET", "/{tenant}/{issuer}/.well-known/openid-configuration", get_configuration),
    Route("GET", "/{tenant}/{issuer}/openid/v1/jwks", get_keys),
)

SERVICE = Service("issuer", ("*.oic.prod-aks.azure.com",), ROUTES, render_error, unknown, malformed)
