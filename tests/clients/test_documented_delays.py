"""The whole walk where Azure takes its time, and where it is busy: nothing is made twice.

Every dial stands at what is documented, and the sandbox's clock runs 150 times as fast; the second
time a fifth of all requests is turned away besides.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from akswi_helpers.sandbox import control, process
from akswi_helpers.sandbox.dials import SERVICES, fail, throttle

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1800)]

BIN = Path(sys.executable).parent
STEP_S, EVERY_S = 30, 0.2
REFUSED = (429, 500, 503)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose sandbox runs, and nothing else."""
    found = tmp_path / "home"
    process.start(found)
    yield found
    process.stop(found)


@contextmanager
def hurried(home: Path) -> Iterator[None]:
    """The sandbox's clock moves on by STEP_S every EVERY_S."""
    over = threading.Event()

    def move() -> None:
        while not over.wait(EVERY_S):
            control.ask(home, "clock", move=STEP_S)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        yield
    finally:
        over.set()
        mover.join()


def documented(home: Path) -> dict[str, float]:
    """Every dial at what Azure says of itself."""
    rows = control.ask(home, "dials")["dials"]
    return {row["name"]: row["documented"] for row in rows}


def walked(home: Path, folder: Path) -> str:
    """What `akswi run` prints: all nine notebooks, the last one cleaning up."""
    env = {**os.environ, "AKSWI_HOME": str(home), "AKSWI_HEADLESS": "1"}
    command = [str(BIN / "akswi"), "run", "--clean-up", "--yes", "--out", str(folder)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def requests_of(home: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = control.ask(home, "log", limit=100_000)["rows"]
    return rows


def made_twice(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The addresses where one thing was made twice: by PUT, or in Graph by POST.

    A namespace is asked for by each helm; a token is no thing.
    """
    made = Counter(
        (row["method"], row["host"] + row["path"])
        for row in rows
        if row["status"] == 201 and (row["method"] == "PUT" or row["host"] == "graph.microsoft.com")
    )
    return [what for what, times in made.items() if times > 1]


def test_walk_is_green_while_everything_takes_as_long_as_documented(
    home: Path, tmp_path: Path
) -> None:
    control.ask(home, "dials", set=documented(home))
    with hurried(home):
        printed = walked(home, tmp_path / "out")
    assert printed.count("equal") == 5, printed
    assert made_twice(requests_of(home)) == []


def test_walk_is_green_while_a_fifth_of_all_requests_is_turned_away(
    home: Path, tmp_path: Path
) -> None:
    busy = {throttle(name): 20 for name in SERVICES} | {fail(name): 15 for name in SERVICES}
    control.ask(home, "dials", set=documented(home) | busy)
    with hurried(home):
        printed = walked(home, tmp_path / "out")
    rows = requests_of(home)
    turned_away = sum(row["status"] in REFUSED for row in rows)
    assert printed.count("equal") == 5, printed
    assert 0.1 < turned_away / len(rows) < 0.3
    assert made_twice(rows) == []
