"""Key Vault's secrets, data plane: https://{vault}.vault.azure.net.

    PUT /secrets/{name}
    GET /secrets/{name}
    GET /secrets/{name}/{version}
    PATCH /secrets/{name}
    PATCH /secrets/{name}/{version}
    DELETE /secrets/{name}
    GET /secrets
    GET /secrets/{name}/versions
    GET /deletedsecrets
    GET /deletedsecrets/{name}
    POST /deletedsecrets/{name}/recover
    DELETE /deletedsecrets/{name}

Without a token the answer is the 401 challenge. With one, Azure RBAC is asked at every request,
or the vault's access policies when it was made so.

Source: https://learn.microsoft.com/rest/api/keyvault/secrets and recorded exchanges. Left out:
keys, certificates, backup and restore; a deletion settles at once.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from akswi_helpers.sandbox.azure.arm import authorization
from akswi_helpers.sandbox.azure.arm.requests import caller_of
from akswi_helpers.sandbox.azure.entra import access
from akswi_helpers.sandbox.azure.keyvault import refusals as sayings
from akswi_helpers.sandbox.azure.keyvault.deleted import vault_named
from akswi_helpers.sandbox.azure.keyvault.shapes import bundle, deletion, item
from akswi_helpers.sandbox.azure.keyvault.store import Secrets, pick
from akswi_helpers.sandbox.wire import (
    UNVERIFIED,
    MalformedBody,
    Reply,
    Request,
    Route,
    Service,
    WireError,
    not_emulated,
)
from akswi_helpers.sandbox.world import Identifiers, World
from akswi_helpers.types import Json

# 1 · Shapes: secrets are in keyvault_shapes.py; here, versions and headers -----

VERSIONS = ("7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01", "2026-04-01")
PAGE = 25  # most items of one page

_HEADERS = {
    "cache-control": "no-cache",
    "pragma": "no-cache",
    "expires": "-1",
    "strict-transport-security": "max-age=31536000;includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-ms-keyvault-service-version": "1.9.331.5",
    "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;",
    "x-powered-by": "ASP.NET",
}


# 2 · State: in keyvault_store.py; here, who may touch it ----------------------

_POLICY = {  # data action -> the permission an access policy calls it
    "getSecret/action": "get",
    "setSecret/action": "set",
    "update/action": "set",
    "readMetadata/action": "list",
    "delete": "delete",
    "recover/action": "recover",
    "purge/action": "purge",
}


def require_right(world: World, request: Request, vault: Json, action: str, name: str = "") -> None:
    """Raise WireError 403 unless the caller may do `action` on the vault or its secret."""
    caller, full = caller_of(request), f"Microsoft.KeyVault/vaults/secrets/{action}"
    if not vault["properties"]["enableRbacAuthorization"]:
        if not _policy_allows(vault, caller.object_id, _POLICY[action]):
            raise sayings.forbidden_by_policy(caller, _POLICY[action], vault)
        return
    scope = f"{vault['id']}/secrets/{name}" if name else vault["id"]
    if not authorization.allowed(world, caller.object_id, full, scope, data=True):
        head, _, _ = vault["id"].lower().rpartition("/providers/")
        group, kept = head.rpartition("/")[2], vault["id"].split("/")[4]
        shown = f"{head.removesuffix(group)}{kept}/providers/microsoft.keyvault/vaults/"
        shown += vault["name"] + (f"/secrets/{name}" if name else "")
        raise sayings.forbidden_by_rbac(caller, full, shown, vault)


def _policy_allows(vault: Json, object_id: str, permission: str) -> bool:
    for policy in vault["properties"]["accessPolicies"]:
        granted = [str(one).lower() for one in policy["permissions"].get("secrets") or []]
        if policy["objectId"].lower() == object_id and {permission, "all"} & set(granted):
            return True
    return False


def known_host(world: World, host: str) -> bool:
    """Whether a vault answers at `host`; on Azure the name of any other does not resolve."""
    return vault_named(world, host.partition(".")[0]) is not None


# 3 · Errors: in keyvault_refusals.py; here, the envelope ----------------------


def render_error(error: WireError, request: Request) -> Reply:
    """Key Vault's envelope: `innererror` lies inside `error`."""
    body = {"error": {"code": error.code, "message": error.message, **error.extra}}
    return _dressed(Reply(body, error.status, error.headers))


def unknown(request: Request) -> WireError:
    """501, naming the operation."""
    return not_emulated(f"{request.method} {request.path} of Key Vault")


def malformed(request: Request, error: MalformedBody) -> WireError:
    """400 for a body that is not JSON."""
    return sayings.bad_parameter(f"The request body is not valid JSON: {error}")


_TOKEN_TEXTS = {
    "malformed": "AKV10000: The token is malformed.",
    "signature": "AKV10000: The token's signature is not valid.",
    "early": "AKV10000: The token is not yet valid.",
    "expired": "AKV10000: The token is expired.",
    "principal": "AKV10000: The token's principal is not known.",
}


