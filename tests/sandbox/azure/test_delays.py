"""Azure takes its time: what was written counts later, as the dials say, by the sandbox's clock."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from akswi_helpers.sandbox import control
from akswi_helpers.sandbox.process import Running
from tests.sandbox.azure.conftest import Arm, Clients
from tests.sandbox.azure.graph_client import Graph
from tests.sandbox.azure.test_containerservice import BODY, VERSION
from tests.sandbox.conftest import Cloud

OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
API = "?api-version=7.4"


class Time:
    """The sandbox's clock and its dials."""

    def __init__(self, sandbox: Running) -> None:
        self._home = sandbox.home

    def takes(self, **dials: float) -> None:
        """Turn dials; "_" stands for "-"."""
        wanted = {name.replace("_", "-"): value for name, value in dials.items()}
        control.ask(self._home, "dials", set=wanted)

    def passes(self, seconds: float) -> None:
        """Move the clock."""
        control.ask(self._home, "clock", move=seconds)

    def back(self) -> None:
        """All dials as at first."""
        rows = control.ask(self._home, "dials")["dials"]
        control.ask(self._home, "dials", set={row["name"]: row["default"] for row in rows})


@pytest.fixture
def clock(sandbox: Running) -> Iterator[Time]:
    found = Time(sandbox)
    yield found
    found.back()


@pytest.fixture
def graph(cloud: Cloud) -> Graph:
    return Graph(cloud)


@pytest.fixture(scope="module")
def vault(azure: Clients) -> Any:
    azure.group("delays")
    return azure.vault("delays", "kv-delays")


def list_secrets(cloud: Cloud) -> requests.Response:
    header = {"authorization": f"Bearer {cloud.token('https://vault.azure.net')}"}
    return cloud.raw("GET", f"https://kv-delays.vault.azure.net/secrets{API}", headers=header)


def test_role_counts_ten_minutes_after_it_is_listed(
    clock: Time, azure: Clients, cloud: Cloud, vault: Any
) -> None:
    clock.takes(role_assignment=600)
    made = azure.assign(vault.id, OFFICER)
    assert azure.roles.role_assignments.get_by_id(made.id).name == made.name
    assert list_secrets(cloud).json()["error"]["innererror"]["code"] == "ForbiddenByRbac"
    clock.passes(601)
    assert list_secrets(cloud).status_code == 200
    azure.roles.role_assignments.delete_by_id(made.id)
    assert list_secrets(cloud).status_code == 200
    clock.passes(601)
    assert list_secrets(cloud).status_code == 403


def test_application_is_found_when_graph_has_settled(clock: Time, graph: Graph) -> None:
    clock.takes(graph_write=30)
    made = graph("POST", "applications", {"displayName": "late"}).json()
    assert graph("GET", f"applications/{made['id']}").status_code == 404
    refused = graph("POST", "servicePrincipals", {"appId": made["appId"]})
    assert refused.json()["error"]["details"][0]["code"] == "NoBackingApplicationObject"
    clock.passes(31)
    assert graph("GET", f"applications/{made['id']}").status_code == 200
    assert graph("POST", "servicePrincipals", {"appId": made["appId"]}).status_code == 201
    assert graph("POST", "servicePrincipals", {"appId": made["appId"]}).status_code == 409


def test_deleted_application_is_listed_until_graph_has_settled(clock: Time, graph: Graph) -> None:
    made = graph.application("leaving")
    clock.takes(graph_write=30)
    assert graph("DELETE", f"applications/{made['id']}").status_code == 204
    assert graph("GET", f"applications/{made['id']}").status_code == 200
    assert graph("DELETE", f"applications/{made['id']}").status_code == 404
    assert graph("GET", f"directory/deletedItems/{made['id']}").status_code == 404
    clock.passes(31)
    assert graph("GET", f"applications/{made['id']}").status_code == 404
    assert graph("DELETE", f"directory/deletedItems/{made['id']}").status_code == 204
    assert graph("GET", f"directory/deletedItems/{made['id']}").status_code == 200
    assert graph("DELETE", f"directory/deletedItems/{made['id']}").status_code == 404


def sign_in(cloud: Cloud, client: str, secret: str) -> Any:
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_secret": secret,
        "scope": "https://vault.azure.net/.default",
    }
    url = f"https://login.microsoftonline.com/{cloud.settings.tenant_id}/oauth2/v2.0/token"
    return cloud.raw("POST", url, data=form).json()


def test_token_endpoint_knows_a_new_principal_later(
    clock: Time, graph: Graph, cloud: Cloud
) -> None:
    application = graph.application("signs-in")
    secret = graph.password(application["id"])
    clock.takes(graph_write=30)
    graph.principal(application["appId"])
    assert sign_in(cloud, application["appId"], secret)["error_codes"] == [700016]
    clock.passes(31)
    assert "access_token" in sign_in(cloud, application["appId"], secret)


