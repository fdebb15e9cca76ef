"""A second run over a standing lab changes nothing: held against what was asked on the wire."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from akswi_helpers.sandbox import control
from akswi_helpers.types import Json
from tests.chain.standing import Standing

# The only POSTs that a run may repeat: they ask, and change nothing.
ASKS = re.compile(
    r"/oauth2/(v2\.0/)?token$|/listClusterUserCredential$|/checkNameAvailability$|/validate$"
    r"|/whatIf$|/serviceaccounts/[^/]+/token$|/self(subject)?\w*reviews$"
)
READS = ("GET", "HEAD", "CONNECT")
CLUSTER = ".azmk8s.io"


def _log(standing: Standing) -> list[Json]:
    rows: list[Json] = control.ask(standing.home, "log", limit=50_000)["rows"]
    return rows


def _writes(rows: list[Json]) -> list[str]:
    return [
        f"{row['method']} {row['host']}{row['path']}"
        for row in rows
        if row["method"] not in READS
        and not (row["method"] == "POST" and ASKS.search(str(row["path"])))
    ]


@pytest.mark.timeout(120)
def test_second_run_sends_no_write(standing: Standing, tmp_path: Path) -> None:
    before = len(_log(standing))
    assert _writes(_log(standing))
    standing.akswi("run", "--yes", "--out", str(tmp_path / "out"))
    assert _writes(_log(standing)[before:]) == []


def test_apps_are_written_by_helm_alone(standing: Standing) -> None:
    rows = [row for row in _log(standing) if str(row["host"]).endswith(CLUSTER)]
    writers = {
        str(row["user_agent"]).partition("/")[0] for row in rows if _writes([row]) and row["path"]
    }
    assert writers == {"Helm"}


def test_executed_notebooks_are_private(standing: Standing) -> None:
    out = standing.home / "out"
    assert out.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in out.glob("*.ipynb")} == {0o600}