def _token_text(world: World, refused: access.TokenRefused) -> str:
    if refused.reason == "missing":
        return "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token."
    if refused.reason == "audience":
        found = refused.claims["aud"]
        return f"AKV10022: Invalid audience. Expected https://vault.azure.net, found: {found}."
    if refused.reason == "issuer":
        good, found = access.issuer_url(world.tenant_id), refused.claims["iss"]
        return f"AKV10032: Invalid issuer. Expected one of {good}, found {found}."
    return UNVERIFIED + _TOKEN_TEXTS[refused.reason]


# 4 · Routes: parse, ask the state, render -------------------------------------


def admit(world: World, request: Request, route: Route) -> Request:
    """The request with its caller. Raises WireError 401 with the challenge, 404, 400."""
    if not known_host(world, request.host):
        raise WireError(404, "VaultNotFound", UNVERIFIED + f"{request.host} is no vault.")
    try:
        header = request.headers.get("authorization", "")
        caller = access.caller_of(world, header, access.VAULT_AUDIENCES)
    except access.TokenRefused as refused:
        raise sayings.unauthorized(world.tenant_id, _token_text(world, refused)) from refused
    _require_query(request)
    name = request.args.get("name")
    if name is not None and not re.fullmatch(r"[A-Za-z0-9-]{1,127}", name):
        raise sayings.secret_name_invalid(name)
    return request.by(caller)


def set_secret(world: World, request: Request) -> Reply:
    """Store a new version."""
    vault, name = _vault(world, request), request.args["name"]
    require_right(world, request, vault, "setSecret/action", name)
    secrets, body = world.state(Secrets), request.json()
    if secrets.deleted(vault["name"], name):
        raise sayings.secret_soft_deleted(name)
    value = sayings.fitting_value(body.get("value"))
    stored = secrets.put(vault["name"], name, value, **_attributes(body))
    return Reply(bundle(vault, stored, stored["versions"][-1]))


def get_secret(world: World, request: Request) -> Reply:
    """Read the newest version, or the one that is named."""
    vault, name = _vault(world, request), request.args["name"]
    require_right(world, request, vault, "getSecret/action", name)
    secret, version = _existing(world, vault, request)
    if not version["enabled"]:
        raise sayings.secret_disabled()
    return Reply(bundle(vault, secret, version))


def update_secret(world: World, request: Request) -> Reply:
    """Change a version's attributes, tags or content type; never its value."""
    vault, name = _vault(world, request), request.args["name"]
    require_right(world, request, vault, "update/action", name)
    secret, version = _existing(world, vault, request)
    given = _attributes(request.json())
    changed = world.state(Secrets).change(vault["name"], secret, version["version"], **given)
    return Reply(bundle(vault, secret, changed, value=False))


def delete_secret(world: World, request: Request) -> Reply:
    """Soft-delete a secret with all its versions."""
    vault, name = _vault(world, request), request.args["name"]
    require_right(world, request, vault, "delete", name)
    secret, version = _existing(world, vault, request)
    days = vault["properties"]["softDeleteRetentionInDays"]
    gone = world.state(Secrets).delete(vault["name"], secret, days)
    return Reply({**deletion(vault, gone), **bundle(vault, gone, version, value=False)})


def list_secrets(world: World, request: Request) -> Reply:
    """The secrets' names and attributes."""
    vault = _vault(world, request)
    require_right(world, request, vault, "readMetadata/action")
    found = world.state(Secrets).all(vault["name"])
    return _page(request, [item(vault, one, one["versions"][-1]) for one in found])


def list_versions(world: World, request: Request) -> Reply:
    """A secret's versions."""
    vault, name = _vault(world, request), request.args["name"]
    require_right(world, request, vault, "readMetadata/action", name)
    found = world.state(Secrets).get(vault["name"], name) or {"versions": []}
    return _page(request, [item(vault, found, one, versioned=True) for one in found["versions"]])


def list_deleted(world: World, request: Request) -> Reply:
    """The deleted secrets."""
    vault = _vault(world, request)
    require_right(world, request, vault, "readMetadata/action")
    found = world.state(Secrets).all(vault["name"], deleted=True)
    shown = [{**deletion(vault, one), **item(vault, one, one["versions"][-1])} for one in found]
    return _page(request, shown)


def get_deleted(world: World, request: Request) -> Reply:
    """One deleted secret, without its value."""
    vault, name = _vault(world, request), request.args["name"]
    require_right(world, request, vault, "readMetadata/action", name)
    secret = _existing_deleted(world, vault, name)
    shown = bundle(vault, secret, secret["versions"][-1], value=False)
    return Reply({**deletion(vault, secret), **shown})


def recover_deleted(world: World, request: Request) -> Reply:
    """Bring a deleted secret back."""
    vault, name = _vault(world, request), request.args["name"]
    require_right(world, request, vault, "recover/action", name)
    secret = _existing_deleted(world, vault, name)
    back = world.state(Secrets).recover(vault["name"], secret)
    return Reply(bundle(vault, back, back["versions"][-1], value=False))


