"""Between HTTP and the services: an ASGI request in, `dispatch.answer`, an ASGI response out.

`Front.secure(user)` answers what comes through a tunnel; `Front.plain()` what clients send to the
proxy itself (http:// to the instance metadata service), each request with the password. A host
`{dns}.hcp.{region}.azmk8s.io` is handed to that cluster's own API, which logs for itself.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html. Left out: websockets, lifespan.
"""

from __future__ import annotations

import re
import time
import urllib.parse
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from akswi_helpers.sandbox import dispatch, gateway
from akswi_helpers.sandbox.request_log import RequestLog
from akswi_helpers.sandbox.wire import Reply, Request
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

MAX_BODY = 8 * 1024 * 1024  # ARM takes 4 MB
CLUSTER_HOST = ".azmk8s.io"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Json]]
Send = Callable[[Json], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_DECODED = "akswi.headers"  # where a scope keeps its headers once they are text


class TooLarge(Exception):
    """The body is over MAX_BODY."""


class Gone(Exception):
    """The client left before its request was complete."""


@dataclass(frozen=True, slots=True)
class Front:
    """The ASGI applications of one sandbox."""

    world: World
    services: dispatch.Services
    password: str

    def secure(self, user: str) -> App:
        """The application behind a tunnel of proxy user `user`."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            host = _headers(scope).get("host", "").lower().partition(":")[0]
            if host.endswith(CLUSTER_HOST) and (api := cluster_api(self.world, host)):
                await api(scope, receive, send)
            elif self.services.of(host) is None:
                await _say(send, 421, gateway.not_served(host))
            else:
                await self._serve(scope, receive, send, host, scope["path"], user)

        return app

    def plain(self) -> App:
        """The application for requests to the proxy itself."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            target = urllib.parse.urlsplit(scope["path"])
            host = (target.hostname or "").lower() if target.scheme == "http" else ""
            user = gateway.user_of(_headers(scope).get("proxy-authorization", ""), self.password)
            if user is None:
                await self._turn_away(scope, send, host, 407)
            elif host != gateway.METADATA_HOST or self.services.of(host) is None:
                await self._turn_away(scope, send, host, 403)
            else:
                await self._serve(scope, receive, send, host, target.path or "/", user)

        return app

    async def _turn_away(self, scope: Scope, send: Send, host: str, status: int) -> None:
        self._log(scope, host, "", status)
        if status == 407:
            challenge = [(b"proxy-authenticate", b'Basic realm="akswi sandbox"')]
            await _say(send, status, gateway.password_wanted(), challenge)
        else:
            await _say(send, status, gateway.not_served(host or "a request without a host"))

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, host: str, path: str, user: str
    ) -> None:
        try:
            request = _request(scope, await _body(receive), host, path, user)
        except TooLarge:
            self._log(scope, host, path, 413)
            await _say(send, 413, f"The body is over {MAX_BODY} bytes.\n")
            return
        except Gone:
            return
        reply = await dispatch.answer(self.world, self.services, request)
        self._log(scope, host, request.path, reply.status, by_person=is_person(user))
        await _send(send, reply, head_only=request.method == "HEAD")

    def _log(
        self, scope: Scope, host: str, path: str, status: int, *, by_person: bool = True
    ) -> None:
        self.world.state(RequestLog).add(
            user_agent=_headers(scope).get("user-agent", ""),
            method=scope["method"],
            host=host,
            path=path,
            status=status,
            by_person=by_person,
        )


def cluster_api(world: World, host: str) -> App | None:
    """The API of the cluster whose server has this name, or None."""
    if not world.table("clusters"):
        return None
    from akswi_helpers.sandbox.cluster.clusters import api_for_host

    return api_for_host(world, host)


def is_person(user: str) -> bool:
    """Whether a proxy user is a person or their tools, not a node's pods nor Entra itself."""
    return user != "entra" and not user.startswith("aks-")


def _request(scope: Scope, body: bytes, host: str, path: str, user: str) -> Request:
    return Request(
        method=scope["method"],
        host=host,
        path=re.sub("/{2,}", "/", path),
        query_string=scope["query_string"].decode("latin-1"),
        headers=_headers(scope),
        body=body,
        node=user,
    )


def _headers(scope: Scope) -> dict[str, str]:
    known: dict[str, str] | None = scope.get(_DECODED)
    if known is None:
        pairs = scope["headers"]
        known = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
        scope[_DECODED] = known
    return known


async def _body(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > MAX_BODY:
            raise TooLarge
    return b"".join(parts)


async def _send(send: Send, reply: Reply, *, head_only: bool) -> None:
    body = reply.encoded()
    bare = reply.stream is not None or reply.status in (204, 304)
    headers = list(_response_headers(reply, None if bare else len(body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.stream is not None and not head_only:
        async for chunk in reply.stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    rest = b"" if head_only or bare else body
    await send({"type": "http.response.body", "body": rest})


def _response_headers(reply: Reply, length: int | None) -> Iterator[tuple[bytes, bytes]]:
    given = {name.lower(): value for name, value in reply.headers.items()}
    if reply.body is not None:
        given.setdefault("content-type", _JSON if isinstance(reply.body, dict | list) else _TEXT)
    given.setdefault("date", _date(int(time.time())))
    if length is not None:
        given["content-length"] = str(length)
    for name, value in given.items():
        yield name.encode("latin-1"), value.encode("latin-1")


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


async def _say(
    send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    body = text.encode()
    known = [(b"content-type", _TEXT.encode()), (b"content-length", str(len(body)).encode())]
    known += [(b"connection", b"close"), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": known})
    await send({"type": "http.response.body", "body": body})
