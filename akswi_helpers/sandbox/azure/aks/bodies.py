"""Is this cluster one that can be made here? And what does AKS fill in?

Every property that would make the cluster behave differently from the one that is emulated is
refused by name, never stored and forgotten.

Source: https://learn.microsoft.com/rest/api/aks/managed-clusters/create-or-update.
Left out: clusters without Entra ID and Azure RBAC, without OIDC issuer or workload identity,
private clusters, autoscaling, Windows, every add-on but Key Vault's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from akswi_helpers.sandbox.azure.aks import refusals as sayings
from akswi_helpers.sandbox.azure.arm.property_tables import arm_data
from akswi_helpers.sandbox.wire import not_emulated
from akswi_helpers.types import Json

TYPE = "Microsoft.ContainerService/managedClusters"
VERSION = "1.37.2"  # the one Kubernetes version here, and AKS's default
ADDON = "azureKeyvaultSecretsProvider"
DEFAULT_SIZE = "Standard_D2s_v5"

_MUST = {  # what makes the cluster the one that is emulated
    "aadProfile.managed": True,
    "aadProfile.enableAzureRBAC": True,
    "securityProfile.workloadIdentity.enabled": True,
    "oidcIssuerProfile.enabled": True,
    "enableRBAC": True,
}
_TAINT = re.compile(r"[\w./-]+(=[\w.-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)")
_UNSAID = {"oidcIssuerProfile.enabled", "enableRBAC"}  # on when the request is silent
_READ = {
    "kubernetesVersion",
    "dnsPrefix",
    "agentPoolProfiles",
    "addonProfiles",
    "oidcIssuerProfile",
    "securityProfile",
    "aadProfile",
    "disableLocalAccounts",
    "networkProfile",
    "enableRBAC",
    "nodeResourceGroup",
    "servicePrincipalProfile",
    "supportPlan",
    "autoUpgradeProfile",
    "storageProfile",
}
_POOL_READ = {
    "name",
    "count",
    "vmSize",
    "mode",
    "osType",
    "type",
    "nodeTaints",
    "nodeLabels",
    "tags",
    "osDiskSizeGB",
    "osDiskType",
    "kubeletDiskType",
    "maxPods",
    "orchestratorVersion",
    "osSKU",
    "upgradeSettings",
    "scaleDownMode",
    "availabilityZones",
    "powerState",
}
_POOL_ONLY = {
    "osType": "Linux",
    "type": "VirtualMachineScaleSets",
    "enableAutoScaling": False,
    "enableNodePublicIP": False,
    "enableFIPS": False,
    "enableEncryptionAtHost": False,
    "enableUltraSSD": False,
    "scaleSetPriority": "Regular",
}
_CLUSTER_ONLY = {"bootstrapProfile": {"artifactSource": "Direct"}}  # what `az aks create` sends


def check_cluster(name: str, body: Json, old: Json | None) -> None:
    """Raise WireError unless the body describes a cluster that can be made, or changed, here."""
    sent, before = body.get("properties") or {}, (old or {}).get("properties", {})
    _only(sent, {**_CLUSTER_ONLY, **before}, _READ, f"{TYPE} properties")
    _require_kind(sent, before)
    if (body.get("identity") or {}).get("type", "SystemAssigned") != "SystemAssigned":
        raise not_emulated(f"an identity other than SystemAssigned of {TYPE}")
    for addon, profile in (sent.get("addonProfiles") or {}).items():
        if addon != ADDON and (profile or {}).get("enabled"):
            raise not_emulated(f"the add-on '{addon}' of {TYPE}")
    supported_version(name, sent.get("kubernetesVersion"))
    for fixed in ("dnsPrefix", "nodeResourceGroup"):
        if old and sent.get(fixed) and sent[fixed] != before[fixed]:
            raise sayings.change_not_allowed(f"properties.{fixed}")
    if not sent.get("dnsPrefix") and not old:
        raise sayings.missing_parameter("dnsPrefix")
    if not sent.get("agentPoolProfiles") and not old:
        raise sayings.missing_parameter("agentPoolProfiles")
    check_pools(sent.get("agentPoolProfiles") or [], before)


def check_name(kind: str, name: str) -> None:
    """Raise WireError unless a cluster, or a node pool, can be called that."""
    row = arm_data("properties")[kind]["name"]
    if not re.search(row["pattern"], name):
        raise sayings.invalid_parameter(f"The name '{name}' does not match '{row['pattern']}'.")


def check_pools(pools: list[Json], before: Mapping[str, Any]) -> None:
    """Raise WireError unless every node pool can be made here and one is a system pool."""
    known = {pool["name"]: pool for pool in before.get("agentPoolProfiles") or []}
    for pool in pools:
        check_pool(pool, known.get(pool["name"], {}))
    if pools:
        require_system_pool(pools)
    names = [pool["name"] for pool in pools]
    if len(set(names)) != len(names):
        raise sayings.invalid_parameter("The names of the agent pools are not unique.")


def require_system_pool(pools: list[Json]) -> None:
    """Raise WireError unless one of the pools is a system pool."""
    if not any(pool.get("mode") == "System" for pool in pools):
        raise sayings.last_system_pool()


def check_pool(pool: Json, before: Json) -> None:
    """Raise WireError unless the node pool can be made here."""
    _only(pool, {**_POOL_ONLY, **before}, _POOL_READ, "agentPoolProfiles")
    for name, value in _POOL_ONLY.items():
        if pool.get(name) not in (None, value):
            raise not_emulated(f"agentPoolProfiles.{name} other than {value} of {TYPE}")
    least = 1 if pool.get("mode") == "System" else 0
    if not least <= pool.get("count", 1) <= 100:
        raise sayings.invalid_parameter(f"The count of agent pool '{pool['name']}' is not valid.")
    for taint in pool.get("nodeTaints") or []:
        if not _TAINT.fullmatch(taint):
            raise sayings.invalid_parameter(f"The node taint '{taint}' is not valid.")
    version = pool.get("orchestratorVersion")
    if version not in (None, "", VERSION, VERSION.rpartition(".")[0]):
        raise sayings.pool_version_not_supported(version)


def supported_version(name: str, wanted: str | None) -> str:
    """The version a cluster gets: the default, or the wanted one. Raises WireError."""
    if wanted in (None, "", VERSION, VERSION.rpartition(".")[0]):
        return VERSION
    raise sayings.version_not_supported(name, str(wanted))


def filled_pool(pool: Json, state: str) -> Json:
    """A node pool with what AKS fills in."""
    return {
        "name": pool["name"],
        "count": pool.get("count", 1),
        "vmSize": pool.get("vmSize") or DEFAULT_SIZE,
        "osDiskSizeGB": pool.get("osDiskSizeGB") or 128,
        "osDiskType": pool.get("osDiskType") or "Managed",
        "kubeletDiskType": pool.get("kubeletDiskType") or "OS",
        "maxPods": pool.get("maxPods") or 250,
        "type": "VirtualMachineScaleSets",
        "enableAutoScaling": False,
        "provisioningState": state,
        "powerState": {"code": "Running"},
        "orchestratorVersion": VERSION,
        "currentOrchestratorVersion": VERSION,
        "enableNodePublicIP": False,
        **{key: pool[key] for key in _KEPT if pool.get(key) is not None},
        "mode": pool.get("mode") or "User",
        "osType": "Linux",
        "osSKU": pool.get("osSKU") or "Ubuntu",
        "nodeImageVersion": "AKSUbuntu-2404gen2containerd-202610.15.0",
        "enableFIPS": False,
    }


_KEPT = (
    "nodeLabels",
    "nodeTaints",
    "tags",
    "upgradeSettings",
    "scaleDownMode",
    "availabilityZones",
)


def filled_network(sent: Json | None) -> Json:
    """The network profile with what AKS fills in."""
    return {
        "networkPlugin": "azure",
        "networkPluginMode": "overlay",
        "podCidr": "10.244.0.0/16",
        "serviceCidr": "10.0.0.0/16",
        "dnsServiceIP": "10.0.0.10",
        "loadBalancerSku": "standard",
        "outboundType": "loadBalancer",
        **{key: value for key, value in (sent or {}).items() if value is not None},
    }


def _require_kind(sent: Json, before: Mapping[str, Any]) -> None:
    for path, wanted in _MUST.items():
        value = _at(sent, path)
        if value is None:
            value = wanted if path in _UNSAID else _at(before, path)
        if value is not wanted:
            raise not_emulated(f"a cluster without properties.{path} = true of {TYPE}")
    defender = {key: one for key, one in (sent.get("securityProfile") or {}).items() if one}
    if set(defender) - {"workloadIdentity"}:
        raise not_emulated(f"properties.securityProfile beyond workloadIdentity of {TYPE}")


def _at(values: Mapping[str, Any], path: str) -> Any:
    found: Any = values
    for name in path.split("."):
        found = (found or {}).get(name)
    return found


def _only(sent: Json, before: Mapping[str, Any], known: set[str], where: str) -> None:
    for name, value in sent.items():
        if name not in known and value not in (None, {}, []) and value != before.get(name):
            raise not_emulated(f"'{name}' in {where}")
