"""Who asked what: one row per request, without query, headers or body.

    time, user_agent, method, host, path, status

Kept beside the state in a file of its own, so that other processes can read it while the sandbox
runs and after it stopped; only the newest rows stay. Left out: anything a secret could hide in.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

log = logging.getLogger(__name__)

FILE = "requests.sqlite"
KEPT = 50_000  # rows
TOGETHER_S = 0.02
COLUMNS = ("time", "user_agent", "method", "host", "path", "status")

_TABLE = (
    "CREATE TABLE IF NOT EXISTS requests (id INTEGER PRIMARY KEY, time REAL, user_agent TEXT,"
    " method TEXT, host TEXT, path TEXT, status INTEGER)"
)
_INSERT = "INSERT INTO requests (time, user_agent, method, host, path, status) VALUES (?,?,?,?,?,?)"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class RequestLog:
    """The log of one World: in its folder, or in memory where it has none."""

    def __init__(self, world: World) -> None:
        surroundings = getattr(world, "surroundings", None)
        self._clock = world.clock
        self._file = _opened(surroundings.folder / FILE if surroundings else None)
        self._waiting: list[tuple[object, ...]] = []
        self.last_asked = time.monotonic()

    def add(
        self,
        *,
        user_agent: str,
        method: str,
        host: str,
        path: str,
        status: int,
        by_person: bool = True,
    ) -> None:
        """Keep one row, written within TOGETHER_S; control characters become "?".

        `last_asked` (monotonic seconds) becomes now, unless a pod or the sandbox itself was asking.
        """
        if by_person:
            self.last_asked = time.monotonic()
        texts = [_CONTROL.sub("?", text)[:1000] for text in (user_agent, method, host, path)]
        self._waiting.append((self._clock.now(), *texts, status))
        if len(self._waiting) == 1:
            _soon(self.write)

    def write(self) -> None:
        """Write what waits; a full disk costs these rows, not a caller their answer."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            with _transaction(self._file):
                for values in waiting:
                    self._insert(values)
        except sqlite3.Error:
            log.exception("%d requests were not logged", len(waiting))

    def _insert(self, values: tuple[object, ...]) -> None:
        row = self._file.execute(_INSERT, values).lastrowid
        if row and row % 1000 == 0:
            self._file.execute("DELETE FROM requests WHERE id <= ?", (row - KEPT,))

    def rows(self, limit: int = KEPT) -> list[Json]:
        """The newest `limit` rows, oldest first; `time` is ISO 8601, UTC."""
        self.write()
        return _rows(self._file, limit)

    def close(self) -> None:
        """Write what waits and close the file; the log is not used afterwards."""
        self.write()
        self._file.close()


def _soon(write: Callable[[], None]) -> None:
    """Call `write` in a moment; now, where no loop runs. Writing alone costs most of a commit."""
    try:
        asyncio.get_running_loop().call_later(TOGETHER_S, write)
    except RuntimeError:
        write()


@contextmanager
def _transaction(file: sqlite3.Connection) -> Iterator[None]:
    file.execute("BEGIN IMMEDIATE")
    try:
        yield
        file.execute("COMMIT")
    except sqlite3.Error:
        if file.in_transaction:
            file.execute("ROLLBACK")
        raise


def read(folder: Path, limit: int = KEPT) -> list[Json]:
    """The newest `limit` rows of the sandbox in `folder`, oldest first; [] when it has none."""
    path = folder / FILE
    if not path.is_file():
        return []
    file = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2)
    try:
        return _rows(file, limit)
    finally:
        file.close()


def _opened(path: Path | None) -> sqlite3.Connection:
    try:
        return _prepared(path)
    except sqlite3.DatabaseError:
        if path is None or not path.exists():
            raise
        path.replace(path.with_suffix(".damaged"))  # a log is not worth a refusal to start
        return _prepared(path)


def _prepared(path: Path | None) -> sqlite3.Connection:
    file = sqlite3.connect(
        path or ":memory:", isolation_level=None, timeout=2, check_same_thread=False
    )
    try:
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=OFF")
        file.execute(_TABLE)
    except sqlite3.DatabaseError:
        file.close()
        raise
    if path:
        path.chmod(0o600)
    return file


def _rows(file: sqlite3.Connection, limit: int) -> list[Json]:
    found = file.execute(
        f"SELECT {', '.join(COLUMNS)} FROM requests ORDER BY id DESC LIMIT ?", (limit,)
    ).fetchall()
    return [_row(values) for values in reversed(found)]


def _row(values: tuple[float, str, str, str, str, int]) -> Json:
    moment = datetime.fromtimestamp(values[0], UTC).isoformat(timespec="milliseconds")
    return {**dict(zip(COLUMNS, values, strict=True)), "time": moment.replace("+00:00", "Z")}
