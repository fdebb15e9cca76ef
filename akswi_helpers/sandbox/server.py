"""One sandbox: its World, its services, and the doors that lead to them.

`Sandbox(home, wishes).run(ready)` opens the state, listens, takes up interrupted work, calls
`ready`, and returns when it was told to stop or nobody has asked anything for long.

Source: none but our own parts. Left out: starting as a process of its own (`process`).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import ssl
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from akswi_helpers.places import private
from akswi_helpers.sandbox import control, deployer, services, settings, terminal_tokens
from akswi_helpers.sandbox.asgi import CLUSTER_HOST, Front, cluster_api
from akswi_helpers.sandbox.azure.entra.access import ENTRA
from akswi_helpers.sandbox.certificates import Authority
from akswi_helpers.sandbox.connections import Connections
from akswi_helpers.sandbox.dials import Dials
from akswi_helpers.sandbox.gateway import LOOPBACK, Behind, Gateway
from akswi_helpers.sandbox.request_log import RequestLog
from akswi_helpers.sandbox.settings import Settings
from akswi_helpers.sandbox.tokens import SigningKeys
from akswi_helpers.sandbox.world import StateRefused, Surroundings, World
from akswi_helpers.types import Json

log = logging.getLogger(__name__)

IDLE_HOURS = 12.0  # AKSWI_IDLE_HOURS says otherwise
STATE_FILE = "state.sqlite"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What `akswi sandbox start` was told; empty where it was not."""

    port: int = 0
    tenant_id: str = ""
    subscription_id: str = ""
    seed: str = ""


