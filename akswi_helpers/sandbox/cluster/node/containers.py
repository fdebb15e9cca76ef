"""One container of a pod: pulled, configured, started, ended, started again.

It holds what the container's status says and the process behind it; the pod's worker decides when
it starts. Restarts wait 10 s, 20 s, … up to five minutes, but not the first one, as in a kubelet.

Source: kubernetes pkg/kubelet/kuberuntime. Left out: probes and hooks (the pod says so in an
event), out-of-memory kills.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.node import environment, images, launcher
from akswi_helpers.sandbox.cluster.node.insides import Insides
from akswi_helpers.sandbox.cluster.node.log_files import Logs
from akswi_helpers.sandbox.cluster.storage.lifecycle import timestamp
from akswi_helpers.types import Json, Seconds

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

FIRST_BACK_OFF: Seconds = 10
LONGEST_BACK_OFF: Seconds = 300

_LINE = 16 << 10  # longer lines are cut into pieces, as the runtime does
_MESSAGE = 4096


@dataclass(frozen=True)
class Place:
    """Where a container lives: its pod's folder, its cluster, whom to tell."""

    cluster: Cluster
    folder: Path  # the pod's own
    report: Callable[..., None]  # (reason, message, *, warning, container)
    wake: Callable[[], None]  # something changed: look at the pod again


