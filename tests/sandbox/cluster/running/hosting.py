"""A sandbox's cluster as a process of its own, to be killed: its state lies in a file.

python -m tests.sandbox.cluster.running.hosting FOLDER     prints how to reach it, then serves
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from akswi_helpers.sandbox.cluster.clusters import Cluster, Clusters
from akswi_helpers.sandbox.world import World
from tests.sandbox.cluster.api.conftest import SPEC, Host, terminal


class Kept(Host):
    """A host that goes on where the last one on the same folder was killed."""

    async def _made(self) -> World:
        forgetful = await super()._made()
        world = World(self.folder / "state.sqlite", tenant_id="t")
        world.surroundings = forgetful.surroundings
        return world

    async def _opened(self) -> Cluster:
        clusters = self.world.state(Clusters)
        if clusters.get(SPEC.resource_id) is None:
            return await super()._opened()
        clusters.resume()
        while not clusters.ready(SPEC.resource_id):
            await asyncio.sleep(0.01)
        found = clusters.get(SPEC.resource_id)
        assert found is not None
        return found


if __name__ == "__main__":
    made = Kept(Path(sys.argv[1]))
    at = terminal(made, Path(sys.argv[1]), made.token("admin"))
    sys.stdout.write(json.dumps(at.environment) + "\n")
    sys.stdout.flush()
    time.sleep(600)
