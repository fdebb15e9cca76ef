"""What the provider refuses, in its order and its words."""

from __future__ import annotations

import json

import pytest

from akswi_helpers.sandbox.cluster.secrets_store import parameters, refusals
from akswi_helpers.sandbox.cluster.secrets_store.parameters import AUDIENCE, KeyVaultObject
from akswi_helpers.sandbox.cluster.secrets_store.refusals import ProviderError

TOKENS = json.dumps({AUDIENCE: {"token": "eyJ", "expirationTimestamp": "2026-11-24T19:00:00Z"}})
ONE = "array:\n  - |\n    objectName: arbitrarySecret\n    objectType: secret\n"
GOOD = {
    "clientID": "c",
    "keyvaultName": "kv-app2",
    "tenantId": "t",
    "objects": ONE,
}
OBJECT = "failed to get objectType:{}, objectName:{}, objectVersion:: "
CONFIG = "failed to create auth config, error: "
BOOL = 'strconv.ParseBool: parsing "yes": invalid syntax'


def one(kind: str = "secret", name: str = "s", **more: str) -> str:
    """The `objects` with one object."""
    fields = {"objectType": kind, "objectName": name, **more}
    rows = "".join(f"    {key}: {value!r}\n" for key, value in fields.items())
    return f"array:\n  - |\n{rows}"


REFUSED = [
    ({"usePodIdentity": "yes"}, f"failed to parse usePodIdentity flag, error: {BOOL}"),
    ({"useVMManagedIdentity": "yes"}, f"failed to parse useVMManagedIdentity flag, error: {BOOL}"),
    ({"keyvaultName": "", "tenantId": ""}, "keyvaultName is not set"),
    ({"tenantId": " "}, "tenantId is not set"),
    (
        {"cloudName": "Mars", "objects": ""},
        "cloudName Mars is not valid, error: autorest/azure: There is no cloud environment "
        'matching the name "MARS"',
    ),
    ({"cloudName": "AzureChinaCloud"}, "the sandbox does not emulate the cloud AzureChinaCloud"),
    (
        {"usePodIdentity": "true", "useVMManagedIdentity": "true"},
        f"{CONFIG}cannot enable both pod identity and user-assigned managed identity",
    ),
    (
        {"clientID": "", "objects": ""},
        f"{CONFIG}failed to get credentials, nodePublishSecretRef secret is not set",
    ),
    ({"objects": ""}, "objects is not set"),
    (
        {"objects": one(objectFormat="doc"), "keyvaultName": "x"},
        OBJECT.format("secret", "s") + "invalid objectFormat: doc, should be PEM or PFX",
    ),
    (
        {"objects": one("key", objectFormat="pfx")},
        OBJECT.format("key", "s") + "PFX format only supported for objectType: secret",
    ),
    (
        {"objects": one("key", objectEncoding="hex")},
        OBJECT.format("key", "s") + "objectEncoding only supported for objectType: secret",
    ),
    (
        {"objects": one(objectEncoding="rot13")},
        OBJECT.format("secret", "s")
        + "invalid objectEncoding: rot13, should be hex, base64 or utf-8",
    ),
    ({"objects": one(name="")}, OBJECT.format("secret", "") + "file name must not be empty"),
    (
        {"objects": one(objectAlias="/etc/x")},
        OBJECT.format("secret", "s") + "file name must be a relative path",
    ),
    (
        {"objects": one(objectAlias="../x")},
        OBJECT.format("secret", "s") + "file name must not contain '..'",
    ),
    (
        {"keyvaultName": "kv"},
        'failed to get vault: Invalid vault name: "kv", must be between 3 and 24 chars',
    ),
    (
        {"keyvaultName": "kv_app2"},
        'failed to get vault: Invalid vault name: "kv_app2", must match [-a-zA-Z0-9]{3,24}',
    ),
    ({"usePodIdentity": "true"}, "the sandbox does not emulate usePodIdentity"),
    ({"cloudEnvFileName": "/x"}, "the sandbox does not emulate cloudEnvFileName"),
]


@pytest.mark.parametrize(("changes", "text"), REFUSED)
def test_read_refuses_in_the_providers_words(changes: dict[str, str], text: str) -> None:
    with pytest.raises(ProviderError) as refused:
        parameters.read({**GOOD, **changes}, TOKENS)
    assert str(refused.value) == text


