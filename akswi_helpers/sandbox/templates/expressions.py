"""Reading the expression language of Resource Manager templates: "[concat('a', 'b').x[0]]".

    parse("[take(parameters('name'), 3)]") -> Call("take", (Call("parameters", …), Literal(3)))

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions.
Left out: user-defined functions and lambdas, refused by name where they are called.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from akswi_helpers.sandbox.templates.refusals import ExpressionRefused
from akswi_helpers.sandbox.wire import UNVERIFIED

if TYPE_CHECKING:
    from lark import Lark, Transformer

_GRAMMAR = r"""
start: expr
?expr: INT -> integer
     | STRING -> string
     | NAME ("." NAME)* "(" [expr ("," expr)*] ")" -> call
     | expr "." NAME -> member
     | expr "[" expr "]" -> index
NAME: /[A-Za-z_$][A-Za-z0-9_$]*/
INT: /[+-]?[0-9]+/
STRING: /'(?:[^']|'')*'/
%ignore /[ \t\r\n]+/
"""


@dataclass(frozen=True, slots=True)
class Literal:
    """A text or a whole number."""

    value: str | int


@dataclass(frozen=True, slots=True)
class Call:
    """A function call. `name` is as written; letter case does not matter."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """`of.key` or `of[key]`."""

    of: Node
    key: Node


Node: TypeAlias = Literal | Call | Index


def is_expression(text: str) -> bool:
    """Whether a template's string is an expression: in brackets, and not escaped by "[["."""
    return text.startswith("[") and text.endswith("]") and not text.startswith("[[")


def unescaped(text: str) -> str:
    """A string that is no expression, as it is meant: "[[a]" is "[a]"."""
    return text[1:] if text.startswith("[[") else text


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """The tree of an expression in its brackets. Raises ExpressionRefused."""
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    inner = text[1:-1]
    try:
        node: Node = _transformer().transform(_parser().parse(inner))
    except UnexpectedToken as error:
        raise _unparsed(inner, error.token.type, error.accepts or error.expected) from error
    except UnexpectedCharacters as error:
        raise _unreadable(inner, error.pos_in_stream or 0) from error
    return node


_TOKENS = {
    "RPAR": "RightParenthesis",
    "RSQB": "RightSquareBracket",
    "NAME": "Identifier",
    "LPAR": "LeftParenthesis",
    "LSQB": "LeftSquareBracket",
    "COMMA": "Comma",
    "DOT": "Dot",
    "INT": "Literal",
    "STRING": "Literal",
    "$END": "EndOfData",
}


def _unparsed(inner: str, found: str, wanted: Collection[str]) -> ExpressionRefused:
    if float_ := re.search(r"(?<![\w'])\d+\.\d", inner):
        return ExpressionRefused(
            f"The language expression '{inner}' at position '{float_.start()}' is not valid: float "
            "point numbers are not supported."
        )
    order = ("NAME", "$END", "RPAR", "RSQB", "LPAR")
    first = next((name for name in order if name in wanted), "$END")
    return ExpressionRefused(
        f"Unable to parse language expression '{inner}': expected token '{_TOKENS[first]}' and "
        f"actual '{_TOKENS.get(found, found)}'."
    )


def _unreadable(inner: str, at: int) -> ExpressionRefused:
    if inner[at] == "'":
        return ExpressionRefused(
            f"The language expression '{inner}' is not valid: the string constant at position "
            f"'{at}' is not terminated. String constants must be enclosed within a pair of single "
            "quotes."
        )
    return ExpressionRefused(
        f"{UNVERIFIED}The language expression '{inner}' is not valid: the character '{inner[at]}' "
        f"at position '{at}' is not expected."
    )


def calls(node: Node) -> Iterator[Call]:
    """Every call in a tree, outermost first."""
    if isinstance(node, Call):
        yield node
        for argument in node.arguments:
            yield from calls(argument)
    elif isinstance(node, Index):
        yield from calls(node.of)
        yield from calls(node.key)


def calls_in(value: Any) -> Iterator[Call]:
    """Every call in every expression of a template's fragment, keys included."""
    if isinstance(value, str) and is_expression(value):
        yield from calls(parse(value))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from calls_in(key)
            yield from calls_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from calls_in(item)


@cache
def _parser() -> Lark:
    from lark import Lark

    return Lark(_GRAMMAR, parser="lalr")


@cache
def _transformer() -> Transformer[Any, Node]:
    from lark import Token, Transformer

    class Trees(Transformer[Any, Node]):
        """From lark's tree to ours."""

        def start(self, items: list[Any]) -> Node:
            node: Node = items[0]
            return node

        def integer(self, items: list[Any]) -> Node:
            return Literal(int(items[0]))

        def string(self, items: list[Any]) -> Node:
            return Literal(str(items[0])[1:-1].replace("''", "'"))

        def call(self, items: list[Any]) -> Node:
            names = [item for item in items if isinstance(item, Token)]
            arguments = [i for i in items if i is not None and not isinstance(i, Token)]
            return Call(".".join(names), tuple(arguments))

        def member(self, items: list[Any]) -> Node:
            return Index(items[0], Literal(str(items[1])))

        def index(self, items: list[Any]) -> Node:
            return Index(items[0], items[1])

    return Trees()
