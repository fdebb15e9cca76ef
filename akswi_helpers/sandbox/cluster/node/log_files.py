"""The logs of containers on disk, and who follows them.

One file per run of a container, a line of it as the container runtime writes it:
"2026-11-24T17:05:01.123456789Z stdout F text". Only its owner can read it.

Source: Kubernetes CRI logging format. Left out: compression; one older file is kept when a log
passes 10 MiB, as on AKS.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from akswi_helpers.sandbox.cluster.node.files import make_private
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Seconds

MOST = 10 << 20  # bytes


class Logs:
    """Writes logs and wakes those who follow them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._changed: dict[Path, asyncio.Event] = {}
        self._open: set[Path] = set()

    def begin(self, path: Path) -> None:
        """A container starts: its log exists, and more may come."""
        make_private(path.parent)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._open.add(path)

    def write(self, path: Path, line: bytes, *, whole: bool = True) -> None:
        """Add a line (or, not `whole`, a piece of a long one) without its newline."""
        if not path.exists():
            return  # the pod is gone, its folder with it
        if path.stat().st_size > MOST:
            path.replace(path.with_suffix(".log.1"))
        head = f"{_stamp(self._world.clock.now())} stdout {'F' if whole else 'P'} "
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, head.encode() + line + b"\n")
        finally:
            os.close(file)
        self._tell(path)

    def end(self, path: Path) -> None:
        """The container has ended: nothing more comes."""
        self._open.discard(path)
        self._tell(path)

    async def read(
        self,
        path: Path,
        *,
        follow: bool = False,
        tail: int | None = None,
        stamps: bool = False,
        since: Seconds | None = None,
    ) -> AsyncIterator[bytes]:
        """The log as kubectl shows it; with `follow` until the container ends.

        `tail` is a number of lines, `since` Unix seconds; `stamps` puts its time before each line.
        """
        lines, position = _lines(path, 0)
        if since is not None:
            lines = [line for line in lines if line >= _stamp(since).encode()]
        yield _shown(lines if tail is None else lines[len(lines) - min(tail, len(lines)) :], stamps)
        while follow:
            changed = self._changed.setdefault(path, asyncio.Event())
            lines, position = _lines(path, position)
            if lines:
                yield _shown(lines, stamps)
            elif path in self._open:
                await changed.wait()
            else:
                return

    def _tell(self, path: Path) -> None:
        if event := self._changed.pop(path, None):
            event.set()


def _stamp(now: Seconds) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


def _lines(path: Path, position: int) -> tuple[list[bytes], int]:
    if not path.exists():
        return [], 0
    with path.open("rb") as file:
        file.seek(position if position <= path.stat().st_size else 0)
        found = file.read()
        return found.splitlines(keepends=True), file.tell()


def _shown(lines: list[bytes], stamps: bool) -> bytes:
    shown = []
    for line in lines:
        stamp, _, flag, text = line.split(b" ", 3)
        text = text if flag == b"F" else text.rstrip(b"\n")
        shown.append(stamp + b" " + text if stamps else text)
    return b"".join(shown)
