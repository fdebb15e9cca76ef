"""A run over a standing lab changes nothing: held against what was asked on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers import scenarios
from akswi_helpers.lab import open_lab
from akswi_helpers.sandbox import control, process
from akswi_helpers.types import Json
from tests.chain.standing import Standing

# The only POSTs that a run may repeat: they ask, and change nothing. The notebooks break things by
# asking wrongly, and by shapes of requests that are refused; nothing in them writes a second time.
ASKS = re.compile(
    r"/oauth2/(v2\.0/)?token$|/listClusterUserCredential$|/checkNameAvailability$|/validate$"
    r"|/whatIf$|/serviceaccounts/[^/]+/token$|/self(subject)?\w*reviews$|/pods/[^/]+/exec$"
)
READS = ("GET", "HEAD", "CONNECT")
CLUSTER = ".azmk8s.io"


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """All five apps, brought to the last stage by the verbs."""
    home = tmp_path_factory.mktemp("second")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSWI_HOME", str(home))
        patch.setenv("AKSWI_HEADLESS", "1")
        try:
            open_lab("07", scenarios=list(scenarios.NAMES), catch_up=True)
            yield Standing(home)
        finally:
            process.stop(home)


@pytest.fixture(scope="module")
def making(five: Standing) -> list[Json]:
    """What was asked while that lab was made."""
    return _log(five)


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


@pytest.mark.timeout(180)
def test_run_over_a_standing_lab_sends_no_write(
    five: Standing, making: list[Json], tmp_path: Path
) -> None:
    assert {"graph.microsoft.com", "management.azure.com"} <= {
        line.split()[1].partition("/")[0] for line in _writes(making)
    }
    before = len(_log(five))
    five.akswi("run", "--yes", "--out", str(tmp_path / "out"))
    assert _writes(_log(five)[before:]) == []
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}


def test_apps_are_written_by_helm_alone(making: list[Json]) -> None:
    written = [r for r in making if str(r["host"]).endswith(CLUSTER) and _writes([r])]
    assert {str(row["user_agent"]).partition("/")[0] for row in written} == {"Helm"}
