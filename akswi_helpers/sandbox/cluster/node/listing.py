"""`ls` in a container: names, or with `-l` type, permissions, owner, size, time and target.

Source: the manuals of GNU coreutils 9 and BusyBox 1.36. Left out: colours, columns on a terminal,
options other than -1, -A, -a, -d, -l, -L.
"""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime

from akswi_helpers.sandbox.cluster.node.inner_files import Found
from akswi_helpers.sandbox.cluster.node.inside import (
    OUTPUT,
    Inside,
    Run,
    failure,
    line,
    options,
    reason,
)
from akswi_helpers.types import Seconds

_HALF_YEAR: Seconds = 182 * 86400
_FOLDER_SIZE, _BLOCK = 4096, 512

Row = tuple[str, Found]  # what is printed as its name, and what it is


def ls(inside: Inside, words: list[str]) -> Run:
    """List files, then folders; exit code 2 (BusyBox: 1) when one is not there."""
    flags, paths = options(words, "1AadlL")
    follow = "l" not in flags or "L" in flags
    code, single, folders = 0, list[Row](), list[Row]()
    for path in sorted(paths or ["."], key=os.fsencode):
        try:
            found = _found(inside, path, follow)
        except OSError as error:
            code = 1 if inside.busybox else 2
            said = path if inside.busybox else f"cannot access '{path}'"
            yield failure("ls", f"{said}: {reason(error)}")
            continue
        (folders if found.is_folder and "d" not in flags else single).append((path, found))
    yield OUTPUT, _rows(inside, single, flags)
    for number, (path, folder) in enumerate(folders):
        if len(paths) > 1:
            yield line(("\n" if single or number else "") + f"{path}:")
        rows = _inside(inside, folder, flags)
        if "l" in flags:
            yield line(f"total {sum(_blocks(found) for _, found in rows) // 2}")
        yield OUTPUT, _rows(inside, rows, flags)
    return code


def _found(inside: Inside, path: str, follow: bool) -> Found:
    try:
        return inside.files.find(path, follow=follow)
    except FileNotFoundError:
        return inside.files.find(path, follow=False)  # a link that leads nowhere is listed, too


def _inside(inside: Inside, folder: Found, flags: str) -> list[Row]:
    names = [name for name in inside.files.names(folder) if _shows(name, flags)]
    base = folder.path.rstrip("/")
    rows = [(name, _entry(inside, f"{base}/{name}", "L" in flags)) for name in names]
    if "a" in flags:
        above = inside.files.find(os.path.dirname(folder.path))
        rows = [(".", folder), ("..", above), *rows]
    return rows


def _entry(inside: Inside, path: str, follow: bool) -> Found:
    try:
        return inside.files.find(path, follow=follow)
    except OSError:
        return inside.files.find(path, follow=False)


def _shows(name: str, flags: str) -> bool:
    return not name.startswith(".") or "a" in flags or "A" in flags


def _rows(inside: Inside, rows: list[Row], flags: str) -> bytes:
    if "l" not in flags:
        return b"".join(os.fsencode(name + "\n") for name, _ in rows)
    cells = [_cells(inside, found) for _, found in rows]
    widths = [max((len(row[column]) for row in cells), default=0) for column in range(5)]
    if inside.busybox:
        widths = [10, 4, 8, 8, 9]
    lines = []
    for (name, found), row in zip(rows, cells, strict=True):
        mode, links, user, group, size, time = row
        text = f"{mode:<{widths[0]}} {links:>{widths[1]}} {user:<{widths[2]}} {group:<{widths[3]}}"
        target = f" -> {inside.files.target(found)}" if found.is_link else ""
        lines.append(f"{text} {size:>{widths[4]}} {time} {name}{target}\n")
    return os.fsencode("".join(lines))


def _cells(inside: Inside, found: Found) -> list[str]:
    user, group = inside.owner(found)
    info, size = found.info, _FOLDER_SIZE
    if info is not None and not stat.S_ISDIR(info.st_mode):
        size = info.st_size
    return [
        stat.filemode(inside.mode(found)),
        str(info.st_nlink if info else 2),
        "root" if user == 0 else str(user),
        "root" if group == 0 else str(group),
        str(size),
        _time(info.st_mtime if info else datetime.now(UTC).timestamp()),
    ]


def _time(moment: Seconds) -> str:
    when = datetime.fromtimestamp(moment, UTC)
    old = abs(datetime.now(UTC).timestamp() - moment) > _HALF_YEAR
    return f"{when:%b} {when.day:>2} " + (f" {when:%Y}" if old else f"{when:%H:%M}")


def _blocks(found: Found) -> int:
    if found.info is None:
        return _FOLDER_SIZE // _BLOCK
    return found.info.st_blocks
