"""An HTTP client that costs next to nothing, so that what it measures is the server.

    with Wire(port, ca, host, password) as wire: wire.ask(request)

One TLS connection, through a gateway's CONNECT when there is a password. `ask` sends bytes made
beforehand and reads one answer. Left out: chunked answers, redirects; nothing asked here sends any.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class Wire:
    """One connection. Raises OSError when there is none to be had."""

    def __init__(self, port: int, ca: Path, host: str, password: str = "") -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=30)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if password:
                _tunnel(plain, host, password)
            context = ssl.create_default_context(cafile=str(ca))
            self._socket = context.wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, request: bytes) -> None:
        """Send one request."""
        self._socket.sendall(request)

    def answer(self) -> bytes:
        """The next answer, head and body."""
        seen = b""
        while (end := seen.find(b"\r\n\r\n")) < 0:
            seen += self._more()
        length = _LENGTH.search(seen, 0, end + 2)
        whole = end + 4 + (int(length[1]) if length else 0)
        while len(seen) < whole:
            seen += self._more()
        return seen

    def ask(self, request: bytes) -> bytes:
        """The answer to one request."""
        self.send(request)
        return self.answer()

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data


def rounds(wires: Sequence[Wire], request: bytes, count: int) -> None:
    """Ask `count` times on every wire, all of them at once. Raises when an answer is not 200."""
    for _ in range(count):
        for wire in wires:
            wire.send(request)
        for wire in wires:
            answer = wire.answer()
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer.decode("latin-1"))


def get(host: str, path: str, *headers: str) -> bytes:
    """A GET request, as bytes."""
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode()


def post(host: str, path: str, form: str) -> bytes:
    """A POST request of form fields, as bytes."""
    about = ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}"]
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", *about, "", form]
    return "\r\n".join(lines).encode()


def _tunnel(plain: socket.socket, host: str, password: str) -> None:
    user = base64.b64encode(f"learner:{password}".encode()).decode()
    head = f"CONNECT {host}:443 HTTP/1.1\r\nProxy-Authorization: Basic {user}\r\n\r\n"
    plain.sendall(head.encode())
    seen = b""
    while b"\r\n\r\n" not in seen:
        data = plain.recv(4096)
        if not data:
            raise ConnectionResetError("the gateway closed the connection")
        seen += data
    if b" 200 " not in seen.split(b"\r\n")[0]:
        raise ConnectionRefusedError(seen.decode("latin-1"))
