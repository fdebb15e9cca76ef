"""The token that a pod proves itself with, and what Entra ID gives for it.

    of_pod(lab, "app1")     a token such as the kubelet put into that pod, claim by claim
    match(lab, "app1")      its three strings beside those of the federated credential
    exchange(lab, "app1")   the exchange itself, in view: an access token, or the refusal

A token's signature is never shown, and a token only where a cell asks for it by name. Source: RFC
7523 section 2.2; Kubernetes TokenRequest. Left out: checking signatures; Entra does that.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from akswi_helpers import apps, cluster, explain, identity, side_by_side
from akswi_helpers.errors import LabError, Refused
from akswi_helpers.parameters import headless
from akswi_helpers.scenarios import named
from akswi_helpers.types import Json, Jws

if TYPE_CHECKING:
    import httpx
    import pandas as pd

    from akswi_helpers.lab import Lab

AUDIENCE = "api://AzureADTokenExchange"
VAULT_SCOPE = "https://vault.azure.net/.default"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE_S = 3600

MEANING = {
    "iss": "who signed it: the cluster",
    "sub": "whom it is about: one service account",
    "aud": "whom it is for",
    "iat": "when it was made",
    "nbf": "from when on it is good",
    "exp": "until when it is good",
    "namespace": "where the pod runs",
    "serviceaccount": "the account that the pod runs as",
    "pod": "the pod that it is bound to",
    "node": "the node that the pod runs on",
    "appid": "the client id it was asked with",
    "appidacr": "how that client proved itself: 2 is a signed assertion",
    "oid": "the principal that roles are given to",
    "tid": "the tenant",
    "idtyp": "an app, not a person",
    "idp": "who vouched for it",
    "ver": "the version of the token's shape",
    "xms_mirid": "the managed identity, as a resource",
}
# Where Entra's tokens mean something else by the same name.
MEANING_AT_ENTRA = {
    "iss": "who signed it: Entra ID",
    "sub": "whom it is about: the same principal",
}
_TIMES = ("iat", "nbf")
# They differ in every token, and say nothing to a reader.
_NOISE = ("aio", "rh", "uti", "jti", "xms_tcdt", "xms_ftd", "xms_idrel")


@dataclass(frozen=True)
class PodToken:
    """A pod's token. `assertion` is the token itself, and a secret while it lives."""

    app: str
    assertion: Jws = field(repr=False)

    @property
    def claims(self) -> pd.DataFrame:
        """What the token says: claim, value, meaning."""
        return claims(self.assertion)

    @property
    def header(self) -> pd.DataFrame:
        """How it is signed; headless, the name of the key is left out."""
        import pandas as pd

        found = read_unverified(self.assertion)[0]
        shown = {key: "…" if key == "kid" and headless() else value for key, value in found.items()}
        return pd.DataFrame(shown.items(), columns=["field", "value"])

    @property
    def subject(self) -> str:
        """Whom it is about: "system:serviceaccount:app1:app1-workloadidapp1"."""
        return str(read_unverified(self.assertion)[1]["sub"])

    def __repr__(self) -> str:
        return self.claims.to_string(index=False)

    def _repr_html_(self) -> str:
        return str(self.claims.to_html(index=False))


@dataclass(frozen=True)
class AccessToken:
    """What Entra gave for a pod's token. `value` is the token itself, and a secret."""

    value: Jws = field(repr=False)

    @property
    def claims(self) -> pd.DataFrame:
        """What the token says: claim, value, meaning."""
        return claims(self.value)

    def __repr__(self) -> str:
        return self.claims.to_string(index=False)

    def _repr_html_(self) -> str:
        return str(self.claims.to_html(index=False))


@explain.told
def of_pod(lab: Lab, app: str, *, audience: str = AUDIENCE) -> PodToken:
    """A token for the app's newest pod, as the kubelet asks for it: same account, same audience.

    Raises NotThereYet when the app has no pod. Wire: TokenRequest, bound to the pod.
    """
    pod = apps.newest_pod(lab, app)
    about = pod["metadata"]
    bound = {"apiVersion": "v1", "kind": "Pod", "name": about["name"], "uid": about["uid"]}
    account = str(pod["spec"]["serviceAccountName"])
    return PodToken(app, _ask(lab, about["namespace"], account, audience, bound))


@explain.told
def of_account(
    lab: Lab, namespace: str, account: str, *, audience: str = AUDIENCE, app: str = ""
) -> PodToken:
    """A token for any service account; Raises Refused when there is no such account."""
    return PodToken(app or namespace, _ask(lab, namespace, account, audience, None))


