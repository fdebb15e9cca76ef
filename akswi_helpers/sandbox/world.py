"""The memory of one sandbox: clock, identifiers, tables, and the transaction around a request.

Everything a service remembers is a JSON document in a `Table`, held in memory and written through
to SQLite when the transaction commits. One event loop touches it, so there are no locks: a plain
handler never awaits, and an async one re-reads after every await.

Source: https://www.sqlite.org/wal.html (NORMAL survives the death of the process, not of the
machine's power). Left out: more than one process; the sandbox owns its file (an exclusive lock).
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable, Coroutine, ItemsView, Iterator, Mapping, ValuesView
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from akswi_helpers.types import Json, Seconds

if TYPE_CHECKING:
    import ssl

SCHEMA_VERSION = 1

T = TypeVar("T")


class StateRefused(Exception):
    """The state file cannot be used: one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where this sandbox runs, for those who start processes or open doors of their own.

    `proxy_url(user)` is the gateway's address for a node or a person, password included.
    `server_context(*names)` is a TLS context with a certificate for those host names.
    `spawn(coroutine)` runs a background task that ends with the sandbox; its failure is logged.
    """

    folder: Path  # 0700; "pods/" and sockets live under it
    ca_file: Path
    proxy_url: Callable[[str], str]
    server_context: Callable[..., ssl.SSLContext]
    spawn: Callable[[Coroutine[Any, Any, None]], object]


class HasWorld(Protocol):
    """A service's state: made from the World it lives in."""

    def __init__(self, world: World, /) -> None: ...


class Table(Mapping[str, Json]):
    """Documents by key. Reading returns the stored object itself: copy before you change it."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self._name = world, name
        self._rows: dict[str, Json] = {}

    def __getitem__(self, key: str) -> Json:
        return self._rows[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    # The two that are walked over a thousand times a second; Mapping's own ask for row after row.

    def values(self) -> ValuesView[Json]:
        """The documents, in the order in which their keys came."""
        return self._rows.values()

    def items(self) -> ItemsView[str, Json]:
        """Keys and documents, in the order in which the keys came."""
        return self._rows.items()

    def put(self, key: str, value: Json) -> None:
        """Store `value` under `key` when the open transaction commits; visible at once."""
        self._world.changing(self._name, key, self._rows.get(key), value)
        self._rows[key] = value

    def remove(self, key: str) -> None:
        """Forget `key`. Raises KeyError when it is not there."""
        self._world.changing(self._name, key, self._rows[key], None)
        del self._rows[key]

    def restore(self, key: str, value: Json | None) -> None:
        """Set or drop a row without recording it: for loading and for undoing."""
        if value is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = value


class Clock:
    """The machine's time plus an offset that a test can move. The offset is kept."""

    def __init__(self, settings: Table) -> None:
        self._settings = settings

    def now(self) -> Seconds:
        """Unix seconds, UTC."""
        return time.time() + self.offset

    @property
    def offset(self) -> Seconds:
        """How far this sandbox's clock is ahead of the machine's."""
        return float(self._settings.get("clock", {}).get("offset", 0))

    def move(self, seconds: Seconds) -> None:
        """Set the clock `seconds` ahead of where it is; inside a transaction."""
        self._settings.put("clock", {"offset": self.offset + seconds})


class Identifiers:
    """Names that are the same in every fresh sandbox with the same seed, and random ones."""

    def __init__(self, seed: str, counts: Table) -> None:
        self._seed, self._counts = seed, counts

    def guid(self, kind: str, path: str) -> str:
        """A new GUID for the thing of `kind` at `path`; made again, it is another one."""
        key = f"{kind} {path.lower()}"
        count = int(self._counts.get(key, {}).get("made", 0))
        self._counts.put(key, {"made": count + 1})
        return self.fixed(kind, path, count)

    def fixed(self, kind: str, path: str, count: int = 0) -> str:
        """The GUID of `kind` and `path` without counting: the same at every call."""
        return _guid(f"{self._seed}|{kind}|{path.lower()}|{count}")

    @staticmethod
    def random_guid() -> str:
        """A GUID that nobody can predict: trace ids, tokens."""
        return str(uuid.uuid4())

    @staticmethod
    def secret(size: int = 30) -> str:
        """A random URL-safe text of about 4/3 `size` characters."""
        return secrets.token_urlsafe(size)


@lru_cache(maxsize=1000)
def _guid(text: str) -> str:
    # Remembered: the tenant's and the subscription's are asked for several times per request.
    return str(uuid.UUID(bytes=hashlib.sha256(text.encode()).digest()[:16], version=4))


