"""uvicorn's HTTP/1.1 protocol, one per connection that the gateway hands over.

Source: https://www.uvicorn.org/ (its protocol classes take a config and a shared server state).
Left out: uvicorn's own server and sockets; the gateway accepts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from akswi_helpers.sandbox.asgi import App, Receive, Scope, Send

IDLE_SECONDS = 120  # how long a connection is kept for its next request


class Connections:
    """Every open connection of the sandbox, and how to end them."""

    def __init__(self) -> None:
        self._state = ServerState()
        self._config = Config(
            _nothing,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            h11_max_incomplete_event_size=64 * 1024,
        )
        self._config.load()

    def protocol(self, app: App) -> Callable[[], asyncio.Protocol]:
        """A factory of protocols that answer with `app`."""

        def made() -> asyncio.Protocol:
            protocol = H11Protocol(self._config, self._state, {})
            protocol.app = app
            return protocol

        return made

    async def close(self, patience: float) -> None:
        """Let open requests finish for `patience` seconds, then end every connection."""
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(set(self._state.tasks), timeout=patience)
        for task in set(self._state.tasks):
            task.cancel()
        for connection in list(self._state.connections):
            connection.transport.abort()


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError("every connection has an application of its own")
