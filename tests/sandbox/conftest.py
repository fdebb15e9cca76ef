"""A real sandbox process for a module's tests, and real clients that talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from akswi_helpers.sandbox import process

if TYPE_CHECKING:
    from azure.identity import ClientSecretCredential


class Cloud:
    """Clients of one sandbox, signed in as its deployer; nothing from the environment."""

    def __init__(self, running: process.Running) -> None:
        self.running, self.settings = running, running.settings
        self.proxies = {name: running.proxy_url() for name in ("http", "https")}
        self.transport: dict[str, Any] = {
            "proxies": self.proxies,
            "connection_verify": str(running.ca_file),
        }
        self.session = requests.Session()
        self.session.trust_env = False

    @cached_property
    def credential(self) -> ClientSecretCredential:
        """The deployer's credential, for every Azure SDK; pass `**cloud.transport` beside it."""
        from azure.identity import ClientSecretCredential

        kept = self.settings
        return ClientSecretCredential(
            kept.tenant_id, kept.client_id, kept.client_secret, **self.transport
        )

    def token(self, audience: str = "https://management.azure.com") -> str:
        """An access token of the deployer's for `audience`."""
        return str(self.credential.get_token(f"{audience}/.default").token)

    def raw(self, method: str, url: str, **rest: Any) -> requests.Response:
        """One plain HTTP request through the gateway; `user=` names the proxy user."""
        proxy = self.running.proxy_url(rest.pop("user", "learner"))
        rest = {"timeout": 30, "verify": str(self.running.ca_file), **rest}
        return self.session.request(method, url, proxies={"http": proxy, "https": proxy}, **rest)

    def close(self) -> None:
        """Close every connection."""
        self.session.close()
        if "credential" in self.__dict__:
            self.credential.close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.Running]:
    home = Path(tmp_path_factory.mktemp("home"))
    yield process.start(home)
    process.stop(home)


@pytest.fixture(scope="module")
def cloud(sandbox: process.Running) -> Iterator[Cloud]:
    clients = Cloud(sandbox)
    yield clients
    clients.close()
