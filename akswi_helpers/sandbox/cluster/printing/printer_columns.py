"""The columns that a CustomResourceDefinition asks for, by the paths it gives.

    definitions(foo)                 ->  Name and the definition's own columns
    cells(foo, obj, now)             ->  ["a", 3, "5m"]

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/ (additional printer
columns). Left out: JSON paths beyond fields, indices and one-condition filters; they show nothing.
"""

from __future__ import annotations

import re
from typing import Any

from akswi_helpers.sandbox.cluster.printing.durations import since
from akswi_helpers.sandbox.cluster.tables.gotext import compact
from akswi_helpers.sandbox.cluster.tables.kinds import Kind
from akswi_helpers.types import Json, Seconds

_DESCRIBED = "Custom resource definition column (in JSONPath format): "
_PLAIN: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_STEP = re.compile(
    r"""\.(?P<field>(?:[^.\[\\]|\\.)+)
    |\['(?P<quoted>[^']+)'\]
    |\[(?P<index>\d+|\*)\]
    |\[\?\(@\.(?P<where>[\w.]+)\s*==\s*["'](?P<equals>[^"']*)["']\)\]""",
    re.VERBOSE,
)


def definitions(kind: Kind) -> list[Json]:
    """The column definitions: the name and what the definition lists."""
    own = [
        {
            "name": column["name"],
            "type": column["type"],
            "format": column.get("format", ""),
            "description": column.get("description") or _DESCRIBED + column["jsonPath"],
            "priority": column.get("priority", 0),
        }
        for column in kind.columns
    ]
    name = {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0}
    return [name, *own]


def cells(kind: Kind, obj: Json, now: Seconds) -> list[Any]:
    """The cells of one object."""
    return [obj["metadata"]["name"], *(_cell(column, obj, now) for column in kind.columns)]


def _cell(column: Json, obj: Json, now: Seconds) -> Any:
    value = _at(obj, column["jsonPath"])
    if value is None:
        return None
    if column["type"] == "date":
        return since(value, now) if isinstance(value, str) else None
    if column["type"] == "string":
        return value if isinstance(value, str) else compact(value)
    fits = isinstance(value, _PLAIN[column["type"]])
    return value if fits and isinstance(value, bool) == (column["type"] == "boolean") else None


def _at(value: Any, path: str) -> Any:
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        value, at = _stepped(value, step), step.end()
    return value


def _stepped(value: Any, step: re.Match[str]) -> Any:
    name = step["field"] or step["quoted"]
    if name is not None:
        return value.get(name.replace("\\", "")) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    if step["index"] is not None:
        at = 0 if step["index"] == "*" else int(step["index"])  # of several, the first shows
        return value[at] if at < len(value) else None
    fit = [i for i in value if isinstance(i, dict) and str(i.get(step["where"])) == step["equals"]]
    return fit[0] if fit else None
