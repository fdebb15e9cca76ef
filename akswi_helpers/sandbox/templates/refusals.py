"""Why a template or an expression is refused, in the words of Resource Manager.

`ExpressionRefused` is raised where an expression fails; whoever knows the resource, output or
parameter that holds it wraps it with one of the functions below into a `TemplateRefused`.

Source: texts of expression failures from the evaluator inside the Bicep command line; texts of
template failures from Resource Manager's documentation. Left out: exact line and column (Azure
counts them in the text it was sent).
"""

from __future__ import annotations

from collections.abc import Sequence

from akswi_helpers.sandbox.wire import UNVERIFIED, Caller, WireError
from akswi_helpers.types import ResourceId


class ExpressionRefused(Exception):
    """An expression that Resource Manager would not evaluate; the text says why."""


class Stated(ExpressionRefused):
    """A refusal whose text already says what of the template it is about."""


class NotEmulated(Exception):
    """Something that Resource Manager has and this engine does not; the text names it."""


class TemplateRefused(WireError):
    """400 InvalidTemplate, `message` as Azure writes it."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "InvalidTemplate", message)


def validation_failed(reason: str) -> TemplateRefused:
    """The template as a whole is refused before anything is made."""
    return TemplateRefused(f"Deployment template validation failed: '{reason}'.")


def not_processed(where: str, reason: str) -> TemplateRefused:
    """An expression failed while the deployment ran; `where` is "resource '…'" or the like."""
    text = f"Unable to process template language expressions for {where}. '{reason}'"
    return TemplateRefused(UNVERIFIED + text)


def not_authorized(caller: Caller, missing: Sequence[tuple[str, str, ResourceId]]) -> WireError:
    """The deployer may not write some of the resources: (name, type, id) each."""
    reasons = [
        f"Authorization failed for template resource '{name}' of type '{kind}'. The client "
        f"'{caller.client_id}' with object id '{caller.object_id}' does not have permission to "
        f"perform action '{kind}/write' at scope '{id_}'."
        for name, kind, id_ in missing
    ]
    text = f"{UNVERIFIED}Deployment failed with multiple errors: '{':'.join(reasons)}'"
    return WireError(400, "InvalidTemplateDeployment", text)


def parameter_missing(name: str, column: int) -> TemplateRefused:
    """A parameter without a value and without a default."""
    return validation_failed(
        f"The value for the template parameter '{name}' at line '1' and column '{column}' is not "
        "provided. Please see https://aka.ms/arm-create-parameter-file for usage details."
    )


def parameter_not_allowed(value: str, name: str, column: int, allowed: str) -> TemplateRefused:
    """A value outside the parameter's allowedValues; `value` is never a secure one."""
    return validation_failed(
        f"The provided value '{value}' for the template parameter '{name}' at line '1' and column "
        f"'{column}' is not valid. The parameter value is not part of the allowed value(s): "
        f"'{allowed}'."
    )


def parameters_unknown(names: str, known: str) -> TemplateRefused:
    """Values for parameters that the template does not have."""
    return validation_failed(
        f"{UNVERIFIED}The template parameters '{names}' in the parameters file are not valid; they "
        "are not present in the original template and can therefore not be provided at deployment "
        f"time. The only supported parameters for this template are '{known}'. Please see "
        "https://aka.ms/arm-pass-parameter-values for usage details."
    )


def type_differs(what: str, name: str, wanted: str, given: str) -> TemplateRefused:
    """A value of another type than it must have; `what` is "parameter" or "output"."""
    return validation_failed(
        f"The provided value for the template {what} '{name}' is not valid. Expected a value of "
        f"type '{wanted}', but received a value of type '{given}'. "
        "Please see https://aka.ms/arm-create-parameter-file for usage details."
    )


def parameter_bounds(name: str, rule: str) -> TemplateRefused:
    """A value outside minLength, maxLength, minValue or maxValue; the value is not repeated."""
    return validation_failed(
        f"The provided value for the template parameter '{name}' is not valid. {rule} "
        "Please see https://aka.ms/arm-syntax-parameters for usage details."
    )


def default_refused(name: str, column: int, reason: str) -> TemplateRefused:
    """The default value of a parameter cannot be worked out."""
    return validation_failed(
        f"The template expression in parameter '{name}' at line '1' and column '{column}' is not "
        f"valid: {reason}"
    )


def refers_to_itself(name: str) -> Stated:
    """A parameter's default or a variable that needs itself."""
    return Stated(
        f"The '{name}' symbol references itself in its own definition, which is not allowed."
    )


def resource_refused(name: str, column: int, error: ExpressionRefused) -> TemplateRefused:
    """An expression of the resource written as `name` cannot be worked out."""
    if isinstance(error, Stated):
        return validation_failed(str(error))
    return validation_failed(
        f"The template resource '{name}' at line '1' and column '{column}' is not valid: {error}. "
        "Please see https://aka.ms/arm-functions for usage details."
    )
