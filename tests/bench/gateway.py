"""A secret read with full authentication, beside an answer that means nothing, by the same door.

Key Vault's GET: a bearer token's signature, times, audience and issuer, the role assignment, the
secret, the log. The other is the same gateway, TLS and HTTP before an application that does
nothing: it gets the same request and answers with as many bytes and headers, without a thought.
Requests per second ÷ requests per second.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench import exchanges
from tests.bench.bare import HOST, PASSWORD
from tests.bench.barely import free_port, serving
from tests.bench.homes import lab
from tests.bench.rows import Row, in_turn, ratio
from tests.bench.wires import Wire, get, rounds
from tests.chain.azure_side import AzureSide
from tests.chain.standing import Standing

GOALS = {1: 0.75, 8: 0.6}
REQUESTS, REPEATS = 800, 7


def rows() -> list[Row]:
    """The ratio at 1 and at 8 connections."""
    with lab() as standing, tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        vault, asked = _asked(standing)
        port, ca = free_port(), Path(folder) / "ca.pem"
        server = stack.enter_context(serving("door", Path(folder), port))
        assert server.stdout
        server.stdout.readline()
        return [_row(count, standing, vault, asked, port, ca) for count in GOALS]


def _row(count: int, standing: Standing, vault: str, asked: bytes, port: int, ca: Path) -> Row:
    door = exchanges.Door(standing)
    nothing = asked.replace(vault.encode(), HOST.encode())
    with ExitStack() as stack:
        ours = [stack.enter_context(door.wire(vault)) for _ in range(count)]
        bare = [stack.enter_context(Wire(port, ca, HOST, PASSWORD)) for _ in range(count)]
        rounds(ours, asked, 50)
        rounds(bare, nothing, 50)
        each = REQUESTS // count
        full, empty = in_turn(
            REPEATS, lambda: rounds(ours, asked, each), lambda: rounds(bare, nothing, each)
        )
    said = f"{_rate(full)} secrets/s, {_rate(empty)} bare answers/s"
    what = f"Key Vault GET ÷ a bare answer, {count} connection{'s' if count > 1 else ''}"
    return Row(what, ratio(empty, full), GOALS[count], at_least=True, said=said)


def _rate(taken: list[float]) -> str:
    return f"{REQUESTS / sorted(taken)[len(taken) // 2]:,.0f}"


def _asked(standing: Standing) -> tuple[str, bytes]:
    """App 1's vault, and app 1's own request for its secret."""
    side = AzureSide(standing)
    vault = f"{side.outputs['kvApp1Name']}.vault.azure.net"
    token = exchanges.access_token(standing, side.outputs["idApp1ClientId"])
    path = "/secrets/arbitrarySecret?api-version=7.6"
    return vault, get(vault, path, f"Authorization: Bearer {token}")
