"""Entra ID's token endpoint and discovery documents, for the one tenant of this sandbox.

    GET  /common/discovery/instance                        which clouds there are
    GET  /{tenant}/v2.0/.well-known/openid-configuration   where everything is
    GET  /{tenant}/discovery/v2.0/keys                     the keys that sign access tokens
    POST /{tenant}/oauth2/v2.0/token                       client credentials: secret or assertion
    POST /{tenant}/oauth2/token                            the same, naming a `resource`

Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow;
answers as recorded from the real service.
Left out: people (device code, browser, password), refresh tokens, certificates as credentials,
on-behalf-of, other tenants; they answer 501 NotEmulated.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from akswi_helpers.sandbox.azure.entra import access_tokens, errors, federation
from akswi_helpers.sandbox.azure.entra.access import ENTRA
from akswi_helpers.sandbox.azure.entra.access_tokens import AccessToken
from akswi_helpers.sandbox.azure.entra.directory import (
    Directory,
    Principal,
    secret_matches,
    secret_period,
)
from akswi_helpers.sandbox.tokens import SigningKeys
from akswi_helpers.sandbox.wire import (
    MalformedBody,
    Reply,
    Request,
    Route,
    Service,
    WireError,
    not_emulated,
)
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

AsyncHandler = Callable[[World, Request], Awaitable[Reply]]

HOST = "login.microsoftonline.com"
AUTHORITY = f"https://{HOST}"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLIENT_CREDENTIALS = "client_credentials"
GRANTS_LEFT_OUT = frozenset(
    {
        "authorization_code",
        "password",
        "refresh_token",
        "device_code",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
    }
)
SHARED_TENANTS = frozenset({"common", "organizations", "consumers"})
OIDC_SCOPES = frozenset({"openid", "profile", "offline_access", "email"})  # some clients add them


# 1 · Shapes: what is asked for, and how answers look on the wire -------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A client-credentials request whose fields are all there."""

    client_id: str
    resource: str
    secret: str | None
    assertion: str | None
    capabilities: list[str]


def token_to_wire(token: AccessToken) -> Json:
    """The success body; numbers are numbers here (the metadata service writes texts)."""
    seconds = token.lifetime - 1
    return {
        "token_type": "Bearer",
        "expires_in": seconds,
        "ext_expires_in": seconds,
        "access_token": token.text,
    }


def configuration(tenant: str) -> Json:
    """The tenant's OpenID Connect discovery document."""
    base = f"{AUTHORITY}/{tenant}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/v2.0",
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    }


def instances(tenant: str) -> Json:
    """The instance discovery document, naming the public cloud alone."""
    return {
        "tenant_discovery_endpoint": f"{AUTHORITY}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {
                "preferred_network": HOST,
                "preferred_cache": "login.windows.net",
                "aliases": [HOST, "login.windows.net", "login.microsoft.com", "sts.windows.net"],
            }
        ],
    }


# 2 · State: the Directory knows who exists, SigningKeys who signs; nothing is kept here --------


async def sign_in(world: World, asked: Asked) -> AccessToken:
    """A token for the client that proved who it is. Raises Entra's refusal."""
    principal = _principal(world, asked.client_id)
    proof = await _proof(world, principal, asked)
    if asked.resource not in access_tokens.RESOURCES:
        raise errors.resource_unknown(asked.resource, world.tenant_id)
    # The issuer's documents took a while: the principal, or its credential, may be gone by now.
    principal = _principal(world, asked.client_id)
    return await access_tokens.issue(world, principal, asked.resource, proof, asked.capabilities)


def _principal(world: World, client_id: str) -> Principal:
    found = world.state(Directory).known(client_id)
    if found is None:
        raise errors.client_unknown(client_id, world.tenant_id)
    return found


async def _proof(world: World, principal: Principal, asked: Asked) -> str:
    if asked.assertion is not None:
        await federation.check(world, principal, asked.assertion)
        return access_tokens.ASSERTION
    if asked.secret is None:
        raise errors.no_credential()
    start, end = secret_period(principal, asked.secret)
    now = world.clock.now()
    if not secret_matches(principal, asked.secret) or now < start:
        raise errors.secret_wrong(principal.client_id)
    if now >= end:
        raise errors.secret_expired(principal.client_id)
    return access_tokens.SECRET


# 3 · Errors: the envelope; the situations are in entra_errors ---------------------------------


def in_sandbox_time(handler: AsyncHandler) -> AsyncHandler:
    """The handler, its refusals dated by the sandbox's clock (which a test can move)."""

    @functools.wraps(handler)
    async def answer(world: World, request: Request) -> Reply:
        try:
            return await handler(world, request)
        except WireError as error:
            return errors.render(error, request, world.clock.now())

    return answer


def unknown(request: Request) -> WireError:
    """A path that Entra has, perhaps, and this sandbox does not."""
    return not_emulated(f"{request.method} {request.host}{request.path}")


def malformed(request: Request, error: MalformedBody) -> WireError:
    """A body that is not a form."""
    return errors.parameter_missing("grant_type")


# 4 · Routes: parse, ask, render ---------------------------------------------------------------


