"""Starts a container as a process of this machine, and lets it end with the sandbox.

    process = await start(Start(command=("python3", "/app/app1.py"), …))

Its environment is exactly what is given; its output comes through a pipe; another pipe, held by
the sandbox alone, tells it that the sandbox is gone (see `container`, what runs inside).

Source: measured on Linux; macOS has the same calls. Left out: isolation, users, cgroups.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from akswi_helpers.sandbox.cluster.node.container import end_below
from akswi_helpers.sandbox.cluster.node.images import Program

_INSIDE = Path(__file__).with_name("container.py")
_PYTHONS = ("python", "python3")
_APPLETS = ("sleep", "echo", "cat", "env", "printenv", "true", "false", "sh")
_LEAST_DATA = 512 << 20  # Python with TLS needs room, whatever the pod's limit says
_MOST_DATA = 4 << 30  # of a pod without a limit: less than what a laptop has
_FILES = 256
_FILE_SIZE = 1 << 30  # no file of a pod's fills the disk
_PIPE_HOLDS = 8192  # characters that no system's pipe makes us wait for


class StartError(Exception):
    """The command cannot be started, in containerd's words."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A volume at its place in the container."""

    path: str
    source: Path
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """What to start. `root` takes what is written outside of every mount."""

    program: Program
    command: tuple[str, ...]
    env: Mapping[str, str]
    root: Path
    mounts: tuple[Mount, ...] = ()
    writable: bool = True  # False is readOnlyRootFilesystem
    working_dir: str = ""
    memory: int = 0  # bytes; 0 is no limit of the pod's own
    extra: Mapping[str, str] = field(default_factory=dict)  # the process's network
    name: str = ""  # how `ps` shows it


class Running:
    """A container's process. `closed` when it ended and its pipe was given back."""

    def __init__(self, process: asyncio.subprocess.Process, pipe: int) -> None:
        self._process, self._pipe = process, pipe

    @property
    def pid(self) -> int:
        """Its process id on this machine; also its process group."""
        return self._process.pid

    @property
    def output(self) -> asyncio.StreamReader:
        """Standard output and error, in the order in which they were written."""
        assert self._process.stdout is not None
        return self._process.stdout

    def signal(self, number: int) -> None:
        """Send a signal to the first process; nothing when it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended and was not waited for yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it and everything it started, at once."""
        if self._process.returncode is None:
            end_below(self.pid)
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says EPERM of a dead group
            self.signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Its exit code, as containers count: 128 + n when signal n ended it."""
        try:
            code = await self._process.wait()
        finally:
            if self._pipe >= 0:
                os.close(self._pipe)
                self._pipe = -1
        self.kill_rest()
        return code if code >= 0 else 128 - code

    def kill_rest(self) -> None:
        """End what the first process left behind; in a container nothing outlives it."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return


async def start(wanted: Start) -> Running:
    """The process, started. Raises StartError when the image has no such command."""
    _check(wanted)
    theirs, ours = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-B", str(_INSIDE), str(theirs), wanted.name),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**wanted.env, **wanted.extra},
            pass_fds=(theirs,),
            start_new_session=True,
            limit=1 << 16,
        )
        await _tell(ours, _asked(wanted))
    except BaseException:
        os.close(ours)  # the process, if there is one, sees that and ends
        raise
    finally:
        os.close(theirs)
    return Running(process, ours)


async def _tell(pipe: int, asked: str) -> None:
    if len(asked) < _PIPE_HOLDS:
        _send(pipe, asked)
    else:
        await asyncio.to_thread(_send, pipe, asked)


def _send(pipe: int, asked: str) -> None:
    data = asked.encode() + b"\n"
    with contextlib.suppress(OSError):  # it is dead, or we gave up on it
        while data:
            data = data[os.write(pipe, data) :]


def _asked(wanted: Start) -> str:
    mounts = [
        {"path": m.path, "source": str(m.source), "read_only": m.read_only} for m in wanted.mounts
    ]
    data = max(wanted.memory, _LEAST_DATA) if wanted.memory else _MOST_DATA
    limits = {"CORE": 0, "NOFILE": _FILES, "FSIZE": _FILE_SIZE, "DATA": data}
    asked = {
        "program": wanted.program.value,
        "command": list(wanted.command),
        "mounts": mounts,
        "root": str(wanted.root),
        "writable": wanted.writable,
        "folder": wanted.working_dir,
        "limits": limits,
    }
    return json.dumps(asked)


def _check(wanted: Start) -> None:
    name = os.path.basename(wanted.command[0]) if wanted.command else ""
    known = {
        Program.PYTHON: not name or name.rstrip("0123456789.") in _PYTHONS or name in _PYTHONS,
        Program.BUSYBOX: not name or name in _APPLETS,
        Program.PAUSE: name in ("", "pause"),
        Program.NGINX: name in ("", "nginx"),
        Program.COMPONENT: True,
    }
    if not known[wanted.program]:
        raise StartError(
            "failed to create containerd task: failed to create shim task: OCI runtime create "
            "failed: runc create failed: unable to start container process: error during "
            f'container init: exec: "{wanted.command[0]}": executable file not found in $PATH'
        )