def test_vault_is_registering_its_name_for_a_while(clock: Time, arm: Arm, azure: Clients) -> None:
    azure.group("slow")
    clock.takes(vault_create=30, retry_after=7)
    where = "/subscriptions/{s}/resourceGroups/slow/providers/Microsoft.KeyVault/vaults/kv-slow"
    properties = {"tenantId": arm.tenant, "sku": {"family": "A", "name": "standard"}}
    body = {"location": "westeurope", "properties": properties}
    made = arm("PUT", where, body, "2024-11-01")
    assert made.headers["retry-after"] == "7"
    states = [arm("GET", where, version="2024-11-01").json()["properties"]["provisioningState"]]
    clock.passes(31)
    states += [arm("GET", where, version="2024-11-01").json()["properties"]["provisioningState"]]
    assert states == ["RegisteringDns", "Succeeded"]


def test_purge_keeps_the_name_for_a_while(clock: Time, arm: Arm, azure: Clients) -> None:
    azure.group("purged")
    azure.vault("purged", "kv-purged")
    azure.vaults.vaults.delete("purged", "kv-purged")
    clock.takes(vault_purge=19, retry_after=1)
    where = "/subscriptions/{s}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults"
    begun = arm("POST", f"{where}/kv-purged/purge", version="2024-11-01")
    poll = begun.headers["location"].partition("management.azure.com")[2]
    assert (begun.status_code, arm("GET", poll, version="").status_code) == (202, 202)
    assert arm("GET", f"{where}/kv-purged", version="2024-11-01").status_code == 200
    clock.passes(20)
    assert arm("GET", poll, version="").status_code == 200
    assert arm("GET", f"{where}/kv-purged", version="2024-11-01").status_code == 404


def test_group_is_deleting_for_a_while(clock: Time, arm: Arm, azure: Clients) -> None:
    azure.group("going")
    clock.takes(group_delete=240, retry_after=15)
    begun = arm("DELETE", "/subscriptions/{s}/resourcegroups/going")
    assert (begun.status_code, begun.headers["retry-after"]) == (202, "15")
    shown = arm("GET", "/subscriptions/{s}/resourcegroups/going").json()
    assert shown["properties"]["provisioningState"] == "Deleting"
    clock.passes(241)
    time.sleep(0.3)
    assert arm("GET", "/subscriptions/{s}/resourcegroups/going").status_code == 404


def test_azure_sdk_waits_out_throttling_and_faults(clock: Time, azure: Clients) -> None:
    clock.takes(throttle_arm=3, fail_arm=20, throttle_entra=2)
    names = [f"rg-{uuid.uuid4().hex[:6]}" for _ in range(4)]
    for name in names:
        azure.group(name)
    listed = {str(one.name) for one in azure.resources.resource_groups.list()}
    assert set(names) <= listed


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        ("https://management.azure.com/subscriptions", {"code", "message"}),
        ("https://graph.microsoft.com/v1.0/applications", {"code", "message", "innerError"}),
        (f"https://kv-delays.vault.azure.net/secrets{API}", {"code", "message"}),
    ],
)
def test_throttled_request_gets_the_service_s_own_envelope(
    clock: Time, cloud: Cloud, vault: Any, url: str, shape: set[str]
) -> None:
    clock.takes(throttle_arm=1, throttle_graph=1, throttle_keyvault=1)
    refused = cloud.raw("GET", url)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert set(refused.json()["error"]) == shape


def test_metadata_service_and_entra_say_it_in_two_fields(clock: Time, cloud: Cloud) -> None:
    clock.takes(fail_imds=100, fail_entra=100)
    for url in ("http://169.254.169.254/metadata", "https://login.microsoftonline.com/t/x"):
        refused = cloud.raw("GET", url)
        assert refused.status_code == 503
        assert set(refused.json()) == {"error", "error_description"}


def test_cluster_is_creating_for_five_minutes_although_its_api_listens(
    clock: Time, arm: Arm, azure: Clients
) -> None:
    azure.group("aks-slow")
    clock.takes(cluster_create=300, retry_after=15)
    group = "/subscriptions/{s}/resourceGroups/aks-slow/providers"
    where = f"{group}/Microsoft.ContainerService/managedClusters/aks-slow"
    begun = arm("PUT", where, BODY, VERSION)
    time.sleep(1)
    states = [_state(arm, where)]
    clock.passes(301)
    assert [*states, _state(arm, where)] == ["Creating", "Succeeded"]
    assert begun.headers["retry-after"] == "15"


def _state(arm: Arm, where: str) -> str:
    return str(arm("GET", where, version=VERSION).json()["properties"]["provisioningState"])


def test_scale_set_is_updating_for_a_while(clock: Time, arm: Arm, azure: Clients) -> None:
    cluster = azure.clusters.managed_clusters.get("aks-slow", "aks-slow")
    group = f"/subscriptions/{{s}}/resourceGroups/{cluster.node_resource_group}/providers"
    [pool, *_] = azure.compute.virtual_machine_scale_sets.list(cluster.node_resource_group)
    clock.takes(scale_set_update=30)
    path = f"{group}/Microsoft.Compute/virtualMachineScaleSets/{pool.name}"
    identity = {"identity": {"type": "UserAssigned", "userAssignedIdentities": {}}}
    begun = arm("PATCH", path, identity, "2024-11-01")
    poll = begun.headers["azure-asyncoperation"].partition("management.azure.com")[2]
    states = [arm("GET", poll, version="").json()["status"]]
    clock.passes(31)
    assert [*states, arm("GET", poll, version="").json()["status"]] == ["InProgress", "Succeeded"]
