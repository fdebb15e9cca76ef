"""The control door: a Unix socket, mode 0600, for whoever owns the sandbox.

    {"command": "status"}                   pid, address, state file, uptime
    {"command": "log", "limit": 100}        the newest requests
    {"command": "clock", "move": 3600}      set the clock ahead (or back); its offset now
    {"command": "dials", "set": {…}}        turn dials, or none; where each one stands
    {"command": "stop"}                     end, with everything kept

One JSON object per line, one answer per line. `ask` is the client.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from akswi_helpers.types import Json

SOCKET_PATH_BYTES = 100  # what every system's sockaddr_un takes
Command = Callable[..., Json]


class ControlError(Exception):
    """The sandbox did not take the command: one sentence."""


class NobodyThere(ControlError):
    """Nothing answers at this home's control door."""


def socket_path(home: Path) -> Path:
    """Where the control door of `home` is; under the system's temp when the path is too long."""
    path = home / "sandbox" / "control.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES:
        return path
    return _short_folder(home) / "control.sock"


def ask(home: Path, command: str, *, timeout: float = 10, **arguments: Any) -> Json:
    """The answer to `command`. Raises NobodyThere, or ControlError when it is refused."""
    line = json.dumps({"command": command, **arguments}).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.settimeout(timeout)
            door.connect(str(socket_path(home)))
            door.sendall(line)
            answer = json.loads(door.makefile("rb").readline() or b"{}")
    except (OSError, ValueError) as error:
        raise NobodyThere(f"no sandbox answers for {home} ({type(error).__name__})") from error
    if "error" in answer:
        raise ControlError(answer["error"])
    return dict(answer)


async def serve(path: Path, commands: Mapping[str, Command]) -> asyncio.Server:
    """Listen at `path`, in place of a socket that a dead sandbox left, and answer `commands`."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(_answer(commands, line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(client, str(path))
    path.chmod(0o600)
    return server


def _answer(commands: Mapping[str, Command], line: bytes) -> Json:
    try:
        asked = json.loads(line)
        name = asked.pop("command")
        return commands[name](**asked)
    except KeyError:
        return {"error": f"No such command. There are: {', '.join(sorted(commands))}."}
    except ControlError as error:
        return {"error": str(error)}
    except (ValueError, TypeError, AttributeError) as error:
        return {"error": f"The command cannot be read: {error}"}


def _short_folder(home: Path) -> Path:
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"akswi-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ControlError(f"{folder} is not a private folder of yours; remove it or set TMPDIR.")
    return folder
