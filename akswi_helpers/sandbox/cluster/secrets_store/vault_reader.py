"""Key Vault as the provider reads it: challenge first, then a token, then the object.

    await VaultReader(world, node, asked).read(one)   ->  ("Squirrel-…", "<version>")

By workload identity a mount makes five requests in this order: the object (401), Entra's instance
discovery, the tenant's configuration, the token, the object. On a node's identity the three in the
middle are one: the node's metadata service. Nothing is kept for the next mount.

Source: requests of provider 1.7.2 (azsecrets 0.13, azidentity 1.6, MSAL Go 1.2), seen on the wire.
Left out: keys and certificates; Key Vault itself says that they are not emulated.
"""

from __future__ import annotations

import json
import re
import urllib.parse

from akswi_helpers.sandbox.cluster.secrets_store import refusals
from akswi_helpers.sandbox.cluster.secrets_store.calls import Answer, Calls, NoAnswerError
from akswi_helpers.sandbox.cluster.secrets_store.parameters import (
    SUFFIX,
    Asked,
    Identity,
    KeyVaultObject,
)
from akswi_helpers.sandbox.cluster.secrets_store.refusals import refuse
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, Jws, Url

LOGIN = "https://login.microsoftonline.com"
METADATA = "http://169.254.169.254/metadata/identity/oauth2/token"
API_VERSION = "7.4"
SCOPE = "https://vault.azure.net/.default openid offline_access profile"

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FOLDERS = {"secret": "secrets", "key": "keys", "cert": "certificates"}


class VaultReader:
    """Reads the objects of one mount, with one token."""

    def __init__(self, world: World, node: str, asked: Asked) -> None:
        self._calls, self._node, self._asked = world.state(Calls), node, asked
        self._token = ""

    async def read(self, one: KeyVaultObject) -> tuple[str, str]:
        """The object's value and version. Raises ProviderError, without the object's name."""
        if one.kind not in _FOLDERS:
            refuse("Invalid vaultObjectTypes. Should be secret, key, or cert")
        host = f"{self._asked.vault}.{SUFFIX}"
        name, version = (urllib.parse.quote(part, safe="") for part in (one.name, one.version))
        url = f"https://{host}/{_FOLDERS[one.kind]}/{name}/{version}"
        answer = await self._ask(url, host)
        if answer.status == 401 and not self._token:
            _check_challenge(answer, host)
            self._token = await self._signed_in()
            answer = await self._ask(url, host)
        if answer.status != 200:
            refuse(refusals.vault_refused(url, answer.status, answer.body))
        body: Json = json.loads(answer.body)
        return str(body["value"]), str(body["id"]).rpartition("/")[2]

    async def _ask(self, url: Url, host: str) -> Answer:
        full = f"{url}?api-version={API_VERSION}"
        permit = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            answer = await self._calls.send(self._node, "GET", full, headers=permit)
        except NoAnswerError as error:
            if error.host_unknown:
                refuse(refusals.no_such_host(full, host))
            raise refusals.unverified(f'Get "{full}": {error}') from error
        if answer.status == 404 and '"VaultNotFound"' in answer.body:  # on Azure, no such name
            refuse(refusals.no_such_host(full, host))
        return answer

    async def _signed_in(self) -> Jws:
        identity = self._asked.identity
        try:
            if identity.token is None:
                return await self._by_node(identity)
            return await self._by_pod(identity, identity.token)
        except NoAnswerError as error:
            raise refusals.unverified(f"the identity's service did not answer: {error}") from error

    async def _by_pod(self, identity: Identity, token: Jws) -> Jws:
        """A token from Entra for the pod's own."""
        authority = f"{LOGIN}/{self._asked.tenant}"
        authorize = urllib.parse.quote(f"{authority}/oauth2/v2.0/authorize", safe="")
        discovery = f"{LOGIN}/common/discovery/instance?api-version=1.1"
        await self._described(f"{discovery}&authorization_endpoint={authorize}")
        configuration = await self._described(f"{authority}/v2.0/.well-known/openid-configuration")
        url = str(configuration["token_endpoint"])
        form = {
            "client_assertion": token,
            "client_assertion_type": _ASSERTION,
            "client_id": identity.client_id,
            "client_info": "1",
            "grant_type": "client_credentials",
            "scope": SCOPE,
        }
        answer = await self._calls.send(self._node, "POST", url, form=form)
        if answer.status != 200:
            refuse(refusals.assertion_refused(url, answer.status, answer.body))
        return str(json.loads(answer.body)["access_token"])

    async def _described(self, url: Url) -> Json:
        answer = await self._calls.send(self._node, "GET", url)
        if answer.status != 200:
            shown = url.partition("?")[0]
            refuse(refusals.authority_unknown(shown, answer.status, answer.body))
        found: Json = json.loads(answer.body)
        return found

    async def _by_node(self, identity: Identity) -> Jws:
        """A token from the node's metadata service; an empty client_id means the only identity."""
        query = urllib.parse.urlencode(
            {
                "api-version": "2018-02-01",
                "client_id": identity.client_id,
                "resource": f"https://{SUFFIX}",
            }
        )
        headers = {"Metadata": "true"}
        answer = await self._calls.send(self._node, "GET", f"{METADATA}?{query}", headers=headers)
        if answer.status != 200:
            named = bool(identity.client_id)
            refuse(refusals.identity_refused(METADATA, answer.status, answer.body, named=named))
        return str(json.loads(answer.body)["access_token"])


def _check_challenge(answer: Answer, host: str) -> None:
    """The challenge's tenant and host are ignored; its resource must be the vault's own domain."""
    challenge = answer.headers.get("www-authenticate", "")
    found = re.search(r'resource="https://([^"/]+)"', challenge)
    if found is None or not host.lower().endswith(f".{found[1].lower()}"):
        raise refusals.unverified("the challenge resource doesn't match the requested domain")