def purge_deleted(world: World, request: Request) -> Reply:
    """Forget a deleted secret for good."""
    vault, name = _vault(world, request), request.args["name"]
    require_right(world, request, vault, "purge/action", name)
    secret = _existing_deleted(world, vault, name)
    if vault["properties"].get("enablePurgeProtection"):
        raise sayings.purge_protected(name)
    world.state(Secrets).purge(vault["name"], secret)
    return Reply(None, 204)


def _vault(world: World, request: Request) -> Json:
    found = vault_named(world, request.host.partition(".")[0])
    assert found is not None  # admit has looked
    return found


def _existing(world: World, vault: Json, request: Request) -> tuple[Json, Json]:
    name, wanted = request.args["name"], request.args.get("version", "")
    secret = world.state(Secrets).get(vault["name"], name)
    version = pick(secret, wanted) if secret else None
    if secret is None or version is None:
        raise sayings.secret_not_found(f"{name}/{wanted}" if wanted else name)
    return secret, version


def _existing_deleted(world: World, vault: Json, name: str) -> Json:
    found = world.state(Secrets).deleted(vault["name"], name)
    if found is None:
        raise sayings.secret_not_found(name)
    return found


def _attributes(body: Json) -> Json:
    """A body's attributes, tags and content type, as they are stored. Raises WireError."""
    sent, tags = body.get("attributes") or {}, body.get("tags")
    if unknown_ := set(body) - {"value", "attributes", "tags", "contentType", "id"}:
        raise sayings.bad_parameter(f"Unknown property {sorted(unknown_)[0]}")
    if not isinstance(sent.get("enabled", True), bool | None):
        raise sayings.bad_parameter("Property attributes.enabled must be a boolean")
    if tags is not None and not all(isinstance(text, str) for text in tags.values()):
        raise sayings.bad_parameter("Property tags must hold strings")
    kept = {name: sent.get(name) for name in ("enabled", "nbf", "exp")}
    return {**kept, "tags": tags, "contentType": body.get("contentType")}


def _require_query(request: Request) -> None:
    query = request.query
    version = query.get("api-version")
    if not version:
        raise sayings.bad_parameter("api-version must be specified")
    if version not in VERSIONS:
        newest = f"Consider using the latest supported version ({VERSIONS[-1]})."
        raise sayings.bad_parameter(
            f"The specified version ({version}) is not recognized. {newest}"
        )
    for name in query:
        if name not in ("api-version", "maxresults", "$skiptoken"):
            raise not_emulated(f"the query parameter '{name}' of Key Vault")


def _page(request: Request, rows: list[Json]) -> Reply:
    asked = request.query.get("maxresults", str(PAGE))
    if not asked.isdigit() or not 1 <= int(asked) <= PAGE:
        raise sayings.bad_parameter(f"maxresults must be between 1 and {PAGE}")
    start, size = _start(request), int(asked)
    more = None
    if start + size < len(rows):
        token = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        query = f"api-version={request.query['api-version']}&$skiptoken={token}&maxresults={size}"
        more = f"https://{request.host}{request.path}?{query}"
    return Reply({"value": rows[start : start + size], "nextLink": more})


def _start(request: Request) -> int:
    token = request.query.get("$skiptoken", "")
    try:
        return int(base64.urlsafe_b64decode(token) or 0)
    except ValueError as error:
        raise sayings.bad_parameter("$skiptoken is not valid") from error


def _dressed(reply: Reply, more: Mapping[str, str] | None = None) -> Reply:
    random = Identifiers.random_guid()
    headers = {**_HEADERS, "x-ms-request-id": random, **reply.headers, **(more or {})}
    if reply.body is not None:
        headers["content-type"] = "application/json; charset=utf-8"
    return Reply(reply.body, reply.status, headers, reply.stream)


def _dressing(route: Route) -> Route:
    handler = cast("Callable[[World, Request], Reply]", route.handler)

    def dressed(world: World, request: Request) -> Reply:
        reply = handler(world, request)
        return _dressed(reply, {"x-ms-keyvault-region": _vault(world, request)["location"]})

    return replace(route, handler=dressed)


ROUTES = (
    Route("PUT", "/secrets/{name}", set_secret),
    Route("GET", "/secrets/{name}", get_secret),
    Route("GET", "/secrets/{name}/{version}", get_secret),
    Route("PATCH", "/secrets/{name}", update_secret),
    Route("PATCH", "/secrets/{name}/{version}", update_secret),
    Route("DELETE", "/secrets/{name}", delete_secret),
    Route("GET", "/secrets", list_secrets),
    Route("GET", "/secrets/{name}/versions", list_versions),
    Route("GET", "/deletedsecrets", list_deleted),
    Route("GET", "/deletedsecrets/{name}", get_deleted),
    Route("POST", "/deletedsecrets/{name}/recover", recover_deleted),
    Route("DELETE", "/deletedsecrets/{name}", purge_deleted),
)

SERVICE = Service(
    name="keyvault",
    hosts=("*.vault.azure.net",),
    routes=tuple(_dressing(route) for route in ROUTES),
    render_error=render_error,
    unknown=unknown,
    malformed=malformed,
    admit=admit,
)
