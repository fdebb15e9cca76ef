"""One pod on its node, from the day it is bound until it is gone.

A worker looks at the pod as it is in the API, makes its volumes, starts what should run, writes
its status, and waits until something changes: the pod, a container, a token's age. It keeps
nothing that the API does not have, so a sandbox that was killed goes on where it was.

Source: kubernetes pkg/kubelet/pod_workers.go. Left out: probes, hooks, ephemeral containers,
deadlines; a pod that asks for one is told so in an event.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akswi_helpers.sandbox.cluster.controllers import reporting
from akswi_helpers.sandbox.cluster.node import pod_status, volumes
from akswi_helpers.sandbox.cluster.node.containers import Container, Place
from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.sandbox.dials import Dials
from akswi_helpers.types import Json, Seconds

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

log = logging.getLogger(__name__)

_OVER = ("Succeeded", "Failed")
_MOUNT_FIRST_S = 0.5  # and twice as long after each failure, up to the dial
_MOUNT_PATIENCE_S = 123.0  # then the kubelet says that it waited in vain, and waits again
_UNSERVED = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")


def pods_folder(cluster: Cluster) -> Path:
    """The folder that holds one folder for each pod of the cluster, named by its uid."""
    return cluster.world.surroundings.folder / "pods" / cluster.spec.issuer_id


class PodWorker:
    """The life of one pod. `run` returns when the pod is gone."""

    def __init__(self, cluster: Cluster, pod: Json) -> None:
        self._cluster = cluster
        metadata = pod["metadata"]
        self.uid, self._name = str(metadata["uid"]), str(metadata["name"])
        self.namespace = str(metadata["namespace"])
        self.node = str(pod["spec"]["nodeName"])
        self._pods = cluster.kind("v1", "Pod")
        self._wake = asyncio.Event()
        self.folder = pods_folder(cluster) / self.uid
        self._volumes = volumes.Volumes(cluster, self.folder / "volumes")
        self._mount_wait = _MOUNT_FIRST_S
        self._mount_due: Seconds = 0  # by the machine's own clock
        self._mount_since: Seconds = 0
        self._mounted = False
        self._about = pod
        place = Place(cluster, self.folder, self._report, self.wake)
        spec = pod["spec"]
        first = spec.get("initContainers") or []
        waiting = "PodInitializing" if first else "ContainerCreating"
        self._initial = [Container(place, c, waiting="PodInitializing") for c in first]
        self._ordinary = [Container(place, c, waiting=waiting) for c in spec["containers"]]
        self._resume(pod)

    def wake(self) -> None:
        """Look at the pod again."""
        self._wake.set()

    def hurry(self) -> None:
        """Look at the pod again, and try a volume again that failed."""
        self._mount_due = 0
        self._wake.set()

    async def run(self) -> None:
        """Look after the pod until it is gone; on cancellation end its processes."""
        try:
            self._warn()
            while (pod := self._found()) is not None:
                self._about = pod
                if "deletionTimestamp" in pod["metadata"]:
                    await self._terminate(pod)
                    break
                await self._wait(await self._look(pod))
        finally:
            for container in self._all():
                container.kill()
        await self._end(0)
        await asyncio.to_thread(shutil.rmtree, self.folder, True)

    def uses(self, kind: str, name: str) -> bool:
        """Whether one of its volumes holds that ConfigMap or Secret."""
        return volumes.uses(self._about, kind, name)

    def _all(self) -> list[Container]:
        return [*self._initial, *self._ordinary]

    def _found(self) -> Json | None:
        pod = self._cluster.objects.find(self._pods, self.namespace, self._name)
        return pod if pod is not None and pod["metadata"]["uid"] == self.uid else None

    async def _look(self, pod: Json) -> Seconds | None:
        """Bring the pod closer to what it should be; the seconds after which to look again."""
        if (pod.get("status") or {}).get("phase") in _OVER:
            return None
        if (held := self._mount_due - time.monotonic()) > 0:
            return held
        try:
            mounted = await self._volumes.mount(pod)
        except volumes.MountFailedError as error:
            return self._mount_failed(pod, error)
        self._mounted, self._mount_wait, self._mount_since = True, _MOUNT_FIRST_S, 0
        self._write(pod)  # a container may ask for the pod's address
        pod = self._found() or pod
        again = await self._advance(pod, mounted)
        self._write(pod)
        due = self._volumes.due()
        if due is not None:
            again = min(again or due, max(due - self._cluster.world.clock.now(), 0.1))
        return again

    async def _advance(self, pod: Json, mounted: dict[str, Path]) -> Seconds | None:
        for container in self._initial:
            if container.exit_code == 0:
                continue
            keeps_running = container.spec.get("restartPolicy") == "Always"
            again = await self._drive(pod, container, mounted, "Always")
            if not (keeps_running and container.running):
                return again
        policy = pod["spec"].get("restartPolicy", "Always")
        waits = [await self._drive(pod, c, mounted, policy) for c in self._ordinary]
        return min((wait for wait in waits if wait is not None), default=None)

    async def _drive(
        self, pod: Json, container: Container, mounted: dict[str, Path], policy: str
    ) -> Seconds | None:
        """Start a container that should run and does not; when to look at it again."""
        if container.running:
            return None
        code = container.exit_code
        if code is not None and (policy == "Never" or (policy == "OnFailure" and code == 0)):
            return None
        if container.due() > 0:
            container.hold(pod)
            return container.due() + 0.01
        await container.start(pod, mounted)
        return None if container.running else 1.0

    def _mount_failed(self, pod: Json, error: volumes.MountFailedError) -> Seconds:
        self._report("FailedMount", str(error), warning=True)
        self._write(pod)
        longest = self._cluster.world.state(Dials).value("mount-back-off")
        wait, self._mount_wait = min(self._mount_wait, longest), self._mount_wait * 2
        now = time.monotonic()
        self._mount_due, self._mount_since = now + wait, self._mount_since or now
        if now - self._mount_since >= _MOUNT_PATIENCE_S:
            self._mount_since = now
            self._report("FailedMount", volumes.waited_in_vain(pod, error.volume), warning=True)
        return wait

    async def _terminate(self, pod: Json) -> None:
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds") or 0)
        for container in self._all():
            if container.running:
                said = f"Stopping container {container.name}"
                self._report("Killing", said, container=container.name)
        await self._end(grace)
        pod = self._found() or pod
        if self._mounted:
            self._write(pod)
        try:
            self._cluster.objects.delete(
                self._pods, self.namespace, self._name, uid=self.uid, grace=0
            )
        except StatusError as error:
            if error.status not in (404, 409):
                raise

    async def _end(self, grace: Seconds) -> None:
        """End every container within `grace`; a delete that asks for less is heard meanwhile."""
        ending = asyncio.gather(*(c.stop(grace) for c in self._all()))
        while not ending.done():
            waking = asyncio.ensure_future(self._wake.wait())
            either: list[asyncio.Future[Any]] = [ending, waking]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            waking.cancel()
            self._wake.clear()
            if self._found() is None:
                for container in self._all():
                    container.kill()
        await ending

    def _write(self, pod: Json) -> None:
        """Write the status, when it differs."""
        pod = self._found() or pod
        now = timestamp(self._cluster.world.clock.now())
        status = pod_status.of(
            pod,
            [{**c.status(pod), "ready": c.exit_code == 0 or c.running} for c in self._initial],
            [c.status(pod) for c in self._ordinary],
            now=now,
            addresses=self._addresses(pod),
            mounted=self._mounted,
        )
        if status == pod.get("status"):
            return
        try:
            self._cluster.objects.update(
                self._pods,
                self.namespace,
                {**pod, "status": status},
                manager="kubelet",
                subresource="status",
            )
        except StatusError as error:
            if error.status != 404:
                raise

    def _addresses(self, pod: Json) -> tuple[str, str]:
        from akswi_helpers.sandbox.cluster import addresses

        return addresses.of(self._cluster, pod)

    async def _wait(self, seconds: Seconds | None) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()

    def _resume(self, pod: Json) -> None:
        status = pod.get("status") or {}
        known = [*(status.get("initContainerStatuses") or []), *_ordinary_of(status)]
        rows = {row["name"]: row for row in known}
        for container in self._all():
            row = rows.get(container.name)
            if row and (row.get("containerID") or "terminated" in row["state"]):
                container.resume(row)

    def _warn(self) -> None:
        """Say in events what this pod declares and this kubelet does not do."""
        for container in self._all():
            for field in _UNSERVED:
                if container.spec.get(field):
                    said = f"The sandbox does not emulate {field}: what runs counts as ready"
                    self._report("NotEmulated", said, warning=True, container=container.name)
        for field in ("affinity", "topologySpreadConstraints", "activeDeadlineSeconds"):
            if self._about["spec"].get(field):
                self._report("NotEmulated", f"The sandbox does not emulate {field}", warning=True)

    def _report(
        self, reason: str, message: str, *, warning: bool = False, container: str = ""
    ) -> None:
        reporting.report(
            self._cluster,
            self._about,
            reason,
            message,
            node=self.node,
            warning=warning,
            container=container,
        )


def _ordinary_of(status: Json) -> list[Json]:
    return status.get("containerStatuses") or []
