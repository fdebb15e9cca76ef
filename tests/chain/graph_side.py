"""What the tests change on Entra's side: app 2's application, through Graph with plain HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from tests.chain.standing import Standing

GRAPH = "https://graph.microsoft.com/v1.0"


class Registered:
    """App 2's application, as Graph shows it to the deployer."""

    def __init__(self, standing: Standing, token: str) -> None:
        self._standing, self._headers = standing, {"Authorization": f"Bearer {token}"}
        found = self("GET", "applications?$filter=displayName eq 'AksWiApp2'").json()["value"]
        self.id, self.client_id = str(found[0]["id"]), str(found[0]["appId"])
        principal = self("GET", f"servicePrincipals(appId='{self.client_id}')").json()
        self.principal_id = str(principal["id"])
        self._credentials = f"applications/{self.id}/federatedIdentityCredentials"

    def __call__(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One request to Graph; it must not be refused."""
        reply = self._standing.http(
            method, f"{GRAPH}/{path}", headers=self._headers, **({"json": body} if body else {})
        )
        assert reply.status_code < 300, reply.text
        return reply

    def credential(self) -> dict[str, Any]:
        """Its federated credential: id, name, issuer, subject, audiences."""
        shown = self("GET", self._credentials).json()["value"][0]
        wanted = ("id", "name", "issuer", "subject", "audiences")
        return {name: shown[name] for name in wanted}

    @contextmanager
    def credential_with(self, **changes: Any) -> Iterator[None]:
        """The credential with other values; put back afterwards."""
        good = self.credential()
        where = f"{self._credentials}/{good['id']}"
        self("PATCH", where, changes)
        try:
            yield
        finally:
            self("PATCH", where, {name: good[name] for name in changes})

    @contextmanager
    def no_credential(self) -> Iterator[None]:
        """No credential at all; made again afterwards."""
        good = self.credential()
        self("DELETE", f"{self._credentials}/{good.pop('id')}")
        try:
            yield
        finally:
            self("POST", self._credentials, good)

    @contextmanager
    def deleted(self) -> Iterator[None]:
        """The application in the recycle bin, its principal with it; restored afterwards."""
        self("DELETE", f"applications/{self.id}")
        try:
            yield
        finally:
            self("POST", f"directory/deletedItems/{self.id}/restore")
