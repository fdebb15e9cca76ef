"""A controller's queue: keys to look at, each once, again when something about it changes.

    queue = Queue("deployments", reconcile);  queue.add("app1/web");  await queue.run()

Level-triggered: `reconcile(key)` looks at what is there, not at what happened. It returns the
seconds after which to look again, or None. A failure is logged and tried again, later each time.

Source: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/controllers.md
Left out: parallel workers; one loop, one key at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from akswi_helpers.sandbox.cluster.refusals import StatusError

log = logging.getLogger(__name__)

_FIRST_S, _LONGEST_S = 0.05, 60.0


@dataclass
class Queue:
    """The keys that `reconcile` has yet to look at."""

    name: str
    reconcile: Callable[[str], float | None]
    _waiting: dict[str, None] = field(default_factory=dict)  # in order of arrival
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, key: str) -> None:
        """Look at `key` soon."""
        self._waiting[key] = None
        self._wake.set()

    def add_later(self, key: str, seconds: float) -> None:
        """Look at `key` after `seconds`; the earlier of two such wishes counts."""
        loop = asyncio.get_running_loop()
        old = self._timers.get(key)
        if old is not None and not old.cancelled() and old.when() <= loop.time() + seconds:
            return
        if old is not None:
            old.cancel()
        self._timers[key] = loop.call_later(max(seconds, 0), self._due, key)

    async def run(self) -> None:
        """Work for ever."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    key = next(iter(self._waiting))
                    del self._waiting[key]
                    self._look(key)
                    await asyncio.sleep(0)  # requests come first
        finally:
            for timer in self._timers.values():
                timer.cancel()

    def _look(self, key: str) -> None:
        try:
            again = self.reconcile(key)
        except Exception as error:
            self._failed(key, error)
            return
        self._failures.pop(key, None)
        if again is not None:
            self.add_later(key, again)

    def _failed(self, key: str, error: Exception) -> None:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        if isinstance(error, StatusError):
            log.info("%s %s: %s", self.name, key, error)
        else:
            log.exception("%s %s", self.name, key)
        self.add_later(key, min(_FIRST_S * 2**count, _LONGEST_S))

    def _due(self, key: str) -> None:
        self._timers.pop(key, None)
        self.add(key)