def get_instances(world: World, request: Request) -> Reply:
    """Which clouds there are; an authority of another host is none of them."""
    return Reply(instances(world.tenant_id), headers=_DISCOVERY)


def get_configuration(world: World, request: Request) -> Reply:
    """The discovery document."""
    _check_tenant(world, request, discovery=True)
    return Reply(configuration(world.tenant_id), headers=_DISCOVERY)


async def get_keys(world: World, request: Request) -> Reply:
    """The public keys."""
    _check_tenant(world, request, discovery=True)
    published = await world.state(SigningKeys).jwks(ENTRA)
    issuer = f"{AUTHORITY}/{world.tenant_id}/v2.0"
    keys = [
        {"kty": "RSA", "use": "sig", "kid": key["kid"], "x5t": key["kid"], "issuer": issuer}
        | {"n": key["n"], "e": key["e"]}
        for key in published["keys"]
    ]
    return Reply({"keys": keys}, headers=_DISCOVERY)


@in_sandbox_time
async def post_token(world: World, request: Request) -> Reply:
    """A token, by the v2.0 endpoint: `scope` is `<resource>/.default`."""
    _check_tenant(world, request)
    form = _form(request)
    if "resource" in form:
        raise errors.resource_parameter()
    token = await sign_in(world, _asked(form, _resource_of_scope(_needed(form, "scope"))))
    return Reply(token_to_wire(token), headers=_token_headers(world))


@in_sandbox_time
async def post_token_v1(world: World, request: Request) -> Reply:
    """A token, by the older endpoint: `resource` names whom it is for."""
    _check_tenant(world, request)
    form = _form(request)
    token = await sign_in(world, _asked(form, _needed(form, "resource")))
    expires = {"expires_on": str(token.claims["exp"]), "not_before": str(token.claims["nbf"])}
    texts = {name: str(value) for name, value in token_to_wire(token).items()}
    body = {**texts, **expires, "resource": str(token.claims["aud"])}
    return Reply(body, headers=_token_headers(world))


def _check_tenant(world: World, request: Request, *, discovery: bool = False) -> None:
    named = request.args["tenant"]
    if named.lower() in SHARED_TENANTS:
        raise not_emulated(f"sign-in through /{named.lower()}; name the tenant")
    if named.lower() != world.tenant_id.lower():
        raise errors.tenant_unknown(named, discovery=discovery)


def _form(request: Request) -> dict[str, str]:
    """The form's fields, with the client's id and secret from Basic authentication."""
    form = dict(request.form())
    _check_grant(_needed(form, "grant_type"))
    scheme, _, packed = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        form |= _basic(packed)
    return form


def _basic(packed: str) -> dict[str, str]:
    try:
        client, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return {}
    unquoted = urllib.parse.unquote_plus
    return {"client_id": unquoted(client), "client_secret": unquoted(secret)}


def _check_grant(grant: str) -> None:
    if grant in GRANTS_LEFT_OUT:
        raise not_emulated(f"the grant {grant}")
    if grant != CLIENT_CREDENTIALS:
        raise errors.grant_unknown(grant)


def _asked(form: Mapping[str, str], resource: str) -> Asked:
    client = _needed(form, "client_id")
    assertion = form.get("client_assertion")
    if assertion is not None:
        kind = _needed(form, "client_assertion_type")
        if kind != JWT_BEARER:
            raise errors.assertion_type_unknown(kind)
        if "client_secret" in form:
            raise not_emulated("a client_secret beside a client_assertion")
    return Asked(client, resource, form.get("client_secret"), assertion, _capabilities(form))


def _needed(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise errors.parameter_missing(name)
    return form[name]


def _resource_of_scope(scope: str) -> str:
    """The resource of `<resource>/.default`; exactly that suffix goes, so // leaves one slash."""
    named = [one for one in scope.split() if one not in OIDC_SCOPES]
    if len(named) != 1 or not named[0].endswith("/.default"):
        raise errors.scope_invalid(scope)
    return named[0].removesuffix("/.default")


def _capabilities(form: Mapping[str, str]) -> list[str]:
    """What a client says it can handle: az sends {"access_token":{"xms_cc":{"values":["CP1"]}}}."""
    try:
        values = json.loads(form.get("claims", "{}"))["access_token"]["xms_cc"]["values"]
    except (ValueError, KeyError, TypeError):
        return []
    return [str(value) for value in values] if isinstance(values, list) else []


def _token_headers(world: World) -> Json:
    return {**_TOKEN, "x-ms-request-id": world.ids.random_guid()}


_TOKEN = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
    "x-ms-clitelem": "1,0,0,,",
}
_DISCOVERY = {
    "Cache-Control": "max-age=86400, private",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, OPTIONS",
}

ROUTES = (
    Route("GET", "/common/discovery/instance", get_instances),
    Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", get_configuration),
    Route("GET", "/{tenant}/discovery/v2.0/keys", get_keys),
    Route("POST", "/{tenant}/oauth2/v2.0/token", post_token),
    Route("POST", "/{tenant}/oauth2/token", post_token_v1),
)

SERVICE = Service("entra", (HOST,), ROUTES, errors.render, unknown, malformed)
