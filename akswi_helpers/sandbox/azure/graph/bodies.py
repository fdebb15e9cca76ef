"""What a client writes to Graph: which properties may be set, and to what.

A property that the sandbox keeps is checked and stored; one that Azure has and the sandbox does
not do anything with may only be sent as it is already (empty); any other is refused.

Source: https://learn.microsoft.com/graph/api/resources/application,
…/serviceprincipal, …/passwordcredential and …/federatedidentitycredential.
Left out: certificates, redirect addresses, permissions, roles, disabled accounts: 501.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from akswi_helpers.sandbox.azure.entra.directory import FederatedCredential
from akswi_helpers.sandbox.azure.graph import refusals
from akswi_helpers.sandbox.azure.graph.shapes import APPLICATION, AUDIENCES, SERVICE_PRINCIPAL
from akswi_helpers.sandbox.wire import Request, not_emulated
from akswi_helpers.types import Json, Seconds

LONGEST = 600  # characters of a credential's issuer, subject, audience and description
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}")
TWO_YEARS = 2 * 365 * 86_400  # how long a password lives when nobody says

_READ_ONLY = frozenset({"id", "appId", "createdDateTime", "deletedDateTime", "publisherDomain"})
_TEXTS = frozenset({"description", "notes", "serviceManagementReference"})
_OF_APPLICATION = _TEXTS | {"displayName", "tags", "signInAudience"}
_OF_PRINCIPAL = frozenset({"description", "notes", "tags", "appRoleAssignmentRequired"})
_OF_CREDENTIAL = frozenset({"name", "issuer", "subject", "audiences", "description"})
_OF_PASSWORD = frozenset({"displayName", "startDateTime", "endDateTime"})


def body_of(request: Request, *, may_be_empty: bool = False) -> Json:
    """The body without the annotations that SDKs put in it, at any depth. Raises WireError."""
    kind = request.headers.get("content-type", "")
    if not kind:
        raise refusals.untyped()
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise refusals.not_json()
    if not request.body:
        raise refusals.malformed()
    body = {k: _plain(v) for k, v in request.json().items() if not k.startswith("@odata.")}
    if not body and not may_be_empty:
        raise refusals.empty_payload()
    return body


def application_changes(current: Json, body: Json) -> Json:
    """What the body changes of an application. Raises WireError."""
    changes = _changes(current, body, APPLICATION, _OF_APPLICATION, "application")
    name = changes.get("displayName", current["displayName"])
    if not isinstance(name, str) or not 0 < len(name) <= 256:
        raise refusals.bad_request("displayName must have 1 to 256 characters.")
    if changes.get("signInAudience", AUDIENCES[0]) not in AUDIENCES:
        raise refusals.bad_request(f"signInAudience must be one of {', '.join(AUDIENCES)}.")
    return changes


def principal_changes(current: Json, body: Json) -> Json:
    """What the body changes of a service principal. Raises WireError."""
    changes = _changes(current, body, SERVICE_PRINCIPAL, _OF_PRINCIPAL, "servicePrincipal")
    if not isinstance(changes.get("appRoleAssignmentRequired", False), bool):
        raise refusals.bad_request("appRoleAssignmentRequired must be true or false.")
    return changes


def _changes(current: Json, body: Json, type_: Json, kept: frozenset[str], kind: str) -> Json:
    for name, value in body.items():
        if name not in type_:
            raise refusals.unknown_property(name, kind)
        same = value == current[name] or (_empty(value) and _empty(current[name]))
        if name in _READ_ONLY and value != current[name]:
            raise refusals.read_only(name)
        if name not in kept | _READ_ONLY and not same:
            raise not_emulated(f"the property '{name}' of an object of type {kind}")
    changes = {name: body[name] for name in kept & body.keys()}
    _check_texts(changes)
    return changes


def _check_texts(changes: Json) -> None:
    for name in _TEXTS & changes.keys():
        if not isinstance(changes[name], str | None):
            raise refusals.bad_request(f"{name} must be a text.")
    tags = changes.get("tags", [])
    if not isinstance(tags, list) or not all(_fits(one, 256) for one in tags):
        raise refusals.bad_request("tags must be a list of texts of 1 to 256 characters.")


def password_of(body: Json, now: Seconds) -> tuple[str | None, Seconds, Seconds]:
    """The name, beginning and end of a password that is asked for. Raises WireError."""
    asked = body.get("passwordCredential") or {}
    if body.keys() - {"passwordCredential"} or not isinstance(asked, dict):
        raise refusals.bad_request("addPassword takes a passwordCredential and nothing else.")
    if not isinstance(asked.get("displayName"), str | None):
        raise refusals.bad_request("displayName must be a text.")
    for name in asked.keys() - _OF_PASSWORD:
        if asked[name] is not None:
            raise not_emulated(f"the property '{name}' of a new password")
    start = _moment(asked.get("startDateTime"), now)
    end = _moment(asked.get("endDateTime"), start + TWO_YEARS)
    if end <= start:
        raise refusals.bad_request("endDateTime must be later than startDateTime.")
    return asked.get("displayName"), start, end


def _moment(value: object, otherwise: Seconds) -> Seconds:
    if value is None:
        return otherwise
    try:
        text = re.sub(r"(\.\d{6})\d+", r"\1", str(value))  # Graph writes seven digits
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise refusals.bad_request(f"'{value}' is not a date and time.") from error
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def new_credential(id: str, body: Json) -> FederatedCredential:
    """The federated identity credential that a body describes. Raises WireError."""
    name = body.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise refusals.credential_invalid(
            f"The name '{name}' is not valid: 3 to 120 letters, digits, '-' and '_', the first a "
            "letter or digit."
        )
    return _changed(FederatedCredential(id, name, "", "", []), body)


def changed_credential(old: FederatedCredential, body: Json) -> FederatedCredential:
    """A credential with what the body changes; its name stays. Raises WireError."""
    if body.get("name", old.name) != old.name:
        raise refusals.read_only("name")
    return _changed(old, body)


def _changed(old: FederatedCredential, body: Json) -> FederatedCredential:
    for name in body.keys() - _OF_CREDENTIAL - {"id"}:
        if name in ("claimsMatchingExpression", "trustDomain"):
            raise not_emulated(f"the property '{name}' of a federated identity credential")
        raise refusals.unknown_property(name, "federatedIdentityCredential")
    if body.get("id", old.id) != old.id:
        raise refusals.read_only("id")
    wanted = {name: body[name] for name in _OF_CREDENTIAL & body.keys() if name != "name"}
    if wanted.get("description", "") is None:
        wanted["description"] = ""
    new = replace(old, **wanted)
    _check(new)
    return new


def _check(one: FederatedCredential) -> None:
    for name in ("issuer", "subject"):
        if not _fits(getattr(one, name), LONGEST):
            raise refusals.credential_invalid(f"{name} must have 1 to {LONGEST} characters.")
    if not isinstance(one.description, str) or len(one.description) > LONGEST:
        raise refusals.credential_invalid(f"description has at most {LONGEST} characters.")
    if not isinstance(one.audiences, list) or len(one.audiences) != 1:
        raise refusals.credential_invalid("There must be exactly one audience.")
    if not _fits(one.audiences[0], LONGEST):
        raise refusals.credential_invalid(f"An audience has 1 to {LONGEST} characters.")


def _fits(value: object, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if not str(k).startswith("@odata.")}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _empty(value: object) -> bool:
    """Whether a value says nothing: null, false, or empties in empties."""
    if isinstance(value, dict):
        return all(_empty(one) for one in value.values())
    return value in (None, False, "", [])


def need_text(body: Json, name: str) -> str:
    """A property that must be there. Raises WireError."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise refusals.bad_request(f"A value is required for property '{name}'.")
    return value
