"""The words every service is written in: request, reply, route, refusal.

A service is a host pattern and a tuple of routes (`Service`). Handlers take `(world, request)`
and return a `Reply` or raise a `WireError`; each service renders errors in its own envelope.
Nothing here knows sockets or storage.

Source: the services' own documents; see each file in `azure/`.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from akswi_helpers.types import ClientId, Json, ObjectId, ResourceId

if TYPE_CHECKING:
    from akswi_helpers.sandbox.world import World

UNVERIFIED = "[akswi: wording not verified] "
"""Begins every text that was not read off the real service."""

POLL_HEADERS: Mapping[str, str] = {"retry-after-ms": "50"}
"""Sent with every 202 and status poll; az and the SDKs honour it (Retry-After 0 costs 30 s)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, read from a verified access token.

    `object_id` is the principal that role assignments name; `client_id` the `appid` claim.
    `kind` is "ServicePrincipal" for applications and managed identities alike, "User" for people.
    """

    object_id: ObjectId
    client_id: ClientId
    tenant_id: str
    kind: str = "ServicePrincipal"
    identity_resource_id: ResourceId = ""  # xms_mirid, for a managed identity


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `path` is decoded, its slashes collapsed; header names are lower case."""

    method: str
    host: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    node: str = ""  # the proxy user that sent it: which node is calling IMDS
    args: Mapping[str, str] = field(default_factory=dict)  # filled by the route
    caller: Caller | None = None  # filled by the service's `admit`

    @property
    def query(self) -> Mapping[str, str]:
        """The query's parameters, each with its first value; names as sent."""
        pairs = urllib.parse.parse_qsl(self.query_string, keep_blank_values=True)
        return dict(reversed(pairs))

    def by(self, caller: Caller) -> Request:
        """The same request, sent by `caller`."""
        return self._with(self.args, caller)

    def with_args(self, args: Mapping[str, str]) -> Request:
        """The same request, its path taken apart by a route."""
        return self._with(args, self.caller)

    def _with(self, args: Mapping[str, str], caller: Caller | None) -> Request:
        # Every request passes here twice; dataclasses.replace takes four times as long.
        return Request(
            self.method,
            self.host,
            self.path,
            self.query_string,
            self.headers,
            self.body,
            self.node,
            args,
            caller,
        )

    @property
    def url(self) -> str:
        """The absolute address, https, as a client would write it."""
        tail = f"?{self.query_string}" if self.query_string else ""
        return f"https://{self.host}{urllib.parse.quote(self.path)}{tail}"

    def json(self) -> Json:
        """The body as a JSON object ({} when empty). Raises MalformedBody when it is not one."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as error:
            raise MalformedBody(str(error)) from error
        if not isinstance(value, dict):
            raise MalformedBody("the body is not a JSON object")
        return value

    def form(self) -> Mapping[str, str]:
        """The body as form fields, blank ones kept."""
        return dict(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace"), True))


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer: JSON (dict or list), text, bytes, nothing, or a stream of chunks."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None

    def encoded(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False).encode()


class WireError(Exception):
    """A refusal, in the words of the service that refuses.

    `extra` is what that service's envelope carries besides code and message.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.headers: Mapping[str, str] = headers or {}
        self.extra: Json = extra


class MalformedBody(Exception):
    """The body could not be read; each service says so in its own envelope."""


def not_emulated(what: str) -> WireError:
    """501 for an operation, type or parameter that Azure has and this sandbox does not."""
    return WireError(501, "NotEmulated", f"The sandbox does not emulate {what}.")


Handler = Callable[["World", Request], "Reply | Awaitable[Reply]"]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: `{name}` matches a segment, `{name+}` one or more. Letter case is ignored.

    A plain handler runs inside one transaction of the World; an `async` one opens its own and
    must re-read state after every await. `type` is the ARM resource type it serves and `action`
    the permission it needs, both only under management.azure.com (empty `action` is derived).
    """

    method: str
    path: str
    handler: Handler
    type: str = ""
    action: str = ""


Admit = Callable[["World", Request, Route], Request]


def _admit_anyone(world: World, request: Request, route: Route) -> Request:
    return request


@dataclass(frozen=True, slots=True)
class Service:
    """Who answers for a host: its routes, who may enter, how it says no.

    `hosts` are exact names or `*.suffix` (one label). `admit` authenticates and returns the
    request with its caller; `unknown` is the refusal of a path that no route matches.
    """

    name: str
    hosts: tuple[str, ...]
    routes: tuple[Route, ...]
    render_error: Callable[[WireError, Request], Reply]
    unknown: Callable[[Request], WireError]
    malformed: Callable[[Request, MalformedBody], WireError]
    admit: Admit = _admit_anyone


class Router:
    """Finds the route of a request; the most literal pattern wins."""

    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(routes, key=lambda route: _looseness(route.path))
        self._patterns = [(_pattern(route.path), route) for route in ordered]

    def match(self, request: Request) -> tuple[Route, Request] | None:
        """The route and the request with `args` filled, or None."""
        for pattern, route in self._patterns:
            if route.method == request.method and (found := pattern.fullmatch(request.path)):
                return route, request.with_args(found.groupdict())
        return None


def _looseness(path: str) -> tuple[int, int, int]:
    return path.count("+}"), path.count("{"), -len(path)


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\+?\})", path)
    text = "".join(_part(part) for part in parts)
    return re.compile(text + "/?", re.IGNORECASE)


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    name = part.strip("{}+")
    return f"(?P<{name}>.+)" if part.endswith("+}") else f"(?P<{name}>[^/]+)"
