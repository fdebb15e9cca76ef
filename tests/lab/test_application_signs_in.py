"""App 2 signs in: a real token of the cluster, and the application that the verbs registered.

What its access token opens is in tests/chain/test_curl.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from akswi_helpers import application
from akswi_helpers.lab import Lab
from tests.chain.standing import Standing

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:msgraph.generated", "ignore::DeprecationWarning:kiota_abstractions"
)

NAMESPACE, ACCOUNT = "app2", "app2-workloadidapp2"
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


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
    application.remove(lab)


class Terminal:
    """What a learner types with curl: an exchange."""

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


@pytest.fixture
def terminal(lab: Lab, standing: Standing, registered: application.Application) -> Terminal:
    return Terminal(lab, standing, registered.client_id)


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
