"""Objects as the table that `kubectl get` prints.

    table(pods, objects, now=1763999999.0, include="Metadata")   ->  a meta.k8s.io/v1 Table

Source: Table answers of a kube-apiserver 1.37.2 (columns and cells) and
https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables.
Left out: the columns' descriptions; cells of kinds that `cells.py` does not name, which show name
and age.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from akswi_helpers.sandbox.cluster.printing import cells, printer_columns
from akswi_helpers.sandbox.cluster.tables.kinds import Kind
from akswi_helpers.sandbox.cluster.tables.schema import facts
from akswi_helpers.types import Json, Seconds

Include: TypeAlias = Literal["Metadata", "Object", "None"]

_DONE = {
    "Succeeded": "The pod has completed successfully.",
    "Failed": "The pod failed.",
}


def table(kind: Kind, objects: list[Json], *, now: Seconds, include: Include = "Metadata") -> Json:
    """The Table of these objects; `include` says what each row carries besides its cells.

    A column of priority 1 shows with `-o wide` only. `metadata` is left for the caller.
    """
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": definitions(kind),
        "rows": [_row(kind, obj, now, include) for obj in objects],
    }


def definitions(kind: Kind) -> list[Json]:
    """The columns of this kind, in order."""
    if kind.columns:
        return printer_columns.definitions(kind)
    rows = facts("columns").get(f"{kind.plural}.{kind.version}{'.' * bool(kind.group)}{kind.group}")
    if rows is None or cells.of(kind) is None:
        age = "date" if kind.custom else "string"
        rows = [("Name", "string", "name", 0), ("Age", age, "", 0)]
    return [
        {"name": name, "type": type_, "format": form, "description": "", "priority": priority}
        for name, type_, form, priority in rows
    ]


def _row(kind: Kind, obj: Json, now: Seconds, include: Include) -> Json:
    row: Json = {"cells": _cells(kind, obj, now)}
    phase = (obj.get("status") or {}).get("phase")
    if kind.type_name == "io.k8s.api.core.v1.Pod" and phase in _DONE:
        done = {"type": "Completed", "status": "True", "reason": phase, "message": _DONE[phase]}
        row["conditions"] = [done]
    return {**row, "object": _carried(obj, include)}


def _cells(kind: Kind, obj: Json, now: Seconds) -> list[Any]:
    if kind.columns:
        return printer_columns.cells(kind, obj, now)
    of_kind = cells.of(kind)
    return of_kind(obj, now) if of_kind else cells.name_and_age(obj, now)


def _carried(obj: Json, include: Include) -> Json | None:
    if include == "None":
        return None
    if include == "Object":
        return obj
    head = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {**head, "metadata": obj["metadata"]}
