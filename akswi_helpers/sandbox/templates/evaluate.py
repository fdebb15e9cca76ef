"""The value of an expression, and of a template's fragment with expressions in it.

    evaluate("[concat('a', parameters('b'))]", scope) -> "ab"

if(), and(), or() and coalesce() look only at what they need, so a reference() in the branch not
taken is never asked for. A property "copy" that is a list of loops becomes the lists it describes.

Source: the evaluator inside the Bicep command line. Left out: user-defined functions and lambdas.
"""

from __future__ import annotations

from akswi_helpers.sandbox.templates import lists, numbers, texts  # noqa: F401  (they register)
from akswi_helpers.sandbox.templates.builtins import BUILT_INS, MANY, Value, require_count
from akswi_helpers.sandbox.templates.expressions import (
    Call,
    Index,
    Literal,
    Node,
    is_expression,
    parse,
    unescaped,
)
from akswi_helpers.sandbox.templates.lists import find_key
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused, NotEmulated, Stated
from akswi_helpers.sandbox.templates.scopes import NeedsRuntime, NotKnownYet, Scope
from akswi_helpers.sandbox.templates.surroundings import NOT_EMULATED, SURROUNDINGS
from akswi_helpers.types import Json

NOT_YET: Value = object()
"""Stands for a value that only the run will tell; asking for any part of it is NeedsRuntime."""


def evaluate(value: Value, scope: Scope) -> Value:
    """`value` with every expression in it replaced by what it gives.

    Raises ExpressionRefused, NotEmulated, or what the host's reference() raises.
    """
    if isinstance(value, str):
        return result(parse(value), scope) if is_expression(value) else unescaped(value)
    if isinstance(value, list):
        return [evaluate(item, scope) for item in value]
    if isinstance(value, dict):
        return _object(value, scope)
    return value


def result(node: Node, scope: Scope) -> Value:
    """The value of a parsed expression."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Index):
        return member(result(node.of, scope), result(node.key, scope))
    return _called(node, scope)


def member(value: Value, key: Value) -> Value:
    """`value.key` or `value[key]`. Raises ExpressionRefused where there is none."""
    if value is NOT_YET:
        raise NotKnownYet("reference")
    if isinstance(value, dict):
        return _property(value, key)
    if isinstance(value, list):
        return _element(value, key)
    raise ExpressionRefused(f"The language expression property '{key}' can't be evaluated.")


def copies(loop: Json, scope: Scope, *, main: bool = False) -> list[Value]:
    """The list that a loop {name, count, input} describes."""
    name, count = str(loop.get("name", "")), count_of(evaluate(loop["count"], scope))
    turns = [scope.within(name, index, main=main) for index in range(count)]
    return [evaluate(loop["input"], turn) for turn in turns]


def count_of(count: Value) -> int:
    """A loop's count, checked. Raises ExpressionRefused."""
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= 800:
        raise Stated(
            "The template 'copy' definition at line '1' and column '1' has an invalid copy count "
            f"of: '{count}'. The copy count must be a non-negative integer value and cannot exceed "
            "'800'. Please see https://aka.ms/arm-resource-loops for usage details."
        )
    return count


def _object(value: Json, scope: Scope) -> Json:
    filled: Json = {}
    for key, item in value.items():
        if key == "copy" and _are_loops(item):
            for loop in item:
                filled[evaluate(loop["name"], scope)] = copies(loop, scope)
        else:
            filled[str(evaluate(key, scope))] = evaluate(item, scope)
    return filled


def _are_loops(value: Value) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, dict) and {"name", "count", "input"} <= item.keys() for item in value
    )


def _property(value: Json, key: Value) -> Value:
    if not isinstance(key, str):
        raise ExpressionRefused(
            f"The language expression property '{key}' can't be evaluated, property name must be a "
            "string."
        )
    own = find_key(value, key)
    if own is None:
        raise ExpressionRefused(
            f"The language expression property '{key}' doesn't exist, available properties are "
            f"'{', '.join(value)}'."
        )
    return value[own]


def _element(value: list[Value], key: Value) -> Value:
    if isinstance(key, bool) or not isinstance(key, int):
        raise ExpressionRefused(
            f"Unable to evaluate named property or non-integer index '{key}' on an array value."
        )
    if not 0 <= key < len(value):
        raise ExpressionRefused(
            f"The language expression property array index '{key}' is out of bounds."
        )
    return value[key]


def _called(call: Call, scope: Scope) -> Value:
    name = call.name.lower().removeprefix("sys.")
    if name in LAZY:
        return LAZY[name](call, scope)
    arguments = [result(argument, scope) for argument in call.arguments]
    if name in SURROUNDINGS:
        return SURROUNDINGS[name](scope, arguments)
    if name in BUILT_INS:
        return BUILT_INS[name](arguments)
    if name in NOT_EMULATED or name.startswith("list"):
        raise NotEmulated(f"the template function '{call.name}'")
    raise ExpressionRefused(
        f"The template function '{call.name}' is not valid. "
        "Please see https://aka.ms/arm-functions for usage details."
    )


def _if(call: Call, scope: Scope) -> Value:
    require_count("if", 3, 3, len(call.arguments))
    condition = result(call.arguments[0], scope)
    if not isinstance(condition, bool):
        raise _unfit_logic("if")
    return result(call.arguments[1 if condition else 2], scope)


def _and(call: Call, scope: Scope) -> bool:
    require_count("and", 2, MANY, len(call.arguments))
    return all(_truth("and", argument, scope) for argument in call.arguments)


def _or(call: Call, scope: Scope) -> bool:
    require_count("or", 2, MANY, len(call.arguments))
    return any(_truth("or", argument, scope) for argument in call.arguments)


def _truth(name: str, node: Node, scope: Scope) -> bool:
    value = result(node, scope)
    if not isinstance(value, bool):
        raise _unfit_logic(name)
    return value


def _unfit_logic(name: str) -> ExpressionRefused:
    return ExpressionRefused(
        f"The provided arguments for template language function '{name}' is not valid: all "
        "arguments should be of type 'boolean'. "
        f"Please see https://aka.ms/arm-functions#{name} for usage details."
    )


def _coalesce(call: Call, scope: Scope) -> Value:
    values = (result(argument, scope) for argument in call.arguments)
    return next((value for value in values if value is not None), None)


def _try_get(call: Call, scope: Scope) -> Value:
    require_count("tryGet", 2, MANY, len(call.arguments))
    value, *keys = (result(argument, scope) for argument in call.arguments)
    for key in keys:
        try:
            value = member(value, key)
        except NeedsRuntime:
            raise
        except ExpressionRefused:
            return None
    return value


def _index_from_end(call: Call, scope: Scope) -> Value:
    require_count(call.name, 2, 2, len(call.arguments))
    value, back = (result(argument, scope) for argument in call.arguments)
    return member(value, len(value) - back)


def _try_index_from_end(call: Call, scope: Scope) -> Value:
    try:
        return _index_from_end(call, scope)
    except ExpressionRefused:
        return None


LAZY = {
    "if": _if,
    "and": _and,
    "or": _or,
    "coalesce": _coalesce,
    "tryget": _try_get,
    "indexfromend": _index_from_end,
    "tryindexfromend": _try_index_from_end,
}
