"""What a lab costs on Azure, whether its maker agreed to that, and what of it is still running.

    estimate(lab)       what main.json would make, with its price per day
    agree(lab)          refuse to write on Azure unless accept_cost is True
    still_running(lab)  what Azure lists of the lab now, with its price per day

The prices are those of `prices.json`: dated list prices, carried in the package, never fetched.
Every line is rounded up to a cent. On the sandbox nothing costs anything, and nobody is asked.
Source: the pages named there. Left out: tax, discounts, traffic, currencies other than dollars.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from akswi_helpers import explain, inventory, places, template
from akswi_helpers.errors import LabError
from akswi_helpers.types import Json

if TYPE_CHECKING:
    import pandas as pd

    from akswi_helpers.lab import Lab

CENT = Decimal("0.01")
HOURS = {"hour": Decimal(24), "month": Decimal(12) / 365}  # of a unit in a day
ELSEWHERE = "elsewhere"
# A CSI app is read again every two minutes and app 1 every 30 seconds, each in two requests.
READS_A_DAY = Decimal(2 * 2 * 60 * 24)
FREE = "Nothing here costs anything: this lab runs in the sandbox, on your own machine."
HOW_TO_AGREE = (
    "set accept_cost = True in the parameters cell, or run 'akswi run --yes', to agree to it"
)


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one thing; `per_day` is in dollars, None where the table has no price."""

    what: str
    number: int
    per_day: Decimal | None


@dataclass(frozen=True, slots=True)
class Bill:
    """What something costs per day, line by line; shown as a table with its total."""

    title: str
    lines: tuple[Line, ...]
    end: str = field(default="")

    @property
    def per_day(self) -> Decimal:
        """Dollars, of the lines that have a price."""
        return sum((line.per_day for line in self.lines if line.per_day is not None), Decimal(0))

    @property
    def total(self) -> str:
        """As a sentence has it: "about $8.27 a day"; "at least" where a price is missing."""
        known = all(line.per_day is not None for line in self.lines)
        return f"{'about' if known else 'at least'} ${self.per_day:.2f} a day"

    def table(self) -> pd.DataFrame:
        """A row per thing."""
        import pandas as pd

        rows = [
            {"what": line.what, "how many": line.number, "dollars a day": _shown(line.per_day)}
            for line in self.lines
        ]
        return pd.DataFrame(rows, columns=["what", "how many", "dollars a day"])

    def __repr__(self) -> str:
        middle = [self.table().to_string(index=False)] if self.lines else []
        return "\n".join([self.title, *middle, *([self.end] if self.end else [])])

    def _repr_html_(self) -> str:
        table = self.table().to_html(index=False, border=0) if self.lines else ""
        around = [f"<p>{html.escape(text)}</p>" if text else "" for text in (self.title, self.end)]
        return table.join(around)


def estimate(lab: Lab) -> Bill:
    """What a lab of all that main.json declares costs on Azure; nothing is asked of anybody."""
    pools, kinds = template.node_pools(), template.declared()
    counts = Counter({"control plane": kinds[inventory.CLUSTER], "vault": kinds[inventory.VAULT]})
    counts["identity"] = kinds[inventory.IDENTITY]
    lines = _lines(counts + _of_pools(pools), lab.location)
    title = f"A day of what main.json makes, on Azure in {lab.location}, at {_dated()}:"
    end = f"Together {Bill(title, lines).total}."
    return Bill(title, lines, f"{end} {FREE}" if lab.cloud.is_sandbox else end)


def rows(lab: Lab) -> dict[str, str]:
    """What a learner on Azure should know of the money before anything is made."""
    agreed = "you agreed" if lab.accept_cost else "nothing is made until accept_cost is True"
    return {"costs": f"{estimate(lab).total}, at {_dated()}; {agreed}"}


