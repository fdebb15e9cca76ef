"""Key Vault's data plane: through the SDK, and what the vault refuses."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient

from akswi_helpers.sandbox.azure.keyvault.store import DAY, Secrets
from akswi_helpers.sandbox.world import World
from tests.sandbox.azure.conftest import NOT_VERIFIED, Clients, refusal
from tests.sandbox.conftest import Cloud

OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
URL = "https://kv-data.vault.azure.net"
VERSION = "7.4"


@pytest.fixture(scope="module")
def secrets(azure: Clients) -> SecretClient:
    azure.group("data")
    azure.assign(azure.vault("data", "kv-data").id, OFFICER)
    return azure.secrets("kv-data")


class Vault:
    """Plain requests to the vault, signed in as the deployer unless `headers` say otherwise."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.headers = {"authorization": f"Bearer {cloud.token('https://vault.azure.net')}"}

    def __call__(
        self, method: str, path: str, body: Any = None, version: str = VERSION, **rest: Any
    ) -> requests.Response:
        """One request; `rest` may name another `url`."""
        mark = "&" if "?" in path else "?"
        query = f"{mark}api-version={version}" if version else ""
        url = rest.pop("url", URL) + path + query
        return self._cloud.raw(method, url, json=body, **{"headers": self.headers, **rest})


@pytest.fixture(scope="module")
def vault(cloud: Cloud, secrets: SecretClient) -> Vault:
    return Vault(cloud)


def test_set_and_get_secret(secrets: SecretClient) -> None:
    made = secrets.set_secret("one", "first", content_type="text", tags={"a": "b"})
    found = secrets.get_secret("one")
    assert (found.value, found.properties.version) == ("first", made.properties.version)
    assert (found.properties.content_type, found.properties.tags) == ("text", {"a": "b"})
    assert found.properties.recovery_level == "Recoverable+Purgeable"


def test_names_do_not_mind_casing_and_keep_the_first(secrets: SecretClient) -> None:
    secrets.set_secret("arbitrarySecret", "x")
    assert secrets.get_secret("ARBITRARYSECRET").name == "arbitrarySecret"


def test_set_again_makes_a_new_version_and_keeps_the_old(secrets: SecretClient) -> None:
    old = secrets.set_secret("two", "first")
    secrets.set_secret("two", "second")
    assert secrets.get_secret("two").value == "second"
    assert secrets.get_secret("two", str(old.properties.version)).value == "first"
    versions = [one.version for one in secrets.list_properties_of_secret_versions("two")]
    assert len(set(versions)) == 2


def test_disabled_secret_is_refused_until_it_is_enabled(secrets: SecretClient) -> None:
    secrets.set_secret("off", "x")
    secrets.update_secret_properties("off", enabled=False)
    with pytest.raises(HttpResponseError) as caught:
        secrets.get_secret("off")
    assert "SecretDisabled" in str(caught.value)
    assert "Operation get is not allowed on a disabled secret." in str(caught.value)
    secrets.update_secret_properties("off", enabled=True)
    assert secrets.get_secret("off").value == "x"


def test_deleted_secret_is_recovered_with_its_versions(secrets: SecretClient) -> None:
    secrets.set_secret("back", "x")
    gone = secrets.begin_delete_secret("back").result()
    assert gone.scheduled_purge_date
    assert gone.deleted_date
    with pytest.raises(ResourceNotFoundError):
        secrets.get_secret("back")
    secrets.begin_recover_deleted_secret("back").result()
    assert secrets.get_secret("back").value == "x"


def test_purged_secret_is_gone_for_good(secrets: SecretClient) -> None:
    secrets.set_secret("gone", "x")
    secrets.begin_delete_secret("gone").result()
    assert "gone" in [one.name for one in secrets.list_deleted_secrets()]
    secrets.purge_deleted_secret("gone")
    with pytest.raises(ResourceNotFoundError):
        secrets.get_deleted_secret("gone")


