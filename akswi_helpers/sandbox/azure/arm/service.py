"""Azure Resource Manager's front door: who may ask, at which api-version, and how it says no.

    SERVICE                                          management.azure.com
    call(world, caller, method, path, api_version)   the same, in process

Every route of every resource provider passes `admit`: api-version, token, subscription, role,
resource group. Handlers are plain functions, so that the deployment engine can call them inside its
own transaction.

Source: https://learn.microsoft.com/rest/api/azure and recorded exchanges. Left out: throttling,
resource locks, policy, private links.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import cast

from akswi_helpers.sandbox import dispatch
from akswi_helpers.sandbox.azure.aks import service as containerservice
from akswi_helpers.sandbox.azure.arm import (
    authorization,
    deployments,
    managed_identity,
    permissions,
    refusals,
    resource_groups,
    resources,
    stored,
    subscriptions,
)
from akswi_helpers.sandbox.azure.arm.property_tables import arm_data
from akswi_helpers.sandbox.azure.arm.requests import ANYONE, inherit, refuse_unknown_query
from akswi_helpers.sandbox.azure.arm.resource_groups import Groups
from akswi_helpers.sandbox.azure.arm.resource_ids import group_id, target_of, type_of
from akswi_helpers.sandbox.azure.compute import service as compute
from akswi_helpers.sandbox.azure.entra import access
from akswi_helpers.sandbox.azure.keyvault import vaults as keyvault_vaults
from akswi_helpers.sandbox.wire import (
    Caller,
    Handler,
    MalformedBody,
    Reply,
    Request,
    Route,
    Router,
    Service,
    WireError,
    not_emulated,
)
from akswi_helpers.sandbox.world import Identifiers, World
from akswi_helpers.types import Json

HOST = "management.azure.com"

_HEADERS = {
    "cache-control": "no-cache",
    "pragma": "no-cache",
    "expires": "-1",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-cache": "CONFIG_NOCACHE",
}
_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
_PRETTY = {"microsoft.compute": "\r\n", "microsoft.containerservice": "\n"}


def call(
    world: World,
    caller: Caller,
    method: str,
    resource_path: str,
    api_version: str,
    body: Json | None = None,
) -> Reply:
    """Do what a client's request would, in process, inside the open transaction if there is one.

    Raises WireError for every refusal. The reply's body is the JSON object itself.
    """
    request = Request(
        method,
        HOST,
        resource_path,
        f"api-version={api_version}",
        body=json.dumps(body).encode() if body is not None else b"",
        caller=caller,
    )
    found = _router().match(request)
    if found is None:
        raise unknown(request)
    route, request = found
    try:
        return dispatch.run(world, route, _judged(world, request, route))
    except MalformedBody as error:
        raise malformed(request, error) from error


def admit(world: World, request: Request, route: Route) -> Request:
    """The request with its caller, when ARM lets it through to the provider. Raises WireError."""
    if not request.query.get("api-version"):
        raise refusals.missing_api_version()
    return _judged(world, replace(request, caller=_caller(world, request)), route)


def render_error(error: WireError, request: Request) -> Reply:
    """ARM's envelope; AKS answers without the outer "error" (`flat`)."""
    extra = dict(error.extra)
    if extra.pop("flat", False):
        body: Json = {"code": error.code, "details": None, "message": error.message, "subcode": ""}
    else:
        body = {"error": {"code": error.code, "message": error.message, **extra}}
    headers = {"x-ms-failure-cause": "service", **error.headers}
    return _dressed(Reply(body, error.status, headers), request)


def unknown(request: Request) -> WireError:
    """501, naming the operation."""
    return not_emulated(f"{request.method} on {_kind(request.path)} ({request.path})")


def malformed(request: Request, error: MalformedBody) -> WireError:
    """400 for a body that is not JSON."""
    text = f"The request content was invalid and could not be deserialized: '{error}'."
    return refusals.invalid_request(text)


def _kind(path: str) -> str:
    target = target_of(path)
    if "/providers/" not in path.lower():
        return type_of(target)
    after = path[path.lower().rindex("/providers/") + len("/providers/") :].split("/")
    return "/".join([after[0], *after[1::2]])


def _judged(world: World, request: Request, route: Route) -> Request:
    _require_subscription(world, request)
    _require_version(request, route)
    _require_role(world, request, route)
    subscriptions.require_registered(world, route.type)
    refuse_unknown_query(route.handler, request)
    return _in_group(world, request, route)


def _caller(world: World, request: Request) -> Caller:
    authorization_header = request.headers.get("authorization", "")
    try:
        return access.caller_of(world, authorization_header, access.ARM_AUDIENCES)
    except access.TokenRefused as refused:
        raise _token_refusal(world, refused) from refused


def _token_refusal(world: World, refused: access.TokenRefused) -> WireError:
    if refused.reason == "missing":
        return refusals.authentication_failed(world.tenant_id)
    invalid = "InvalidAuthenticationToken"
    now = datetime.fromtimestamp(world.clock.now(), UTC)
    expiry = datetime.fromtimestamp(float(refused.claims.get("exp", 0)), UTC)
    code, text = {
        "expired": (
            "ExpiredAuthenticationToken",
            f"The access token expiry UTC time '{expiry:%m/%d/%Y %I:%M:%S %p}' is earlier than "
            f"current UTC time '{now:%m/%d/%Y %I:%M:%S %p}'.",
        ),
        "issuer": (
            "InvalidAuthenticationTokenTenant",
            f"The access token is from the wrong issuer '{refused.claims.get('iss')}'. It must "
            f"match the tenant '{access.issuer_url(world.tenant_id)}' associated with this "
            "subscription.",
        ),
        "audience": (
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for wrong audience or resource "
            f"'{refused.claims.get('aud')}'. It should exactly match with one of the allowed "
            f"audiences '{','.join(sorted(access.ARM_AUDIENCES))}'.",
        ),
    }.get(refused.reason, (invalid, "The access token is invalid."))
    return refusals.invalid_token(world.tenant_id, code, text)


