"""Does this foreign token stand for that principal? Matching first, then the issuer's keys.

Order: parse, times, credentials at all, issuer, subject, audience, and only then the issuer's
discovery document and keys, fetched through the gateway, and the signature. Matching first also
means that nobody can make the sandbox fetch a document of their choosing.

Source: workload-identity-federation-considerations in Entra's documentation; the order is
consistent with every public report, and not documented. Left out: flexible credentials (claims
matching expressions), managed identities as credentials.
"""

from __future__ import annotations

from datetime import UTC, datetime

from akswi_helpers.sandbox import tokens
from akswi_helpers.sandbox.azure.entra import errors
from akswi_helpers.sandbox.azure.entra.directory import Directory, FederatedCredential, Principal
from akswi_helpers.sandbox.fetching import Fetcher, Unreachable
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json, Jws, Seconds, Url

HEADER_TYPES = (None, "JWT", "http://openid.net/specs/jwt/1.0")
ENTRA_ISSUERS = ("https://sts.windows.net/", "https://login.microsoftonline.com/")


async def check(world: World, principal: Principal, assertion: Jws) -> None:
    """Return when the assertion stands for the principal. Raises Entra's refusal otherwise."""
    header, claims = _parsed(assertion)
    _in_time(world, claims)
    if str(claims["iss"]).startswith(ENTRA_ISSUERS):
        raise errors.issued_by_entra()
    _matched(world, principal, claims)
    keys = await _published_keys(world, str(claims["iss"]))
    _signed(assertion, header, keys, str(claims["iss"]))
    _matched(world, principal, claims)  # again: fetching took a while


def _matched(world: World, principal: Principal, claims: Json) -> None:
    directory = world.state(Directory)
    if directory.known(principal.client_id) is None:
        raise errors.client_unknown(principal.client_id, world.tenant_id)
    match(directory.known_credentials(principal.object_id), claims, principal)


def match(
    credentials: list[FederatedCredential], claims: Json, principal: Principal
) -> FederatedCredential:
    """The credential whose issuer, subject and audience equal the claims. Raises a refusal."""
    issuer, subject = str(claims["iss"]), str(claims["sub"])
    if not credentials:
        raise errors.no_federation(principal.client_id, principal.display_name)
    of_issuer = [one for one in credentials if one.issuer == issuer]
    if not of_issuer:
        raise errors.issuer_unmatched(issuer)
    of_subject = [one for one in of_issuer if one.subject == subject]
    if not of_subject:
        raise _subject_refusal(of_issuer, subject)
    audiences = _audiences(claims)
    for one in of_subject:
        if set(audiences) & set(one.audiences):
            return one
    raise errors.audience_unmatched(audiences[0] if audiences else "")


def _subject_refusal(credentials: list[FederatedCredential], subject: str) -> Exception:
    if any(one.subject.lower() == subject.lower() for one in credentials):
        return errors.subject_case_differs(subject)
    return errors.subject_unmatched(subject)


def _audiences(claims: Json) -> list[str]:
    named = claims.get("aud", [])
    return [str(one) for one in named] if isinstance(named, list) else [str(named)]


def _parsed(assertion: Jws) -> tuple[Json, Json]:
    try:
        header, claims = tokens.read(assertion)
    except tokens.BadToken as error:
        raise errors.assertion_malformed() from error
    if header.get("typ") not in HEADER_TYPES:
        raise errors.header_type_wrong()
    if not {"iss", "sub", "aud", "exp"} <= claims.keys():
        raise errors.assertion_malformed()
    return header, claims


def _in_time(world: World, claims: Json) -> None:
    now = world.clock.now()
    start, end = _moment(claims.get("nbf", claims.get("iat", 0))), _moment(claims["exp"])
    if not start <= now < end:
        raise errors.outside_its_time(now, start, end)


def _moment(value: object) -> Seconds:
    try:
        moment = float(str(value))
        datetime.fromtimestamp(moment, UTC)  # a year that exists
    except (ValueError, OverflowError, OSError) as error:
        raise errors.assertion_malformed() from error
    return moment


async def _published_keys(world: World, issuer: Url) -> list[Json]:
    fetcher = world.state(Fetcher)
    try:
        document = await fetcher.json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise Unreachable("the document is another issuer's")
        keys = (await fetcher.json(str(document.get("jwks_uri")))).get("keys")
    except Unreachable as error:
        raise errors.issuer_unreachable() from error
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


def _signed(assertion: Jws, header: Json, keys: list[Json], issuer: Url) -> None:
    kid = str(header.get("kid", ""))
    if not any(key.get("kid") == kid for key in keys):
        raise errors.key_unpublished(kid, issuer)
    if header.get("alg") != "RS256":
        raise errors.algorithm_wrong(str(header.get("alg")))
    try:
        tokens.verify(assertion, keys)
    except tokens.BadToken as error:
        raise errors.signature_wrong() from error
