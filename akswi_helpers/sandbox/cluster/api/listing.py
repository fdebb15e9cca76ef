"""Lists: selectors, pages, and which version of the past a client wants to see.

A continued page shows the cluster as it was when the first page was read; when that version is
forgotten the answer is 410, and clients start over.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ (chunks, resource versions).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable

from akswi_helpers.sandbox.cluster.api import answers
from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.refusals import (
    StatusError,
    bad_option,
    bad_request,
    too_new,
)
from akswi_helpers.sandbox.cluster.storage import selectors
from akswi_helpers.types import Json

Keep = Callable[[Json], bool]

_MATCHES = ("", "Exact", "NotOlderThan")
_FORBIDDEN = "FieldValueForbidden"


def listed(call: Call) -> Json:
    """The list a client asks for, in its form. Raises StatusError 400, 410, 422 or 504."""
    kind, store = call.needs_kind(), call.cluster.store
    revision, start = _from(call)
    keep = kept(call)
    if revision == store.revision:
        rows = store.list(kind, call.namespace)
    else:
        rows = store.list_at(kind, call.namespace, revision)
    found = [obj for obj in rows if keep(obj) and _key(obj) >= start]
    metadata: Json = {"resourceVersion": str(revision)}
    limit = call.integer("limit") or 0
    if 0 < limit < len(found):
        metadata["continue"] = _token(revision, _key(found[limit]))
        if not call.query.get("labelSelector") and not call.query.get("fieldSelector"):
            metadata["remainingItemCount"] = len(found) - limit
        found = found[:limit]
    return answers.many(call, kind, found, metadata)


def kept(call: Call) -> Keep:
    """Which objects both selectors, and the name in the path, let through."""
    by_label = selectors.labels(call.query.get("labelSelector", ""))
    by_field = selectors.fields(call.needs_kind(), call.query.get("fieldSelector", ""))
    name = call.target.name
    return lambda obj: (
        by_label(obj["metadata"].get("labels") or {})
        and by_field(obj)
        and (not name or obj["metadata"]["name"] == name)
    )


def revision_of(call: Call) -> int | None:
    """The resourceVersion asked for; None for "the newest". Raises StatusError 400."""
    text = call.query.get("resourceVersion", "")
    if not text:
        return None
    if not text.isdigit():
        why = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(f"invalid resource version: resourceVersion: {why}")
    return int(text)


def check_match(call: Call) -> str:
    """The resourceVersionMatch of a list. Raises StatusError 422 where it makes no sense."""
    match, given = call.query.get("resourceVersionMatch", ""), revision_of(call)
    options, field = "ListOptions", "resourceVersionMatch"
    if match and given is None and "sendInitialEvents" not in call.query:
        why = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
        raise bad_option(options, field, _FORBIDDEN, why)
    if match not in _MATCHES:
        why = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        raise bad_option(options, field, "FieldValueNotSupported", why)
    if match == "Exact" and given == 0:
        why = 'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        raise bad_option(options, field, _FORBIDDEN, why)
    return match


def _from(call: Call) -> tuple[int, str]:
    current, asked, match = call.cluster.store.revision, revision_of(call), check_match(call)
    token = call.query.get("continue", "")
    if token:
        if asked:
            raise bad_request("specifying resource version is not allowed when using continue")
        return _read_token(token)
    if asked and asked > current:
        raise too_new(asked, current)
    if asked and (match == "Exact" or (not match and call.integer("limit"))):
        return asked, ""
    return current, ""


def _token(revision: int, start: str) -> str:
    body = {"v": "meta.k8s.io/v1", "rv": revision, "start": start}
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, str]:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except binascii.Error as error:
        raise _bad_token(f"illegal base64 data at input byte {len(token) - 1}") from error
    try:
        body = json.loads(raw)
        return int(body["rv"]), str(body["start"])
    except (ValueError, KeyError, TypeError) as error:
        first = chr(raw[0]) if raw else ""
        raise _bad_token(f"invalid character '{first}' looking for beginning of value") from error


def _bad_token(why: str) -> StatusError:
    return bad_request(f"invalid continue token: continue key is not valid: {why}")


def _key(obj: Json) -> str:
    return f"{obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"
