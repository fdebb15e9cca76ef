"""The real az and Microsoft Graph: `az ad`, as people type it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chain.standing import GROUP, Standing
from tests.clients.test_az import Az

pytestmark = [pytest.mark.clients, pytest.mark.timeout(900)]

CREDENTIAL = {
    "name": "akswi-app2",
    "issuer": "https://westeurope.oic.prod-aks.azure.com/t/i/",
    "subject": "system:serviceaccount:app2:app2-workloadidapp2",
    "audiences": ["api://AzureADTokenExchange"],
}


@pytest.fixture(scope="module")
def az(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    lab = Standing(Path(tmp_path_factory.mktemp("home")))
    try:
        az = Az(lab)
        az.sign_in(az.env["AZURE_CLIENT_SECRET"])
        az("group", "create", "-n", GROUP, "-l", "westeurope")
        yield az
    finally:
        lab.akswi("sandbox", "stop")


@pytest.fixture(scope="module")
def made(az: Az) -> Any:
    return az("ad", "sp", "create-for-rbac", "--name", "AksWiApp2")


def test_create_for_rbac_makes_a_principal_that_signs_in(az: Az, made: Any) -> None:
    words = ("login", "--service-principal", "-u", made["appId"], "-p", made["password"])
    wrong = az(*words[:-1], "wrong", "--tenant", made["tenant"], check=False)
    assert "AADSTS7000215" in wrong
    az(*words, "--tenant", made["tenant"], "--allow-no-subscriptions")
    az.sign_in(az.env["AZURE_CLIENT_SECRET"])


def test_create_for_rbac_again_takes_over_the_namesake(az: Az, made: Any) -> None:
    again = az("ad", "sp", "create-for-rbac", "--name", "AksWiApp2")
    assert again["appId"] == made["appId"]
    assert again["password"] != made["password"]


def test_application_and_principal_are_shown_and_listed(az: Az, made: Any) -> None:
    client = made["appId"]
    assert az("ad", "app", "show", "--id", client)["displayName"] == "AksWiApp2"
    assert az("ad", "sp", "show", "--id", client)["appId"] == client
    assert [one["appId"] for one in az("ad", "app", "list", "--display-name", "AksWiApp")] == [
        client
    ]
    assert "does not exist" in az("ad", "app", "show", "--id", GROUP, check=False).replace(
        "doesn't", "does not"
    )


def test_federated_credential_is_made_listed_and_deleted(az: Az, made: Any, tmp_path: Path) -> None:
    client, file = made["appId"], tmp_path / "credential.json"
    file.write_text(json.dumps(CREDENTIAL))
    words = ("ad", "app", "federated-credential")
    az(*words, "create", "--id", client, "--parameters", f"@{file}")
    assert [one["name"] for one in az(*words, "list", "--id", client)] == ["akswi-app2"]
    taken = az(*words, "create", "--id", client, "--parameters", f"@{file}", check=False)
    assert "FederatedIdentityCredential with name akswi-app2 already exists." in taken
    one = (*words[:3], "show", "--id", client, "--federated-credential-id", "akswi-app2")
    assert az(*one)["subject"] == CREDENTIAL["subject"]
    az(*words, "delete", "--id", client, "--federated-credential-id", "akswi-app2")
    assert az(*words, "list", "--id", client) == []


def test_role_is_assigned_by_client_id(az: Az, made: Any) -> None:
    group = az("group", "show", "-n", GROUP)["id"]
    words = ("role", "assignment", "create", "--role", "Reader", "--scope", group)
    assigned = az(*words, "--assignee", made["appId"])
    assert assigned["principalId"] == az("ad", "sp", "show", "--id", made["appId"])["id"]


def test_rest_reaches_beta_and_the_recycle_bin(az: Az) -> None:
    made = az("ad", "app", "create", "--display-name", "Short-lived")
    az("ad", "app", "delete", "--id", made["appId"])
    url = "https://graph.microsoft.com/beta/directory/deletedItems"
    listed = az("rest", "--url", f"{url}/microsoft.graph.application")
    assert made["id"] in [one["id"] for one in listed["value"]]
    az("rest", "--method", "DELETE", "--url", f"{url}/{made['id']}")
    assert az("rest", "--url", f"{url}/microsoft.graph.application")["value"] == []
