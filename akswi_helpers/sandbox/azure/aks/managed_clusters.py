"""Managed clusters: made, changed and deleted with their node group and their Kubernetes API.

Source: https://learn.microsoft.com/azure/aks and recorded exchanges. A cluster is Creating until
its API listens, also when the sandbox was killed in between; one that cannot start is Failed, for
the sandbox's own reason.
"""

from __future__ import annotations

import re

from akswi_helpers.sandbox.azure.aks import bodies
from akswi_helpers.sandbox.azure.aks import refusals as sayings
from akswi_helpers.sandbox.azure.aks.bodies import ADDON, TYPE, VERSION
from akswi_helpers.sandbox.azure.arm.operations import Operations
from akswi_helpers.sandbox.azure.arm.requests import tags_of
from akswi_helpers.sandbox.azure.arm.resource_ids import group_of, name_of
from akswi_helpers.sandbox.azure.arm.resources import Resources, on_delete
from akswi_helpers.sandbox.azure.compute import node_groups
from akswi_helpers.sandbox.azure.entra.directory import Directory, Principal
from akswi_helpers.sandbox.cluster.clusters import Clusters, ClusterSpec, NodePool
from akswi_helpers.sandbox.cluster.secrets_store import definitions
from akswi_helpers.sandbox.dials import Dials
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId, Seconds


