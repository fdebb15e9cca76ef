"""Server-side apply: who owns which field of an object."""

from __future__ import annotations

import copy

from akswi_helpers.sandbox.cluster.kinds import Kind
from akswi_helpers.sandbox.cluster.merge import json_merge
from akswi_helpers.types import Json


class ApplyConflict(Exception):
    """Fields that another manager owns."""

    def __init__(self, conflicts: list[tuple[str, str]], causes: list[Json]) -> None:
        super().__init__(f"Apply failed with {len(conflicts)} conflicts")
        self.conflicts, self.causes = conflicts, causes


def apply(
    kind: Kind,
    live: Json | None,
    applied: Json,
    *,
    manager: str,
    force: bool,
    now: str,
    subresource: str = "",
) -> Json:
    """The object after an apply."""
    return json_merge(live or {}, applied)


def track(
    kind: Kind,
    old: Json | None,
    new: Json,
    *,
    manager: str,
    operation: str = "Update",
    now: str,
    subresource: str = "",
) -> Json:
    """The object with its managed fields."""
    return copy.copy(new)
