"""Vaults: made, changed, deleted, recovered and purged; their names and their rules."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from akswi_helpers.sandbox.azure.arm import service as front
from akswi_helpers.sandbox.azure.keyvault.deleted import DeletedVaults
from akswi_helpers.sandbox.azure.keyvault.store import DAY
from akswi_helpers.sandbox.world import World
from tests.sandbox.azure.conftest import NOT_VERIFIED, OWNER, Arm, Clients, refusal

VERSION = "2024-11-01"
VAULTS = "/subscriptions/{s}/resourceGroups/vaults/providers/Microsoft.KeyVault/vaults"


@pytest.fixture(scope="module", autouse=True)
def group(azure: Clients) -> str:
    azure.group("vaults-two")
    return azure.group("vaults")


def body(tenant: str, **properties: Any) -> dict[str, Any]:
    sku = {"family": "A", "name": "standard"}
    values = {"tenantId": tenant, "sku": sku, "enableRbacAuthorization": True, **properties}
    return {"location": "westeurope", "properties": values}


def test_new_vault_registers_its_name_first(arm: Arm) -> None:
    first = arm("PUT", f"{VAULTS}/kv-fresh", body(arm.tenant), VERSION)
    then = arm("GET", f"{VAULTS}/kv-fresh", version=VERSION).json()["properties"]
    assert first.status_code == 200
    assert first.json()["properties"]["provisioningState"] == "RegisteringDns"
    assert (then["provisioningState"], then["vaultUri"]) == (
        "Succeeded",
        "https://kv-fresh.vault.azure.net/",
    )


def test_vault_has_azures_defaults(azure: Clients) -> None:
    made = azure.vault("vaults", "kv-plain").properties
    assert (made.enable_soft_delete, made.soft_delete_retention_in_days) == (True, 90)
    assert (made.access_policies, made.public_network_access) == ([], "Enabled")


@pytest.mark.parametrize(("version", "expected"), [("2024-11-01", False), ("2026-02-01", True)])
def test_rbac_is_the_default_from_2026_on(arm: Arm, version: str, expected: bool) -> None:
    sent = body(arm.tenant)
    del sent["properties"]["enableRbacAuthorization"]
    made = arm("PUT", f"{VAULTS}/kv-{version}", sent, version).json()
    assert made["properties"]["enableRbacAuthorization"] is expected


def test_update_changes_tags_and_keeps_the_rest(azure: Clients) -> None:
    azure.vault("vaults", "kv-patch", softDeleteRetentionInDays=7)
    changed = azure.vaults.vaults.update("vaults", "kv-patch", {"tags": {"a": "b"}})
    assert changed.tags == {"a": "b"}
    assert changed.properties
    assert changed.properties.soft_delete_retention_in_days == 7


def test_deleted_vault_blocks_its_name_until_purged(azure: Clients) -> None:
    azure.vault("vaults", "kv-again")
    azure.vaults.vaults.delete("vaults", "kv-again")
    with pytest.raises(HttpResponseError) as caught:
        azure.vault("vaults", "kv-again")
    assert caught.value.status_code == 409
    assert "A vault with the same name already exists in deleted state." in str(caught.value)
    azure.vaults.vaults.begin_purge_deleted("kv-again", "westeurope").result()
    assert azure.vault("vaults", "kv-again").name == "kv-again"


def test_deleted_vault_is_recovered_with_its_secrets(azure: Clients) -> None:
    made = azure.vault("vaults", "kv-back")
    azure.assign(made.id, "b86a8fe4-44ce-4948-aee5-eccb2c155cd7")
    azure.secrets("kv-back").set_secret("a", "x")
    azure.vaults.vaults.delete("vaults", "kv-back")
    azure.vault("vaults", "kv-back", createMode="recover")
    with pytest.raises(HttpResponseError, match="ForbiddenByRbac"):
        azure.secrets("kv-back").get_secret("a")
    azure.assign(made.id, "b86a8fe4-44ce-4948-aee5-eccb2c155cd7")
    assert azure.secrets("kv-back").get_secret("a").value == "x"


def test_purged_vault_leaves_no_secret_to_its_name(arm: Arm, azure: Clients) -> None:
    azure.vault("vaults", "kv-purged")
    path = f"{VAULTS}/kv-purged/secrets/a"
    assert arm("PUT", path, {"properties": {"value": "x"}}, VERSION).status_code == 201
    azure.vaults.vaults.delete("vaults", "kv-purged")
    azure.vaults.vaults.begin_purge_deleted("kv-purged", "westeurope").result()
    azure.vault("vaults", "kv-purged")
    assert arm("GET", path, version=VERSION).status_code == 404


def test_deleted_vault_tells_when_it_goes(azure: Clients) -> None:
    made = azure.vault("vaults", "kv-told", softDeleteRetentionInDays=7)
    azure.vaults.vaults.delete("vaults", "kv-told")
    told = azure.vaults.vaults.get_deleted("kv-told", "westeurope").properties
    assert told is not None
    assert told.vault_id == made.id
    assert told.scheduled_purge_date
    assert told.deletion_date
    assert (told.scheduled_purge_date - told.deletion_date).days == 7


def test_retention_over_the_vault_is_purged_by_itself(world: World) -> None:
    path = "/subscriptions/s/resourceGroups/x"
    front.call(world, OWNER, "PUT", path, "2025-04-01", {"location": "westeurope"})
    vault = f"{path}/providers/Microsoft.KeyVault/vaults/kv-old"
    sent = body(world.tenant_id, softDeleteRetentionInDays=7)
    front.call(world, OWNER, "PUT", vault, VERSION, sent)
    front.call(world, OWNER, "DELETE", vault, VERSION)
    assert world.state(DeletedVaults).get("kv-old")
    with world.transaction():
        world.clock.move(7 * DAY + 1)
    front.call(world, OWNER, "PUT", vault, VERSION, sent)


def test_secret_through_resource_manager_never_shows_its_value(arm: Arm, azure: Clients) -> None:
    made = azure.vault("vaults", "kv-secret")
    sent = {"properties": {"value": "hidden-value"}, "tags": {"a": "b"}}
    path = f"{VAULTS}/kv-secret/secrets/arbitrarySecret"
    replies = [arm("PUT", path, sent, VERSION), arm("GET", path, version=VERSION)]
    assert [one.status_code for one in replies] == [201, 200]
    assert "hidden-value" not in "".join(one.text for one in replies)
    azure.assign(made.id, "4633458b-17de-408a-b874-0445c86b69e6")
    assert azure.secrets("kv-secret").get_secret("arbitrarySecret").value == "hidden-value"


def test_name_is_available_or_says_why_not(azure: Clients) -> None:
    azure.vault("vaults", "kv-named")
    ask: Any = azure.vaults.vaults.check_name_availability
    free = {"name": "kv-free", "type": "Microsoft.KeyVault/vaults"}
    assert ask(free).name_available
    assert ask({**free, "name": "kv-named"}).reason == "AlreadyExists"
    assert ask({**free, "name": "1kv"}).reason == "AccountNameInvalid"


REFUSED: list[tuple[str, dict[str, Any], int, str, str]] = [
    ("k--v", {}, 400, "VaultNameNotValid", "The vault name 'k--v' is invalid."),
    ("kv", {}, 400, "VaultNameNotValid", "must be between 3-24"),
    ("kv-elsewhere", {}, 409, "VaultAlreadyExists", "is already in use. Vault names are globally"),
    (
        "kv-new",
        {"enableSoftDelete": False},
        400,
        "BadRequest",
        NOT_VERIFIED + 'The property "enableSoftDelete" cannot be set to false.',
    ),
    (
        "kv-protected",
        {"enableSoftDelete": False},
        400,
        "BadRequest",
        'The property "enableSoftDelete" can be set to false only for creating new vault.',
    ),
    (
        "kv-protected",
        {"enablePurgeProtection": False},
        400,
        "BadRequest",
        'The property "enablePurgeProtection" cannot be set to false.',
    ),
    ("kv-new", {"softDeleteRetentionInDays": 6}, 400, "BadRequest", "between 7 and 90"),
    ("kv-protected", {"softDeleteRetentionInDays": 9}, 400, "BadRequest", "cannot be modified"),
    ("kv-new", {"sku": {"family": "A", "name": "gold"}}, 400, "InvalidRequestContent", "gold"),
    ("kv-new", {"tenantId": "1" * 36}, 400, "InvalidRequestContent", "properties.tenantId"),
    (
        "kv-new",
        {"tenantId": "11111111-1111-1111-1111-111111111111"},
        400,
        "BadRequest",
        "is not the tenant of the subscription",
    ),
    ("kv-new", {"publicNetworkAccess": "Disabled"}, 501, "NotEmulated", "publicNetworkAccess"),
    ("kv-new", {"networkAcls": {"defaultAction": "Deny"}}, 501, "NotEmulated", "firewall"),
    ("kv-new", {"colour": "red"}, 501, "NotEmulated", "'properties.colour'"),
]


@pytest.mark.parametrize(("name", "properties", "status", "code", "text"), REFUSED)
def test_vault_is_refused_in_azures_words(
    azure: Clients,
    arm: Arm,
    name: str,
    properties: dict[str, Any],
    status: int,
    code: str,
    text: str,
) -> None:
    azure.vault("vaults-two", "kv-elsewhere")
    azure.vault("vaults", "kv-protected", enablePurgeProtection=True)
    found = refusal(arm("PUT", f"{VAULTS}/{name}", body(arm.tenant, **properties), VERSION))
    assert found[:2] == (status, code)
    assert text in found[2]


def test_protected_vault_is_not_purged(azure: Clients) -> None:
    azure.vault("vaults", "kv-kept", enablePurgeProtection=True)
    azure.vaults.vaults.delete("vaults", "kv-kept")
    with pytest.raises(HttpResponseError, match="purge protection"):
        azure.vaults.vaults.begin_purge_deleted("kv-kept", "westeurope").result()


def test_secret_of_a_missing_vault_is_refused(arm: Arm) -> None:
    path = f"{VAULTS}/kv-none/secrets/a"
    found = refusal(arm("PUT", path, {"properties": {"value": "x"}}, VERSION))
    assert found[:2] == (404, "ParentResourceNotFound")
