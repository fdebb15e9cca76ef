"""The csi volumes of one pod: mounted by the driver, read again when rotation is due.

    await SecretsVolumes(cluster).mount(pod, volume, folder)       files and links in `folder`

A mount checks the SecretProviderClass, gets a token for the pod's service account, asks the
provider, writes the files all at once, then the SecretProviderClassPodStatus and the synced
Secrets. A rotation that fails leaves what is there and says so in an event.

Source: kubernetes-sigs/secrets-store-csi-driver 1.5, pkg/secrets-store/nodeserver.go and
pkg/rotation/reconciler.go. Left out: other providers, nodePublishSecretRef, tmpfs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster import service_tokens
from akswi_helpers.sandbox.cluster.controllers import reporting
from akswi_helpers.sandbox.cluster.node import files
from akswi_helpers.sandbox.cluster.secrets_store import provider, refusals, status, synced
from akswi_helpers.sandbox.cluster.secrets_store.definitions import DRIVER, GROUP
from akswi_helpers.sandbox.cluster.secrets_store.parameters import AUDIENCE
from akswi_helpers.sandbox.cluster.secrets_store.refusals import DriverError, ProviderError
from akswi_helpers.types import Json, Seconds

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

_AFTER_FAILURE_S = 10.0
_ROTATION = "csi-secrets-store-rotation"


def serves(cluster: Cluster, volume: Json) -> bool:
    """Whether the node has this driver for the volume."""
    driver = (volume.get("csi") or {}).get("driver")
    return bool(cluster.spec.secrets_store and driver == DRIVER)


class SecretsVolumes:
    """What one pod has mounted, and when each volume is to be read again."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._due: dict[str, Seconds] = {}  # volume -> when it is read again, in the cluster's time

    async def mount(self, pod: Json, volume: Json, folder: Path) -> None:
        """Make the volume's files, or bring them up to date. Raises DriverError."""
        name, now = str(volume["name"]), self._cluster.world.clock.now()
        if name not in self._due:
            if not self._mounted_before(pod, volume, folder):
                await self._publish(pod, volume, folder, again=False)
                self._due[name] = now + self._interval
                return
            self._due[name] = now
        if self._cluster.spec.secret_rotation and now >= self._due[name]:
            self._due[name] = now + await self._rotate(pod, volume, folder)

    def due(self) -> Seconds | None:
        """When the next volume is read again, in the cluster's time; None without rotation."""
        return min(self._due.values(), default=None) if self._cluster.spec.secret_rotation else None

    @property
    def _interval(self) -> Seconds:
        return self._cluster.spec.rotation_interval

    def _mounted_before(self, pod: Json, volume: Json, folder: Path) -> bool:
        """Whether it was mounted before the sandbox was started again."""
        named = _class_name(volume)
        there = (folder / "..data").exists()
        return there and status.versions(self._cluster, pod, named) is not None

    async def _rotate(self, pod: Json, volume: Json, folder: Path) -> Seconds:
        """Read it again; the seconds until the next time."""
        try:
            await self._publish(pod, volume, folder, again=True)
        except DriverError as error:
            self._say(pod, "MountRotationFailed", f"provider mount err: {error}", warning=True)
            return _AFTER_FAILURE_S
        return self._interval

    async def _publish(self, pod: Json, volume: Json, folder: Path, *, again: bool) -> None:
        provider_class = self._provider_class(pod, volume)
        tokens = await self._tokens(pod)
        if not volume["csi"].get("readOnly"):
            raise DriverError("Readonly is not true in request", "InvalidArgument")
        made = await self._provided(pod, volume, provider_class, tokens, again=again)
        content = {file.path: (file.content, file.mode) for file in made}
        with self._cluster.world.transaction():
            if not self._there(pod):
                return
            self._write_status(pod, volume, made, again=again)
            files.write(folder, content)
            plain = {file.path: file.content for file in made}
            synced.write(self._cluster, pod, provider_class, plain, again=again)

    async def _provided(
        self, pod: Json, volume: Json, provider_class: Json, tokens: str, *, again: bool
    ) -> list[provider.File]:
        """What the provider gives. Raises DriverError in the driver's wrapping."""
        world, spec, metadata = self._cluster.world, provider_class["spec"], pod["metadata"]
        try:
            if volume["csi"].get("nodePublishSecretRef"):
                raise refusals.not_emulated("nodePublishSecretRef")
            node = str(pod["spec"]["nodeName"])
            made = await provider.mount(world, node, spec["parameters"], tokens)
        except ProviderError as error:
            why = refusals.by_provider(error)
            if again:
                raise DriverError(why) from error
            raise refusals.by_driver(metadata["namespace"], metadata["name"], why) from error
        if not made:
            why = "missing object versions"
            raise refusals.by_driver(metadata["namespace"], metadata["name"], why)
        return made

    def _provider_class(self, pod: Json, volume: Json) -> Json:
        """The SecretProviderClass, checked by the driver. Raises DriverError."""
        namespace, name = pod["metadata"]["namespace"], _class_name(volume)
        if not name:
            raise DriverError("secretProviderClass is not set")
        found, whole = self._found(namespace, name), f"{namespace}/{name}"
        if found is None:
            why = f'SecretProviderClass.{GROUP} "{name}" not found'
            raise DriverError(f"failed to get secretproviderclass {whole}, error: {why}")
        spec = found.get("spec") or {}
        wanted = spec.get("provider")
        if not wanted:
            raise DriverError(f"provider not set in {whole}")
        if not spec.get("parameters"):
            raise DriverError(f"parameters not set in {whole}")
        if wanted != provider.NAME:
            why = (
                f'error connecting to provider "{wanted}": provider not found: provider "{wanted}"'
            )
            raise refusals.by_driver(namespace, pod["metadata"]["name"], why)
        return found

    def _found(self, namespace: str, name: str) -> Json | None:
        """The SecretProviderClass, or None; also when somebody deleted the definition."""
        try:
            kind = self._cluster.kind(f"{GROUP}/v1", "SecretProviderClass")
        except KeyError:
            return None
        return self._cluster.objects.find(kind, namespace, name)

    async def _tokens(self, pod: Json) -> str:
        """What the kubelet gives the driver: a token of the pod's service account for Entra."""
        account = pod["spec"]["serviceAccountName"]
        token, expiry = await service_tokens.issue(
            self._cluster, pod["metadata"]["namespace"], account, [AUDIENCE], pod=pod
        )
        until = datetime.fromtimestamp(expiry, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return json.dumps({AUDIENCE: {"token": token, "expirationTimestamp": until}})

    def _write_status(
        self, pod: Json, volume: Json, made: list[provider.File], *, again: bool
    ) -> None:
        named, objects = _class_name(volume), {file.id: file.version for file in made}
        if again and status.versions(self._cluster, pod, named) == objects:
            return
        status.write(self._cluster, pod, str(volume["name"]), named, objects)
        if again:
            whole = f"{pod['metadata']['namespace']}/{named}"
            said = f"successfully rotated mounted contents for spc {whole}"
            self._say(pod, "MountRotationComplete", said)

    def _there(self, pod: Json) -> bool:
        metadata, kind = pod["metadata"], self._cluster.kind("v1", "Pod")
        found = self._cluster.store.get(kind, metadata["namespace"], metadata["name"])
        return found is not None and found["metadata"]["uid"] == metadata["uid"]

    def _say(self, pod: Json, reason: str, message: str, *, warning: bool = False) -> None:
        reporting.report(
            self._cluster,
            pod,
            reason,
            message,
            component=_ROTATION,
            node=str(pod["spec"]["nodeName"]),
            warning=warning,
        )


def _class_name(volume: Json) -> str:
    return str((volume["csi"].get("volumeAttributes") or {}).get("secretProviderClass", ""))
