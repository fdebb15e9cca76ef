"""What a lab needs before anything is made: seen by its owner, and by people with fewer rights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from akswi_helpers import infrastructure, places, preflight, vaults
from akswi_helpers.errors import LabError
from akswi_helpers.lab import Lab, find_group, open_lab
from akswi_helpers.ownership import tags
from akswi_helpers.preflight import directory, rights, supplies, telling
from akswi_helpers.sandbox import control, process
from tests.lab import second_people
from tests.lab.second_people import CONTRIBUTOR, RBAC_ADMIN, READER, Second, give, lab_of, narrowed

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning:msgraph.generated",
        "ignore::DeprecationWarning:kiota_abstractions",
    ),
]


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Nothing made, seen by the sandbox's own deployer."""
    home = tmp_path_factory.mktemp("preflight")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSWI_HOME", str(home))
        patch.setenv("AKSWI_HEADLESS", "1")
        try:
            yield open_lab("01")
        finally:
            process.stop(home)


@pytest.fixture
def second(owner: Lab) -> Second:
    return second_people.make(owner, "second")


def subscription(owner: Lab) -> str:
    return f"/subscriptions/{owner.cloud.subscription_id}"


def missing(lab: Lab) -> list[str]:
    return [one.what for one in preflight.findings(lab) if one.state == preflight.MISSING]


def test_owner_lacks_nothing_and_nothing_is_written(owner: Lab) -> None:
    before = len(control.ask(owner.folder.parent, "log", limit=50_000)["rows"])
    table = preflight.check(owner)
    assert (set(table["state"]), len(table)) == ({"ok"}, 12)
    rows = control.ask(owner.folder.parent, "log", limit=50_000)["rows"][before:]
    writes = [row["path"] for row in rows if row["method"] not in ("GET", "HEAD")]
    assert {path.rpartition("/")[2] for path in writes} <= {"token", "checkNameAvailability"}


def test_reader_is_told_what_is_missing_and_makes_nothing(owner: Lab, second: Second) -> None:
    give(owner, second, READER, subscription(owner))
    lab = lab_of(owner, second, "read")
    states = dict(preflight.check(lab)["state"])
    assert [what[:25] for what, state in states.items() if state != "ok"] == [
        "the right to make resourc",
        "the right to assign roles",
        "the right to change the n",
        "the right to register an ",
        "the right to purge delete",
    ]
    with pytest.raises(LabError, match=r"^Nothing was made\. Missing: .* Contributor .* 1 more"):
        preflight.require(lab)
    assert find_group(owner.cloud, "read") is None


@pytest.mark.parametrize(
    ("names", "lacking"),
    [
        ((), []),
        (("Key Vault Secrets User", "Key Vault Secrets Officer"), ["the right to assign roles"]),
    ],
)
def test_condition_of_an_administrator_is_read(
    owner: Lab, second: Second, names: tuple[str, ...], lacking: list[str]
) -> None:
    give(owner, second, CONTRIBUTOR, subscription(owner))
    give(owner, second, RBAC_ADMIN, subscription(owner), narrowed(*names))
    found = missing(lab_of(owner, second, "narrowed"))
    assert found == [*lacking, "the right to register an application"]


def test_contributor_alone_may_not_assign(owner: Lab, second: Second) -> None:
    give(owner, second, CONTRIBUTOR, subscription(owner))
    lab = lab_of(owner, second, "contributed")
    assert "the right to assign roles" in missing(lab)
    with pytest.raises(LabError, match=r"Role Based Access Control Administrator"):
        preflight.require(lab)


def test_rights_on_the_group_alone_leave_out_two_apps(owner: Lab, second: Second) -> None:
    lab = lab_of(owner, second, _own_group(owner, second, "grouped"))
    preflight.require(lab)
    preflight.narrow(lab)
    assert [one.name for one in lab.scenarios] == ["app1", "app4", "app5"]
    assert lab.left_out["app3"].startswith("app3 is left out. Missing: the right to change the nod")
    assert "the right to register an application" in missing(lab)


@pytest.fixture
def unregistered(owner: Lab) -> Iterator[Any]:
    known = owner.cloud.resources().providers
    known.unregister("Microsoft.KeyVault")
    yield known
    known.register("Microsoft.KeyVault")


def test_provider_that_is_not_registered_is_named_and_left_alone(
    owner: Lab, unregistered: Any
) -> None:
    found = preflight.check(owner)
    assert found.loc["the resource provider Microsoft.KeyVault", "state"] == "missing"
    assert found.loc["the names of the five vaults", "state"] == "unknown"
    assert unregistered.get("Microsoft.KeyVault").registration_state == "Unregistered"


def test_provider_stops_those_who_may_not_register_it(
    owner: Lab, second: Second, unregistered: Any
) -> None:
    lab = lab_of(owner, second, _own_group(owner, second, "unregistered"))
    give(owner, second, READER, subscription(owner))
    with pytest.raises(LabError, match=r"Contributor of the subscription runs: az provider regis"):
        preflight.require(lab)


def test_deploy_on_azure_registers_providers_first(
    owner: Lab, second: Second, unregistered: Any
) -> None:
    give(owner, second, CONTRIBUTOR, subscription(owner))
    give(owner, second, RBAC_ADMIN, subscription(owner), narrowed())
    lab = replace(lab_of(owner, second, "registered"), accept_cost=True)
    assert infrastructure.deploy(lab).state == "Succeeded"
    assert unregistered.get("Microsoft.KeyVault").registration_state == "Registered"


