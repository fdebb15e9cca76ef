"""Resource groups, and the lists and tags of what is in them."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest

from akswi_helpers.sandbox.azure.arm import resource_groups
from akswi_helpers.sandbox.azure.arm import service as front
from akswi_helpers.sandbox.azure.arm.resource_groups import Groups, deleted_name, deletion_token
from akswi_helpers.sandbox.world import World
from tests.sandbox.azure.conftest import OWNER, STRANGER, Arm, Clients, give, refusal

EAST: Any = {"location": "East US", "tags": {"lab": "one"}}


def test_create_group_writes_the_location_as_azure_does(azure: Clients) -> None:
    made: Any = azure.resources.resource_groups.create_or_update("groups-a", EAST)
    assert (made.location, made.tags) == ("eastus", {"lab": "one"})
    assert made.id == f"/subscriptions/{azure.subscription}/resourceGroups/groups-a"


def test_create_group_answers_201_then_200(arm: Arm) -> None:
    path = "/subscriptions/{s}/resourcegroups/groups-b"
    assert arm("PUT", path, EAST).status_code == 201
    assert arm("PUT", path, EAST).status_code == 200


def test_group_keeps_the_casing_it_was_made_with(arm: Arm, azure: Clients) -> None:
    azure.group("Groups-Cased")
    assert (
        arm("GET", "/subscriptions/{s}/RESOURCEGROUPS/GROUPS-CASED").json()["name"]
        == "Groups-Cased"
    )


def test_check_existence_tells(azure: Clients) -> None:
    azure.group("groups-c")
    assert azure.resources.resource_groups.check_existence("groups-c")
    assert not azure.resources.resource_groups.check_existence("groups-none")


def test_update_changes_the_tags(azure: Clients) -> None:
    azure.group("groups-d")
    changed = azure.resources.resource_groups.update("groups-d", {"tags": {"a": "b"}})
    assert changed.tags == {"a": "b"}
    listed = azure.resources.resource_groups.list(filter="tagName eq 'a' and tagValue eq 'b'")
    assert [group.name for group in listed] == ["groups-d"]


def test_delete_group_takes_everything_in_it(azure: Clients) -> None:
    azure.group("groups-e")
    body: Any = {"location": "westeurope"}
    azure.identities.user_assigned_identities.create_or_update("groups-e", "id-e", body)
    azure.vault("groups-e", "kv-groups-e")
    azure.resources.resource_groups.begin_delete("groups-e").result()
    assert not azure.resources.resource_groups.check_existence("groups-e")
    assert "kv-groups-e" in [vault.name for vault in azure.vaults.vaults.list_deleted()]


def test_delete_group_answers_202_until_it_is_gone(arm: Arm, azure: Clients) -> None:
    azure.group("groups-f")
    first = arm("DELETE", "/subscriptions/{s}/resourcegroups/groups-f")
    assert (first.status_code, first.content) == (202, b"")
    path = first.headers["location"].removeprefix("https://management.azure.com")
    while (poll := arm("GET", path, version="")).status_code == 202:
        assert poll.headers["retry-after-ms"]
    assert (poll.status_code, poll.content) == (200, b"")
    assert refusal(arm("DELETE", "/subscriptions/{s}/resourcegroups/groups-f"))[0] == 404


def test_deletion_token_names_the_group_in_azures_spelling() -> None:
    token = deletion_token("my-lab_1", "westeurope")
    assert deleted_name(token) == "MY-LAB_1"
    assert deleted_name("bm90IGpzb24") == ""


def test_deletion_is_taken_up_after_a_restart(world: World) -> None:
    put = "/subscriptions/s/resourceGroups/x"
    front.call(world, OWNER, "PUT", put, "2025-04-01", {"location": "westeurope"})
    world.surroundings = Surroundings()  # type: ignore[assignment]
    front.call(world, OWNER, "DELETE", put, "2025-04-01")
    lost, Surroundings.begun = Surroundings.begun, []
    lost[0].close()
    assert world.state(Groups).all()
    resource_groups.resume(world)
    asyncio.run(Surroundings.begun[0])
    assert not world.state(Groups).all()


def test_deletion_is_followed_by_one_whose_rights_went_with_the_group(world: World) -> None:
    group = "/subscriptions/s/resourceGroups/x"
    front.call(world, OWNER, "PUT", group, "2025-04-01", {"location": "westeurope"})
    give(world, STRANGER.object_id, "b24988ac-6180-42a0-ab88-20f7382dd24c", group)
    Surroundings.begun, world.surroundings = [], Surroundings()  # type: ignore[assignment]
    begun = front.call(world, STRANGER, "DELETE", group, "2025-04-01")
    where = begun.headers["location"].removeprefix("https://management.azure.com").split("?")[0]
    assert front.call(world, STRANGER, "GET", where, "2025-04-01").status == 202
    asyncio.run(Surroundings.begun[0])
    assert front.call(world, STRANGER, "GET", where, "2025-04-01").status == 200


class Surroundings:
    """Remembers what was to run in the background."""

    begun: ClassVar[list[Any]] = []

    def spawn(self, work: Any) -> None:
        self.begun.append(work)


REFUSED: list[tuple[str, str, Any, int, str, str]] = [
    ("PUT", "groups-x.", EAST, 400, "InvalidResourceGroup", "cannot end with '.'"),
    ("PUT", "groups-x", {}, 400, "LocationRequired", "The location property is required"),
    (
        "PUT",
        "groups-x",
        {"location": "atlantis"},
        400,
        "LocationNotAvailableForResourceType",
        "The provided location 'atlantis' is not available",
    ),
    (
        "PUT",
        "groups-a",
        {"location": "westeurope"},
        409,
        "InvalidResourceGroupLocation",
        "The Resource group already exists in location 'eastus'.",
    ),
    ("PUT", "groups-x", {**EAST, "colour": 1}, 501, "NotEmulated", "the property 'colour'"),
    ("PUT", "groups-x", {**EAST, "tags": {"a": 1}}, 400, "InvalidRequestContent", "tags"),
    (
        "GET",
        "none",
        None,
        404,
        "ResourceGroupNotFound",
        "Resource group 'none' could not be found.",
    ),
    ("DELETE", "none", None, 404, "ResourceGroupNotFound", "Resource group 'none' could"),
]


@pytest.mark.parametrize(("method", "name", "body", "status", "code", "text"), REFUSED)
def test_group_is_refused_in_azures_words(
    arm: Arm, method: str, name: str, body: Any, status: int, code: str, text: str
) -> None:
    arm("PUT", "/subscriptions/{s}/resourcegroups/groups-a", EAST)
    found = refusal(arm(method, f"/subscriptions/{{s}}/resourcegroups/{name}", body))
    assert found[:2] == (status, code)
    assert text in found[2]


def test_list_resources_filters_by_type_and_by_tag(azure: Clients) -> None:
    azure.group("groups-r")
    body: Any = {"location": "westeurope", "tags": {"lab": "r"}}
    azure.identities.user_assigned_identities.create_or_update("groups-r", "id-r", body)
    azure.vault("groups-r", "kv-groups-r")
    by_type = azure.resources.resources.list(filter="resourceType eq 'Microsoft.KeyVault/vaults'")
    by_tag = azure.resources.resources.list(filter="tagName eq 'lab' and tagValue eq 'r'")
    assert [one.name for one in by_type] == ["kv-groups-r"]
    assert [one.name for one in by_tag] == ["id-r"]


def test_list_resources_tells_when_each_was_made(arm: Arm, azure: Clients) -> None:
    azure.group("groups-w")
    azure.vault("groups-w", "kv-groups-w")
    path = "/subscriptions/{s}/resourceGroups/groups-w/resources?$expand=createdTime,changedTime"
    (found,) = arm("GET", path).json()["value"]
    assert found["createdTime"] <= found["changedTime"]
    assert refusal(arm("GET", path + ",colour"))[1] == "NotEmulated"


def test_list_resources_refuses_other_filters(arm: Arm) -> None:
    found = refusal(arm("GET", "/subscriptions/{s}/resources?$filter=colour eq 'red'"))
    assert found[:2] == (501, "NotEmulated")


def test_list_resources_refuses_other_expansions_where_there_is_nothing(
    arm: Arm, azure: Clients
) -> None:
    azure.group("groups-e")
    path = "/subscriptions/{s}/resourceGroups/groups-e/resources?$expand=colour"
    assert refusal(arm("GET", path))[:2] == (501, "NotEmulated")


def test_tags_of_a_resource_are_merged_and_deleted(azure: Clients) -> None:
    azure.group("groups-t")
    vault = azure.vault("groups-t", "kv-groups-t")
    tags = azure.resources.tags
    merge: Any = {"operation": "Merge", "properties": {"tags": {"a": "1", "b": "2"}}}
    delete: Any = {"operation": "Delete", "properties": {"tags": {"a": "1"}}}
    assert tags.begin_update_at_scope(vault.id, merge).result().properties.tags == {
        "a": "1",
        "b": "2",
    }
    assert tags.begin_update_at_scope(vault.id, delete).result().properties.tags == {"b": "2"}
    assert azure.vaults.vaults.get("groups-t", "kv-groups-t").tags == {"b": "2"}


def test_login_finds_its_tenant_subscription_and_regions(arm: Arm, azure: Clients) -> None:
    tenants = arm("GET", "/tenants", version="2022-12-01").json()["value"]
    listed = arm("GET", "/subscriptions", version="2022-12-01").json()["value"]
    assert [one["tenantId"] for one in tenants] == [azure.cloud.settings.tenant_id]
    assert [one["subscriptionId"] for one in listed] == [azure.subscription]


def test_provider_names_its_types_and_versions(azure: Clients) -> None:
    provider = azure.resources.providers.get("Microsoft.KeyVault")
    assert provider.registration_state == "Registered"
    types = {one.resource_type: one.api_versions for one in provider.resource_types or []}
    assert "2024-11-01" in (types["vaults"] or [])
