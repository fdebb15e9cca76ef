"""Microsoft Graph: applications, service principals and the recycle bin. {version}: v1.0 or beta.

    POST   /{version}/applications
    GET    /{version}/applications
    GET    /{version}/applications/{id}
    PATCH  /{version}/applications/{id}
    DELETE /{version}/applications/{id}
    GET    /{version}/applications(appId='{appId}')
    PATCH  /{version}/applications(appId='{appId}')
    DELETE /{version}/applications(appId='{appId}')
    POST   /{version}/applications/{id}/addPassword
    POST   /{version}/applications/{id}/removePassword
    POST   /{version}/applications/{id}/federatedIdentityCredentials
    GET    /{version}/applications/{id}/federatedIdentityCredentials
    GET    /{version}/applications/{id}/federatedIdentityCredentials/{credential}
    PATCH  /{version}/applications/{id}/federatedIdentityCredentials/{credential}
    DELETE /{version}/applications/{id}/federatedIdentityCredentials/{credential}
    POST   /{version}/servicePrincipals
    GET    /{version}/servicePrincipals
    GET    /{version}/servicePrincipals/{id}
    PATCH  /{version}/servicePrincipals/{id}
    DELETE /{version}/servicePrincipals/{id}
    GET    /{version}/servicePrincipals(appId='{appId}')
    GET    /{version}/directory/deletedItems/microsoft.graph.application
    GET    /{version}/directory/deletedItems/graph.application
    GET    /{version}/directory/deletedItems/microsoft.graph.servicePrincipal
    GET    /{version}/directory/deletedItems/graph.servicePrincipal
    GET    /{version}/directory/deletedItems/{id}
    POST   /{version}/directory/deletedItems/{id}/restore
    DELETE /{version}/directory/deletedItems/{id}
    POST   /{version}/directoryObjects/getByIds
    GET    /{version}/me
    GET    /{version}/me/{rest+}

The deployer holds Application.ReadWrite.All, as if an administrator had consented to it; no other
principal holds a Graph permission, so a managed identity may neither read nor write.

Source: https://learn.microsoft.com/graph/api/overview and recorded exchanges.
Left out: everything else of Graph, permissions as objects, $batch.
"""

from __future__ import annotations

import functools
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from akswi_helpers.sandbox.azure.entra import access
from akswi_helpers.sandbox.azure.entra.access_tokens import deployer
from akswi_helpers.sandbox.azure.entra.directory import Directory
from akswi_helpers.sandbox.azure.graph import (
    applications,
    credentials,
    deleted,
    directory_objects,
    refusals,
    service_principals,
)
from akswi_helpers.sandbox.azure.graph.shapes import HOST
from akswi_helpers.sandbox.wire import (
    Caller,
    MalformedBody,
    Reply,
    Request,
    Route,
    Service,
    WireError,
    not_emulated,
)
from akswi_helpers.sandbox.world import World

PlainHandler = Callable[[World, Request], Reply]

# 1 · Shapes: documents are in graph_shapes.py; here, the headers of every answer ---------------

VERSIONS = ("v1.0", "beta")

_SERVER = {"DataCenter": "West Europe", "Slice": "E", "Ring": "5", "ScaleUnit": "001"}
_HEADERS = {
    "cache-control": "no-cache",
    "strict-transport-security": "max-age=31536000",
    "vary": "Accept-Encoding",
    "x-ms-ags-diagnostic": json.dumps({"ServerInfo": _SERVER}),
}
_MINIMAL = (
    "application/json;odata.metadata=minimal;odata.streaming=true;"
    "IEEE754Compatible=false;charset=utf-8"
)


def _request_ids(request: Request) -> dict[str, str]:
    """A new id for this request, and the client's own where it sent one."""
    id = str(uuid.uuid4())
    return {"request-id": id, "client-request-id": request.headers.get("client-request-id", id)}


# 2 · State: in graph_store.py; here, who may use it --------------------------------------------


def is_granted(world: World, caller: Caller) -> bool:
    """Whether the caller holds Application.ReadWrite.All: the deployer, and nobody else."""
    alive = world.state(Directory).find(caller.object_id) is not None
    return alive and caller.object_id == deployer(world)


# 3 · Errors: situations are in graph_refusals.py; here, the envelope ---------------------------


def render_error(error: WireError, request: Request) -> Reply:
    """Graph's envelope: `innerError` carries the time and the request's ids."""
    ids = _request_ids(request)
    when = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    inner = {"innerError": {"date": when, **ids}}
    body = {"error": {"code": error.code, "message": error.message, **error.extra, **inner}}
    headers = {**_HEADERS, **ids, "content-type": "application/json", **error.headers}
    return Reply(body, error.status, headers)