class ManagedClusters:
    """The clusters of this sandbox as Azure knows them; documents are in `Resources`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._resources = world.state(Resources)
        self._made = world.table("aks.clusters")  # lower-case id -> what AKS chose for it

    def make(self, resource_id: ResourceId, location: str, body: Json) -> Json:
        """A new cluster, Creating; inside a transaction. Its API listens after the commit."""
        chosen = self._choose(resource_id)
        self._made.put(resource_id.lower(), chosen)
        tags, sent = tags_of(body), dict(body["properties"])
        properties = self._properties(resource_id, location, sent, {}, chosen)
        document = {
            "id": resource_id,
            "location": location,
            "name": name_of(resource_id),
            "type": "Microsoft.ContainerService/ManagedClusters",
            "tags": tags,
            "properties": properties,
            "identity": self._control_plane(resource_id),
            "sku": {"name": "Base", "tier": "Free", **(body.get("sku") or {})},
        }
        node_groups.make(self._world, document)
        return self._store(document, chosen, new=True)

    def change(self, old: Json, body: Json) -> Json:
        """A cluster with other tags, pools or settings; inside a transaction."""
        chosen = self._made[old["id"].lower()]
        sent = dict(body.get("properties") or {})
        properties = self._properties(old["id"], old["location"], sent, old["properties"], chosen)
        tags = tags_of(body) if "tags" in body else old["tags"]
        sku = body.get("sku") or old["sku"]
        document = {**old, "tags": tags, "properties": properties, "sku": sku}
        return self._store(document, chosen, new=False)

    def change_pools(self, old: Json, pools: list[Json]) -> Json:
        """A cluster with these node pools; inside a transaction."""
        properties = {**old["properties"], "agentPoolProfiles": pools}
        chosen = self._made[old["id"].lower()]
        return self._store({**old, "properties": properties}, chosen, new=False)

    def settled(self, document: Json) -> Json:
        """The cluster as it is now: Succeeded once its API listens, Failed when it cannot."""
        state, clusters = document["properties"]["provisioningState"], self._world.state(Clusters)
        if state == "Succeeded":
            return document
        if reason := clusters.failure(document["id"]):
            return document if state == "Failed" else self._end(document, "Failed", reason)
        if not clusters.ready(document["id"]) or self._too_soon(document):
            return document
        return self._end(document, "Succeeded")

    def _too_soon(self, document: Json) -> bool:
        """Whether a new cluster has to be Creating for longer, its API listening or not."""
        began = self._made[document["id"].lower()].get("began", 0)
        creating = document["properties"]["provisioningState"] == "Creating"
        return creating and not self._world.state(Dials).due("cluster-create", began)

    def shown(self, document: Json) -> Json:
        """The cluster as Azure shows it: the add-on's identity only once it is made."""
        if document["properties"]["provisioningState"] != "Creating":
            return document
        addons = {
            name: {key: value for key, value in addon.items() if key != "identity"}
            for name, addon in document["properties"]["addonProfiles"].items()
        }
        return {**document, "properties": {**document["properties"], "addonProfiles": addons}}

    def forget(self, document: Json) -> None:
        """Close the API, delete the node group and the cluster's own principal."""
        if self._world.state(Clusters).get(document["id"]):
            self._world.state(Clusters).close(document["id"])
        node_groups.wipe(self._world, document)
        self._world.state(Directory).remove(document["identity"]["principalId"])
        self._made.remove(document["id"].lower())

    def _end(self, document: Json, state: str, reason: str = "") -> Json:
        """The cluster with its last state; its operations have come to the same end."""
        pools = document["properties"]["agentPoolProfiles"]
        ended: Json = {
            "provisioningState": state,
            "agentPoolProfiles": [{**pool, "provisioningState": state} for pool in pools],
        }
        error = sayings.fault(reason) if reason else None
        if error:
            ended["status"] = {"provisioningError": error}
        self._world.state(Operations).finish(document["id"], error)
        kept = {key: value for key, value in document["properties"].items() if key != "status"}
        done = {**document, "properties": {**kept, **ended}}
        return self._resources.put(document["id"], done)

    def _choose(self, resource_id: ResourceId) -> Json:
        """What AKS picks for a new cluster: issuer, the digits and letters in its names."""
        ids = self._world.ids
        digits = int(ids.guid("scale sets", resource_id).replace("-", ""), 16) % 10**8
        return {
            "issuer_id": ids.guid("issuer", resource_id),
            "digits": f"{digits:08d}",
            "suffix": ids.guid("fqdn", resource_id)[:8],
            "began": self._world.clock.now(),
        }

    def _control_plane(self, resource_id: ResourceId) -> Json:
        """The cluster's own identity, with a principal in the directory."""
        ids, name = self._world.ids, name_of(resource_id)
        principal, client = ids.guid("principal", resource_id), ids.guid("client", resource_id)
        directory = self._world.state(Directory)
        directory.add(Principal(principal, client, name, "ManagedIdentity", owner=resource_id))
        return {
            "type": "SystemAssigned",
            "principalId": principal,
            "tenantId": self._world.tenant_id,
        }

    def _properties(
        self, resource_id: ResourceId, location: str, sent: Json, before: Json, chosen: Json
    ) -> Json:
        """The stored properties: what was sent, what stood, what AKS fills in, in that order."""
        name, group = name_of(resource_id), name_of(group_of(resource_id))
        wanted = {**before, **{key: value for key, value in sent.items() if value is not None}}
        state = "Updating" if before else "Creating"
        prefix, suffix = wanted["dnsPrefix"], chosen["suffix"]
        issuer = f"https://{location}.oic.prod-aks.azure.com/{self._world.tenant_id}/"
        return {
            "provisioningState": state,
            "powerState": {"code": "Running"},
            "kubernetesVersion": VERSION,
            "currentKubernetesVersion": VERSION,
            "dnsPrefix": prefix,
            "fqdn": f"{prefix}-{suffix}.hcp.{location}.azmk8s.io",
            "azurePortalFQDN": f"{prefix}-{suffix}.portal.hcp.{location}.azmk8s.io",
            "agentPoolProfiles": [
                bodies.filled_pool(pool, state)
                for pool in _merged(before.get("agentPoolProfiles") or [], sent)
            ],
            "servicePrincipalProfile": {"clientId": "msi"},
            "addonProfiles": wanted.get("addonProfiles") or {},
            "nodeResourceGroup": wanted.get("nodeResourceGroup") or f"MC_{group}_{name}_{location}",
            "enableRBAC": True,
            "supportPlan": wanted.get("supportPlan") or "KubernetesOfficial",
            "networkProfile": bodies.filled_network(wanted.get("networkProfile")),
            "aadProfile": {**wanted["aadProfile"], "tenantID": self._world.tenant_id},
            "maxAgentPools": 100,
            "identityProfile": before.get("identityProfile", {}),
            "disableLocalAccounts": bool(wanted.get("disableLocalAccounts")),
            "securityProfile": wanted["securityProfile"],
            **{key: wanted[key] for key in _STORED if wanted.get(key)},
            "oidcIssuerProfile": {"enabled": True, "issuerURL": f"{issuer}{chosen['issuer_id']}/"},
        }

    def _store(self, document: Json, chosen: Json, *, new: bool) -> Json:
        """Store the document, then what hangs on it: identities, scale sets, the API."""
        world, properties = self._world, document["properties"]
        kubelet = node_groups.kubelet_identity(world, document)
        self._check_addon(document, new=new)
        filled = {
            **document,
            "properties": {
                **properties,
                "addonProfiles": self._addons(document),
                "identityProfile": {"kubeletidentity": kubelet},
            },
        }
        self._resources.put(document["id"], filled)
        node_groups.retag(world, filled)
        node_groups.settle(world, filled, chosen["digits"])
        clusters, spec = world.state(Clusters), self._spec(filled, chosen)
        if new:
            clusters.open(spec)
        else:
            clusters.change(spec)
        return filled

    def _check_addon(self, document: Json, *, new: bool) -> None:
        """Raise WireError when the Key Vault add-on goes while it is in use."""
        cluster = None if new else self._world.state(Clusters).get(document["id"])
        addon = document["properties"]["addonProfiles"].get(ADDON) or {}
        if cluster and not addon.get("enabled") and definitions.in_use(cluster):
            raise sayings.addon_in_use(ADDON)

    def _addons(self, document: Json) -> Json:
        """The add-on profiles, the Key Vault one with its identity."""
        addons = dict(document["properties"]["addonProfiles"])
        addon = {key: v for key, v in (addons.get(ADDON) or {}).items() if key != "identity"}
        if not addon.get("enabled"):
            node_groups.forget_addon_identity(self._world, document)
            return addons
        config = {"enableSecretRotation": "false", "rotationPollInterval": "2m"}
        config |= addon.get("config") or {}
        identity = node_groups.addon_identity(self._world, document)
        return {**addons, ADDON: {"enabled": True, "config": config, "identity": identity}}

    def _spec(self, document: Json, chosen: Json) -> ClusterSpec:
        properties = document["properties"]
        return ClusterSpec(
            resource_id=document["id"],
            name=document["name"],
            fqdn=properties["fqdn"],
            issuer=properties["oidcIssuerProfile"]["issuerURL"],
            issuer_id=chosen["issuer_id"],
            tenant_id=self._world.tenant_id,
            location=document["location"],
            version=VERSION,
            node_pools=tuple(
                _node_pool(pool, chosen["digits"]) for pool in properties["agentPoolProfiles"]
            ),
            **_secrets_store(properties["addonProfiles"].get(ADDON) or {}),
        )


