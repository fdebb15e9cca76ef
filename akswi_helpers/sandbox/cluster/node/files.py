"""Volumes on disk as the kubelet writes them: all files change at once, behind one link.

    write(folder, {"app1.py": (b"…", 0o644)})
      folder/..2026_11_24_17_05_01.123456789/app1.py
      folder/..data        -> that folder
      folder/app1.py       -> ..data/app1.py

Whoever reads sees either the old files or the new ones. Content that did not change writes nothing.

Source: kubernetes pkg/volume/util/atomic_writer.go. Left out: owners and groups; files are the
sandbox's own, and nobody else may read them.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

Payload = Mapping[str, tuple[bytes, int]]  # path in the volume -> content and mode

_DATA, _NEXT = "..data", "..data_tmp"


class BadPathError(Exception):
    """A path that would lead out of its volume."""


def make_private(folder: Path) -> Path:
    """The folder, made with its missing parents, all of them for its owner alone."""
    if not folder.is_dir():
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def write(folder: Path, payload: Payload) -> bool:
    """Make the volume's files those of `payload`; whether anything changed. Raises BadPathError."""
    for path in payload:
        _check(path)
    make_private(folder)
    if (folder / _DATA).exists() and _read(folder / _DATA) == _wanted(payload):
        return False
    before = _target(folder)
    made = folder / f"..{datetime.now(UTC):%Y_%m_%d_%H_%M_%S}.{secrets.randbelow(10**9):09d}"
    for path, (content, mode) in payload.items():
        _put(made / path, content, mode)
    make_private(made)
    _switch(folder, made.name)
    _link(folder, payload)
    if before is not None:
        shutil.rmtree(before, ignore_errors=True)
    return True


def _check(path: str) -> None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or path.startswith(".."):
        raise BadPathError(path)


def _wanted(payload: Payload) -> dict[str, tuple[bytes, int]]:
    return {path: (content, _mode(mode)) for path, (content, mode) in payload.items()}


def _mode(mode: int) -> int:
    return (mode & 0o700) | 0o600  # private, and ours to replace


def _read(data: Path) -> dict[str, tuple[bytes, int]]:
    found = {}
    for path in data.rglob("*"):
        if path.is_file():
            mode = path.stat().st_mode & 0o777
            found[str(path.relative_to(data))] = (path.read_bytes(), mode)
    return found


def _put(path: Path, content: bytes, mode: int) -> None:
    make_private(path.parent)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as opened:
        opened.write(content)
    path.chmod(_mode(mode))


def _target(folder: Path) -> Path | None:
    data = folder / _DATA
    return folder / os.readlink(data) if data.is_symlink() else None


def _switch(folder: Path, name: str) -> None:
    (folder / _NEXT).unlink(missing_ok=True)
    (folder / _NEXT).symlink_to(name)
    (folder / _NEXT).replace(folder / _DATA)


def _link(folder: Path, payload: Payload) -> None:
    names = {PurePosixPath(path).parts[0] for path in payload}
    for name in names:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"{_DATA}/{name}")
    for found in folder.iterdir():
        if not found.name.startswith("..") and found.name not in names:
            found.unlink()
