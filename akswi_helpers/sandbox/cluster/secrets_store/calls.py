"""One HTTP exchange of a node: through the sandbox's gateway, as that node, without blocking.

    await world.state(Calls).send("aks-npuser01-…-vmss000000", "GET", "https://kv.vault.azure.net/…")

The provider's requests take the same door as everybody's: certificate check, the node's name as
proxy user, refusals. Metadata requests are plain HTTP through the same proxy.

Source: RFC 9112. Left out: redirects, chunked answers, reuse of connections; the sandbox's own
services send none and need none.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Url

AGENT = "secrets-store-csi-driver-provider-azure/v1.7.2 (akswi sandbox)"

_SECONDS = 20
_LARGEST = 1 << 20


class NoAnswerError(Exception):
    """Nothing answered; `host_unknown` when the name does not resolve."""

    def __init__(self, text: str, *, host_unknown: bool = False) -> None:
        super().__init__(text)
        self.host_unknown = host_unknown


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: str


class Calls:
    """The exchanges of one World's nodes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._trust: ssl.SSLContext | None = None

    async def send(
        self,
        node: str,
        method: str,
        url: Url,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one request. Raises NoAnswerError."""
        target = urllib.parse.urlsplit(url)
        content = urllib.parse.urlencode(form or {}).encode()
        all_headers = {"Host": target.netloc, "User-Agent": AGENT, "Accept": "application/json"}
        all_headers |= {"Connection": "close", **(headers or {})}
        if form:
            all_headers["Content-Type"] = "application/x-www-form-urlencoded"
            all_headers["Content-Length"] = str(len(content))
        proxy = urllib.parse.urlsplit(self._world.surroundings.proxy_url(node))
        try:
            async with asyncio.timeout(_SECONDS):
                raw = await self._exchange(proxy, method, target, all_headers, content)
        except (OSError, EOFError, TimeoutError) as error:
            raise NoAnswerError(type(error).__name__) from error
        return _parsed(raw)

    async def _exchange(
        self,
        proxy: urllib.parse.SplitResult,
        method: str,
        target: urllib.parse.SplitResult,
        headers: Mapping[str, str],
        content: bytes,
    ) -> bytes:
        reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port)
        permit = {"Proxy-Authorization": _basic(proxy)}
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        try:
            if target.scheme == "https":
                await _tunnel(reader, writer, str(target.hostname), permit)
                await writer.start_tls(self._context(), server_hostname=target.hostname)
                writer.write(_lines(f"{method} {path} HTTP/1.1", headers) + content)
            else:
                whole = f"{method} http://{target.netloc}{path} HTTP/1.1"
                writer.write(_lines(whole, {**headers, **permit}) + content)
            return await reader.read(_LARGEST)
        finally:
            writer.transport.abort()

    def _context(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context(cafile=str(self._world.surroundings.ca_file))
        return self._trust


async def _tunnel(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, permit: Mapping[str, str]
) -> None:
    headers = {"Host": f"{host}:443", **permit}
    writer.write(_lines(f"CONNECT {host}:443 HTTP/1.1", headers))
    first = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0]
    if b" 403 " in first:
        raise NoAnswerError(f"{host} is not served", host_unknown=True)
    if b" 200 " not in first:
        raise NoAnswerError("the proxy refused")


def _basic(proxy: urllib.parse.SplitResult) -> str:
    pair = f"{proxy.username}:{proxy.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _lines(first: str, headers: Mapping[str, str]) -> bytes:
    rows = [first, *(f"{name}: {value}" for name, value in headers.items())]
    if any(c in row for row in rows for c in "\r\n"):
        raise NoAnswerError("the request is not one line after another")
    return "".join(f"{row}\r\n" for row in [*rows, ""]).encode("latin-1", "replace")


def _parsed(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        raise NoAnswerError("the answer is not HTTP")
    pairs = (row.partition(":") for row in rest)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Answer(int(words[1]), headers, body.decode("utf-8", "replace"))
