"""What is wrong with one field of an object, in the API server's words.

    invalid("spec.replicas", -1, "must be greater than or equal to 0").sentence()
        ->  'spec.replicas: Invalid value: -1: must be greater than or equal to 0'

Source: 422 Status bodies of a kube-apiserver 1.37.2. Left out: nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from akswi_helpers.sandbox.cluster.tables.gotext import compact


@dataclass(frozen=True, slots=True)
class FieldError:
    """One cause of a 422: `reason` is the Status cause's, `field` the path "spec.ports[0].name"."""

    reason: str
    message: str
    field: str

    def sentence(self) -> str:
        """The cause as it stands in the Status message."""
        return f"{self.field}: {self.message}"


def invalid(field: str, value: Any, why: str) -> FieldError:
    """A value that is not allowed."""
    tail = f": {why}" if why else ""
    return FieldError("FieldValueInvalid", f"Invalid value: {compact(value)}{tail}", field)


def required(field: str, why: str = "") -> FieldError:
    """A value that is missing."""
    return FieldError("FieldValueRequired", "Required value" + (f": {why}" if why else ""), field)


def forbidden(field: str, why: str) -> FieldError:
    """A value that may not be there."""
    return FieldError("FieldValueForbidden", f"Forbidden: {why}", field)


def duplicate(field: str, value: Any) -> FieldError:
    """A value that is there already."""
    return FieldError("FieldValueDuplicate", f"Duplicate value: {compact(value)}", field)


def unsupported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    """A value that is not one of those listed."""
    listed = ", ".join(compact(one) for one in supported)
    message = f"Unsupported value: {compact(value)}: supported values: {listed}"
    return FieldError("FieldValueNotSupported", message, field)


def too_long(field: str, limit: int) -> FieldError:
    """A value that is longer than `limit` bytes."""
    message = f"Too long: may not be more than {limit} bytes"
    return FieldError("FieldValueTooLong", message, field)


def not_found(field: str, value: Any) -> FieldError:
    """A value that names nothing."""
    return FieldError("FieldValueNotFound", f"Not found: {compact(value)}", field)


def not_negative(field: str, value: Any) -> list[FieldError]:
    """A complaint when a number is below zero."""
    low = isinstance(value, (int, float)) and value < 0
    return [invalid(field, value, "must be greater than or equal to 0")] if low else []


def each(field: str, values: Iterable[Any] | None) -> list[tuple[str, Any]]:
    """Items of a list with their paths: ("spec.ports[0]", …)."""
    return [(f"{field}[{number}]", one) for number, one in enumerate(values or ())]