class Sandbox:
    """Everything that runs in the sandbox's process.

    Raises StateRefused, one sentence, when the state, the port or a wish stands in the way.
    """

    def __init__(self, home: Path, wishes: Wishes) -> None:
        self.home, self.folder = home, private(home / "sandbox")
        self._started = time.monotonic()
        self._fresh = not (self.folder / STATE_FILE).exists()
        self.settings = _settings(self.folder, wishes)
        self.world = _world(self.folder, wishes)
        self._authority = Authority(self.folder)
        self._connections = Connections()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self.world.surroundings = self._surroundings()
        self._services = services.load()
        self._front = Front(self.world, self._services, self.settings.proxy_password)
        self._gateway = Gateway(self.settings.proxy_password, self._behind())

    async def run(self, ready: Callable[[], None]) -> None:
        """Listen until stopped; `ready` is called once everything answers."""
        self._bind()
        door = await control.serve(control.socket_path(self.home), self._commands())
        try:
            self._settle()
            self.spawn(self._gateway.serve())
            if not self._fresh:
                await services.resume(self.world)
            self.spawn(self._warm())
            self.spawn(services.import_all())
            self.spawn(terminal_tokens.keep_fresh(self.world, self.home))
            self.spawn(self._watch_idleness())
            self._heed_signals()
            ready()
            await self._stopping.wait()
        finally:
            await self._end(door)

    def stop(self) -> None:
        """Let `run` return."""
        self._stopping.set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` in the background until it ends or the sandbox does."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def proxy_url(self, user: str) -> str:
        """The gateway's address for a node or a person, password included."""
        return f"http://{user}:{self.settings.proxy_password}@{LOOPBACK}:{self.settings.port}"

    def status(self) -> Json:
        """pid, address, state file, uptime: what `akswi sandbox status` prints."""
        return {
            "pid": os.getpid(),
            "port": self.settings.port,
            "address": f"http://{LOOPBACK}:{self.settings.port}",
            "state_file": str(self.folder / STATE_FILE),
            "uptime_s": round(time.monotonic() - self._started, 3),
        }

    def _bind(self) -> None:
        try:
            self._gateway.listen(self.settings.port)
        except OSError as error:
            raise StateRefused(_why_not_bound(error, self.settings.port)) from error

    def _settle(self) -> None:
        from akswi_helpers.sandbox.azure.arm import authorization

        with self.world.transaction():
            principal = deployer.settle(self.world, self.settings.client_secret)
            authorization.seed(self.world, principal.object_id)
        self.settings = replace(
            self.settings,
            client_id=principal.client_id,
            tenant_id=self.world.tenant_id,
            subscription_id=self.world.subscription_id,
        )
        settings.save(self.folder, self.settings)

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            folder=self.folder,
            ca_file=self._authority.ca_file,
            proxy_url=self.proxy_url,
            server_context=self._authority.server_context,
            spawn=self.spawn,
        )

    def _behind(self) -> Behind:
        return Behind(
            context=self._context,
            secure=lambda user: self._connections.protocol(self._front.secure(user)),
            plain=self._connections.protocol(self._front.plain()),
            refused=self._refused,
        )

    def _context(self, host: str) -> ssl.SSLContext | None:
        if host.endswith(CLUSTER_HOST):
            return self._authority.server_context(host) if cluster_api(self.world, host) else None
        service = self._services.of(host)
        if service is None:
            return None
        return self._authority.server_context(host if host in service.hosts else _wildcard(host))

    def _refused(self, host: str, user_agent: str, status: int) -> None:
        rows = self.world.state(RequestLog)
        rows.add(user_agent=user_agent, method="CONNECT", host=host, path="", status=status)

    def _commands(self) -> dict[str, control.Command]:
        return {
            "status": self.status,
            "log": lambda limit=1000: {"rows": self.world.state(RequestLog).rows(int(limit))},
            "clock": self._clock,
            "dials": self._dials,
            "stop": self._stop_command,
        }

    def _clock(self, move: float = 0) -> Json:
        if move:
            with self.world.transaction():
                self.world.clock.move(float(move))
        return {"offset": self.world.clock.offset, "now": self.world.clock.now()}

    def _dials(self, **change: dict[str, float]) -> Json:
        dials = self.world.state(Dials)
        dials.turn(change.pop("set", {}))
        if change:
            raise ValueError(f"dials takes 'set', not {', '.join(change)}")
        return {"dials": dials.rows()}

    def _stop_command(self) -> Json:
        self.stop()
        return {"stopping": os.getpid()}

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    async def _warm(self) -> None:
        await self.world.state(SigningKeys).ensure(ENTRA)

    async def _watch_idleness(self) -> None:
        allowed = float(os.environ.get("AKSWI_IDLE_HOURS", IDLE_HOURS)) * 3600
        rows = self.world.state(RequestLog)
        while time.monotonic() - rows.last_asked < allowed:
            await asyncio.sleep(min(60, allowed))
        log.warning("nobody asked for %.1f hours; stopping, everything is kept", allowed / 3600)
        self.stop()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("background work failed", exc_info=error)

    async def _end(self, door: asyncio.Server) -> None:
        door.close()
        control.socket_path(self.home).unlink(missing_ok=True)
        await self._connections.close(patience=1)
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        self.world.state(RequestLog).close()
        self.world.close()


def _settings(folder: Path, wishes: Wishes) -> Settings:
    try:
        kept = settings.load(folder)
    except ValueError as error:
        raise StateRefused(f"{error}. Start anew with `akswi sandbox reset`.") from error
    kept = kept or settings.fresh(wishes.port)
    return replace(kept, port=wishes.port or kept.port)


def _world(folder: Path, wishes: Wishes) -> World:
    world = World(
        folder / STATE_FILE,
        seed=wishes.seed or "akswi",
        tenant_id=wishes.tenant_id,
        subscription_id=wishes.subscription_id,
    )
    found = {
        "tenant_id": world.tenant_id,
        "subscription_id": world.subscription_id,
        "seed": str(world.settings["identity"]["seed"]),
    }
    for name, value in found.items():
        wanted = getattr(wishes, name)
        if wanted and wanted != value:
            world.close()
            option = name.replace("_", "-")
            raise StateRefused(
                f"This sandbox was made with --{option} {value}; it cannot become {wanted}. "
                "`akswi sandbox reset` makes room for another."
            )
    return world


def _why_not_bound(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {LOOPBACK} is taken by another program. "
            "Choose one with `akswi sandbox start --port`."
        )
    return f"The sandbox cannot listen on {LOOPBACK}:{port}: {error.strerror}."


def _wildcard(host: str) -> str:
    return "*." + host.partition(".")[2]
