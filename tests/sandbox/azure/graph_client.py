"""Plain requests to Microsoft Graph, and to Entra as an application that Graph made."""

from __future__ import annotations

import time
from typing import Any

import jwt
import requests

from tests.sandbox.conftest import Cloud

NOWHERE = "https://nowhere.oic.prod-aks.azure.com/tenant/issuer/"
SUBJECT = "system:serviceaccount:app2:app2"
AUDIENCE = "api://AzureADTokenExchange"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Graph:
    """Requests signed in as the deployer."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._headers = {"authorization": f"Bearer {cloud.token('https://graph.microsoft.com')}"}

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str = "v1.0",
        headers: dict[str, str] | None = None,
        raw: str | None = None,
    ) -> requests.Response:
        """One request; `headers` are added to the deployer's."""
        url = f"https://graph.microsoft.com/{version}/{path}"
        rest: dict[str, Any] = {"json": body} if raw is None else {"data": raw.encode()}
        return self._cloud.raw(method, url, headers={**self._headers, **(headers or {})}, **rest)

    def found(self, collection: str, wanted: str) -> list[Any]:
        """What a filter selects."""
        found = self("GET", f"{collection}?$filter={wanted}").json()
        return list(found["value"])

    def application(self, name: str, **more: Any) -> Any:
        """A new application."""
        return self._made("applications", {"displayName": name, **more})

    def principal(self, client: str) -> Any:
        """The new service principal of an application."""
        return self._made("servicePrincipals", {"appId": client})

    def password(self, application: str) -> str:
        """The text of a new secret."""
        added = self("POST", f"applications/{application}/addPassword", {})
        return str(added.json()["secretText"])

    def federate(self, application: str, name: str, **changes: Any) -> requests.Response:
        """Ask for a federated identity credential."""
        values = {"issuer": NOWHERE, "subject": SUBJECT, "audiences": [AUDIENCE]}
        path = f"applications/{application}/federatedIdentityCredentials"
        return self("POST", path, {"name": name, **values, **changes})

    def _made(self, collection: str, body: Any) -> Any:
        reply = self("POST", collection, body)
        assert reply.status_code == 201, reply.text
        return reply.json()


def refused(reply: requests.Response) -> tuple[int, str, str]:
    """Status, code and text of a refusal."""
    error = reply.json()["error"]
    return reply.status_code, error["code"], error["message"]


def signed_in(
    cloud: Cloud, client: str, secret: str, host: str = "vault.azure.net"
) -> requests.Response:
    """Entra's answer to a client secret."""
    return _token(cloud, client, host, client_secret=secret)


def exchanged(cloud: Cloud, client: str) -> requests.Response:
    """Entra's answer to a token that an issuer who is nowhere signed, of SUBJECT for AUDIENCE."""
    now = int(time.time())
    claims = {"iss": NOWHERE, "sub": SUBJECT, "aud": AUDIENCE, "nbf": now - 5, "exp": now + 600}
    assertion = jwt.encode(claims, "k" * 32, "HS256", {"kid": "foreign"})
    form = {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
    return _token(cloud, client, "vault.azure.net", **form)


def _token(cloud: Cloud, client: str, host: str, **proof: str) -> requests.Response:
    url = f"https://login.microsoftonline.com/{cloud.settings.tenant_id}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "scope": f"https://{host}/.default"}
    return cloud.raw("POST", url, data={**form, "client_id": client, **proof})
