"""The clusters of this sandbox: what they are, and the API that listens for each.

Opened inside the transaction that creates the managed cluster; after the commit its API listens on
127.0.0.1, on a port that it keeps, and its controllers run, until it is closed. A restart of the
sandbox resumes every cluster on its port.

A cluster that cannot start, or whose controllers end, says why in `failure` and in the sandbox's
log; a change of it tries again. Source: the hand-over from the AKS resource provider. Left out:
clusters that are stopped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from akswi_helpers.sandbox.cluster.api.listening import Listener, free_port
from akswi_helpers.sandbox.cluster.storage.objects import Objects
from akswi_helpers.sandbox.cluster.storage.store import Store
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, Kinds, builtin
from akswi_helpers.sandbox.tokens import SigningKeys
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId, Seconds, Url

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.api.door import Api

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NodePool:
    """A node pool as the cluster sees it: `count` nodes of one scale set."""

    name: str
    mode: str  # "System" or "User"
    count: int
    vm_size: str
    scale_set: str  # "aks-npuser01-12345678-vmss"
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of its nodes: "aks-npuser01-12345678-vmss000000" and on."""
        return tuple(f"{self.scale_set}{i:06d}" for i in range(self.count))


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """What the resource provider asks for."""

    resource_id: ResourceId
    name: str
    fqdn: str
    issuer: Url  # with its trailing slash
    issuer_id: str  # the uuid in it
    tenant_id: str
    location: str
    version: str  # "1.37.2"
    node_pools: tuple[NodePool, ...]
    secrets_store: bool = False  # the Key Vault add-on: the Secrets Store CSI driver on every node
    secret_rotation: bool = False
    rotation_interval: Seconds = 120.0


class Cluster:
    """One cluster: its objects, its kinds, the port its API listens on."""

    def __init__(self, world: World, spec: ClusterSpec, port: int) -> None:
        self.world, self.spec, self.port = world, spec, port
        self.store = Store(world, spec.issuer_id)
        self.objects = Objects(self, self.store)
        self.started = False
        self.failure = ""  # why it does not run, in one sentence
        self.closing = asyncio.Event()
        self._kinds: tuple[list[str], Kinds] = ([], builtin())

    @property
    def kinds(self) -> Kinds:
        """Every kind the API serves now, custom ones included."""
        definitions = self.store.list(_DEFINITION)
        versions = [item["metadata"]["resourceVersion"] for item in definitions]
        if versions != self._kinds[0]:
            self._kinds = (versions, builtin().with_definitions(definitions))
        return self._kinds[1]

    def kind(self, api_version: str, kind: str) -> Kind:
        """The kind called `kind` of "apps/v1" or "v1". Raises KeyError when there is none."""
        return self.kinds.named(api_version, kind)

    @cached_property
    def api(self) -> Api:
        """The ASGI application that answers for this cluster."""
        from akswi_helpers.sandbox.cluster.api.door import Api

        return Api(self)

    @property
    def issuer_key(self) -> str:
        """The name that its service-account key goes by."""
        return f"cluster/{self.spec.issuer_id}"


_DEFINITION = builtin().named("apiextensions.k8s.io/v1", "CustomResourceDefinition")


