"""The few commands that `exec` can run in a container, over the container's own files.

    run(("cat", "/mnt/secrets-store/arbitrarySecret"), inside)  ->  pieces; then the exit code

They read and never write. What an image does not have, and what the sandbox does not emulate,
cannot be started: the container runtime says so. Errors are worded as BusyBox words them in its
image, and as GNU coreutils do elsewhere.

Source: the manuals of GNU coreutils 9 and BusyBox 1.36, runc's errors. Left out: shells, and every
option that a command does not list (refused by name).
"""

from __future__ import annotations

import os
from collections.abc import Callable

from akswi_helpers.sandbox.cluster.node import listing, reading
from akswi_helpers.sandbox.cluster.node.images import Program
from akswi_helpers.sandbox.cluster.node.inside import (
    OUTPUT,
    Applet,
    Inside,
    Run,
    UsageError,
    failure,
    line,
    options,
    reason,
)

_FOLDERS = ("/bin", "/usr/bin")
_WITH_COMMANDS = (Program.PYTHON, Program.NGINX, Program.BUSYBOX)
_PREFIX = "unable to start container process: exec: "


class NoSuchCommandError(Exception):
    """The image has no such command: in runc's words."""


def check(command: tuple[str, ...], program: Program, image: str) -> None:
    """Raise NoSuchCommandError unless the image has the command and the sandbox emulates it."""
    folder, name = os.path.split(command[0])
    has = program in _WITH_COMMANDS and "/distroless/" not in image and name in APPLETS
    if folder and not (has and folder in _FOLDERS):
        why = f'{_PREFIX}"{command[0]}": stat {command[0]}: no such file or directory'
        raise NoSuchCommandError(why)
    if not has:
        raise NoSuchCommandError(f'{_PREFIX}"{command[0]}": executable file not found in $PATH')


def run(command: tuple[str, ...], inside: Inside) -> Run:
    """What the command writes, piece by piece; its exit code is the generator's value."""
    name = os.path.basename(command[0])
    try:
        return (yield from APPLETS[name](inside, list(command[1:])))
    except UsageError as error:
        yield failure(name, str(error))
        return 2 if name in ("ls", "test", "[") else 1
    except OSError as error:  # a file that went while the command ran
        yield failure(name, f"{error.filename}: {reason(error)}")
        return 1


def env(inside: Inside, words: list[str]) -> Run:
    """Every variable of the container."""
    if words:
        raise UsageError("the sandbox does not emulate env with arguments")
    for name, value in inside.env.items():
        yield line(f"{name}={value}")
    return 0


def printenv(inside: Inside, words: list[str]) -> Run:
    """The values of the variables that are named; every variable when none is."""
    _, names = options(words, "")
    if not names:
        return (yield from env(inside, []))
    for name in names:
        if name in inside.env:
            yield line(inside.env[name])
    return 0 if all(name in inside.env for name in names) else 1


def echo(_inside: Inside, words: list[str]) -> Run:
    """The words, with one space between them; `-n` leaves the newline out."""
    end = "\n"
    while words and words[0] in ("-n", "-E"):
        end = "" if words.pop(0) == "-n" else end
    if words and words[0].startswith("-") and set(words[0][1:]) <= set("neE") and words[0] != "-":
        raise UsageError(f"the sandbox does not emulate the option {words[0]}")
    yield OUTPUT, os.fsencode(" ".join(words) + end)
    return 0


def identity(inside: Inside, words: list[str]) -> Run:
    """The user and group that the container runs as; `-u` and `-g` only the number."""
    found, rest = options(words, "ug")
    if rest or len(found) > 1:
        raise UsageError(f"the sandbox does not emulate: {' '.join(words)}")
    user, group = _named(inside.user), _named(inside.group)
    numbers = {"": f"uid={user} gid={group} groups={group}"}
    yield line((numbers | {"u": str(inside.user), "g": str(inside.group)})[found])
    return 0


def pwd(inside: Inside, words: list[str]) -> Run:
    """The working directory."""
    options(words, "LP")
    yield line(inside.files.working_dir)
    return 0


def test(inside: Inside, words: list[str]) -> Run:
    """Exit code 0 when the expression holds, else 1; 2 when it is none."""
    negated = words[:1] == ["!"]
    holds = _holds(inside, words[1:] if negated else words)
    yield OUTPUT, b""
    return int(holds is negated)


def bracket(inside: Inside, words: list[str]) -> Run:
    """`test` with a closing bracket."""
    if words[-1:] != ["]"]:
        raise UsageError("missing ]" if inside.busybox else "missing ']'")
    return (yield from test(inside, words[:-1]))


def true(_inside: Inside, _words: list[str]) -> Run:
    """Nothing, and exit code 0."""
    yield OUTPUT, b""
    return 0


def false(_inside: Inside, _words: list[str]) -> Run:
    """Nothing, and exit code 1."""
    yield OUTPUT, b""
    return 1


APPLETS: dict[str, Applet] = {
    "[": bracket,
    "cat": reading.cat,
    "echo": echo,
    "env": env,
    "false": false,
    "head": reading.head,
    "id": identity,
    "ls": listing.ls,
    "printenv": printenv,
    "pwd": pwd,
    "readlink": reading.readlink,
    "sha256sum": reading.sha256sum,
    "test": test,
    "true": true,
    "wc": reading.wc,
}

_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "-eq": lambda a, b: _number(a) == _number(b),
    "-ne": lambda a, b: _number(a) != _number(b),
    "-lt": lambda a, b: _number(a) < _number(b),
    "-le": lambda a, b: _number(a) <= _number(b),
    "-gt": lambda a, b: _number(a) > _number(b),
    "-ge": lambda a, b: _number(a) >= _number(b),
}


def _holds(inside: Inside, words: list[str]) -> bool:
    if len(words) < 2:
        return bool(words and words[0])
    if len(words) == 2:
        return _is(inside, *words)
    if len(words) == 3 and words[1] in _COMPARE:
        return _COMPARE[words[1]](words[0], words[2])
    raise UsageError(f"the sandbox does not emulate: {' '.join(words)}")


def _is(inside: Inside, operator: str, value: str) -> bool:
    if operator in ("-n", "-z"):
        return bool(value) is (operator == "-n")
    if operator not in ("-e", "-f", "-d", "-s", "-L", "-h"):
        raise UsageError(f"the sandbox does not emulate: {operator}")
    try:
        found = inside.files.find(value, follow=operator not in ("-L", "-h"))
    except OSError:
        return False
    size = found.info.st_size if found.info else 1
    answers = {"-e": True, "-d": found.is_folder, "-f": found.is_file, "-s": size > 0}
    return answers.get(operator, found.is_link)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"invalid integer '{text}'") from None


def _named(number: int) -> str:
    return "0(root)" if number == 0 else str(number)
