"""An HTTPS GET from inside the sandbox, through its own gateway, without blocking the loop.

Entra fetches an issuer's documents this way: the same door, certificate check and refusals as for
any client, so it can reach nothing that the sandbox does not serve.

A connection is kept for the next document of its host, as any client does; the document itself is
asked for anew. Source: RFC 9112. Left out: redirects, chunked answers; the sandbox's own services
send none.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import ssl
import urllib.parse

from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, Url

SECONDS = 5
LARGEST = 256 * 1024  # bytes of an answer
KEPT = 8  # connections to one host

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Unreachable(Exception):
    """The document could not be had: no host, no certificate, no 200, no JSON object."""


class Fetcher:
    """Fetches for one World, as the proxy user "entra"."""

    def __init__(self, world: World) -> None:
        self._proxy = urllib.parse.urlsplit(world.surroundings.proxy_url("entra"))
        self._trust = ssl.create_default_context(cafile=str(world.surroundings.ca_file))
        self._idle: dict[str, list[Pair]] = {}

    async def json(self, url: Url) -> Json:
        """The JSON object at an https `url`. Raises Unreachable."""
        target = urllib.parse.urlsplit(url)
        if target.scheme != "https" or not target.hostname or target.port not in (None, 443):
            raise Unreachable(f"{url} is not an https address")
        try:
            async with asyncio.timeout(SECONDS):
                raw = await self._get(target.hostname, target.path or "/")
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            raise Unreachable(f"{url}: {type(error).__name__}") from error
        return _document(url, raw)

    async def _get(self, host: str, path: str) -> bytes:
        idle = self._idle.setdefault(host, [])
        while idle:
            with contextlib.suppress(OSError, EOFError):  # closed since; another, then a new one
                return await self._ask(idle.pop(), host, path)
        return await self._ask(await self._opened(host), host, path)

    async def _opened(self, host: str) -> Pair:
        reader, writer = await asyncio.open_connection(self._proxy.hostname, self._proxy.port)
        try:
            await self._tunnel(reader, writer, host)
            await writer.start_tls(self._trust, server_hostname=host)
        except BaseException:
            writer.transport.abort()
            raise
        return reader, writer

    async def _ask(self, pair: Pair, host: str, path: str) -> bytes:
        reader, writer = pair
        try:
            writer.write(_lines(f"GET {path} HTTP/1.1", f"Host: {host}", *_GET))
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
        except BaseException:
            writer.transport.abort()
            raise
        if len(self._idle[host]) < KEPT and b"\r\nconnection: close" not in head.lower():
            self._idle[host].append(pair)
        else:
            writer.transport.abort()
        return head + body

    async def _tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
    ) -> None:
        pair = f"{self._proxy.username}:{self._proxy.password}".encode()
        basic = f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}"
        writer.write(_lines(f"CONNECT {host}:443 HTTP/1.1", f"Host: {host}:443", basic))
        status = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in status.partition(b"\r\n")[0]:
            raise ConnectionRefusedError(host)


_GET = ("User-Agent: akswi-entra", "Accept: application/json")


def _length(head: bytes) -> int:
    """How long the body is. Raises ValueError when that is not said, or too much."""
    said = re.search(rb"(?i)\r\ncontent-length: *(\d+)\r\n", head)
    if not said or int(said[1]) > LARGEST:
        raise ValueError("no length, or too long")
    return int(said[1])


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def _document(url: Url, raw: bytes) -> Json:
    head, _, body = raw.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise Unreachable(f"{url} did not answer 200")
    try:
        document = json.loads(body)
    except ValueError as error:
        raise Unreachable(f"{url} is not JSON") from error
    if not isinstance(document, dict):
        raise Unreachable(f"{url} is not a JSON object")
    return document
