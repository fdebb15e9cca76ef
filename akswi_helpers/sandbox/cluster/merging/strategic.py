"""Strategic merge: objects merge, lists merge by the key that the schema names.

    merge(root(pod), live, {"spec": {"containers": [{"name": "c", "image": "nginx:2"}]}})

Directives in the patch: `$patch` (delete, replace), `$retainKeys`, `$setElementOrder/<list>`,
`$deleteFromPrimitiveList/<list>`. Order: items of the patch keep the patch's order, items that only
the server has go between them as they stood in the live list.

Source: https://github.com/kubernetes/community (strategic-merge-patch.md) and its published Go
implementation; compared with a kube-apiserver 1.37.2. Left out: merging two patches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from akswi_helpers.sandbox.cluster.tables.gotext import kind_of, plain
from akswi_helpers.sandbox.cluster.tables.schema import Node, child, item, ref
from akswi_helpers.types import Json

_ORDER, _DROP, _PATCH, _RETAIN = (
    "$setElementOrder/",
    "$deleteFromPrimitiveList/",
    "$patch",
    "$retainKeys",
)


class PatchError(Exception):
    """A patch that does not fit; the text is the API server's."""


class BadDirectiveError(PatchError):
    """A directive of the wrong form."""


class ListOfListsError(PatchError):
    """A list inside a list."""


def merge(node: Node, live: Json, patch: Json) -> Json:
    """The merged object; changes both arguments. Raises PatchError."""
    if _PATCH in patch:
        return _directed(patch)
    _retain(live, patch)
    for name in [key for key in patch if key.startswith(_ORDER)]:
        _ordered_list(node, live, patch, name)
    for name, value in patch.items():
        if name.startswith(_DROP):
            _drop(live, name.removeprefix(_DROP), value)
        elif value is None:
            live.pop(name, None)
        else:
            _put(node, live, name, value)
    return live


def _put(node: Node, live: Json, name: str, value: Any) -> None:
    before = live.get(name)
    if isinstance(before, dict) and isinstance(value, dict):
        inner = child(node, name)
        live[name] = value if _strategy(inner) == "replace" else merge(inner, before, value)
    elif isinstance(before, list) and isinstance(value, list):
        live[name] = _merged_list(child(node, name), before, value)
    else:
        kept = _without_directives(_without_nulls(value))
        if kept is _NOTHING:
            live.pop(name, None)
        else:
            live[name] = kept


def _directed(patch: Json) -> Json:
    directive = patch.pop(_PATCH)
    if directive == "replace":
        return patch
    if directive == "delete":
        return {}
    raise _bad_type(directive, {**patch, _PATCH: directive})


def _retain(live: Json, patch: Json) -> None:
    if _RETAIN not in patch:
        return
    kept = patch.pop(_RETAIN)
    if not isinstance(kept, list) or any(
        value is not None and not name.startswith((_ORDER, _DROP)) and name not in kept
        for name, value in patch.items()
    ):
        raise BadDirectiveError("invalid patch format of retainKeys")
    for name in [name for name in live if name not in kept]:
        del live[name]


def _drop(live: Json, name: str, gone: Any) -> None:
    before = live.get(name)
    if isinstance(before, list) and isinstance(gone, list):
        live[name] = [value for value in before if value not in gone]


def _ordered_list(node: Node, live: Json, patch: Json, directive: str) -> None:
    """Merge the list that `$setElementOrder/<name>` speaks of, and order it."""
    order, name = patch.pop(directive), directive.removeprefix(_ORDER)
    inner = child(node, name)
    if not inner:
        where = ref(node).rpartition(".")[2]
        raise PatchError(f'unable to find api field in struct {where} for the json field "{name}"')
    key = inner.get("merge", "")
    before, given = live.get(name, []), patch.get(name, [])
    for value in (order, before, given):
        if not isinstance(value, list):
            # Go has no name for the type of nothing, and says so.
            found = kind_of(value).replace("<nil>", "%!s(<nil>)")
            raise PatchError(f"expected a []interface {{}}, but received a {found}")
    _consistent(given, order, key)
    if name not in live and name not in patch:
        return
    server = list(before)
    if name not in patch:
        merged = list(server)
    elif name not in live:
        merged = _without_directives(given)
    else:
        merged = _merged_list(inner, live[name], patch[name])
    patch.pop(name, None)
    live[name] = _interleaved(merged, order, server, key)


