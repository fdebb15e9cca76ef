"""How long a sandbox takes from nothing to its first answer, and what it holds while idle.

Beside uvicorn with TLS and an application that does nothing. Both begin with an empty folder, and
end with an answer over TLS.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path

import trustme

from akswi_helpers.sandbox import process
from tests.bench.bare import HOST
from tests.bench.barely import free_port, serving
from tests.bench.rows import Row, Spread, seconds
from tests.bench.wires import Wire, get

REPEATS, IDLE_S = 7, 5.0
ASKED = "login.microsoftonline.com"


def rows() -> list[Row]:
    """Cold start, and idle memory."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # as at a user's, who compiles once
    _sandbox(), _bare()
    ours, bare = zip(*((_sandbox()[0], _bare()) for _ in range(REPEATS)), strict=True)
    idle = Spread.of([_sandbox(IDLE_S)[1] for _ in range(2)])
    said = f"bare uvicorn with TLS {seconds(bare)}"
    return [
        Row("sandbox: start to first answer", Spread.of(ours), 0.35, "s", said=said),
        Row("sandbox: memory when idle", idle, 100, "MB", said=f"resident, {IDLE_S:.0f} s later"),
    ]


def _sandbox(idle_s: float = 0) -> tuple[float, float]:
    """Seconds to the first answer, and megabytes after `idle_s`."""
    with tempfile.TemporaryDirectory(prefix="akswi-bench-") as folder:
        begun = time.perf_counter()
        running = process.start(Path(folder))
        try:
            path = f"/{running.settings.tenant_id}/v2.0/.well-known/openid-configuration"
            password = running.settings.proxy_password
            with Wire(running.port, running.ca_file, ASKED, password) as wire:
                assert b" 200 " in wire.ask(get(ASKED, path))
            taken = time.perf_counter() - begun
            time.sleep(idle_s)
            return taken, megabytes(running.pid)
        finally:
            process.stop(Path(folder))


def _bare() -> float:
    """Seconds to bare uvicorn's first answer."""
    with tempfile.TemporaryDirectory(prefix="akswi-bench-") as folder:
        ca, begun = Path(folder) / "ca.pem", time.perf_counter()
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(ca))
        pem = authority.issue_cert(HOST).private_key_and_cert_chain_pem
        pem.write_to_path(str(Path(folder) / "bare.pem"))
        port = free_port()
        with serving("uvicorn", Path(folder), port):
            while not _answers(port, ca):
                time.sleep(0.005)
            return time.perf_counter() - begun


def _answers(port: int, ca: Path) -> bool:
    try:
        with Wire(port, ca, HOST) as wire:
            return b" 200 " in wire.ask(get(HOST, "/"))
    except ConnectionError:
        return False


def megabytes(pid: int) -> float:
    """What a process holds in memory now. Linux only; 0 elsewhere."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else 0.0
