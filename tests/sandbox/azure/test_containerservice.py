"""Clusters and scale sets: made by AKS, read through the SDKs, refused in Azure's words."""

from __future__ import annotations

import copy
import json
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
import yaml
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from akswi_helpers.sandbox.azure.arm import service as front
from akswi_helpers.sandbox.azure.arm.resources import Resources
from akswi_helpers.sandbox.azure.entra.directory import Directory
from akswi_helpers.sandbox.cluster.clusters import Clusters
from akswi_helpers.sandbox.wire import WireError
from akswi_helpers.sandbox.world import Surroundings, World
from tests.sandbox.azure.conftest import OWNER, STRANGER, Arm, Clients, give, refusal

VERSION = "2025-10-01"
CLUSTERS = (
    "/subscriptions/{s}/resourceGroups/aks/providers/Microsoft.ContainerService/managedClusters"
)
SCALE_SETS = "providers/Microsoft.Compute/virtualMachineScaleSets"

BODY: dict[str, Any] = {
    "location": "westeurope",
    "tags": {"lab": "akswi"},
    "identity": {"type": "SystemAssigned"},
    "properties": {
        "dnsPrefix": "akswi-dns",
        "disableLocalAccounts": True,
        "aadProfile": {"managed": True, "enableAzureRBAC": True},
        "securityProfile": {"workloadIdentity": {"enabled": True}},
        "addonProfiles": {"azureKeyvaultSecretsProvider": {"enabled": True}},
        "agentPoolProfiles": [
            {"name": "npsystem", "mode": "System", "count": 1},
            {"name": "npuser01", "mode": "User", "count": 2},
        ],
    },
}


POOL = {"name": "npsystem", "mode": "System", "count": 1}


def changed(**properties: Any) -> dict[str, Any]:
    body = copy.deepcopy(BODY)
    body["properties"] |= properties
    return body


@pytest.fixture(scope="module")
def cluster(azure: Clients) -> Any:
    azure.group("aks")
    body: Any = BODY
    return azure.clusters.managed_clusters.begin_create_or_update("aks", "aks-one", body).result()


@pytest.fixture
def waiting(world: World, tmp_path: Path) -> str:
    """A cluster whose API does not listen, because nothing runs in the background here."""
    authority = tmp_path / "ca.pem"
    authority.write_text("nobody reads it here")
    world.surroundings = Surroundings(
        tmp_path, authority, lambda user: "", lambda *names: ssl.create_default_context(), _never
    )
    group = "/subscriptions/s/resourceGroups/aks"
    front.call(world, OWNER, "PUT", group, "2025-04-01", {"location": "westeurope"})
    path = f"{group}/providers/Microsoft.ContainerService/managedClusters/aks-one"
    return str(front.call(world, OWNER, "PUT", path, VERSION, BODY).body["id"])


def _never(work: Coroutine[Any, Any, None]) -> None:
    work.close()


def test_cluster_has_what_templates_read(azure: Clients, cluster: Any) -> None:
    assert cluster.provisioning_state == "Succeeded"
    assert cluster.node_resource_group == "MC_aks_aks-one_westeurope"
    assert cluster.oidc_issuer_profile.issuer_url.startswith(
        f"https://westeurope.oic.prod-aks.azure.com/{azure.cloud.settings.tenant_id}/"
    )
    assert cluster.fqdn.startswith("akswi-dns-")
    assert cluster.fqdn.endswith(".hcp.westeurope.azmk8s.io")
    assert "/resourcegroups/aks/" in cluster.id


def test_new_cluster_is_creating_and_says_where_to_ask(arm: Arm, azure: Clients) -> None:
    azure.group("aks-slow")
    path = CLUSTERS.replace("Groups/aks/", "Groups/aks-slow/") + "/aks-slow"
    first = arm("PUT", path, BODY, VERSION)
    properties = first.json()["properties"]
    assert (first.status_code, properties["provisioningState"]) == (201, "Creating")
    assert properties["oidcIssuerProfile"]["issuerURL"]
    assert "identity" not in properties["addonProfiles"]["azureKeyvaultSecretsProvider"]
    where = first.headers["azure-asyncoperation"].removeprefix("https://management.azure.com")
    while (status := arm("GET", where, version="").json())["status"] == "InProgress":
        assert "endTime" not in status
    assert (status["status"], bool(status["endTime"])) == ("Succeeded", True)
    azure.clusters.managed_clusters.begin_delete("aks-slow", "aks-slow").result()


def test_cluster_is_creating_until_its_api_listens(world: World, waiting: str) -> None:
    assert _state(world, waiting) == "Creating"
    cluster = world.state(Clusters).get(waiting)
    assert cluster
    cluster.started = True
    assert _state(world, waiting) == "Succeeded"


