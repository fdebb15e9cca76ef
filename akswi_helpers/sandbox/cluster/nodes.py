"""The nodes of a cluster, as AKS registers them: one for each instance of a pool's scale set.

Source: `kubectl get node -o yaml` on AKS (labels, addresses, conditions, nodeInfo).
Left out: heartbeats and leases; what a node has besides is not emulated either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster import addresses
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster, NodePool

_RESERVED_GIB = 2  # what AKS keeps for itself on a small node, about
_EFFECTS = re.compile(r"(?P<key>[^=:]+)(=(?P<value>[^:]*))?:(?P<effect>\w+)")
_HEALTH = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("KubeletReady", "kubelet is posting ready status"),
}


def wanted(cluster: Cluster) -> list[Json]:
    """Every node that the pools ask for."""
    made = []
    for pool in cluster.spec.node_pools:
        for number, name in enumerate(pool.nodes):
            made.append(_node(cluster, pool, number, name))
    return made


def install(cluster: Cluster) -> None:
    """Make, mend and remove nodes until they are those that the pools ask for."""
    kind = cluster.kind("v1", "Node")
    nodes = wanted(cluster)
    for extra in {n["metadata"]["name"] for n in cluster.store.list(kind)} - _names(nodes):
        cluster.objects.delete(kind, "", extra)
    for node in nodes:
        name = node["metadata"]["name"]
        found = cluster.objects.find(kind, "", name)
        if found is None:
            _address(cluster, node)
            cluster.objects.create(kind, "", node, manager="kubelet")
        else:
            found["metadata"]["labels"] |= node["metadata"]["labels"]
            found["spec"]["taints"] = node["spec"].get("taints", [])
            cluster.objects.update(kind, "", found, manager="aks")


def _names(nodes: list[Json]) -> set[str]:
    return {node["metadata"]["name"] for node in nodes}


def _node(cluster: Cluster, pool: NodePool, number: int, name: str) -> Json:
    spec: Json = {"providerID": _provider_id(cluster, pool, number)}
    if pool.taints:
        spec["taints"] = [_taint(text) for text in pool.taints]
    metadata = {"name": name, "labels": _labels(cluster, pool, name)}
    return {"metadata": metadata, "spec": spec, "status": _status(cluster, pool, name)}


def _node_group(cluster: Cluster) -> str:
    parts = cluster.spec.resource_id.split("/")
    return f"MC_{parts[4]}_{cluster.spec.name}_{cluster.spec.location}"


def _provider_id(cluster: Cluster, pool: NodePool, number: int) -> str:
    subscription = cluster.spec.resource_id.split("/")[2]
    group = _node_group(cluster).lower()
    return (
        f"azure:///subscriptions/{subscription}/resourceGroups/{group}/providers/"
        f"Microsoft.Compute/virtualMachineScaleSets/{pool.scale_set}/virtualMachines/{number}"
    )


def _labels(cluster: Cluster, pool: NodePool, name: str) -> dict[str, str]:
    return {
        "agentpool": pool.name,
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.azure.com/agentpool": pool.name,
        "kubernetes.azure.com/cluster": _node_group(cluster),
        "kubernetes.azure.com/mode": pool.mode.lower(),
        "kubernetes.azure.com/role": "agent",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/role": "agent",
        "node-role.kubernetes.io/agent": "",
        "node.kubernetes.io/instance-type": pool.vm_size,
        "topology.kubernetes.io/region": cluster.spec.location,
        "topology.kubernetes.io/zone": "0",
        **pool.labels,
    }


def _taint(text: str) -> Json:
    found = _EFFECTS.fullmatch(text)
    if found is None:
        raise ValueError(f"not a taint: {text}")
    return {k: v for k, v in found.groupdict().items() if v is not None}


def _status(cluster: Cluster, pool: NodePool, name: str) -> Json:
    now = timestamp(cluster.world.clock.now())
    cores = _cores(pool.vm_size)
    size: Json = {"cpu": str(cores), "ephemeral-storage": "129886128Ki", "pods": "250"}
    size |= {"hugepages-1Gi": "0", "hugepages-2Mi": "0", "memory": f"{cores * 4 << 20}Ki"}
    usable = size | {"cpu": f"{cores * 1000 - 100}m", "ephemeral-storage": "119703055367"}
    usable["memory"] = f"{cores * 4 - _RESERVED_GIB << 20}Ki"
    return {
        "capacity": size,
        "allocatable": usable,
        "conditions": [_condition(name, *words, now) for name, words in _HEALTH.items()],
        "addresses": [{"type": "Hostname", "address": name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": _info(cluster, name),
    }


def _condition(name: str, reason: str, message: str, now: str) -> Json:
    return {
        "type": name,
        "status": "True" if name == "Ready" else "False",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }


def _cores(vm_size: str) -> int:
    """The vCPUs of a size: the number after the family's letters, but older names count steps."""
    steps = {"DS1_v2": 1, "DS2_v2": 2, "DS3_v2": 4, "DS4_v2": 8, "DS5_v2": 16, "B4ms": 4, "B2ms": 2}
    short = vm_size.removeprefix("Standard_")
    found = re.match(r"[A-Z]+(\d+)", short)
    return steps.get(short) or (int(found[1]) if found else 2)


def _info(cluster: Cluster, name: str) -> Json:
    def fixed(what: str) -> str:
        return cluster.world.ids.fixed(what, f"{cluster.spec.resource_id}/{name}")

    return {
        "machineID": fixed("machine").replace("-", ""),
        "systemUUID": fixed("system"),
        "bootID": fixed("boot"),
        "kernelVersion": "6.8.0-1044-azure",
        "osImage": "Ubuntu 24.04.3 LTS",
        "containerRuntimeVersion": "containerd://2.1.4-1",
        "kubeletVersion": f"v{cluster.spec.version}",
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": "amd64",
    }


def _address(cluster: Cluster, node: Json) -> None:
    """Give a new node the first address that no other has."""
    others = cluster.store.list(cluster.kind("v1", "Node"))
    taken = {other["spec"].get("podCIDR") for other in others}
    number = next(n for n in range(256) if addresses.of_node(n)[1] not in taken)
    own, pods = addresses.of_node(number)
    node["spec"] |= {"podCIDR": pods, "podCIDRs": [pods]}
    node["status"]["addresses"].insert(0, {"type": "InternalIP", "address": own})
