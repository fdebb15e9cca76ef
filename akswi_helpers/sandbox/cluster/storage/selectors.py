"""Label selectors and field selectors: which objects a list, a watch or a controller means.

    keep = labels("app=web,tier in (a, b),!old")     keep({"app": "web", "tier": "a"}) -> True

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ and the refusals
of a kube-apiserver 1.37.2. Left out: selectableFields of custom resources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from akswi_helpers.sandbox.cluster.refusals import StatusError, bad_request
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

Labels = Mapping[str, str]
Keep = Callable[[Labels], bool]

_TOKEN = re.compile(r"\s*(==|!=|=|!|<|>|\(|\)|,|[^\s=!<>(),]+)")
_OPERATORS = ("in", "notin", "=", "==", "!=", "gt", "lt")
_SIGNS = {"<": "lt", ">": "gt"}

_FIELDS: dict[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "secrets": ("type",),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase", "name"),
    "services": ("spec.clusterIP", "spec.type"),
    "replicasets": ("status.replicas",),
    "replicationcontrollers": ("status.replicas",),
    "jobs": ("status.successful",),
}
_FALSE = {"spec.hostNetwork", "spec.unschedulable"}  # absent means "false"


def labels(text: str) -> Keep:
    """What a labelSelector keeps. Raises StatusError 400 when it cannot be read."""
    parser = _Parser(text)
    requirements = parser.requirements()
    return lambda found: all(keep(found) for keep in requirements)


def matches(selector: Json | None, found: Labels) -> bool:
    """Whether a LabelSelector object (matchLabels, matchExpressions) selects these labels.

    An empty selector selects everything, None nothing.
    """
    if selector is None:
        return False
    exact = (selector.get("matchLabels") or {}).items()
    wanted = selector.get("matchExpressions") or []
    return all(found.get(key) == value for key, value in exact) and all(
        _requirement(e["key"], e["operator"].lower(), e.get("values") or [])(found) for e in wanted
    )


def fields(kind: Kind, text: str) -> Callable[[Json], bool]:
    """What a fieldSelector keeps of `kind`. Raises StatusError 400 for a field it does not have."""
    wanted = [_term(term) for term in text.split(",") if term.strip("= !")]
    for field, _, _ in wanted:
        _known(kind, field)
    return lambda obj: all((_value(obj, f) == v) is equal for f, v, equal in wanted)


def _term(term: str) -> tuple[str, str, bool]:
    found = re.fullmatch(r"([^=!]*)(==|!=|=)(.*)", term)
    if not found:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    return found[1].strip(), found[3], found[2] != "!="


def _known(kind: Kind, field: str) -> None:
    if field in ("metadata.name", "metadata.namespace"):
        return
    special = _FIELDS.get(kind.plural, ()) if not kind.group or kind.group in _OURS else ()
    if field in special:
        return
    if special:
        raise bad_request(f"field label not supported: {field}")
    known = '"metadata.name", "metadata.namespace"'
    raise bad_request(f'"{field}" is not a known field selector: only {known}')


_OURS = {"apps", "batch", "events.k8s.io"}


def _value(obj: Json, field: str) -> str:
    if field == "source":
        return str((obj.get("source") or {}).get("component") or obj.get("reportingComponent", ""))
    value: Any = obj
    for part in ("metadata.name" if field == "name" else field).split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return "false" if field in _FALSE else "0" if field == "status.replicas" else ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Parser:
    """The grammar of a labelSelector, one token ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    def requirements(self) -> list[Keep]:
        found: list[Keep] = []
        if not self._tokens:
            return found
        while True:
            self._start(after_comma=bool(found))
            found.append(self._one())
            token = self._next()
            if not token:
                return found
            if token != ",":
                raise _refused(f"found '{token}', expected: ',' or 'end of string'")

    def _start(self, *, after_comma: bool) -> None:
        token = self._peek()
        if _word(token) or token == "!":
            return
        if after_comma:
            raise _refused(f"found '{token}', expected: identifier after ','")
        raise _refused(f"found '{token}', expected: !, identifier, or 'end of string'")

    def _one(self) -> Keep:
        absent = self._peek() == "!"
        if absent:
            self._next()
        key = self._next()
        if not _word(key):
            raise _unread(f"found '{key}', expected: identifier")
        if absent or self._peek() in ("", ","):
            return _requirement(key, "doesnotexist" if absent else "exists", [])
        operator = self._next()
        operator = _SIGNS.get(operator, operator)
        if operator not in _OPERATORS:
            raise _unread(f"found '{operator}', expected: {', '.join(_OPERATORS)}")
        values = self._set() if operator in ("in", "notin") else [self._exact()]
        return _requirement(key, operator, values)

    def _exact(self) -> str:
        if self._peek() in ("", ","):
            return ""
        token = self._next()
        if not _word(token):
            raise _unread(f"found '{token}', expected: identifier")
        return token

    def _set(self) -> list[str]:
        if (token := self._next()) != "(":
            raise _unread(f"found '{token}' expected: '('")
        values = [""]
        while (token := self._next()) != ")":
            if token == ",":
                values.append("")
            elif _word(token) and not values[-1]:
                values[-1] = token
            else:
                raise _unread(f"found '{token}', expected: ',', ')' or identifier")
        return values

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token


def _word(token: str) -> bool:
    return bool(token) and token[0] not in "=!<>(),"


def _refused(message: str) -> StatusError:
    return bad_request(message)


def _unread(message: str) -> StatusError:
    return bad_request(f"unable to parse requirement: {message}")


def _requirement(key: str, operator: str, values: list[str]) -> Keep:
    if operator in ("=", "==", "in"):
        return lambda found: found.get(key) in values and key in found
    if operator in ("!=", "notin"):
        return lambda found: key not in found or found[key] not in values
    if operator == "exists":
        return lambda found: key in found
    if operator == "doesnotexist":
        return lambda found: key not in found
    bound = values[0]
    if not re.fullmatch(r"-?\d+", bound):
        raise _unread(f"for 'Gt', 'Lt' operators, the value must be an integer: \"{bound}\"")
    sign = 1 if operator == "gt" else -1
    return lambda found: _integer(found.get(key)) * sign > int(bound) * sign


def _integer(text: str | None) -> float:
    return int(text) if text and re.fullmatch(r"-?\d+", text) else float("nan")