@pytest.mark.parametrize(
    "text", ["just words", "[a, b]", "array: {a: b}", "array:\n  - objectName: s\n", "array: [\n"]
)
def test_read_refuses_objects_that_are_no_list_of_texts(text: str) -> None:
    with pytest.raises(ProviderError) as refused:
        parameters.read({**GOOD, "objects": text}, TOKENS)
    begin = "[akswi: wording not verified] failed to yaml unmarshal objects, error: yaml: "
    assert str(refused.value).startswith(begin)


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        ("", "service account tokens not found"),
        ('{"api://other": {"token": "x"}}', f"token for audience {AUDIENCE} not found"),
    ],
)
def test_read_refuses_a_client_without_a_token_also_on_a_node(tokens: str, why: str) -> None:
    for extra in ({}, {"useVMManagedIdentity": "true"}):
        with pytest.raises(ProviderError) as refused:
            parameters.read({**GOOD, **extra}, tokens)
        assert str(refused.value) == f"failed to parse workload identity tokens, error: {why}"


def test_read_takes_the_pods_token_and_prefers_tenantID() -> None:
    asked = parameters.read({**GOOD, "tenantID": "other"}, TOKENS)
    assert (asked.tenant, asked.identity.client_id, asked.identity.token) == ("other", "c", "eyJ")
    assert asked.objects == (
        KeyVaultObject("secret", "arbitrarySecret", "", "arbitrarySecret", "", 0o644),
    )


def test_read_takes_the_nodes_identity_when_it_is_told_to() -> None:
    sent = {**GOOD, "clientID": "", "useVMManagedIdentity": "True", "userAssignedIdentityID": "u"}
    asked = parameters.read(sent)
    assert (asked.identity.client_id, asked.identity.token) == ("u", None)


def test_read_gives_mode_zero_for_a_permission_that_is_not_octal() -> None:
    found = [
        parameters.read({**GOOD, "objects": one(filePermission=mode)}, TOKENS).objects[0].mode
        for mode in ("0600", "rw")
    ]
    assert found == [0o600, 0]


def test_read_checks_no_vault_name_when_no_object_is_asked_for() -> None:
    asked = parameters.read({**GOOD, "keyvaultName": "k", "objects": "array: []"}, TOKENS)
    assert asked.objects == ()


def test_read_says_what_provider_1_8_2_says_when_switched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "NEWER", True)
    with pytest.raises(ProviderError, match=r"^keyvaultName is not provided$"):
        parameters.read({**GOOD, "keyvaultName": ""}, TOKENS)
    with pytest.raises(ProviderError, match=r"^failed to build auth config for mode None: "):
        parameters.read({**GOOD, "clientID": ""}, TOKENS)


BODY = '{"error":"invalid_client","error_description":"AADSTS70025: x"}'
RULE = "-" * 80
PRETTY = '{\n  "error": "invalid_client",\n  "error_description": "AADSTS70025: x"\n}'


def test_assertion_refused_prints_the_answer_raw_then_indented() -> None:
    url = "https://login.microsoftonline.com/t/oauth2/v2.0/token"
    assert refusals.assertion_refused(url, 401, BODY) == (
        "ClientAssertionCredential authentication failed. FromAssertion(): http call"
        f"({url})(POST) error: reply status code was 401:\n{BODY}\nPOST {url}\n{RULE}\n"
        f"RESPONSE 401 Unauthorized\n{RULE}\n{PRETTY}\n{RULE}\n"
    )


def test_identity_refused_says_everything_twice() -> None:
    url = "http://169.254.169.254/metadata/identity/oauth2/token"
    text = refusals.identity_refused(url, 400, BODY, named=True)
    block = f"GET {url}\n{RULE}\nRESPONSE 400 Bad Request\n{RULE}\n{PRETTY}\n{RULE}\n"
    help_ = "To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#managed-id"
    once = "ManagedIdentityCredential authentication failed. "
    why = "the requested identity isn't assigned to this resource\n"
    assert text == f"{once}{once}{why}{block}{help_}\n{block}{help_}"
