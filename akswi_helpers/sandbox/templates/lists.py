"""Built-in functions about lists, objects and parts of texts.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-array
and -object. An object's keys are found whatever their letter case. Left out: the functions that
take a lambda (map, filter, reduce, sort, …).
"""

from __future__ import annotations

from typing import NoReturn

from akswi_helpers.sandbox.templates.builtins import Value, built_in, expects, only_of
from akswi_helpers.sandbox.templates.dotnet import as_text, type_name
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal: types count, so does letter case."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type_name(one) == type_name(other) and bool(one == other)


def find_key(mapping: dict[str, Value], key: str) -> str | None:
    """The key of `mapping` that is `key` but for letter case, or None."""
    if key in mapping:
        return key
    return next((own for own in mapping if own.lower() == key.lower()), None)


@built_in("concat", "any*")
def _concat(*values: Value) -> Value:
    lists = [isinstance(value, list) for value in values]
    if values and all(lists):
        return [item for value in values for item in value]
    if any(lists) or any(isinstance(value, dict) for value in values):
        raise ExpressionRefused(
            "The provided parameters for language function 'concat' are invalid. Either all or "
            "none of the parameters must be an array. Please see "
            "https://aka.ms/arm-function-concat for usage details."
        )
    return "".join(map(as_text, values))


