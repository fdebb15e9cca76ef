"""A run over a standing lab changes nothing: held against what was asked on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers import (
    application,
    apps,
    events,
    evidence,
    identity,
    node_identity,
    scenarios,
)
from akswi_helpers.lab import Lab, open_lab
from akswi_helpers.sandbox import control, process
from akswi_helpers.types import Json
from tests.chain.standing import Standing

# The only POSTs that a run may repeat: they ask, and change nothing.
ASKS = re.compile(
    r"/oauth2/(v2\.0/)?token$|/listClusterUserCredential$|/checkNameAvailability$|/validate$"
    r"|/whatIf$|/serviceaccounts/[^/]+/token$|/self(subject)?\w*reviews$|/pods/[^/]+/exec$"
)
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:msgraph.generated", "ignore::DeprecationWarning:kiota_abstractions"
)
READS = ("GET", "HEAD", "CONNECT")
# Notebook 05 breaks one credential on purpose, and mends it in the cell after.
BROKEN_AND_MENDED = re.compile(
    r"PATCH graph\.microsoft\.com/v1\.0/applications/[^/]+/federatedIdentityCredentials/[^/]+"
)
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


def _state() -> list[list[str]]:
    """What Entra and the nodes hold that notebooks 02, 05 and 06 may touch, read by a learner."""
    lab = open_lab("07")
    tables = (
        application.federated_credentials(lab),
        identity.role_assignments(lab),
        node_identity.table(lab),
    )
    return [table.to_csv().splitlines() for table in tables]


@pytest.mark.timeout(180)
def test_run_over_a_standing_lab_sends_no_write(
    five: Standing, making: list[Json], tmp_path: Path
) -> None:
    assert {"graph.microsoft.com", "management.azure.com"} <= {
        line.split()[1].partition("/")[0] for line in _writes(making)
    }
    before, stood = len(_log(five)), _state()
    five.akswi("run", "--yes", "--out", str(tmp_path / "out"))
    written = _writes(_log(five)[before:])
    assert [line for line in written if not BROKEN_AND_MENDED.fullmatch(line)] == []
    assert (len(written), _state()) == (2, stood)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}


def test_apps_are_written_by_helm_alone(making: list[Json]) -> None:
    written = [r for r in making if str(r["host"]).endswith(CLUSTER) and _writes([r])]
    assert {str(row["user_agent"]).partition("/")[0] for row in written} == {"Helm"}


@pytest.fixture
def mended(five: Standing) -> Iterator[Lab]:
    """The five apps, mended; and mended again when a test has broken one."""
    lab = open_lab("07")
    yield lab
    application.federate(lab)
    node_identity.assign(lab)
    for app in BREAKS:
        apps.wait(lab, app)


BREAKS = {
    "app2": (application.unfederate, "application.unfederate(lab)", "AADSTS70025"),
    "app3": (node_identity.remove, "node_identity.remove(lab)", "Identity not found"),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("app", BREAKS)
def test_mended_app_names_the_call_that_breaks_it_again_and_it_does(mended: Lab, app: str) -> None:
    breaks, call, code = BREAKS[app]
    told = events.account(mended, app)
    assert call in repr(told)
    breaks(mended)
    assert evidence.works(mended, app)  # what was mounted before stays
    mended.kubectl(f"delete pods --all -n {app}")
    assert events.account(mended, app).code == code
    assert evidence.table(mended).loc[app, "works"] == "no"


def test_page_04_on_a_mended_lab_says_so_for_both_and_writes_nothing(
    mended: Lab, five: Standing, tmp_path: Path
) -> None:
    before = len(_log(five))
    five.akswi("run", "--only", "04", "--out", str(tmp_path / "out"))
    page = (tmp_path / "out" / "04-read-the-two-failures.ipynb").read_text(encoding="utf-8")
    for app, (_, call, _) in BREAKS.items():
        assert f"{app} is mended already: its pod is ready." in page
        assert f"To break it again, call {call}" in page
    assert _writes(_log(five)[before:]) == []
