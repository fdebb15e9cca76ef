"""Federation, with issuers that the test runs itself behind the sandbox's own gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from akswi_helpers.sandbox import services, tokens
from akswi_helpers.sandbox.azure.entra import service as entra
from akswi_helpers.sandbox.azure.entra.directory import Directory, FederatedCredential, Principal
from akswi_helpers.sandbox.dispatch import Services, answer
from akswi_helpers.sandbox.request_log import RequestLog
from akswi_helpers.sandbox.server import Sandbox, Wishes
from akswi_helpers.sandbox.wire import Reply, Request, Route, Service
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

HOST = "issuers.example.test"
SUBJECT = "system:serviceaccount:app1:app1-workloadidapp1"
AUDIENCE = "api://AzureADTokenExchange"
APP = Principal("object", "client", "id-app1", "ManagedIdentity", "/subscriptions/s/x/id-app1")
KEY = rsa.generate_private_key(65537, 2048)
FOREIGN = rsa.generate_private_key(65537, 2048)
JWK = tokens.public_jwk(KEY.public_key())


def issuer(name: str) -> str:
    return f"https://{HOST}/{name}/"


def document(world: World, request: Request) -> Reply:
    name = request.args["name"]
    named = issuer("another") if name == "liar" else issuer(name)
    keys = "http" if name == "plain" else "https"
    return Reply({"issuer": named, "jwks_uri": f"{keys}://{HOST}/{name}/keys"})


def keys(world: World, request: Request) -> Reply:
    directory = world.state(Directory)
    if request.args["name"] == "removes-the-app":
        directory.remove(APP.object_id)
    if request.args["name"] == "removes-itself":
        directory.remove_credential(APP.object_id, "removes-itself")
    return Reply({"keys": [JWK]}, 500 if request.args["name"] == "broken" else 200)


ISSUERS = Service(
    "issuers",
    (HOST,),
    (
        Route("GET", "/{name}/.well-known/openid-configuration", document),
        Route("GET", "/{name}/keys", keys),
    ),
    lambda error, request: Reply(status=error.status),
    entra.unknown,
    entra.malformed,
)


def token(name: str = "good", key: Any = KEY, kid: str = JWK["kid"], **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": issuer(name), "sub": SUBJECT, "aud": [AUDIENCE], "nbf": now, "exp": now + 600}
    return jwt.encode({**claims, **changes}, key, "RS256", {"kid": kid})


NAMES = (
    "good",
    "liar",
    "plain",
    "broken",
    "removes-the-app",
    "removes-itself",
    "absent.example.test",
)


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    monkeypatch.setattr(services, "load", lambda: Services((entra.SERVICE, ISSUERS)))
    sandbox = Sandbox(tmp_path, Wishes())
    with sandbox.world.transaction():
        directory = sandbox.world.state(Directory)
        directory.add(APP)
        for name in NAMES:
            where = issuer(name) if "." not in name else f"https://{name}/"
            one = FederatedCredential(name, name, where, SUBJECT, [AUDIENCE])
            directory.put_credential(APP.object_id, one)
    return sandbox


def exchange(sandbox: Sandbox, assertion: str) -> Json:
    """What Entra answers, over its real path to the issuer; the sandbox runs for this call."""

    async def ask() -> Json:
        found: list[Json] = []

        async def client() -> None:
            reply = await answer(sandbox.world, sandbox._services, _request(sandbox, assertion))
            found.append({**reply.body, "rows": sandbox.world.state(RequestLog).rows()})
            sandbox.stop()

        def ready() -> None:
            sandbox.spawn(client())

        await sandbox.run(ready)
        return found[0]

    return asyncio.run(ask())


def _request(sandbox: Sandbox, assertion: str) -> Request:
    body = (
        f"grant_type=client_credentials&client_id=client&client_assertion={assertion}"
        f"&client_assertion_type={entra.JWT_BEARER}&scope=https://vault.azure.net/.default"
    )
    path = f"/{sandbox.world.tenant_id}/oauth2/v2.0/token"
    return Request("POST", entra.HOST, path, body=body.encode())


def test_assertion_of_a_published_key_is_exchanged_for_a_day(running: Sandbox) -> None:
    answered = exchange(running, token())
    claims = jwt.decode(answered["access_token"], options={"verify_signature": False})
    assert (answered["expires_in"], claims["exp"] - claims["iat"]) == (86_399, 86_700)
    assert (claims["appidacr"], claims["xms_mirid"]) == ("2", APP.owner)


def test_issuers_documents_are_fetched_through_the_gateway(running: Sandbox) -> None:
    rows = exchange(running, token())["rows"]
    assert [(row["user_agent"], row["host"], row["path"]) for row in rows] == [
        ("akswi-entra", HOST, "/good/.well-known/openid-configuration"),
        ("akswi-entra", HOST, "/good/keys"),
    ]


_RAW: Any = {"verify_signature": False}
_KID: dict[str, Any] = {"kid": JWK["kid"]}


REFUSED: dict[str, tuple[Callable[[], str], int]] = {
    "issuer without its slash": (lambda: token(iss=issuer("good")[:-1]), 700211),
    "another issuer": (lambda: token("strange"), 700211),
    "another subject": (lambda: token(sub="system:serviceaccount:app1:default"), 700213),
    "subject in another case": (lambda: token(sub=SUBJECT.upper()), 7002138),
    "another audience": (lambda: token(aud=["https://kubernetes.default.svc"]), 700212),
    "audience in another case": (lambda: token(aud=AUDIENCE.lower()), 700212),
    "issuer that is not there": (lambda: token(iss="https://absent.example.test/"), 90061),
    "document of another issuer": (lambda: token("liar"), 90061),
    "keys over plain http": (lambda: token("plain"), 90061),
    "keys that answer 500": (lambda: token("broken"), 90061),
    "key that is not published": (lambda: token(key=FOREIGN, kid="foreign"), 7000272),
    "no kid": (lambda: token(kid=""), 7000272),
    "foreign key of the same name": (lambda: token(key=FOREIGN), 50013),
    "other claims than were signed": (lambda: _patched(token()), 50013),
    "another algorithm": (
        lambda: jwt.encode(jwt.decode(token(), options=_RAW), "k" * 32, "HS256", _KID),
        5002738,
    ),
}


def _patched(text: str) -> str:
    """The same token with its expiry a second later, under the old signature."""
    head, _, signature = text.split(".")
    claims = jwt.decode(text, options=_RAW)
    body = jwt.encode({**claims, "exp": claims["exp"] + 1}, "k" * 32, "HS256").split(".")[1]
    return f"{head}.{body}.{signature}"


@pytest.mark.parametrize("case", REFUSED)
def test_assertion_is_refused(running: Sandbox, case: str) -> None:
    make, code = REFUSED[case]
    answered = exchange(running, make())
    assert answered["error_codes"] == [code]
    assert "access_token" not in answered


def test_nothing_is_fetched_for_an_assertion_that_does_not_match(running: Sandbox) -> None:
    assert exchange(running, token(sub="somebody"))["rows"] == []


def test_principal_that_goes_while_keys_are_fetched_gets_no_token(running: Sandbox) -> None:
    assert exchange(running, token("removes-the-app"))["error_codes"] == [700016]


def test_credential_that_goes_while_keys_are_fetched_gives_no_token(running: Sandbox) -> None:
    assert exchange(running, token("removes-itself"))["error_codes"] == [700211]


def test_application_without_credentials_is_told_so(running: Sandbox) -> None:
    with running.world.transaction():
        directory = running.world.state(Directory)
        for one in directory.credentials(APP.object_id):
            directory.remove_credential(APP.object_id, one.name)
    text = exchange(running, token())["error_description"]
    assert text.startswith(
        "AADSTS70025: The client 'client'(id-app1) has no configured federated identity "
        "credentials. Trace ID: "
    )
