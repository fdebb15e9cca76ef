"""The files of a container, by the paths that the container knows them by.

    Files(root, mounts).find("/mnt/secrets-store/arbitrarySecret")   ->  Found(path, real, info)

A path leads into a volume or into the folder that holds what the container wrote, never anywhere
else on this machine. Symbolic links are followed here, step by step, in the container's terms: one
that says "/etc/passwd" means the container's own.

Source: path_resolution(7). Left out: the image's files; of the image there is only its name.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from akswi_helpers.sandbox.cluster.node.launcher import Mount

_MOST_LINKS = 40
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Found:
    """A file or folder. `real` is None for a folder that exists only because a mount is in it."""

    path: str  # in the container, without links
    real: Path | None
    info: os.stat_result | None
    mount: Mount | None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.info is None or stat.S_ISDIR(self.info.st_mode)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.info is not None and stat.S_ISREG(self.info.st_mode)

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link (only when links were not followed)."""
        return self.info is not None and stat.S_ISLNK(self.info.st_mode)


class Files:
    """What a container sees under its root: `mounts`, and what it wrote itself, in `root`."""

    def __init__(self, root: Path, mounts: Sequence[Mount], working_dir: str = "/") -> None:
        # The longest path first: /app/data before /app.
        self._mounts = sorted(mounts, key=lambda mount: -len(mount.path))
        self._root = root
        self.working_dir = os.path.normpath("/" + working_dir.lstrip("/"))

    def find(self, path: str, *, follow: bool = True) -> Found:
        """What is at `path`. Raises OSError as the system would (ENOENT, ENOTDIR, ELOOP)."""
        left = _parts(path if path.startswith("/") else f"{self.working_dir}/{path}")
        here, links = self._at("/"), 0
        while left:
            part = left.pop(0)
            if not here.is_folder:
                raise _error(errno.ENOTDIR, path)
            here = self._at(_step(here.path, part), path)
            if here.is_link and (left or follow or path.endswith("/")):
                links += 1
                if links > _MOST_LINKS:
                    raise _error(errno.ELOOP, path)
                target = self.target(here)
                left = _parts(target) + left
                start = "/" if target.startswith("/") else os.path.dirname(here.path)
                here = self._at(start)
        if path.endswith("/") and not here.is_folder:
            raise _error(errno.ENOTDIR, path)
        return here

    def target(self, link: Found) -> str:
        """What a symbolic link says."""
        assert link.real is not None
        return os.readlink(link.real)

    def names(self, folder: Found) -> list[str]:
        """The names in a folder, sorted by their bytes, mounts among them."""
        inside = {entry.name for entry in os.scandir(folder.real)} if folder.real else set()
        prefix = folder.path.rstrip("/") + "/"
        for mount in self._mounts:
            if mount.path.startswith(prefix):
                inside.add(mount.path[len(prefix) :].split("/")[0])
        return sorted(inside, key=os.fsencode)

    def pieces(self, path: str) -> Iterator[bytes]:
        """The content of a regular file, 64 KiB at a time. Raises OSError for anything else."""
        found = self.find(path)
        if found.is_folder:
            raise _error(errno.EISDIR, path)
        if found.real is None or not found.is_file:
            raise _error(errno.EACCES, path)
        # The program in the container may exchange the file for a link in the meantime.
        opened = os.open(found.real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(opened, "rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    def _at(self, path: str, asked: str = "") -> Found:
        mount = next((m for m in self._mounts if _within(path, m.path)), None)
        real = self._root / path[1:] if mount is None else self._mounted(mount, path)
        if real is not None and os.path.lexists(real):
            return Found(path, real, os.lstat(real), mount)
        if path == "/" or any(_within(m.path, path) for m in self._mounts if m is not mount):
            return Found(path, None, None, None)
        raise _error(errno.ENOENT, asked or path)

    def _mounted(self, mount: Mount, path: str) -> Path | None:
        inside = path[len(mount.path) :].lstrip("/")
        if inside:
            return mount.source / inside
        # A mount of one file of a volume is a link of that volume's on this machine.
        real = mount.source.resolve()
        return real if real.is_relative_to(self._pod) else None

    @property
    def _pod(self) -> Path:
        return self._root.parent.parent.resolve()


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _step(path: str, part: str) -> str:
    return os.path.dirname(path) if part == ".." else f"{path.rstrip('/')}/{part}"


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
