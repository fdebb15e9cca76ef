r"""App 2's exchange as a learner types it: `kubectl create token`, then curl, and nothing else.

    T=$(kubectl create token app2-workloadidapp2 -n app2 --audience api://AzureADTokenExchange)
    curl https://login.microsoftonline.com/$AZURE_TENANT_ID/oauth2/v2.0/token \
         --data client_assertion=$T …

The real curl, in a terminal that has the exports of `akswi sandbox env`; tokens reach it by its
standard input, so that no list of processes shows them.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.chain.azure_side import AzureSide
from tests.chain.standing import Standing

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")

ARM = "https://management.azure.com/subscriptions?api-version=2022-12-01"


@pytest.fixture
def token(standing: Standing) -> str:
    words = ("create", "token", "app2-workloadidapp2", "-n", "app2")
    return standing.kubectl(*words, "--audience", "api://AzureADTokenExchange").strip()


def curl(standing: Standing, url: str, **options: list[str]) -> tuple[int, Any]:
    """Status and JSON of one request; `options` are lines of curl's own configuration."""
    given = [(name, value) for name, values in options.items() for value in values]
    lines = [
        f"url = {json.dumps(url)}",
        *(f"{name} = {json.dumps(value)}" for name, value in given),
    ]
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", "--config", "-"],
        env=standing.env,
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def exchanged(standing: Standing, azure: AzureSide, token: str) -> tuple[int, Any]:
    """Entra's answer to a token of the cluster, as app 2."""
    form = [
        "grant_type=client_credentials",
        f"client_id={azure.application.client_id}",
        "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        f"client_assertion={token}",
        "scope=https://vault.azure.net/.default",
    ]
    url = f"https://login.microsoftonline.com/{azure.tenant}/oauth2/v2.0/token"
    return curl(standing, url, data=form)


def asked(standing: Standing, azure: AzureSide, token: str, url: str) -> tuple[int, Any]:
    """The answer to app 2's own access token."""
    got = exchanged(standing, azure, token)[1]["access_token"]
    return curl(standing, url, header=[f"Authorization: Bearer {got}"])


def secret(azure: AzureSide, number: int) -> str:
    vault = azure.outputs[f"kvApp{number}Name"]
    return f"https://{vault}.vault.azure.net/secrets/arbitrarySecret?api-version=7.4"


def test_exchange_is_refused_without_a_credential_and_taken_with_one(
    standing: Standing, azure: AzureSide, token: str
) -> None:
    with azure.application.no_credential():
        status, refused = exchanged(standing, azure, token)
    assert (status, refused["error_codes"]) == (401, [70025])
    status, given = exchanged(standing, azure, token)
    assert (status, given["token_type"], given["expires_in"]) == (200, "Bearer", 3599)


def test_exchange_is_refused_when_one_byte_is_changed(
    standing: Standing, azure: AzureSide, token: str
) -> None:
    head, claims, signature = token.split(".")
    other = ("B" if signature[0] == "A" else "A") + signature[1:]
    forged = (f"{head}.{_one_byte_changed(claims)}.{signature}", f"{head}.{claims}.{other}")
    answers = [exchanged(standing, azure, one) for one in forged]
    assert [answer["error_codes"] for _, answer in answers] == [[50013], [50013]]


def _one_byte_changed(part: str) -> str:
    """The claims with another last character in the token's own id."""
    text = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()
    id_ = json.loads(text)["jti"]
    other = id_[:-1] + ("a" if id_[-1] != "a" else "b")
    return base64.urlsafe_b64encode(text.replace(id_, other).encode()).decode().rstrip("=")


def test_access_token_opens_app_2s_vault(standing: Standing, azure: AzureSide, token: str) -> None:
    status, found = asked(standing, azure, token, secret(azure, 2))
    assert (status, found["value"] == azure.value(2)) == (200, True)


def test_access_token_opens_no_other_vault(
    standing: Standing, azure: AzureSide, token: str
) -> None:
    status, refused = asked(standing, azure, token, secret(azure, 1))
    assert (status, refused["error"]["innererror"]["code"]) == (403, "ForbiddenByRbac")


def test_access_token_is_not_for_arm(standing: Standing, azure: AzureSide, token: str) -> None:
    status, refused = asked(standing, azure, token, ARM)
    assert (status, refused["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")
