"""Entra's token endpoint, over the wire: who gets a token, and every refusal's words."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, WorkloadIdentityCredential

from akswi_helpers.sandbox import control
from tests.sandbox.conftest import Cloud

LOGIN = "https://login.microsoftonline.com"
VAULT = "https://vault.azure.net"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
NOWHERE = "https://nowhere.oic.prod-aks.azure.com/tenant/issuer/"

UNCHECKED: Any = {"verify_signature": False}


def post(cloud: Cloud, tenant: str = "", version: str = "v2.0/", **form: str) -> Any:
    url = f"{LOGIN}/{tenant or cloud.settings.tenant_id}/oauth2/{version}token"
    return cloud.raw("POST", url, data=form)


def good(cloud: Cloud, **changes: str) -> dict[str, str]:
    form = {
        "grant_type": "client_credentials",
        "client_id": cloud.settings.client_id,
        "client_secret": cloud.settings.client_secret,
        "scope": f"{VAULT}/.default",
    }
    return {name: value for name, value in {**form, **changes}.items() if value}


def foreign(**changes: Any) -> str:
    claims = {
        "iss": NOWHERE,
        "sub": "system:serviceaccount:app1:app1",
        "aud": ["api://AzureADTokenExchange"],
        "nbf": int(time.time()) - 5,
        "exp": int(time.time()) + 600,
    }
    return jwt.encode({**claims, **changes}, "k" * 32, "HS256", {"kid": "foreign"})


def asserted(cloud: Cloud, assertion: str) -> dict[str, str]:
    form = {"client_secret": "", "client_assertion": assertion}
    return good(cloud, **form, client_assertion_type=ASSERTION_TYPE)


def test_sdk_gets_a_token_whose_claims_are_those_of_a_service_principal(cloud: Cloud) -> None:
    claims = jwt.decode(cloud.token(VAULT), options=UNCHECKED)
    assert claims["aud"] == VAULT
    assert claims["iss"] == f"https://sts.windows.net/{cloud.settings.tenant_id}/"
    assert claims["appid"] == cloud.settings.client_id
    assert (claims["exp"] - claims["iat"], claims["appidacr"], claims["idtyp"]) == (
        3900,
        "1",
        "app",
    )


def test_token_for_graph_names_the_deployers_permission(cloud: Cloud) -> None:
    graph = jwt.decode(cloud.token("https://graph.microsoft.com"), options=UNCHECKED)
    assert graph["roles"] == ["Application.ReadWrite.All"]
    assert "roles" not in jwt.decode(cloud.token(VAULT), options=UNCHECKED)


def test_token_is_signed_by_a_published_key(cloud: Cloud) -> None:
    keys = cloud.raw("GET", f"{LOGIN}/{cloud.settings.tenant_id}/discovery/v2.0/keys").json()
    token = cloud.token(VAULT)
    key = jwt.PyJWK({**keys["keys"][0], "alg": "RS256"})
    assert jwt.decode(token, key, ["RS256"], audience=VAULT)["ver"] == "1.0"
    assert jwt.get_unverified_header(token)["x5t"] == keys["keys"][0]["kid"]


def test_sdk_says_which_secret_was_wrong(cloud: Cloud) -> None:
    kept = cloud.settings
    credential = ClientSecretCredential(kept.tenant_id, kept.client_id, "no", **cloud.transport)
    with credential, pytest.raises(ClientAuthenticationError) as refused:
        credential.get_token(f"{VAULT}/.default")
    assert "AADSTS7000215: Invalid client secret provided." in str(refused.value)


def test_workload_identity_is_refused_when_nothing_is_federated(
    cloud: Cloud, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(foreign())
    credential = WorkloadIdentityCredential(
        tenant_id=cloud.settings.tenant_id,
        client_id=cloud.settings.client_id,
        token_file_path=str(file),
        **cloud.transport,
    )
    with credential, pytest.raises(ClientAuthenticationError) as refused:
        credential.get_token(f"{VAULT}/.default")
    assert "AADSTS70025: The client '" in str(refused.value)
    assert "'(akswi-deployer) has no configured federated identity" in str(refused.value)


def test_success_has_the_headers_and_numbers_of_entra(cloud: Cloud) -> None:
    answer = post(cloud, **good(cloud))
    assert answer.json().keys() == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert answer.json()["expires_in"] == 3599
    assert answer.headers["Cache-Control"] == "no-store, no-cache"


def test_double_slash_in_the_scope_leaves_one_in_the_audience(cloud: Cloud) -> None:
    form = good(cloud, scope="https://management.core.windows.net//.default")
    claims = jwt.decode(post(cloud, **form).json()["access_token"], options=UNCHECKED)
    assert claims["aud"] == "https://management.core.windows.net/"


def test_older_endpoint_takes_a_resource_and_answers_in_texts(cloud: Cloud) -> None:
    answer = post(cloud, version="", **good(cloud, scope="", resource=VAULT)).json()
    assert answer["resource"] == VAULT
    assert answer["expires_in"] == "3599"


REFUSED = {
    "no grant": ({"grant_type": ""}, 400, "invalid_request", 900144),
    "another grant": ({"grant_type": "magic"}, 400, "unsupported_grant_type", 70003),
    "no client": ({"client_id": ""}, 400, "invalid_request", 900144),
    "unknown client": ({"client_id": "5" * 8}, 400, "unauthorized_client", 700016),
    "no credential": ({"client_secret": ""}, 401, "invalid_client", 7000218),
    "wrong secret": ({"client_secret": "no"}, 401, "invalid_client", 7000215),
    "scope of one permission": ({"scope": f"{VAULT}/read"}, 400, "invalid_scope", 1002012),
    "resource at v2.0": ({"resource": VAULT}, 400, "invalid_request", 901002),
    "unknown resource": ({"scope": "https://x.test/.default"}, 400, "invalid_resource", 500011),
}


@pytest.mark.parametrize("case", REFUSED)
def test_token_is_refused_in_entras_terms(cloud: Cloud, case: str) -> None:
    changes, status, error, code = REFUSED[case]
    answer = post(cloud, **good(cloud, **changes))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_codes"] == [code]
    assert answer.json()["error_description"].startswith(f"AADSTS{code}: ")


# Made when they are sent: a long run of tests would see them expire.
BAD_ASSERTIONS: dict[str, tuple[Callable[[], str], int]] = {
    "not a token": (lambda: "not-a-token", 50027),
    "of another type": (lambda: jwt.encode({}, "k" * 32, "HS256", {"typ": "at+jwt"}), 5002727),
    "without claims": (lambda: jwt.encode({}, "k" * 32, "HS256"), 50027),
    "expired": (lambda: foreign(exp=int(time.time()) - 1), 700024),
    "not yet valid": (lambda: foreign(nbf=int(time.time()) + 900), 700024),
    "of a year that never comes": (lambda: foreign(exp=1e300), 50027),
    "one of Entra's own": (lambda: foreign(iss="https://sts.windows.net/other/"), 700222),
    "of an issuer nobody federated": (foreign, 70025),
}


@pytest.mark.parametrize("case", BAD_ASSERTIONS)
def test_assertion_is_refused_before_anything_is_fetched(cloud: Cloud, case: str) -> None:
    assertion, code = BAD_ASSERTIONS[case]
    answer = post(cloud, **asserted(cloud, assertion()))
    assert answer.json()["error_codes"] == [code]
    rows = control.ask(cloud.running.home, "log")["rows"]
    assert not any(row["host"].startswith("nowhere.") for row in rows)


def test_refusal_echoes_the_clients_request_id(cloud: Cloud) -> None:
    url = f"{LOGIN}/{cloud.settings.tenant_id}/oauth2/v2.0/token"
    body = cloud.raw("POST", url, headers={"client-request-id": "mine"}).json()
    assert body["correlation_id"] == "mine"
    assert body["error_description"].endswith(f"Timestamp: {body['timestamp']}")


def test_unknown_tenant_is_refused_by_both_doors(cloud: Cloud) -> None:
    found = cloud.raw("GET", f"{LOGIN}/contoso.example/v2.0/.well-known/openid-configuration")
    assert (found.status_code, found.json()["error"]) == (400, "invalid_tenant")
    asked = post(cloud, tenant="contoso.example", **good(cloud)).json()
    assert (asked["error"], asked["error_codes"]) == ("invalid_request", [90002])


@pytest.mark.parametrize("grant", ["password", "refresh_token", "device_code"])
def test_grant_of_people_is_not_emulated(cloud: Cloud, grant: str) -> None:
    answer = post(cloud, **good(cloud, grant_type=grant))
    assert answer.status_code == 501
    assert grant in answer.json()["error_description"]


def test_secret_beside_an_assertion_is_not_emulated(cloud: Cloud) -> None:
    form = {**asserted(cloud, foreign()), "client_secret": cloud.settings.client_secret}
    answer = post(cloud, **form)
    assert answer.status_code == 501
    assert "access_token" not in answer.json()


def test_discovery_names_what_clients_need(cloud: Cloud) -> None:
    tenant = cloud.settings.tenant_id
    found = cloud.raw("GET", f"{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration").json()
    assert found["token_endpoint"] == f"{LOGIN}/{tenant}/oauth2/v2.0/token"
    assert found["authorization_endpoint"].startswith(f"{LOGIN}/{tenant}/")
    clouds = cloud.raw("GET", f"{LOGIN}/common/discovery/instance?api-version=1.1").json()
    assert "login.microsoftonline.com" in clouds["metadata"][0]["aliases"]
