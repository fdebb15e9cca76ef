"""The addresses of nodes and pods: a node's in the cluster's subnet, a pod's in its node's range.

Source: https://learn.microsoft.com/azure/aks/azure-cni-overlay (10.244.0.0/16 for pods, a /24 for
each node) and the default node subnet 10.224.0.0/16. Left out: IPv6.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

NODES = ipaddress.ip_network("10.224.0.0/16")
PODS = ipaddress.ip_network("10.244.0.0/16")
_FIRST_NODE, _FIRST_POD = 4, 10  # Azure keeps the first addresses of a subnet


def of_node(number: int) -> tuple[str, str]:
    """The node's own address and its pods' range: ("10.224.0.4", "10.244.0.0/24")."""
    return str(NODES[_FIRST_NODE + number]), f"{PODS[256 * number]}/24"


def of(cluster: Cluster, pod: Json) -> tuple[str, str]:
    """The pod's address (kept once given) and its node's."""
    kind = cluster.kind("v1", "Node")
    node = cluster.store.get(kind, "", pod["spec"]["nodeName"])
    if node is None:
        return "", ""
    host = next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")
    if pod["spec"].get("hostNetwork"):
        return host, host
    mine = (pod.get("status") or {}).get("podIP")
    return mine or _free(cluster, node["spec"]["podCIDR"]), host


def _free(cluster: Cluster, pods_range: str) -> str:
    others = cluster.store.list(cluster.kind("v1", "Pod"))
    taken = {(other.get("status") or {}).get("podIP") for other in others}
    hosts = list(ipaddress.ip_network(pods_range))[_FIRST_POD:-1]
    return next(str(ip) for ip in hosts if str(ip) not in taken)
