"""RS256 keys and tokens: who signs, what is published, what verifies.

Keys belong to an issuer's name ("entra", "cluster/<uuid>"), are made when first needed (about
0.1 s, in a thread) and kept in the World. Verified tokens are remembered until they expire or
their issuer's keys change.

Source: RFC 7515, RFC 7517, RFC 7519. Left out: every algorithm but RS256 (Entra and AKS use no
other here).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, Jws, Seconds


class BadToken(Exception):
    """The text is not a JSON web token, or its signature is not by any of the given keys."""


class SigningKeys:
    """The private keys of every issuer in this sandbox, and what each publishes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._keys = world.table("tokens.keys")  # issuer name -> {"pem": …, "jwk": …}
        self._loaded: dict[str, rsa.RSAPrivateKey] = {}
        self._verified: dict[tuple[str, str], Json] = {}
        self._making: dict[str, asyncio.Task[None]] = {}

    async def ensure(self, issuer: str) -> None:
        """Make the issuer's key when there is none; two callers at once make one key."""
        if issuer in self._keys:
            return
        if issuer not in self._making:
            self._making[issuer] = asyncio.ensure_future(self._make(issuer))
        await asyncio.shield(self._making[issuer])

    async def _make(self, issuer: str) -> None:
        key = await asyncio.to_thread(rsa.generate_private_key, 65537, 2048)
        with self._world.transaction():
            self._keys.put(issuer, {"pem": _pem(key), "jwk": public_jwk(key.public_key())})

    async def sign(self, issuer: str, claims: Json, **header: Any) -> Jws:
        """A compact RS256 token with the issuer's `kid` and the extra `header` fields.

        Pass typ=None for a header without "typ", as Kubernetes writes it.
        """
        await self.ensure(issuer)
        key, kid = self._private(issuer), self._keys[issuer]["jwk"]["kid"]
        head = {"kid": kid, **header}
        return await asyncio.to_thread(jwt.encode, claims, key, "RS256", head)

    def kid(self, issuer: str) -> str:
        """The key id the issuer signs with; the key must exist."""
        return str(self._keys[issuer]["jwk"]["kid"])

    async def jwks(self, issuer: str) -> Json:
        """The issuer's public keys, as its JWKS document."""
        await self.ensure(issuer)
        return {"keys": [self._keys[issuer]["jwk"]]}

    def forget(self, issuer: str) -> None:
        """Drop the issuer's key and everything it signed; inside a transaction."""
        if issuer in self._keys:
            self._keys.remove(issuer)
        self._loaded.pop(issuer, None)
        self._verified = {key: value for key, value in self._verified.items() if key[0] != issuer}

    def verify(self, issuer: str, token: Jws) -> Json:
        """The claims of a token this sandbox's `issuer` signed. Times and audience are not judged.

        Raises BadToken when it is malformed or signed by anybody else.
        """
        remembered = self._verified.get((issuer, token))
        if remembered is not None:
            return remembered
        if issuer not in self._keys:
            raise BadToken("this issuer has signed nothing yet")
        claims = verify(token, [self._keys[issuer]["jwk"]])
        self._remember(issuer, token, claims)
        return claims

    def _remember(self, issuer: str, token: Jws, claims: Json) -> None:
        now = self._world.clock.now()
        if len(self._verified) > 2000:
            self._verified = {k: v for k, v in self._verified.items() if v.get("exp", 0) > now}
        self._verified[(issuer, token)] = claims

    def _private(self, issuer: str) -> rsa.RSAPrivateKey:
        if issuer not in self._loaded:
            pem = str(self._keys[issuer]["pem"]).encode()
            key = serialization.load_pem_private_key(pem, None)
            assert isinstance(key, rsa.RSAPrivateKey)
            self._loaded[issuer] = key
        return self._loaded[issuer]


def read(token: Jws) -> tuple[Json, Json]:
    """Header and claims of a token, unverified. Raises BadToken when it is not one."""
    try:
        head, body, _ = token.split(".")
        pair = json.loads(_decode(head)), json.loads(_decode(body))
    except ValueError as error:
        raise BadToken("not three base64url parts of JSON") from error
    if not all(isinstance(part, dict) for part in pair):
        raise BadToken("header or claims are not JSON objects")
    return pair


def verify(token: Jws, jwks: list[Json]) -> Json:
    """The claims, when one of the public `jwks` signed the token with RS256. Raises BadToken."""
    header, _ = read(token)
    keys = [key for key in jwks if key.get("kid") == header.get("kid")]
    if not keys:
        raise BadToken("no published key has the token's kid")
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    options |= {"verify_aud": False, "verify_sub": False, "verify_jti": False}
    try:
        return dict(jwt.decode(token, jwt.PyJWK(keys[0]), ["RS256"], options))
    except jwt.PyJWTError as error:
        raise BadToken(str(error)) from error


def within(claims: Json, now: Seconds) -> bool:
    """Whether `now` lies in the token's validity (nbf to exp)."""
    return float(claims.get("nbf", 0)) <= now < float(claims.get("exp", 0))


def public_jwk(key: rsa.RSAPublicKey) -> Json:
    """The key as a JWK with use, alg and a kid made of its own hash."""
    numbers = key.public_numbers()
    n, e = _number(numbers.n), _number(numbers.e)
    kid = _encode(hashlib.sha256(f"{n}.{e}".encode()).digest())
    return {"use": "sig", "kty": "RSA", "kid": kid, "alg": "RS256", "n": n, "e": e}


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _number(value: int) -> str:
    return _encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
