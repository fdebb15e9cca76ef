"""The first process of a container: runs its command with the pod's volumes where it expects them.

    python -I -S container.py PIPE NAME

It is started by `launcher`, in a session of its own, and imports nothing but the standard library:
what a program finds here, it finds in the image. What to do comes as a line of JSON through the
pipe, where no `ps` shows it. It ends, with everything it started, when the sandbox's end of the
pipe closes, so that not even `kill -9` of the sandbox leaves it behind.

Source: https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/.
Left out: isolation. It is a process like any other: paths that no volume covers are the machine's
to read; what it writes there lands in a folder of its own.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import resource
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

READ_ONLY = "Read-only file system"
_EROFS = 30
_FREE = ("/dev/", "/proc/")
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h
_ROUNDS = 5  # what is ended may just have started another
_FOREVER = 10.0 * 365 * 86400
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Paths:
    """Where a path of the container is on this machine."""

    def __init__(self, mounts: list[dict[str, Any]], root: str, writable: bool) -> None:
        # The longest mount path first: /app/data before /app.
        self._mounts = sorted(mounts, key=lambda mount: -len(mount["path"]))
        self._root, self._writable = root, writable

    def real(self, path: Any, writing: bool = False) -> Any:
        """The machine's path for `path`. Raises OSError EROFS for writing where it may not."""
        if not isinstance(path, (str, bytes, os.PathLike)):
            return path  # an open file
        text = os.fsdecode(os.fspath(path))
        whole = os.path.normpath(os.path.join(os.getcwd(), text))
        found = self._mounted(whole, writing) or self._rooted(whole, text, writing)
        return os.fsencode(found) if isinstance(path, bytes) else found

    def made(self, folder: str) -> str:
        """A folder of the container's own root, made on the machine."""
        own = self._root + os.path.normpath(f"/{folder}")
        _MAKEDIRS(own, 0o700, exist_ok=True)
        return own

    def _mounted(self, whole: str, writing: bool) -> str:
        for mount in self._mounts:
            # A program that works in a volume's folder names files by their places here, too.
            for place in (mount["path"].rstrip("/"), mount["source"]):
                if whole == place or whole.startswith(f"{place}/"):
                    if writing and mount["read_only"]:
                        raise OSError(_EROFS, READ_ONLY, whole)
                    return str(mount["source"]) + whole[len(place) :]
        return ""

    def _rooted(self, whole: str, text: str, writing: bool) -> str:
        if whole.startswith((*_FREE, self._root)):
            return text
        own = self._root + whole
        if writing:
            if not self._writable:
                raise OSError(_EROFS, READ_ONLY, whole)
            _MAKEDIRS(os.path.dirname(own), 0o700, exist_ok=True)
            return own
        return own if _LEXISTS(own) else text


_MAKEDIRS, _LEXISTS = os.makedirs, os.path.lexists


class Mapped:
    """A function of the file system that takes the container's paths.

    An object, not a function: pathlib up to Python 3.10 keeps os functions as methods.
    """

    def __init__(self, function: Callable[..., Any], paths: Paths, count: int, write: bool) -> None:
        self._function, self._paths, self._count, self._write = function, paths, count, write

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Call it with its first `count` arguments mapped."""
        if named.get("dir_fd") is not None:
            return self._function(*given, **named)  # relative to an open folder
        writing = self._write or self._opens_to_write(given, named)
        mapped = [self._paths.real(path, writing) for path in given[: self._count]]
        for name in ("path", "file", "src", "dst"):
            if name in named:
                named[name] = self._paths.real(named[name], writing)
        return self._function(*mapped, *given[self._count :], **named)

    def _opens_to_write(self, given: tuple[Any, ...], named: dict[str, Any]) -> bool:
        if self._function is _OPEN:
            mode = named.get("mode", given[1] if len(given) > 1 else "r")
            return any(letter in mode for letter in "wax+")
        if self._function is _OS_OPEN:
            return bool(named.get("flags", given[1] if len(given) > 1 else 0) & _WRITING)
        return False


_OPEN, _OS_OPEN, _LISTDIR = builtins.open, os.open, os.listdir
_READERS = ("open", "stat", "lstat", "listdir", "scandir", "access", "readlink", "chdir", "statvfs")
_WRITERS = ("mkdir", "rmdir", "unlink", "remove", "chmod", "chown", "utime", "truncate", "mkfifo")


def map_files(paths: Paths) -> None:
    """Let this process's own file functions take the container's paths."""
    builtins.open = io.open = Mapped(_OPEN, paths, 1, False)
    for name in _READERS:
        setattr(os, name, Mapped(getattr(os, name), paths, 1, False))
    for name in _WRITERS:
        setattr(os, name, Mapped(getattr(os, name), paths, 1, True))
    for name in ("rename", "replace", "link"):
        setattr(os, name, Mapped(getattr(os, name), paths, 2, True))
    os.symlink = _Link(os.symlink, paths)


class _Link(Mapped):
    """os.symlink: what the link says stays as given, where it lies is mapped."""

    def __init__(self, function: Callable[..., Any], paths: Paths) -> None:
        super().__init__(function, paths, 0, True)

    def __call__(self, src: Any, dst: Any, *given: Any, **named: Any) -> Any:
        """Make the link."""
        return self._function(src, self._paths.real(dst, True), *given, **named)


def adopt() -> None:
    """Become the parent of whatever loses its own below us, as process 1 does; on Linux alone."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def end_below(pid: int) -> None:
    """End what `pid` started and what that started, in a session of its own, too; on Linux alone.

    Elsewhere only what stays in the process group is ended, by its caller.
    """
    for _ in range(_ROUNDS):
        if not (found := _below(pid)):
            return
        for child in found:
            try:
                os.kill(child, signal.SIGKILL)
            except OSError:
                continue  # it ended by itself


