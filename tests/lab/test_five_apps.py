"""Five apps side by side: three work, two are read and mended, and nothing is left of them.

One lab of its own, taken from stage to stage: the tests stand in the order of the walk.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from akswi_helpers import (
    application,
    apps,
    clean_up,
    events,
    evidence,
    identity,
    infrastructure,
    node_identity,
    pod_tokens,
    scenarios,
    vault_access,
    vaults,
)
from akswi_helpers.background import answer
from akswi_helpers.errors import NotThereYet
from akswi_helpers.lab import Lab, open_lab
from akswi_helpers.sandbox import control, process

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning:msgraph.generated",
        "ignore::DeprecationWarning:kiota_abstractions",
    ),
]

ALL = ",".join(scenarios.NAMES)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The infrastructure, and nothing more."""
    home = tmp_path_factory.mktemp("five")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSWI_HOME", str(home))
        patch.setenv("AKSWI_HEADLESS", "1")
        try:
            yield open_lab("02", scenarios=ALL, catch_up=True)
        finally:
            process.stop(home)


@pytest.fixture(scope="module")
def pods(lab: Lab) -> dict[str, str]:
    """All five installed, with what they need from the start; each app's pod by its uid."""
    application.create(lab)
    vault_access.grant(lab)
    apps.install(lab)
    return _pods(lab)


@pytest.fixture(scope="module")
def mended(lab: Lab, pods: dict[str, str]) -> dict[str, str]:
    """Apps 2 and 3 mended, and nothing started again; each app's pod as it was before."""
    application.federate(lab)
    node_identity.assign(lab)
    apps.wait(lab, "app2")
    apps.wait(lab, "app3")
    return pods


def _pods(lab: Lab) -> dict[str, str]:
    return {app: apps.newest_pod(lab, app)["metadata"]["uid"] for app in scenarios.NAMES}


def _works(lab: Lab) -> list[str]:
    table = evidence.table(lab)
    return list(table.index[table["works"] == "yes"])


def test_install_of_app_2_says_that_it_has_no_application(lab: Lab) -> None:
    with pytest.raises(NotThereYet, match=r"application\.create\(lab\) registers it"):
        apps.values(lab, "app2")


def test_install_of_app_4_says_that_its_vault_is_closed(lab: Lab) -> None:
    alone = open_lab("02", scenarios="app4")
    with pytest.raises(NotThereYet, match=r"vault_access\.grant\(lab\) lets it"):
        apps.install(alone)


def test_install_leaves_three_of_five_working(lab: Lab, pods: dict[str, str]) -> None:
    assert _works(lab) == ["app1", "app4", "app5"]
    assert list(apps.install(lab)["changed"]) == ["no"] * 5


def test_grant_again_changes_nothing(lab: Lab, pods: dict[str, str]) -> None:
    assert list(vault_access.grant(lab)["changed"]) == ["no", "no"]
    assert not infrastructure.deploy(lab).changed
    assert set(infrastructure.compare(lab)["same"]) == {"yes"}
    assert {"AksWiApp2", "the CSI add-on"} <= set(identity.role_assignments(lab)["who"])


@pytest.mark.parametrize(
    ("app", "code", "mend"),
    [
        ("app2", "AADSTS70025", "application.federate(lab)"),
        ("app3", "Identity not found", "node_identity.assign(lab)"),
    ],
)
def test_failure_is_read_from_the_event(
    lab: Lab, pods: dict[str, str], app: str, code: str, mend: str
) -> None:
    refused = events.refusal(lab, app)
    assert refused is not None
    assert (refused.code, mend in refused.refusal.next) == (code, True)
    assert evidence.table(lab).loc[app, "in the pod"] == code
    hops = evidence.chain(lab, app).hops
    assert [hop.status for hop in hops] == ["ok", "refused"] + ["not reached"] * 5


def test_app_that_works_has_no_failure_to_read(lab: Lab, pods: dict[str, str]) -> None:
    assert events.of(lab, "app5") == ""
    assert [hop.status for hop in evidence.chain(lab, "app5").hops] == ["ok"] * 7


def test_mending_heals_both_without_a_restart(lab: Lab, mended: dict[str, str]) -> None:
    assert _works(lab) == list(scenarios.NAMES)
    assert _pods(lab) == mended
    table = evidence.table(lab)
    assert table.loc["app2", "since"] == "05-federate-app2"
    assert table.loc["app3", "since"] == "06-give-the-nodes-app3s-identity"


