"""What main.json declares: read from the file, before anything is made.

    parameters(lab)     what a deployment of it is given
    declared()          how many of each type it makes
    node_pools()        of which VM size, and how many nodes

Left out: the template language, but for the forms that are met here: `length(variables(…))` and
`range(…)` that count a loop, and `parameters(…)` that names a VM size.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from akswi_helpers import places
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

_LENGTH = re.compile(r"\[length\(variables\('(\w+)'\)\)\]")
_RANGE = re.compile(r"\[range\((\d+), (\d+)\)\]")
_PARAMETER = re.compile(r"\[parameters\('(\w+)'\)\]")
_NESTED = "Microsoft.Resources/deployments"


@lru_cache(maxsize=1)
def main() -> Json:
    """main.json as it was shipped; shared, so not to be changed."""
    found: Json = json.loads((places.shipped("bicep") / "main.json").read_text())
    return found


@lru_cache(maxsize=1)
def kv_rbac() -> Json:
    """kvRbac.json as it was shipped; shared, so not to be changed."""
    found: Json = json.loads((places.shipped("bicep") / "kvRbac.json").read_text())
    return found


def hash_of_main() -> str:
    """`hash_of` main.json."""
    return hash_of(main())


def hash_of(template: Json) -> str:
    """The hash that Bicep wrote into a template, and that Azure computes of what it deployed."""
    return str(template["metadata"]["_generator"]["templateHash"])


def parameters(lab: Lab) -> Json:
    """What a deployment of main.json is given for this lab, name by name."""
    return {
        "location": lab.location,
        "tags": lab.tags,
        "deployerPrincipalType": lab.cloud.who.kind,
    }


def declared() -> Counter[str]:
    """How many resources of each type main.json makes, its modules included."""
    counts: Counter[str] = Counter()
    _count(main(), 1, counts)
    return counts


def node_pools() -> list[tuple[str, int]]:
    """VM size and number of nodes, for each node pool that main.json makes with its defaults.

    A module's parameter for a VM size is called as main.json's own is.
    """
    modules = [one for one in main()["resources"] if one["type"] == _NESTED]
    inner = [one for module in modules for one in module["properties"]["template"]["resources"]]
    pools = [
        pool for one in inner for pool in one.get("properties", {}).get("agentPoolProfiles", [])
    ]
    return [(_default(str(pool["vmSize"])), int(pool["count"])) for pool in pools]


def _default(value: str) -> str:
    """A text, or the default of the parameter that stands in its place."""
    named = _PARAMETER.fullmatch(value)
    return str(main()["parameters"][named[1]]["defaultValue"]) if named else value


def _count(template: Json, times: int, counts: Counter[str]) -> None:
    for resource in template["resources"]:
        number = times * _copies(resource, template.get("variables", {}))
        if resource["type"] == _NESTED:
            _count(resource["properties"]["template"], number, counts)
        else:
            counts[resource["type"]] += number


def _copies(resource: Json, variables: Json) -> int:
    count = resource.get("copy", {}).get("count", 1)
    if isinstance(count, int):
        return count
    found = _LENGTH.fullmatch(count)
    if not found:
        raise ValueError(f"cannot count the loop {count}")
    listed = variables[found[1]]
    if isinstance(listed, list):
        return len(listed)
    numbers = _RANGE.fullmatch(listed)
    if not numbers:
        raise ValueError(f"cannot count the loop over {listed}")
    return int(numbers[2])
