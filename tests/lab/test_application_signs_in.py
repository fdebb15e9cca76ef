"""App 2's chain, link by link: a real token of the cluster, its application, its vault."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from akswi_helpers import application, infrastructure
from akswi_helpers.lab import Lab
from tests.chain.standing import Standing

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:msgraph.generated", "ignore::DeprecationWarning:kiota_abstractions"
)

NAMESPACE, ACCOUNT = "app2", "app2-workloadidapp2"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"


@pytest.fixture
def token(standing: Standing) -> Iterator[str]:
    standing.kubectl("create", "namespace", NAMESPACE)
    standing.kubectl("create", "serviceaccount", ACCOUNT, "-n", NAMESPACE)
    yield standing.kubectl(
        "create", "token", ACCOUNT, "-n", NAMESPACE, "--audience", application.AUDIENCE
    ).strip()
    standing.kubectl("delete", "namespace", NAMESPACE)


@pytest.fixture
def registered(lab: Lab) -> Iterator[application.Application]:
    made = application.create(lab)
    yield made
    roles = lab.cloud.authorization().role_assignments
    for row in roles.list_for_subscription():
        if row.principal_id == made.principal_id:
            roles.delete_by_id(str(row.id))
    application.remove(lab)


class Terminal:
    """What a learner types with curl: an exchange, and what its token opens."""

    def __init__(self, lab: Lab, standing: Standing, client: str) -> None:
        self._lab, self._standing, self._client = lab, standing, client

    def exchange(self, assertion: str) -> tuple[int, Any]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client,
            "client_assertion": assertion,
            "client_assertion_type": BEARER,
            "scope": "https://vault.azure.net/.default",
        }
        tenant = self._lab.cloud.tenant_id
        url = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
        reply = self._standing.http("POST", url, data=form)
        return reply.status_code, reply.json()

    def refused(self, assertion: str) -> list[int]:
        status, body = self.exchange(assertion)
        assert status in (400, 401)
        return list(body["error_codes"])

    def get(self, url: str, assertion: str) -> tuple[int, Any]:
        _, body = self.exchange(assertion)
        headers = {"authorization": f"Bearer {body['access_token']}"}
        reply = self._standing.http("GET", url, headers=headers)
        return reply.status_code, reply.json()

    def secret(self, app: str, assertion: str) -> tuple[int, Any]:
        vault = infrastructure.outputs(self._lab)[f"kv{app}Name"]
        where = f"https://{vault}.vault.azure.net/secrets/arbitrarySecret?api-version=7.4"
        return self.get(where, assertion)


@pytest.fixture
def terminal(lab: Lab, standing: Standing, registered: application.Application) -> Terminal:
    return Terminal(lab, standing, registered.client_id)


def _assign(lab: Lab, principal: str) -> None:
    vault = f"{lab.group_id}/providers/Microsoft.KeyVault/vaults/"
    scope = vault + infrastructure.outputs(lab)["kvApp2Name"]
    role = f"/subscriptions/{lab.cloud.subscription_id}/providers/Microsoft.Authorization"
    values: Any = {
        "roleDefinitionId": f"{role}/roleDefinitions/{SECRETS_USER}",
        "principalId": principal,
        "principalType": "ServicePrincipal",
    }
    roles = lab.cloud.authorization().role_assignments
    roles.create(scope, str(uuid.uuid4()), {"properties": values})


def _one_byte_changed(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def test_app_2_signs_in_when_it_is_federated_and_not_before(
    lab: Lab, terminal: Terminal, token: str
) -> None:
    assert terminal.refused(token) == [70025]
    application.federate(lab)
    status, body = terminal.exchange(token)
    assert (status, body["expires_in"]) == (200, 3599)
    assert terminal.refused(_one_byte_changed(token)) == [50013]


def test_app_2_opens_its_own_vault_and_nothing_else(
    lab: Lab, terminal: Terminal, token: str, registered: application.Application
) -> None:
    application.federate(lab)
    assert terminal.secret("App2", token)[1]["error"]["innererror"]["code"] == "ForbiddenByRbac"
    _assign(lab, registered.principal_id)
    assert terminal.secret("App2", token)[0] == 200
    assert terminal.secret("App1", token)[1]["error"]["innererror"]["code"] == "ForbiddenByRbac"
    arm = "https://management.azure.com/subscriptions?api-version=2022-12-01"
    assert terminal.get(arm, token)[0] == 401


def test_another_service_account_is_refused(
    lab: Lab, standing: Standing, terminal: Terminal, token: str
) -> None:
    application.federate(lab)
    other = standing.kubectl(
        "create", "token", "default", "-n", NAMESPACE, "--audience", application.AUDIENCE
    ).strip()
    assert terminal.refused(other) == [700213]


def test_removed_application_signs_in_no_more(lab: Lab, terminal: Terminal, token: str) -> None:
    application.federate(lab)
    assert terminal.exchange(token)[0] == 200
    application.remove(lab)
    assert terminal.refused(token) == [700016]


def test_sdk_of_the_pod_signs_in_with_the_token_file(
    lab: Lab, registered: application.Application, token: str, tmp_path: Any
) -> None:
    from azure.identity import WorkloadIdentityCredential

    application.federate(lab)
    file = tmp_path / "token"
    file.write_text(token)
    with WorkloadIdentityCredential(
        tenant_id=lab.cloud.tenant_id,
        client_id=registered.client_id,
        token_file_path=str(file),
        **lab.cloud.transport,
    ) as credential:
        assert credential.get_token("https://vault.azure.net/.default").token
