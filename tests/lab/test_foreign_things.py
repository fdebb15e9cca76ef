"""What other people have in the same tenant and subscription survives a walk and its clean-up.

Everything is made with plain HTTPS before the lab is, by names that ask for a mistake: an
application called as app 2's, groups called nearly as the lab's, deleted things in the bins. Each
is read before and after, byte for byte.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from akswi_helpers import clean_up, evidence, scenarios
from akswi_helpers.lab import Lab, open_lab
from akswi_helpers.sandbox import process
from akswi_helpers.targets import Target

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning:msgraph.generated",
        "ignore::DeprecationWarning:kiota_abstractions",
    ),
]

SCOPES = {
    "management.azure.com": "https://management.azure.com/.default",
    "graph.microsoft.com": "https://graph.microsoft.com/.default",
}
GRAPH = "https://graph.microsoft.com/v1.0"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
GROUPS = ("theirs", "akswi2", "akswi-2", "MC_akswi_theirs_westeurope")
NAMES = (
    "application", "its credential", "its principal", "deleted application", "vault", "secret",
    "role assignment", "deleted vault", "deleted vault of an older group", *GROUPS,
)  # fmt: skip


class Somebody:
    """Another person of the same subscription, who has no helper and no tag of a lab."""

    def __init__(self, cloud: Target) -> None:
        self._cloud = cloud
        self.arm = f"https://management.azure.com/subscriptions/{cloud.subscription_id}"

    def __call__(self, method: str, url: str, body: Any = None) -> httpx.Response:
        host = url.split("/")[2]
        scope = SCOPES.get(host, "https://vault.azure.net/.default")
        headers = {"Authorization": f"Bearer {self._cloud.token(scope)[0]}"}
        with self._cloud.http() as session:
            return session.request(method, url, json=body, headers=headers)

    def done(self, method: str, url: str, body: Any = None) -> Any:
        """The answer's JSON; a refusal is a failure."""
        reply = self(method, url, body)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else {}

    def group(self, name: str) -> str:
        """The URL of a new resource group."""
        url = f"{self.arm}/resourceGroups/{name}?api-version=2025-04-01"
        self.done("PUT", url, {"location": "westeurope", "tags": {"owner": "somebody"}})
        return url

    def vault(self, group: str, name: str) -> str:
        """The URL of a new vault that roles open."""
        path = f"{self.arm}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"
        rest = {"sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True}
        about = {"tenantId": self._cloud.tenant_id, **rest}
        url = f"{path}?api-version=2023-07-01"
        self.done("PUT", url, {"location": "westeurope", "properties": about})
        return url

    def deleted_vault(self, group: str, name: str) -> str:
        """The URL of a vault in the bin."""
        self.done("DELETE", self.vault(group, name))
        where = f"providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{name}"
        return f"{self.arm}/{where}?api-version=2023-07-01"

    def role(self, vault: str, role: str, principal: str) -> str:
        """The URL of a new role assignment on a vault."""
        path = vault.partition("?")[0]
        url = f"{path}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        given = f"{self.arm}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        about = {
            "roleDefinitionId": given.removeprefix("https://management.azure.com"),
            "principalId": principal,
            "principalType": "ServicePrincipal",
        }
        self.done("PUT", f"{url}?api-version=2022-04-01", {"properties": about})
        return f"{url}?api-version=2022-04-01"

    def application(self) -> tuple[str, str]:
        """The ids of a new application AksWiApp2: its own, and its principal's."""
        made = self.done("POST", f"{GRAPH}/applications", {"displayName": "AksWiApp2"})
        named = {"appId": made["appId"]}
        principal = self.done("POST", f"{GRAPH}/servicePrincipals", named)
        return made["id"], principal["id"]


def in_entra(who: Somebody) -> dict[str, str]:
    """An application AksWiApp2 with credential and principal, and one more in the bin."""
    id_, principal = who.application()
    credentials = f"{GRAPH}/applications/{id_}/federatedIdentityCredentials"
    trust = {"issuer": "https://issuer.example/", "subject": "theirs"}
    who.done("POST", credentials, {"name": "theirs", "audiences": ["api://x"], **trust})
    deleted, _ = who.application()
    who.done("DELETE", f"{GRAPH}/applications/{deleted}")
    return {
        "application": f"{GRAPH}/applications/{id_}",
        "its credential": credentials,
        "its principal": f"{GRAPH}/servicePrincipals/{principal}",
        "deleted application": f"{GRAPH}/directory/deletedItems/{deleted}",
    }


def in_azure(who: Somebody, reader: str, officer: str) -> dict[str, str]:
    """Groups, a vault with a secret and a role, vaults in the bin: one from a group `akswi`."""
    made = {name: who.group(name) for name in GROUPS}
    vault = who.vault("theirs", "kv-theirs")
    role = who.role(vault, SECRETS_USER, reader)
    who.role(vault, OFFICER, officer)
    secret = "https://kv-theirs.vault.azure.net/secrets/arbitrarySecret?api-version=7.4"
    who.done("PUT", secret, {"value": "theirs alone"})
    old = who.group("akswi")
    older = who.deleted_vault("akswi", "kv-older")
    who("DELETE", old)
    deleted = who.deleted_vault("theirs", "kv-deleted")
    made |= {"vault": vault, "secret": secret, "role assignment": role, "deleted vault": deleted}
    return {**made, "deleted vault of an older group": older}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("foreign")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSWI_HOME", str(folder))
        patch.setenv("AKSWI_HEADLESS", "1")
        yield
        process.stop(folder)


@pytest.fixture(scope="module")
def walked(home: None) -> tuple[dict[str, bytes], dict[str, bytes], Lab]:
    """What is somebody else's before a walk of all five apps, and after its clean-up."""
    cloud = open_lab("00").cloud
    who = Somebody(cloud)
    urls = in_entra(who)
    principal = urls["its principal"].rpartition("/")[2]
    urls |= in_azure(who, principal, cloud.who.object_id)
    _until_gone(who, "akswi")
    before = _read(who, urls)
    lab = open_lab("07", scenarios=list(scenarios.NAMES), catch_up=True)
    assert set(evidence.table(lab)["works"]) == {"yes"}
    clean_up.run(lab)
    return before, _read(who, urls), lab


def _read(who: Somebody, urls: dict[str, str]) -> dict[str, bytes]:
    """Each answer's status and body."""
    found = {name: who("GET", url) for name, url in urls.items()}
    return {name: b"%d %s" % (one.status_code, one.content) for name, one in found.items()}


def _until_gone(who: Somebody, group: str) -> None:
    url = f"{who.arm}/resourceGroups/{group}?api-version=2025-04-01"
    end = time.monotonic() + 30
    while who("GET", url).status_code != 404:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("name", NAMES)
def test_walk_and_clean_up_leave_it_byte_for_byte(
    walked: tuple[dict[str, bytes], dict[str, bytes], Lab], name: str
) -> None:
    before, after, _ = walked
    assert before[name].startswith(b"200 {")
    assert after[name] == before[name]


def test_clean_up_took_all_that_was_the_lab_s(
    walked: tuple[dict[str, bytes], dict[str, bytes], Lab],
) -> None:
    assert set(clean_up.left_behind(walked[2])["still there"]) == {"no"}
    assert set(walked[0]) == set(NAMES)
