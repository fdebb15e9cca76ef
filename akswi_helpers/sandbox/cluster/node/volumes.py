"""The volumes of a pod, made on disk and kept up to date.

    await Volumes(cluster, folder).mount(pod)   ->  {"program": Path(…), "azure-identity-token": …}

Served: configMap, secret, projected (service-account tokens, config maps, secrets, downward API),
downwardAPI, emptyDir, and csi where the Secrets Store driver is installed. A token is made anew
when 80 % of its life, or a day, is over. Everything else fails as on a node without a driver.

Source: kubernetes pkg/volume and pkg/kubelet/token. Left out: subPath of files that change, sizes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster import service_tokens
from akswi_helpers.sandbox.cluster.node import downward, files
from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.cluster.secrets_store import driver, refusals
from akswi_helpers.types import Json, Seconds

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

Content = dict[str, tuple[bytes, int]]

_DEFAULT_MODE = 0o644
_DAY = 24 * 3600


class MountFailedError(Exception):
    """A volume could not be made: `message` is what the kubelet's event says."""

    def __init__(self, volume: str, why: str) -> None:
        super().__init__(f'MountVolume.SetUp failed for volume "{volume}" : {why}')
        self.volume = volume


class Volumes:
    """One pod's volumes under `folder`, and the tokens that were projected into them."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster, self._folder = cluster, folder
        self._tokens: dict[str, tuple[str, Seconds, Seconds]] = {}  # token, when due, end
        self._secrets = driver.SecretsVolumes(cluster)

    async def mount(self, pod: Json) -> dict[str, Path]:
        """Where each volume is, every one up to date. Raises MountFailedError."""
        made = {}
        for volume in pod["spec"].get("volumes") or []:
            name = str(volume["name"])
            folder = self._folder / _kind(volume) / name
            try:
                await self._make(pod, volume, folder)
            except StatusError as error:
                raise MountFailedError(name, error.message) from error
            except refusals.DriverError as error:
                raise MountFailedError(name, refusals.set_up(error)) from error
            except files.BadPathError as error:
                raise MountFailedError(name, f"invalid path: {error}") from error
            made[name] = folder
        return made

    def due(self) -> Seconds | None:
        """When the next token or secret is due, in the cluster's time; None without any."""
        dues = [due for _, due, _ in self._tokens.values()]
        secrets = self._secrets.due()
        return min(dues if secrets is None else [*dues, secrets], default=None)

    async def _make(self, pod: Json, volume: Json, folder: Path) -> None:
        if "emptyDir" in volume:
            files.make_private(folder)
            return
        if driver.serves(self._cluster, volume):
            await self._secrets.mount(pod, volume, folder)
            return
        files.write(folder, await self._content(pod, volume))

    async def _content(self, pod: Json, volume: Json) -> Content:
        name, namespace = volume["name"], pod["metadata"]["namespace"]
        for kind in ("configMap", "secret", "downwardAPI"):
            if source := volume.get(kind):
                return self._of_objects(pod, kind, source, source.get("defaultMode"))
        if source := volume.get("projected"):
            return await self._projected(pod, name, source)
        raise MountFailedError(name, _unserved(volume, namespace))

    async def _projected(self, pod: Json, name: str, source: Json) -> Content:
        found: Content = {}
        mode = source.get("defaultMode", _DEFAULT_MODE)
        for number, part in enumerate(source.get("sources") or []):
            if asked := part.get("serviceAccountToken"):
                token = await self._token(pod, f"{name}/{number}", asked)
                found[asked["path"]] = (token.encode(), mode)
                continue
            for kind in ("configMap", "secret", "downwardAPI"):
                if kind in part:
                    found |= self._of_objects(pod, kind, part[kind], mode)
            if not {"configMap", "secret", "downwardAPI"} & set(part):
                raise MountFailedError(name, f"the sandbox does not emulate {', '.join(part)}")
        return found

    async def _token(self, pod: Json, key: str, asked: Json) -> str:
        now = self._cluster.world.clock.now()
        token, due, _ = self._tokens.get(key, ("", 0.0, 0.0))
        if token and now < due:
            return token
        audience = asked.get("audience")
        token, expiry = await service_tokens.issue(
            self._cluster,
            pod["metadata"]["namespace"],
            pod["spec"]["serviceAccountName"],
            [audience] if audience else None,
            asked.get("expirationSeconds"),
            pod=pod,
        )
        life = expiry - now
        self._tokens[key] = (token, now + min(life * 0.8, _DAY), expiry)
        return token

    def _of_objects(self, pod: Json, kind: str, source: Json, mode: int | None) -> Content:
        mode = _DEFAULT_MODE if mode is None else mode
        if kind == "downwardAPI":
            return _downward(pod, source, mode)
        name = source.get("secretName") or source.get("name") or ""
        data = self._data(kind, pod["metadata"]["namespace"], name, bool(source.get("optional")))
        items = source.get("items")
        if not items:
            return {key: (value, mode) for key, value in data.items()}
        return dict(_picked(items, data, mode, kind, bool(source.get("optional"))))

    def _data(self, kind: str, namespace: str, name: str, optional: bool) -> dict[str, bytes]:
        found = self._cluster.kind("v1", "Secret" if kind == "secret" else "ConfigMap")
        obj = self._cluster.store.get(found, namespace, name)
        if obj is None and optional:
            return {}
        if obj is None:
            raise StatusError(404, "NotFound", f'{kind.lower()} "{name}" not found')
        if kind == "secret":
            return _decoded(obj.get("data"))
        text = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
        return text | _decoded(obj.get("binaryData"))


