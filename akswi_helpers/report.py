"""`akswi run --report FILE`: what a walk came to, as JSON for a pipeline.

    {"schema": 1, "outcome": "ok", "exit_code": 0, "target": …, "resource_group": …,
     "location": …, "scenarios": […], "begun_at": "2026-01-31T12:00:00Z", "seconds": 61.2,
     "notebooks": [{"notebook": "00-start-here", "state": "ok", "seconds": 3.1, "reason": ""}, …],
     "evidence": [{"app": "app1", "works": "yes", "how": …, "since": …, "proof": "equal"}, …]}

`outcome`: ok, failed, interrupted; running while it runs, and for good when the run itself was
killed. `state` of a notebook: ok, failed, passed over (it is about other apps), not run; running
likewise. `reason` is what the person at a terminal would read. The file is replaced whole each time
something is known. Left out: outputs; they are in the executed notebooks.
"""

from __future__ import annotations

import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from akswi_helpers.errors import LabError, UsageError
from akswi_helpers.parameters import Parameters
from akswi_helpers.sandbox import private_files
from akswi_helpers.types import Json

SCHEMA = 1
# Not the fingerprints: they differ in each run, and equal or different is what counts.
EVIDENCE = ("app", "works", "how", "since", "proof")


@dataclass
class Row:
    """One notebook."""

    notebook: str
    state: str = "not run"
    seconds: float = 0.0
    reason: str = ""


class Report:
    """What is known of a walk. With `path` None nothing is written.

    Raises UsageError when `path` cannot be a report: a folder, a device, a folder that is missing.
    """

    def __init__(self, path: Path | None, asked: Parameters, notebooks: Sequence[str]) -> None:
        self._path = _checked(path) if path else None
        self._asked, self._begun = asked, time.monotonic()
        self._begun_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._rows = {name: Row(name) for name in notebooks}
        self._evidence: list[Json] = []
        self._outcome = "running"
        self._exit_code: int | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the file true while the walk runs, and after it, however it ends."""
        self._write()
        try:
            yield
        except BaseException as error:
            self._broke(error)
            raise
        finally:
            self._write()

    def began(self, notebook: str) -> None:
        """A notebook begins."""
        self._rows[notebook].state = "running"
        self._write()

    def done(self, notebook: str, seconds: float, passed_over: str = "") -> None:
        """A notebook ran to its end; `passed_over` is its sentence when it is about other apps."""
        state = "passed over" if passed_over else "ok"
        self._rows[notebook] = Row(notebook, state, round(seconds, 1), passed_over)
        self._write()

    def failed(self, notebook: str, seconds: float, reason: str, interrupted: bool) -> None:
        """A notebook stopped early."""
        self._rows[notebook] = Row(notebook, "failed", round(seconds, 1), reason)
        if interrupted:
            self.interrupted()
        self._write()

    def interrupted(self) -> None:
        """A person or the system ended the walk; what is to be cleaned up may still run."""
        self._stopped_by("interrupted")
        self._outcome = "interrupted"

    def proven(self, rows: Sequence[Json]) -> None:
        """The last evidence that a notebook made."""
        self._evidence = [{name: row.get(name, "") for name in EVIDENCE} for row in rows]

    def ended(self, exit_code: int) -> None:
        """The walk is over."""
        self._exit_code = exit_code
        if self._outcome == "running":
            self._outcome = "failed" if exit_code else "ok"

    def document(self) -> Json:
        """The report as it stands."""
        return {
            "schema": SCHEMA,
            "outcome": self._outcome,
            "exit_code": self._exit_code,
            "target": self._asked.target,
            "resource_group": self._asked.resource_group,
            "location": self._asked.location,
            "scenarios": [scenario.name for scenario in self._asked.scenarios],
            "begun_at": self._begun_at,
            "seconds": round(time.monotonic() - self._begun, 1),
            "notebooks": [asdict(row) for row in self._rows.values()],
            "evidence": self._evidence,
        }

    def _broke(self, error: BaseException) -> None:
        """The walk was left by an exception; what ran then did not end."""
        if isinstance(error, KeyboardInterrupt):
            self.interrupted()
        self._stopped_by(str(error) if isinstance(error, LabError) else type(error).__name__)
        self.ended(error.exit_code if isinstance(error, LabError) else 1)

    def _stopped_by(self, reason: str) -> None:
        for row in self._rows.values():
            if row.state == "running":
                row.state, row.reason = "failed", reason

    def _write(self) -> None:
        if self._path is None:
            return
        mode = stat.S_IMODE(self._path.stat().st_mode) if self._path.exists() else 0o600
        private_files.write_json(self._path, self.document())
        self._path.chmod(mode)


def _checked(path: Path) -> Path:
    """The file itself, behind any links: it is replaced, and a device must not be."""
    real = path.resolve()
    if not real.parent.is_dir():
        raise UsageError(f"There is no folder {real.parent} for the report.")
    if real.exists() and not real.is_file():
        raise UsageError(f"{path} cannot be the report: it is not a file.")
    return real
