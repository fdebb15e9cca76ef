"""Verbs where Azure takes its time: each returns when what it wrote counts, and not before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from akswi_helpers import (
    application,
    apps,
    cluster,
    evidence,
    infrastructure,
    node_identity,
    pod_tokens,
    vault_access,
    vaults,
)
from akswi_helpers.errors import LabError, Refused
from akswi_helpers.lab import Lab, open_lab
from akswi_helpers.sandbox import control, process

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning:msgraph.generated",
        "ignore::DeprecationWarning:kiota_abstractions",
    ),
]

DIALS = {"role-assignment": 600, "federated-credential": 120, "graph-write": 30}
TOKENS_LIVE_S = 4000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = Path(tmp_path_factory.mktemp("waits"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSWI_HOME", str(home))
        patch.setenv("AKSWI_HEADLESS", "1")
        process.start(home)
        control.ask(home, "dials", set=DIALS)
        yield home
        process.stop(home)


@pytest.fixture(scope="module")
def lab(home: Path) -> Lab:
    """The infrastructure alone; app 2 comes with the tests, which stand in the walk's order."""
    lab = open_lab("01", scenarios="app2,app3")
    with passing(home):
        infrastructure.deploy(lab)
    return lab


@contextmanager
def passing(home: Path, step_s: float = 60) -> Iterator[None]:
    """Time passes: `step_s` on the sandbox's clock, five times a second."""
    over = threading.Event()

    def move() -> None:
        while not over.wait(0.2):
            control.ask(home, "clock", move=step_s)

    mover = threading.Thread(target=move)
    mover.start()
    try:
        yield
    finally:
        over.set()
        mover.join()


def test_deploy_returns_when_the_new_roles_count(lab: Lab) -> None:
    assert {vaults.read(lab, app) for app in vaults.names(lab)}
    assert cluster.read(lab, "/api/v1/nodes")


def test_create_returns_when_graph_shows_the_application(lab: Lab, home: Path) -> None:
    with passing(home, 10):
        made = application.create(lab)
    assert application.find(lab) == application.Application(
        made.name, made.id, made.client_id, made.principal_id
    )
    assert not application.create(lab).changed


def test_federate_returns_when_the_exchange_works(lab: Lab, home: Path) -> None:
    vault_access.grant(lab)
    apps.install(lab)
    assert isinstance(pod_tokens.exchange(lab, "app2"), Refused)
    with passing(home, 10):
        assert application.federate(lab).changed
    assert isinstance(pod_tokens.exchange(lab, "app2"), pod_tokens.AccessToken)
    assert not application.federate(lab).changed


def test_unfederate_returns_when_the_exchange_is_refused(lab: Lab, home: Path) -> None:
    with passing(home, 10):
        application.unfederate(lab)
    assert isinstance(pod_tokens.exchange(lab, "app2"), Refused)
    with passing(home, 10):
        application.federate(lab)


def test_wait_returns_when_the_role_lets_the_app_read(lab: Lab, home: Path) -> None:
    with passing(home):
        apps.wait(lab, "app2")
    assert evidence.works(lab, "app2")


def test_limit_that_passes_says_what_the_pod_says(lab: Lab, home: Path) -> None:
    control.ask(home, "dials", set=dict.fromkeys(DIALS, 0))
    with pytest.raises(
        LabError, match=r"^After 1 seconds app3 is not ready\. Its pod says: The node"
    ):
        apps.wait(lab, "app3", limit_s=1)
    control.ask(home, "dials", set=DIALS)


def test_tokens_are_renewed_where_the_clock_was_moved(lab: Lab, home: Path) -> None:
    held = cluster.core(lab)
    control.ask(home, "clock", move=TOKENS_LIVE_S)
    assert vaults.read(lab, "app1")
    assert application.find(lab) is not None
    assert node_identity.assigned(lab) is False
    assert len(held.list_node().items) == 2
    assert "npuser01" in lab.kubectl("get nodes").text


def test_removal_waits_until_the_bin_is_empty(lab: Lab, home: Path) -> None:
    with passing(home, 10):
        application.remove(lab)
    assert application.registered(lab) + application.recycled(lab) == []