@explain.told
def match(lab: Lab, app: str, token: PodToken | None = None) -> pd.DataFrame:
    """The three strings that Entra compares: the token's, the credential's, and whether equal."""
    import pandas as pd

    said = read_unverified((token or of_pod(lab, app)).assertion)[1]
    credential = identity.credential_of(lab, app)
    audiences = list(credential.audiences) if credential else []
    presented = _first(said["aud"])
    pairs = [
        ("issuer", str(said["iss"]), str(credential.issuer) if credential else ""),
        ("subject", str(said["sub"]), str(credential.subject) if credential else ""),
        ("audience", presented, presented if presented in audiences else ", ".join(audiences)),
    ]
    rows = [
        {
            "what": what,
            "the token says": token_says,
            "the credential says": expects,
            "same": "yes" if token_says == expects else "no",
        }
        for what, token_says, expects in pairs
    ]
    return pd.DataFrame(rows)


@explain.told
def exchange(
    lab: Lab,
    app: str,
    *,
    token: PodToken | Jws | None = None,
    audience: str | None = None,
    namespace: str | None = None,
    service_account: str | None = None,
    client_id: str | None = None,
    scope: str = VAULT_SCOPE,
) -> AccessToken | Refused:
    """Trade a pod's token for an access token, as the app itself does; or the refusal, shown.

    Without `token`, one is made for the app's pod, or for the `service_account` in `namespace`.
    Wire: POST /{tenant}/oauth2/v2.0/token with a client assertion.
    """
    if token is None:
        token = _made(lab, app, namespace, service_account, audience or AUDIENCE)
    assertion = token.assertion if isinstance(token, PodToken) else token
    reply = traded(lab, client_id or apps.client_id(lab, app), assertion, scope)
    if reply.status_code >= 400:
        return side_by_side.told(lab, app, explain.of_reply(reply))
    return AccessToken(str(reply.json()["access_token"]))


def traded(lab: Lab, client_id: str, assertion: Jws, scope: str = VAULT_SCOPE) -> httpx.Response:
    """What Entra answers to a token that is shown in place of a password; refusals included.

    Wire: POST /{tenant}/oauth2/v2.0/token with a client assertion.
    """
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": scope,
    }
    url = f"https://login.microsoftonline.com/{lab.cloud.tenant_id}/oauth2/v2.0/token"
    with lab.http() as session:
        return session.post(url, data=form)


def claims(token: Jws) -> pd.DataFrame:
    """What a token says: claim, value, meaning; `exp` as a distance from `iat`.

    Headless, what differs from run to run is left out.
    """
    import pandas as pd

    said = _flat(read_unverified(token)[1])
    by_entra = str(said.get("iss", "")).startswith("https://sts.windows.net/")
    meaning = {**MEANING, **MEANING_AT_ENTRA} if by_entra else MEANING
    rows = [
        {"claim": name, "value": value, "meaning": meaning.get(name, "")}
        for name, value in _shown(said).items()
    ]
    return pd.DataFrame(rows)


def read_unverified(token: Jws) -> tuple[Json, Json]:
    """Header and claims of a token, its signature not looked at. Raises LabError for no token."""
    parts = token.split(".")
    try:
        head, body = (json.loads(_decoded(part)) for part in parts[:2])
    except ValueError as error:
        raise LabError("That is no token: three parts with dots between them.") from error
    return head, body


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _made(
    lab: Lab, app: str, namespace: str | None, account: str | None, audience: str
) -> PodToken:
    if account is None and namespace is None:
        return of_pod(lab, app, audience=audience)
    scenario = named(app)
    return of_account(
        lab,
        namespace or scenario.namespace,
        account or scenario.full_name,
        audience=audience,
        app=app,
    )


def _ask(lab: Lab, namespace: str, account: str, audience: str, bound: Json | None) -> Jws:
    spec: Json = {"audiences": [audience], "expirationSeconds": LIFE_S}
    if bound:
        spec["boundObjectRef"] = bound
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return str(cluster.ask_token(lab, namespace, account, request)["status"]["token"])


def _first(value: object) -> str:
    return str(value[0]) if isinstance(value, list) and value else str(value)


def _flat(said: Json) -> Json:
    """Kubernetes' own claims, one level up."""
    inner = said.get("kubernetes.io", {})
    flat = {key: value for key, value in said.items() if key != "kubernetes.io"}
    for key, value in inner.items():
        flat[key] = value["name"] if isinstance(value, dict) else value
    return flat


def _shown(said: Json) -> dict[str, str]:
    hidden = {*_NOISE, *(_TIMES if headless() else ())}
    shown = {key: _first(value) for key, value in said.items() if key not in hidden}
    if "exp" in said and "iat" in said:
        shown["exp"] = f"iat + {round((said['exp'] - said['iat']) / 60)} min"
    if headless() and "pod" in shown:
        shown["pod"] = _without_tails(shown["pod"])
    return shown


def _without_tails(pod: str) -> str:
    """A pod's name without what its ReplicaSet and its own draw of letters put there."""
    return pod.rsplit("-", 2)[0] + "-…"
