"""Resource Manager's front door: who may ask, and how it says no."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from akswi_helpers.sandbox.azure.arm import service as front
from akswi_helpers.sandbox.wire import WireError
from akswi_helpers.sandbox.world import World
from tests.sandbox.azure.conftest import NOT_VERIFIED, OWNER, STRANGER, Arm, Clients, refusal
from tests.sandbox.conftest import Cloud

VAULTS = "/subscriptions/{s}/resourceGroups/front/providers/Microsoft.KeyVault/vaults"


@pytest.fixture(scope="module", autouse=True)
def group(azure: Clients) -> str:
    return azure.group("front")


REFUSED: list[tuple[str, str, str, dict[str, Any], int, str, str]] = [
    (
        "no api-version",
        "GET",
        VAULTS,
        {"version": ""},
        400,
        "MissingApiVersionParameter",
        "api-version query parameter",
    ),
    (
        "an unknown api-version",
        "GET",
        VAULTS,
        {"version": "2019-01-01"},
        400,
        "NoRegisteredProviderFound",
        "API version '2019-01-01' for type 'vaults'. The supported api-versions are '2015-06-01,",
    ),
    (
        "no token",
        "GET",
        VAULTS,
        {"headers": {}, "version": "2024-11-01"},
        401,
        "AuthenticationFailed",
        "Authentication failed. The 'Authorization' header is missing.",
    ),
    (
        "a token that is none",
        "GET",
        VAULTS,
        {"headers": {"authorization": "Bearer x.y.z"}, "version": "2024-11-01"},
        401,
        "InvalidAuthenticationToken",
        "The access token is invalid.",
    ),
    (
        "another subscription",
        "GET",
        "/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups",
        {},
        404,
        "SubscriptionNotFound",
        "'11111111-1111-1111-1111-111111111111' could not be found.",
    ),
    (
        "a group that is not there",
        "GET",
        VAULTS.replace("front", "nowhere"),
        {"version": "2024-11-01"},
        404,
        "ResourceGroupNotFound",
        "Resource group 'nowhere' could not be found.",
    ),
    (
        "a resource that is not there",
        "GET",
        f"{VAULTS}/kv-none",
        {"version": "2024-11-01"},
        404,
        "ResourceNotFound",
        "The Resource 'Microsoft.KeyVault/vaults/kv-none' under resource group 'front' was not "
        "found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    ),
    (
        "a type that is not emulated",
        "GET",
        "/subscriptions/{s}/resourceGroups/front/providers/Microsoft.Storage/storageAccounts/x",
        {"version": "2024-01-01"},
        501,
        "NotEmulated",
        "GET on Microsoft.Storage/storageAccounts",
    ),
    (
        "a query parameter that nobody reads",
        "GET",
        f"{VAULTS}?$skip=3",
        {"version": "2024-11-01"},
        501,
        "NotEmulated",
        "the query parameter '$skip'",
    ),
    (
        "a body that is not JSON",
        "PUT",
        f"{VAULTS}/kv-front",
        {"version": "2024-11-01", "data": "{"},
        400,
        "InvalidRequestContent",
        "could not be deserialized",
    ),
]


@pytest.mark.parametrize(
    ("method", "path", "rest", "status", "code", "text"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_request_is_refused_in_azures_words(
    arm: Arm, method: str, path: str, rest: dict[str, Any], status: int, code: str, text: str
) -> None:
    found = refusal(arm(method, path, **rest))
    assert found[:2] == (status, code)
    assert text in found[2]


def test_token_for_the_vaults_is_refused_with_a_challenge(arm: Arm, cloud: Cloud) -> None:
    headers = {"authorization": f"Bearer {cloud.token('https://vault.azure.net')}"}
    reply = arm("GET", VAULTS, version="2024-11-01", headers=headers)
    assert refusal(reply)[:2] == (401, "InvalidAuthenticationTokenAudience")
    assert reply.headers["www-authenticate"].startswith("Bearer authorization_uri=")


def test_refusal_says_who_refused(arm: Arm) -> None:
    gateway = arm("GET", f"{VAULTS}/kv-none", version="2024-11-01")
    provider = arm("PUT", f"{VAULTS}/k--v", _vault_body(arm), version="2024-11-01")
    assert gateway.headers["x-ms-failure-cause"] == "gateway"
    assert provider.headers["x-ms-failure-cause"] == "service"


def test_unverified_words_are_marked(arm: Arm) -> None:
    marked = refusal(arm("GET", VAULTS, version=""))[2]
    verified = refusal(arm("GET", f"{VAULTS}/kv-none", version="2024-11-01"))[2]
    assert marked.startswith(NOT_VERIFIED)
    assert not verified.startswith(NOT_VERIFIED)


def test_answer_carries_azures_headers(arm: Arm) -> None:
    headers = {**arm.headers, "x-ms-client-request-id": "mine"}
    headers["x-ms-return-client-request-id"] = "true"
    reply = arm("GET", "/subscriptions/{s}/resourcegroups", headers=headers)
    assert reply.headers["x-ms-client-request-id"] == "mine"
    assert {"x-ms-request-id", "x-ms-correlation-request-id"} <= set(reply.headers)


def test_casing_of_a_path_does_not_matter(arm: Arm) -> None:
    lower = arm(
        "GET", VAULTS.lower().replace("resourcegroups", "RESOURCEGROUPS"), version="2024-11-01"
    )
    assert lower.json() == {"value": [], "nextLink": None}


def test_caller_without_a_role_is_refused(world: World) -> None:
    with pytest.raises(WireError) as caught:
        front.call(world, STRANGER, "GET", "/subscriptions/s/resourceGroups/x", "2025-04-01")
    assert caught.value.code == "AuthorizationFailed"
    assert caught.value.message == (
        "The client 'stranger-client' with object id 'stranger-object' does not have authorization "
        "to perform action 'Microsoft.Resources/subscriptions/resourceGroups/read' over scope "
        "'/subscriptions/s/resourceGroups/x' or the scope is invalid. If access was recently "
        "granted, please refresh your credentials."
    )


def test_call_answers_with_the_document_itself(world: World) -> None:
    path, body = "/subscriptions/s/resourceGroups/x", {"location": "West Europe"}
    made = front.call(world, OWNER, "PUT", path, "2025-04-01", body)
    assert (made.status, made.body["location"]) == (201, "westeurope")
    assert front.call(world, OWNER, "GET", path, "2025-04-01").body == made.body


def test_call_leaves_nothing_behind_when_the_outer_transaction_fails(world: World) -> None:
    path, body = "/subscriptions/s/resourceGroups/x", {"location": "westeurope"}
    with suppress(ZeroDivisionError), world.transaction():
        front.call(world, OWNER, "PUT", path, "2025-04-01", body)
        raise ZeroDivisionError
    with pytest.raises(WireError, match="ResourceGroupNotFound"):
        front.call(world, OWNER, "GET", path, "2025-04-01")


def test_every_route_is_served_once() -> None:
    keys = [(route.method, route.path.lower()) for route in front.ROUTES]
    assert len(keys) == len(set(keys))
    assert len(front.SERVICE.routes) == len(front.ROUTES)


def _vault_body(arm: Arm) -> dict[str, Any]:
    properties = {"tenantId": arm.tenant, "sku": {"family": "A", "name": "standard"}}
    return {"location": "westeurope", "properties": properties}