class Clusters:
    """Every cluster of this sandbox, by the resource id of its managed cluster."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.table("clusters")  # lower-case resource id -> {"spec", "port"}
        self._live: dict[str, Cluster] = {}

    def open(self, spec: ClusterSpec) -> Cluster:
        """Make the cluster, inside a transaction; after the commit its API listens."""
        from akswi_helpers.sandbox.cluster import system
        from akswi_helpers.sandbox.cluster.api import rbac

        self._rows.put(spec.resource_id.lower(), {"spec": asdict(spec), "port": free_port()})
        cluster = self._fresh(spec.resource_id)
        rbac.install(cluster)
        system.install(cluster)
        self._world.after_commit(lambda: self._start(cluster))
        return cluster

    def change(self, spec: ClusterSpec) -> None:
        """Take a new version or new node pools, inside a transaction."""
        from akswi_helpers.sandbox.cluster import system

        row = self._rows[spec.resource_id.lower()]
        self._rows.put(spec.resource_id.lower(), {**row, "spec": asdict(spec)})
        cluster = self._at(spec.resource_id)
        cluster.spec = spec
        system.install(cluster)
        if cluster.failure:
            cluster.failure = ""
            self._world.after_commit(lambda: self._start(cluster))

    def close(self, resource_id: ResourceId) -> None:
        """Forget the cluster, its objects and keys, inside a transaction; then its API is gone."""
        cluster = self._at(resource_id)
        self._rows.remove(resource_id.lower())
        cluster.store.wipe()
        self._world.state(SigningKeys).forget(cluster.issuer_key)
        self._world.after_commit(lambda: self._stop(resource_id))

    def ready(self, resource_id: ResourceId) -> bool:
        """Whether the cluster's API listens."""
        return resource_id.lower() in self._rows and self._at(resource_id).started

    def failure(self, resource_id: ResourceId) -> str:
        """Why the cluster does not run, in one sentence; "" when it runs or is starting."""
        found = self.get(resource_id)
        return found.failure if found else ""

    def port(self, resource_id: ResourceId) -> int:
        """The port of its API on 127.0.0.1. Raises KeyError when there is no such cluster."""
        return int(self._rows[resource_id.lower()]["port"])

    def get(self, resource_id: ResourceId) -> Cluster | None:
        """The cluster, or None."""
        return self._at(resource_id) if resource_id.lower() in self._rows else None

    def by_issuer(self, issuer_id: str) -> Cluster | None:
        """The cluster whose issuer URL has this uuid, or None."""
        return self._by("issuer_id", issuer_id)

    def by_fqdn(self, host: str) -> Cluster | None:
        """The cluster whose API server has this name, or None."""
        return self._by("fqdn", host)

    def resume(self) -> None:
        """Let the API of every cluster listen again, on its port."""
        for row in list(self._rows.values()):
            self._start(self._at(row["spec"]["resource_id"]))

    def _by(self, name: str, value: str) -> Cluster | None:
        for row in self._rows.values():
            if row["spec"][name].lower() == value.lower():
                return self._at(row["spec"]["resource_id"])
        return None

    def _at(self, resource_id: ResourceId) -> Cluster:
        return self._live.get(resource_id.lower()) or self._fresh(resource_id)

    def _fresh(self, resource_id: ResourceId) -> Cluster:
        row = self._rows[resource_id.lower()]
        cluster = Cluster(self._world, _spec(row["spec"]), row["port"])
        self._live[resource_id.lower()] = cluster
        return cluster

    def _start(self, cluster: Cluster) -> None:
        self._world.surroundings.spawn(self._run(cluster))

    def _stop(self, resource_id: ResourceId) -> None:
        cluster = self._live.pop(resource_id.lower())
        cluster.started = False
        cluster.closing.set()

    async def _run(self, cluster: Cluster) -> None:
        try:
            await self._serve(cluster)
        except Exception as error:
            log.exception("cluster %s", cluster.spec.name)
            cluster.failure = _sentence(cluster.spec.name, error)

    async def _serve(self, cluster: Cluster) -> None:
        """Answer and work until the cluster is closed. Raises whatever keeps it from that."""
        from akswi_helpers.sandbox.cluster.controllers import starting

        context = self._world.surroundings.server_context(cluster.spec.fqdn)
        listener = Listener(cluster.api, context, cluster.port)
        if listener.port != cluster.port:
            self._moved(cluster, listener.port)
        work = [asyncio.ensure_future(w) for w in (listener.serve(), starting.run(cluster))]
        try:
            await before_they_end(listener.listening(), work)
            cluster.started = True
            await before_they_end(cluster.closing.wait(), work)
        finally:
            cluster.started = False
            listener.stop()
            work[1].cancel()
            await asyncio.wait(work, timeout=3)
            work[0].cancel()
            await asyncio.gather(*work, return_exceptions=True)

    def _moved(self, cluster: Cluster, port: int) -> None:
        log.warning("port %s is taken; %s now listens on %s", cluster.port, cluster.spec.name, port)
        with self._world.transaction():
            key = cluster.spec.resource_id.lower()
            self._rows.put(key, {**self._rows[key], "port": port})
        cluster.port = port


async def before_they_end(
    wanted: Coroutine[Any, Any, Any], work: Sequence[asyncio.Future[Any]]
) -> None:
    """Return when `wanted` does. Raises when one of `work` ends first, its exception if any."""
    waiting: asyncio.Future[Any] = asyncio.ensure_future(wanted)
    try:
        done, _ = await asyncio.wait([waiting, *work], return_when=asyncio.FIRST_COMPLETED)
        if waiting in done:
            return
        done.pop().result()
        raise RuntimeError("it stopped without being asked to")
    finally:
        waiting.cancel()


def _sentence(name: str, error: Exception) -> str:
    reason = f"{type(error).__name__}: {error}"
    return f"The sandbox cannot run the cluster '{name}' ({reason}); see `akswi sandbox log`."


def api_for_host(world: World, host: str) -> Api | None:
    """The ASGI application for "<dns>.hcp.<region>.azmk8s.io", or None: for the gateway."""
    cluster = world.state(Clusters).by_fqdn(host)
    return cluster.api if cluster else None


def _spec(row: Json) -> ClusterSpec:
    pools = tuple(
        NodePool(**{**pool, "taints": tuple(pool["taints"])}) for pool in row["node_pools"]
    )
    values: dict[str, Any] = {**row, "node_pools": pools}
    return ClusterSpec(**values)
