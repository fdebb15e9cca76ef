"""How many cores there are in a region, how many are used, and whether more machines fit.

    usages(world, location)             what Microsoft.Compute lists
    shortage(world, location, more)     which of these machines there is no room for

The limits are the sandbox's own: on Azure each subscription has others. Source:
https://learn.microsoft.com/rest/api/compute/usage/list. Left out: sizes that a region or a
subscription does not offer; spot machines.
"""

from __future__ import annotations

from collections import Counter

from akswi_helpers.sandbox.azure.arm.resources import Resources
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json
from akswi_helpers.vm_sizes import Size, size_of

SCALE_SETS = "Microsoft.Compute/virtualMachineScaleSets"
LIMIT = 1000  # cores, in each region and of each family


def usages(world: World, location: str) -> list[Json]:
    """The cores used and allowed in a region: of all, then of each family known here."""
    used, plain = _used(world, location)
    rows = [_row("cores", "Total Regional vCPUs", sum(used.values()))]
    return rows + [_row(family, plain[family], used[family]) for family in sorted(plain)]


def shortage(world: World, location: str, more: Counter[str]) -> tuple[Size, int, int] | None:
    """The first size of which too many are asked for: with the cores asked for, and those left.

    `more` counts machines by the name of their size. None when there is room for all.
    """
    used, _ = _used(world, location)
    for name, count in more.items():
        size = size_of(name)
        if size is None or count <= 0:
            continue
        left = LIMIT - max(sum(used.values()), used[size.family])
        if size.cores * count > left:
            return size, size.cores * count, left
        used[size.family] += size.cores * count
    return None


def _used(world: World, location: str) -> tuple[Counter[str], dict[str, str]]:
    """Cores by family, and what each family is called; the common families even when unused."""
    used: Counter[str] = Counter()
    plain = {one.family: one.plain for name in _COMMON if (one := size_of(name))}
    for row in world.state(Resources).of_type(
        SCALE_SETS, f"/subscriptions/{world.subscription_id}"
    ):
        size = size_of(row["sku"]["name"])
        if size and row["location"] == location:
            used[size.family] += size.cores * row["sku"]["capacity"]
            plain[size.family] = size.plain
    return used, plain


_COMMON = ("Standard_B2s", "Standard_D2s_v3", "Standard_D2s_v5", "Standard_D2as_v5")


def _row(name: str, plain: str, used: int) -> Json:
    called = {"value": name, "localizedValue": plain}
    return {"limit": LIMIT, "unit": "Count", "currentValue": used, "name": called}
