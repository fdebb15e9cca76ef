"""Sets of fields of an object: what each manager owns, written as `fieldsV1`.

A path is a tuple of steps, each written as `fieldsV1` writes it: "f:spec", 'k:{"name":"c"}' for an
item of a list by its keys, 'v:"x"' for a value in a set.

    to_wire(frozenset({("f:spec", "f:replicas")}))    ->  {"f:spec": {"f:replicas": {}}}
    printed(("f:spec", "f:replicas"))                 ->  .spec.replicas

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/ and objects of a
kube-apiserver 1.37.2. Left out: steps by index, which no list of the API uses.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from akswi_helpers.sandbox.cluster.tables.gotext import compact
from akswi_helpers.types import Json

Path: TypeAlias = tuple[str, ...]
FieldSet: TypeAlias = frozenset[Path]

_SELF = "."


def from_wire(fields: Json | None) -> FieldSet:
    """The set that a `fieldsV1` stands for."""
    return frozenset(_read(fields or {}, ()))


def to_wire(fields: Iterable[Path]) -> Json:
    """The set as `fieldsV1`."""
    return _write(_tree(fields))


def in_order(fields: Iterable[Path]) -> Iterator[Path]:
    """The paths in the order in which the API server lists them: own fields before deeper ones."""
    yield from _listed(_tree(fields), ())


def outside(fields: FieldSet, roots: Iterable[Path]) -> FieldSet:
    """The paths that are not under any of `roots`."""
    tops = set(roots)
    if not tops:
        return fields
    return frozenset(
        path for path in fields if not any(path[:at] in tops for at in range(1, len(path) + 1))
    )


def printed(path: Path) -> str:
    """A path as conflicts print it: `.spec.containers[name="c"].image`."""
    return "".join(_printed(step) for step in path)


def _printed(step: str) -> str:
    kind, _, rest = step.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        keys = json.loads(rest)
        return f"[{','.join(f'{name}={compact(keys[name])}' for name in sorted(keys))}]"
    return f"[={rest}]"


def _read(fields: Json, path: Path) -> Iterator[Path]:
    for step, inner in fields.items():
        if step == _SELF:
            yield path
        elif inner:
            yield from _read(inner, (*path, step))
        else:
            yield (*path, step)


class _Tree(dict[str, "_Tree"]):
    """Steps and what is below them; `member` when the path up to here is itself in the set."""

    member = False


def _tree(fields: Iterable[Path]) -> _Tree:
    root = _Tree()
    for path in fields:
        at = root
        for step in path:
            at = at.setdefault(step, _Tree())
        at.member = True
    return root


def _write(tree: _Tree) -> Json:
    found: Json = {_SELF: {}} if tree.member and tree else {}
    for step in sorted(tree, key=_rank):
        found[step] = _write(tree[step])
    return found


def _listed(tree: _Tree, path: Path) -> Iterator[Path]:
    steps = sorted(tree, key=_rank)
    for step in steps:
        if tree[step].member:
            yield (*path, step)
    for step in steps:
        yield from _listed(tree[step], (*path, step))


def _rank(step: str) -> tuple[int, str, Any]:
    kind = step[0]
    return ("fkv".index(kind), step, "")
