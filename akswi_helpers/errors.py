"""What a learner is told when something cannot go on: one sentence, or three lines.

Everything that this package raises on purpose is a LabError; the command line prints it without a
traceback, and so does a notebook. Left out: translating what Azure answered; that is `explain`.
"""

from __future__ import annotations

import html
from dataclasses import dataclass


class LabError(Exception):
    """Something that a learner can do something about; its text is one clear sentence."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [str(self)]


class UsageError(LabError):
    """A name, parameter or option that cannot be meant; nothing was done."""

    exit_code = 2


class NotThereYet(LabError):
    """The lab has not come as far as this notebook needs; nothing was made."""


@dataclass(frozen=True)
class Refusal:
    """What was refused, why, and what next. `code` is the service's own, `status` HTTP's."""

    service: str
    code: str
    status: int
    what: str
    why: str
    next: str

    def lines(self) -> tuple[str, str, str]:
        """The three lines a learner reads."""
        return (self.what, f"Why: {self.why}", f"Next: {self.next}")


class Refused(LabError):
    """A service said no; three lines: what was refused, why, what next.

    Raised by verbs; returned, not raised, where a notebook breaks something on purpose.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__("\n".join(refusal.lines()))
        self.refusal = refusal

    @property
    def code(self) -> str:
        """The service's own code: "AADSTS700213", "ForbiddenByRbac"."""
        return self.refusal.code

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        what, why, then = (html.escape(line) for line in self.refusal.lines())
        return (
            '<div style="border-left:4px solid #b42318;padding:4px 10px">'
            f"<b>{what}</b><br>{why}<br>{then}</div>"
        )
