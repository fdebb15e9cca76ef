"""Conditions of role assignments: what the portal writes, and what it then lets pass."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from akswi_helpers.sandbox.azure.arm import authorization, conditions
from akswi_helpers.sandbox.azure.arm.authorization import allowed
from akswi_helpers.sandbox.world import World
from tests.sandbox.azure.conftest import STRANGER, Arm, refusal

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
RBAC_ADMIN = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
WRITE = "Microsoft.Authorization/roleAssignments/write"

# As delegate-role-assignments-examples has it, "Constrain roles".
ONLY_READERS = f"""
(
 (
  !(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}})
 )
 OR
 (
  @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]
  ForAnyOfAnyValues:GuidEquals {{{READER}, {SECRETS_USER}}}
 )
)
AND
(
 (
  !(ActionMatches{{'Microsoft.Authorization/roleAssignments/delete'}})
 )
 OR
 (
  @Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId]
  ForAnyOfAnyValues:GuidEquals {{{READER}, {SECRETS_USER}}}
 )
)
"""
ROLE = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]"
KIND = "@Request[Microsoft.Authorization/roleAssignments:PrincipalType]"


def about(role: str | None = READER, **more: Any) -> conditions.Attributes:
    return conditions.of_assignment("request", {"roleDefinitionId": role, **more})


@pytest.mark.parametrize(
    ("action", "role", "passes"),
    [
        (WRITE, READER, True),
        (WRITE, SECRETS_USER.upper(), True),
        (WRITE, RBAC_ADMIN, False),
        (WRITE, None, True),  # not known before the run
        ("Microsoft.Authorization/roleAssignments/delete", READER, False),  # no @Resource there
        ("Microsoft.KeyVault/vaults/write", RBAC_ADMIN, True),
    ],
)
def test_condition_of_the_portal_lets_pass(action: str, role: str | None, passes: bool) -> None:
    assert conditions.holds(ONLY_READERS, action, about(role)) is passes


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        (f"{ROLE} ForAnyOfAllValues:GuidNotEquals {{{RBAC_ADMIN}}}", True),
        (f"{ROLE} ForAnyOfAllValues:GuidNotEquals {{{READER}}}", False),
        (f"{KIND} ForAnyOfAnyValues:StringEqualsIgnoreCase {{'user', 'group'}}", False),
        (f"NOT {KIND} ForAnyOfAnyValues:StringEqualsIgnoreCase {{'user'}}", True),
        (f"{ROLE} ForAnyOfAnyValues:GuidEquals {{{READER}}} && !({ROLE} "
         f"ForAnyOfAnyValues:GuidEquals {{{READER}}})", False),
    ],
)  # fmt: skip
def test_comparison_lets_pass(text: str, passes: bool) -> None:
    assert conditions.holds(text, WRITE, about()) is passes


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("(ActionMatches{'a'}", conditions.BadCondition),
        ("ActionMatches{'a'} AND", conditions.BadCondition),
        ("@Request[Microsoft.Storage/x:y] StringEquals {'a'}", conditions.NotUnderstood),
        (f"{ROLE} StringLike {{'a'}}", conditions.NotUnderstood),
        ("SubOperationMatches{'a'}", conditions.NotUnderstood),
    ],
)
def test_condition_is_refused_when_it_cannot_be_read(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        conditions.read(text)


def test_narrowed_administrator_assigns_only_those_roles(world: World) -> None:
    values = {
        "roleDefinitionId": f"/x/{RBAC_ADMIN}",
        "principalId": STRANGER.object_id,
        "condition": ONLY_READERS,
        "conditionVersion": "2.0",
    }
    made = authorization.assignment_document("/subscriptions/s", str(uuid.uuid4()), values, "", 0)
    with world.transaction():
        world.state(authorization.Assignments).put(made)
    scope, who = "/subscriptions/s/resourceGroups/g", STRANGER.object_id
    assert allowed(world, who, WRITE, scope, about=about(READER))
    assert not allowed(world, who, WRITE, scope, about=about(RBAC_ADMIN))
    assert not allowed(world, who, WRITE, scope)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"condition": ONLY_READERS}, "InvalidConditionVersion"),
        ({"condition": "(", "conditionVersion": "2.0"}, "InvalidCondition"),
    ],
)
def test_condition_on_the_wire_is_refused(arm: Arm, sent: Any, code: str) -> None:
    scope = "/subscriptions/{s}/providers/Microsoft.Authorization"
    values = {"roleDefinitionId": f"{scope}/roleDefinitions/{READER}", "principalId": "p", **sent}
    where = f"{scope}/roleAssignments/{uuid.uuid4()}"
    assert refusal(arm("PUT", where, {"properties": values}, "2022-04-01"))[:2] == (400, code)
