"""Patches: what an object becomes by a merge patch, a strategic merge patch or a JSON patch.

    json_merge(live, {"data": {"a": None}})                       RFC 7386
    strategic_merge(deployment, live, {"spec": {"template": …}})   lists merge by key
    json_patch(live, [{"op": "replace", "path": "/data/a", "value": "1"}])   RFC 6902

None of them changes its arguments.

Source: the RFCs; refusals of a kube-apiserver 1.37.2; https://github.com/kubernetes/community
(strategic-merge-patch.md). Left out: server-side apply, which is `apply.py`.
"""

from __future__ import annotations

import copy
from typing import Any

from akswi_helpers.sandbox.cluster.merging import strategic
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, root
from akswi_helpers.types import Json

_REJECTED = "the server rejected our request due to an error in our request"
_TOO_MANY = 10000


class PatchRefused(Exception):
    """A patch that cannot be applied; the text is the Status message.

    `reason` "" and `details` None leave those fields out of the Status.
    """

    def __init__(self, status: int, message: str, reason: str, details: Json | None) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.reason, self.details = reason, details


def json_merge(live: Json, patch: Json) -> Json:
    """The object after a JSON merge patch: null removes, objects merge, the rest replaces."""
    merged: Json = _merged(live, patch)
    return merged


def strategic_merge(kind: Kind, live: Json, patch: Json) -> Json:
    """The object after a strategic merge patch.

    Raises PatchRefused: 400 for a malformed directive, 500 (as the real server does) for a list
    item without its key.
    """
    try:
        return strategic.merge(root(kind), copy.deepcopy(live), copy.deepcopy(patch))
    except strategic.BadDirectiveError as error:
        raise PatchRefused(400, str(error), "BadRequest", None) from error
    except strategic.ListOfListsError as error:
        raise PatchRefused(422, _REJECTED, "Invalid", {}) from error
    except strategic.PatchError as error:
        raise PatchRefused(500, str(error), "", None) from error


def json_patch(live: Json, ops: list[Json]) -> Json:
    """The object after a JSON patch. Raises PatchRefused 422, or 413 for too many operations."""
    import jsonpatch

    if len(ops) > _TOO_MANY:
        allowed = f"The allowed maximum operations in a JSON patch is {_TOO_MANY}, got {len(ops)}"
        raise PatchRefused(413, allowed, "RequestEntityTooLarge", None)
    try:
        patched: Any = jsonpatch.JsonPatch(ops).apply(live)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise PatchRefused(422, _REJECTED, "Invalid", {}) from error
    if not isinstance(patched, dict):
        raise PatchRefused(422, _REJECTED, "Invalid", {})
    return patched


def _merged(live: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(live) if isinstance(live, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result
