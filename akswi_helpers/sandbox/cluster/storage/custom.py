"""Custom resources: what a CustomResourceDefinition adds to a cluster, and takes with it.

The real server establishes a definition some milliseconds after it is stored; here it is
established when it is created. Deleting a definition deletes its objects.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/. Left out: conversion
webhooks, several served versions of one object, selectableFields, additionalPrinterColumns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.merging import apply
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster
    from akswi_helpers.sandbox.cluster.tables.kinds import Kind

DEFINITION = "CustomResourceDefinition"

_CONDITIONS = (
    ("NamesAccepted", "NoConflicts", "no conflicts found"),
    ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
)


def established(kind: Kind, draft: Json, now: str) -> Json:
    """A new definition with its names accepted, which is the API server's own doing."""
    spec = draft.get("spec") or {}
    if not spec.get("names"):
        return draft
    conditions = [
        {
            "type": name,
            "status": "True",
            "lastTransitionTime": now,
            "reason": reason,
            "message": message,
        }
        for name, reason, message in _CONDITIONS
    ]
    stored = [version["name"] for version in spec.get("versions") or [] if version.get("storage")]
    status = {"conditions": conditions, "acceptedNames": spec["names"], "storedVersions": stored}
    made = {**draft, "status": status}
    return apply.track(kind, draft, made, manager="kube-apiserver", now=now, subresource="status")


def orphaned(cluster: Cluster, kind: Kind, gone: Json) -> Iterator[tuple[Kind, str, str]]:
    """The objects (kind, namespace, name) that go with a definition."""
    if kind.kind != DEFINITION:
        return
    spec = gone["spec"]
    for served in cluster.kinds.all():
        if (served.group, served.plural) == (spec["group"], spec["names"]["plural"]):
            for item in cluster.objects.store.list(served):
                metadata = item["metadata"]
                yield served, metadata.get("namespace", ""), metadata["name"]
            return
