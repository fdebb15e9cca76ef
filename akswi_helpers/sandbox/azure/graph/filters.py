"""Graph's query options: $filter, $select, $top and the pages that follow; any other is refused.

A filter is one or more of these, joined by "and"; names and ids are compared without case:
    displayName eq 'x' · appId eq 'x' · id eq 'x' · startswith(displayName,'x')
    tags/any(t:t eq 'x') · servicePrincipalNames/any(c:c eq 'x') · identifierUris/any(…)

Source: https://learn.microsoft.com/graph/filter-query-parameter. Left out: or, not, ne, in,
endswith, $search, $count, $orderby, $expand; they answer 501 and name themselves.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterable

from akswi_helpers.sandbox.azure.graph import refusals
from akswi_helpers.sandbox.azure.graph.shapes import (
    APPLICATION,
    HOST,
    KINDS,
    SERVICE_PRINCIPAL,
    context,
)
from akswi_helpers.sandbox.wire import Reply, Request, not_emulated
from akswi_helpers.types import Json

PAGE, MOST = 100, 999  # objects of one page: when nothing is asked for, and at most
OF_LIST = frozenset({"$filter", "$select", "$top", "$skiptoken"})
OF_ONE = frozenset({"$select"})

Test = Callable[[Json], bool]

_TEXT = r"'(?P<value>(?:[^']|'')*)'"
_EQUAL = re.compile(rf"(?P<name>\w+)\s+eq\s+{_TEXT}")
_STARTS = re.compile(rf"startswith\(\s*(?P<name>\w+)\s*,\s*{_TEXT}\s*\)")
_ANY = re.compile(rf"(?P<name>\w+)/any\(\s*(?P<each>\w+)\s*:\s*(?P=each)\s+eq\s+{_TEXT}\s*\)")
_AND = re.compile(r"\s+and\s+")

_COMPARED = {
    _EQUAL: ("displayName", "appId", "id", "servicePrincipalType"),
    _STARTS: ("displayName",),
    _ANY: ("tags", "servicePrincipalNames", "identifierUris"),
}


def parse(text: str) -> Test:
    """Whether an object fits the filter. Raises WireError 501 for one that is not emulated."""
    tests, rest = [], text.strip()
    while True:
        test, rest = _clause(rest, text)
        tests.append(test)
        joined = _AND.match(rest)
        if joined is None:
            break
        rest = rest[joined.end() :]
    if rest.strip():
        raise not_emulated(f"the filter {text}")
    return lambda row: all(test(row) for test in tests)


def _clause(rest: str, whole: str) -> tuple[Test, str]:
    for pattern, names in _COMPARED.items():
        found = pattern.match(rest)
        if found and found["name"] in names:
            wanted = found["value"].replace("''", "'")
            return _test(pattern, found["name"], wanted), rest[found.end() :]
    raise not_emulated(f"the filter {whole}")


def _test(pattern: re.Pattern[str], name: str, wanted: str) -> Test:
    if pattern is _ANY:
        return lambda row: wanted in row.get(name, [])
    folded = wanted.casefold()
    if pattern is _STARTS:
        return lambda row: str(row.get(name) or "").casefold().startswith(folded)
    return lambda row: str(row.get(name) or "").casefold() == folded


def page(request: Request, kind: str, rows: Iterable[Json]) -> Reply:
    """The objects that the query asks for, and where the next page is. Raises WireError."""
    only(request, OF_LIST)
    wanted = request.query.get("$filter")
    fitting = [row for row in rows if wanted is None or parse(wanted)(row)]
    start, size = _number(request, "$skiptoken", 0, 10**6), _number(request, "$top", PAGE, MOST)
    chosen = _selected_names(request, kind)
    what = f"{kind}({','.join(chosen)})" if chosen else kind
    body = context(request, what)
    if start + size < len(fitting):
        body["@odata.nextLink"] = _next(request, start + size)
    return Reply({**body, "value": [_cut(row, chosen) for row in fitting[start : start + size]]})


def one(request: Request, kind: str, document: Json) -> Reply:
    """One object, with the properties that the query selects. Raises WireError."""
    only(request, OF_ONE)
    chosen = _selected_names(request, kind)
    what = f"{kind}({','.join(chosen)})/$entity" if chosen else f"{kind}/$entity"
    return Reply({**context(request, what), **_cut(document, chosen)})


def only(request: Request, known: frozenset[str]) -> None:
    """Raise WireError 501 when the query has an option that is not in `known`."""
    for name in request.query:
        if name not in known:
            raise not_emulated(f"the query option '{name}' of {request.method} {request.path}")


def _selected_names(request: Request, kind: str) -> list[str]:
    text = request.query.get("$select", "")
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = APPLICATION if KINDS[kind] == "application" else SERVICE_PRINCIPAL
    for name in names:
        if name not in known:
            raise refusals.unknown_property(name, KINDS[kind])
    return names


def _cut(row: Json, names: list[str]) -> Json:
    return {name: row[name] for name in names} if names else row


def _number(request: Request, name: str, otherwise: int, most: int) -> int:
    text = request.query.get(name)
    if text is None:
        return otherwise
    if not re.fullmatch(r"\d{1,7}", text) or not (name == "$skiptoken" or 0 < int(text) <= most):
        raise refusals.bad_request(f"Invalid value '{text}' for query option '{name}'.")
    return int(text)


def _next(request: Request, start: int) -> str:
    kept = {name: value for name, value in request.query.items() if name != "$skiptoken"}
    query = urllib.parse.urlencode({**kept, "$skiptoken": start}, safe="$")
    return f"https://{HOST}{request.path}?{query}"
