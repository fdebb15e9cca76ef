"""Resource providers that a subscription has not asked for yet: registered before the deployment.

    unregistered(lab)   those that the lab needs and lacks
    register(lab)       asks for them, and waits

A registration costs nothing and stays: other resources of the subscription may come to need it.
Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-providers-and-
types. Left out: features; unregistering.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from akswi_helpers import explain, progress, template
from akswi_helpers.errors import LabError, Refused

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

NODES_NEED = ("Microsoft.Compute", "Microsoft.Network")
"""What AKS makes nodes of, besides what the template names."""
PATIENCE_S = 600  # a registration took 77 s where it was measured


def needed() -> list[str]:
    """The providers that a lab needs, but those that need no registration."""
    named = {kind.partition("/")[0] for kind in template.declared()}
    return sorted((named | set(NODES_NEED)) - {"Microsoft.Authorization"})


@explain.told
def unregistered(lab: Lab) -> list[str]:
    """The providers that the lab needs and that are not registered."""
    return [one for one in needed() if _state(lab, one) != "Registered"]


@explain.told
def register(lab: Lab) -> list[str]:
    """Register what is not registered, and wait until it is; what was asked for.

    Nothing where you may not even look: then Azure says so when something is made. Raises Refused
    without the right to register, LabError when it takes too long. Wire: POST
    providers/{namespace}/register, then GET.
    """
    try:
        asked = unregistered(lab)
    except Refused:
        return []
    for one in asked:
        progress.note(f"the resource provider {one} is registered")
        lab.cloud.resources().providers.register(one)
    for one in asked:
        _wait(lab, one)
    return asked


def _wait(lab: Lab, namespace: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while _state(lab, namespace) != "Registered":
        if time.monotonic() > end:
            raise LabError(f"{namespace} is still being registered; run this again to wait on.")
        time.sleep(lab.cloud.poll_s)


def _state(lab: Lab, namespace: str) -> str:
    return str(lab.cloud.resources().providers.get(namespace).registration_state)
