"""Role assignments and definitions: through the SDK, and what Azure refuses."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from akswi_helpers.sandbox.azure.arm import authorization
from akswi_helpers.sandbox.azure.arm.authorization import Assignments, allowed
from akswi_helpers.sandbox.azure.entra.directory import Directory
from akswi_helpers.sandbox.world import World
from tests.sandbox.azure.conftest import OWNER, STRANGER, Arm, Clients, give, refusal

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
NOBODY = "99999999-9999-9999-9999-999999999999"
DEFINITIONS = "/subscriptions/{s}/providers/Microsoft.Authorization/roleDefinitions"
VERSION = "2022-04-01"


@pytest.fixture(scope="module")
def principal(azure: Clients) -> str:
    azure.group("roles")
    body: Any = {"location": "westeurope"}
    made = azure.identities.user_assigned_identities.create_or_update("roles", "id-roles", body)
    return str(made.principal_id)


@pytest.fixture(scope="module")
def scope(principal: str) -> str:
    return "/subscriptions/{s}/resourceGroups/roles"


def path(scope: str, name: str) -> str:
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"


def body(principal: str, role: str = READER, **more: Any) -> Any:
    return {
        "properties": {
            "roleDefinitionId": f"{DEFINITIONS}/{role}",
            "principalId": principal,
            **more,
        }
    }


def test_create_assignment_normalises_the_roles_id(arm: Arm, principal: str, scope: str) -> None:
    wanted = body(principal)
    in_group = f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
    wanted["properties"]["roleDefinitionId"] = in_group
    reply = arm("PUT", path(scope, str(uuid.uuid4())), wanted, VERSION)
    values = reply.json()["properties"]
    assert (reply.status_code, values["createdBy"]) == (201, None)
    assert values["roleDefinitionId"].endswith(
        f"providers/Microsoft.Authorization/roleDefinitions/{READER}"
    )
    assert "resourceGroups" not in values["roleDefinitionId"]
    arm("DELETE", path(scope, reply.json()["name"]), version=VERSION)


def test_same_assignment_again_changes_nothing(azure: Clients, principal: str) -> None:
    scope = f"/subscriptions/{azure.subscription}/resourceGroups/roles"
    first = azure.assign(scope, CONTRIBUTOR, principal)
    again = azure.roles.role_assignments.create(
        scope,
        first.name,
        {
            "properties": {
                "roleDefinitionId": first.role_definition_id,
                "principalId": principal,
                "principalType": "ServicePrincipal",
            }
        },
    )
    assert again.updated_on == first.updated_on
    azure.roles.role_assignments.delete(scope, first.name)


def test_list_shows_what_is_inherited_unless_below(azure: Clients, principal: str) -> None:
    group = f"/subscriptions/{azure.subscription}/resourceGroups/roles"
    made = azure.assign(group, READER, principal)
    listing = azure.roles.role_assignments
    at_subscription = list(listing.list_for_subscription(filter="atScope()"))
    at_group = list(listing.list_for_scope(group, filter="atScope()"))
    mine = list(listing.list_for_subscription(filter=f"principalId eq '{principal}'"))
    listing.delete(group, made.name)
    assert made.name not in [one.name for one in at_subscription]
    assert {made.name} < {one.name for one in at_group}
    assert [one.name for one in mine] == [made.name]


def test_role_is_found_by_its_name(azure: Clients) -> None:
    scope = f"/subscriptions/{azure.subscription}"
    found = list(
        azure.roles.role_definitions.list(scope, filter="roleName eq 'key vault secrets user'")
    )
    assert [one.name for one in found] == [SECRETS_USER]
    assert found[0].permissions[0].data_actions == [
        "Microsoft.KeyVault/vaults/secrets/getSecret/action",
        "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
    ]


def test_delete_assignment_twice_answers_200_then_204(arm: Arm, principal: str, scope: str) -> None:
    where = path(scope, str(uuid.uuid4()))
    arm("PUT", where, body(principal, CONTRIBUTOR), VERSION)
    assert arm("DELETE", where, version=VERSION).status_code == 200
    assert arm("DELETE", where, version=VERSION).status_code == 204


def test_assignment_of_a_deleted_principal_stays_and_never_wakes(azure: Clients) -> None:
    client, made = azure.identities.user_assigned_identities, {"location": "westeurope"}
    azure.group("roles-gone")
    first: Any = client.create_or_update("roles-gone", "id-gone", made)
    scope = f"/subscriptions/{azure.subscription}"
    kept = azure.assign(scope, READER, first.principal_id)
    client.delete("roles-gone", "id-gone")
    again: Any = client.create_or_update("roles-gone", "id-gone", made)
    assert again.principal_id != first.principal_id
    assert azure.roles.role_assignments.get(scope, kept.name).principal_id == first.principal_id
    azure.roles.role_assignments.delete(scope, kept.name)


def test_deleted_resource_loses_the_assignments_at_it(azure: Clients, principal: str) -> None:
    azure.group("roles-vault")
    vault = azure.vault("roles-vault", "kv-roles")
    made = azure.assign(vault.id, SECRETS_USER, principal)
    azure.vaults.vaults.delete("roles-vault", "kv-roles")
    left = azure.roles.role_assignments.list_for_subscription(
        filter=f"principalId eq '{principal}'"
    )
    assert made.name not in [one.name for one in left]


REFUSED: list[tuple[str, Any, int, str, str]] = [
    ("not-a-guid", body(NOBODY), 400, "InvalidRoleAssignmentId", "The role assignment ID must be"),
    (
        "11111111-1111-4111-8111-111111111111",
        body(NOBODY),
        400,
        "PrincipalNotFound",
        "Principal 99999999999999999999999999999999 does not exist in the directory",
    ),
    (
        "11111111-1111-4111-8111-111111111111",
        body("{p}", principalType="User"),
        400,
        "UnmatchedPrincipalType",
        "has type 'ServicePrincipal' , which is different from specified PrinciaplType 'User'.",
    ),
    (
        "11111111-1111-4111-8111-111111111111",
        body("{p}", NOBODY),
        404,
        "RoleDefinitionDoesNotExist",
        "The specified role definition with ID '99999999999999999999999999999999' does not exist.",
    ),
    (
        "11111111-1111-4111-8111-111111111111",
        body(
            "{p}", condition="@Environment[isPrivateLink] BoolEquals true", conditionVersion="2.0"
        ),
        501,
        "NotEmulated",
        "@Environment",
    ),
    (
        "11111111-1111-4111-8111-111111111111",
        {"properties": {"principalId": "{p}"}},
        400,
        "InvalidRequestContent",
        "'properties.roleDefinitionId' is missing",
    ),
]


@pytest.mark.parametrize(("name", "sent", "status", "code", "text"), REFUSED)
def test_assignment_is_refused_in_azures_words(
    arm: Arm, principal: str, scope: str, name: str, sent: Any, status: int, code: str, text: str
) -> None:
    values = {k: v.replace("{p}", principal) for k, v in sent["properties"].items()}
    found = refusal(arm("PUT", path(scope, name), {"properties": values}, VERSION))
    assert found[:2] == (status, code)
    assert text in found[2]


def test_twin_assignment_is_refused_by_naming_the_other(azure: Clients, principal: str) -> None:
    scope = f"/subscriptions/{azure.subscription}/resourceGroups/roles"
    first = azure.assign(scope, READER, principal)
    with pytest.raises(HttpResponseError) as caught:
        azure.assign(scope, READER, principal)
    azure.roles.role_assignments.delete(scope, first.name)
    assert caught.value.status_code == 409
    assert f"existing role assignment is {first.name.replace('-', '')}." in str(caught.value)


def test_same_name_with_other_values_is_refused(arm: Arm, principal: str, scope: str) -> None:
    where = path(scope, "22222222-2222-4222-8222-222222222222")
    arm("PUT", where, body(principal), VERSION)
    found = refusal(arm("PUT", where, body(principal, CONTRIBUTOR), VERSION))
    arm("DELETE", where, version=VERSION)
    assert found[:2] == (400, "RoleAssignmentUpdateNotPermitted")


def test_scope_that_is_not_there_is_refused(arm: Arm, principal: str) -> None:
    missing = "/subscriptions/{s}/resourceGroups/roles/providers/Microsoft.KeyVault/vaults/none"
    where = path(missing, str(uuid.uuid4()))
    assert refusal(arm("PUT", where, body(principal), VERSION))[:2] == (404, "ResourceNotFound")


GET_SECRET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
SET_SECRET = "Microsoft.KeyVault/vaults/secrets/setSecret/action"
VAULT = "/subscriptions/s/resourceGroups/x/providers/Microsoft.KeyVault/vaults/kv"

RIGHTS: list[tuple[str, str, str, str, bool, bool]] = [
    (SECRETS_USER, VAULT, VAULT, GET_SECRET, True, True),
    (SECRETS_USER, VAULT, f"{VAULT}/secrets/a", GET_SECRET, True, True),
    (SECRETS_USER, VAULT, VAULT.upper(), GET_SECRET.lower(), True, True),
    (SECRETS_USER, VAULT, VAULT, SET_SECRET, True, False),
    (SECRETS_USER, VAULT, VAULT + "2", GET_SECRET, True, False),
    (SECRETS_USER, f"{VAULT}/secrets/a", f"{VAULT}/secrets/b", GET_SECRET, True, False),
    (SECRETS_USER, VAULT, VAULT, "Microsoft.KeyVault/vaults/read", False, False),
    (SECRETS_OFFICER, VAULT, VAULT, SET_SECRET, True, True),
    (SECRETS_OFFICER, "/subscriptions/s", VAULT, SET_SECRET, True, True),
    (READER, "/subscriptions/s", VAULT, "Microsoft.KeyVault/vaults/read", False, True),
    (READER, "/subscriptions/s", VAULT, "Microsoft.KeyVault/vaults/write", False, False),
    (CONTRIBUTOR, "/subscriptions/s", VAULT, "Microsoft.KeyVault/vaults/write", False, True),
    (
        CONTRIBUTOR,
        "/subscriptions/s",
        VAULT,
        "Microsoft.Authorization/roleAssignments/write",
        False,
        False,
    ),
]


@pytest.mark.parametrize(("role", "at", "scope", "action", "data", "expected"), RIGHTS)
def test_role_allows_exactly_its_actions(
    world: World, role: str, at: str, scope: str, action: str, data: bool, expected: bool
) -> None:
    give(world, STRANGER.object_id, role, at)
    assert allowed(world, STRANGER.object_id, action, scope, data=data) is expected


def test_owner_reads_no_secret(world: World) -> None:
    assert allowed(world, OWNER.object_id, "Microsoft.KeyVault/vaults/write", VAULT)
    assert not allowed(world, OWNER.object_id, GET_SECRET, VAULT, data=True)


def test_principal_that_is_gone_may_do_nothing(world: World) -> None:
    give(world, STRANGER.object_id, SECRETS_USER, VAULT)
    with world.transaction():
        world.state(Directory).remove(STRANGER.object_id)
    assert not allowed(world, STRANGER.object_id, GET_SECRET, VAULT, data=True)


def test_seeding_twice_makes_one_owner(world: World) -> None:
    with world.transaction():
        authorization.seed(world, OWNER.object_id)
    assert len(world.state(Assignments).all()) == 1