def _require_subscription(world: World, request: Request) -> None:
    parts = request.path.strip("/").split("/")
    named = parts[1] if len(parts) > 1 and parts[0].lower() == "subscriptions" else ""
    if named and named.lower() != world.subscription_id.lower():
        raise refusals.subscription_not_found(named)


def _require_version(request: Request, route: Route) -> None:
    known: dict[str, list[str]] = arm_data("api-versions")
    if route.type not in known:
        raise not_emulated(f"the resource type {route.type}")
    version = request.query.get("api-version", "")
    if version.lower() not in known[route.type]:
        body = _location(request)
        where = list(arm_data("locations"))
        raise refusals.no_registered_provider(body, version, route.type, known[route.type], where)


def _location(request: Request) -> str:
    try:
        return str(request.json().get("location", ""))
    except MalformedBody:
        return ""


def _require_role(world: World, request: Request, route: Route) -> None:
    if route.action == ANYONE:
        return
    assert request.caller is not None
    action, scope = route.action or _derived(request, route), target_of(request.path)
    who, about = request.caller, authorization.attributes(world, request, action)
    if not authorization.allowed(world, who.object_id, action, scope, about=about):
        raise refusals.authorization_failed(who.client_id, who.object_id, action, scope)


def _derived(request: Request, route: Route) -> str:
    if request.method == "POST":
        return f"{route.type}/{request.path.rstrip('/').rpartition('/')[2]}/action"
    return f"{route.type}/{_VERBS[request.method]}"


def _in_group(world: World, request: Request, route: Route) -> Request:
    """The request with the group's name in the casing it was made with. Raises WireError."""
    if "group" not in request.args or route.path == resource_groups.PATH:
        return request
    name = request.args["group"]
    group = world.state(Groups).get(group_id(request.args["subscription"], name))
    if group is None:
        raise refusals.group_not_found(name)
    going = group["properties"]["provisioningState"] == "Deleting"
    if going and request.method in ("PUT", "PATCH"):
        raise refusals.group_being_deleted(group["name"])
    return replace(request, args={**request.args, "group": group["name"]})


def _dressed(reply: Reply, request: Request) -> Reply:
    """The reply with ARM's headers, and its body printed as that provider prints it."""
    trace, now = Identifiers.random_guid(), datetime.now(UTC)
    headers = {
        **_HEADERS,
        "x-ms-request-id": trace,
        "x-ms-correlation-request-id": request.headers.get("x-ms-correlation-request-id", trace),
        "x-ms-routing-request-id": f"WESTEUROPE:{now:%Y%m%dT%H%M%SZ}:{trace}",
    }
    if request.headers.get("x-ms-return-client-request-id", "").lower() == "true":
        headers["x-ms-client-request-id"] = request.headers.get("x-ms-client-request-id", "")
    if reply.body is not None:
        headers["content-type"] = "application/json; charset=utf-8"
    return replace(reply, body=_printed(reply, request), headers={**headers, **reply.headers})


def _printed(reply: Reply, request: Request) -> object:
    if isinstance(reply.body, dict | list):
        namespace = _kind(request.path).partition("/")[0].lower()
        if newline := _PRETTY.get(namespace):
            text = json.dumps(reply.body, indent=2, ensure_ascii=False)
            return text.replace("\n", newline)
    return reply.body


_IN_TIME: dict[object, Callable[[World, Request], Awaitable[Reply]]] = {
    managed_identity.put_credential: managed_identity.put_credential_in_time,
}


def _dressing(route: Route) -> Route:
    """The route as clients see it; `call` uses the bare one."""
    handler = cast("Callable[[World, Request], Reply]", route.handler)
    slow = _IN_TIME.get(route.handler)

    def dressed(world: World, request: Request) -> Reply:
        return _dressed(handler(world, request), request)

    async def dressed_in_time(world: World, request: Request) -> Reply:
        assert slow is not None
        return _dressed(await slow(world, request), request)

    outer: Handler = dressed_in_time if slow else dressed
    inherit(outer, route.handler)
    return replace(route, handler=outer)


ROUTES: tuple[Route, ...] = (
    *subscriptions.ROUTES,
    *resource_groups.ROUTES,
    *resources.ROUTES,
    *authorization.ROUTES,
    *permissions.ROUTES,
    *managed_identity.ROUTES,
    *keyvault_vaults.ROUTES,
    *compute.ROUTES,
    *containerservice.ROUTES,
    *deployments.ROUTES,
    *stored.ROUTES,
)
"""Every operation under management.azure.com, as its provider wrote it."""


@cache
def _router() -> Router:
    return Router(ROUTES)


SERVICE = Service(
    name="arm",
    hosts=(HOST,),
    routes=tuple(_dressing(route) for route in ROUTES),
    render_error=render_error,
    unknown=unknown,
    malformed=malformed,
    admit=admit,
)


def resume(world: World) -> None:
    """Take up deletions and deployments that were under way when the sandbox ended."""
    resource_groups.resume(world)
    deployments.resume(world)
