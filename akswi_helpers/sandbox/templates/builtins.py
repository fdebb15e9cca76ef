"""The register of built-in functions: a name, its parameters' types, and what it does.

    @built_in("replace", "String", "String", "String")
    def _replace(text, old, new): …

A type may be several ("String, Array"), "any", optional ("Integer?") or the rest ("String*").

The register checks count and types, so that a function sees only what it declares.

Source: texts of refusals from the evaluator inside the Bicep command line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from akswi_helpers.sandbox.templates.dotnet import type_name
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused

F = TypeVar("F", bound=Callable[..., Any])

Value: TypeAlias = Any  # None, bool, int, float, str, list or dict: what JSON holds

MANY = 1_000_000  # how many arguments a function may have that takes any number

PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """One function of the language."""

    name: str
    types: tuple[str, ...]
    function: Callable[..., Value]

    def __call__(self, arguments: Sequence[Value]) -> Value:
        """The function's value. Raises ExpressionRefused for wrong arguments."""
        self._count(len(arguments))
        for place, value in enumerate(arguments):
            self._check(place, value)
        return self.function(*arguments)

    def _count(self, given: int) -> None:
        least = sum(not t.endswith(("?", "*")) for t in self.types)
        most = MANY if self.types and self.types[-1].endswith("*") else len(self.types)
        require_count(self.name, least, most, given)

    def _check(self, place: int, value: Value) -> None:
        wanted = self.types[min(place, len(self.types) - 1)].rstrip("?*")
        if wanted != "any" and type_name(value) not in wanted.split(", "):
            raise wrong_type(self.name, self._whose(place, wanted), wanted, value)

    def _whose(self, place: int, wanted: str) -> str:
        alone = len(self.types) == 1 and not self.types[0].endswith("*") and "," not in wanted
        return "its parameter" if alone else f"its {PLACES[min(place, 8)]} parameter"


BUILT_INS: dict[str, BuiltIn] = {}  # by lower-case name


def built_in(name: str, *types: str) -> Callable[[F], F]:
    """Register the function below under `name`."""

    def register(function: F) -> F:
        BUILT_INS[name.lower()] = BuiltIn(name, types, function)
        return function

    return register


def require_count(name: str, least: int, most: int, given: int) -> None:
    """Raise ExpressionRefused unless a function got from `least` to `most` arguments."""
    if least <= given <= most:
        return
    if most == MANY:
        raise too_few(name, least)
    if most == 0:
        raise ExpressionRefused(
            f"The provided parameters for template language function '{name}' is not valid. The "
            "function does not accept parameters. "
            "Please see https://aka.ms/arm-functions for usage details."
        )
    wanted = str(least) if least == most else f"between {least} and {most}"
    raise ExpressionRefused(
        f"Unable to evaluate template language function '{name}': function requires {wanted} "
        f"argument(s) while {given} were provided. "
        f"Please see https://aka.ms/arm-resource-functions/#{name} for usage details."
    )


def too_few(name: str, least: int) -> ExpressionRefused:
    """Fewer arguments than a function needs that takes any number."""
    wanted = {1: "one parameter", 2: "two parameter", 3: "3 parameters"}[least]
    return ExpressionRefused(
        f"Unable to evaluate template language function '{name}'. At least {wanted} should be "
        "provided. Please see https://aka.ms/arm-functions for usage details."
    )


def wrong_type(name: str, whose: str, wanted: str, value: Value) -> ExpressionRefused:
    """A value of a type that the function does not take."""
    several = "one of the following types" if ", " in wanted else "of type"
    return ExpressionRefused(
        f"The template language function '{name}' expects {whose} to be {several} '{wanted}'. "
        f"The provided value is of type '{type_name(value)}'. "
        "Please see https://aka.ms/arm-functions for usage details."
    )


def only_of(name: str, values: Sequence[Value], *kinds: str) -> None:
    """Raise ExpressionRefused unless every item of a list is of one of `kinds`."""
    odd = [place for place, value in enumerate(values) if type_name(value) not in kinds]
    if odd:
        found = ", ".join(dict.fromkeys(type_name(values[place]) for place in odd))
        raise ExpressionRefused(
            f"The template language function '{name}' expects its first parameter to be an array "
            f"only containing elements of type(s) '{', '.join(kinds)}'. The provided value "
            f"contains elements with disallowed type(s) '{found}' in index(es) "
            f"{', '.join(map(str, odd))}. Please see https://aka.ms/arm-functions for usage "
            "details."
        )


def expects(name: str, what: str, value: Value) -> ExpressionRefused:
    """A refusal of the functions that have a help page of their own."""
    return ExpressionRefused(
        f"The template language function '{name}' expects {what}. The provided value is of type "
        f"'{type_name(value)}'. Please see https://aka.ms/arm-function-{name.lower()} for usage "
        "details."
    )
