"""What `akswi run` shows: where it is, what happened, and the evidence.

Progress goes to standard error: one line that changes in a terminal, plain lines elsewhere. What a
reader keeps goes to standard output: a line per notebook, and the evidence. Left out: colours.
"""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from akswi_helpers.types import Json

LOOK_S = 0.2


class Watch:
    """One notebook while it runs: which cell, under which heading."""

    def __init__(self, notebook: Path, reporter: Reporter) -> None:
        self._name, self._reporter = notebook.stem, reporter
        cells = json.loads(notebook.read_text())["cells"]
        # papermill puts a cell of its own after the one tagged "parameters".
        self._headings, self._count = _headings(cells), len(cells) + 1
        self._cell = 0

    def cell_started(self, cell: Any, cell_index: int, **_: Any) -> None:
        """A cell begins: nbclient calls this."""
        self._cell = cell_index + 1
        self._reporter.progress(f"{self.where()} · {self._heading()}", self._heading())

    def where(self) -> str:
        """The notebook and its cell."""
        return f"{self._name}, cell {self._cell} of {self._count}"

    def _heading(self) -> str:
        return self._headings[min(max(self._cell - 2, 0), len(self._headings) - 1)]


class Reporter:
    """Draws a run. `events` is the file that kernels write their progress to."""

    def __init__(self, events: Path, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._events, self._read = events, 0
        self._out, self._err = out or sys.stdout, err or sys.stderr
        self._live = self._err.isatty()
        self._at, self._heading, self._told = "", "", ""
        self.evidence: list[Json] = []
        self.passed_over = ""  # what the notebook said that is about other apps

    def watch(self, notebook: Path) -> Watch:
        """Begin to show one notebook."""
        self.passed_over = ""
        return Watch(notebook, self)

    def progress(self, text: str, heading: str) -> None:
        """Show where the run is; without a terminal, once per heading."""
        self._at = text
        if self._live or heading != self._heading:
            self._draw(text)
        self._heading = heading

    def tell(self, lines: Iterable[str]) -> None:
        """Say something that is no result."""
        for line in lines:
            self._line(line, self._err)

    def done(self, name: str, seconds: float) -> None:
        """A notebook ran to its end, or had nothing to do for these apps."""
        self._line(f"{name:<32}{seconds:6.1f} s  {'passed over' if self.passed_over else 'ok'}")

    def failed(self, name: str, seconds: float, reason: str, kept: Path) -> None:
        """A notebook stopped early."""
        self._line(f"{name:<32}{seconds:6.1f} s  failed")
        self._line(f"{reason}\nWhat ran so far is in {kept}.", self._err)

    def show_evidence(self) -> None:
        """Print the last evidence table that a notebook made; nothing when none did."""
        if not self.evidence:
            return
        self._line("")
        for line in _table(self.evidence):
            self._line(line)
        self.evidence = []

    @contextmanager
    def following(self) -> Iterator[None]:
        """Read the kernels' events while a notebook runs."""
        ended = threading.Event()
        thread = threading.Thread(target=self._follow, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self._take()

    def _follow(self, ended: threading.Event) -> None:
        while not ended.wait(LOOK_S):
            self._take()

    def _take(self) -> None:
        if not self._events.exists():
            return
        with self._events.open() as file:
            file.seek(self._read)
            while (line := file.readline()).endswith("\n"):
                self._read += len(line.encode())
                self._event(json.loads(line))

    def _event(self, event: Json) -> None:
        if event["state"] == "evidence":
            self.evidence = event["rows"]
        elif event["state"] == "passed over":
            self.passed_over = event["text"]
        else:
            after = {"done": ": done", "failed": ": failed"}.get(event["state"], "")
            self._draw(f"{self._at} · {event['text']}{after}")

    def _draw(self, text: str) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._err.write(f"\r\x1b[K{text[:width]}")
            self._err.flush()
        elif text != self._told:
            print(text, file=self._err, flush=True)
        self._told = text

    def _line(self, text: str, where: TextIO | None = None) -> None:
        if self._live:
            self._err.write("\r\x1b[K")
            self._err.flush()
        print(text, file=where or self._out, flush=True)


def _headings(cells: Sequence[Json]) -> list[str]:
    """For each cell, the last heading at or above it."""
    found, current = [], ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            lines = "".join(cell["source"]).splitlines()
            current = next((row.lstrip("# ") for row in lines if row.startswith("#")), current)
        found.append(current)
    return found


def _table(rows: list[Json]) -> list[str]:
    """Rows of text as columns of equal width, names first."""
    names = list(rows[0])
    widths = [max(len(name), *(len(str(row[name])) for row in rows)) for name in names]
    lines = [names, *([str(row[name]) for name in names] for row in rows)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
