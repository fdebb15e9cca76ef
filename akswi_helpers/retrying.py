"""Asking again: when a service is busy for a moment, and when a token is no longer taken.

    Renewable(make)         a credential that can be made anew
    signed_again(credential) for SDK clients: after a 401, once more with a new token
    unhurried()             for plain HTTP: after 429 or 503, as late as Retry-After says
    for_kubernetes()        likewise for the Kubernetes client, as kubectl and helm do themselves

Azure's SDKs and Graph's repeat 429 and 5xx by their own rules; so do kubectl, helm and the CSI
driver. A token ends early only where the clock was moved, in a sandbox. Source: azure-core's
RetryPolicy, client-go's rest/with_retry.go. Left out: faults that last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx
    from azure.core.credentials import AccessToken, TokenCredential

ATTEMPTS = 10  # client-go's number
LONGEST_S = 60
BUSY = (429, 503)
PASSING = (429, 500, 503, 504)  # with Retry-After, all of them are asked again


class Renewable:
    """A credential that can be made anew, its tokens forgotten."""

    def __init__(self, make: Callable[[], TokenCredential]) -> None:
        self._make, self._made = make, make()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token for `scopes`, the last one while it is good by this machine's clock."""
        return self._made.get_token(*scopes, **options)

    def renew(self) -> None:
        """Forget every token."""
        self._made = self._make()


def signed_again(credential: Renewable) -> Any:
    """A policy for an SDK client: a request that gets 401 is sent once more with a new token."""
    from azure.core.pipeline.policies import HTTPPolicy

    class SignedAgain(HTTPPolicy[Any, Any]):
        def send(self, request: Any) -> Any:
            answer = self.next.send(request)
            if answer.http_response.status_code == 401:
                credential.renew()
                answer = self.next.send(request)
            return answer

    return SignedAgain()


def signed_again_by_httpx(credential: Renewable, scope: str) -> httpx.Auth:
    """The same for httpx, which msgraph-sdk uses."""
    import httpx

    class SignedAgain(httpx.Auth):
        def auth_flow(
            self, request: httpx.Request
        ) -> Generator[httpx.Request, httpx.Response, None]:
            answer = yield request
            if answer.status_code == 401:
                credential.renew()
                request.headers["Authorization"] = f"Bearer {credential.get_token(scope).token}"
                yield request

    return SignedAgain()


def unhurried() -> httpx.Auth:
    """For a plain httpx client: a request that comes at a busy moment is sent again."""
    import httpx

    class Unhurried(httpx.Auth):
        def auth_flow(
            self, request: httpx.Request
        ) -> Generator[httpx.Request, httpx.Response, None]:
            for _ in range(ATTEMPTS):
                answer = yield request
                wait = answer.headers.get("Retry-After", "")
                if answer.status_code not in BUSY or not wait.isdigit():
                    return
                time.sleep(min(int(wait), LONGEST_S))
            yield request

    return Unhurried()


def for_kubernetes() -> Any:
    """Retries for urllib3: any answer of PASSING that names a Retry-After, whatever the verb."""
    from urllib3 import Retry

    class AsClientGo(Retry):
        def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
            return bool(self.total) and has_retry_after and status_code in PASSING

    return AsClientGo(total=ATTEMPTS, connect=3, read=3, raise_on_status=False)
