"""The secrets of every vault, as both planes see them: versions, deletion, recovery.

Source: https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview. Left out: keys,
certificates, backup.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, Seconds

DAY: Seconds = 86400

Change = Callable[[Json], Json]


class Secrets:
    """Secrets by vault and name, without regard to case; the newest version is the last.

    A secret is {"name", "versions": [version, …], "deleted"?: {"at", "purge"}}; a version is
    {"version", "value", "enabled", "created", "updated", "tags", "contentType"?, "nbf"?, "exp"?}.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.table("keyvault.secrets")  # "vault/name" in lower case

    def get(self, vault: str, name: str) -> Json | None:
        """The secret when it is there and not deleted."""
        found = self._find(vault, name)
        return found if found and "deleted" not in found else None

    def deleted(self, vault: str, name: str) -> Json | None:
        """The secret when it is deleted and can be recovered."""
        found = self._find(vault, name)
        return found if found and "deleted" in found else None

    def all(self, vault: str, *, deleted: bool = False) -> list[Json]:
        """The vault's secrets by name; the deleted ones instead when asked."""
        keys = sorted(key for key in self._rows if key.startswith(f"{vault.lower()}/"))
        found = [self._find(vault, key.partition("/")[2]) for key in keys]
        return [one for one in found if one and ("deleted" in one) == deleted]

    def put(self, vault: str, name: str, value: str, **attributes: Any) -> Json:
        """A new version of a secret; returns the secret. It must not be deleted."""
        now = int(self._world.clock.now())
        path = f"{vault}/{name}"
        version = {
            "version": self._world.ids.guid("secret version", path).replace("-", ""),
            "value": value,
            "enabled": True,
            "created": now,
            "updated": now,
            "tags": {},
            **{key: given for key, given in attributes.items() if given is not None},
        }
        old = self.get(vault, name) or {"name": name, "versions": []}
        return self._put(vault, {**old, "versions": [*old["versions"], version]})

    def change(self, vault: str, secret: Json, version: str, **attributes: Any) -> Json:
        """Other attributes for one version; returns the version."""
        now = int(self._world.clock.now())
        given = {key: value for key, value in attributes.items() if value is not None}
        versions = [
            {**one, **given, "updated": now} if one["version"] == version else one
            for one in secret["versions"]
        ]
        self._put(vault, {**secret, "versions": versions})
        return next(one for one in versions if one["version"] == version)

    def delete(self, vault: str, secret: Json, retention_days: int) -> Json:
        """Soft-delete a secret; returns it."""
        now = int(self._world.clock.now())
        gone = {"at": now, "purge": now + int(retention_days * DAY)}
        return self._put(vault, {**secret, "deleted": gone})

    def recover(self, vault: str, secret: Json) -> Json:
        """Bring a deleted secret back; returns it."""
        return self._put(vault, {key: v for key, v in secret.items() if key != "deleted"})

    def purge(self, vault: str, secret: Json) -> None:
        """Forget a secret for good."""
        self._rows.remove(_key(vault, secret["name"]))

    def purge_vault(self, vault: str) -> None:
        """Forget every secret of a vault for good."""
        for key in [key for key in self._rows if key.startswith(f"{vault.lower()}/")]:
            self._rows.remove(key)

    def _find(self, vault: str, name: str) -> Json | None:
        found = self._rows.get(_key(vault, name))
        if found and "deleted" in found and found["deleted"]["purge"] <= self._world.clock.now():
            return None
        return found

    def _put(self, vault: str, secret: Json) -> Json:
        self._rows.put(_key(vault, secret["name"]), secret)
        return secret


def pick(secret: Json, version: str = "") -> Json | None:
    """The version called `version`, the newest when none is named; None when there is none."""
    if not version:
        return dict(secret["versions"][-1])
    return next((one for one in secret["versions"] if one["version"] == version.lower()), None)


def _key(vault: str, name: str) -> str:
    return f"{vault}/{name}".lower()
