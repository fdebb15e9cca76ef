"""Azure Kubernetes Service: managed clusters, their node pools, their credentials.

    PUT …/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}
    GET …/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}
    PATCH …/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}
    DELETE …/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters/{cluster}
    GET …/resourceGroups/{group}/providers/Microsoft.ContainerService/managedClusters
    GET …/{subscription}/providers/Microsoft.ContainerService/managedClusters
    POST …/managedClusters/{cluster}/listClusterUserCredential
    POST …/managedClusters/{cluster}/listClusterAdminCredential
    PUT …/managedClusters/{cluster}/agentPools/{pool}
    GET …/managedClusters/{cluster}/agentPools/{pool}
    DELETE …/managedClusters/{cluster}/agentPools/{pool}
    GET …/managedClusters/{cluster}/agentPools
    GET …/providers/Microsoft.ContainerService/locations/{location}/operations/{operation}
    GET …/providers/Microsoft.ContainerService/locations/{location}/operationresults/{operation}
    GET …/providers/Microsoft.ContainerService/locations/{location}/kubernetesVersions

Source: https://learn.microsoft.com/rest/api/aks and recorded exchanges. Left out: stopping,
upgrading, rotating certificates, maintenance (501).
"""

from __future__ import annotations

import base64
from collections import Counter

from akswi_helpers.sandbox.azure.aks import bodies
from akswi_helpers.sandbox.azure.aks import refusals as sayings
from akswi_helpers.sandbox.azure.aks.bodies import TYPE, VERSION
from akswi_helpers.sandbox.azure.aks.kubeconfigs import user_kubeconfig
from akswi_helpers.sandbox.azure.aks.managed_clusters import ManagedClusters
from akswi_helpers.sandbox.azure.arm import refusals
from akswi_helpers.sandbox.azure.arm.operations import (
    Operations,
    headers_for,
    poll_headers,
    status_document,
)
from akswi_helpers.sandbox.azure.arm.property_tables import checked
from akswi_helpers.sandbox.azure.arm.requests import ANYONE, tags_of, takes
from akswi_helpers.sandbox.azure.arm.resource_ids import group_id
from akswi_helpers.sandbox.azure.arm.resources import Resources, location_of, place
from akswi_helpers.sandbox.azure.compute import quota
from akswi_helpers.sandbox.cluster.clusters import Clusters
from akswi_helpers.sandbox.wire import Reply, Request, Route, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId

# 1 · Shapes: how node pools look on the wire; clusters are in managed_clusters.py ----

POOLS = f"{TYPE}/agentPools"
NAMESPACE = "Microsoft.ContainerService"
OPERATIONS = f"{NAMESPACE}/locations/operations"
VERSIONS = f"{NAMESPACE}/locations/kubernetesVersions"


def pool_document(cluster: Json, pool: Json) -> Json:
    """A node pool as a resource of its own."""
    properties = {key: value for key, value in pool.items() if key != "name"}
    return {
        "id": f"{cluster['id']}/agentPools/{pool['name']}",
        "name": pool["name"],
        "type": POOLS,
        "properties": properties,
    }


def version_document() -> Json:
    """The one Kubernetes version here, as AKS lists the versions of a region."""
    minor = VERSION.rpartition(".")[0]
    return {
        "version": minor,
        "capabilities": {"supportPlan": ["KubernetesOfficial"]},
        "isDefault": True,
        "isPreview": None,
        "patchVersions": {VERSION: {"upgrades": []}},
    }


def cluster_id(subscription: str, group: str, name: str) -> ResourceId:
    """The id of a cluster; its provider writes "resourcegroups" in lower case."""
    return f"/subscriptions/{subscription}/resourcegroups/{group}/providers/{TYPE}/{name}"


# 2 · State: in managed_clusters.py and node_groups.py -------------------------


def _found(world: World, request: Request) -> Json:
    """The cluster as it is now. Raises WireError ResourceNotFound."""
    document = world.state(Resources).find(_id(request))
    return world.state(ManagedClusters).settled(document)


# 3 · Errors: in aks_refusals.py -----------------------------------------------


def _pool_of(cluster: Json, name: str) -> Json:
    """The node pool of that name. Raises WireError."""
    for pool in cluster["properties"]["agentPoolProfiles"]:
        if pool["name"].lower() == name.lower():
            return dict(pool)
    raise sayings.pool_not_found(name)


def _require_room(world: World, location: str, pools: list[Json], before: list[Json]) -> None:
    """Raise WireError when the region's quota has no room for the nodes that are added."""
    more: Counter[str] = Counter()
    for sign, these in ((1, pools), (-1, before)):
        for pool in these:
            more[str(pool.get("vmSize") or "")] += sign * int(pool.get("count") or 1)
    if short := quota.shortage(world, location, more):
        size, wanted, left = short
        raise sayings.too_few_cores(size.family, location, wanted, left)


