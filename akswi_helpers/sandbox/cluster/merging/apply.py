"""Server-side apply: who owns which field, what an apply changes, what it may not.

    apply(kind, live, applied, manager="helm", force=False, now="2026-11-24T12:00:00Z")
    track(kind, old, new, manager="kubectl-edit", now=…)      any other write

Every field that a manager sets is its own; an apply that changes another's field conflicts, one
that leaves out a field it applied before removes it, unless somebody else owns it too.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and the published source
of structured-merge-diff 6; compared with a kube-apiserver 1.37.2. Left out: taking over the fields
of `kubectl apply` without the server (kubectl 1.26 and newer does that itself).
"""

from __future__ import annotations

import copy
from typing import Any

from akswi_helpers.sandbox.cluster.merging import typed_values
from akswi_helpers.sandbox.cluster.merging.fieldsets import (
    FieldSet,
    Path,
    in_order,
    outside,
    printed,
)
from akswi_helpers.sandbox.cluster.merging.managers import (
    Manager,
    Managers,
    Owned,
    read,
    written,
)
from akswi_helpers.sandbox.cluster.merging.managers import (
    manager as identity,
)
from akswi_helpers.sandbox.cluster.merging.merge import PatchRefused
from akswi_helpers.sandbox.cluster.tables.canonical import canonical
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, root
from akswi_helpers.types import Json

_NEVER_OWNED = frozenset(
    {("f:apiVersion",), ("f:kind",), ("f:metadata",)}
    | {
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "generation",
            "managedFields",
            "resourceVersion",
        )
    }
)


class ApplyConflict(Exception):
    """Fields that somebody else owns; the text is the Status message.

    `conflicts` are (manager as printed, path as printed), `causes` those of the Status details.
    """

    def __init__(self, conflicts: list[tuple[str, str]]) -> None:
        super().__init__(_conflict_text(conflicts))
        self.conflicts = conflicts
        self.causes: list[Json] = [
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {name}",
                "field": path,
            }
            for name, path in conflicts
        ]


def apply(
    kind: Kind,
    live: Json | None,
    applied: Json,
    *,
    manager: str,
    force: bool,
    now: str,
    subresource: str = "",
) -> Json:
    """The object after an apply, with its managedFields; defaults are left to the caller.

    Raises ApplyConflict, or PatchRefused for an object that cannot be applied.
    """
    if applied.get("metadata", {}).get("managedFields"):
        raise PatchRefused(400, "metadata.managedFields must be nil", "BadRequest", None)
    node, before = root(kind), _bare(live) if live is not None else _empty(kind)
    me = identity(manager, "Apply", kind.api_version, subresource)
    managers = read(live)
    if not managers:
        first = identity("before-first-apply", "Update", kind.api_version, subresource)
        _update(kind, _empty(kind), before, managers, first, now)
    last = managers.get(me)
    for path in typed_values.duplicates(node, applied):
        why = f"{printed(path[:-1])}: duplicate entries for key {printed(path[-1:])}"
        raise _untyped(kind, applied, why)
    result = typed_values.merged(node, before, applied)
    mine = _kept(kind, typed_values.fields_of(node, applied), subresource)
    managers[me] = Owned(mine, kind.api_version, last.time if last else None)
    result = _pruned(kind, result, managers, last)
    _taken_over(kind, before, result, managers, me, force)
    if result != before and me in managers:
        managers[me] = Owned(managers[me].fields, kind.api_version, now)
    _strip(managers, me)
    return _with_managers(_without_nulls(copy.deepcopy(result)), managers)


def track(
    kind: Kind,
    old: Json | None,
    new: Json,
    *,
    manager: str,
    operation: str = "Update",
    now: str,
    subresource: str = "",
) -> Json:
    """`new` with the managedFields that a create, update or patch leaves it with.

    An object whose managedFields were emptied stays without them.
    """
    managers = {} if _resets(new) and not subresource else read(new) or read(old)
    before, after = _bare(old) if old is not None else _empty(kind), _bare(new)
    if managers or old is None:
        me = identity(manager, operation, kind.api_version, subresource)
        _update(kind, before, after, managers, me, now)
    return _with_managers({**new, "metadata": after["metadata"]}, managers)


