"""FailedMount texts, as the driver and its provider write them, in three lines."""

import pytest

from akswi_helpers import events

OBJECT = (
    'MountVolume.SetUp failed for volume "secrets-mount" : rpc error: code = Unknown desc = failed '
    "to mount secrets store objects for pod app2/app2-workloadidapp2-5d9c7b8f6d-x2k4z, err: rpc "
    "error: code = Unknown desc = failed to mount objects, error: failed to get objectType:secret, "
    "objectName:arbitrarySecret, objectVersion:: "
)
ENTRA = (
    "ClientAssertionCredential authentication failed. FromAssertion(): http call(https://login)"
    '(POST) error: reply status code was 401:\n{"error":"invalid_client","error_description":'
    "\"AADSTS70025: The client 'an-id'(AksWiApp2) has no configured federated identity "
    "credentials. Trace ID: 5b0e Correlation ID: 77aa Timestamp: 2026-01-01 "
    '10:00:00Z","error_codes":[70025],"trace_id":"5b0e"}'
)
NODE = (
    'RESPONSE 400 Bad Request\n{{\n  "error": "invalid_request",\n  "error_description": "{}"\n}}'
)
SEVERAL = (
    "Multiple user assigned identities exist, please specify the clientId / resourceId of the "
    "identity in the token request"
)
VAULT = (
    "GET https://kv.vault.azure.net/secrets/arbitrarySecret/\nRESPONSE 403: 403 Forbidden\n"
    'ERROR CODE: Forbidden\n{{\n  "error": {{\n    "code": "Forbidden",\n    "message": "Caller is '
    'not authorized.\\r\\nVault: kv",\n    "innererror": {{\n      "code": "{}"\n    }}\n  }}\n}}'
)
NONE = (
    "GET https://kv.vault.azure.net/secrets/arbitrarySecret/\nRESPONSE 404: 404 Not Found\n"
    'ERROR CODE: SecretNotFound\n{"error": {"code": "SecretNotFound", "message": "A secret with '
    '(name/id) arbitrarySecret was not found in this key vault."}}'
)
CLASS = (
    'MountVolume.SetUp failed for volume "secrets-mount" : rpc error: code = Unknown desc = failed '
    "to get secretproviderclass app2/gone, error: SecretProviderClass.secrets-store.csi.x-k8s.io "
    '"gone" not found'
)
DRIVER = "driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers"
HOST = 'Get "https://kv": dial tcp: lookup kv.vault.azure.net on 10.0.0.10:53: no such host'


@pytest.mark.parametrize(
    ("text", "what", "advice"),
    [
        (OBJECT + ENTRA, "Entra ID refused: AADSTS70025 (401).", "application.federate(lab)"),
        (
            OBJECT + NODE.format("Identity not found"),
            "The node's metadata service refused: Identity not found (400).",
            "node_identity.assign(lab)",
        ),
        (OBJECT + NODE.format(SEVERAL), "Multiple user assigned", "userAssignedIdentityID"),
        (
            OBJECT + VAULT.format("ForbiddenByRbac"),
            "Key Vault refused: ForbiddenByRbac (403).",
            "vault_access.grant(lab)",
        ),
        (OBJECT + VAULT.format("SecretDisabled"), "SecretDisabled (403)", "switch the secret on"),
        (OBJECT + NONE, "SecretNotFound (404)", "no secret of this name"),
        (OBJECT + HOST, "The CSI provider stopped: NoSuchVault.", "apps.install(lab)"),
        (CLASS, "The CSI driver stopped: NoSecretProviderClass.", "apps.install(lab)"),
        (DRIVER, "The kubelet stopped: NoDriver.", "infrastructure.deploy(lab)"),
        (OBJECT + "something new", "The CSI driver stopped: FailedMount.", "no advice"),
    ],
)
def test_explained_names_who_refused_and_what_mends_it(text: str, what: str, advice: str) -> None:
    refused = events.explained(text, "app2")
    assert what in refused.refusal.what
    assert advice in refused.refusal.next
    assert refused.refusal.why


def test_explained_leaves_trace_ids_out() -> None:
    why = events.explained(OBJECT + ENTRA, "app2").refusal.why
    assert why.endswith("has no configured federated identity credentials.")


def test_explained_advises_for_the_app_that_is_meant() -> None:
    refused = events.explained(OBJECT + VAULT.format("ForbiddenByRbac"), "app5")
    mismatch = events.explained(OBJECT + ENTRA.replace("AksWiApp2", "id-app5"), "app5")
    assert "infrastructure.deploy(lab)" in refused.refusal.next
    assert "id-app5 has no federated credential" in mismatch.refusal.next


def test_text_is_the_same_on_every_run_when_headless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AKSWI_HEADLESS", raising=False)
    text = events.Text(OBJECT + ENTRA)
    assert "x2k4z" in repr(text)
    monkeypatch.setenv("AKSWI_HEADLESS", "1")
    shown = repr(text)
    assert "Trace ID: … Correlation ID: … Timestamp: …" in shown
    assert [word for word in ("x2k4z", "5b0e", "77aa", "10:00") if word in shown] == []
