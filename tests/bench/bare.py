"""Servers that do nothing, to measure beside.

    python -m tests.bench.bare door|uvicorn FOLDER PORT

door        the sandbox's own gateway, TLS and HTTP, before an application that does nothing
uvicorn     uvicorn as it comes, with TLS, before the same application

Both print a line once they listen, and end when their standard input does.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from akswi_helpers.sandbox.asgi import Receive, Scope, Send

HOST = "bare.vault.azure.net"
PASSWORD = "nothing-behind-it"
BODY = b'{"value":"' + b"x" * 300 + b'"}'
# As many as Key Vault sends, and as long: what carries them is the door's work, not the vault's.
HEADERS = [
    (b"content-type", b"application/json; charset=utf-8"),
    (b"content-length", str(len(BODY)).encode()),
    *((f"x-nothing-to-say-{n}".encode(), b"max-age=31536000;includeSubDomains") for n in range(11)),
]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the same bytes, whatever was asked."""
    if scope["type"] != "http":
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})


async def door(folder: Path, port: int) -> None:
    """The gateway and what lies behind it, with nothing behind that."""
    from akswi_helpers.sandbox.certificates import Authority
    from akswi_helpers.sandbox.connections import Connections
    from akswi_helpers.sandbox.gateway import Behind, Gateway

    authority, connections = Authority(folder), Connections()
    made = connections.protocol(app)
    behind = Behind(
        context=lambda host: authority.server_context(host),
        secure=lambda user: made,
        plain=made,
        refused=lambda host, agent, status: None,
    )
    gateway = Gateway(PASSWORD, behind)
    gateway.listen(port)
    serving = asyncio.create_task(gateway.serve())
    print("listening", flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.read)
    serving.cancel()
    await connections.close(patience=1)


async def uvicorn(folder: Path, port: int) -> None:
    """Uvicorn with the certificate in `folder`/bare.pem."""
    from uvicorn import Config, Server

    pem = str(folder / "bare.pem")
    server = Server(
        Config(app, port=port, ssl_certfile=pem, lifespan="off", log_config=None, ws="none")
    )
    serving = asyncio.create_task(server.serve())
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    servers = {"door": door, "uvicorn": uvicorn}
    asyncio.run(servers[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3])))
