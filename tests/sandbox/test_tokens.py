"""Tokens are RS256, and a changed byte, a foreign key or another issuer is noticed."""

import asyncio

import jwt
import pytest

from akswi_helpers.sandbox.tokens import BadToken, SigningKeys, read, verify, within
from akswi_helpers.sandbox.world import World

CLAIMS = {"aud": "https://vault.azure.net", "sub": "app", "nbf": 100, "exp": 200}


@pytest.fixture(scope="module")
def keys() -> SigningKeys:
    return World().state(SigningKeys)


@pytest.fixture(scope="module")
def token(keys: SigningKeys) -> str:
    return asyncio.run(keys.sign("entra", CLAIMS))


def test_sign_makes_what_another_library_verifies(keys: SigningKeys, token: str) -> None:
    key = asyncio.run(keys.jwks("entra"))["keys"][0]
    options = {"verify_exp": False, "verify_aud": False, "verify_nbf": False}
    assert jwt.decode(token, jwt.PyJWK(key), ["RS256"], options) == CLAIMS  # type: ignore[arg-type]


def test_verify_gives_the_claims(keys: SigningKeys, token: str) -> None:
    assert keys.verify("entra", token) == CLAIMS
    assert keys.verify("entra", token) is keys.verify("entra", token)


def test_verify_refuses_a_changed_claim(keys: SigningKeys, token: str) -> None:
    head, body, signature = token.split(".")
    flipped = body[:-2] + ("A" if body[-2] != "A" else "B") + body[-1]
    with pytest.raises(BadToken):
        keys.verify("entra", f"{head}.{flipped}.{signature}")


def test_verify_refuses_another_issuers_key(keys: SigningKeys, token: str) -> None:
    asyncio.run(keys.ensure("cluster/a"))
    with pytest.raises(BadToken, match="no published key"):
        keys.verify("cluster/a", token)


def test_verify_refuses_an_unsigned_token(keys: SigningKeys) -> None:
    kid = keys.kid("entra")
    jwks = asyncio.run(keys.jwks("entra"))["keys"]
    with pytest.raises(BadToken):
        verify(jwt.encode(CLAIMS, "", "none", {"kid": kid}), jwks)


def test_forget_makes_old_tokens_worthless() -> None:
    world = World()
    keys = world.state(SigningKeys)
    token = asyncio.run(keys.sign("cluster/b", CLAIMS, typ=None))
    assert "typ" not in read(token)[0]
    keys.verify("cluster/b", token)
    with world.transaction():
        keys.forget("cluster/b")
    with pytest.raises(BadToken):
        keys.verify("cluster/b", token)


@pytest.mark.parametrize(("now", "valid"), [(99, False), (100, True), (199, True), (200, False)])
def test_within_is_from_nbf_to_exp(now: int, valid: bool) -> None:
    assert within(CLAIMS, now) is valid


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "e30.W10.x"])
def test_read_refuses_what_is_not_a_token(text: str) -> None:
    with pytest.raises(BadToken):
        read(text)