def test_deleted_cluster_takes_its_own_principal_along(world: World, waiting: str) -> None:
    cluster = world.state(Resources).find(waiting)
    principal = cluster["identity"]["principalId"]
    assert world.state(Directory).find(principal)
    with world.transaction():
        world.state(Resources).remove(waiting)
    assert world.state(Directory).find(principal) is None


def test_identity_needs_a_role_of_its_own_to_be_assigned(world: World, waiting: str) -> None:
    group = "/subscriptions/s/resourceGroups/MC_aks_aks-one_westeurope"
    scale_set = world.state(Resources).of_type("Microsoft.Compute/virtualMachineScaleSets", group)[
        0
    ]
    identity = "/subscriptions/s/resourceGroups/aks/providers/Microsoft.ManagedIdentity"
    identity += "/userAssignedIdentities/id-app3"
    made = front.call(world, OWNER, "PUT", identity, "2024-11-30", {"location": "westeurope"})
    give(world, STRANGER.object_id, "b24988ac-6180-42a0-ab88-20f7382dd24c", group)
    sent = _identity({made.body["id"]: {}})
    with pytest.raises(WireError) as caught:
        front.call(world, STRANGER, "PATCH", scale_set["id"], "2024-11-01", sent)
    assert "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action" in caught.value.message
    assert front.call(world, OWNER, "PATCH", scale_set["id"], "2024-11-01", sent).status == 200


def test_node_group_carries_identities_and_scale_sets(azure: Clients, cluster: Any) -> None:
    identities = azure.identities.user_assigned_identities
    names = [one.name for one in identities.list_by_resource_group(cluster.node_resource_group)]
    assert names == ["aks-one-agentpool", "azurekeyvaultsecretsprovider-aks-one"]
    group = azure.resources.resource_groups.get(cluster.node_resource_group)
    assert group.managed_by == cluster.id
    assert (group.tags or {})["lab"] == "akswi"


def test_every_scale_set_carries_the_addons_identity(azure: Clients, cluster: Any) -> None:
    addon = cluster.addon_profiles["azureKeyvaultSecretsProvider"].identity
    sets = list(azure.compute.virtual_machine_scale_sets.list(cluster.node_resource_group))
    assert len(sets) == 2
    for one in sets:
        clients = [
            entry.client_id
            for entry in one.identity.user_assigned_identities.values()  # type: ignore[union-attr]
        ]
        assert clients == [cluster.identity_profile["kubeletidentity"].client_id, addon.client_id]


def test_pool_is_found_by_the_tag_of_its_scale_set(azure: Clients, cluster: Any) -> None:
    sets = azure.compute.virtual_machine_scale_sets.list(cluster.node_resource_group)
    found = [one for one in sets if (one.tags or {})["aks-managed-poolName"] == "npuser01"]
    assert [str(one.name)[:13] for one in found] == ["aks-npuser01-"]
    assert found[0].sku
    assert found[0].sku.capacity == 2


def test_identity_is_put_on_a_scale_set_and_taken_off(azure: Clients, cluster: Any) -> None:
    made: Any = azure.identities.user_assigned_identities.create_or_update(
        "aks", "id-app3", {"location": "westeurope"}
    )
    group, sets = cluster.node_resource_group, azure.compute.virtual_machine_scale_sets
    name = str(list(sets.list(group))[1].name)
    before = _identities(sets.get(group, name))
    sets.begin_update(group, name, _identity({made.id: {}})).result()
    assert _identities(sets.get(group, name)) == [*before, made.id]
    sets.begin_update(group, name, _identity({made.id: None})).result()
    assert _identities(sets.get(group, name)) == before


def test_new_identity_is_shown_without_its_ids_at_first(arm: Arm, cluster: Any) -> None:
    path = f"/subscriptions/{{s}}/resourceGroups/{cluster.node_resource_group}/{SCALE_SETS}"
    name = arm("GET", path, version="2024-11-01").json()["value"][0]["name"]
    identity = "/subscriptions/{s}/resourceGroups/aks/providers/Microsoft.ManagedIdentity"
    identity += "/userAssignedIdentities/id-new"
    identity = arm("PUT", identity, {"location": "westeurope"}, "2024-11-30").json()["id"]
    reply = arm("PATCH", f"{path}/{name}", _identity({identity: {}}), "2024-11-01")
    assert reply.json()["identity"]["userAssignedIdentities"][identity] == {}
    assert reply.json()["properties"]["provisioningState"] == "Updating"
    assert "\r\n" in reply.text