_STORED = ("autoUpgradeProfile", "storageProfile")


def _merged(before: list[Json], sent: Json) -> list[Json]:
    """The pools that stand, changed as sent, then the new ones; one unnamed stays as it is."""
    named = {pool["name"]: pool for pool in sent.get("agentPoolProfiles") or []}
    kept = [{**pool, **named.pop(pool["name"], {})} for pool in before]
    return kept + list(named.values())


def _node_pool(pool: Json, digits: str) -> NodePool:
    return NodePool(
        name=pool["name"],
        mode=pool["mode"],
        count=pool["count"],
        vm_size=pool["vmSize"],
        scale_set=node_groups.scale_set_name(pool["name"], digits),
        labels=dict(pool.get("nodeLabels") or {}),
        taints=tuple(pool.get("nodeTaints") or ()),
    )


def _secrets_store(addon: Json) -> Json:
    """What the cluster must know of the Key Vault add-on."""
    config = addon.get("config") or {}
    return {
        "secrets_store": bool(addon.get("enabled")),
        "secret_rotation": str(config.get("enableSecretRotation", "")).lower() == "true",
        "rotation_interval": _seconds(str(config.get("rotationPollInterval", "2m"))),
    }


def _seconds(duration: str) -> Seconds:
    """Seconds in a duration as Go writes it ("2m", "1h30m"); 120 when it is none."""
    units = {"h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"(\d+)([hms])", duration)
    if "".join(number + unit for number, unit in parts) != duration or not parts:
        return 120.0
    return float(sum(int(number) * units[unit] for number, unit in parts))


def _forget(world: World, document: Json) -> None:
    world.state(ManagedClusters).forget(document)


on_delete(TYPE, _forget)
