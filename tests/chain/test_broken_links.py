"""Each link of app 1's chain broken alone: the pod says what Azure says, and mending heals it.

Nothing here reaches into the sandbox: kubectl, the SDKs and plain HTTPS break and mend; only the
clock is moved through its dial. The texts are those Entra and Key Vault were seen to send.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.chain.azure_side import AzureSide
from tests.chain.standing import ACCOUNT, DEPLOYMENT, NAMESPACE, Standing

AUDIENCE = "api://AzureADTokenExchange"
CLIENT_ID = "azure.workload.identity/client-id"
SUBJECT = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"
WORKS = "sha256="

Break = Callable[[Standing, AzureSide], AbstractContextManager[None]]


def credential(**changes: Any) -> Break:
    return lambda _, azure: azure.credential_with(**changes)


@contextlib.contextmanager
def label_missing(lab: Standing, _: AzureSide) -> Iterator[None]:
    path = "/spec/template/metadata/labels/azure.workload.identity~1use"
    _patch(lab, [{"op": "remove", "path": path}])
    yield
    _patch(lab, [{"op": "add", "path": path, "value": "true"}])


@contextlib.contextmanager
def annotation(lab: Standing, value: str | None) -> Iterator[None]:
    account = json.loads(lab.kubectl("get", "sa", "-n", NAMESPACE, ACCOUNT, "-o", "json"))
    good = account["metadata"]["annotations"][CLIENT_ID]
    wanted = f"{CLIENT_ID}-" if value is None else f"{CLIENT_ID}={value}"
    lab.kubectl("annotate", "sa", "-n", NAMESPACE, ACCOUNT, wanted, "--overwrite")
    yield
    lab.kubectl("annotate", "sa", "-n", NAMESPACE, ACCOUNT, f"{CLIENT_ID}={good}", "--overwrite")


@contextlib.contextmanager
def wrong_vault(lab: Standing, azure: AzureSide) -> Iterator[None]:
    for number in (2, 1):
        name = azure.outputs[f"kvApp{number}Name"]
        lab.kubectl("set", "env", "-n", NAMESPACE, f"deploy/{DEPLOYMENT}", f"KEYVAULT_NAME={name}")
        if number == 2:
            yield


BROKEN: dict[str, tuple[Break, str]] = {
    "the pod's label is missing": (label_missing, "azure.workload.identity/use"),
    "the account's annotation is missing": (lambda lab, _: annotation(lab, None), CLIENT_ID),
    "the account's annotation is wrong": (
        lambda lab, _: annotation(lab, "00000000-aaaa-4bbb-8ccc-000000000000"),
        "AADSTS700016: Application with identifier '00000000-aaaa-4bbb-8ccc-000000000000'",
    ),
    "another issuer": (
        credential(issuer="https://westeurope.oic.prod-aks.azure.com/other/"),
        "AADSTS700211: No matching federated identity record found for presented assertion issuer",
    ),
    "another subject": (
        credential(subject="system:serviceaccount:app1:default"),
        f"AADSTS700213: No matching federated identity record found for presented assertion "
        f"subject '{SUBJECT}'.",
    ),
    "another case of the subject": (
        credential(subject=SUBJECT.replace("app1:app1", "app1:App1")),
        "AADSTS7002138: No matching federated identity record found for presented assertion "
        f"subject '{SUBJECT}'. The subject matches with case-insensitive comparison",
    ),
    "another audience": (
        credential(audiences=["api://SomethingElse"]),
        "AADSTS700212: No matching federated identity record found for presented assertion "
        f"audience '{AUDIENCE}'.",
    ),
    "no credential at all": (
        lambda _, azure: azure.no_credential(),
        "has no configured federated identity credentials.",
    ),
    "another vault": (wrong_vault, "ForbiddenByRbac"),
    "the role is gone": (
        lambda _, azure: azure.role_removed(azure.principal("id-app1")),
        "ForbiddenByRbac",
    ),
    "the secret is disabled": (lambda _, azure: azure.secret_disabled(), "SecretDisabled"),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("link", BROKEN)
def test_broken_link_is_named_and_mending_heals(
    standing: Standing, azure: AzureSide, link: str
) -> None:
    breaks, text = BROKEN[link]
    standing.log_says(WORKS)
    with breaks(standing, azure):
        standing.restart()
        assert text in standing.log_says(text)
    standing.restart()
    assert WORKS in standing.log_says(WORKS)


# The same chain by hand: the token of app 1's account, posted to Entra with plain HTTPS.


def test_token_is_exchanged_and_opens_the_vault(standing: Standing, azure: AzureSide) -> None:
    answer = _exchange(standing, azure, _token(standing))
    assert answer["token_type"] == "Bearer"
    url = f"https://{azure.outputs['kvApp1Name']}.vault.azure.net/secrets/arbitrarySecret"
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    assert standing.http("GET", f"{url}?api-version=7.4", headers=bearer).status_code == 200


def test_expired_token_is_refused(standing: Standing, azure: AzureSide) -> None:
    token = _token(standing, "--duration=1h")
    with _later(standing, 2 * 3600):
        answer = _exchange(standing, azure, token)
    assert answer["error_codes"] == [700024]
    assert "Client assertion is not within its valid time range." in str(
        answer["error_description"]
    )


def test_tampered_token_is_refused(standing: Standing, azure: AzureSide) -> None:
    head, body, signature = _token(standing).split(".")
    other = ("A" if signature[9] != "A" else "B").join((signature[:9], signature[10:]))
    answer = _exchange(standing, azure, f"{head}.{body}.{other}")
    assert "access_token" not in answer
    assert "[akswi: wording not verified]" in str(answer["error_description"])


def test_token_signed_by_a_foreign_key_is_refused(standing: Standing, azure: AzureSide) -> None:
    claims = _claims(_token(standing))
    key = rsa.generate_private_key(65537, 2048)
    forged = jwt.encode(claims, key, "RS256", {"kid": "foreign"})
    assert _exchange(standing, azure, forged)["error_codes"] == [7000272]


def test_token_signed_by_a_foreign_key_of_the_same_name_is_refused(
    standing: Standing, azure: AzureSide
) -> None:
    token = _token(standing)
    kid = jwt.get_unverified_header(token)["kid"]
    forged = jwt.encode(
        _claims(token), rsa.generate_private_key(65537, 2048), "RS256", {"kid": kid}
    )
    assert "access_token" not in _exchange(standing, azure, forged)


def test_token_for_another_audience_is_refused(standing: Standing, azure: AzureSide) -> None:
    token = _token(standing, "--audience=https://kubernetes.default.svc", audience=None)
    assert _exchange(standing, azure, token)["error_codes"] == [700212]


def test_access_token_opens_neither_another_vault_nor_arm(
    standing: Standing, azure: AzureSide
) -> None:
    token = _exchange(standing, azure, _token(standing))["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    vault = f"https://{azure.outputs['kvApp2Name']}.vault.azure.net/secrets/arbitrarySecret"
    refused = standing.http("GET", f"{vault}?api-version=7.4", headers=bearer)
    assert refused.json()["error"]["innererror"]["code"] == "ForbiddenByRbac"
    arm = f"https://management.azure.com/subscriptions/{azure.subscription}?api-version=2022-12-01"
    assert standing.http("GET", arm, headers=bearer).status_code == 401


def _patch(lab: Standing, operations: list[dict[str, str]]) -> None:
    lab.kubectl(
        "patch", "deploy", "-n", NAMESPACE, DEPLOYMENT, "--type=json", "-p", json.dumps(operations)
    )


def _token(lab: Standing, *extra: str, audience: str | None = AUDIENCE) -> str:
    wanted = [f"--audience={audience}"] if audience else []
    return lab.kubectl("create", "token", ACCOUNT, "-n", NAMESPACE, *wanted, *extra).strip()


def _claims(token: str) -> dict[str, object]:
    body = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))


def _exchange(lab: Standing, azure: AzureSide, token: str) -> dict[str, object]:
    tenant = lab.env["AZURE_TENANT_ID"]
    answer = lab.http(
        "POST",
        f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": azure.outputs["idApp1ClientId"],
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": token,
            "scope": "https://vault.azure.net/.default",
        },
    )
    return dict(answer.json())


@contextlib.contextmanager
def _later(lab: Standing, seconds: float) -> Iterator[None]:
    lab.move_clock(seconds)
    try:
        yield
    finally:
        lab.move_clock(-seconds)
