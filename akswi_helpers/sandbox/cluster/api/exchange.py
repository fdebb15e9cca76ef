"""ASGI on one side, `Call` and `Reply` on the other: reading a request, sending its answer.

A stream goes on until it ends, the client hangs up, or the cluster closes.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from akswi_helpers.sandbox.cluster.api import paths
from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.wire import Reply

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

LARGEST_BODY = 3 * 1024 * 1024


class Exchange:
    """One request and its answer."""

    def __init__(
        self,
        cluster: Cluster,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        self._cluster, self._scope, self._receive, self._send = cluster, scope, receive, send

    async def read(self) -> Call:
        """The call. Raises StatusError 413 when its body is too large."""
        scope = self._scope
        headers: dict[str, str] = {}
        for raw_name, raw in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), raw.decode("latin-1")
            # A group's name may hold a comma, no header's value a line break.
            between = "\n" if name == "impersonate-group" else ", "
            headers[name] = f"{headers[name]}{between}{value}" if name in headers else value
        if scope["type"] == "websocket":
            headers |= {"upgrade": "websocket"}
            headers["sec-websocket-protocol"] = ", ".join(scope["subprotocols"])
        target = paths.read(scope["path"])
        kinds = self._cluster.kinds
        return Call(
            cluster=self._cluster,
            method=scope.get("method", "GET"),  # a WebSocket begins with a GET
            target=target,
            query_string=scope["query_string"].decode("latin-1"),
            headers=headers,
            body=await self._body(),
            kind=kinds.by_plural(target.group or "", target.version, target.plural),
        )

    async def answer(self, reply: Reply, call: Call | None) -> None:
        """Send the reply; then it is in the request log."""
        self._log(reply)
        await self._send(
            {"type": "http.response.start", "status": reply.status, "headers": _head(reply, call)}
        )
        if reply.stream is not None:
            await self._stream(reply.stream)
        body = b"" if reply.stream is not None or self._bodiless(reply) else reply.encoded()
        await self._send({"type": "http.response.body", "body": body})

    async def turn_down(self, reply: Reply) -> None:
        """Answer a WebSocket that does not come about, as any other request is answered."""
        self._log(reply)
        head = {"status": reply.status, "headers": _head(reply, None)}
        await self._send({"type": "websocket.http.response.start", **head})
        await self._send({"type": "websocket.http.response.body", "body": reply.encoded()})

    async def upgrade(self, protocol: str) -> None:
        """Let the WebSocket begin, with this subprotocol."""
        self._log(Reply(None, 101))
        await self._send({"type": "websocket.accept", "subprotocol": protocol})

    async def frame(self) -> bytes | None:
        """The next message of a WebSocket; None when the client is gone."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            return None
        return bytes(message.get("bytes") or b"")

    async def send_frame(self, data: bytes) -> None:
        """Send a message over a WebSocket."""
        await self._send({"type": "websocket.send", "bytes": data})

    async def hang_up(self) -> None:
        """End a WebSocket."""
        await self._send({"type": "websocket.close", "code": 1000})

    async def _body(self) -> bytes:
        body: bytes = b""
        if self._scope["type"] == "websocket":
            await self._receive()  # "websocket.connect"
            return body
        while True:
            message = await self._receive()
            body += bytes(message.get("body", b""))
            if len(body) > LARGEST_BODY:
                why = f"Request entity too large: limit is {LARGEST_BODY}"
                raise StatusError(413, "RequestEntityTooLarge", why)
            if not message.get("more_body"):
                return body

    async def _stream(self, stream: AsyncIterator[bytes]) -> None:
        gone = asyncio.ensure_future(self._hung_up())
        closing = asyncio.ensure_future(self._cluster.closing.wait())
        chunks = stream.__aiter__()
        try:
            while True:
                chunk = asyncio.ensure_future(_next(chunks))
                done, _ = await asyncio.wait(
                    {gone, closing, chunk}, return_when=asyncio.FIRST_COMPLETED
                )
                if chunk not in done:
                    chunk.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await chunk
                    return
                data = chunk.result()
                if data is None:
                    return
                if data:
                    await self._send(
                        {"type": "http.response.body", "body": data, "more_body": True}
                    )
        finally:
            for task in (gone, closing):
                task.cancel()
            await asyncio.gather(gone, closing, return_exceptions=True)
            await _closed(stream)

    async def _hung_up(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _bodiless(self, reply: Reply) -> bool:
        return self._scope["method"] == "HEAD" or reply.status in (204, 304)

    def _log(self, reply: Reply) -> None:
        from akswi_helpers.sandbox.request_log import RequestLog

        log = self._cluster.world.state(RequestLog)
        scope, headers = self._scope, dict(self._scope["headers"])
        log.add(
            user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
            method=scope.get("method", "GET"),
            host=self._cluster.spec.fqdn,
            path=scope["path"],
            status=reply.status,
        )


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(chunks)
    except StopAsyncIteration:
        return None


async def _closed(stream: AsyncIterator[bytes]) -> None:
    close = getattr(stream, "aclose", None)
    if close is not None:
        await close()


def _head(reply: Reply, call: Call | None) -> list[tuple[bytes, bytes]]:
    text = isinstance(reply.body, str)
    head = {
        "content-type": "text/plain; charset=utf-8" if text else "application/json",
        "cache-control": "no-cache, private",
        **reply.headers,
    }
    if reply.stream is None and reply.status not in (204, 304):
        head["content-length"] = str(len(reply.encoded()))
    rows = [(name.encode(), value.encode("latin-1", "replace")) for name, value in head.items()]
    for warning in dict.fromkeys(call.answered.warnings if call else ()):
        escaped = warning.replace("\\", "\\\\").replace('"', '\\"')
        rows.append((b"warning", f'299 - "{escaped}"'.encode("latin-1", "replace")))
    return rows
