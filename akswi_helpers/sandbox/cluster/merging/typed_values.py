"""Values under a schema: their fields, how two differ, how one is laid over another.

Each function walks a JSON value beside its schema node. What is *atomic* counts as one field;
lists are walked by their keys (or values, for sets), everything unknown as it looks.

    fields_of(node, applied)          every field that an applied configuration sets
    compared(node, old, new)          what was added, changed and removed
    merged(node, live, applied)       the applied configuration laid over the live object
    without(node, value, fields)      the value with these fields taken away

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy and the
published source of structured-merge-diff 6; compared with a kube-apiserver 1.37.2.
Left out: lists that change between atomic and granular when a schema does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from akswi_helpers.sandbox.cluster.merging.fieldsets import FieldSet, Path
from akswi_helpers.sandbox.cluster.tables.gotext import compact
from akswi_helpers.sandbox.cluster.tables.schema import Node, child, item, resolved
from akswi_helpers.types import Json

MISSING: Any = object()


class Difference(NamedTuple):
    """Fields that only the new object has, that differ, that only the old one has."""

    added: set[Path]
    modified: set[Path]
    removed: set[Path]


def fields_of(node: Node, value: Any) -> FieldSet:
    """Every field that a value sets: leaves, items, entries of maps."""
    found: set[Path] = set()
    _collect(resolved(node), value, (), found)
    return frozenset(found)


def compared(node: Node, old: Any, new: Any) -> Difference:
    """How `new` differs from `old`."""
    found = Difference(set(), set(), set())
    _compare(resolved(node), old, new, (), found)
    return found


def merged(node: Node, live: Any, applied: Any) -> Any:
    """`applied` laid over `live`; neither is changed. No list of `applied` may have duplicates."""
    return _merge(resolved(node), live, applied)


def without(node: Node, value: Any, fields: FieldSet) -> Any:
    """The value with these fields taken away; what becomes empty is None."""
    return _remove(resolved(node), value, fields) if fields else value


def with_named(node: Node, fields: FieldSet) -> FieldSet:
    """The set and every named field on the way to its members: not map entries, not items."""
    found = set(fields)
    for path in fields:
        at = resolved(node)
        for depth, step in enumerate(path[:-1], 1):
            if step[0] == "f" and step[2:] in (at.get("fields") or ()):
                found.add(path[:depth])
            at = _below(at, step)
    return frozenset(found)


def duplicates(node: Node, value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of list items that an earlier item of the same list is too."""
    whole = resolved(node)
    if not isinstance(value, (dict, list)) or _atomic(whole, value):
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from duplicates(child(whole, name), inner, (*path, f"f:{name}"))
        return
    seen: set[str] = set()
    for inner in value:
        step = _step(whole, inner)
        if step in seen:
            yield (*path, step)
        seen.add(step)
        yield from duplicates(item(whole), inner, (*path, step))


def _below(node: Node, step: str) -> Node:
    return child(node, step[2:]) if step[0] == "f" else item(node)


def _atomic(node: Node, value: Any) -> bool:
    """Whether the value counts as one field."""
    if isinstance(value, list):
        return bool(node.get("list", "atomic") == "atomic")
    return not isinstance(value, dict) or node.get("map") == "atomic"


def _step(node: Node, value: Any) -> str:
    """The step to a list's item."""
    if node.get("list") != "map":
        return f"v:{compact(value)}"
    of_item, keys = item(node), {}
    for name in sorted(node.get("keys") or ()):
        default = child(of_item, name).get("default")
        found = value.get(name, default) if isinstance(value, dict) else default
        if found is not None:
            keys[name] = found
    return f"k:{compact(keys)}"


def _collect(node: Node, value: Any, path: Path, found: set[Path]) -> None:
    if value is None:
        return
    if _atomic(node, value):
        found.add(path)
    elif isinstance(value, dict):
        for name, inner in value.items():
            at = (*path, f"f:{name}")
            _collect(child(node, name), inner, at, found)
            if inner is None or inner == {} or name not in (node.get("fields") or ()):
                found.add(at)
    else:
        for inner in value:
            at = (*path, _step(node, inner))
            _collect(item(node), inner, at, found)
            found.add(at)


