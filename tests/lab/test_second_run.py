"""A run over a standing lab changes nothing: held against what was asked on the wire."""

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
def test_run_over_a_standing_lab_sends_no_write(
    standing: Standing, first_walk: list[Json], tmp_path: Path
) -> None:
    assert _writes(first_walk)
    before = len(_log(standing))
    standing.akswi("run", "--yes", "--out", str(tmp_path / "out"))
    assert _writes(_log(standing)[before:]) == []
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}


def test_apps_are_written_by_helm_alone(first_walk: list[Json]) -> None:
    written = [r for r in first_walk if str(r["host"]).endswith(CLUSTER) and _writes([r])]
    assert {str(row["user_agent"]).partition("/")[0] for row in written} == {"Helm"}
