"""Reading tokens: claims in order, times as distances, nothing that differs from run to run."""

import base64
import json

import pytest

from akswi_helpers import pod_tokens
from akswi_helpers.errors import LabError

CLAIMS = {
    "iss": "https://westeurope.oic.prod-aks.azure.com/t/u/",
    "sub": "system:serviceaccount:app1:app1-workloadidapp1",
    "aud": ["api://AzureADTokenExchange"],
    "iat": 1_800_000_000,
    "exp": 1_800_003_600,
    "jti": "7d1f",
    "kubernetes.io": {
        "namespace": "app1",
        "pod": {"name": "app1-workloadidapp1-7c9-x2x", "uid": "u"},
    },
}


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


TOKEN = ".".join((_part({"alg": "RS256", "kid": "k1"}), _part(CLAIMS), "c2lnbmF0dXJl"))


@pytest.fixture(autouse=True)
def headless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKSWI_HEADLESS", "1")


def test_claims_show_the_life_as_a_distance() -> None:
    shown = pod_tokens.claims(TOKEN).set_index("claim")["value"]
    assert shown["exp"] == "iat + 60 min"
    assert shown["aud"] == "api://AzureADTokenExchange"


def test_claims_leave_out_what_differs_from_run_to_run() -> None:
    shown = pod_tokens.claims(TOKEN).set_index("claim")["value"]
    assert not {"jti", "iat"} & set(shown.index)
    assert shown["pod"] == "app1-workloadidapp1-…"


def test_pod_token_never_shows_the_token() -> None:
    token = pod_tokens.PodToken("app1", TOKEN)
    shown = repr(token) + token._repr_html_() + repr(token.header)
    assert "c2lnbmF0dXJl" not in shown
    assert TOKEN not in shown


def test_header_hides_the_key_when_headless() -> None:
    header = pod_tokens.PodToken("app1", TOKEN).header.set_index("field")["value"]
    assert header["kid"] == "…"


def test_read_unverified_refuses_what_is_no_token() -> None:
    with pytest.raises(LabError, match="three parts with dots"):
        pod_tokens.read_unverified("not-a-token")