def uses(pod: Json, kind: str, name: str) -> bool:
    """Whether a volume of the pod holds the ConfigMap or Secret `name`."""
    field = {"ConfigMap": "configMap", "Secret": "secret"}[kind]
    for volume in pod["spec"].get("volumes") or []:
        sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
        for source in sources:
            found = source.get(field) or {}
            if name in (found.get("name"), found.get("secretName")):
                return True
    return False


def waited_in_vain(pod: Json, volume: str) -> str:
    """What the kubelet says when a volume is not there after two minutes."""
    every = " ".join(one["name"] for one in pod["spec"].get("volumes") or [])
    return (
        f"Unable to attach or mount volumes: unmounted volumes=[{volume}], "
        f"unattached volumes=[{every}]: timed out waiting for the condition"
    )


def _picked(
    items: list[Json], data: dict[str, bytes], mode: int, kind: str, optional: bool
) -> Iterator[tuple[str, tuple[bytes, int]]]:
    for item in items:
        if item["key"] in data:
            yield item["path"], (data[item["key"]], item.get("mode", mode))
        elif not optional:
            what = "secret" if kind == "secret" else "config"
            why = f"references non-existent {what} key: {item['key']}"
            raise StatusError(404, "NotFound", why)


def _downward(pod: Json, source: Json, mode: int) -> Content:
    found: Content = {}
    for item in source.get("items") or []:
        try:
            value = downward.field(pod, (item.get("fieldRef") or {}).get("fieldPath", ""))
        except downward.NoFieldError as error:
            raise StatusError(400, "", str(error)) from error
        found[item["path"]] = (value.encode(), item.get("mode", mode))
    return found


def _decoded(data: dict[str, str] | None) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in (data or {}).items()}


def _kind(volume: Json) -> str:
    field = next((key for key in volume if key != "name"), "empty")
    return f"kubernetes.io~{field.lower()}"


def _unserved(volume: Json, namespace: str) -> str:
    if csi := volume.get("csi"):
        return (
            "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name "
            f"{csi.get('driver')} not found in the list of registered CSI drivers"
        )
    kinds = ", ".join(key for key in volume if key != "name")
    return f"the sandbox does not emulate volumes of the kind {kinds}"
