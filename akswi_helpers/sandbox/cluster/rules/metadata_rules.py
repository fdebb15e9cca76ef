"""Rules for the metadata of every object: names, labels, owners, finalizers.

Source: 422 Status bodies of a kube-apiserver 1.37.2. Left out: managedFields, which `apply.py`
keeps itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from akswi_helpers.sandbox.cluster.rules import names
from akswi_helpers.sandbox.cluster.rules.field_errors import (
    FieldError,
    each,
    forbidden,
    invalid,
    required,
    too_long,
)
from akswi_helpers.sandbox.cluster.tables.kinds import Kind
from akswi_helpers.types import Json

_ANNOTATIONS_LIMIT = 256 * 1024
_LABELLED = {"namespaces": names.label, "services": names.label}
_STANDARD = ("kubernetes", "orphan", "foregroundDeletion")
_IMMUTABLE = ("name", "namespace", "uid", "creationTimestamp")


def for_create(kind: Kind, obj: Json) -> list[FieldError]:
    """What is wrong with the metadata of a new object."""
    metadata = obj["metadata"]
    looks = _name_rule(kind)
    errors = []
    base, name = metadata.get("generateName"), metadata.get("name")
    if base:
        # A generated tail follows, so a trailing dash is no fault.
        masked = f"{base[:-1]}a" if base.endswith("-") else base
        errors += [invalid("metadata.generateName", base, why) for why in looks(masked)]
    if name:
        errors += [invalid("metadata.name", name, why) for why in looks(name)]
    else:
        errors.append(required("metadata.name", "name or generateName is required"))
    return errors + _common(metadata) + _finalizers(kind, metadata)


def for_update(kind: Kind, new: Json, old: Json) -> list[FieldError]:
    """What is wrong with changed metadata."""
    after, before = new["metadata"], old["metadata"]
    errors = []
    if before.get("deletionTimestamp"):
        added = set(after.get("finalizers") or ()) - set(before.get("finalizers") or ())
        if added:
            why = "no new finalizers can be added if the object is being deleted, found new "
            listed = ", ".join(f'"{one}"' for one in sorted(added))
            errors.append(forbidden("metadata.finalizers", f"{why}finalizers []string{{{listed}}}"))
    errors += [
        invalid(f"metadata.{name}", after.get(name), "field is immutable")
        for name in _IMMUTABLE
        if after.get(name) != before.get(name)
    ]
    return errors + _common(after) + _finalizers(kind, after)


def _name_rule(kind: Kind) -> Callable[[str], list[str]]:
    if kind.group == "rbac.authorization.k8s.io":
        return names.path_segment
    return _LABELLED.get(kind.group_resource, names.subdomain)


def _common(metadata: Json) -> list[FieldError]:
    errors = labels(metadata.get("labels"), "metadata.labels")
    errors += noted(metadata.get("annotations"), "metadata.annotations")
    errors += _owners(metadata.get("ownerReferences") or [])
    for one in metadata.get("finalizers") or ():
        errors += [invalid("metadata.finalizers", one, why) for why in names.qualified(one)]
    return errors


def _finalizers(kind: Kind, metadata: Json) -> list[FieldError]:
    """Kubernetes' own kinds take only its finalizers and qualified ones."""
    if kind.custom:
        return []
    why = "name is neither a standard finalizer name nor is it fully qualified"
    return [
        invalid(at, one, why)
        for at, one in each("metadata.finalizers", metadata.get("finalizers"))
        if "/" not in one and one not in _STANDARD
    ]


def labels(found: Json | None, field: str) -> list[FieldError]:
    """What is wrong with a map of labels."""
    errors = []
    for key, value in (found or {}).items():
        errors += [invalid(field, key, why) for why in names.qualified(key)]
        errors += [invalid(field, value, why) for why in names.label_value(value)]
    return errors


def noted(found: Json | None, field: str) -> list[FieldError]:
    """What is wrong with a map of annotations."""
    errors = [
        invalid(field, key, why) for key in found or () for why in names.qualified(key.lower())
    ]
    size = sum(len(key.encode()) + len(str(value).encode()) for key, value in (found or {}).items())
    return [*errors, too_long(field, _ANNOTATIONS_LIMIT)] if size > _ANNOTATIONS_LIMIT else errors


def _owners(owners: list[Json]) -> list[FieldError]:
    errors: list[FieldError] = []
    controllers: list[str] = []
    for number, owner in enumerate(owners):
        at = f"metadata.ownerReferences[{number}]"
        errors += [
            required(f"{at}.{name}", "must not be empty")
            for name in ("apiVersion", "kind", "name", "uid")
            if not owner.get(name)
        ]
        if owner.get("controller"):
            controllers.append(f"{owner.get('kind')}/{owner.get('name')}")
            if len(controllers) > 1:
                errors.append(_two_controllers(owners, controllers))
    return errors


def _two_controllers(owners: list[Json], controllers: list[str]) -> FieldError:
    why = (
        'Only one reference can have Controller set to true. Found "true" in references for '
        f"{controllers[0]} and {controllers[-1]}"
    )
    listed: Any = owners
    return invalid("metadata.ownerReferences", listed, why)
