"""Conditions of role assignments: what a role allows only for some roles or principals.

    read(text)                      the condition; raises BadCondition, NotUnderstood
    holds(text, action, attributes) whether it lets this action pass

Read are ActionMatches, `@Request[…]` and `@Resource[…]` of role assignments, the comparisons of
GUIDs and strings with a set, AND, OR, NOT and brackets: all that the portal writes for a Role Based
Access Control Administrator whose rights are narrowed. The rest is refused by name.

Source: https://learn.microsoft.com/azure/role-based-access-control/conditions-format and
delegate-role-assignments-examples.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

from akswi_helpers.types import Json

Attributes = Mapping[str, str | None]
"""By "Request:RoleDefinitionId" and the like, lower case; None where it is not known yet."""
Clause = Callable[[str, Attributes], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<sign>&&|\|\||[()!])"
    r"|(?P<word>(?:AND|OR|NOT)\b)"
    r"|ActionMatches\s*\{\s*'(?P<action>[^']*)'\s*\}"
    r"|@(?P<source>Request|Resource)\s*\[\s*(?P<attribute>[^\]]+?)\s*\]"
    r"\s*(?P<operator>[A-Za-z:]+)\s*\{(?P<set>[^}]*)\})",
    re.IGNORECASE,
)
_OF = "microsoft.authorization/roleassignments:"
_KNOWN = ("roledefinitionid", "principalid", "principaltype")
_EQUAL = (
    "foranyofanyvalues:guidequals",
    "foranyofanyvalues:stringequals",
    "foranyofanyvalues:stringequalsignorecase",
)
_DIFFERENT = (
    "foranyofallvalues:guidnotequals",
    "foranyofallvalues:stringnotequals",
    "foranyofallvalues:stringnotequalsignorecase",
)
_SAME = {"&&": "and", "||": "or", "!": "not"}


class BadCondition(ValueError):
    """The text is no condition."""


class NotUnderstood(ValueError):
    """A condition that Azure takes, with something that is not read here; it is named."""


class _NotYet(Exception):
    """The condition asks for an attribute that only a later moment knows."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """One word of a condition: "and", "or", "not", a bracket, or a comparison."""

    word: str
    clause: Clause | None = None


@lru_cache(maxsize=256)
def read(text: str) -> Clause:
    """The condition as a function of an action and its attributes."""
    pieces = list(_pieces(text))
    clause = _either(pieces)
    if pieces:
        raise BadCondition(f"nothing was expected at '{pieces[0].word}'")
    return clause


def holds(text: str | None, action: str, attributes: Attributes) -> bool:
    """Whether a role assignment with this condition, or with none, counts for the action.

    A condition on an attribute that is not known yet refuses nothing.
    """
    try:
        return not text or read(text)(action.lower(), attributes)
    except _NotYet:
        return True


def of_assignment(source: str, properties: Json) -> Attributes:
    """An assignment's properties as conditions name them; `source` is "request" or "resource".

    A property that is None is not known yet.
    """
    values = {"principalType": "ServicePrincipal", **properties}
    names = ("roleDefinitionId", "principalId", "principalType")
    found = {name: values.get(name, "") for name in names}
    return {
        f"{source}:{name.lower()}": None if value is None else str(value).rpartition("/")[2]
        for name, value in found.items()
    }


def _pieces(text: str) -> Iterator[_Piece]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotUnderstood(text[at:].strip()[:40])
        at = found.end()
        yield _piece(found)


def _piece(found: re.Match[str]) -> _Piece:
    if action := found["action"]:
        return _Piece(action, partial(_matches, _pattern(action)))
    if attribute := found["attribute"]:
        return _Piece(attribute, _comparison(found))
    word = (found["word"] or found["sign"]).lower()
    return _Piece(_SAME.get(word, word))


def _matches(pattern: re.Pattern[str], action: str, attributes: Attributes) -> bool:
    return pattern.fullmatch(action) is not None


def _pattern(action: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, action.lower().split("*"))))


def _comparison(found: re.Match[str]) -> Clause:
    name, operator = found["attribute"].lower(), found["operator"].lower()
    if not name.startswith(_OF) or name.removeprefix(_OF) not in _KNOWN:
        raise NotUnderstood(f"@{found['source']}[{found['attribute']}]")
    if operator not in _EQUAL + _DIFFERENT:
        raise NotUnderstood(found["operator"])
    values = {one.strip().strip("'\"").lower() for one in found["set"].split(",") if one.strip()}
    key = f"{found['source']}:{name.removeprefix(_OF)}".lower()
    return partial(_compare, key, frozenset(values), operator in _EQUAL)


def _compare(
    key: str, values: frozenset[str], equal: bool, action: str, attributes: Attributes
) -> bool:
    """An attribute that is not there compares as false."""
    if key not in attributes:
        return False
    found = attributes[key]
    if found is None:
        raise _NotYet
    return (found.lower() in values) == equal


def _either(pieces: list[_Piece]) -> Clause:
    found = [_both(pieces)]
    while pieces and pieces[0].word == "or":
        pieces.pop(0)
        found.append(_both(pieces))
    return lambda action, attributes: any(one(action, attributes) for one in found)


def _both(pieces: list[_Piece]) -> Clause:
    found = [_one(pieces)]
    while pieces and pieces[0].word == "and":
        pieces.pop(0)
        found.append(_one(pieces))
    return lambda action, attributes: all(one(action, attributes) for one in found)


def _one(pieces: list[_Piece]) -> Clause:
    if not pieces:
        raise BadCondition("it ends too early")
    piece = pieces.pop(0)
    if piece.clause:
        return piece.clause
    if piece.word == "not":
        inner = _one(pieces)
        return lambda action, attributes: not inner(action, attributes)
    if piece.word != "(":
        raise BadCondition(f"nothing was expected at '{piece.word}'")
    inside = _either(pieces)
    if not pieces or pieces.pop(0).word != ")":
        raise BadCondition("a bracket is not closed")
    return inside
