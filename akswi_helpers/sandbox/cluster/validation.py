"""Whether an object may be stored: what is wrong with it, field by field.

    validate_create(deployment, obj)             ->  [FieldError(…), …], empty when all is well
    validate_update(deployment, new, old)
    invalid_message(deployment, "web", errors)   ->  'Deployment.apps "web" is invalid: …'

Whether JSON can be read as its kind at all is `decoding.py`: `unknown_fields`, `decode_errors`.

Source: 422 Status bodies of a kube-apiserver 1.37.2 and the validation in its published source.
Left out: kinds and fields that `_RULES` does not reach; they are stored as they come.
"""

from __future__ import annotations

from collections.abc import Callable

from akswi_helpers.sandbox.cluster import metadata_rules
from akswi_helpers.sandbox.cluster.decoding import decode_errors, pruned, unknown_fields
from akswi_helpers.sandbox.cluster.field_errors import FieldError
from akswi_helpers.sandbox.cluster.kinds import Kind
from akswi_helpers.types import Json

__all__ = [
    "FieldError",
    "decode_errors",
    "invalid_message",
    "pruned",
    "unknown_fields",
    "validate_create",
    "validate_update",
]


def validate_create(kind: Kind, obj: Json) -> list[FieldError]:
    """What is wrong with a new object, defaults filled in."""
    errors = metadata_rules.for_create(kind, obj)
    rules = _RULES.get(kind.group_resource)
    return errors + (rules(obj) if rules else [])


def validate_update(kind: Kind, new: Json, old: Json) -> list[FieldError]:
    """What is wrong with `new` in the place of `old`."""
    errors = metadata_rules.for_update(kind, new, old)
    change, rules = _CHANGES.get(kind.group_resource), _RULES.get(kind.group_resource)
    errors += change(new, old) if change else []
    return errors + (rules(new) if rules else [])


def invalid_message(kind: Kind, name: str, errors: list[FieldError]) -> str:
    """The message of the 422 Status for these errors."""
    texts = list(dict.fromkeys(error.sentence() for error in errors))
    said = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    subject = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    return f'{subject} "{name}" is invalid: {said}'


_RULES: dict[str, Callable[[Json], list[FieldError]]] = {}
_CHANGES: dict[str, Callable[[Json, Json], list[FieldError]]] = {}