def _compare(node: Node, old: Any, new: Any, path: Path, found: Difference) -> None:
    shape = new if isinstance(new, (dict, list)) else old
    empty = not _filled(old) and not _filled(new)
    if not isinstance(shape, (dict, list)) or _atomic(node, shape) or empty:
        if old is not MISSING and new is not MISSING:
            if old != new or isinstance(old, bool) != isinstance(new, bool):
                found.modified.add(path)
            return
    elif isinstance(shape, dict):
        before, after = _as(dict, old), _as(dict, new)
        for name in {**before, **after}:
            inner, at = child(node, name), (*path, f"f:{name}")
            _compare(inner, before.get(name, MISSING), after.get(name, MISSING), at, found)
    else:
        _compare_lists(node, _as(list, old), _as(list, new), path, found)
    if old is MISSING:
        found.added.add(path)
    elif new is MISSING:
        found.removed.add(path)


def _compare_lists(
    node: Node, old: list[Any], new: list[Any], path: Path, found: Difference
) -> None:
    before, after = _by_step(node, old), _by_step(node, new)
    for step in {**before, **after}:
        mine, theirs, at = before.get(step, []), after.get(step, []), (*path, step)
        if len(mine) <= 1 and len(theirs) <= 1:
            one, other = (mine or [MISSING])[0], (theirs or [MISSING])[0]
            _compare(item(node), one, other, at, found)
        elif len(mine) > 1 and len(theirs) > 1:
            if mine != theirs:
                found.modified.add(at)
        elif len(mine) > 1:
            if theirs:
                _compare(item(node), MISSING, theirs[0], at, found)
            found.removed.add(at)
        else:
            if mine:
                _compare(item(node), mine[0], MISSING, at, found)
            found.added.add(at)


def _by_step(node: Node, values: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for value in values:
        found.setdefault(_step(node, value), []).append(value)
    return found


def _filled(value: Any) -> bool:
    return isinstance(value, (dict, list)) and bool(value)


def _as(kind: type, value: Any) -> Any:
    return value if isinstance(value, kind) else kind()


def _merge(node: Node, live: Any, applied: Any) -> Any:
    if applied is MISSING:
        return live
    shape = applied if applied is not None else live
    empty = not _filled(live) and not _filled(applied)
    if not isinstance(shape, (dict, list)) or _atomic(node, shape) or empty:
        return applied
    if isinstance(shape, list):
        return _merge_lists(node, _as(list, live), _as(list, applied)) or None
    before, over = _as(dict, live), _as(dict, applied)
    result: Json = {}
    for name in {**before, **over}:
        inner = child(node, name)
        result[name] = _merge(inner, before.get(name, MISSING), over.get(name, MISSING))
    return result or None


def _merge_lists(node: Node, live: list[Any], applied: list[Any]) -> list[Any]:
    """Applied items in their order; live ones that are not applied keep their place between."""
    left, right = [_step(node, one) for one in live], [_step(node, one) for one in applied]
    values = {s: one if left.count(s) == 1 else MISSING for s, one in zip(left, live, strict=True)}
    over = dict(zip(right, applied, strict=True))
    shared = [step for step in right if step in values]
    result: list[Any] = []
    taken: set[str] = set()
    at, to = 0, 0
    while at < len(left) or to < len(right):
        both = at < len(left) and to < len(right) and left[at] != right[to]
        if both and left[at] in over and shared and left[at] != shared[0]:
            at += 1  # its turn comes with the applied one
            continue
        if at < len(left) and left[at] not in over:
            result.append(live[at])
            at += 1
            continue
        if at < len(left) and (left[at] in taken or (to < len(right) and left[at] == right[to])):
            at += 1
        if to < len(right):
            step = right[to]
            result.append(_merge(item(node), values.get(step, MISSING), over[step]))
            taken.add(step)
            to += 1
            if shared and shared[0] == step:
                shared.pop(0)
    return result


def _remove(node: Node, value: Any, fields: FieldSet) -> Any:
    if not _filled(value) or _atomic(node, value):
        return value if not isinstance(value, (dict, list)) else None
    if isinstance(value, list):
        kept = [
            _taken(item(node), one, fields, step)
            for one in value
            if (step := _step(node, one),) not in fields
        ]
        return kept or None
    named = {
        name: _taken(child(node, name), one, fields, f"f:{name}")
        for name, one in value.items()
        if (f"f:{name}",) not in fields
    }
    return named or None


def _taken(node: Node, value: Any, fields: FieldSet, step: str) -> Any:
    inner = frozenset(path[1:] for path in fields if path[0] == step and len(path) > 1)
    return _remove(node, value, inner) if inner else value