def _below(pid: int) -> list[int]:
    """The living descendants of a process."""
    parents: dict[int, int] = {}
    for name in filter(str.isdigit, _LISTDIR("/proc") if os.path.isdir("/proc/self") else []):
        try:
            with _OPEN(f"/proc/{name}/stat") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it ended while we looked
        if state != "Z":
            parents[int(name)] = int(parent)
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def end_with(pipe: int) -> None:
    """End this process and all it started when nobody holds the other end of `pipe`."""

    def wait() -> None:
        while os.read(pipe, 1):
            pass
        end_below(os.getpid())
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True, name="sandbox").start()


def read_line(pipe: int) -> bytes:
    """The first line that comes through the pipe; everything, when the pipe closes before."""
    line = b""
    while not line.endswith(b"\n") and (piece := os.read(pipe, 65536)):
        line += piece
    return line


def enter(paths: Paths, folder: str) -> None:
    """Make `folder` the working directory; one that is missing is made in the container's root."""
    os.chdir("/")
    real = paths.real(folder or "/")
    if not os.path.isdir(real):
        real = paths.made(folder)
    os.chdir(real)


def limit(limits: dict[str, int]) -> None:
    """Set resource limits by name ("NOFILE"), no higher than they may be."""
    for name, value in limits.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is not None:
            _, most = resource.getrlimit(which)
            wanted = value if most == resource.RLIM_INFINITY else min(value, most)
            resource.setrlimit(which, (wanted, wanted))


def as_first_process() -> None:
    """Signals as a container's process 1 sees them: without a handler, nothing happens."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def run_python(arguments: list[str]) -> None:
    """What `python3 <arguments>` does with a file, -m or -c; other options change nothing here."""
    while arguments and arguments[0].startswith("-") and arguments[0] not in ("-c", "-m"):
        arguments = arguments[2:] if arguments[0] in ("-W", "-X") else arguments[1:]
    sys.argv = arguments[1:] if arguments[:1] in (["-c"], ["-m"]) else arguments
    if not arguments:
        return  # no terminal, nothing to read
    if arguments[0] == "-m":
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return
    name = "<string>" if arguments[0] == "-c" else arguments[0]
    _main(arguments[1] if arguments[0] == "-c" else _source(name), name)


def _without_us(kind: Any, error: Any, trace: Any) -> None:
    """Print a traceback that begins with the program's own lines."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


def _source(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return bytes(file.read())
    except OSError as error:
        where = os.path.abspath(name)
        say(f"python3: can't open file '{where}': [Errno {error.errno}] {error.strerror}")
        sys.exit(2)


def _main(source: str | bytes, name: str) -> None:
    module = type(sys)("__main__")
    module.__dict__.update({"__file__": name, "__builtins__": builtins})
    sys.modules["__main__"] = module
    if name != "<string>":
        sys.path.insert(0, os.path.dirname(os.path.abspath(name)))
    exec(compile(source, name, "exec"), module.__dict__)


def say(*words: str, between: str = " ") -> None:
    """Write a line to the container's log."""
    sys.stdout.write(between.join(words) + "\n")
    sys.stdout.flush()


def wait_for_stop(said: str = "") -> None:
    """Wait until told to stop, as pause does."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda *_: stop.set())
    if said:
        say(said)
    while not stop.wait(3600):
        pass


def busybox(command: list[str]) -> None:
    """The few commands of busybox that the sandbox has."""
    name, arguments = os.path.basename(command[0]) if command else "sh", command[1:]
    if name == "sleep":
        units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
        seconds = sum(float(a.rstrip("smhd")) * units.get(a[-1], 1) for a in arguments)
        time.sleep(min(seconds, _FOREVER))  # "infinity" is a number of seconds, too
    elif name == "echo":
        say(*arguments)
    elif name == "cat":
        for path in arguments:
            with open(path, encoding="utf-8", errors="replace") as file:
                sys.stdout.write(file.read())
    elif name in ("env", "printenv"):
        say(*(f"{key}={value}" for key, value in os.environ.items()), between="\n")
    elif name == "false":
        sys.exit(1)
    elif name == "sh" and arguments:
        sys.exit("the sandbox does not run shell scripts: give the command itself")


def main() -> None:
    """Read what to do from the pipe and do it; the exit code is the program's."""
    pipe = int(sys.argv[1])
    asked = json.loads(read_line(pipe))
    adopt()
    end_with(pipe)
    limit(asked["limits"])
    os.umask(0o077)
    as_first_process()
    sys.excepthook = _without_us
    command, paths = asked["command"], Paths(asked["mounts"], asked["root"], asked["writable"])
    enter(paths, asked["folder"])
    map_files(paths)
    runs: dict[str, Callable[[], None]] = {
        "python": lambda: run_python(command[1:]),
        "pause": wait_for_stop,
        "nginx": lambda: wait_for_stop("stand-in for nginx: it waits and serves nothing"),
        "busybox": lambda: busybox(command),
    }
    try:
        runs[asked["program"]]()
    finally:
        end_below(os.getpid())


if __name__ == "__main__":
    main()
