"""The sandbox as a process that outlives whoever started it.

    start(home)    a new process, or the one that runs already
    ensure(home)   the same, for those who do not care which
    running(home)  the process that answers now, or None
    stop(home)     end it, everything kept
    reset(home)    end it and remove what it kept

It comes back, after a stop or a crash, with the same port, CA, password and state. Running means
that its TCP port answers. Left out: more than one sandbox per home.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from akswi_helpers.places import private
from akswi_helpers.sandbox import control, lock, settings
from akswi_helpers.sandbox.settings import Settings
from akswi_helpers.types import Json

START_SECONDS = 30
LOG_BYTES = 5_000_000

_children: list[subprocess.Popen[bytes]] = []  # kept so that those we started are reaped


class StartRefused(Exception):
    """The sandbox did not start: one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that answers."""

    home: Path
    pid: int
    settings: Settings
    uptime_s: float

    @property
    def port(self) -> int:
        """The gateway's port on 127.0.0.1."""
        return self.settings.port

    @property
    def address(self) -> str:
        """The gateway's address, without user and password."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority that clients must trust."""
        return self.home / "sandbox" / "ca.pem"

    @property
    def state_file(self) -> Path:
        """Where everything it remembers is."""
        return self.home / "sandbox" / "state.sqlite"

    def proxy_url(self, user: str = "learner") -> str:
        """The gateway's address for `user`, password included."""
        return f"http://{user}:{self.settings.proxy_password}@127.0.0.1:{self.port}"


def ensure(home: Path) -> Running:
    """The sandbox of `home`, started when it does not run. Raises StartRefused."""
    return running(home) or start(home)


def start(
    home: Path, *, port: int = 0, tenant_id: str = "", subscription_id: str = "", seed: str = ""
) -> Running:
    """Start the sandbox of `home`, or find it running with these options. Raises StartRefused."""
    wishes = {"port": port, "tenant_id": tenant_id, "subscription_id": subscription_id}
    folder = home / "sandbox"
    try:
        private(folder)
        with lock.held(folder, "start.lock", patience=START_SECONDS):
            found = running(home)
            if found is None:
                _spawn(home, folder, {**wishes, "seed": seed})
                found = running(home)
    except lock.Held as error:
        raise StartRefused(str(error)) from error
    except OSError as error:
        raise StartRefused(f"The sandbox cannot keep its files in {folder}: {error}.") from error
    if found is None:
        raise StartRefused(f"The sandbox started, but its port does not answer; see {folder}.")
    _refuse_other_wishes(found, wishes)
    return found


def running(home: Path) -> Running | None:
    """The sandbox of `home` if its TCP port answers here, else None."""
    _reap()
    try:
        kept = settings.load(home / "sandbox")
        if kept is None or not _answers(kept.port):
            return None
        status = control.ask(home, "status")
    except (ValueError, control.ControlError):
        return None
    if status["port"] != kept.port:
        return None
    return Running(home, int(status["pid"]), kept, float(status["uptime_s"]))


def stop(home: Path, patience: float = 10) -> bool:
    """End the sandbox of `home`; whether one ran. Returns once its process is gone."""
    folder = home / "sandbox"
    pid = lock.holder(folder)
    if not pid:
        return False
    try:
        control.ask(home, "stop", timeout=patience)
    except control.ControlError:
        _signal(pid, signal.SIGTERM)
    if not _gone(folder, patience):
        _signal(pid, signal.SIGKILL)
        _gone(folder, patience)
    _reap(pid)
    return True


def kept(home: Path) -> list[Path]:
    """What `reset` would remove: the sandbox's folder and those of its labs."""
    folders = [home / "sandbox", *sorted(home.glob("sandbox-*"))]
    return [folder for folder in folders if folder.is_dir()]


def reset(home: Path) -> list[Path]:
    """Stop the sandbox of `home` and remove all it kept; the folders that went."""
    stop(home)
    gone = kept(home)
    for folder in gone:
        shutil.rmtree(folder)
    return gone


def environment(running: Running, user: str = "learner") -> dict[str, str]:
    """The variables that lead a child process, or a terminal, to this sandbox."""
    proxy, ca = running.proxy_url(user), str(running.ca_file)
    names = ("HTTPS_PROXY", "HTTP_PROXY")
    proxies = {name: proxy for upper in names for name in (upper, upper.lower())}
    local = "127.0.0.1,localhost"
    return {
        **proxies,
        "NO_PROXY": local,
        "no_proxy": local,
        "REQUESTS_CA_BUNDLE": ca,
        "CURL_CA_BUNDLE": ca,  # where a machine sets it, it beats SSL_CERT_FILE
        "SSL_CERT_FILE": ca,
        "NODE_EXTRA_CA_CERTS": ca,
        "AZURE_TENANT_ID": running.settings.tenant_id,
        "AZURE_SUBSCRIPTION_ID": running.settings.subscription_id,
        "AZURE_CLIENT_ID": running.settings.client_id,
        "AZURE_CLIENT_SECRET": running.settings.client_secret,
    }


def _spawn(home: Path, folder: Path, wishes: dict[str, Any]) -> None:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in wishes.items() if value]
    hear, tell = os.pipe()
    command = [sys.executable, "-P", "-m", "akswi_helpers.sandbox", f"--home={home}"]
    with open(hear, "rb") as news, _log(folder) as log:
        try:
            child = subprocess.Popen(
                [*command, f"--ready={tell}", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[tell],
                start_new_session=True,
                cwd=folder,
                env=_own_environment(),
            )
        finally:
            os.close(tell)
        _children.append(child)
        answer = _heard(news)
    if "error" in answer or not answer:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=5)  # it still closes files that the way out may remove
    if "error" in answer:
        raise StartRefused(answer["error"])
    if not answer:
        raise StartRefused(f"The sandbox ended while it was starting; see {folder}/sandbox.log.")


def _heard(news: Any) -> Json:
    ready, _, _ = select.select([news], [], [], START_SECONDS)
    line = news.readline() if ready else b""
    return dict(json.loads(line)) if line else {}


def _log(folder: Path) -> Any:
    path = folder / "sandbox.log"
    if path.is_file() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return os.fdopen(descriptor, "ab")


def _own_environment() -> dict[str, str]:
    # Neither a learner's credentials nor a proxy belong in the sandbox's own process.
    def foreign(name: str) -> bool:
        return name.lower().endswith("_proxy") or name.startswith(("AZURE_", "AAD_", "KUBE"))

    return {name: value for name, value in os.environ.items() if not foreign(name)}


def _refuse_other_wishes(found: Running, wishes: dict[str, Any]) -> None:
    for name, wanted in wishes.items():
        value = asdict(found.settings)[name]
        if wanted and wanted != value:
            option = name.replace("_", "-")
            raise StartRefused(
                f"The sandbox already runs with --{option} {value}; "
                "`akswi sandbox stop` it first to ask for another."
            )


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def _gone(folder: Path, patience: float) -> bool:
    end = time.monotonic() + patience
    while lock.holder(folder):
        if time.monotonic() > end:
            return False
        _reap()
        time.sleep(0.02)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        if pid > 0:
            os.kill(pid, number)
    except ProcessLookupError:
        pass


def _reap(ended: int = 0) -> None:
    for child in _children:
        if child.pid == ended:
            child.wait(timeout=5)
    _children[:] = [child for child in _children if child.poll() is None]
