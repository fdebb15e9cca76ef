"""Conditions of role assignments: what the portal writes, and what it then lets pass."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from akswi_helpers.sandbox.azure.arm import authorization, conditions
from akswi_helpers.sandbox.azure.arm import service as front
from akswi_helpers.sandbox.azure.arm.authorization import allowed
from akswi_helpers.sandbox.wire import Caller, WireError
from akswi_helpers.sandbox.world import World
from tests.sandbox.azure.conftest import OWNER, STRANGER, Arm, refusal

READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
RBAC_ADMIN = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
OWN = "77777777-7777-4777-8777-777777777777"  # the name of STRANGER's own assignment
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


@pytest.fixture
def narrowed(world: World) -> World:
    """STRANGER may give, and take away, READER and SECRETS_USER in the subscription."""
    values = {
        "roleDefinitionId": f"/x/{RBAC_ADMIN}",
        "principalId": STRANGER.object_id,
        "condition": ONLY_READERS,
        "conditionVersion": "2.0",
    }
    made = authorization.assignment_document("/subscriptions/s", OWN, values, "", 0)
    with world.transaction():
        world.state(authorization.Assignments).put(made)
    return world


def assign(world: World, caller: Caller, name: str, role: str, **more: Any) -> int:
    scope = "/subscriptions/s/providers/Microsoft.Authorization"
    values = {
        "roleDefinitionId": f"{scope}/roleDefinitions/{role}",
        "principalId": STRANGER.object_id,
        "principalType": "ServicePrincipal",
        **more,
    }
    where = f"{scope}/roleAssignments/{name}"
    return front.call(world, caller, "PUT", where, "2022-04-01", {"properties": values}).status


def take(world: World, name: str) -> int:
    where = f"/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/{name}"
    return front.call(world, STRANGER, "DELETE", where, "2022-04-01").status


def test_narrowed_administrator_gives_and_takes_those_roles_alone(narrowed: World) -> None:
    mine, other = str(uuid.uuid4()), str(uuid.uuid4())
    assert assign(narrowed, STRANGER, mine, READER) == 201
    assert take(narrowed, mine) == 200
    with pytest.raises(WireError, match="AuthorizationFailed"):
        assign(narrowed, STRANGER, other, CONTRIBUTOR)
    assign(narrowed, OWNER, other, CONTRIBUTOR)
    with pytest.raises(WireError, match="AuthorizationFailed"):
        take(narrowed, other)


def test_narrowed_administrator_cannot_widen_himself(narrowed: World) -> None:
    with pytest.raises(WireError, match="AuthorizationFailed"):
        assign(narrowed, STRANGER, OWN, RBAC_ADMIN)
    with pytest.raises(WireError, match="AuthorizationFailed"):
        take(narrowed, OWN)


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
