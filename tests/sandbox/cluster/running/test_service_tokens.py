"""Service-account tokens, read by another library."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from akswi_helpers.sandbox.cluster.refusals import StatusError
from akswi_helpers.sandbox.tokens import SigningKeys
from tests.sandbox.cluster.running.conftest import Host

AUDIENCE = "api://AzureADTokenExchange"


def claims(host: Host, token: str) -> dict[str, Any]:
    """The claims, checked against the published keys by PyJWT."""
    keys = host.run(lambda: host.world.state(SigningKeys).jwks(host.cluster.issuer_key))
    key = jwt.PyJWK(keys["keys"][0])
    return dict(
        jwt.decode(token, key, ["RS256"], audience=AUDIENCE, issuer=host.cluster.spec.issuer)
    )


def test_token_has_the_claims_of_aks(host: Host) -> None:
    token = host.token("default", "default", audiences=[AUDIENCE], expiration=3600)
    found = claims(host, token)
    assert found["sub"] == "system:serviceaccount:default:default"
    assert found["aud"] == [AUDIENCE]
    assert (found["exp"] - found["iat"], found["nbf"]) == (3600, found["iat"])
    assert list(found["kubernetes.io"]) == ["namespace", "serviceaccount"]


def test_token_header_has_no_type(host: Host) -> None:
    header = jwt.get_unverified_header(host.token("default", "default"))
    assert sorted(header) == ["alg", "kid"]
    assert header["alg"] == "RS256"


def test_token_of_a_pod_names_pod_and_node(host: Host) -> None:
    pods = host.call(lambda: host.cluster.objects.list(host.cluster.kind("v1", "Pod")))
    token = host.token("azure-wi-webhook-admin", audiences=[AUDIENCE], pod=pods[0])
    found = claims(host, token)["kubernetes.io"]
    assert list(found) == ["namespace", "node", "pod", "serviceaccount"]
    assert found["pod"]["uid"] == pods[0]["metadata"]["uid"]
    assert found["node"]["name"] == pods[0]["spec"]["nodeName"]


def test_token_lives_for_a_day_at_most(host: Host) -> None:
    found = claims(host, host.token("default", "default", audiences=[AUDIENCE], expiration=10**6))
    assert found["exp"] - found["iat"] == 24 * 3600


def test_issue_fails_without_the_account(host: Host) -> None:
    with pytest.raises(StatusError, match='serviceaccounts "nobody-here" not found'):
        host.token("nobody-here", "default")


def test_each_token_is_another(host: Host) -> None:
    tokens = [host.token("default", "default", audiences=[AUDIENCE]) for _ in range(2)]
    assert len({claims(host, token)["jti"] for token in tokens}) == 2
