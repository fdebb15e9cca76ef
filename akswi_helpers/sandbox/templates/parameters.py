"""From what a deployment is given to its parameters' values, checked as Azure checks them.

A secure value never appears in a refusal, and `echoed` leaves it out.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/parameters. Left out:
values taken from a vault (501); the inner schema of objects and arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from akswi_helpers.sandbox.templates.builtins import Value
from akswi_helpers.sandbox.templates.documents import column, resolved
from akswi_helpers.sandbox.templates.dotnet import compact, type_name
from akswi_helpers.sandbox.templates.evaluate import evaluate
from akswi_helpers.sandbox.templates.refusals import (
    ExpressionRefused,
    NotEmulated,
    Stated,
    TemplateRefused,
    default_refused,
    parameter_bounds,
    parameter_missing,
    parameter_not_allowed,
    parameters_unknown,
    refers_to_itself,
    type_differs,
    validation_failed,
)
from akswi_helpers.sandbox.templates.scopes import Host, NotKnownYet, Scope, lookup, not_found
from akswi_helpers.types import Json

# How a parameter's type is written in an answer, and what JSON must hold for it.
TYPES: Mapping[str, tuple[str, str]] = {
    "string": ("String", "String, Uri"),
    "securestring": ("SecureString", "String, Uri"),
    "int": ("Int", "Integer"),
    "bool": ("Bool", "Boolean"),
    "array": ("Array", "Array"),
    "object": ("Object", "Object"),
    "secureobject": ("SecureObject", "Object"),
}


def is_secure(definition: Json) -> bool:
    """Whether the value may not be shown."""
    return str(definition.get("type", "")).lower().startswith("secure")


class Parameters:
    """The parameters of one deployment. `values` holds them all once `settle` has run.

    `unknown` are parameters whose value is not known before the run (only while validating a
    nested deployment): asking for one raises NeedsRuntime.
    """

    def __init__(self, template: Json, given: Json, host: Host) -> None:
        self.template = template
        raw: Json = template.get("parameters") or {}
        self.definitions = {name: resolved(template, body) for name, body in raw.items()}
        self.values: dict[str, Value] = {}
        self.unknown: set[str] = set()
        self.variables = lookup("variable", {})  # what defaults see; whoever has some sets it
        self._given = {name.lower(): value for name, value in given.items()}
        self._names = {name.lower(): name for name in self.definitions}
        self._busy: set[str] = set()
        self._host = host
        self._refuse_strangers(given)

    def settle(self) -> Parameters:
        """Give every parameter its value. Raises TemplateRefused, NotEmulated."""
        for name in self.definitions:
            if name.lower() not in self.unknown:
                self._value(name)
        return self

    def look_up(self, name: str) -> Value:
        """The value of parameter `name`. Raises ExpressionRefused when there is none."""
        if name.lower() in self.unknown:
            raise NotKnownYet("reference")
        own = self._names.get(name.lower())
        if own is None:
            raise not_found("parameter", name)
        return self._value(own)

    def echoed(self) -> Json:
        """The parameters as a deployment's answer shows them: secure ones without a value."""
        shown: Json = {}
        for name, definition in self.definitions.items():
            entry: Json = {"type": TYPES[str(definition["type"]).lower()][0]}
            if not is_secure(definition) and name in self.values:
                entry["value"] = self.values[name]
            shown[lower_first(name)] = entry
        return shown

    def _refuse_strangers(self, given: Json) -> None:
        strangers = [name for name in given if name.lower() not in self._names]
        if strangers:
            raise parameters_unknown(", ".join(strangers), ", ".join(self.definitions))

    def _value(self, name: str) -> Value:
        if name not in self.values:
            definition = self.definitions[name]
            value = self._raw(name, definition)
            self._check(name, definition, value)
            self.values[name] = value
        return self.values[name]

    def _raw(self, name: str, definition: Json) -> Value:
        given = self._given.get(name.lower())
        if isinstance(given, dict) and "reference" in given:
            raise NotEmulated("parameter values that are read from a vault ('reference')")
        if isinstance(given, dict) and "value" in given:
            return given["value"]
        if "defaultValue" in definition:
            return self._default(name, definition["defaultValue"])
        if definition.get("nullable"):
            return None
        raise parameter_missing(name, column(self.template, name))

    def _default(self, name: str, default: Value) -> Value:
        if name in self._busy:
            raise validation_failed(str(refers_to_itself(name)))
        self._busy.add(name)
        scope = Scope(self.look_up, self.variables, self._host)
        try:
            return evaluate(default, replace(scope, in_default=True))
        except Stated as error:
            raise validation_failed(str(error)) from error
        except ExpressionRefused as error:
            raise default_refused(name, self._at(name), str(error)) from error
        finally:
            self._busy.discard(name)

    def _check(self, name: str, definition: Json, value: Value) -> None:
        kind = str(definition.get("type", "")).lower()
        if value is None and definition.get("nullable"):
            return
        if kind not in TYPES:
            raise validation_failed(f"The type '{kind}' of parameter '{name}' is not valid.")
        wanted = TYPES[kind][1]
        if type_name(value) not in wanted.split(", "):
            raise type_differs("parameter", name, wanted, type_name(value))
        self._check_allowed(name, definition, value)
        if rule := _broken_bound(definition, value):
            raise parameter_bounds(name, rule)

    def _check_allowed(self, name: str, definition: Json, value: Value) -> None:
        allowed = definition.get("allowedValues")
        if allowed is None:
            return
        values = value if isinstance(value, list) else [value]
        if value in allowed or (isinstance(value, list) and all(v in allowed for v in values)):
            return
        raise self._not_allowed(name, definition, value, allowed)

    def _not_allowed(
        self, name: str, definition: Json, value: Value, allowed: list[Value]
    ) -> TemplateRefused:
        if is_secure(definition):
            rule = "The parameter value is not part of the allowed value(s)."
            return parameter_bounds(name, rule)
        listed = ",".join(v if isinstance(v, str) else compact(v) for v in allowed)
        shown = value if isinstance(value, str) else compact(value)
        return parameter_not_allowed(shown, name, self._at(name), listed)

    def _at(self, name: str) -> int:
        return column(self.template, name)


def lower_first(name: str) -> str:
    """`name` with a small first letter: how Azure answers with parameters and outputs."""
    return name[:1].lower() + name[1:]


def _broken_bound(definition: Json, value: Value) -> str:
    if isinstance(value, str | list):
        size, low, high = len(value), definition.get("minLength"), definition.get("maxLength")
        what = "Length of the value"
    elif isinstance(value, int) and not isinstance(value, bool):
        size, low, high = value, definition.get("minValue"), definition.get("maxValue")
        what = "Value"
    else:
        return ""
    if low is not None and size < low:
        return f"{what} should be greater than or equal to '{low}'."
    if high is not None and size > high:
        return f"{what} should be less than or equal to '{high}'."
    return ""
