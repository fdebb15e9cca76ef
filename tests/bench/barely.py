"""Running the servers of `bare` for a while, and a port for them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.homes import ROOT


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(kind: str, folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The server `kind` of `bare`, running until the end."""
    command = [sys.executable, "-m", "tests.bench.bare", kind, str(folder), str(port)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=env, text=True, **pipes) as server:  # type: ignore[call-overload]
        try:
            yield server
        finally:
            server.kill()