def test_user_credential_is_kubelogins(azure: Clients, cluster: Any) -> None:
    credentials = azure.clusters.managed_clusters.list_cluster_user_credentials("aks", "aks-one")
    kubeconfig: Any = (credentials.kubeconfigs or [])[0]
    config = yaml.safe_load(bytes(kubeconfig.value))
    user = config["users"][0]
    assert (kubeconfig.name, user["name"]) == ("clusterUser", "clusterUser_aks_aks-one")
    assert user["user"]["exec"]["command"] == "kubelogin"
    assert "6dae42f8-4368-4678-94ff-3960e28e3630" in user["user"]["exec"]["args"]
    assert config["clusters"][0]["cluster"]["tls-server-name"] == cluster.fqdn


def test_admin_credential_is_refused_while_local_accounts_are_off(
    azure: Clients, cluster: Any
) -> None:
    with pytest.raises(HttpResponseError, match="disable local accounts"):
        azure.clusters.managed_clusters.list_cluster_admin_credentials("aks", "aks-one")


def test_same_cluster_again_changes_nothing_but_its_tags(azure: Clients, cluster: Any) -> None:
    body: Any = {**BODY, "tags": {"lab": "akswi", "more": "yes"}}
    client = azure.clusters.managed_clusters
    again = client.begin_create_or_update("aks", "aks-one", body).result()
    assert (again.fqdn, again.tags) == (cluster.fqdn, body["tags"])
    assert again.identity
    assert again.identity.principal_id == cluster.identity.principal_id


def test_body_of_az_aks_create_is_taken(world: World, waiting: str) -> None:
    pool = {
        **POOL,
        "orchestratorVersion": "",
        "vmSize": "",
        "scaleSetPriority": "Regular",
        "enableUltraSSD": False,
        "nodeTaints": [],
        "upgradeSettings": {},
    }
    sent = changed(
        kubernetesVersion="",
        agentPoolProfiles=[pool],
        bootstrapProfile={"artifactSource": "Direct"},
        storageProfile={},
    )
    path = waiting.replace("aks-one", "aks-two")
    assert front.call(world, OWNER, "PUT", path, VERSION, sent).status == 201
    sent["properties"]["bootstrapProfile"]["artifactSource"] = "Cache"
    with pytest.raises(WireError, match="bootstrapProfile"):
        front.call(world, OWNER, "PUT", path, VERSION, sent)


def test_tags_reach_the_node_group(azure: Clients, cluster: Any) -> None:
    tags: Any = {"tags": {"lab": "akswi", "new": "yes"}}
    client = azure.clusters.managed_clusters
    assert client.begin_update_tags("aks", "aks-one", tags).result().tags == tags["tags"]
    group = azure.resources.resource_groups.get(cluster.node_resource_group)
    assert (group.tags or {})["new"] == "yes"


def test_pool_that_a_template_does_not_name_stays(azure: Clients, cluster: Any) -> None:
    body: Any = changed(agentPoolProfiles=[POOL])
    client = azure.clusters.managed_clusters
    client.begin_create_or_update("aks", "aks-one", body).result()
    pools = azure.clusters.agent_pools.list("aks", "aks-one")
    assert [(pool.name, pool.count) for pool in pools] == [("npsystem", 1), ("npuser01", 2)]


def test_pool_is_added_changed_and_deleted_with_its_scale_set(azure: Clients, cluster: Any) -> None:
    pools, group = azure.clusters.agent_pools, cluster.node_resource_group
    body: Any = {"properties": {"mode": "User", "count": 1, "nodeLabels": {"a": "b"}}}
    pools.begin_create_or_update("aks", "aks-one", "npextra", body).result()
    names = [str(one.name) for one in azure.compute.virtual_machine_scale_sets.list(group)]
    assert [name for name in names if name.startswith("aks-npextra-")]
    body["properties"]["count"] = 3
    assert pools.begin_create_or_update("aks", "aks-one", "npextra", body).result().count == 3
    pools.begin_delete("aks", "aks-one", "npextra").result()
    assert [one.name for one in pools.list("aks", "aks-one")] == ["npsystem", "npuser01"]


def test_last_system_pool_stays(azure: Clients, cluster: Any) -> None:
    with pytest.raises(HttpResponseError, match="at least one system agent pool"):
        azure.clusters.agent_pools.begin_delete("aks", "aks-one", "npsystem").result()


def test_deleted_cluster_takes_its_node_group_along(azure: Clients) -> None:
    azure.group("aks-gone")
    body: Any = BODY
    client = azure.clusters.managed_clusters
    made = client.begin_create_or_update("aks-gone", "aks-gone", body).result()
    client.begin_delete("aks-gone", "aks-gone").result()
    with pytest.raises(ResourceNotFoundError):
        client.get("aks-gone", "aks-gone")
    assert not azure.resources.resource_groups.check_existence(str(made.node_resource_group))


