"""The metadata service: which identities a node has, and how it says no."""

from __future__ import annotations

import asyncio

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential

from akswi_helpers.sandbox.azure.arm import managed_identity
from akswi_helpers.sandbox.azure.arm.resources import Resources
from akswi_helpers.sandbox.azure.compute import imds
from akswi_helpers.sandbox.azure.compute import service as compute
from akswi_helpers.sandbox.dispatch import Services, answer
from akswi_helpers.sandbox.wire import UNVERIFIED, Reply, Request
from akswi_helpers.sandbox.world import World
from tests.sandbox.conftest import Cloud

TOKEN = "http://169.254.169.254/metadata/identity/oauth2/token"
VAULT = "https://vault.azure.net"
NODE = "aks-npuser01-12345678-vmss000000"
LONELY = "aks-npsystem-12345678-vmss000000"
GROUP = "/subscriptions/s/resourceGroups/MC_akswi"
NAMES = ("agentpool", "addon")


def named(name: str) -> str:
    return f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"


@pytest.fixture
def world() -> World:
    world = World(subscription_id="s")
    with world.transaction():
        made = [managed_identity.make(world, named(name), "westeurope", {}) for name in NAMES]
        for pool, carried in ((NODE, made), (LONELY, made[:1])):
            scale_set = pool[:-6]
            resource_id = f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/{scale_set}"
            block = compute.identity_of(world, [one["id"] for one in carried])
            world.state(Resources).put(
                resource_id,
                compute.scale_set_document(resource_id, "westeurope", {}, block, "B2s", 1),
            )
    return world


def value(world: World, name: str, field: str) -> str:
    return str(world.state(Resources).find(named(name))["properties"][field])


def ask(world: World, query: str = "", node: str = NODE, **headers: str) -> Reply:
    headers = headers or {"metadata": "true"}
    path = "/metadata/identity/oauth2/token"
    full = f"api-version=2018-02-01&resource={VAULT}&{query}"
    request = Request("GET", imds.HOST, path, full, headers, node=node)
    return asyncio.run(answer(world, Services((imds.SERVICE,)), request))


@pytest.mark.parametrize("selector", imds.SELECTORS)
def test_token_is_of_the_identity_that_was_named(world: World, selector: str) -> None:
    by_id = imds.SELECTORS[selector] == "id"
    name = named("ADDON") if by_id else value(world, "addon", imds.SELECTORS[selector])
    body = ask(world, f"{selector}={name}").body
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert claims["appid"] == body["client_id"] == value(world, "addon", "clientId")
    assert int(body["expires_on"]) - int(body["not_before"]) == 86_700
    assert 86_300 < int(body["expires_in"]) <= 86_400


def test_token_is_the_same_until_half_its_life_is_over(world: World) -> None:
    query = f"client_id={value(world, 'addon', 'clientId')}"
    first, second = (ask(world, query).body for _ in range(2))
    assert first["access_token"] == second["access_token"]
    with world.transaction():
        world.clock.move(13 * 3600)
    assert ask(world, query).body["access_token"] != first["access_token"]


def test_only_identity_of_a_node_needs_no_name(world: World) -> None:
    assert ask(world, node=LONELY).body["client_id"] == value(world, "agentpool", "clientId")


REFUSED = {
    "several and none named": ("", NODE, "invalid_request", "Multiple user assigned identities"),
    "not on this node": ("client_id=other", NODE, "invalid_request", "Identity not found"),
    "a node that is not there": ("", NODE[:-1] + "7", "invalid_request", "Identity not found"),
    "a person": ("", "learner", "invalid_request", "Identity not found"),
    "named twice": ("client_id=a&object_id=b", NODE, "invalid_request", UNVERIFIED),
}


@pytest.mark.parametrize("case", REFUSED)
def test_token_is_refused_with_400(world: World, case: str) -> None:
    query, node, error, text = REFUSED[case]
    refused = ask(world, query, node)
    assert (refused.status, refused.body["error"]) == (400, error)
    assert refused.body["error_description"].startswith(text)


def test_request_without_the_header_is_refused(cloud: Cloud) -> None:
    refused = cloud.raw("GET", f"{TOKEN}?api-version=2018-02-01&resource={VAULT}")
    assert (refused.status_code, refused.json()) == (
        400,
        {
            "error": "bad_request_102",
            "error_description": "Required metadata header not specified",
        },
    )


def test_forwarded_request_is_refused(cloud: Cloud) -> None:
    headers = {"Metadata": "true", "X-Forwarded-For": "10.0.0.4"}
    assert cloud.raw("GET", TOKEN, headers=headers).status_code == 400


def test_other_metadata_is_not_emulated(cloud: Cloud) -> None:
    url = "http://169.254.169.254/metadata/instance?api-version=2021-02-01"
    refused = cloud.raw("GET", url, headers={"Metadata": "true"})
    assert (refused.status_code, refused.json()["error"]) == (501, "NotEmulated")


def test_sdk_finds_no_identity_where_there_is_no_node(cloud: Cloud) -> None:
    with (
        ManagedIdentityCredential(**cloud.transport) as credential,
        pytest.raises((CredentialUnavailableError, ClientAuthenticationError)) as refused,
    ):
        credential.get_token(f"{VAULT}/.default")
    assert "dentity not found" in str(refused.value) or "no identity" in str(refused.value)
