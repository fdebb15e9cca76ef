"""What a caller may do, who registered what, how many cores and which versions a region has."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from akswi_helpers.sandbox.azure.arm import service as front
from akswi_helpers.sandbox.azure.arm.resources import Resources
from akswi_helpers.sandbox.azure.compute import quota
from akswi_helpers.sandbox.wire import WireError
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json
from akswi_helpers.vm_sizes import size_of
from tests.sandbox.azure.conftest import OWNER, STRANGER, Arm, Clients, give, refusal

CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ROLES, SUBSCRIPTIONS, GROUPS = "2022-04-01", "2022-12-01", "2025-04-01"


def permissions(world: World, scope: str) -> list[Json]:
    path = f"{scope}/providers/Microsoft.Authorization/permissions"
    found: list[Json] = front.call(world, STRANGER, "GET", path, ROLES).body["value"]
    return found


def test_permissions_are_those_of_the_callers_roles(world: World) -> None:
    give(world, STRANGER.object_id, CONTRIBUTOR, "/subscriptions/s")
    give(world, STRANGER.object_id, READER, "/subscriptions/s")
    found = permissions(world, "/subscriptions/s")
    assert [one["actions"] for one in found] == [["*"], ["*/read"]]
    assert "Microsoft.Authorization/*/Write" in found[0]["notActions"]


def test_permissions_are_refused_to_one_without_a_role(world: World) -> None:
    with pytest.raises(WireError, match=r"Authorization/permissions/read"):
        permissions(world, "/subscriptions/s")


def test_permissions_through_the_sdk(azure: Clients) -> None:
    azure.group("permitted")
    found = list(azure.roles.permissions.list_for_resource_group("permitted"))
    assert [one.actions for one in found] == [["*"]]
    with pytest.raises(HttpResponseError, match="ResourceGroupNotFound"):
        list(azure.roles.permissions.list_for_resource_group("not-there"))


def test_provider_that_is_not_registered_refuses_its_types(azure: Clients, arm: Arm) -> None:
    providers = azure.resources.providers
    assert providers.get("Microsoft.KeyVault").registration_state == "Registered"
    assert providers.unregister("Microsoft.KeyVault").registration_state == "Unregistering"
    where = "/subscriptions/{s}/providers/Microsoft.KeyVault/vaults"
    found = refusal(arm("GET", where, version="2024-11-01"))
    assert found[:2] == (409, "MissingSubscriptionRegistration")
    assert providers.register("Microsoft.KeyVault").registration_state == "Registering"
    assert arm("GET", where, version="2024-11-01").status_code == 200


def test_provider_in_use_stays_registered(azure: Clients, arm: Arm) -> None:
    azure.group("in-use")
    azure.vault("in-use", "kv-in-use")
    with pytest.raises(HttpResponseError, match="CannotUnregisterProvider"):
        azure.resources.providers.unregister("Microsoft.KeyVault")
    azure.vaults.vaults.delete("in-use", "kv-in-use")


def test_register_is_refused_to_a_reader(world: World) -> None:
    give(world, STRANGER.object_id, READER, "/subscriptions/s")
    path = "/subscriptions/s/providers/Microsoft.KeyVault/register"
    with pytest.raises(WireError, match=r"KeyVault/register/action"):
        front.call(world, STRANGER, "POST", path, GROUPS)


def test_versions_have_one_default(azure: Clients) -> None:
    found: Any = azure.clusters.managed_clusters.list_kubernetes_versions("westeurope")
    assert [one.version for one in found.values_property if one.is_default] == ["1.37"]
    with pytest.raises(HttpResponseError, match="LocationNotAvailable"):
        azure.clusters.managed_clusters.list_kubernetes_versions("atlantis")


def test_usages_count_the_cores_of_scale_sets(world: World) -> None:
    made = {"type": quota.SCALE_SETS, "location": "westeurope"}
    path = f"/subscriptions/s/resourceGroups/mc/providers/{quota.SCALE_SETS}/nodes"
    sku = {"name": "Standard_D4s_v5", "capacity": 3}
    with world.transaction():
        world.state(Resources).put(path, {**made, "id": path, "name": "nodes", "sku": sku})
    where = "/subscriptions/s/providers/Microsoft.Compute/locations/westeurope/usages"
    rows = front.call(world, OWNER, "GET", where, "2026-04-01").body["value"]
    used = {row["name"]["value"]: row["currentValue"] for row in rows}
    assert (used["cores"], used["standardDSv5Family"], used["standardBSFamily"]) == (12, 12, 0)


@pytest.mark.parametrize(
    ("name", "cores", "family"),
    [
        ("Standard_D2s_v5", 2, "standardDSv5Family"),
        ("Standard_E16as_v5", 16, "standardEASv5Family"),
        ("Standard_B2s", 2, "standardBSFamily"),
        ("Standard_M8-2ms", 8, "standardMMSFamily"),
    ],
)
def test_size_tells_its_cores_and_family(name: str, cores: int, family: str) -> None:
    size = size_of(name)
    assert size
    assert (size.cores, size.family) == (cores, family)


def test_cluster_over_the_quota_is_refused(azure: Clients) -> None:
    azure.group("too-many")
    pool = {"name": "np", "mode": "System", "count": 20, "vmSize": "Standard_D96s_v5"}
    body: Any = {
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "dnsPrefix": "x",
            "disableLocalAccounts": True,
            "aadProfile": {"managed": True, "enableAzureRBAC": True},
            "securityProfile": {"workloadIdentity": {"enabled": True}},
            "agentPoolProfiles": [pool],
        },
    }
    with pytest.raises(HttpResponseError, match="requested 1920, remaining"):
        azure.clusters.managed_clusters.begin_create_or_update("too-many", "aks", body)