# 4 · Routes: parse, ask the state, render -------------------------------------


def create_or_update(world: World, request: Request) -> Reply:
    """Make a cluster (201) or change it (200), and say where to ask when it is ready."""
    wanted, body = _id(request), checked(TYPE, request.json())
    old, location = place(world, wanted, TYPE, body)
    bodies.check_name(TYPE, request.args["cluster"])
    bodies.check_cluster(request.args["cluster"], body, old)
    pools = body["properties"].get("agentPoolProfiles")
    before = old["properties"]["agentPoolProfiles"] if old else []
    _require_room(world, location, pools or [], before if pools else [])
    clusters = world.state(ManagedClusters)
    made = clusters.change(old, body) if old else clusters.make(wanted, location, body)
    return _begun(world, request, made, clusters.shown(made), 200 if old else 201)


def get(world: World, request: Request) -> Reply:
    """One cluster."""
    return Reply(world.state(ManagedClusters).shown(_found(world, request)))


def update_tags(world: World, request: Request) -> Reply:
    """Change a cluster's tags, and those of its node group."""
    found, body = _found(world, request), request.json()
    if unknown := set(body) - {"tags"}:
        raise not_emulated(f"changing '{sorted(unknown)[0]}' of {TYPE} by PATCH")
    changed = world.state(ManagedClusters).change(found, {"tags": tags_of(body)})
    return _begun(world, request, changed, changed, 200)


def delete(world: World, request: Request) -> Reply:
    """Delete a cluster with its node group: 202, or 204 when there was none."""
    found = world.state(Resources).get(_id(request))
    if found is None:
        return Reply(None, 204)
    world.state(Resources).remove(found["id"])
    return _ended(world, request, found)


def list_by_group(world: World, request: Request) -> Reply:
    """The clusters of a group."""
    return _listed(world, group_id(request.args["subscription"], request.args["group"]))


def list_by_subscription(world: World, request: Request) -> Reply:
    """The clusters of the subscription."""
    return _listed(world, f"/subscriptions/{request.args['subscription']}")


@takes("server-fqdn", "format")
def list_user_credential(world: World, request: Request) -> Reply:
    """The kubeconfig of a user: exec with kubelogin."""
    cluster = _found(world, request)
    if request.query.get("format", "exec").lower() != "exec":
        raise not_emulated(f"the kubeconfig format '{request.query['format']}' of {TYPE}")
    _public(request)
    text = user_kubeconfig(
        cluster,
        request.args["group"],
        world.tenant_id,
        world.state(Clusters).port(cluster["id"]),
        world.surroundings.ca_file.read_bytes(),
    )
    value = base64.b64encode(text.encode()).decode()
    return Reply({"kubeconfigs": [{"name": "clusterUser", "value": value}]})


@takes("server-fqdn")
def list_admin_credential(world: World, request: Request) -> Reply:
    """Refused while local accounts are off; their certificates are not emulated."""
    _public(request)
    if _found(world, request)["properties"]["disableLocalAccounts"]:
        raise sayings.local_accounts_disabled()
    raise not_emulated(f"the local admin account of {TYPE}")


def put_pool(world: World, request: Request) -> Reply:
    """Add a node pool (201) or change one (200)."""
    cluster, name = _parent(world, request), request.args["pool"]
    sent = checked(POOLS, request.json()).get("properties") or {}
    pools = cluster["properties"]["agentPoolProfiles"]
    bodies.check_name(POOLS, name)
    old: Json = next((pool for pool in pools if pool["name"] == name), {})
    bodies.check_pool({**sent, "name": name}, old)
    _require_room(world, cluster["location"], [{**old, **sent}], [old] if old else [])
    pool = bodies.filled_pool({**old, **sent, "name": name}, "Updating" if old else "Creating")
    pools = [pool if one["name"] == name else one for one in pools]
    pools = pools if old else [*pools, pool]
    bodies.require_system_pool(pools)
    changed = _with_pools(world, cluster, pools)
    return _begun(world, request, changed, pool_document(changed, pool), 200 if old else 201)


def get_pool(world: World, request: Request) -> Reply:
    """One node pool."""
    cluster = _found(world, request)
    return Reply(pool_document(cluster, _pool_of(cluster, request.args["pool"])))


def delete_pool(world: World, request: Request) -> Reply:
    """Delete a node pool with its scale set: 202. The last system pool stays."""
    cluster = _parent(world, request)
    gone = _pool_of(cluster, request.args["pool"])
    pools = cluster["properties"]["agentPoolProfiles"]
    left = [pool for pool in pools if pool["name"] != gone["name"]]
    bodies.require_system_pool(left)
    _with_pools(world, cluster, left)
    return _ended(world, request, cluster)


