"""Managed identities and their federated credentials: through the SDK, and what Azure refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from akswi_helpers.sandbox.azure.arm import service as front
from akswi_helpers.sandbox.azure.entra.directory import Directory
from akswi_helpers.sandbox.world import World
from tests.sandbox.azure.conftest import OWNER, Arm, Clients, refusal

ISSUER = "https://westeurope.oic.prod-aks.azure.com/t/u/"
VERSION = "2024-11-30"
IDENTITIES = (
    "/subscriptions/{s}/resourceGroups/ids/providers/Microsoft.ManagedIdentity"
    "/userAssignedIdentities"
)
WESTEUROPE: Any = {"location": "westeurope"}


def credential(number: int = 0, **values: Any) -> Any:
    subject = f"system:serviceaccount:app{number}:app{number}"
    properties = {"issuer": ISSUER, "subject": subject, "audiences": ["api://AzureADTokenExchange"]}
    return {"properties": {**properties, **values}}


@pytest.fixture(scope="module", autouse=True)
def identity(azure: Clients) -> Any:
    azure.group("ids")
    return azure.identities.user_assigned_identities.create_or_update("ids", "id-one", WESTEUROPE)


def test_create_identity_makes_a_principal_of_its_own(azure: Clients, identity: Any) -> None:
    other: Any = azure.identities.user_assigned_identities.create_or_update(
        "ids", "id-two", WESTEUROPE
    )
    numbers = {identity.client_id, identity.principal_id, other.client_id, other.principal_id}
    assert len(numbers) == 4
    assert identity.tenant_id == azure.cloud.settings.tenant_id
    assert "/resourcegroups/ids/" in identity.id


def test_create_identity_again_keeps_the_principal(azure: Clients, identity: Any) -> None:
    body: Any = {**WESTEUROPE, "tags": {"a": "b"}}
    again: Any = azure.identities.user_assigned_identities.create_or_update("ids", "id-one", body)
    assert (again.principal_id, again.tags) == (identity.principal_id, {"a": "b"})


def test_delete_identity_answers_200_then_204(arm: Arm) -> None:
    arm("PUT", f"{IDENTITIES}/id-gone", WESTEUROPE, VERSION)
    assert arm("DELETE", f"{IDENTITIES}/id-gone", version=VERSION).status_code == 200
    assert arm("DELETE", f"{IDENTITIES}/id-gone", version=VERSION).status_code == 204


def test_deleted_identity_takes_its_principal_and_credentials_along(world: World) -> None:
    group = "/subscriptions/s/resourceGroups/x"
    front.call(world, OWNER, "PUT", group, "2025-04-01", WESTEUROPE)
    one = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-one"
    principal = front.call(world, OWNER, "PUT", one, VERSION, WESTEUROPE).body["properties"]
    path = f"{one}/federatedIdentityCredentials/akswi"
    front.call(world, OWNER, "PUT", path, VERSION, credential())
    assert world.state(Directory).credentials(principal["principalId"])
    front.call(world, OWNER, "DELETE", one, VERSION)
    assert world.state(Directory).by_client_id(principal["clientId"]) is None
    assert not world.state(Directory).credentials(principal["principalId"])


def test_list_identities_by_group_and_subscription(azure: Clients) -> None:
    client = azure.identities.user_assigned_identities
    in_group = {one.name for one in client.list_by_resource_group("ids")}
    assert "id-one" in in_group
    assert in_group <= {one.name for one in client.list_by_subscription()}


def test_credential_is_made_read_changed_and_deleted(azure: Clients) -> None:
    client = azure.identities.federated_identity_credentials
    azure.identities.user_assigned_identities.create_or_update("ids", "id-life", WESTEUROPE)
    client.create_or_update("ids", "id-life", "akswi-app1", credential(1))
    client.create_or_update("ids", "id-life", "akswi-app1", credential(2))
    assert str(client.get("ids", "id-life", "akswi-app1").subject).endswith("app2:app2")
    assert [one.name for one in client.list("ids", "id-life")] == ["akswi-app1"]
    client.delete("ids", "id-life", "akswi-app1")
    assert not list(client.list("ids", "id-life"))


def test_credential_answers_201_then_200(arm: Arm) -> None:
    path = f"{IDENTITIES}/id-one/federatedIdentityCredentials/first"
    assert arm("PUT", path, credential(7), VERSION).status_code == 201
    assert arm("PUT", path, credential(8), VERSION).status_code == 200


BAD = "BadRequest"
REFUSED: list[tuple[str, Any, int, str, str]] = [
    (
        "id-one/federatedIdentityCredentials/a",
        credential(),
        400,
        BAD,
        "Federated Identity Credential name 'a' is invalid.",
    ),
    (
        "id-one/federatedIdentityCredentials/akswi",
        {},
        400,
        BAD,
        "Federated Identity Credential from HTTP body has empty properties",
    ),
    (
        "id-one/federatedIdentityCredentials/akswi",
        credential(issuer=""),
        400,
        BAD,
        "The request format was unexpected. Federated Identity Credential must specify 'issuer', "
        "'subject' and 'audience'.",
    ),
    (
        "id-one/federatedIdentityCredentials/akswi",
        credential(audiences=["a", "b"]),
        400,
        BAD,
        "Federated identity credentials must have exactly one audience.",
    ),
    (
        "id-none/federatedIdentityCredentials/akswi",
        credential(),
        404,
        "NotFound",
        "The parent user-assigned identity doesn't exist.",
    ),
    (
        "id-one/federatedIdentityCredentials/twin",
        credential(99),
        400,
        BAD,
        "Issuer and subject combination already exists for this Managed Identity.",
    ),
    ("x", WESTEUROPE, 400, BAD, "The resource name 'x' is invalid"),
    ("id-new", {}, 400, "LocationRequired", "The location property is required"),
    (
        "id-one",
        {"location": "eastus"},
        409,
        "InvalidResourceLocation",
        "The resource 'id-one' already exists in location 'westeurope' in resource group 'ids'.",
    ),
]


@pytest.mark.parametrize(("path", "body", "status", "code", "text"), REFUSED)
def test_identity_is_refused_in_azures_words(
    arm: Arm, path: str, body: Any, status: int, code: str, text: str
) -> None:
    taken = f"{IDENTITIES}/id-one/federatedIdentityCredentials/taken"
    arm("PUT", taken, credential(99), VERSION)
    found = refusal(arm("PUT", f"{IDENTITIES}/{path}", body, VERSION))
    assert found[:2] == (status, code)
    assert text in found[2]


def test_twenty_first_credential_is_refused(arm: Arm) -> None:
    arm("PUT", f"{IDENTITIES}/id-full", WESTEUROPE, VERSION)
    path = f"{IDENTITIES}/id-full/federatedIdentityCredentials/number"
    made = [arm("PUT", f"{path}{n}", credential(n), VERSION).status_code for n in range(21)]
    assert made == [201] * 20 + [400]


def test_two_writes_at_the_same_moment_are_refused(arm: Arm) -> None:
    arm("PUT", f"{IDENTITIES}/id-busy", WESTEUROPE, VERSION)
    path = f"{IDENTITIES}/id-busy/federatedIdentityCredentials/number"
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(arm, "PUT", f"{path}{n}", credential(n), VERSION) for n in range(4)]
        replies = [one.result() for one in sent]
    refused = [refusal(one) for one in replies if one.status_code == 409]
    assert [one.status_code for one in replies].count(201) >= 1
    assert refused
    name = "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity"
    assert {code for _, code, _ in refused} == {name}
