"""A table whose readers hear of a change some seconds after it was made.

    rows = LateTable(world, "authorization.assignments", "role-assignment")
    rows.put(key, document)      the truth, at once
    rows.seen                    what readers see: the truth as it was when the dial's time began

Azure's own replicas work so: a role assignment is listed at once, and counts minutes later. With
the dial at 0 nothing is noted and `seen` is the table itself. Turning a dial also moves waits that
have begun. Source: the documents that `dials` names. Left out: replicas that differ among
themselves, and answers "no" that a replica remembers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from akswi_helpers.sandbox.dials import Dials
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, Seconds


class LateTable(Mapping[str, Json]):
    """A table of the World with a memory of what each document was before it changed.

    As a Mapping it is the truth. Changes happen inside the caller's transaction.
    """

    def __init__(self, world: World, name: str, dial: str) -> None:
        self._world, self._dial = world, dial
        self._rows = world.table(name)
        self._past = world.table(f"{name}.past")  # key -> {"was": [[until when, document]…]}
        changes = (one["was"][-1][0] for one in self._past.values())
        self._newest: Seconds = max(changes, default=0)

    def __getitem__(self, key: str) -> Json:
        return self._rows[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def seen(self) -> Mapping[str, Json]:
        """What readers see now."""
        if not self._past:
            return self._rows
        horizon = self._horizon()
        if self._newest <= horizon:
            return self._rows
        shown = dict(self._rows)
        for key, past in self._past.items():
            for until, document in past["was"]:
                if until > horizon:
                    _show(shown, key, document)
                    break
        return shown

    def put(self, key: str, value: Json) -> None:
        """Store a document; readers see it later."""
        self._note(key)
        self._rows.put(key, value)

    def remove(self, key: str) -> None:
        """Forget a document; readers see it for a while. Raises KeyError when it is not there."""
        self._note(key)
        self._rows.remove(key)

    def settle(self, key: str, value: Json) -> None:
        """Store a document that every reader knows of at once."""
        self._rows.put(key, value)
        self._clear(key)

    def forget(self, key: str) -> None:
        """Forget a document that nobody can ask for any more."""
        self._rows.remove(key)
        self._clear(key)

    def _note(self, key: str) -> None:
        """Remember what `key` is until now; drop what no reader sees any more."""
        if not self._world.state(Dials).value(self._dial):
            self._clear(key)
            return
        now, horizon = self._world.clock.now(), self._horizon()
        past = self._past.get(key, {"was": []})["was"]
        kept = [one for one in past if one[0] > horizon]
        self._past.put(key, {"was": [*kept, [now, self._rows.get(key)]]})
        self._newest = max(self._newest, now)

    def _clear(self, key: str) -> None:
        if key in self._past:
            self._past.remove(key)

    def _horizon(self) -> Seconds:
        """The moment whose truth readers see now."""
        return self._world.clock.now() - self._world.state(Dials).value(self._dial)


def _show(shown: dict[str, Json], key: str, document: Json | None) -> None:
    if document is None:
        shown.pop(key, None)
    else:
        shown[key] = document
