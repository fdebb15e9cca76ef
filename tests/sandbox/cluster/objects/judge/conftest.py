"""A real API server to compare with, where one is found beside this repository."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.cluster.objects.judge.real import Real

UP = Path(__file__).resolve().parents[5].parent / "shared/tools/kube/up.sh"


@pytest.fixture(scope="module")  # its connection does not outlive long pauses between files
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """A real API server of the version that the sandbox stands in for."""
    if not UP.is_file() or not shutil.which("xz") or not shutil.which("openssl"):
        pytest.skip(f"no real API server to compare with: {UP} is missing")
    folder, port = tmp_path_factory.mktemp("kube"), free_port()
    started = subprocess.Popen(
        [str(UP), str(folder), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert started.stdout is not None
    try:
        assert started.stdout.readline(), "the real API server did not start"
        time.sleep(1)  # its controllers make the default service account
        client = Real(port)
        yield client
        client.close()
    finally:
        _end(started)
        started.stdout.close()


def _end(started: subprocess.Popen[bytes]) -> None:
    """Ask the server and its store to end; half a minute later they are not asked."""
    os.killpg(started.pid, signal.SIGTERM)
    try:
        started.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def free_port() -> int:
    """The first of three ports in a row that are free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port if port < 65000 else free_port()
