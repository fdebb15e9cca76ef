"""Vaults that were deleted and can still be recovered or purged.

Deleting a vault, alone or with its group, puts it here with its secrets; its role assignments are
gone for good. It is purged by itself when its retention is over.

Source: https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview.
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.arm.resources import Resources, on_delete
from akswi_helpers.sandbox.azure.arm.timestamps import iso_seconds
from akswi_helpers.sandbox.azure.keyvault import refusals as sayings
from akswi_helpers.sandbox.azure.keyvault.store import DAY, Secrets
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, ResourceId, Seconds

TYPE = "Microsoft.KeyVault/vaults"


def deleted_document(world: World, row: Json) -> Json:
    """A deleted vault as Azure shows it."""
    scope = f"/subscriptions/{world.subscription_id}/providers/Microsoft.KeyVault"
    protected = row["properties"].get("enablePurgeProtection")
    return {
        "id": f"{scope}/locations/{row['location']}/deletedVaults/{row['name']}",
        "name": row["name"],
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {
            "vaultId": row["id"],
            "location": row["location"],
            "tags": row["tags"],
            "deletionDate": iso_seconds(row["deleted"]),
            "scheduledPurgeDate": iso_seconds(row["purge"]),
            **({"purgeProtectionEnabled": True} if protected else {}),
        },
    }


class DeletedVaults:
    """Deleted vaults by name, without regard to case."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows = world.table("keyvault.deleted")  # name -> the vault, "deleted", "purge"

    def add(self, vault: Json) -> None:
        """Keep a vault that was deleted just now."""
        now = self._world.clock.now()
        purge = now + vault["properties"]["softDeleteRetentionInDays"] * DAY
        self._rows.put(vault["name"].lower(), {**vault, "deleted": now, "purge": purge})

    def get(self, name: str) -> Json | None:
        """The deleted vault of that name, or None. Retention over: purged, now."""
        found = self._rows.get(name.lower())
        if found and found["purge"] <= self._world.clock.now():
            self.purge(name)
            return None
        return found

    def at(self, location: str, name: str) -> Json:
        """The deleted vault of that name in that region. Raises WireError."""
        found = self.get(name)
        if found is None or found["location"] != location.lower().replace(" ", ""):
            raise sayings.deleted_vault_not_found(name)
        return found

    def all(self) -> list[Json]:
        """Every deleted vault."""
        found = [self.get(name) for name in list(self._rows)]
        return [one for one in found if one]

    def recover(self, name: str, resource_id: ResourceId) -> Json:
        """Bring a vault and its secrets back where it was. Raises WireError."""
        found = self.get(name)
        if found is None or found["id"].lower() != resource_id.lower():
            raise sayings.deleted_vault_not_found(name)
        self._rows.remove(name.lower())
        vault = {key: v for key, v in found.items() if key not in ("deleted", "purge")}
        return self._world.state(Resources).put(vault["id"], vault)

    def purge_within(self, name: str, seconds: Seconds) -> None:
        """Purge a deleted vault, which takes so long; its name is taken until then."""
        if not seconds:
            self.purge(name)
            return
        row, due = self._rows[name.lower()], self._world.clock.now() + seconds
        self._rows.put(name.lower(), {**row, "purge": min(row["purge"], due)})

    def purge(self, name: str) -> None:
        """Forget a deleted vault and its secrets."""
        self._rows.remove(name.lower())
        self._world.state(Secrets).purge_vault(name)


def vault_named(world: World, name: str) -> Json | None:
    """The vault of that name, wherever it is, or None; deleted ones do not count."""
    return world.state(Resources).called(TYPE, name)


def _keep(world: World, vault: Json) -> None:
    world.state(DeletedVaults).add(vault)


on_delete(TYPE, _keep)
