"""Watches: the stream of events from a version on, each a line of JSON, until somebody stops.

A client that reads too slowly gets an ERROR event 410 and starts over: its queue is bounded.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
(bookmarks, streaming lists) and the stream of a kube-apiserver 1.37.2.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator

from akswi_helpers.sandbox.cluster.api import answers, listing
from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.refusals import StatusError, bad_option, too_new, too_old
from akswi_helpers.sandbox.cluster.storage.store import Event, same
from akswi_helpers.sandbox.wire import Reply
from akswi_helpers.types import Json

QUEUE = 1000
BOOKMARK_EVERY_S = 60.0
_LONGEST_S = 2400.0  # the real server ends a watch after 30 to 60 minutes
_END = {"k8s.io/initial-events-end": "true"}


def watched(call: Call) -> Reply:
    """A streaming reply of events. Raises StatusError 400, 410, 422 or 504 before it begins."""
    _check(call)
    answers.form_of(call)
    asked = listing.revision_of(call)
    current = call.cluster.store.revision
    if asked is not None and asked > current:
        raise too_new(asked, current)
    watch = Watch(call)
    try:
        first = list(watch.beginning(asked))
    except StatusError as error:
        # The real server opens the stream and says 410 in it; clients start over either way.
        return Reply(None, 200, _HEADERS, _refused(error))
    watch.listen()  # no await since `first` was made, so no event is lost or told twice
    return Reply(None, 200, _HEADERS, watch.stream(first))


_HEADERS = {"content-type": "application/json"}


def _check(call: Call) -> None:
    match, given = call.query.get("resourceVersionMatch", ""), "sendInitialEvents" in call.query
    options, field, reason = "ListOptions", "resourceVersionMatch", "FieldValueForbidden"
    if given and match != "NotOlderThan":
        why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise bad_option(options, field, reason, why)
    if match and not given:
        why = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents "
        raise bad_option(options, field, reason, why + "is provided")
    if call.true("sendInitialEvents") and not call.true("allowWatchBookmarks"):
        why = "Forbidden: sendInitialEvents requires allowWatchBookmarks to be true"
        raise bad_option(options, "sendInitialEvents", reason, why)


async def _refused(error: StatusError) -> AsyncIterator[bytes]:
    yield _line("ERROR", error.body())


def _line(kind: str, obj: Json) -> bytes:
    body = {"type": kind, "object": obj}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class Watch:
    """One client's watch: its filter, its queue, its form."""

    def __init__(self, call: Call) -> None:
        self._call, self._kind = call, call.needs_kind()
        self._store = call.cluster.store
        self._keep = listing.kept(call)
        self._queue: deque[Event] = deque()
        self._awake = asyncio.Event()
        self._overflown = False
        self._shown = False  # whether a Table's columns were sent
        self._revision = self._store.revision
        self._stop: Callable[[], None] = lambda: None

    def listen(self) -> None:
        """Queue every event from now on, until the stream is closed."""
        self._stop = self._store.subscribe(self._hear)

    def beginning(self, asked: int | None) -> Iterator[bytes]:
        """The lines that bring the client up to date, the initial bookmark included."""
        call = self._call
        initial = call.true("sendInitialEvents") or (
            not asked and "sendInitialEvents" not in call.query
        )
        if initial:
            for obj in self._store.list(self._kind, call.namespace):
                if self._keep(obj):
                    yield self._shaped("ADDED", obj)
        elif asked:
            for event in self._store.since(self._kind, asked):
                yield from self._told(event)
        if call.true("sendInitialEvents"):
            yield self._bookmark(_END)

    async def stream(self, first: list[bytes]) -> AsyncIterator[bytes]:
        """The lines of the whole watch, until its time is over."""
        try:
            yield b"".join(first)
            async for line in self._live():
                yield line
        finally:
            self._stop()

    async def _live(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        seconds = min(float(self._call.integer("timeoutSeconds") or _LONGEST_S), _LONGEST_S)
        end = loop.time() + seconds
        marking = self._call.true("allowWatchBookmarks")
        while (left := end - loop.time()) > 0:
            woken = await self._woken(min(left, BOOKMARK_EVERY_S) if marking else left)
            if self._overflown:
                yield _line("ERROR", too_old(self._revision, self._store.revision).body())
                return
            if not woken and marking and end > loop.time():
                yield self._bookmark({})
            while self._queue:
                for line in self._told(self._queue.popleft()):
                    yield line

    async def _woken(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            return False
        self._awake.clear()
        return True

    def _hear(self, event: Event) -> None:
        self._revision = event.revision
        if not same(event.kind, self._kind):
            return
        if len(self._queue) >= QUEUE:
            self._overflown = True
            self._queue.clear()
        else:
            self._queue.append(event)
        self._awake.set()

    def _told(self, event: Event) -> Iterator[bytes]:
        namespace = self._call.namespace
        if namespace and event.object["metadata"].get("namespace") != namespace:
            return
        before = event.previous is not None and self._keep(event.previous)
        after = event.type != "DELETED" and self._keep(event.object)
        if after:
            yield self._shaped("MODIFIED" if before else "ADDED", event.object)
        elif before:
            assert event.previous is not None
            last = event.object if event.type == "DELETED" else event.previous
            metadata = {**last["metadata"], "resourceVersion": str(event.revision)}
            yield self._shaped("DELETED", {**last, "metadata": metadata})

    def _shaped(self, kind: str, obj: Json) -> bytes:
        shown = answers.one(self._call, self._kind, obj)
        if shown.get("kind") == "Table":
            if self._shown:
                shown["columnDefinitions"] = None
            self._shown = True
        return _line(kind, shown)

    def _bookmark(self, annotations: Json) -> bytes:
        metadata: Json = {"resourceVersion": str(self._revision)}
        if annotations:
            metadata["annotations"] = annotations
        head = {"kind": self._kind.kind, "apiVersion": self._kind.api_version}
        obj = {**head, "metadata": metadata}
        if answers.form_of(self._call).shape != "Table":
            return _line("BOOKMARK", answers.one(self._call, self._kind, obj))
        row = {"cells": [], "object": answers.partial(obj)}
        table = {"kind": "Table", "apiVersion": answers.META, "columnDefinitions": None}
        version = {"resourceVersion": str(self._revision)}
        return _line("BOOKMARK", {**table, "metadata": version, "rows": [row]})
