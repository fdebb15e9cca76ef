"""Locks that end with the process that holds them, however it ends.

`sandbox.lock` is held by the sandbox for its life and names its pid; `start.lock` by whoever is
starting one, so that two starters make one sandbox. Left out: network file systems.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "sandbox.lock"


class Held(Exception):
    """Another process holds the lock: one sentence with its pid."""


@contextmanager
def held(folder: Path, name: str = FILE, patience: float = 1) -> Iterator[None]:
    """Hold the lock inside; the file names this process. Raises Held after `patience` seconds."""
    descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, folder, name, time.monotonic() + patience)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(folder: Path, name: str = FILE) -> int:
    """The pid of the process that holds the lock; 0 when nobody does."""
    try:
        descriptor = os.open(folder / name, os.O_RDWR)
    except FileNotFoundError:
        return 0
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid(descriptor)
    finally:
        os.close(descriptor)
    return 0


def _take(descriptor: int, folder: Path, name: str, end: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise Held(_sentence(folder, _pid(descriptor))) from None
            time.sleep(0.02)
        else:
            return


def _pid(descriptor: int) -> int:
    text = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else -1


def _sentence(folder: Path, pid: int) -> str:
    return (
        f"The sandbox in {folder} already runs as process {pid}, or is just starting or stopping. "
        "See `akswi sandbox status`, then `akswi sandbox stop`."
    )
