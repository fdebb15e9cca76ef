"""Who is signed in on Azure: the credential, its tenant and its subscription.

    credential(transport)       whoever the environment or az knows; every token asked for once
    subscription(…)             AZURE_SUBSCRIPTION_ID, else the only one that is visible

For `targets`. Source: https://learn.microsoft.com/python/api/overview/azure/identity-readme. Left
out: a browser window; `az login` opens one.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from akswi_helpers.errors import LabError
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, TokenCredential

ARM = "https://management.azure.com"
ARM_SCOPE = f"{ARM}/.default"
VERSION = {"api-version": "2022-12-01"}
AZ_PATIENCE_S = 60  # az takes seconds, and longer while everything else starts too
RENEW_BEFORE_S = 300
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
NOBODY = (
    "Nobody is signed in to Azure: run 'az login', or set AZURE_TENANT_ID, AZURE_CLIENT_ID "
    "and AZURE_CLIENT_SECRET."
)


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
    """The tenant that the credential signs in to. Raises LabError when nobody is signed in."""
    from azure.core.exceptions import ClientAuthenticationError

    from akswi_helpers.pod_tokens import read_unverified

    try:
        token = credential.get_token(ARM_SCOPE).token
    except ClientAuthenticationError as error:
        raise LabError(NOBODY) from error
    return str(read_unverified(token)[1]["tid"])


def subscription(env: Mapping[str, str], credential: TokenCredential, transport: Json) -> str:
    """AZURE_SUBSCRIPTION_ID, else the only one that is visible; several are never guessed from."""
    if named := env.get("AZURE_SUBSCRIPTION_ID"):
        return named
    seen = [str(row["subscriptionId"]) for row in ask("", credential, transport)["value"]]
    if len(seen) != 1:
        raise LabError(
            f"You can see {len(seen)} subscriptions: name one in AZURE_SUBSCRIPTION_ID "
            "('az account list' shows them)."
        )
    return seen[0]


def subscription_name(id: str, credential: TokenCredential, transport: Json) -> str:
    """What people call the subscription."""
    return str(ask(f"/{id}", credential, transport).get("displayName", ""))


def ask(path: str, credential: TokenCredential, transport: Json) -> Json:
    """What ARM answers to GET /subscriptions`path`; no SDK of ours has it."""
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy, ProxyPolicy, RetryPolicy
    from azure.core.rest import HttpRequest

    signed = BearerTokenCredentialPolicy(credential, ARM_SCOPE)
    policies = [ProxyPolicy(transport.get("proxies")), RetryPolicy(), signed]
    client: Any = PipelineClient(ARM, policies=policies, **transport)
    with client:
        request = HttpRequest("GET", f"{ARM}/subscriptions{path}", params=VERSION)
        answer = client.send_request(request)
        answer.raise_for_status()
    found: Json = answer.json()
    return found
