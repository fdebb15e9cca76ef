"""The kubelets of a cluster's nodes: a worker for every pod that is bound, and the pods' logs.

    await Kubelet(cluster).run()

One object serves all nodes. It hears of changes from the API and otherwise sleeps; once a second,
as a kubelet's sync loop does, it looks whether somebody moved the clock, which makes tokens old.

Source: https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/.
Left out: attach, port-forward, node leases, evictions.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.node.log_files import Logs
from akswi_helpers.sandbox.cluster.node.pods import PodWorker, pods_folder
from akswi_helpers.sandbox.cluster.refusals import not_found
from akswi_helpers.sandbox.cluster.storage.store import Event
from akswi_helpers.types import Json, Seconds

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

log = logging.getLogger(__name__)

SYNC_S = 1.0


class Kubelet:
    """The pods of one cluster that have a node."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look after every pod until cancelled; then end every process."""
        stop = self._cluster.objects.subscribe(self._hear)
        try:
            for pod in self._cluster.store.list(self._cluster.kind("v1", "Pod")):
                self._look(pod)
            await asyncio.to_thread(_remove, self._left_behind())
            offset = self._cluster.world.clock.offset
            while True:
                await asyncio.sleep(SYNC_S)
                if offset != self._cluster.world.clock.offset:
                    offset = self._cluster.world.clock.offset
                    self._wake_all()
        finally:
            stop()
            await self._stop()

    def _hear(self, event: Event) -> None:
        if event.kind.group:
            return
        if event.kind.kind == "Pod":
            self._look(event.object)
        elif event.kind.kind in ("ConfigMap", "Secret"):
            metadata = event.object["metadata"]
            for worker in self._workers.values():
                if worker.namespace == metadata["namespace"] and worker.uses(
                    event.kind.kind, metadata["name"]
                ):
                    worker.hurry()

    def _look(self, pod: Json) -> None:
        uid = pod["metadata"]["uid"]
        if uid in self._workers:
            self._workers[uid].wake()
        elif pod["spec"].get("nodeName") and self._there(pod):
            worker = self._workers[uid] = PodWorker(self._cluster, pod)
            self._tasks[uid] = asyncio.ensure_future(self._work(uid, worker))

    def _there(self, pod: Json) -> bool:
        metadata, kind = pod["metadata"], self._cluster.kind("v1", "Pod")
        found = self._cluster.store.get(kind, metadata["namespace"], metadata["name"])
        return found is not None and found["metadata"]["uid"] == metadata["uid"]

    async def _work(self, uid: str, worker: PodWorker) -> None:
        wait = 0.5
        while True:
            try:
                await worker.run()
                break
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("pod %s", uid)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 60)
        del self._workers[uid], self._tasks[uid]

    def _wake_all(self) -> None:
        for worker in self._workers.values():
            worker.hurry()

    def _left_behind(self) -> list[Path]:
        """The folders of pods that went while nobody looked."""
        folder, uids = pods_folder(self._cluster), self._uids()
        return (
            [path for path in folder.iterdir() if path.name not in uids] if folder.is_dir() else []
        )

    async def _stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self._uids():  # the cluster was deleted
            shutil.rmtree(pods_folder(self._cluster), ignore_errors=True)

    def _uids(self) -> set[str]:
        pods = self._cluster.store.list(self._cluster.kind("v1", "Pod"))
        return {pod["metadata"]["uid"] for pod in pods}


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


async def logs(
    cluster: Cluster,
    namespace: str,
    pod: str,
    container: str,
    *,
    follow: bool = False,
    tail: int | None = None,
    stamps: bool = False,
    previous: bool = False,
    since: Seconds | None = None,
) -> AsyncIterator[bytes]:
    """The newest log of a container, in pieces; with `follow` until it ends.

    `tail` is a number of lines, None for all; `since` is Unix seconds; `previous` asks for the run
    before the one that runs now. Raises StatusError 404 when there is no such pod.
    """
    kind = cluster.kind("v1", "Pod")
    found = cluster.store.get(kind, namespace, pod)
    if found is None:
        raise not_found(kind, pod)
    status = found.get("status") or {}
    rows = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    row: Json = next((row for row in rows if row["name"] == container), {})
    run = int(row.get("restartCount", 0))
    if previous and "waiting" not in (row.get("state") or {}):
        run -= 1  # while a container waits, its newest run is the previous one
    folder = pods_folder(cluster) / found["metadata"]["uid"]
    path = folder / "logs" / container / f"{run}.log"
    async for piece in cluster.world.state(Logs).read(
        path, follow=follow, tail=tail, stamps=stamps
    ):
        yield piece
