"""A template's variables: worked out when asked for, once, loops included.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/variables.
Left out: nothing that the page describes.
"""

from __future__ import annotations

from akswi_helpers.sandbox.templates.builtins import Value
from akswi_helpers.sandbox.templates.evaluate import copies, evaluate
from akswi_helpers.sandbox.templates.refusals import (
    ExpressionRefused,
    Stated,
    refers_to_itself,
)
from akswi_helpers.sandbox.templates.scopes import Host, Lookup, NotKnownYet, Scope, not_found
from akswi_helpers.types import Json


class Variables:
    """The variables of one template."""

    def __init__(self, definitions: Json, parameters: Lookup, host: Host) -> None:
        self._loops = {loop["name"].lower(): loop for loop in definitions.get("copy", [])}
        self._plain = {name.lower(): body for name, body in definitions.items() if name != "copy"}
        self._scope = Scope(parameters, self.look_up, host)
        self._known: dict[str, Value] = {}
        self._busy: set[str] = set()

    def look_up(self, name: str) -> Value:
        """The value of variable `name`. Raises ExpressionRefused."""
        key = name.lower()
        if key not in self._known:
            self._known[key] = self._work_out(key, name)
        return self._known[key]

    def _work_out(self, key: str, name: str) -> Value:
        if key in self._busy:
            raise refers_to_itself(name)
        self._busy.add(key)
        try:
            if key in self._loops:
                return copies(self._loops[key], self._scope)
            if key in self._plain:
                return evaluate(self._plain[key], self._scope)
        except (Stated, NotKnownYet):
            raise
        except ExpressionRefused as error:
            raise Stated(
                f"The template variable '{name}' is not valid: {error}. "
                "Please see https://aka.ms/arm-functions for usage details."
            ) from error
        finally:
            self._busy.discard(key)
        raise not_found("variable", name)