def list_pools(world: World, request: Request) -> Reply:
    """The node pools of a cluster."""
    cluster = _found(world, request)
    pools = cluster["properties"]["agentPoolProfiles"]
    return Reply({"value": [pool_document(cluster, pool) for pool in pools]})


def list_versions(world: World, request: Request) -> Reply:
    """The Kubernetes versions of a region: one, which is also the default."""
    location_of(VERSIONS, {"location": request.args["location"]})
    return Reply({"values": [version_document()]})


def get_operation(world: World, request: Request) -> Reply:
    """How an operation stands."""
    name = request.args["operation"]
    return Reply(status_document(name, _operation(world, name)), headers=poll_headers(world))


def get_operation_result(world: World, request: Request) -> Reply:
    """202 while the operation runs, then 204."""
    ended = "end" in _operation(world, request.args["operation"])
    return Reply(None, 204 if ended else 202, poll_headers(world))


def _operation(world: World, name: str) -> Json:
    operations = world.state(Operations)
    found = operations.get(name)
    if found is None:
        raise sayings.operation_not_found(name)
    if document := world.state(Resources).get(found["resource"]):
        world.state(ManagedClusters).settled(document)
    return operations.get(name) or found


def _id(request: Request) -> ResourceId:
    args = request.args
    return cluster_id(args["subscription"], args["group"], args["cluster"])


def _public(request: Request) -> None:
    """Raise WireError 501 when another name than the public one is asked for."""
    if request.query.get("server-fqdn", "public").lower() != "public":
        raise not_emulated(f"the private FQDN of {TYPE}")


def _parent(world: World, request: Request) -> Json:
    if world.state(Resources).get(_id(request)) is None:
        raise refusals.parent_not_found(_id(request))
    return _found(world, request)


def _with_pools(world: World, cluster: Json, pools: list[Json]) -> Json:
    properties = {**cluster["properties"], "provisioningState": "Updating"}
    return world.state(ManagedClusters).change_pools({**cluster, "properties": properties}, pools)


def _listed(world: World, scope: str) -> Reply:
    clusters = world.state(ManagedClusters)
    found = world.state(Resources).of_type(TYPE, scope)
    return Reply({"value": [clusters.shown(clusters.settled(one)) for one in found]})


def _begun(world: World, request: Request, cluster: Json, body: Json, status: int) -> Reply:
    operation = world.state(Operations).begin(cluster["id"])
    headers = headers_for(world, request, NAMESPACE, cluster["location"], operation)
    return Reply(body, status, headers)


def _ended(world: World, request: Request, cluster: Json) -> Reply:
    operation = world.state(Operations).begin(cluster["id"], done=True)
    headers = headers_for(world, request, NAMESPACE, cluster["location"], operation)
    place_ = headers["azure-asyncoperation"].replace("/operations/", "/operationresults/")
    return Reply(None, 202, {**headers, "location": place_})


_ALL = f"/subscriptions/{{subscription}}/providers/{TYPE}"
_GROUP = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{TYPE}"
_ONE = _GROUP + "/{cluster}"
_POOLS = _ONE + "/agentPools"
_LOCATION = f"/subscriptions/{{subscription}}/providers/{NAMESPACE}/locations/{{location}}"

ROUTES = (
    Route("PUT", _ONE, create_or_update, TYPE),
    Route("GET", _ONE, get, TYPE),
    Route("PATCH", _ONE, update_tags, TYPE),
    Route("DELETE", _ONE, delete, TYPE),
    Route("GET", _GROUP, list_by_group, TYPE),
    Route("GET", _ALL, list_by_subscription, TYPE),
    Route("POST", f"{_ONE}/listClusterUserCredential", list_user_credential, TYPE),
    Route("POST", f"{_ONE}/listClusterAdminCredential", list_admin_credential, TYPE),
    Route("PUT", _POOLS + "/{pool}", put_pool, POOLS),
    Route("GET", _POOLS + "/{pool}", get_pool, POOLS),
    Route("DELETE", _POOLS + "/{pool}", delete_pool, POOLS),
    Route("GET", _POOLS, list_pools, POOLS),
    Route("GET", _LOCATION + "/operations/{operation}", get_operation, OPERATIONS, ANYONE),
    Route(
        "GET",
        _LOCATION + "/operationresults/{operation}",
        get_operation_result,
        OPERATIONS,
        ANYONE,
    ),
    Route("GET", _LOCATION + "/kubernetesVersions", list_versions, TYPE, f"{VERSIONS}/read"),
)