def test_list_pages_through_all_secrets_without_values(vault: Vault, secrets: SecretClient) -> None:
    for number in range(4):
        secrets.set_secret(f"many-{number}", "hidden")
    page = vault("GET", "/secrets?maxresults=3").json()
    assert len(page["value"]) == 3
    assert "hidden" not in str(page)
    names = {str(one.name) for one in secrets.list_properties_of_secrets(max_page_size=3)}
    assert {"many-0", "many-1", "many-2", "many-3"} <= names


def test_challenge_names_tenant_and_resource(vault: Vault, cloud: Cloud) -> None:
    reply = vault("GET", "/secrets/one/", headers={})
    text = "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token."
    assert refusal(reply) == (401, "Unauthorized", text)
    assert reply.headers["www-authenticate"] == (
        f'Bearer authorization="https://login.microsoftonline.com/{cloud.settings.tenant_id}", '
        'resource="https://vault.azure.net"'
    )


def test_token_for_another_audience_is_refused(vault: Vault, cloud: Cloud) -> None:
    reply = vault("GET", "/secrets/one", headers={"authorization": f"Bearer {cloud.token()}"})
    assert refusal(reply) == (
        401,
        "Unauthorized",
        "AKV10022: Invalid audience. Expected https://vault.azure.net, found: "
        "https://management.azure.com.",
    )


def test_tampered_token_is_refused(vault: Vault) -> None:
    token = vault.headers["authorization"]
    reply = vault("GET", "/secrets/one", headers={"authorization": f"{token[:-9]}AAAAAAAAA"})
    assert refusal(reply)[:2] == (401, "Unauthorized")
    assert "www-authenticate" in reply.headers


def test_caller_without_a_role_is_refused_word_for_word(azure: Clients, vault: Vault) -> None:
    azure.vault("data", "kv-closed")
    reply = vault("GET", "/secrets/any", url="https://kv-closed.vault.azure.net")
    settings = azure.cloud.settings
    assert reply.status_code == 403
    assert reply.json()["error"]["innererror"] == {"code": "ForbiddenByRbac"}
    assert reply.json()["error"]["message"] == (
        "Caller is not authorized to perform action on resource.\r\n"
        "If role assignments, deny assignments or role definitions were changed recently, please "
        "observe propagation time.\r\n"
        f"Caller: appid={settings.client_id};oid={azure.me};"
        f"iss=https://sts.windows.net/{settings.tenant_id}/\r\n"
        "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\n"
        f"Resource: '/subscriptions/{azure.subscription}/resourcegroups/data/providers/"
        "microsoft.keyvault/vaults/kv-closed/secrets/any'\r\n"
        "Assignment: (not found)\r\n"
        "DenyAssignmentId: null\r\n"
        "DecisionReason: 'DeniedWithNoValidRBAC' \r\n"
        "Vault: kv-closed;location=westeurope\r\n"
    )


ACTIONS = [
    ("GET", "/secrets/x", "getSecret/action"),
    ("PUT", "/secrets/x", "setSecret/action"),
    ("PATCH", "/secrets/x/0123", "update/action"),
    ("DELETE", "/secrets/x", "delete"),
    ("GET", "/secrets", "readMetadata/action"),
    ("GET", "/secrets/x/versions", "readMetadata/action"),
    ("GET", "/deletedsecrets", "readMetadata/action"),
    ("GET", "/deletedsecrets/x", "readMetadata/action"),
    ("POST", "/deletedsecrets/x/recover", "recover/action"),
    ("DELETE", "/deletedsecrets/x", "purge/action"),
]


@pytest.mark.parametrize(("method", "path", "action"), ACTIONS)
def test_every_operation_asks_for_its_action(
    azure: Clients, vault: Vault, method: str, path: str, action: str
) -> None:
    azure.vault("data", "kv-closed")
    reply = vault(method, path, {}, url="https://kv-closed.vault.azure.net")
    assert refusal(reply)[:2] == (403, "Forbidden")
    assert f"Action: 'Microsoft.KeyVault/vaults/secrets/{action}'" in refusal(reply)[2]