def unknown(request: Request) -> WireError:
    """501, naming the operation."""
    return not_emulated(f"{request.method} {request.path} of Microsoft Graph")


def malformed(request: Request, error: MalformedBody) -> WireError:
    """400 for a body that is not a JSON object."""
    return refusals.malformed()


# 4 · Routes: parse, ask the state, render; the handlers are in the files named after things ----


def admit(world: World, request: Request, route: Route) -> Request:
    """The request with its caller. Raises WireError 401, 403, or 400 for another version."""
    if request.args["version"] not in VERSIONS:
        raise refusals.version_unknown(request.args["version"])
    header = request.headers.get("authorization", "")
    try:
        caller = access.caller_of(world, header, access.GRAPH_AUDIENCES)
    except access.TokenRefused as refused:
        raise refusals.token_refused(refused.reason) from refused
    if route.path != _ME and route.path != _MINE and not is_granted(world, caller):
        raise refusals.insufficient_privileges()
    return replace(request, caller=caller)


def get_me(world: World, request: Request) -> Reply:
    """Refused: only applications sign in here. Raises WireError 400."""
    raise refusals.not_a_person()


def _dressed(handler: PlainHandler) -> PlainHandler:
    """The handler, its answers with Graph's headers."""

    @functools.wraps(handler)
    def answer(world: World, request: Request) -> Reply:
        reply = handler(world, request)
        headers: Mapping[str, str] = {**_HEADERS, **_request_ids(request), **reply.headers}
        if reply.body is not None:
            headers = {**headers, "content-type": _MINIMAL, "odata-version": "4.0"}
        return replace(reply, headers={"x-ms-resource-unit": "1", **headers})

    return answer


_APPS, _APP = "/{version}/applications", "/{version}/applications/{id}"
_APP_BY_CLIENT = "/{version}/applications(appId='{appId}')"
_FEDERATED = _APP + "/federatedIdentityCredentials"
_PRINCIPALS, _PRINCIPAL = "/{version}/servicePrincipals", "/{version}/servicePrincipals/{id}"
_BIN = "/{version}/directory/deletedItems"
_ME, _MINE = "/{version}/me", "/{version}/me/{rest+}"

_HANDLERS: tuple[tuple[str, str, PlainHandler], ...] = (
    ("POST", _APPS, applications.create),
    ("GET", _APPS, applications.list_all),
    *(
        (method, path, handler)
        for path in (_APP, _APP_BY_CLIENT)
        for method, handler in (
            ("GET", applications.get),
            ("PATCH", applications.update),
            ("DELETE", applications.delete),
        )
    ),
    ("POST", f"{_APP}/addPassword", applications.add_password),
    ("POST", f"{_APP}/removePassword", applications.remove_password),
    ("POST", _FEDERATED, credentials.create),
    ("GET", _FEDERATED, credentials.list_all),
    ("GET", f"{_FEDERATED}/{{credential}}", credentials.get),
    ("PATCH", f"{_FEDERATED}/{{credential}}", credentials.update),
    ("DELETE", f"{_FEDERATED}/{{credential}}", credentials.delete),
    ("POST", _PRINCIPALS, service_principals.create),
    ("GET", _PRINCIPALS, service_principals.list_all),
    ("GET", _PRINCIPAL, service_principals.get),
    ("PATCH", _PRINCIPAL, service_principals.update),
    ("DELETE", _PRINCIPAL, service_principals.delete),
    ("GET", _PRINCIPALS + "(appId='{appId}')", service_principals.get),
    ("GET", f"{_BIN}/microsoft.graph.application", deleted.list_applications),
    ("GET", f"{_BIN}/graph.application", deleted.list_applications),
    ("GET", f"{_BIN}/microsoft.graph.servicePrincipal", deleted.list_principals),
    ("GET", f"{_BIN}/graph.servicePrincipal", deleted.list_principals),
    ("GET", f"{_BIN}/{{id}}", deleted.get),
    ("POST", f"{_BIN}/{{id}}/restore", deleted.restore),
    ("DELETE", f"{_BIN}/{{id}}", deleted.purge),
    ("POST", "/{version}/directoryObjects/getByIds", directory_objects.get_by_ids),
    ("GET", _ME, get_me),
    ("GET", _MINE, get_me),
)

ROUTES = tuple(Route(method, path, _dressed(handler)) for method, path, handler in _HANDLERS)

SERVICE = Service("graph", (HOST,), ROUTES, render_error, unknown, malformed, admit)