def _update(kind: Kind, old: Json, new: Json, managers: Managers, me: Manager, now: str) -> None:
    """Give `me` what differs between two objects, and take it from the others."""
    change = typed_values.compared(root(kind), old, new)
    changed = _kept(kind, frozenset(change.added | change.modified), me.subresource)
    gone = _kept(kind, frozenset(change.removed), me.subresource)
    _release(managers, dict.fromkeys(managers, changed | gone))
    mine = changed - _NEVER_OWNED
    if mine:
        known = managers.get(me)
        both = mine | known.fields if known else mine
        managers[me] = Owned(both, kind.api_version, now)


def _taken_over(
    kind: Kind, old: Json, new: Json, managers: Managers, me: Manager, force: bool
) -> None:
    """Take what an apply changes from its owners. Raises ApplyConflict unless forced."""
    change = typed_values.compared(root(kind), old, new)
    changed = _kept(kind, frozenset(change.added | change.modified), me.subresource)
    gone = _kept(kind, frozenset(change.removed), me.subresource)
    others = {key: owned for key, owned in managers.items() if key != me}
    clashes = {key: owned.fields & changed for key, owned in others.items()}
    if not force and any(clashes.values()):
        raise ApplyConflict(
            [
                (key.printed(), printed(path))
                for key in sorted(clashes)
                for path in in_order(clashes[key])
            ]
        )
    _release(managers, {key: clashes[key] | gone for key in others})
    if me in managers and not managers[me].fields:
        del managers[me]


def _release(managers: Managers, lost: dict[Manager, FieldSet]) -> None:
    for key, fields in lost.items():
        owned = managers[key]
        left = owned.fields - fields
        if left:
            managers[key] = Owned(left, owned.api_version, owned.time)
        else:
            del managers[key]


def _pruned(kind: Kind, result: Json, managers: Managers, last: Owned | None) -> Json:
    """Take away what was applied last time, is not now, and nobody else owns."""
    if last is None or not last.fields:
        return result
    node = root(kind)

    def named(value: Any) -> FieldSet:
        return typed_values.with_named(node, typed_values.fields_of(node, value))

    before = typed_values.with_named(node, last.fields)
    shrunk = typed_values.without(node, result, before) or {}
    owned: set[Path] = set()
    for one in managers.values():
        owned |= one.fields
    still = typed_values.with_named(node, frozenset(owned))
    whole = named(result)
    shrunk = typed_values.without(node, result, whole - (named(shrunk) | still)) or {}
    pruned = typed_values.without(node, result, (whole - named(shrunk)) & before)
    return pruned or {}


def _kept(kind: Kind, fields: FieldSet, subresource: str) -> FieldSet:
    """The fields that may be owned by this path: a status is nobody's but the status path's."""
    if subresource == "status":
        return outside(fields, [("f:spec",)])
    if not subresource and "status" in kind.subresources:
        return outside(fields, [("f:status",)])
    return fields


def _strip(managers: Managers, me: Manager) -> None:
    if me in managers:
        _release(managers, {me: _NEVER_OWNED})


def _bare(obj: Json) -> Json:
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
    return {**obj, "metadata": metadata}


def _empty(kind: Kind) -> Json:
    """What a new object is before anything is written on it."""
    obj: Json = {"kind": kind.kind, "apiVersion": kind.api_version}
    if kind.type_name:
        canonical(kind.type_name, obj)
    return obj


def _with_managers(obj: Json, managers: Managers) -> Json:
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
    if managers:
        metadata["managedFields"] = written(managers)
    return {**obj, "metadata": metadata}


def _resets(new: Json) -> bool:
    return (new.get("metadata") or {}).get("managedFields") in ([], [{}])


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _untyped(kind: Kind, applied: Json, why: str) -> PatchRefused:
    metadata = applied.get("metadata") or {}
    space, name = metadata.get("namespace", ""), metadata.get("name", "")
    head = f"failed to create typed patch object ({space}/{name}; {kind.api_version}, "
    return PatchRefused(500, f"{head}Kind={kind.kind}): {why}", "", None)


def _conflict_text(conflicts: list[tuple[str, str]]) -> str:
    if len(conflicts) == 1:
        name, path = conflicts[0]
        return f"Apply failed with 1 conflict: conflict with {name}: {path}"
    by_name: dict[str, list[str]] = {}
    for name, path in conflicts:
        by_name.setdefault(name, []).append(path)
    lines = []
    for name, paths in by_name.items():
        lines += [f"conflicts with {name}:", *(f"- {path}" for path in paths)]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
