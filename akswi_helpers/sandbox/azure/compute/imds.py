"""The instance metadata service, for tokens of the identities on the calling node.

    GET /metadata/identity/oauth2/token   with resource, and client_id, object_id or msi_res_id

Which node is calling is the proxy user; a person is on no node and finds no identity. Plain HTTP at
169.254.169.254, with the header "Metadata: true".

Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/
how-to-use-vm-token, and answers seen on AKS nodes.
Left out: /metadata/instance and everything else (501), system-assigned identities.
"""

from __future__ import annotations

from collections.abc import Mapping

from akswi_helpers.sandbox.azure.entra import access_tokens
from akswi_helpers.sandbox.azure.entra.access_tokens import AccessToken
from akswi_helpers.sandbox.azure.entra.directory import Directory, Principal
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
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, Seconds

HOST = "169.254.169.254"
SELECTORS = {  # query parameter -> where the identity's document says it
    "client_id": "clientId",
    "object_id": "principalId",
    "msi_res_id": "id",
    "mi_res_id": "id",
}


# 1 · Shapes: a token as this service writes it ------------------------------------------------


def token_to_wire(token: AccessToken, resource: str, now: Seconds) -> Json:
    """The answer's body: every value a text, in the order of the real one."""
    left = int(token.claims["exp"] - now)
    return {
        "access_token": token.text,
        "client_id": token.claims["appid"],
        "expires_in": str(left),
        "expires_on": str(token.claims["exp"]),
        "ext_expires_in": str(left - 1),
        "not_before": str(token.claims["nbf"]),
        "resource": resource,
        "token_type": "Bearer",
    }


# 2 · State: tokens already issued; a role or group change does not invalidate them ------------


class Issued:
    """The tokens of managed identities, kept for half of their life; lost with the process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens: dict[tuple[str, str], AccessToken] = {}

    async def token(self, principal: Principal, resource: str) -> AccessToken:
        """A token for `resource`, the last one while it is young enough."""
        key = (principal.object_id, resource)
        found, now = self._tokens.get(key), self._world.clock.now()
        if found and found.claims["nbf"] <= now < found.claims["exp"] - found.lifetime / 2:
            return found
        made = await access_tokens.issue(
            self._world, principal, resource, access_tokens.ASSERTION, []
        )
        self._tokens[key] = made
        return made


def chosen(identities: list[Json], query: Mapping[str, str]) -> Json:
    """The identity that the query names, or the only one. Raises a refusal."""
    named = {name: query[name] for name in SELECTORS if query.get(name)}
    if len(named) > 1:
        raise refusal(f"{UNVERIFIED}Name the identity once, not by {', '.join(named)}.")
    for name, value in named.items():
        identities = [one for one in identities if _names(one, SELECTORS[name]) == value.lower()]
    if not identities:
        raise identity_not_found()
    if len(identities) > 1:
        raise several_identities()
    return identities[0]


def _names(identity: Json, name: str) -> str:
    return str(identity["id"] if name == "id" else identity["properties"][name]).lower()


# 3 · Errors: two fields, whatever went wrong --------------------------------------------------


def refusal(text: str, code: str = "invalid_request") -> WireError:
    """A refusal; always 400, because clients repeat a 404."""
    return WireError(400, code, text)


def header_missing() -> WireError:
    """The header that keeps forwarded requests out is missing."""
    return refusal("Required metadata header not specified", "bad_request_102")


def identity_not_found() -> WireError:
    """The identity is not on this node, or none is."""
    return refusal("Identity not found")


def several_identities() -> WireError:
    """The node has several identities and the request names none."""
    return refusal(
        "Multiple user assigned identities exist, please specify the clientId / resourceId of the "
        "identity in the token request"
    )


def resource_unknown(resource: str, tenant: str) -> WireError:
    """Nobody goes by the resource's name."""
    text = f"AADSTS50001: The application named {resource} wasn't found in the tenant {tenant}."
    return refusal(UNVERIFIED + text, "invalid_resource")


def render_error(error: WireError, request: Request) -> Reply:
    """The refusal's two fields."""
    body = {"error": error.code, "error_description": error.message}
    return Reply(body, error.status, {**_HEADERS, **error.headers})


def unknown(request: Request) -> WireError:
    """A path that the real service has, perhaps."""
    return not_emulated(f"{request.method} {request.path} of the instance metadata service")


def malformed(request: Request, error: MalformedBody) -> WireError:
    """A body where none is read."""
    return refusal(f"{UNVERIFIED}The request has a body.")


# 4 · Routes: parse, ask, render ---------------------------------------------------------------


def admit(world: World, request: Request, route: Route) -> Request:
    """Whoever says "Metadata: true" and was not forwarded may ask."""
    if request.headers.get("metadata", "").lower() != "true":
        raise header_missing()
    if "x-forwarded-for" in request.headers:
        raise refusal(f"{UNVERIFIED}A request with X-Forwarded-For is not served.")
    if not request.query.get("api-version"):
        raise refusal(f"{UNVERIFIED}The api-version is missing.")
    return request


async def get_token(world: World, request: Request) -> Reply:
    """A token of one of the calling node's identities."""
    from akswi_helpers.sandbox.azure.compute.service import identities_on_node

    resource = request.query.get("resource", "")
    if not resource:
        raise refusal(f"{UNVERIFIED}The resource is missing.")
    identity = chosen(identities_on_node(world, request.node), request.query)
    if resource not in access_tokens.RESOURCES:
        raise resource_unknown(resource, world.tenant_id)
    principal = world.state(Directory).by_client_id(identity["properties"]["clientId"])
    if principal is None:
        raise identity_not_found()
    token = await world.state(Issued).token(principal, resource)
    return Reply(token_to_wire(token, resource, world.clock.now()), headers=_HEADERS)


_HEADERS = {"Server": "IMDS/150.870.65.1015", "Content-Type": "application/json; charset=utf-8"}

ROUTES = (Route("GET", "/metadata/identity/oauth2/token", get_token),)

SERVICE = Service("imds", (HOST,), ROUTES, render_error, unknown, malformed, admit)
