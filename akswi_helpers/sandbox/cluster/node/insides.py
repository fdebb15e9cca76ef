"""The containers that run now, as they were started: for `exec`, which looks inside.

    world.state(Insides).of("containerd://1f…")   ->  Start(program, env, root, mounts, …)

A container keeps the environment it was started with, whatever its Secrets say by now.

Left out: system components; there is no process of theirs to look into.
"""

from __future__ import annotations

from akswi_helpers.sandbox.cluster.node.launcher import Start
from akswi_helpers.sandbox.world import World


class Insides:
    """What every running container was started with, by its container id."""

    def __init__(self, _world: World) -> None:
        self._started: dict[str, Start] = {}

    def begin(self, container_id: str, started: Start) -> None:
        """The container runs."""
        self._started[container_id] = started

    def end(self, container_id: str) -> None:
        """It has ended, or never ran."""
        self._started.pop(container_id, None)

    def of(self, container_id: str) -> Start | None:
        """How it was started; None when it does not run."""
        return self._started.get(container_id)
