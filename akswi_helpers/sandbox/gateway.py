"""The sandbox's first door: a forward proxy on 127.0.0.1 that leads nowhere but to the sandbox.

    CONNECT host:443            a tunnel to the TLS service of that host
    GET http://169.254.169.254  the instance metadata service, over plain HTTP

Callers show the sandbox's password, or get 407. A host that nothing here serves gets 403: no
request leaves the machine. The user name says which node (or person) is calling.

An accepted socket is handed over to its service in this process: its first request is looked at
without being read, so there is no second hop and no inner port that could be reached without the
password.

Source: RFC 9110 9.3.6 and 11.7. Left out: every other scheme and port, HTTP/2, Negotiate.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import logging
import re
import socket
import ssl
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
METADATA_HOST = "169.254.169.254"
HEAD_BYTES = 32_768
HEAD_SECONDS = 10

Protocol = Callable[[], asyncio.Protocol]


@dataclass(frozen=True, slots=True)
class Behind:
    """What the gateway leads to.

    `context(host)` is the TLS context of a host that is served, else None. `secure(user)` and
    `plain()` make the protocol that answers a tunnel's and a plain connection's requests.
    `refused(host, user_agent, status)` hears of every CONNECT that was turned away.
    """

    context: Callable[[str], ssl.SSLContext | None]
    secure: Callable[[str], Protocol]
    plain: Protocol
    refused: Callable[[str, str, int], None]


@dataclass(frozen=True, slots=True)
class Head:
    """The first lines of a connection's first request. Header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    size: int  # bytes, with the empty line


class Gateway:
    """The proxy. `listen` binds its port; `serve` accepts until it is cancelled."""

    def __init__(self, password: str, behind: Behind) -> None:
        self._password, self._behind = password, behind
        self._socket: socket.socket | None = None
        self._greetings: set[asyncio.Task[None]] = set()

    def listen(self, port: int) -> None:
        """Bind 127.0.0.1:`port`. Raises OSError when it is taken."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen(512)
        except OSError:
            listener.close()
            raise
        listener.setblocking(False)
        self._socket = listener

    async def serve(self) -> None:
        """Accept connections, each greeted in a task of its own."""
        assert self._socket is not None
        loop = asyncio.get_running_loop()
        with self._socket as listener:
            while True:
                try:
                    connection, _ = await loop.sock_accept(listener)
                except OSError:  # too many open files, or a caller who left at once
                    log.exception("a connection was not accepted")
                    await asyncio.sleep(0.1)
                    continue
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                task = loop.create_task(self._greet(connection))
                self._greetings.add(task)
                task.add_done_callback(self._greetings.discard)

    async def _greet(self, connection: socket.socket) -> None:
        try:
            head = await _first_head(connection)
            if head is None:
                await _answer(connection, 400, "This is not an HTTP request.\n")
            elif head.method == "CONNECT":
                await self._connect(connection, head)
            else:
                await _hand_over(connection, self._behind.plain, None)
        except (OSError, ssl.SSLError, TimeoutError) as error:
            log.debug("a connection ended early: %s", type(error).__name__)
            connection.close()
        except BaseException:
            connection.close()
            raise

    async def _connect(self, connection: socket.socket, head: Head) -> None:
        host, _, port = head.target.lower().rpartition(":")
        user = user_of(head.headers.get("proxy-authorization", ""), self._password)
        context = self._behind.context(host) if user is not None and port == "443" else None
        if user is None:
            await self._refuse(connection, head, host, 407)
        elif context is None:
            await self._refuse(connection, head, host, 403)
        else:
            connection.recv(head.size)
            await _send(connection, b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _hand_over(connection, self._behind.secure(user), context)

    async def _refuse(self, connection: socket.socket, head: Head, host: str, status: int) -> None:
        self._behind.refused(host, head.headers.get("user-agent", ""), status)
        text = password_wanted() if status == 407 else not_served(head.target)
        await _answer(connection, status, text)


_PHRASES = {400: "Bad Request", 403: "Forbidden", 407: "Proxy Authentication Required"}
_CHALLENGE = 'Proxy-Authenticate: Basic realm="akswi sandbox"'
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def user_of(authorization: str, password: str) -> str | None:
    """The user of a `Proxy-Authorization: Basic …` header whose password is right, else None."""
    scheme, _, packed = authorization.partition(" ")
    try:
        user, _, given = base64.b64decode(packed.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    right = hmac.compare_digest(given.encode(), password.encode())
    user = urllib.parse.unquote(user)
    return user if right and scheme.lower() == "basic" and _USER.fullmatch(user) else None


def password_wanted() -> str:
    """What a caller without the password reads."""
    return (
        "This is an akswi sandbox; it needs its own proxy user and password. "
        "`akswi sandbox env` prints them.\n"
    )


def not_served(target: str) -> str:
    """What a caller of any other host reads."""
    name = re.sub(r"[^A-Za-z0-9.:_-]", "?", target)[:200]
    return f"The akswi sandbox does not serve {name}, and nothing leaves this machine through it.\n"


async def _first_head(connection: socket.socket) -> Head | None:
    """The first request's head, left in the socket; None when there is none to be had."""
    connection.setblocking(False)
    async with asyncio.timeout(HEAD_SECONDS):
        await _readable(connection)
        while b"\r\n\r\n" not in (seen := connection.recv(HEAD_BYTES, socket.MSG_PEEK)):
            if not seen or len(seen) == HEAD_BYTES:
                return None
            await asyncio.sleep(0.005)
    return _parsed(seen[: seen.index(b"\r\n\r\n") + 4])


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(connection, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(connection)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _parsed(raw: bytes) -> Head | None:
    first, *rest = raw.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    pairs = (line.partition(":") for line in rest if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Head(words[0], words[1], headers, len(raw))


async def _answer(connection: socket.socket, status: int, text: str) -> None:
    """Answer and close; what was sent is read first, or closing would reset the connection."""
    lines = [f"HTTP/1.1 {status} {_PHRASES[status]}", "Connection: close"]
    lines += [_CHALLENGE] if status == 407 else []
    lines += ["Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(text)}", "", text]
    with connection:
        with contextlib.suppress(BlockingIOError):
            connection.recv(HEAD_BYTES)
        await _send(connection, "\r\n".join(lines).encode())


async def _send(connection: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(connection, data)


async def _hand_over(
    connection: socket.socket, protocol: Protocol, context: ssl.SSLContext | None
) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        limit = HEAD_SECONDS if context else None
        await loop.connect_accepted_socket(
            protocol, connection, ssl=context, ssl_handshake_timeout=limit
        )
