"""What AKS makes beside a cluster: the node resource group, its identities and scale sets.

The identity of the Key Vault add-on and the kubelet's are put on every scale set, also on those
of pools that come later.

Source: https://learn.microsoft.com/azure/aks/use-managed-identity and audit records of scale
sets. Left out: load balancers, networks, disks; nothing here speaks of them.
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.aks import refusals as sayings
from akswi_helpers.sandbox.azure.aks.bodies import ADDON, VERSION
from akswi_helpers.sandbox.azure.arm import managed_identity
from akswi_helpers.sandbox.azure.arm.resource_groups import Groups, document_of
from akswi_helpers.sandbox.azure.arm.resource_ids import group_id, group_of, name_of
from akswi_helpers.sandbox.azure.arm.resources import Resources
from akswi_helpers.sandbox.azure.compute import service as compute
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId


def node_group_id(cluster: Json) -> ResourceId:
    """The id of the node resource group."""
    return group_id(cluster["id"].split("/")[2], cluster["properties"]["nodeResourceGroup"])


def retag(world: World, cluster: Json) -> None:
    """The cluster's tags on its node resource group, as AKS keeps them."""
    groups, group = world.state(Groups), node_group_id(cluster)
    if found := groups.get(group):
        groups.put({**found, "tags": _group_tags(cluster)})


def _group_tags(cluster: Json) -> Json:
    return {
        **cluster["tags"],
        "aks-managed-cluster-name": cluster["name"],
        "aks-managed-cluster-rg": name_of(group_of(cluster["id"])),
    }


def make(world: World, cluster: Json) -> None:
    """The node resource group with the kubelet's identity. Raises WireError when it exists."""
    groups, group = world.state(Groups), node_group_id(cluster)
    if groups.get(group):
        raise sayings.node_group_taken(name_of(group))
    tags = _group_tags(cluster)
    groups.put(document_of(group, cluster["location"], tags, managed_by=cluster["id"]))
    _identity(world, cluster, f"{cluster['name']}-agentpool")


def kubelet_identity(world: World, cluster: Json) -> Json:
    """The kubelet's identity, as AKS names it in `identityProfile`."""
    return named_identity(world, cluster, f"{cluster['name']}-agentpool")


def addon_identity(world: World, cluster: Json) -> Json:
    """The Key Vault add-on's identity, as AKS names it in `addonProfiles`; made when missing."""
    name = f"{ADDON.lower()}-{cluster['name']}"
    if world.state(Resources).get(_identity_id(cluster, name)) is None:
        _identity(world, cluster, name)
    return named_identity(world, cluster, name)


def forget_addon_identity(world: World, cluster: Json) -> None:
    """Delete the Key Vault add-on's identity, when the add-on is switched off."""
    resource_id = _identity_id(cluster, f"{ADDON.lower()}-{cluster['name']}")
    if world.state(Resources).get(resource_id):
        world.state(Resources).remove(resource_id)


def named_identity(world: World, cluster: Json, name: str) -> Json:
    """An identity of the node resource group: resourceId, clientId, objectId."""
    found = world.state(Resources).find(_identity_id(cluster, name))
    values = found["properties"]
    return {
        "resourceId": found["id"],
        "clientId": values["clientId"],
        "objectId": values["principalId"],
    }


def scale_set_name(pool: str, digits: str) -> str:
    """The name of a pool's scale set."""
    return f"aks-{pool}-{digits}-vmss"


def settle(world: World, cluster: Json, digits: str) -> None:
    """Scale sets for the pools that are there, and none for those that went."""
    resources, properties = world.state(Resources), cluster["properties"]
    wanted = {
        scale_set_name(pool["name"], digits): pool for pool in properties["agentPoolProfiles"]
    }
    for one in resources.of_type(compute.TYPE, node_group_id(cluster)):
        if one["name"] not in wanted:
            resources.remove(one["id"])
    for name, pool in wanted.items():
        _scale_set(world, cluster, name, pool, digits)


def wipe(world: World, cluster: Json) -> None:
    """Delete the node resource group with everything in it."""
    if world.state(Groups).get(node_group_id(cluster)):
        world.state(Groups).wipe(node_group_id(cluster))


def _identity_id(cluster: Json, name: str) -> ResourceId:
    subscription = cluster["id"].split("/")[2]
    group = cluster["properties"]["nodeResourceGroup"]
    return managed_identity.identity_id(subscription, group, name)


def _identity(world: World, cluster: Json, name: str) -> None:
    resource_id = _identity_id(cluster, name)
    managed_identity.make(world, resource_id, cluster["location"], dict(cluster["tags"]))


def _scale_set(world: World, cluster: Json, name: str, pool: Json, digits: str) -> None:
    resource_id = f"{node_group_id(cluster)}/providers/{compute.TYPE}/{name}"
    old = world.state(Resources).get(resource_id)
    kept = list(((old or {}).get("identity") or {}).get("userAssignedIdentities") or {})
    identities = kept + [one for one in _standard(world, cluster) if one not in kept]
    document = compute.scale_set_document(
        resource_id,
        cluster["location"],
        _tags(world, cluster, pool, digits),
        compute.identity_of(world, [one for one in identities if world.state(Resources).get(one)]),
        pool["vmSize"],
        pool["count"],
    )
    unique = (old or {}).get("properties", {}).get("uniqueId")
    document["properties"]["uniqueId"] = unique or world.ids.guid("scale set", resource_id)
    world.state(Resources).put(resource_id, document)


def _standard(world: World, cluster: Json) -> list[ResourceId]:
    """The identities that AKS puts on every scale set."""
    found = [kubelet_identity(world, cluster)["resourceId"]]
    addon = cluster["properties"]["addonProfiles"].get(ADDON) or {}
    if addon.get("enabled"):
        found.append(addon_identity(world, cluster)["resourceId"])
    return [str(one) for one in found]


def _tags(world: World, cluster: Json, pool: Json, digits: str) -> Json:
    return {
        **cluster["tags"],
        **(pool.get("tags") or {}),
        "aks-managed-coordination": "true",
        "aks-managed-creationSource": f"vmssclient-{scale_set_name(pool['name'], digits)}",
        "aks-managed-enable-imds-restriction": "false",
        "aks-managed-kubeletIdentityClientID": kubelet_identity(world, cluster)["clientId"],
        "aks-managed-orchestrator": f"Kubernetes:{VERSION}",
        "aks-managed-poolName": pool["name"],
        "aks-managed-resourceNameSuffix": digits,
        "aks-managed-ssh-access": "LocalUser",
        "compute.aks.billing": "linux",
    }
