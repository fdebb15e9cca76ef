"""A template made ready: checked, its parameters settled, its resources planned.

    prepare(host, template, given) -> Prepared

Source: what Azure's validate does. Left out: the resource providers' own preflight.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from akswi_helpers.sandbox.templates.documents import checked
from akswi_helpers.sandbox.templates.hosts import Ahead
from akswi_helpers.sandbox.templates.parameters import Parameters
from akswi_helpers.sandbox.templates.planning import Plan, plan
from akswi_helpers.sandbox.templates.scopes import Scope
from akswi_helpers.sandbox.templates.variables import Variables
from akswi_helpers.types import Json


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known of a deployment before it runs."""

    template: Json
    parameters: Parameters
    scope: Scope
    plan: Plan


def prepare(
    host: Ahead, template: Json, given: Json, *, unknown: Collection[str] = (), ahead: bool = False
) -> Prepared:
    """Check `template` and its parameters (`given`: name -> {"value": …}) and plan its resources.

    `unknown` names parameters whose values only the run will tell; `ahead` leaves out what
    depends on them. Raises TemplateRefused, NotEmulated.
    """
    parameters = Parameters(checked(template), given, host)
    parameters.unknown.update(name.lower() for name in unknown)
    variables = Variables(template.get("variables") or {}, parameters.look_up, host)
    parameters.variables = variables.look_up
    parameters.settle()
    scope = Scope(parameters.look_up, variables.look_up, host)
    return Prepared(template, parameters, scope, plan(template, scope, ahead=ahead))
