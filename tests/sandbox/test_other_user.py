"""Another user of the same machine: every door refuses, every file is closed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers.sandbox import process

TRIES = """
import json, os, socket, sys, encodings.idna
os.setgroups([]), os.setgid(65534), os.setuid(65534)
folder, port = sys.argv[1], int(sys.argv[2])
def attempt(name, what):
    try:
        return name, str(what())
    except OSError as error:
        return name, type(error).__name__
def connect(path):
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(path)
        return "connected"
def ask(text):
    with socket.create_connection(("127.0.0.1", port)) as gateway:
        gateway.sendall(text.encode())
        return gateway.recv(12).decode()
tries = [attempt(name, lambda: open(f"{folder}/{name}").read()) for name in (
    "settings.json", "ca.key", "state.sqlite", "requests.sqlite", "sandbox.log")]
tries += [attempt("list", lambda: os.listdir(folder))]
tries += [attempt("control.sock", lambda: connect(f"{folder}/control.sock"))]
tries += [attempt("vault", lambda: ask("CONNECT kv.vault.azure.net:443 HTTP/1.1\\r\\n\\r\\n"))]
tries += [attempt("imds", lambda: ask(
    "GET http://169.254.169.254/metadata/identity/oauth2/token HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"))]
print(json.dumps(dict(tries)))
"""


@pytest.fixture
def home() -> Iterator[Path]:
    if os.geteuid():
        pytest.skip("only root can become another user")
    open_to_all = Path(tempfile.mkdtemp())
    open_to_all.chmod(0o755)
    home = open_to_all / "home"
    home.mkdir(mode=0o755)
    yield home
    process.stop(home)
    shutil.rmtree(open_to_all)


def test_another_user_is_refused_by_every_door_and_file(home: Path) -> None:
    running = process.start(home)
    command = [sys.executable, "-c", TRIES, str(home / "sandbox"), str(running.port)]
    found = json.loads(subprocess.check_output(command, text=True, cwd="/"))
    assert {found.pop("vault"), found.pop("imds")} == {"HTTP/1.1 407"}
    assert set(found.values()) == {"PermissionError"}
