"""Built-in functions about numbers, comparing and truth.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-numeric
and -comparison, -logical. Whole numbers have 64 bits; division cuts towards zero. if(), and(), or()
and coalesce() look only at what they need, so they live in `evaluate`. Left out: float().
"""

from __future__ import annotations

import re
from collections.abc import Callable

from akswi_helpers.sandbox.templates.builtins import Value, built_in, wrong_type
from akswi_helpers.sandbox.templates.dotnet import type_name
from akswi_helpers.sandbox.templates.lists import same
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused

built_in("equals", "any", "any")(same)


@built_in("true")
def _true() -> bool:
    return True


@built_in("false")
def _false() -> bool:
    return False


@built_in("null")
def _null() -> None:
    return None


@built_in("not", "Boolean")
def _not(value: bool) -> bool:
    return not value


@built_in("bool", "any")
def _bool(value: Value) -> bool:
    if isinstance(value, int):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise ExpressionRefused(
        "The template language function 'bool' was invoked with a parameter that is not valid. "
        "The value cannot be converted to the target type."
    )


@built_in("int", "Integer, String")
def _int(value: Value) -> int:
    if isinstance(value, int):
        return value
    if re.fullmatch(r"\s*[+-]?\d+\s*", value) and -(2**63) <= int(value) < 2**63:
        return int(value)
    raise ExpressionRefused(
        f"The template language function 'int' cannot convert provided value '{value}' to integer "
        "value. Please see https://aka.ms/arm-function-int for usage details."
    )


def _fits(name: str, one: int, other: int, value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise ExpressionRefused(
            f"The template language function '{name}' overflowed with the operants '{one}' and "
            f"'{other}'. Please see https://aka.ms/arm-functions for usage details."
        )
    return value


@built_in("add", "Integer", "Integer")
def _add(one: int, other: int) -> int:
    return _fits("add", one, other, one + other)


@built_in("sub", "Integer", "Integer")
def _sub(one: int, other: int) -> int:
    return _fits("sub", one, other, one - other)


@built_in("mul", "Integer", "Integer")
def _mul(one: int, other: int) -> int:
    return _fits("mul", one, other, one * other)


@built_in("div", "Integer", "Integer")
def _div(one: int, other: int) -> int:
    _not_zero("div", other)
    size = abs(one) // abs(other)
    return size if (one < 0) == (other < 0) else -size


@built_in("mod", "Integer", "Integer")
def _mod(one: int, other: int) -> int:
    _not_zero("mod", other)
    size = abs(one) % abs(other)
    return -size if one < 0 else size


def _not_zero(name: str, value: int) -> None:
    if value == 0:
        raise ExpressionRefused(
            f"The template language function '{name}' tried to divide by zero. "
            "Please see https://aka.ms/arm-functions for usage details."
        )


def _numbers(name: str, values: tuple[Value, ...]) -> list[int]:
    numbers = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
    if not numbers or any(type_name(number) != "Integer" for number in numbers):
        raise _not_numeric(name)
    return list(numbers)


def _not_numeric(name: str) -> ExpressionRefused:
    return ExpressionRefused(
        f"The provided arguments for template language function '{name}' is not valid: all "
        "function arguments should be of numeric types. "
        f"Please see https://aka.ms/arm-functions#{name} for usage details."
    )


@built_in("min", "any", "any*")
def _min(*values: Value) -> int:
    return min(_numbers("min", values))


@built_in("max", "any", "any*")
def _max(*values: Value) -> int:
    return max(_numbers("max", values))


def _comparison(name: str, holds: Callable[[Value, Value], bool]) -> None:
    def compare(one: Value, other: Value) -> bool:
        if isinstance(one, str) and not isinstance(other, str):
            raise wrong_type(name, "its second parameter", "String", other)
        if not isinstance(one, str):
            _numbers(name, (one, other))
        return holds(one, other)

    built_in(name, "any", "any")(compare)


_comparison("less", lambda one, other: bool(one < other))
_comparison("lessOrEquals", lambda one, other: bool(one <= other))
_comparison("greater", lambda one, other: bool(one > other))
_comparison("greaterOrEquals", lambda one, other: bool(one >= other))