REFUSED: list[tuple[str, dict[str, Any], int, str, str]] = [
    (
        "an old version",
        changed(kubernetesVersion="1.24.9"),
        400,
        "K8sVersionNotSupported",
        "Managed cluster aks-bad is on version 1.24.9 which is not supported in this region. "
        "Please use [az aks get-versions] command to get the supported version list in this "
        "region. For more information, please check https://aka.ms/supported-version-list",
    ),
    (
        "an old version of a pool",
        changed(agentPoolProfiles=[{**POOL, "orchestratorVersion": "1.24.9"}]),
        400,
        "AgentPoolK8sVersionNotSupported",
        "Version 1.24.9 is not supported in this region. Please use [az aks get-versions]",
    ),
    ("no system pool", changed(agentPoolProfiles=[{"name": "u"}]), 400, "InvalidParameter", ""),
    ("no DNS prefix", changed(dnsPrefix=None), 400, "InvalidParameter", "dnsPrefix is missing"),
    (
        "a taint",
        changed(agentPoolProfiles=[{**POOL, "nodeTaints": ["a=b"]}]),
        400,
        "InvalidParameter",
        "The node taint 'a=b' is not valid.",
    ),
    (
        "a pool's name",
        changed(agentPoolProfiles=[{**POOL, "name": "Np_1"}]),
        400,
        "InvalidRequestContent",
        "properties.agentPoolProfiles[].name",
    ),
    ("no Entra ID", changed(aadProfile=None), 501, "NotEmulated", "aadProfile.managed"),
    (
        "no Azure RBAC",
        changed(aadProfile={"managed": True}),
        501,
        "NotEmulated",
        "aadProfile.enableAzureRBAC",
    ),
    ("no webhook", changed(securityProfile=None), 501, "NotEmulated", "workloadIdentity"),
    (
        "another add-on",
        changed(addonProfiles={"omsagent": {"enabled": True}}),
        501,
        "NotEmulated",
        "the add-on 'omsagent'",
    ),
    (
        "a private cluster",
        changed(apiServerAccessProfile={"enablePrivateCluster": True}),
        501,
        "NotEmulated",
        "'apiServerAccessProfile'",
    ),
    (
        "autoscaling",
        changed(agentPoolProfiles=[{**POOL, "enableAutoScaling": True}]),
        501,
        "NotEmulated",
        "enableAutoScaling",
    ),
]


@pytest.mark.parametrize(
    ("body", "status", "code", "text"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_cluster_is_refused(
    arm: Arm, cluster: Any, body: dict[str, Any], status: int, code: str, text: str
) -> None:
    found = refusal(arm("PUT", f"{CLUSTERS}/aks-bad", body, VERSION))
    assert found[:2] == (status, code)
    assert text in found[2]


def test_aks_refuses_without_the_outer_error(arm: Arm, cluster: Any) -> None:
    reply = arm("PUT", f"{CLUSTERS}/aks-bad", changed(kubernetesVersion="1.2.3"), VERSION)
    assert set(json.loads(reply.text)) == {"code", "details", "message", "subcode"}


def test_cluster_name_that_no_cluster_has_is_refused(arm: Arm, cluster: Any) -> None:
    found = refusal(arm("PUT", f"{CLUSTERS}/-aks", BODY, VERSION))
    assert found[:2] == (400, "InvalidParameter")


def test_identity_that_is_not_there_is_refused(arm: Arm, cluster: Any) -> None:
    path = f"/subscriptions/{{s}}/resourceGroups/{cluster.node_resource_group}/{SCALE_SETS}"
    name = arm("GET", path, version="2024-11-01").json()["value"][0]["name"]
    sent = _identity({"/subscriptions/x/resourceGroups/y/providers/a/b/c": {}})
    assert refusal(arm("PATCH", f"{path}/{name}", sent, "2024-11-01"))[0] == 400
    other = {"sku": {"capacity": 3}}
    assert refusal(arm("PATCH", f"{path}/{name}", other, "2024-11-01"))[1] == "NotEmulated"


def _state(world: World, resource_id: str) -> Any:
    found = front.call(world, OWNER, "GET", resource_id, VERSION)
    return found.body["properties"]["provisioningState"]


def _identity(entries: dict[str, Any]) -> Any:
    return {"identity": {"type": "UserAssigned", "userAssignedIdentities": entries}}


def _identities(scale_set: Any) -> list[str]:
    return list(scale_set.identity.user_assigned_identities)
