"""What a cluster remembers: objects by resource and name, each write numbered, and the history.

One table per resource, keyed "namespace/name" ("/name" without a namespace), so that listing is
in the order of the real API. Every write takes the next resourceVersion of the cluster. Events go
out once the transaction is on disk; the last `HISTORY` of them are kept in memory, so a watch may
start from an older version, a page may continue, and a version that is gone is 410.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ (resource versions, watches).
Left out: history across a restart of the sandbox; an older version is then 410, as after an
etcd compaction.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from akswi_helpers.sandbox.cluster.refusals import too_new, too_old
from akswi_helpers.sandbox.world import Table, World
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

log = logging.getLogger(__name__)

HISTORY = 4000

T = TypeVar("T")
Objects: TypeAlias = list[Json]  # inside Store, `list` is its verb


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `object` is shared with the store: copy it before you change it.

    `type` is "ADDED", "MODIFIED" or "DELETED"; `previous` what was there before; `revision` the
    resourceVersion that the change took.
    """

    type: str
    kind: Kind
    object: Json
    previous: Json | None = None
    revision: int = 0


Events: TypeAlias = list[Event]
Listener = Callable[[Event], None]


def copied(value: T) -> T:
    """A deep copy of JSON, several times faster than copy.deepcopy."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [copied(item) for item in value]  # type: ignore[return-value]
    return value


class Store:
    """The objects of one cluster. Writes happen inside the World's transaction."""

    def __init__(self, world: World, name: str, history: int = HISTORY) -> None:
        self._world, self._prefix = world, f"cluster/{name}"
        self._state = world.table(f"{self._prefix}/state")
        self._history: deque[Event] = deque(maxlen=history)
        self._listeners: list[Listener] = []
        self._oldest = self.revision  # the history reaches back to here

    @property
    def revision(self) -> int:
        """The resourceVersion of the newest write."""
        return int(self._state.get("revision", {}).get("value", 1))

    def get(self, kind: Kind, namespace: str, name: str) -> Json | None:
        """The stored object itself, or None."""
        return self._table(kind).get(f"{namespace}/{name}")

    def list(self, kind: Kind, namespace: str = "") -> list[Json]:
        """The stored objects of one namespace, or of all, in the API's order."""
        return [item for _, item in self._sorted(self._table(kind), namespace)]

    def put(self, kind: Kind, obj: Json) -> Json:
        """Store `obj` (which becomes the store's own) as the newest version; returns it."""
        key = _key(obj)
        previous = self._table(kind).get(key)
        revision = self._next()
        obj["metadata"]["resourceVersion"] = str(revision)
        self._table(kind).put(key, obj)
        self._tell(Event("MODIFIED" if previous else "ADDED", kind, obj, previous, revision))
        return obj

    def remove(self, kind: Kind, obj: Json) -> Json:
        """Forget `obj`; returns its last state with the resourceVersion of the removal."""
        previous = self._table(kind)[_key(obj)]
        revision = self._next()
        metadata = {**obj["metadata"], "resourceVersion": str(revision)}
        last = {**obj, "metadata": metadata}
        self._table(kind).remove(_key(obj))
        self._tell(Event("DELETED", kind, last, previous, revision))
        return last

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every event after its commit; returns the way to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def since(self, kind: Kind, revision: int) -> Events:
        """The events of `kind` after `revision`. Raises StatusError 410 or 504."""
        self._reachable(revision)
        return [
            event for event in self._history if event.revision > revision and same(event.kind, kind)
        ]

    def list_at(self, kind: Kind, namespace: str, revision: int) -> Objects:
        """The objects as they were at `revision`. Raises StatusError 410 or 504."""
        rows = dict(self._table(kind))
        for event in reversed(self.since(kind, revision)):
            key = _key(event.object)
            if event.previous is None:
                rows.pop(key, None)
            else:
                rows[key] = event.previous
        return [item for _, item in self._sorted(rows, namespace)]

    def compact(self) -> None:
        """Forget the history: a version older than now is 410, as after a restart."""
        self._history.clear()
        self._oldest = self.revision

    def wipe(self) -> None:
        """Forget everything, without events: the cluster is deleted."""
        for resource in list(self._resources()):
            table = self._world.table(f"{self._prefix}/objects/{resource}")
            for key in list(table):
                table.remove(key)
        for key in list(self._state):
            self._state.remove(key)
        self._history.clear()

    def _reachable(self, revision: int) -> None:
        if revision > self.revision:
            raise too_new(revision, self.revision)
        if revision < self._oldest:
            raise too_old(revision, self._oldest)

    def _sorted(self, rows: Table | dict[str, Json], namespace: str) -> Iterator[tuple[str, Json]]:
        prefix = f"{namespace}/" if namespace else ""
        return iter(sorted((k, v) for k, v in rows.items() if k.startswith(prefix)))

    def _table(self, kind: Kind) -> Table:
        return self._world.table(f"{self._prefix}/objects/{_resource(kind)}")

    def _resources(self) -> Iterator[str]:
        return iter(self._state.get("resources", {}))

    def _next(self) -> int:
        revision = self.revision + 1
        self._state.put("revision", {"value": revision})
        return revision

    def _tell(self, event: Event) -> None:
        known = self._state.get("resources", {})
        if _resource(event.kind) not in known:
            self._state.put("resources", {**known, _resource(event.kind): True})
        self._world.after_commit(lambda: self._publish(event))

    def _publish(self, event: Event) -> None:
        if len(self._history) == self._history.maxlen:
            self._oldest = self._history[0].revision
        self._history.append(event)
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception:  # the write is done: one listener's failure is not the others'
                log.exception("a listener failed on %s %s", event.type, event.kind.kind)


def same(one: Kind, other: Kind) -> bool:
    """Whether two kinds are the same resource, in whatever version."""
    return (one.group, one.plural) == (other.group, other.plural)


def _resource(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}"


def _key(obj: Json) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
