"""The services of a sandbox: which modules answer, and which have work to take up again.

A service module has `SERVICE: wire.Service` and, when it works in the background,
`resume(world)`. This tuple is the one place that names them.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from akswi_helpers.sandbox.dispatch import Services
from akswi_helpers.sandbox.world import World

PACKAGE = "akswi_helpers.sandbox"
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


def resume(world: World) -> None:
    """Let every service take up the work that it was at when the sandbox last ended."""
    if world.table("clusters"):
        from akswi_helpers.sandbox.cluster.clusters import Clusters

        world.state(Clusters).resume()
    for module in modules():
        if hasattr(module, "resume"):
            module.resume(world)
