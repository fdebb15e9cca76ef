"""What is happening during long work: events, and how each place draws them.

    with progress.step("Deploying main.json"): …; progress.note("cluster is ready")

A notebook shows one line that changes; a run without a person shows nothing there, because an
output must be the same each time. Where AKSWI_PROGRESS names a file, every event is also a JSON
line in it: that is how `akswi run` sees inside a long cell. Left out: percentages; nobody knows.
"""

from __future__ import annotations

import html
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from akswi_helpers.parameters import headless


class Line(Protocol):
    """Something that can show one line, and another in its place."""

    def show(self, text: str) -> None:
        """Show `text` in place of what was shown before."""


_lines: list[Line] = []


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say that `what` has begun, and at the end that it is done or failed."""
    line = _line()
    _lines.append(line)
    _tell(line, "begun", what)
    try:
        yield
    except BaseException:
        _tell(line, "failed", what)
        raise
    else:
        _tell(line, "done", what)
    finally:
        _lines.pop()


def note(text: str) -> None:
    """Say how far the current step is."""
    _tell(_lines[-1] if _lines else _Silent(), "at", text)


def evidence(rows: list[dict[str, str]]) -> None:
    """Let `akswi run` print these rows at its end."""
    if path := os.environ.get("AKSWI_PROGRESS"):
        _append(path, {"at": time.time(), "state": "evidence", "rows": rows})


def passed_over(sentence: str) -> None:
    """Let `akswi run` know that this notebook is about other apps, and does nothing."""
    if path := os.environ.get("AKSWI_PROGRESS"):
        _append(path, {"at": time.time(), "state": "passed over", "text": sentence})


def _tell(line: Line, state: str, text: str) -> None:
    if path := os.environ.get("AKSWI_PROGRESS"):
        _append(path, {"at": time.time(), "state": state, "text": text})
    line.show({"begun": "…", "at": "…", "done": "done:", "failed": "failed:"}[state] + " " + text)


def _append(path: str, event: dict[str, Any]) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(opened, "a") as file:
        file.write(json.dumps(event) + "\n")


def _line() -> Line:
    return _Display() if not headless() and in_a_notebook() else _Silent()


def in_a_notebook() -> bool:
    """Whether this code runs in a kernel; asked without importing IPython."""
    import sys

    shell = sys.modules.get("IPython")
    return bool(shell and shell.get_ipython() and "IPKernelApp" in shell.get_ipython().config)


class _Silent:
    """Shows nothing."""

    def show(self, text: str) -> None:
        """Nothing."""


class _Display:
    """A display handle: survives in the saved notebook as its last line, with no widget state."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, text: str) -> None:
        """Show the line, or change it."""
        from IPython.display import display

        bundle = {"text/plain": text, "text/html": f"<i>{html.escape(text)}</i>"}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)
