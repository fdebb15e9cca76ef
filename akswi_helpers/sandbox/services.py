"""The services of a sandbox: which module answers for which hosts, and who has work to take up.

A service module has `SERVICE: wire.Service` and, when it works in the background,
`resume(world)`. `MODULES` is the one place that names them. A module is imported when its host is
first asked for, or soon after the start, so that the first answer does not wait for all of them.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

from akswi_helpers.sandbox.dispatch import Services
from akswi_helpers.sandbox.wire import Router, Service
from akswi_helpers.sandbox.world import World

PACKAGE = "akswi_helpers.sandbox"
MODULES = {
    "login.microsoftonline.com": "azure.entra.service",
    "management.azure.com": "azure.arm.service",
    "graph.microsoft.com": "azure.graph.service",
    "*.vault.azure.net": "azure.keyvault.service",
    "*.oic.prod-aks.azure.com": "cluster.issuer",
    "169.254.169.254": "azure.compute.imds",
}
CLUSTER_SECONDS = 5  # how long a start waits for a cluster's API
IDLE_SECONDS = 0.3  # after the start, before the rest is imported


def module_of(pattern: str) -> ModuleType:
    """The module that answers for a host pattern of MODULES, imported."""
    return importlib.import_module(f"{PACKAGE}.{MODULES[pattern]}")


@dataclass(frozen=True)
class LazyServices(Services):
    """The registry of everything this sandbox answers for; each imported when it is needed."""

    all: tuple[Service, ...] = ()

    def of(self, host: str) -> Service | None:
        """The service that answers for `host`, exact names before wildcards."""
        for pattern in (host, "*." + host.partition(".")[2]):
            if pattern in MODULES:
                found: Service = module_of(pattern).SERVICE
                return found
        return None

    def router(self, service: Service) -> Router:
        """The service's router, compiled once."""
        if service.name not in self._made:
            self._made[service.name] = Router(service.routes)
        return self._made[service.name]

    @cached_property
    def _made(self) -> dict[str, Router]:
        return {}

    def hosts(self) -> Iterable[str]:
        """Every host pattern."""
        return iter(MODULES)


def load() -> Services:
    """The registry that a sandbox starts with."""
    return LazyServices()


async def import_all() -> None:
    """Import every service module, one at a time, with room for requests in between."""
    for pattern in MODULES:
        await asyncio.sleep(IDLE_SECONDS)
        module_of(pattern)


async def resume(world: World) -> None:
    """Let every service take up the work that it was at when the sandbox last ended.

    Returns once the API of every cluster listens again.
    """
    names = [row["spec"]["resource_id"] for row in world.table("clusters").values()]
    if names:
        from akswi_helpers.sandbox.cluster.clusters import Clusters

        world.state(Clusters).resume()
    for pattern in MODULES:
        module = module_of(pattern)
        if hasattr(module, "resume"):
            module.resume(world)
    if names:
        await _clusters_listen(world, names)


async def _clusters_listen(world: World, names: list[str]) -> None:
    from akswi_helpers.sandbox.cluster.clusters import Clusters

    clusters, end = world.state(Clusters), time.monotonic() + CLUSTER_SECONDS

    def settled(name: str) -> bool:
        return clusters.ready(name) or bool(clusters.failure(name))

    while not all(settled(name) for name in names) and time.monotonic() < end:
        await asyncio.sleep(0.005)