def test_role_counts_from_the_next_request_on(azure: Clients) -> None:
    made = azure.vault("data", "kv-grant")
    client = azure.secrets("kv-grant")
    with pytest.raises(HttpResponseError, match="ForbiddenByRbac"):
        client.set_secret("a", "x")
    granted = azure.assign(made.id, OFFICER)
    assert client.set_secret("a", "x").value == "x"
    azure.roles.role_assignments.delete(made.id, granted.name)
    with pytest.raises(HttpResponseError, match="ForbiddenByRbac"):
        client.get_secret("a")


def test_access_policies_count_where_rbac_is_off(azure: Clients) -> None:
    policy = {
        "tenantId": azure.cloud.settings.tenant_id,
        "objectId": azure.me,
        "permissions": {"secrets": ["set"]},
    }
    rules = {"enableRbacAuthorization": False, "accessPolicies": [policy]}
    azure.vault("data", "kv-policy", **rules)
    client = azure.secrets("kv-policy")
    client.set_secret("a", "x")
    with pytest.raises(HttpResponseError, match="does not have secrets get permission"):
        client.get_secret("a")


REFUSED: list[tuple[str, str, Any, str, int, str, str]] = [
    (
        "GET",
        "/secrets/none",
        None,
        VERSION,
        404,
        "SecretNotFound",
        "A secret with (name/id) none was not found in this key vault. If you recently deleted "
        "this secret you may be able to recover it using the correct recovery command. For help "
        "resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    ),
    ("GET", "/secrets/a_b", None, VERSION, 400, "BadParameter", "invalid name: a_b"),
    ("PUT", "/secrets/a", {"value": "x" * 25601}, VERSION, 400, "BadParameter", "longer than"),
    ("PUT", "/secrets/a", {"value": 1}, VERSION, 400, "BadParameter", "must be a string"),
    ("PUT", "/secrets/a", {"value": "x", "b": 1}, VERSION, 400, "BadParameter", "property b"),
    ("GET", "/secrets", None, "", 400, "BadParameter", "api-version must be specified"),
    ("GET", "/secrets", None, "9.9", 400, "BadParameter", "(9.9) is not recognized"),
    ("GET", "/secrets?maxresults=26", None, VERSION, 400, "BadParameter", "between 1 and 25"),
    ("GET", "/secrets?colour=red", None, VERSION, 501, "NotEmulated", "parameter 'colour'"),
    ("GET", "/keys", None, VERSION, 501, "NotEmulated", "GET /keys"),
]


@pytest.mark.parametrize(("method", "path", "body", "version", "status", "code", "text"), REFUSED)
def test_request_is_refused_in_the_vaults_words(
    vault: Vault, method: str, path: str, body: Any, version: str, status: int, code: str, text: str
) -> None:
    found = refusal(vault(method, path, body, version))
    assert found[:2] == (status, code)
    assert text in found[2]


def test_deleted_name_cannot_be_used(vault: Vault, secrets: SecretClient) -> None:
    secrets.set_secret("taken", "x")
    secrets.begin_delete_secret("taken").result()
    found = refusal(vault("PUT", "/secrets/taken", {"value": "y"}))
    assert found[:2] == (409, "Conflict")
    assert found[2].startswith(NOT_VERIFIED + "Secret taken is currently in a deleted")


def test_deleted_secret_goes_by_itself_when_its_retention_is_over(world: World) -> None:
    kept = world.state(Secrets)
    with world.transaction():
        kept.delete("kv", kept.put("kv", "a", "x"), retention_days=7)
        world.clock.move(7 * DAY - 1)
        assert kept.deleted("kv", "a")
        world.clock.move(1)
    assert kept.deleted("kv", "a") is None


def test_answer_carries_the_vaults_headers(vault: Vault) -> None:
    reply = vault("GET", "/secrets")
    assert reply.headers["x-ms-keyvault-region"] == "westeurope"
    assert reply.headers["cache-control"] == "no-cache"