def test_vault_name_that_is_taken_is_named(owner: Lab) -> None:
    name = supplies.names_of_vaults(owner)[0]
    body: Any = {
        "location": "westeurope",
        "properties": {
            "tenantId": owner.cloud.tenant_id,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": True,
        },
    }
    owner.cloud.resources().resource_groups.create_or_update("other", {"location": "westeurope"})
    owner.cloud.vaults().vaults.begin_create_or_update("other", name, body).result()
    assert missing(owner) == [f"the vault name {name}: somebody has it"]
    owner.cloud.vaults().vaults.delete("other", name)
    assert missing(owner) == [f"the vault name {name}: soft-deleted"]
    owner.cloud.vaults().vaults.begin_purge_deleted(name, "westeurope").result()


def test_names_foreseen_are_those_the_template_makes(lab: Lab) -> None:
    assert supplies.names_of_vaults(lab) == list(vaults.names(lab).values())
    assert set(preflight.check(lab)["state"]) == {"ok"}


def test_roles_are_those_of_the_templates() -> None:
    given: set[str] = set()
    for file in ("main.json", "kvRbac.json"):
        given |= _roles(json.loads((places.shipped("bicep") / file).read_text()))
    assert given == set(rights.ROLES.values())


@pytest.mark.parametrize(
    ("claims", "people_may", "state"),
    [
        ({"idtyp": "app", "roles": ["Application.ReadWrite.OwnedBy"]}, None, "ok"),
        ({"idtyp": "app", "roles": ["User.Read.All"]}, None, "missing"),
        ({"upn": "ada", "wids": ["cf1c38e5-3621-4004-a7cb-879624dced7c"]}, False, "ok"),
        ({"upn": "ada"}, True, "ok"),
        ({"upn": "ada"}, False, "missing"),
        ({"upn": "ada"}, None, "unknown"),
    ],
)
def test_token_for_graph_tells(claims: Any, people_may: bool | None, state: str) -> None:
    assert directory.judged(claims, people_may) == state


def test_line_says_what_for_who_and_the_way_round() -> None:
    one = preflight.Finding("a thing", preflight.MISSING, "the lab", "ask Ada", "do without")
    shown = list(telling.lines([one]))
    assert shown[0] == "missing  a thing"
    assert [line.strip() for line in shown[1:]] == [
        "needed for the lab",
        "ask Ada",
        "or: do without",
    ]


WALK = """
import json
from akswi_helpers import clean_up, evidence
from akswi_helpers.lab import open_lab
lab = open_lab("07", catch_up=True, accept_cost=True)
table = evidence.table(lab)
done = clean_up.run(lab).set_index("thing")["result"]
left = dict(clean_up.left_behind(lab).set_index("thing")["still there"])
print(json.dumps([dict(table["works"]), list(lab.left_out.values()), dict(done), left]))
"""


def test_walk_goes_on_without_what_a_right_is_missing_for(owner: Lab, second: Second) -> None:
    group = _own_group(owner, second, "walked")
    env = {**os.environ, **second.exports, "AKSWI_TARGET": "azure", "AKSWI_RESOURCE_GROUP": group}
    walk = [sys.executable, "-c", WALK]
    ran = subprocess.run(walk, env=env, capture_output=True, text=True, timeout=170)
    assert ran.returncode == 0, ran.stderr
    works, said, done, left = json.loads(ran.stdout.splitlines()[-1])
    assert works == {"app1": "yes", "app4": "yes", "app5": "yes"} | dict.fromkeys(
        ("app2", "app3"), "left out"
    )
    assert [one.partition(".")[0] for one in said] == ["app2 is left out", "app3 is left out"]
    assert (done["resource group"], find_group(owner.cloud, group)) == ("deleted", None)
    assert done["soft-deleted vaults"] == "not yours to purge; they go by themselves after 7 days"
    assert left["soft-deleted key vaults"] == "unknown: you may not look"


def test_run_on_azure_says_what_is_missing_and_stops(owner: Lab, second: Second) -> None:
    give(owner, second, READER, subscription(owner))
    env = {**os.environ, **second.exports, "AKSWI_RESOURCE_GROUP": "unmade"}
    akswi = [str(Path(sys.executable).parent / "akswi"), "run", "--target", "azure", "--yes"]
    command = [*akswi, "--only", "01", "--out", str(owner.folder / "out")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=100)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "missing  the right to make resources" in done.stderr
    assert "Nothing was made. Missing: the right to make resources" in done.stderr
    assert find_group(owner.cloud, "unmade") is None


def _own_group(owner: Lab, second: Second, name: str) -> str:
    """A group of the lab's, made by its owner, where somebody else may do all that a lab needs."""
    body: Any = {"location": "westeurope", "tags": tags(name)}
    made: Any = owner.cloud.resources().resource_groups.create_or_update(name, body)
    give(owner, second, CONTRIBUTOR, made.id)
    give(owner, second, RBAC_ADMIN, made.id, narrowed())
    return name


def _roles(template: Any) -> set[str]:
    """The values of the variables called …RoleId, those of nested templates included."""
    found = {str(v) for k, v in template.get("variables", {}).items() if k.endswith("RoleId")}
    for resource in template["resources"]:
        inner = resource.get("properties", {}).get("template")
        found |= _roles(inner) if inner else set()
    return found
