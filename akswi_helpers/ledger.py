"""The lab's only memory: one line before each thing it makes, so that clean-up finds it.

A line is written, and on the disk, before the request that makes the thing; a line of a thing that
was never made does no harm. The file holds names and ids, never a secret. It closes when clean-up
has proved that nothing is left. Left out: everything that Azure or the cluster can be asked.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was about to be made. `id` is a resource id, or a name in the cluster."""

    kind: str  # "resource group", "deployment", "helm release", "vault"
    id: str


class Ledger:
    """The ledger in one lab's folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ledger.jsonl"

    def note(self, kind: str, id: str) -> None:
        """Write down a thing that is about to be made; once is enough."""
        entry = Entry(kind, id)
        if entry in self.entries():
            return
        line = json.dumps({**asdict(entry), "at": round(time.time())})
        opened = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(opened, "a") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> list[Entry]:
        """What was written, oldest first; a half-written last line is left out."""
        try:
            lines = self.path.read_text().splitlines()
        except FileNotFoundError:
            return []
        return [entry for line in lines if (entry := _read(line))]

    def ids(self, kind: str) -> list[str]:
        """The ids of one kind."""
        return [entry.id for entry in self.entries() if entry.kind == kind]

    def close(self) -> None:
        """Forget everything: the lab is gone, and that was proved."""
        self.path.unlink(missing_ok=True)


def _read(line: str) -> Entry | None:
    try:
        row = json.loads(line)
        return Entry(str(row["kind"]), str(row["id"]))
    except (ValueError, KeyError, TypeError):
        return None
