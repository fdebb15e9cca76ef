"""Asking again: a service that is busy for a moment, a token that is no longer taken."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import urllib3

from akswi_helpers import retrying
from akswi_helpers.retrying import Renewable


class Busy(http.server.BaseHTTPRequestHandler):
    """Refuses the first requests, as the server's `refusals` say."""

    def do_GET(self) -> None:
        server: Any = self.server
        status = server.refusals.pop(0) if server.refusals else 200
        server.asked += 1
        self.send_response(status)
        if status != 200:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def busy() -> Iterator[Any]:
    server: Any = http.server.HTTPServer(("127.0.0.1", 0), Busy)
    server.refusals, server.asked = [], 0
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url(server: Any) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/"


@pytest.mark.parametrize("status", [429, 503])
def test_plain_client_comes_back_when_it_was_asked_to(busy: Any, status: int) -> None:
    busy.refusals = [status]
    with httpx.Client(auth=retrying.unhurried(), trust_env=False) as client:
        answer = client.post(url(busy))
    assert (answer.status_code, busy.asked) == (200, 2)


def test_plain_client_takes_other_refusals_as_they_are(busy: Any) -> None:
    busy.refusals = [403, 500]
    with httpx.Client(auth=retrying.unhurried(), trust_env=False) as client:
        statuses = [client.get(url(busy)).status_code for _ in range(2)]
    assert statuses == [403, 500]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_kubernetes_client_retries_as_client_go_does(busy: Any, status: int) -> None:
    busy.refusals = [status]
    with urllib3.PoolManager(retries=retrying.for_kubernetes()) as pool:
        answer = pool.request("POST", url(busy), body=b"{}")
    assert (answer.status, busy.asked) == (200, 2)


def test_kubernetes_client_takes_a_403_as_it_is(busy: Any) -> None:
    busy.refusals = [403]
    with urllib3.PoolManager(retries=retrying.for_kubernetes()) as pool:
        assert pool.request("GET", url(busy)).status == 403
    assert busy.asked == 1


def test_renewed_credential_gives_a_token_that_it_did_not_keep() -> None:
    made: list[str] = []

    def make() -> Any:
        made.append("credential")
        number = len(made)
        return SimpleNamespace(get_token=lambda *scopes: SimpleNamespace(token=f"token {number}"))

    credential = Renewable(make)
    before = credential.get_token("scope").token
    credential.renew()
    assert (before, credential.get_token("scope").token) == ("token 1", "token 2")