class World:
    """One sandbox's memory. `path` None keeps everything in memory, for tests.

    Raises StateRefused when the file is locked, not a state file, or of another version.
    """

    surroundings: Surroundings

    def __init__(
        self,
        path: Path | None = None,
        *,
        seed: str = "akswi",
        tenant_id: str = "",
        subscription_id: str = "",
    ) -> None:
        self._database = _open(path)
        self._tables: dict[str, Table] = {}
        self._states: dict[type, object] = {}
        self._pending: dict[tuple[str, str], Json | None] = {}
        self._undo: list[tuple[str, str, Json | None]] = []
        self._after: list[Callable[[], None]] = []
        self._depth = 0
        self._load()
        self.settings = self.table("settings")
        self._settle({"seed": seed, "tenant": tenant_id, "subscription": subscription_id})
        self.clock = Clock(self.settings)
        self.ids = Identifiers(self._setting("seed"), self.table("identifiers"))

    @property
    def tenant_id(self) -> str:
        """The one tenant of this sandbox."""
        return self._setting("tenant") or self.ids.fixed("tenant", "")

    @property
    def subscription_id(self) -> str:
        """The one subscription of this sandbox."""
        return self._setting("subscription") or self.ids.fixed("subscription", "")

    def table(self, name: str) -> Table:
        """The table called `name`, empty when new. Names are "service.things"."""
        if name not in self._tables:
            self._tables[name] = Table(self, name)
        return self._tables[name]

    def state(self, kind: type[T]) -> T:
        """This World's one object of a service's state class, made on first use."""
        if kind not in self._states:
            self._states[kind] = cast("type[HasWorld]", kind)(self)
        return cast("T", self._states[kind])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside, or none; on disk before it returns. An inner one joins the outer."""
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self._commit()
        except BaseException:
            if self._depth == 1:
                self._roll_back()
            raise
        finally:
            self._depth -= 1
        if self._depth == 0:
            self._run_after()

    def after_commit(self, action: Callable[[], None]) -> None:
        """Run `action` once the open transaction is on disk; never when it is rolled back."""
        self._after.append(action)

    def changing(self, table: str, key: str, old: Json | None, new: Json | None) -> None:
        """Record a change of the open transaction. Raises RuntimeError outside of one."""
        if self._depth == 0:
            raise RuntimeError(f"{table}/{key} changed outside a transaction")
        self._undo.append((table, key, old))
        self._pending[(table, key)] = new

    def close(self) -> None:
        """Close the file; the World is not used afterwards."""
        self._database.close()

    def _setting(self, name: str) -> str:
        return str(self.settings["identity"][name])

    def _settle(self, wanted: Mapping[str, str]) -> None:
        if "identity" not in self.settings:
            with self.transaction():
                self.settings.put("identity", dict(wanted))

    def _load(self) -> None:
        for table, key, body in self._database.execute("SELECT tbl, key, body FROM documents"):
            self.table(table).restore(key, json.loads(body))

    def _commit(self) -> None:
        gone = [(t, k) for (t, k), value in self._pending.items() if value is None]
        kept = [
            (t, k, json.dumps(value, separators=(",", ":")))
            for (t, k), value in self._pending.items()
            if value is not None
        ]
        if gone or kept:
            with self._database:
                self._database.executemany("DELETE FROM documents WHERE tbl=? AND key=?", gone)
                self._database.executemany("INSERT OR REPLACE INTO documents VALUES (?,?,?)", kept)
        self._pending.clear()
        self._undo.clear()

    def _roll_back(self) -> None:
        for table, key, old in reversed(self._undo):
            self.table(table).restore(key, old)
        self._pending.clear()
        self._undo.clear()
        self._after.clear()

    def _run_after(self) -> None:
        actions, self._after = self._after, []
        for action in actions:
            action()


def _open(path: Path | None) -> sqlite3.Connection:
    name = str(path) if path else ":memory:"
    try:
        database = sqlite3.connect(name, timeout=1, check_same_thread=False)
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        _check_version(database, name)
        if path:
            path.chmod(0o600)
    except sqlite3.DatabaseError as error:
        raise StateRefused(_why(error, name)) from error
    return database


def _check_version(database: sqlite3.Connection, name: str) -> None:
    version = int(database.execute("PRAGMA user_version").fetchone()[0])
    if version not in (0, SCHEMA_VERSION):
        raise StateRefused(
            f"The sandbox's state file {name} is of version {version}; this akswi "
            f"writes {SCHEMA_VERSION}. Use the akswi that wrote it, or start anew with "
            "`akswi sandbox reset`."
        )
    with database:
        database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        database.execute(
            "CREATE TABLE IF NOT EXISTS documents "
            "(tbl TEXT, key TEXT, body TEXT, PRIMARY KEY (tbl, key)) WITHOUT ROWID"
        )


def _why(error: sqlite3.DatabaseError, name: str) -> str:
    if "locked" in str(error):
        return (
            f"Another process holds the sandbox's state file {name}. If `akswi sandbox stop` "
            f"finds none, end the program that has it open (`lsof {name}` names it)."
        )
    if "full" in str(error):
        return (
            f"The disk that holds the sandbox's state file {name} is full; nothing is lost. "
            "Free some space and start again."
        )
    return (
        f"The sandbox's state file {name} cannot be read ({error}). "
        "`akswi sandbox reset` puts a new one in its place."
    )
