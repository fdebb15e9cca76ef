"""Objects of the directory by their ids, whatever they are; the route is in `service`.

az asks so for the names of those who hold roles. An id that is nobody's is left out, as Graph does.

Source: https://learn.microsoft.com/graph/api/directoryobject-getbyids. Left out: users, groups and
devices; none lives here.
"""

from __future__ import annotations

from akswi_helpers.sandbox.azure.graph import bodies, refusals, shapes
from akswi_helpers.sandbox.azure.graph import filters as query
from akswi_helpers.sandbox.azure.graph.store import Registrations
from akswi_helpers.sandbox.wire import Reply, Request, WireError, not_emulated
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

MOST = 1000
KINDS = ("application", "servicePrincipal")
NOBODY = {  # types that may be asked for, and of which there is none
    "user", "group", "device", "orgcontact", "directoryrole", "administrativeunit",
    "directoryobject", "directoryobjectpartnerreference",
}  # fmt: skip


def get_by_ids(world: World, request: Request) -> Reply:
    """Those of the named objects that there are, of the types that are named."""
    query.only(request, frozenset())
    body = bodies.body_of(request)
    if unknown := sorted(set(body) - {"ids", "types"}):
        raise not_emulated(f"the property '{unknown[0]}' of getByIds")
    ids, kinds = _texts(body, "ids"), {one.lower() for one in _texts(body, "types", list(KINDS))}
    if not ids or len(ids) > MOST:
        raise refusals.bad_request(f"'ids' must name 1 to {MOST} objects.")
    if strange := sorted(kinds - NOBODY - {kind.lower() for kind in KINDS}):
        raise refusals.bad_request(f"'{strange[0]}' is no type of directory objects.")
    found = [_found(world, id, kinds) for id in ids]
    rows = [row for row in found if row]
    return Reply({**shapes.context(request, "directoryObjects"), "value": rows})


def _found(world: World, id: str, kinds: set[str]) -> Json | None:
    registrations = world.state(Registrations)
    for kind, look in zip(KINDS, (registrations.application, registrations.principal), strict=True):
        document = look(id) if kind.lower() in kinds or "directoryobject" in kinds else None
        if document:
            return {"@odata.type": f"#microsoft.graph.{kind}", **document}
    return None


def _texts(body: Json, name: str, otherwise: list[str] | None = None) -> list[str]:
    """A list of texts. Raises WireError when it is none."""
    given = body.get(name)
    if given is None and otherwise is not None:
        return otherwise
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise _no_list(name)
    return given


def _no_list(name: str) -> WireError:
    return refusals.bad_request(f"'{name}' must be a list of texts.")
