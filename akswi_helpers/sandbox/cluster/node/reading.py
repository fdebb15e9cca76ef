"""The commands of a container that read files: cat, head, wc, sha256sum, readlink.

Source: the manuals of GNU coreutils 9 and BusyBox 1.36. Left out: options not listed here.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator

from akswi_helpers.sandbox.cluster.node.inside import (
    OUTPUT,
    Inside,
    Piece,
    Run,
    UsageError,
    failure,
    line,
    options,
    reason,
)


def reads_stdin(command: tuple[str, ...]) -> bool:
    """Whether the command waits for its standard input."""
    name = os.path.basename(command[0]) if command else ""
    if name not in ("cat", "head", "wc", "sha256sum"):
        return False
    operands = _head_options(list(command[1:]))[2] if name == "head" else command[1:]
    files = [word for word in operands if word == "-" or not word.startswith("-")]
    return not files or "-" in files


def cat(inside: Inside, words: list[str]) -> Run:
    """Write files one after the other."""
    _, paths = options(words, "u")
    code = 0
    for path in paths or ["-"]:
        try:
            for piece in _pieces(inside, path):
                yield OUTPUT, piece
        except OSError as error:
            code = 1
            yield _refusal(inside, "cat", path, error)
    return code


def head(inside: Inside, words: list[str]) -> Run:
    """Write the first ten lines, or `-n` lines, or `-c` bytes."""
    count, by_bytes, paths = _head_options(words)
    code = 0
    for number, path in enumerate(paths or ["-"]):
        try:
            pieces = list(_first(_pieces(inside, path), count, by_bytes))
        except OSError as error:
            code = 1
            yield _refusal(inside, "head", path, error)
            continue
        if len(paths) > 1:
            name = "standard input" if path == "-" else path
            yield line(f"{'' if number == 0 else chr(10)}==> {name} <==")
        for piece in pieces:
            yield OUTPUT, piece
    return code


def wc(inside: Inside, words: list[str]) -> Run:
    """Count lines, words and bytes; with `-l`, `-w`, `-c` only those."""
    found, paths = options(words, "lwc")
    wanted = [letter for letter in "lwc" if letter in (found or "lwc")]
    total, code = dict.fromkeys("lwc", 0), 0
    width = 9 if inside.busybox else _width(inside, paths)
    if len(wanted) == 1 and (inside.busybox or len(paths) < 2):
        width = 1
    for path in paths or ["-"]:
        try:
            counts = _counts(_pieces(inside, path))
        except OSError as error:
            code = 1
            yield _refusal(inside, "wc", path, error)
            continue
        total = {letter: total[letter] + counts[letter] for letter in "lwc"}
        yield line(_row(counts, wanted, width, path if paths else ""))
    if len(paths) > 1:
        yield line(_row(total, wanted, width, "total"))
    return code


def sha256sum(inside: Inside, words: list[str]) -> Run:
    """Write the SHA-256 of each file, in hexadecimal, and its name."""
    _, paths = options(words, "b" if not inside.busybox else "")
    code = 0
    for path in paths or ["-"]:
        digest = hashlib.sha256()
        try:
            for piece in _pieces(inside, path):
                digest.update(piece)
                yield OUTPUT, b""  # others get their turn
        except OSError as error:
            code = 1
            yield _refusal(inside, "sha256sum", path, error)
            continue
        yield line(f"{digest.hexdigest()}  {path}")
    return code


def readlink(inside: Inside, words: list[str]) -> Run:
    """Write what a symbolic link says; with `-f` where it leads in the end."""
    found, paths = options(words, "fn")
    if not paths:
        raise UsageError("missing operand")
    code = 0
    for path in paths:
        try:
            if "f" in found:
                said = inside.files.find(path).path
            else:
                link = inside.files.find(path, follow=False)
                said = inside.files.target(link) if link.is_link else ""
        except OSError:
            said = ""
        if not said:
            code = 1
            continue
        yield OUTPUT, os.fsencode(said + ("" if "n" in found else "\n"))
    return code


def _pieces(inside: Inside, path: str) -> Iterator[bytes]:
    if path == "-":
        return iter([inside.stdin] if inside.stdin else [])
    return inside.files.pieces(path)


def _refusal(inside: Inside, name: str, path: str, error: OSError) -> Piece:
    why = reason(error)
    if isinstance(error, IsADirectoryError) and name in ("cat", "sha256sum") and inside.busybox:
        return failure(name, f"read error: {why}")
    if inside.busybox and name in ("cat", "sha256sum"):
        return failure(name, f"can't open '{path}': {why}")
    if name == "head" and not inside.busybox and not isinstance(error, IsADirectoryError):
        return failure(name, f"cannot open '{path}' for reading: {why}")
    if name == "head" and not inside.busybox:
        return failure(name, f"error reading '{path}': {why}")
    return failure(name, f"{path}: {why}")


def _head_options(words: list[str]) -> tuple[int, bool, list[str]]:
    """How many, whether bytes are counted, and the operands."""
    count, by_bytes, rest = "10", False, list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word[1:].isdigit():
            count, by_bytes = word[1:], False
        elif word[:2] in ("-n", "-c"):
            count = word[2:] or (rest.pop(0) if rest else "")
            by_bytes = word[1] == "c"
        else:
            raise UsageError(f"the sandbox does not emulate the option {word}")
    if not count.isdecimal():
        raise UsageError(f"invalid number of {'bytes' if by_bytes else 'lines'}: '{count}'")
    return int(count), by_bytes, rest


def _first(pieces: Iterator[bytes], count: int, by_bytes: bool) -> Iterator[bytes]:
    for piece in pieces:
        if count <= 0:
            return
        if by_bytes:
            yield piece[:count]
            count -= len(piece)
            continue
        lines = piece.split(b"\n")
        yield b"\n".join(lines[:count]) + (b"\n" if len(lines) > count else b"")
        count -= len(lines) - 1


def _counts(pieces: Iterator[bytes]) -> dict[str, int]:
    found, between = dict.fromkeys("lwc", 0), True
    for piece in pieces:
        found["l"] += piece.count(b"\n")
        found["c"] += len(piece)
        words = len(piece.split())
        found["w"] += words - (0 if between or not words or piece[:1].isspace() else 1)
        between = piece[-1:].isspace()
    return found


def _row(counts: dict[str, int], wanted: list[str], width: int, name: str) -> str:
    numbers = " ".join(f"{counts[letter]:>{width}}" for letter in wanted)
    return f"{numbers} {name}" if name else numbers


def _width(inside: Inside, paths: list[str]) -> int:
    """GNU wc: as wide as the sum of the sizes; seven where something is no regular file."""
    size = 0
    for path in paths or ["-"]:
        try:
            info = None if path == "-" else inside.files.find(path).info
        except OSError:
            continue
        if info is None or not stat.S_ISREG(info.st_mode):
            return 7
        size += info.st_size
    return len(str(size))