def agree(lab: Lab) -> None:
    """Let a write on Azure pass only when its cost was accepted. Sends nothing itself.

    Raises LabError, in one sentence with who would pay how much for what.
    """
    if lab.cloud.is_sandbox or lab.accept_cost:
        return
    raise LabError(
        f"This costs money on Azure, and nothing was made: {lab.cloud.who.name} "
        f"(object id {lab.cloud.who.object_id}) would pay {estimate(lab).total}, at {_dated()}, "
        f"for the group '{lab.resource_group}' in {lab.location}, subscription "
        f"{lab.cloud.subscription_name} ({lab.cloud.subscription_id}), tenant "
        f"{lab.cloud.tenant_id}; {HOW_TO_AGREE}."
    )


@explain.told
def still_running(lab: Lab) -> Bill:
    """What Azure lists of the lab now, with its price per day; on the sandbox, one sentence."""
    from akswi_helpers.lab import find_group

    if lab.cloud.is_sandbox:
        return Bill(FREE, ())
    group = find_group(lab.cloud, lab.resource_group)
    if group is None:
        return Bill(f"Nothing of '{lab.resource_group}' is running: Azure lists no such group.", ())
    lines = _lines(_standing(lab), str(group.location))
    title = f"Still running in '{lab.resource_group}' ({group.location}), at {_dated()}:"
    end = f"Together {Bill(title, lines).total}, until 99-clean-up has run."
    if by := (group.tags or {}).get("delete-by"):
        end += f" It is meant to be gone by {by}; nothing deletes it by itself."
    return Bill(title, lines, end)


def price(key: str, location: str) -> Decimal | None:
    """Dollars per day for one of these in that region, or None when the table does not have it."""
    row: Json | None = prices()["prices"].get(key)
    if row is None:
        return None
    usd = Decimal(row["usd"].get(location, row["usd"][ELSEWHERE]))
    if key == "vault":
        return usd * READS_A_DAY / 10_000
    return usd * HOURS[row["unit"]]


@lru_cache(maxsize=1)
def prices() -> Json:
    """The table; shared, so not to be changed."""
    found: Json = json.loads((places.PACKAGE / "prices.json").read_text(encoding="utf-8"))
    return found


def _standing(lab: Lab) -> Counter[str]:
    """What there is of each thing that has a price."""
    top = Counter(str(row.type).lower() for row in inventory.in_group(lab))
    kinds = {
        "control plane": inventory.CLUSTER,
        "vault": inventory.VAULT,
        "identity": inventory.IDENTITY,
    }
    counts = Counter({key: top[kind.lower()] for key, kind in kinds.items()})
    for cluster in lab.cloud.containers().managed_clusters.list_by_resource_group(
        lab.resource_group
    ):
        pools = cluster.agent_pool_profiles or []
        counts += _of_pools([(str(pool.vm_size), int(pool.count or 0)) for pool in pools])
    return counts


def _of_pools(pools: list[tuple[str, int]]) -> Counter[str]:
    """What node pools need: nodes by size, a disk each, and one way out for all of them."""
    counts: Counter[str] = Counter()
    for size, number in pools:
        counts += Counter({size: number, "disk": number})
    return counts + Counter({"load balancer": 1, "address": 1}) if counts else counts


def _lines(counts: Counter[str], location: str) -> tuple[Line, ...]:
    """In the order of the table; what the table does not have comes last."""
    known: Json = prices()["prices"]
    order = [*known, *sorted(set(counts) - set(known))]
    return tuple(
        Line(
            known.get(key, {}).get("what", f"node, {key}"),
            counts[key],
            _rounded(price(key, location), counts[key]),
        )
        for key in order
        if counts[key]
    )


def _rounded(one: Decimal | None, number: int) -> Decimal | None:
    return None if one is None else (one * number).quantize(CENT, ROUND_CEILING)


def _shown(per_day: Decimal | None) -> str:
    return "not in the table" if per_day is None else f"{per_day:.2f}"


def _dated() -> str:
    return f"list prices of {prices()['date']}"
