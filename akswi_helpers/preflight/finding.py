"""One thing that a lab needs: whether it is there, what for, who can give it, the way round."""

from __future__ import annotations

from dataclasses import dataclass

OK, MISSING, UNKNOWN = "ok", "missing", "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """A row of `preflight.check`.

    `state` is OK, MISSING or UNKNOWN. What is missing and has no `way_round` stops the lab.
    `app` is the one app that needs it, "" when all do.
    """

    what: str
    state: str
    needed_for: str
    who_gives: str = ""
    way_round: str = ""
    app: str = ""

    @property
    def stops(self) -> bool:
        """Whether the lab cannot be made."""
        return self.state == MISSING and not self.way_round

    def sentence(self) -> str:
        """What is missing, what for, and who can give it, in one sentence."""
        given = f"; {self.who_gives}" if self.who_gives else ""
        return f"Missing: {self.what}, needed for {self.needed_for}{given}."

    def row(self) -> dict[str, str]:
        """The finding for a table; what is there needs nobody."""
        there = self.state == OK
        return {
            "what": self.what,
            "state": self.state,
            "needed for": self.needed_for,
            "who can give it": "" if there else self.who_gives,
            "way round": "" if there else self.way_round,
        }
