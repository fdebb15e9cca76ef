"""A process that has imported what notebooks use, and forks a kernel whenever it is asked.

    main(fd)        serve; fd: its end of a socket pair

It hears one JSON line per kernel, {"question", "argv", "env", "cwd"}, and answers with the same
"question" and "pid" or "error"; when a kernel ends it says {"ended": pid, "code": exit code,
negative for a signal}. Between questions it goes on importing, so the first kernel does not wait
for the last package. It ends when the other end of the socket does, and its kernels see that and
end too.

A fork copies one thread only, so nothing here may start one: a process that has another refuses.
Linux only: macOS's own frameworks, which Python's proxy lookup calls, do not survive a fork
(https://docs.python.org/3/library/multiprocessing.html, "contexts and start methods").
Left out: who asks; see `warm_kernels`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from akswi_helpers.types import Json

THREADS = Path("/proc/self/task")

# Enough for a kernel, then for the pages of the tutorial, in the order in which they need it.
MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",
    "tornado.platform.asyncio",
    "sqlite3",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.extensions.storemagic",
    "akswi_helpers.lab",
    "akswi_helpers.stages",
    "akswi_helpers.passing",
    "akswi_helpers.checks",
    "akswi_helpers.sandbox.process",
    "azure.identity",
    "msal_extensions",
    "azure.core.pipeline.transport._requests_basic",
    "azure.core.rest._requests_basic",
    "pandas",
    "pandas.io.formats.html",
    "pandas.io.formats.string",
    "ipywidgets",
    "akswi_helpers.widgets",
    "azure.mgmt.resource.resources",
    "azure.mgmt.resource.deployments",
    "azure.mgmt.authorization",
    "azure.mgmt.authorization.v2022_04_01",
    "azure.mgmt.keyvault",
    "azure.mgmt.msi",
    "azure.mgmt.msi.v2024_11_30",
    "azure.keyvault.secrets",
    "httpx",
    "httpcore",
    "h2.connection",
    "anyio._backends._asyncio",
    "azure.mgmt.containerservice",
    "azure.mgmt.compute",
    "msgraph.generated.applications.applications_request_builder",
    "msgraph.generated.applications.item.application_item_request_builder",
    "msgraph.generated.applications.item.federated_identity_credentials."
    "federated_identity_credentials_request_builder",
    "msgraph.generated.models.application_collection_response",
    "msgraph.generated.models.federated_identity_credential_collection_response",
    "msgraph.generated.models.o_data_errors.o_data_error",
    "msgraph.generated.service_principals_with_app_id."
    "service_principals_with_app_id_request_builder",
    "akswi_helpers.clean_up",
)


def graph_models() -> None:
    """The thousand modules that msgraph-sdk imports when it reads its first application."""
    from msgraph.generated.models.application import Application

    Application().get_field_deserializers()


def cluster_models() -> None:
    """What the Kubernetes client imports when its first API is named."""
    from kubernetes import client

    _ = client.CoreV1Api


def lessons() -> Iterator[Callable[[], object]]:
    """What to import, one piece at a time."""
    for name in MODULES:
        yield partial(importlib.import_module, name)
    yield cluster_models
    yield graph_models
    yield gc.freeze  # what stays is shared with every kernel, untouched by their collectors


class Nursery:
    """Forks kernels, and tells of their ends. `channel` is this end of the socket pair."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel, self._heard, self._given = channel, b"", dict(os.environ)
        self._wake, wakened = os.pipe()
        os.set_blocking(wakened, False)
        self._ends = (channel.fileno(), self._wake, wakened)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakened)

    def serve(self) -> None:
        """Import and fork until the other end is gone."""
        learning = lessons()
        while True:
            lesson = next(learning, None)
            if not self._attend(None if lesson is None else 0):
                return
            if lesson:
                with suppress(ImportError):  # a page that needs it says so itself
                    lesson()

    def _attend(self, patience: float | None) -> bool:
        """Do what there is to do; False when the other end is gone."""
        channel = self._channel.fileno()
        ready, _, _ = select.select([channel, self._wake], [], [], patience)
        if self._wake in ready:
            os.read(self._wake, 4096)
            self._bury()
        return channel not in ready or self._hear()

    def _hear(self) -> bool:
        try:
            data = self._channel.recv(65536)
        except ConnectionError:  # the other end went and left something unread
            return False
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            wanted = json.loads(line)
            self._tell({"question": wanted["question"], **self._born(wanted)})
        return bool(data)

    def _born(self, wanted: Json) -> Json:
        threads = sum(1 for _ in THREADS.iterdir())
        if threads != 1:
            return {"error": f"{threads} threads run here; a fork would lose all but one"}
        hear, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            for end in (hear, tell, *self._ends):
                os.close(end)
            _be_a_kernel({**wanted["env"], **self._set_by_imports()}, wanted)
        os.close(tell)
        with open(hear, "rb") as news:
            news.read()  # ends once the child leads a session of its own
        return {"pid": pid}

    def _set_by_imports(self) -> dict[str, str]:
        """The variables that imported packages have set, as they would have in the kernel."""
        now = os.environ.items()
        return {name: value for name, value in now if self._given.get(name) != value}

    def _bury(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._tell({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _tell(self, news: Json) -> None:
        with contextlib.suppress(ConnectionError):  # gone: the next look at the channel ends it
            self._channel.sendall(json.dumps(news).encode() + b"\n")


def _be_a_kernel(env: dict[str, str], wanted: Json) -> NoReturn:
    """Become what `python -m ipykernel_launcher …` would have been."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(wanted["cwd"])
    # A kernel ends when this process is gone; ipykernel read JPY_PARENT_PID when it was imported.
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"
    sys.argv = [_launcher(), *wanted["argv"], parent]
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()  # Python's own `random` does so by itself after a fork
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()
    sys.exit(0)


def _launcher() -> str:
    """What `-m ipykernel_launcher` puts in sys.argv[0]."""
    found = find_spec("ipykernel_launcher")
    return str(found.origin) if found else "ipykernel_launcher"


def main(fd: int) -> None:
    """Serve the socket whose file descriptor is `fd` until its other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Nursery(socket.socket(fileno=fd)).serve()
