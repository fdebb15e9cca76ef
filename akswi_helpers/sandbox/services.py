"""The services of a sandbox: which modules answer, and which have work to take up again.

A service module has `SERVICE: wire.Service` and, when it works in the background,
`resume(world)`. This tuple is the one place that names them.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from types import ModuleType

from akswi_helpers.sandbox.dispatch import Services
from akswi_helpers.sandbox.world import World

PACKAGE = "akswi_helpers.sandbox"
CLUSTER_SECONDS = 5  # how long a start waits for a cluster's API
MODULES = (
    "azure.entra",
    "azure.arm",
    "azure.keyvault",
    "azure.imds",
    "cluster.issuer",
)


def modules() -> tuple[ModuleType, ...]:
    """The service modules, imported."""
    return tuple(importlib.import_module(f"{PACKAGE}.{name}") for name in MODULES)


def load() -> Services:
    """The registry of everything this sandbox answers for."""
    return Services(tuple(module.SERVICE for module in modules()))


async def resume(world: World) -> None:
    """Let every service take up the work that it was at when the sandbox last ended.

    Returns once the API of every cluster listens again.
    """
    for module in modules():
        if hasattr(module, "resume"):
            module.resume(world)
    if world.table("clusters"):
        await _resume_clusters(world)


async def _resume_clusters(world: World) -> None:
    from akswi_helpers.sandbox.cluster.clusters import Clusters

    clusters = world.state(Clusters)
    clusters.resume()
    names = [row["spec"]["resource_id"] for row in world.table("clusters").values()]
    end = time.monotonic() + CLUSTER_SECONDS
    while not all(clusters.ready(name) for name in names) and time.monotonic() < end:
        await asyncio.sleep(0.005)
