"""What Resource Manager's handlers ask of a request: its caller, its query, its body.

Source: the parameters of each operation in https://learn.microsoft.com/rest/api/azure. A query
parameter that an operation does not list is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Callable

from akswi_helpers.sandbox.azure.arm.refusals import invalid_request
from akswi_helpers.sandbox.wire import Caller, Handler, Request, not_emulated
from akswi_helpers.types import Json

ANYONE = "-"
"""A route's action when every caller of the tenant may ask: lists that show only what the caller
may read, and the status of operations, which outlives the rights of the one who began it."""

_TAKEN: dict[object, frozenset[str]] = {}


def takes(*names: str) -> Callable[[Handler], Handler]:
    """A handler that reads these query parameters besides api-version."""

    def declare(handler: Handler) -> Handler:
        _TAKEN[handler] = frozenset(name.lower() for name in names)
        return handler

    return declare


def inherit(wrapper: object, handler: object) -> None:
    """Let a handler's wrapper take the parameters that the handler takes."""
    _TAKEN[wrapper] = _TAKEN.get(handler, frozenset())


def refuse_unknown_query(handler: object, request: Request) -> None:
    """Raise WireError 501 when the request carries a parameter the handler does not read."""
    known = _TAKEN.get(handler, frozenset()) | {"api-version"}
    for name in request.query:
        if name.lower() not in known:
            raise not_emulated(f"the query parameter '{name}' of {request.method} {request.path}")


def caller_of(request: Request) -> Caller:
    """Who sent the request; it has been admitted."""
    assert request.caller is not None
    return request.caller


def tags_of(body: Json) -> Json:
    """The body's tags, {} when it has none. Raises WireError when they are not texts."""
    tags = body.get("tags") or {}
    if not isinstance(tags, dict) or not all(isinstance(text, str) for text in tags.values()):
        raise invalid_request("Tags must be an object whose values are strings.")
    if any(len(name) > 512 or len(text) > 256 for name, text in tags.items()):
        raise invalid_request("A tag's name has at most 512 characters, its value 256.")
    if len(tags) > 50:
        raise invalid_request("A resource has at most 50 tags.", "TooManyTags")
    return tags
