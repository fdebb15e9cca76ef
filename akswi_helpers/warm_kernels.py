"""Kernels forked from a process that has imported everything already: the runner's side.

    with warm_kernels.kept() as kernels: …      None where kernels cannot be forked

Every notebook still gets a process of its own, with nothing in it but imported modules; what a
kernel does, no other sees. A kernel that cannot be forked is started the ordinary way. Only
`akswi run` uses this; papermill, nbval and JupyterLab start kernels as ever.
AKSWI_WARM_KERNELS=0 turns it off. Left out: macOS and Windows; see `kernel_forks`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from akswi_helpers.types import Json

PATIENCE_S = 30.0  # for a fork; the process that forks may be importing
LOOK_S = 0.05
# Not -m, which leaves this folder on the path, nor -P, which IPython would see in every kernel.
FORKS = """
import sys
sys.path[:] = [folder for folder in sys.path if folder]
from akswi_helpers import kernel_forks
kernel_forks.main(int(sys.argv[1]))
"""
QUIET = {
    "OPENBLAS_NUM_THREADS": "1",  # numpy's own threads, of no use here, would not survive a fork
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # a warning of the debugger's, which no kernel shows
}


class CannotFork(Exception):
    """No kernel was forked; the text says why."""


class Forked:
    """A kernel's process: as much of `subprocess.Popen` as jupyter_client asks for."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, kernels: Kernels) -> None:
        self.pid, self._kernels = pid, kernels
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        if self.returncode is None:
            self.returncode = self._kernels.ended(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended. Raises subprocess.TimeoutExpired."""
        end = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            time.sleep(LOOK_S)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Kernels:
    """The process that forks, and what it said. Ends with `close`, or with this process."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair()
        self._heard, self._ended, self._lock = b"", dict[int, int](), threading.Lock()
        self._asked = 0
        command = [sys.executable, "-c", FORKS, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={**os.environ, **QUIET},
            )

    @property
    def pid(self) -> int:
        """The process that forks; it leads a process group of its own."""
        return self._process.pid

    def fork(self, argv: Sequence[str], env: dict[str, str], cwd: str) -> Forked:
        """A kernel with these arguments to ipykernel_launcher. Raises CannotFork."""
        with self._lock:
            try:
                self.ask(argv, env, cwd)
                answer = self._answer(time.monotonic() + PATIENCE_S)
            except OSError as error:
                raise CannotFork(f"the process that forks is gone: {error}") from error
        if "error" in answer:
            raise CannotFork(answer["error"])
        return Forked(int(answer["pid"]), self)

    def ask(self, argv: Sequence[str], env: dict[str, str], cwd: str) -> None:
        """Ask for a kernel without waiting for it. Raises OSError when nobody hears."""
        self._asked += 1
        wanted = {"question": self._asked, "argv": list(argv), "env": env, "cwd": cwd}
        self._channel.settimeout(PATIENCE_S)
        self._channel.sendall(json.dumps(wanted).encode() + b"\n")

    def ended(self, pid: int) -> int | None:
        """The exit code of a kernel that was forked; None while it runs."""
        with self._lock:
            for news in self._news(0):
                self._note(news)
        if pid not in self._ended and self._process.poll() is not None and _gone(pid):
            self._ended[pid] = 1
        return self._ended.get(pid)

    def close(self) -> None:
        """End the process that forks; kernels that are left see it and end too."""
        self._channel.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self, until: float) -> Json:
        while (left := until - time.monotonic()) > 0:
            for news in self._news(left):
                if news.get("question") == self._asked:
                    return news
                self._note(news)
        raise TimeoutError("it does not answer")

    def _note(self, news: Json) -> None:
        if "ended" in news:
            self._ended[int(news["ended"])] = int(news["code"])
        elif "pid" in news:  # nobody waits for it any more: Ctrl-C came first
            os.kill(int(news["pid"]), signal.SIGKILL)

    def _news(self, patience: float) -> list[Json]:
        """What was said and not yet heard. Raises OSError when nobody is there any more."""
        self._channel.settimeout(patience)
        try:
            data = self._channel.recv(65536)
        except (BlockingIOError, TimeoutError):
            return []
        if not data:
            raise ConnectionResetError("it ended")
        *lines, self._heard = (self._heard + data).split(b"\n")
        return [json.loads(line) for line in lines]


@contextmanager
def kept() -> Iterator[Kernels | None]:
    """A process to fork kernels from, for a while; None where that does not work."""
    if sys.platform != "linux" or os.environ.get("AKSWI_WARM_KERNELS") == "0":
        yield None
        return
    kernels = Kernels()
    try:
        yield kernels
    finally:
        kernels.close()


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
