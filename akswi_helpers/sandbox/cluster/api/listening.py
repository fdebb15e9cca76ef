"""A uvicorn server in a loop that others share: on a given port, with a ready TLS context.

Source: https://www.uvicorn.org/. Left out: signals; whoever owns the process handles them.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import uvicorn

# Below what Linux, macOS and Windows give to outgoing connections, so that a cluster finds its
# port free again after a restart.
_OWN_PORTS = range(21000, 32000)


class Listener:
    """One API on 127.0.0.1. When `port` is taken it listens on another; `port` says which."""

    def __init__(self, app: Any, context: ssl.SSLContext, port: int) -> None:
        self._socket = _bound(port)
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            http="h11",
            ws="wsproto",
            ws_per_message_deflate=False,
            ws_max_size=1 << 20,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=120,
        )
        config.load()
        config.ssl = context
        self._server = _Quiet(config)

    async def serve(self) -> None:
        """Answer until `stop`."""
        await self._server.serve(sockets=[self._socket])

    async def listening(self) -> None:
        """Return once connections are answered."""
        while not self._server.started:
            await asyncio.sleep(0.01)

    def stop(self) -> None:
        """Let `serve` end; requests that are open have a second."""
        self._server.should_exit = True


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on and no outgoing connection will be given."""
    for port in random.sample(_OWN_PORTS, 50):
        with _bound(port) as found:
            if int(found.getsockname()[1]) == port:
                return port
    with _bound(0) as found:
        return int(found.getsockname()[1])


def _bound(port: int) -> socket.socket:
    # With its protocol named: only then does asyncio switch Nagle's algorithm off (40 ms a reply).
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind(("127.0.0.1", port))
    except OSError:
        made.bind(("127.0.0.1", 0))
    return made
