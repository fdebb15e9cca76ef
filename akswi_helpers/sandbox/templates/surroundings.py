"""Functions that look around: parameters, variables, loops, group, deployer, other resources.

Each takes the scope and its evaluated arguments. newGuid() and utcNow() are refused anywhere but
in a parameter's default, as Azure does: a template deployed twice must not change by itself.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource
and -deployment. Left out: list*() functions (501), providers(), pickZones().
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Sequence

from akswi_helpers.sandbox.templates import resource_ids
from akswi_helpers.sandbox.templates.builtins import Value
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused, NotEmulated
from akswi_helpers.sandbox.templates.scopes import NeedsRuntime, Scope
from akswi_helpers.types import Json

ENVIRONMENT: Json = {
    "name": "AzureCloud",
    "portal": "https://portal.azure.com",
    "resourceManager": "https://management.azure.com/",
    "graph": "https://graph.windows.net/",
    "authentication": {
        "loginEndpoint": "https://login.microsoftonline.com/",
        "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
        "tenant": "common",
        "identityProvider": "AAD",
    },
    "suffixes": {"keyvaultDns": ".vault.azure.net", "storage": "core.windows.net"},
}


def _parameters(scope: Scope, arguments: Sequence[Value]) -> Value:
    _require_one("parameters", arguments)
    return scope.parameters(str(arguments[0]))


def _variables(scope: Scope, arguments: Sequence[Value]) -> Value:
    _require_one("variables", arguments)
    return scope.variables(str(arguments[0]))


def _require_one(name: str, arguments: Sequence[Value]) -> None:
    if len(arguments) != 1:
        raise ExpressionRefused(
            f"The template language function '{name}' must have only one parameter. "
            "Please see https://aka.ms/arm-functions for usage details."
        )


def _copy_index(scope: Scope, arguments: Sequence[Value]) -> int:
    names = [argument for argument in arguments if isinstance(argument, str)]
    offsets = [argument for argument in arguments if not isinstance(argument, str)]
    name = names[0].lower() if names else scope.loop
    if name not in scope.loops:
        raise ExpressionRefused(
            "The template function 'copyIndex' is not expected at this location. The function can "
            "only be used in a resource with copy specified. "
            "Please see https://aka.ms/arm-resource-loops for usage details."
        )
    return scope.loops[name] + (offsets[0] if offsets else 0)


def _reference(scope: Scope, arguments: Sequence[Value]) -> Value:
    if not arguments:
        raise NeedsRuntime("reference")
    target, version, full = _reference_arguments(arguments)
    return scope.host.reference(target, version, full)


def _reference_arguments(arguments: Sequence[Value]) -> tuple[str, str, bool]:
    target, *rest = map(str, arguments)
    full = bool(rest) and rest[-1].lower() == "full"
    version = rest[0] if rest and rest[0].lower() != "full" else ""
    return target, version, full


def _references(scope: Scope, arguments: Sequence[Value]) -> list[Value]:
    if not arguments:
        raise NeedsRuntime("references")
    full = len(arguments) > 1 and str(arguments[1]).lower() == "full"
    return scope.host.references(str(arguments[0]), full)


def _new_guid(scope: Scope, arguments: Sequence[Value]) -> str:
    _only_in_defaults(scope, "newGuid")
    return str(uuid.uuid4())


def _utc_now(scope: Scope, arguments: Sequence[Value]) -> str:
    _only_in_defaults(scope, "utcNow")
    now = datetime.datetime.now(datetime.UTC)
    pattern = str(arguments[0]) if arguments else "yyyyMMddTHHmmssZ"
    known = {"yyyyMMddTHHmmssZ": "%Y%m%dT%H%M%SZ", "yyyy-MM-dd": "%Y-%m-%d", "d": "%m/%d/%Y"}
    known |= {"u": "%Y-%m-%d %H:%M:%SZ", "yyyyMMdd": "%Y%m%d", "yyyyMMddHHmmss": "%Y%m%d%H%M%S"}
    if pattern not in known:
        raise NotEmulated(f"utcNow('{pattern}')")
    return now.strftime(known[pattern])


def _only_in_defaults(scope: Scope, name: str) -> None:
    if not scope.in_default:
        only = "The function can only be used with parameter default value expresions. "
        raise NeedsRuntime(name, only)  # the missing letter is Azure's


def _fixed(name: str) -> Callable[[Scope, Sequence[Value]], Value]:
    return lambda scope, arguments: getattr(scope.host, name)()


SURROUNDINGS: dict[str, Callable[[Scope, Sequence[Value]], Value]] = {
    "parameters": _parameters,
    "variables": _variables,
    "copyindex": _copy_index,
    "reference": _reference,
    "references": _references,
    "newguid": _new_guid,
    "utcnow": _utc_now,
    "resourcegroup": _fixed("resource_group"),
    "subscription": _fixed("subscription"),
    "tenant": _fixed("tenant"),
    "deployment": _fixed("deployment"),
    "deployer": _fixed("deployer"),
    "environment": lambda scope, arguments: ENVIRONMENT,
    "resourceid": resource_ids.resource_id,
    "subscriptionresourceid": resource_ids.subscription_resource_id,
    "tenantresourceid": resource_ids.tenant_resource_id,
    "extensionresourceid": resource_ids.extension_resource_id,
}

NOT_EMULATED = frozenset(
    "map filter reduce sort groupby mapvalues toobject lambda lambdavariables providers pickzones "
    "cidrsubnet cidrhost parsecidr datetimeadd datetimefromepoch datetimetoepoch float "
    "managementgroup managementgroupresourceid toLogicalZone toPhysicalZone loadfilecontent "
    "externalinput nullif".lower().split()
)
