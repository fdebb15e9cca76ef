"""Who is signed in on Azure: the credential, its tenant and its subscription.

    credential(transport)   whoever the environment or az knows; every token asked for once
    tenant(credential)      where that is
    subscription(…)         the one that AZURE_SUBSCRIPTION_ID names, else the only one there is

For `targets`. Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme. Left
out: a browser window; `az login` opens one.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from akswi_helpers import explain
from akswi_helpers.errors import LabError
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

ARM = "https://management.azure.com"
ARM_SCOPE = f"{ARM}/.default"
SUBSCRIPTIONS, VERSION = f"{ARM}/subscriptions", "?api-version=2022-12-01"
AZ_PATIENCE_S = 60  # az takes seconds, and longer while everything else starts too
RENEW_BEFORE_S = 300
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
NOBODY = (
    "Nobody is signed in to Azure: run 'az login', or set AZURE_TENANT_ID, AZURE_CLIENT_ID "
    "and AZURE_CLIENT_SECRET."
)


# What an attempt says that never reached Entra ID, and what to do then.
UNREACHED = (
    (re.compile("407"), "the proxy asks for a user and a password: put both into HTTPS_PROXY."),
    (
        re.compile("CERTIFICATE_VERIFY_FAILED"),
        "its certificate is not trusted: name your company's authority in REQUESTS_CA_BUNDLE.",
    ),
    (
        re.compile("connect to proxy|Failed to establish|Max retries|Failed to resolve"),
        "nobody answered: look at the network, and at HTTPS_PROXY.",
    ),
)
# The two attempts that somebody has set up on purpose; the others only look around.
_MEANT = re.compile(r"(?:EnvironmentCredential|AzureCliCredential): (.*)")


class Remembering:
    """A credential that asks another one once per token: each that az gives costs a process.

    It forgets a token five minutes before its end. A lab that is opened again starts with none, so
    that another sign-in takes effect.
    """

    def __init__(self, asked: TokenCredential) -> None:
        self._asked, self._tokens = asked, dict[Any, "AccessToken"]()
        self._lock = threading.Lock()

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        **options: Any,
    ) -> AccessToken:
        """A token for these scopes. With `claims`, a service refused the last one: always new."""
        key = (scopes, tenant_id)
        with self._lock:
            kept = None if claims else self._tokens.get(key)
            if kept is None or kept.expires_on - time.time() < RENEW_BEFORE_S:
                kept = self._asked.get_token(*scopes, claims=claims, tenant_id=tenant_id, **options)
                self._tokens[key] = kept
            return kept


def credential(transport: Json) -> TokenCredential:
    """What azure-identity finds: the environment's service principal first, az's person later."""
    from azure.identity import DefaultAzureCredential

    return Remembering(
        DefaultAzureCredential(
            exclude_interactive_browser_credential=True, process_timeout=AZ_PATIENCE_S, **transport
        )
    )


def transport(env: Mapping[str, str] = os.environ) -> Json:
    """What SDK clients are given on Azure: the CA file of whichever variable names one.

    The proxy needs no word: they read it themselves. Of the CA variables, each stack reads others.
    """
    named = next((env[name] for name in CA_VARIABLES if env.get(name)), None)
    return {"connection_verify": named} if named else {}


def tenant(credential: TokenCredential) -> str:
    """The tenant that the credential signs in to.

    Raises LabError when nobody is signed in or Entra is not reached, Refused when Entra refuses.
    """
    from azure.core.exceptions import ClientAuthenticationError

    from akswi_helpers.pod_tokens import read_unverified

    with _quiet():
        try:
            token = credential.get_token(ARM_SCOPE).token
        except ClientAuthenticationError as error:
            raise _why(error) from error
    return str(read_unverified(token)[1]["tid"])


def _why(error: Exception) -> LabError:
    """What stood in the way of a sign-in: Entra's refusal, the network, or that nobody tried."""
    if "AADSTS" in str(error):
        return explain.of(error)
    for said in _MEANT.findall(str(error)):
        for words, advice in UNREACHED:
            if words.search(said):
                return LabError(f"Entra ID was not reached; {advice}")
    return LabError(NOBODY)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without azure-identity's account of everything that it tried: we say it in a sentence."""
    log = logging.getLogger("azure.identity")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription, and what people call it."""

    id: str
    name: str


def subscription(
    env: Mapping[str, str], credential: TokenCredential, transport: Json
) -> Subscription:
    """The one that AZURE_SUBSCRIPTION_ID names, else the only one that is visible.

    Several are never guessed from. Raises LabError then, and HttpResponseError for one that the
    caller cannot see. Who has rights on one group alone sees its subscription in the list, and may
    not ask for it by its id.
    """
    seen, named = _visible(credential, transport), env.get("AZURE_SUBSCRIPTION_ID")
    if named:
        found = [row for row in seen if str(row["subscriptionId"]).lower() == named.lower()]
        url = f"{SUBSCRIPTIONS}/{quote(named, safe='')}{VERSION}"
        return _subscription(found[0] if found else ask(url, credential, transport))
    if len(seen) != 1:
        raise LabError(
            f"You can see {len(seen)} subscriptions: name one in AZURE_SUBSCRIPTION_ID "
            "('az account list' shows them)."
        )
    return _subscription(seen[0])


def _visible(credential: TokenCredential, transport: Json) -> list[Json]:
    """Every subscription in which the caller has any right, page by page."""
    seen: list[Json] = []
    url = f"{SUBSCRIPTIONS}{VERSION}"
    while url:
        page = ask(url, credential, transport)
        seen += page["value"]
        url = str(page.get("nextLink") or "")
    return seen


def _subscription(row: Json) -> Subscription:
    return Subscription(str(row["subscriptionId"]), str(row.get("displayName", "")))


def ask(url: str, credential: TokenCredential, transport: Json) -> Json:
    """What ARM answers to GET `url`; no SDK of ours has subscriptions."""
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy, ProxyPolicy, RetryPolicy
    from azure.core.rest import HttpRequest

    signed = BearerTokenCredentialPolicy(credential, ARM_SCOPE)
    policies = [ProxyPolicy(transport.get("proxies")), RetryPolicy(), signed]
    client: Any = PipelineClient(ARM, policies=policies, **transport)
    with client:
        answer = client.send_request(HttpRequest("GET", url))
        answer.raise_for_status()
    found: Json = answer.json()
    return found
