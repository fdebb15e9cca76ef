"""The refusals of a Kubernetes API, as errors that carry a Status body.

    raise not_found(kind, "web")    ->  404 deployments.apps "web" not found

Source: refusals read off a kube-apiserver 1.37.2. Left out: messages in other languages (the real
one has none either).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.wire import UNVERIFIED, WireError
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

_UNKNOWN = "the server could not find the requested resource"


class StatusError(WireError):
    """A refusal with its Status body. `reason` "" and `details` None leave those fields out."""

    def __init__(self, status: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(status, reason or "Unknown", message)
        self.reason = reason
        self.details = details
        retry = (details or {}).get("retryAfterSeconds")
        if retry:
            self.headers = {"retry-after": str(retry)}

    def body(self) -> Json:
        """The Status object, as the API server writes it."""
        body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        body["message"] = self.message
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        return {**body, "code": self.status}


def qualified(kind: Kind) -> str:
    """The resource with its group: "deployments.apps", or "pods" in the core group."""
    return f"{kind.plural}.{kind.group}" if kind.group else kind.plural


def details(kind: Kind, name: str = "") -> Json:
    """The `details` that name an object by its resource."""
    found: Json = {"name": name} if name else {}
    if kind.group:
        found["group"] = kind.group
    return {**found, "kind": kind.plural}


def not_found(kind: Kind, name: str) -> StatusError:
    """404 for an object that is not there."""
    message = f'{qualified(kind)} "{name}" not found'
    return StatusError(404, "NotFound", message, details(kind, name))


def already_exists(kind: Kind, name: str) -> StatusError:
    """409 for a name that is taken."""
    message = f'{qualified(kind)} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, details(kind, name))


def modified(kind: Kind, name: str) -> StatusError:
    """409 for an update of an older version of the object."""
    why = (
        "the object has been modified; please apply your changes to the latest version "
        "and try again"
    )
    return conflict(kind, name, why)


def conflict(kind: Kind, name: str, why: str) -> StatusError:
    """409 with the reason after the usual beginning."""
    message = f'Operation cannot be fulfilled on {qualified(kind)} "{name}": {why}'
    return StatusError(409, "Conflict", message, details(kind, name))


def precondition(kind: Kind, name: str, what: str, wanted: str, found: str) -> StatusError:
    """409 for a delete whose uid or resourceVersion is not the object's (`what` says which)."""
    tail = "deleted and then recreated" if what == "UID" else "modified"
    message = (
        f'Operation cannot be fulfilled on {kind.kind} "{name}": the {what} in the precondition '
        f"({wanted}) does not match the {what} in record ({found}). "
        f"The object might have been {tail}"
    )
    found_at: Json = {"name": name} | ({"group": kind.group} if kind.group else {})
    return StatusError(409, "Conflict", message, {**found_at, "kind": kind.kind})


def forbidden(kind: Kind, name: str, why: str, causes: list[Json] | None = None) -> StatusError:
    """403 by admission or for want of rights: `pods "x" is forbidden: …`."""
    subject = f'{qualified(kind)} "{name}"' if name else qualified(kind)
    found = details(kind, name) | ({"causes": causes} if causes else {})
    return StatusError(403, "Forbidden", f"{subject} is forbidden: {why}", found)


def bad_request(message: str) -> StatusError:
    """400 with these words."""
    return StatusError(400, "BadRequest", message)


def unknown_resource() -> StatusError:
    """404 for a resource that the API does not have."""
    return StatusError(404, "NotFound", _UNKNOWN, {})


def method_not_allowed() -> StatusError:
    """405 for a verb that the resource does not have."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, {})


def unauthorized() -> StatusError:
    """401 for a missing or bad token."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def too_old(asked: int, oldest: int) -> StatusError:
    """410 for a resourceVersion that the history has forgotten."""
    return StatusError(410, "Expired", f"too old resource version: {asked} ({oldest})")


def too_new(asked: int, current: int) -> StatusError:
    """504 for a resourceVersion that has not happened yet."""
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return StatusError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def too_many_requests(seconds: int) -> StatusError:
    """429 for a request that may come again in so many seconds."""
    message = f"{UNVERIFIED}Too many requests, please try again later."
    return StatusError(429, "TooManyRequests", message, {"retryAfterSeconds": seconds})


def server_timeout(operation: str, plural: str, seconds: int) -> StatusError:
    """500 for a passing fault; apimachinery's NewServerTimeout."""
    message = (
        f"The {operation} operation against {plural} could not be completed at this time, please "
        "try again."
    )
    found: Json = {"name": operation, "kind": plural, "retryAfterSeconds": seconds}
    return StatusError(500, "ServerTimeout", message, found)


def not_implemented(what: str) -> StatusError:
    """501 for what Kubernetes has and this sandbox does not."""
    return StatusError(501, "NotImplemented", f"The sandbox does not emulate {what}.")


def invalid(
    subject: str, name: str, group: str, causes: Iterable[tuple[str, str, str]]
) -> StatusError:
    """422 of `subject` (a Kind) with causes (field, reason, message), in the API's words."""
    listed = list(causes)
    texts = list(dict.fromkeys(f"{field}: {message}" for field, _, message in listed))
    qualified_name = f"{subject}.{group}" if group else subject
    said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    found: Json = {"name": name} if name else {}
    if group:
        found["group"] = group
    found["kind"] = subject
    found["causes"] = [
        {"reason": reason, "message": message, "field": field} for field, reason, message in listed
    ]
    message = f'{qualified_name} "{name}" is invalid: {said}'
    return StatusError(422, "Invalid", message, found)


def bad_option(options: str, field: str, reason: str, message: str) -> StatusError:
    """422 for a bad query parameter or option; `options` is "ListOptions" and its like."""
    return invalid(options, "", "meta.k8s.io", [(field, reason, message)])
