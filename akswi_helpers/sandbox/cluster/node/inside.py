"""What a command that runs in a container has around it, and how it reads its options.

Source: POSIX utility conventions.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

from akswi_helpers.sandbox.cluster.node.inner_files import Files, Found

OUTPUT, ERRORS = 1, 2

Piece = tuple[int, bytes]  # OUTPUT or ERRORS, and what is written there
Run = Generator[Piece, None, int]  # the exit code is its return value


@dataclass(frozen=True)
class Inside:
    """A container as a command finds it. `modes` and `groups` are those of volumes, by path."""

    files: Files
    env: Mapping[str, str]
    user: int = 0
    group: int = 0
    stdin: bytes = b""
    busybox: bool = False
    modes: Mapping[str, int] | None = None
    groups: Mapping[str, int] | None = None

    def owner(self, found: Found) -> tuple[int, int]:
        """User and group id of a file: root's in a volume, else the container's."""
        if found.mount is not None:
            return 0, (self.groups or {}).get(found.mount.path, 0)
        return (0, 0) if found.real is None else (self.user, self.group)

    def mode(self, found: Found) -> int:
        """Type and permissions. On this machine volumes are private; here they are as declared."""
        if found.info is None:
            return stat.S_IFDIR | 0o755
        given = found.info.st_mode
        if found.mount is None or stat.S_ISLNK(given):
            return given
        if stat.S_ISDIR(given):
            return stat.S_IFDIR | 0o755
        return stat.S_IFREG | (self.modes or {}).get(found.mount.path, 0o644)


class UsageError(Exception):
    """The command cannot be run like this."""


Applet = Callable[[Inside, list[str]], Run]


def options(words: Sequence[str], known: str) -> tuple[str, list[str]]:
    """The single-letter options among `known`, and the operands. Raises UsageError."""
    found, rest = "", list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        for letter in word[1:]:
            if letter not in known:
                raise UsageError(f"the sandbox does not emulate the option {word}")
            found += letter
    return found, rest


def line(text: str) -> Piece:
    """A line of output."""
    return OUTPUT, os.fsencode(text + "\n")


def failure(name: str, text: str) -> Piece:
    """A line of errors."""
    return ERRORS, os.fsencode(f"{name}: {text}\n")


def reason(error: OSError) -> str:
    """What the system says: "No such file or directory"."""
    return os.strerror(error.errno or 0)