def _consistent(given: list[Any], order: list[Any], key: str) -> None:
    if not order or not given:
        return
    at = 0
    for wanted in (value for value in given if not _is_directive(value)):
        while at < len(order) and _key(wanted, key) != _key(order[at], key):
            at += 1
        if at == len(order):
            raise PatchError(
                f"The order in patch list:\n{plain(given)}\n doesn't match $setElementOrder "
                f"list:\n{plain(order)}\n"
            )
        at += 1


def _merged_list(node: Node, live: list[Any], patch: list[Any]) -> list[Any]:
    if _strategy(node) != "merge":
        return patch
    if not live and not patch:
        return live
    if not _are_maps(live, patch):
        both = list(dict.fromkeys([*live, *patch]))
        return _interleaved(both, patch, live, "")
    key = node.get("merge", "")
    if not key:
        raise PatchError(f"cannot merge lists without merge key for {ref(node)}")
    live, patch = _without_special(live, patch, key)
    merged = list(live)
    for one in patch:
        at = next((i for i, old in enumerate(merged) if _key(old, key) == _key(one, key)), None)
        if at is None:
            merged.append(one)
        else:
            merged[at] = merge(item(node), merged[at], one)
    return _interleaved(merged, patch, live, key)


def _without_special(live: list[Json], patch: list[Json], key: str) -> tuple[list[Any], list[Any]]:
    """The live list without what the patch deletes, and the patch without its directives."""
    ordinary, replace = [], False
    for one in patch:
        directive = one.get(_PATCH)
        if _PATCH not in one:
            ordinary.append(one)
        elif directive == "delete":
            gone = _key(one, key)
            live = [old for old in live if old.get(key) != gone]
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise PatchError("merging lists cannot yet be specified in the patch")
        else:
            raise _bad_type(directive, one)
    return (ordinary, []) if replace else (live, ordinary)


def _interleaved(merged: list[Any], order: list[Any], server: list[Any], key: str) -> list[Any]:
    """`merged` with what `order` names in its order, the rest between as it stood in `server`."""
    named = {_hashable(_key(one, key)): at for at, one in reversed(list(enumerate(order)))}
    stood = {_hashable(_key(one, key)): at for at, one in reversed(list(enumerate(server)))}

    def place(one: Any, places: dict[Any, int]) -> int:
        return places.get(_hashable(_key(one, key)), -1)

    right = _sorted([one for one in merged if place(one, named) >= 0], lambda o: place(o, named))
    left = _sorted([one for one in merged if place(one, named) < 0], lambda o: place(o, stood))
    result = []
    while left and right:
        mine, other = place(left[0], stood), place(right[0], stood)
        result.append((left if 0 <= mine < other else right).pop(0))
    return result + left + right


def _sorted(values: list[Any], place: Callable[[Any], int]) -> list[Any]:
    # An insertion sort: the real comparison calls unplaced items smaller than everything, which is
    # no order at all, so only the same algorithm gives the same list.
    for end in range(1, len(values)):
        at = end
        while at and (
            place(values[at]) < 0
            or place(values[at - 1]) < 0
            or place(values[at]) < place(values[at - 1])
        ):
            values[at - 1], values[at] = values[at], values[at - 1]
            at -= 1
    return values


def _strategy(node: Node) -> str:
    found = [name for name in str(node.get("patch", "")).split(",") if name != "retainKeys"]
    return found[0] if found else ""


def _are_maps(*lists: list[Any]) -> bool:
    values = [value for one in lists for value in one]
    if values and isinstance(values[0], list):
        raise ListOfListsError("lists of lists are not supported")
    if len({kind_of(value) for value in values}) > 1:
        said = " ".join(plain(one) for one in lists)
        raise PatchError(f"list element types are not identical: [{said}]")
    return bool(values) and isinstance(values[0], dict)


def _key(value: Any, key: str) -> Any:
    if not key:
        return value
    if not isinstance(value, dict):
        raise PatchError(f"expected a map[string]interface {{}}, but received a {kind_of(value)}")
    if key not in value:
        raise PatchError(f"map: {plain(value)} does not contain declared merge key: {key}")
    return value[key]


def _hashable(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else plain(value)


def _is_directive(value: Any) -> bool:
    return isinstance(value, dict) and _PATCH in value


def _bad_type(directive: Any, found: Json) -> PatchError:
    return PatchError(f"unknown patch type: {plain(directive)} in map: {plain(found)}")


_NOTHING: Any = object()


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        if _PATCH in value:
            return _NOTHING
        inner = {name: _without_directives(one) for name, one in value.items()}
        return {name: one for name, one in inner.items() if one is not _NOTHING}
    if isinstance(value, list):
        return [one for one in map(_without_directives, value) if one is not _NOTHING]
    return value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value