class Container:
    """A container and its newest process."""

    def __init__(self, place: Place, spec: Json, *, waiting: str = "ContainerCreating") -> None:
        self._place, self.spec, self.name = place, spec, str(spec["name"])
        self.state: Json = {"waiting": {"reason": waiting}}
        self.last: Json = {}
        self.restarts = 0
        self._image: images.Image | None = None
        self._id = ""
        self._process: launcher.Running | None = None
        self._watching: asyncio.Task[None] | None = None
        self._back_off: Seconds = 0  # of the next failure
        self._held: Seconds = 0  # of the last one
        self._not_before: Seconds = 0

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return "running" in self.state

    @property
    def exit_code(self) -> int | None:
        """How its newest run ended; None while it has not."""
        ended = self.state.get("terminated")
        return None if ended is None else int(ended["exitCode"])

    @property
    def log(self) -> Path:
        """The log of its newest run."""
        return self._place.folder / "logs" / self.name / f"{self.restarts}.log"

    def status(self, pod: Json) -> Json:
        """Its entry in the pod's status."""
        found: Json = {"name": self.name, "state": self.state, "lastState": self.last}
        found |= {"ready": self.running, "restartCount": self.restarts}
        found["image"] = self._image.name if self._image else self.spec["image"]
        found["imageID"] = self._image.id if self._image else ""
        if self._id:
            found["containerID"] = self._id
        found["started"] = self.running
        mounts = [_mount_status(m) for m in self.spec.get("volumeMounts") or []]
        return found | ({"volumeMounts": mounts} if mounts else {})

    def resume(self, status: Json) -> None:
        """Take over what the pod's status says; a run that the sandbox did not survive ended."""
        self.restarts = int(status.get("restartCount", 0))
        self.state, self.last = status["state"], status.get("lastState") or {}
        self._id = status.get("containerID", "")
        with contextlib.suppress(images.UnknownImageError):
            self._image = images.find(str(self.spec["image"]))
        if self._image and self._image.program is images.Program.COMPONENT:
            return  # there was no process to lose
        if began := self.state.get("running"):
            self._ended(255, "Unknown", began.get("startedAt"))

    def due(self) -> Seconds:
        """Seconds until it may start (again)."""
        return max(self._not_before - time.monotonic(), 0)

    def hold(self, pod: Json) -> None:
        """Say that it waits: for its image, or for its next restart."""
        if "terminated" in self.state:
            self.last = {"terminated": self.state["terminated"]}
            whose = _whole_name(pod)
            why = (
                f"back-off {_duration(self._held)} restarting failed container={self.name} "
                f"pod={whose}"
            )
            self.state = {"waiting": {"reason": "CrashLoopBackOff", "message": why}}
            said = f"Back-off restarting failed container {self.name} in pod {whose}"
            self._report("BackOff", said, warning=True)
        elif self.state["waiting"].get("reason") == "ErrImagePull":
            image, old = self.spec["image"], self.state["waiting"]["message"]
            why = f'Back-off pulling image "{image}"'
            self._report("BackOff", why)
            self._report("Failed", "Error: ImagePullBackOff", warning=True)
            message = f"{why}: ErrImagePull: {old}"
            self.state = {"waiting": {"reason": "ImagePullBackOff", "message": message}}

    async def start(self, pod: Json, volumes: Mapping[str, Path]) -> None:
        """Start it, or say in its state why it cannot start."""
        if not self._pull():
            return
        try:
            _check_user(pod, self.spec, self._image)
            wanted = self._wanted(pod, volumes)
        except environment.ConfigError as error:
            self._report("Failed", f"Error: {error}", warning=True)
            self._wait("CreateContainerConfigError", str(error))
            return
        await self._run(pod, wanted)

    async def stop(self, grace: Seconds) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds; returns when it has ended."""
        process, watching = self._process, self._watching
        if process is None or watching is None:
            self._stop_component()
            return
        if grace > 0:
            process.signal(signal.SIGTERM)
            await asyncio.wait([watching], timeout=grace)
        process.kill()
        await asyncio.wait([watching], timeout=5)

    def kill(self) -> None:
        """End its process at once, if there is one."""
        if self._process is not None:
            self._process.kill()

    def _pull(self) -> bool:
        image = str(self.spec["image"])
        try:
            self._image = images.find(image)
        except images.UnknownImageError as error:
            self._report("Pulling", f'Pulling image "{image}"')
            self._report("Failed", f'Failed to pull image "{image}": {error}', warning=True)
            self._report("Failed", "Error: ErrImagePull", warning=True)
            self._wait("ErrImagePull", str(error))
            return False
        self._report("Pulled", f'Container image "{image}" already present on machine')
        return True

    def _again(self) -> None:
        ended = self.state.get("terminated") or self.last.get("terminated")
        if ended:
            self.last = {"terminated": ended}
            self.restarts += 1

    def _wait(self, reason: str, message: str) -> None:
        self.state = {"waiting": {"reason": reason, "message": message}}
        self._delay()

    def _delay(self) -> None:
        self._held = self._back_off or FIRST_BACK_OFF
        self._back_off = min(max(self._back_off * 2, FIRST_BACK_OFF), LONGEST_BACK_OFF)
        self._not_before = time.monotonic() + self._held

    def _wanted(self, pod: Json, volumes: Mapping[str, Path]) -> launcher.Start:
        assert self._image is not None
        security = self.spec.get("securityContext") or {}
        variables = environment.of(self._place.cluster, pod, self.spec)
        return launcher.Start(
            program=self._image.program,
            command=environment.command(self.spec, variables),
            env=variables,
            root=self._place.folder / "root" / self.name,
            mounts=(*_mounts(pod, self.spec, volumes), self._termination_log()),
            writable=not security.get("readOnlyRootFilesystem"),
            working_dir=self.spec.get("workingDir", ""),
            memory=_bytes((self.spec.get("resources") or {}).get("limits", {}).get("memory", "0")),
            extra=network(self._place.cluster, pod),
            name=f"{pod['metadata']['namespace']}/{pod['metadata']['name']}/{self.name}",
        )

    def _termination_log(self) -> launcher.Mount:
        path = self.spec.get("terminationMessagePath") or "/dev/termination-log"
        return launcher.Mount(path, self._place.folder / "logs" / self.name / "termination")

    async def _run(self, pod: Json, wanted: launcher.Start) -> None:
        self._again()
        key = f"{pod['metadata']['uid']}/{self.name}/{self.restarts}"
        self._id = f"containerd://{hashlib.sha256(key.encode()).hexdigest()}"
        self._report("Created", f"Created container: {self.name}")
        self._place.cluster.world.state(Logs).begin(self.log)
        self._termination_log().source.unlink(missing_ok=True)
        now = timestamp(self._place.cluster.world.clock.now())
        if wanted.program is not images.Program.COMPONENT:
            try:
                self._process = await launcher.start(wanted)
            except launcher.StartError as error:
                self._report("Failed", f"Error: {error}", warning=True)
                self._ended(128, "StartError", "1970-01-01T00:00:00Z", str(error))
                return
            self._watching = asyncio.ensure_future(self._watch(self._process, now))
        self._place.cluster.world.state(Insides).begin(self._id, wanted)
        self.state = {"running": {"startedAt": now}}
        self._report("Started", f"Started container {self.name}")

    async def _watch(self, process: launcher.Running, began: str) -> None:
        started, log = time.monotonic(), self.log
        logs = self._place.cluster.world.state(Logs)
        copying = asyncio.ensure_future(_copy(process.output, logs, log))
        try:
            code = await process.wait()
            await asyncio.wait([copying], timeout=1)  # somebody may have taken its output along
        except asyncio.CancelledError:
            process.kill()
            raise
        finally:
            copying.cancel()
            logs.end(log)
        if time.monotonic() - started > 2 * LONGEST_BACK_OFF:
            self._back_off = 0
        self._process = self._watching = None
        self._ended(code, "Completed" if code == 0 else "Error", began, self._last_words())
        self._place.wake()

    def _last_words(self) -> str:
        path = self._termination_log().source
        return path.read_text("utf-8", "replace")[:_MESSAGE] if path.is_file() else ""

    def _stop_component(self) -> None:
        if began := self.state.get("running"):
            self._place.cluster.world.state(Logs).end(self.log)
            self._ended(0, "Completed", began["startedAt"])

    def _ended(self, code: int, reason: str, began: str | None, message: str = "") -> None:
        self._place.cluster.world.state(Insides).end(self._id)
        ended: Json = {"exitCode": code, "reason": reason}
        if message:
            ended["message"] = message
        ended["startedAt"] = began
        ended["finishedAt"] = timestamp(self._place.cluster.world.clock.now())
        if self._id:
            ended["containerID"] = self._id
        self.state = {"terminated": ended}
        first = self._back_off == 0
        self._delay()
        if first:
            self._not_before = 0  # the first restart is at once

    def _report(self, reason: str, message: str, *, warning: bool = False) -> None:
        self._place.report(reason, message, warning=warning, container=self.name)


def network(cluster: Cluster, pod: Json) -> dict[str, str]:
    """How a pod's process reaches Azure's names: through the gateway, as its node."""
    around = cluster.world.surroundings
    proxy = around.proxy_url(pod["spec"]["nodeName"])
    names = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")
    return dict.fromkeys(names, proxy) | {
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "SSL_CERT_FILE": str(around.ca_file),
    }


async def _copy(output: asyncio.StreamReader, logs: Logs, path: Path) -> None:
    rest = b""
    while piece := await output.read(_LINE):
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            logs.write(path, line)
        while len(rest) > _LINE:
            logs.write(path, rest[:_LINE], whole=False)
            rest = rest[_LINE:]
    if rest:
        logs.write(path, rest)


def _mounts(pod: Json, spec: Json, volumes: Mapping[str, Path]) -> list[launcher.Mount]:
    kinds = {v["name"]: v for v in pod["spec"].get("volumes") or []}
    made = []
    for mount in spec.get("volumeMounts") or []:
        if mount.get("subPathExpr"):
            raise environment.ConfigError("the sandbox does not emulate subPathExpr")
        inside = mount.get("subPath") or ""
        if inside.startswith("/") or ".." in inside.split("/"):
            raise environment.ConfigError("subPath must be a relative path without '..'")
        source = volumes[mount["name"]] / inside
        writable = "emptyDir" in kinds[mount["name"]] and not mount.get("readOnly")
        path = "/" + mount["mountPath"].strip("/")
        made.append(launcher.Mount(path, source, read_only=not writable))
    return made


def _mount_status(mount: Json) -> Json:
    found = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        found |= {"readOnly": True, "recursiveReadOnly": "Disabled"}
    return found


def _check_user(pod: Json, spec: Json, image: images.Image | None) -> None:
    security = {**(pod["spec"].get("securityContext") or {}), **(spec.get("securityContext") or {})}
    if not security.get("runAsNonRoot"):
        return
    user = security.get("runAsUser")
    whose = f'(pod: "{_whole_name(pod)}", container: {spec["name"]})'
    if user == 0:
        raise environment.ConfigError(f"container's runAsUser breaks non-root policy {whose}")
    if user is None and not (image and "nonroot" in image.name):
        why = f"container has runAsNonRoot and image will run as root {whose}"
        raise environment.ConfigError(why)


def _whole_name(pod: Json) -> str:
    metadata = pod["metadata"]
    return f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"


def _duration(seconds: Seconds) -> str:
    """As Go prints it: "10s", "1m20s", "5m0s"."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _bytes(quantity: str) -> int:
    units = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 1000, "M": 10**6, "G": 10**9}
    for unit, size in units.items():
        if quantity.endswith(unit):
            return int(float(quantity[: -len(unit)]) * size)
    return int(float(quantity)) if quantity.replace(".", "", 1).isdigit() else 0