@built_in("array", "any")
def _array(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [value]


@built_in("createArray", "any*")
def _create_array(*values: Value) -> list[Value]:
    return list(values)


@built_in("createObject", "any*")
def _create_object(*parts: Value) -> dict[str, Value]:
    if len(parts) % 2:
        raise ExpressionRefused(
            "The template language function 'createObject' expects an even number of parameters. "
            f"The number of provided parameters was '{len(parts)}'. "
            "Please see https://aka.ms/arm-functions for usage details."
        )
    return dict(zip(parts[::2], parts[1::2], strict=True))


@built_in("empty", "any")
def _empty(value: Value) -> bool:
    if value is None:
        return True
    if not isinstance(value, str | list | dict):
        raise ExpressionRefused(
            "The template function 'empty' expects its parameter to be an object, an array, or a "
            f"string. The provided value is of type '{type_name(value)}'. "
            "Please see https://aka.ms/arm-function-empty for usage details."
        )
    return not value


@built_in("length", "any")
def _length(value: Value) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-16-le")) // 2
    if isinstance(value, list | dict):
        return len(value)
    raise expects("length", "its parameter to be an array, object, or a string", value)


@built_in("contains", "any", "any")
def _contains(container: Value, wanted: Value) -> bool:
    if isinstance(container, list):
        return any(same(item, wanted) for item in container)
    if isinstance(wanted, str) and isinstance(container, dict):
        return find_key(container, wanted) is not None
    if isinstance(wanted, str) and isinstance(container, str):
        return wanted in container
    raise ExpressionRefused(
        "The template function 'contains' expects parameters of matching types: a dictionary and a "
        "key (string), an array and a value (object), or a string and a substring. The provided "
        f"types '{type_name(container)}' and '{type_name(wanted)}' are incompatible. "
        "Please see https://aka.ms/arm-function-contains for usage details."
    )


@built_in("indexOf", "String, Array", "any")
def _index_of(container: Value, wanted: Value) -> int:
    if isinstance(container, str):
        return container.lower().find(str(wanted).lower())
    return next((at for at, item in enumerate(container) if same(item, wanted)), -1)


@built_in("lastIndexOf", "String, Array", "any")
def _last_index_of(container: Value, wanted: Value) -> int:
    if isinstance(container, str):
        # An empty text is found at the last letter, as .NET Framework has it.
        last = container.lower().rfind(str(wanted).lower())
        return min(last, max(len(container) - 1, 0))
    found = [at for at, item in enumerate(container) if same(item, wanted)]
    return found[-1] if found else -1


def _neither(name: str, value: Value) -> NoReturn:
    raise expects(name, "its parameter be an array or a string", value)


@built_in("first", "any")
def _first(value: Value) -> Value:
    if not isinstance(value, str | list):
        _neither("first", value)
    return value[0] if value else ("" if isinstance(value, str) else None)


@built_in("last", "any")
def _last(value: Value) -> Value:
    if not isinstance(value, str | list):
        _neither("last", value)
    return value[-1] if value else ("" if isinstance(value, str) else None)


_COLLECTION = "its first parameter 'collection' to be an array or a string"


@built_in("take", "any", "Integer")
def _take(value: Value, count: int) -> Value:
    if not isinstance(value, str | list):
        raise expects("take", _COLLECTION, value)
    return value[: max(count, 0)]


@built_in("skip", "any", "Integer")
def _skip(value: Value, count: int) -> Value:
    if not isinstance(value, str | list):
        raise expects("skip", _COLLECTION, value)
    return value[max(count, 0) :]


@built_in("flatten", "Array")
def _flatten(values: list[Value]) -> list[Value]:
    only_of("flatten", values, "Array")
    return [item for value in values for item in value]


@built_in("range", "Integer", "Integer")
def _range(start: int, count: int) -> list[int]:
    if not 0 <= count <= 10_000 or start + count > 2_147_483_647:
        raise ExpressionRefused(
            "The template language function 'range' parameters are out of range: 'count' must be a "
            "positive integer no larger than 1000 and the sum of 'start index' and 'count' must be "
            "no larger than 2147483647. Please see https://aka.ms/arm-function-range for usage "
            "details."
        )
    return list(range(start, start + count))


@built_in("items", "Object")
def _items(mapping: dict[str, Value]) -> list[dict[str, Value]]:
    return [{"key": key, "value": mapping[key]} for key in sorted(mapping, key=str.upper)]


@built_in("objectKeys", "Object")
def _object_keys(mapping: dict[str, Value]) -> list[str]:
    return sorted(mapping, key=str.upper)


@built_in("shallowMerge", "Array")
def _shallow_merge(mappings: list[dict[str, Value]]) -> dict[str, Value]:
    only_of("shallowMerge", mappings, "Object")
    merged: dict[str, Value] = {}
    for mapping in mappings:
        for key, value in mapping.items():
            merged.pop(find_key(merged, key) or key, None)
            merged[key] = value
    return merged


def _one_type(name: str, values: tuple[Value, ...]) -> None:
    kinds = [type_name(value) for value in values]
    if kinds[0] not in ("Array", "Object"):
        raise ExpressionRefused(
            f"The template language function '{name}' expects its first parameter to be of type "
            f"'Array, Object'. The provided value is of type '{kinds[0]}'. "
            "Please see https://aka.ms/arm-functions for usage details."
        )
    if len(set(kinds)) > 1:
        raise ExpressionRefused(
            f"Template language function '{name}' expects parameters of the same type, but found "
            "multiple types."
        )


@built_in("union", "any", "any", "any*")
def _union(*values: Value) -> Value:
    _one_type("union", values)
    merged = values[0]
    for value in values[1:]:
        merged = _merged(merged, value) if isinstance(value, dict) else [*merged, *value]
    return merged if isinstance(merged, dict) else _distinct(merged)


def _merged(left: dict[str, Value], right: dict[str, Value]) -> dict[str, Value]:
    result = dict(left)
    for key, value in right.items():
        old = result.pop(find_key(result, key) or key, None)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[key] = _merged(old, value) if both and isinstance(old, dict) else value
    return result


def _distinct(values: list[Value]) -> list[Value]:
    kept: list[Value] = []
    for value in values:
        if not any(same(value, item) for item in kept):
            kept.append(value)
    return kept


@built_in("intersection", "any", "any", "any*")
def _intersection(*values: Value) -> Value:
    _one_type("intersection", values)
    common = values[0]
    for value in values[1:]:
        if isinstance(value, dict):
            common = {k: v for k, v in common.items() if k in value and same(v, value[k])}
        else:
            common = [item for item in common if any(same(item, other) for other in value)]
    return common if isinstance(common, dict) else _distinct(common)
