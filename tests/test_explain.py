"""Refusals in three lines, from what each service really answers."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from akswi_helpers import explain
from akswi_helpers.errors import LabError, Refused
from akswi_helpers.refusal_codes import OTHERWISE

ENTRA = {
    "error": "invalid_client",
    "error_description": "AADSTS700213: No matching federated identity record found for presented "
    "assertion subject 'system:serviceaccount:app1:default'. Check it. Trace ID: 7 Correlation ID:",
    "error_codes": [700213],
}
VAULT = {
    "error": {
        "code": "Forbidden",
        "message": "Caller is not authorized to perform action on resource.",
        "innererror": {"code": "ForbiddenByRbac"},
    }
}
DEPLOYMENT = {
    "error": {
        "code": "DeploymentFailed",
        "message": "At least one resource deployment operation failed.",
        "details": [
            {
                "code": "ResourceDeploymentFailure",
                "message": json.dumps({"error": {"code": "ConflictError", "message": "deleted"}}),
            }
        ],
    }
}
CLUSTER = {"kind": "Status", "reason": "Forbidden", "message": 'pods is forbidden: User "x"'}


@dataclass
class Answer:
    status_code: int
    body: Any

    def json(self) -> Any:
        return self.body


@pytest.mark.parametrize(
    ("status", "body", "service", "code"),
    [
        (401, ENTRA, "Entra ID", "AADSTS700213"),
        (403, VAULT, "Key Vault", "ForbiddenByRbac"),
        (409, DEPLOYMENT, "Azure", "ConflictError"),
        (403, CLUSTER, "Kubernetes", "Forbidden"),
    ],
)
def test_of_reply_names_the_innermost_code(status: int, body: Any, service: str, code: str) -> None:
    refused = explain.of_reply(Answer(status, body))
    what, why, then = str(refused).splitlines()
    assert what == f"{service} refused: {code} ({status})."
    assert why.startswith("Why: ")
    assert then.startswith("Next: ")
    assert OTHERWISE not in then


def test_of_reply_leaves_out_trace_ids() -> None:
    assert "Trace" not in str(explain.of_reply(Answer(401, ENTRA)))


def test_of_reply_raises_when_nothing_was_refused() -> None:
    with pytest.raises(LabError, match="not refused"):
        explain.of_reply(Answer(200, {}))


def test_explained_shows_both_values() -> None:
    refused = explain.explained("Entra ID", "AADSTS700213", 401, "No.", presented="a", expected="b")
    assert "It was shown 'a', and expects 'b'." in str(refused)


@pytest.mark.parametrize(
    ("line", "code", "part"),
    [
        (
            "error: login.microsoftonline.com says 401: AADSTS70025: The client has none.",
            "AADSTS70025",
            "Entra ID refused: AADSTS70025 (401).",
        ),
        (
            "error: kv-1.vault.azure.net says 403: ForbiddenByRbac: Caller is not authorized.",
            "ForbiddenByRbac",
            "Key Vault refused: ForbiddenByRbac (403).",
        ),
        (
            "error: AZURE_CLIENT_ID not set: its service account has no annotation "
            "azure.workload.identity/client-id (then make the pod anew)",
            "NotInjected",
            "AZURE_CLIENT_ID not set: its service account has no annotation",
        ),
    ],
)
def test_of_log_reads_what_app_1_says(line: str, code: str, part: str) -> None:
    refused = explain.of_log(line)
    assert refused is not None
    assert refused.code == code
    assert part in str(refused)
    assert OTHERWISE not in str(refused)


def test_of_log_is_none_when_the_app_works() -> None:
    assert explain.of_log("ok: kv-1 gave arbitrarySecret, sha256=00") is None


def test_attempt_returns_what_was_refused() -> None:
    def call() -> None:
        raise explain.explained("Azure", "ResourceGroupNotFound", 404, "no such group")

    found = explain.attempt(call)
    assert isinstance(found, Refused)
    assert found.code == "ResourceGroupNotFound"


def test_attempt_raises_what_is_no_refusal() -> None:
    def call() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        explain.attempt(call)


def test_refused_is_drawn_without_markup_of_its_own() -> None:
    refused = explain.explained("Azure", "X", 400, "<script>")
    assert "<script>" not in refused._repr_html_()
    assert "&lt;script&gt;" in refused._repr_html_()