def test_every_app_has_a_secret_of_its_own(lab: Lab, mended: dict[str, str]) -> None:
    found = [evidence.in_the_pod(lab, app) for app in scenarios.NAMES]
    assert len({digest.hex for digest in found if digest}) == 5
    values = [lab.cloud.secrets(vault).get_secret(vaults.SECRET).value for vault in _vaults(lab)]
    shown = evidence.table(lab).to_string() + repr(found)
    assert [value for value in values if value and value in shown] == []


def _vaults(lab: Lab) -> list[str]:
    return list(vaults.names(lab).values())


def test_token_of_app_2_matches_its_application(lab: Lab, mended: dict[str, str]) -> None:
    assert list(pod_tokens.match(lab, "app2")["same"]) == ["yes", "yes", "yes"]
    assert isinstance(pod_tokens.exchange(lab, "app2"), pod_tokens.AccessToken)


def test_assign_keeps_the_identities_that_are_there(lab: Lab, mended: dict[str, str]) -> None:
    table = node_identity.table(lab)
    user = set(table["identity"][table["pool"] == "npuser01"])
    assert user == {"aks-akswi-agentpool", "azurekeyvaultsecretsprovider-aks-akswi", "id-app3"}
    assert "id-app3" not in set(table["identity"][table["pool"] != "npuser01"])
    assert not node_identity.assign(lab).changed


@pytest.mark.parametrize(("app", "interval_s"), [("app1", 0), ("app3", 121), ("app5", 121)])
def test_rotation_changes_one_row(
    lab: Lab, mended: dict[str, str], app: str, interval_s: int
) -> None:
    before = _fingerprints(lab)
    vaults.rotate(lab, app)
    assert _fingerprints(lab)[app] == before[app] or not interval_s  # not before its time
    control.ask(lab.folder.parent, "clock", move=interval_s)
    assert _works(lab) == list(scenarios.NAMES)
    after = _fingerprints(lab)
    assert [name for name in after if before[name] != after[name]] == [app]


def _fingerprints(lab: Lab) -> dict[str, object]:
    """What each app has, whatever its vault holds."""
    return {app: evidence.in_the_pod(lab, app) for app in scenarios.NAMES}


def test_removed_identity_breaks_the_next_pod_of_app_3(lab: Lab, mended: dict[str, str]) -> None:
    assert node_identity.remove(lab).changed
    lab.kubectl("delete pod --all -n app3")
    refused = events.refusal(lab, "app3")
    assert refused is not None
    assert refused.code == events.IDENTITY
    assert node_identity.assign(lab).changed
    apps.wait(lab, "app3")


def test_revoked_access_is_given_again(lab: Lab, mended: dict[str, str]) -> None:
    assert len(vault_access.revoke(lab)) == 2
    lab.kubectl("delete pod --all -n app4")
    chain = evidence.chain(lab, "app4")
    assert (chain.hops[4].status, chain.hops[4].code) == ("refused", "ForbiddenByRbac")
    assert list(vault_access.grant(lab)["changed"]) == ["yes", "yes"]
    apps.wait(lab, "app4")


def test_class_that_is_gone_is_put_back(lab: Lab, mended: dict[str, str]) -> None:
    lab.kubectl("delete secretproviderclass --all -n app5")
    lab.kubectl("delete pod --all -n app5")
    refused = events.refusal(lab, "app5")
    assert refused is not None
    assert refused.code == events.NO_CLASS
    assert apps.install(lab).loc["app5", "changed"] == "yes"
    assert evidence.works(lab, "app5")


def test_catching_up_brings_apps_2_to_4_in_a_second_lab(lab: Lab) -> None:
    second = open_lab(
        "07", resource_group="second", scenarios=["app2", "app3", "app4"], catch_up=True
    )
    assert _works(second) == ["app2", "app3", "app4"]
    clean_up.run(second)
    assert application.find(lab) is not None


def test_clean_up_leaves_nothing_but_what_is_somebody_else_s(
    lab: Lab, mended: dict[str, str]
) -> None:
    from msgraph.generated.models.application import Application

    graph: Any = lab.cloud.graph()
    foreign = answer(graph.applications.post(Application(display_name=application.NAME)))
    planned = clean_up.plan(lab)["thing"]
    assert {"role assignment", "identity on the nodes", "application in Entra ID"} <= set(planned)
    clean_up.run(
        open_lab("99", scenarios="app1")
    )  # the ledger knows of app 2, which is not chosen here
    assert set(clean_up.left_behind(lab)["still there"]) == {"no"}
    assert answer(graph.applications.by_application_id(foreign.id).get()).id == foreign.id
