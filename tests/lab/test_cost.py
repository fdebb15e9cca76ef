"""What it costs, who agreed to it, and the tags that say so afterwards."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from akswi_helpers import (
    application,
    cost,
    entra_rows,
    infrastructure,
    inventory,
    ownership,
    parameters,
)
from akswi_helpers import template as templates
from akswi_helpers.errors import LabError
from akswi_helpers.lab import Lab, open_lab
from akswi_helpers.sandbox import control
from akswi_helpers.types import Json
from tests.chain.standing import Standing
from tests.clients.built import ROOT
from tests.lab.test_second_run import _writes as writes


def costly(stage: str, *, catch_up: bool = False) -> Lab:
    """A lab on Azure that was never made, and whose cost nobody accepted."""
    return open_lab(stage, target="azure", resource_group="costly", catch_up=catch_up)


def asked(standing: Standing) -> list[Json]:
    rows: list[Json] = control.ask(standing.home, "log", limit=50_000)["rows"]
    return rows


@pytest.fixture
def azure(terminal: dict[str, str]) -> Lab:
    """The standing lab through the azure target; its cost was not accepted."""
    return open_lab("07", target="azure", scenarios="app1")


def test_sandbox_costs_nothing_and_says_so_in_one_sentence(lab: Lab) -> None:
    assert repr(cost.still_running(lab)) == cost.FREE
    assert cost.still_running(lab)._repr_html_() == f"<p>{cost.FREE}</p>"
    assert cost.estimate(lab).end.endswith(cost.FREE)
    assert "costs" not in lab.rows()


def test_deploy_writes_nothing_on_azure_without_consent(
    terminal: dict[str, str], standing: Standing
) -> None:
    before = len(asked(standing))
    lab = costly("01")
    with pytest.raises(
        LabError, match=r"costs money on Azure, and nothing was made: .*accept_cost"
    ):
        infrastructure.deploy(lab)
    assert writes(asked(standing)[before:]) == []
    assert len(asked(standing)) > before


@pytest.mark.parametrize("stage", ["02", "03", "07"])
def test_catch_up_writes_nothing_on_azure_without_consent(
    terminal: dict[str, str], standing: Standing, stage: str
) -> None:
    before = len(asked(standing))
    with pytest.raises(LabError) as refused:
        costly(stage, catch_up=True)
    assert writes(asked(standing)[before:]) == []
    assert "\n" not in str(refused.value)
    assert "set accept_cost = True in the parameters cell" in str(refused.value)


def test_refusal_names_who_would_pay_how_much_for_what(azure: Lab) -> None:
    with pytest.raises(LabError) as refused:
        cost.agree(azure)
    told, cloud = str(refused.value), azure.cloud
    assert all(one in told for one in (cloud.who.object_id, cloud.who.app_id, cloud.tenant_id))
    assert f"akswi sandbox ({cloud.subscription_id})" in told
    assert cost.estimate(azure).total in told


def test_catch_up_of_what_stands_asks_for_no_consent(azure: Lab, standing: Standing) -> None:
    before = len(asked(standing))
    open_lab("02", target="azure", scenarios="app1", catch_up=True)
    assert writes(asked(standing)[before:]) == []


def test_lab_shows_who_pays_and_how_much_on_azure(azure: Lab) -> None:
    rows = azure.rows()
    assert azure.cloud.who.object_id in rows["you are"]
    assert rows["costs"].startswith(cost.estimate(azure).total)
    assert "until accept_cost is True" in rows["costs"]


def test_every_node_that_the_template_makes_has_a_price() -> None:
    assert len(templates.node_pools()) == 2
    assert all(size in cost.prices()["prices"] for size, _ in templates.node_pools())


def test_every_price_names_the_page_it_is_published_on() -> None:
    pages = [row["page"] for row in cost.prices()["prices"].values()]
    assert all(page.startswith("https://") for page in pages)
    assert len(cost.prices()["date"]) == len("2026-11-24")


def test_lines_are_rounded_up_to_a_cent() -> None:
    assert cost.price("vault", "westeurope") == Decimal("0.01728")
    assert [line.per_day for line in cost._lines(Counter(vault=5), "westeurope")] == [
        Decimal("0.09")
    ]


def test_region_that_the_table_does_not_name_is_no_cheaper(azure: Lab) -> None:
    named = cost.estimate(azure).per_day
    azure.location = "brazilsouth"
    assert cost.estimate(azure).per_day > named


def test_readme_says_what_a_day_costs(azure: Lab) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    nodes, disks, way_out, address, vaults = [
        line.per_day for line in cost.estimate(azure).lines if line.per_day
    ]
    assert f"{cost.estimate(azure).total} in westeurope" in text
    assert f"two nodes take {nodes}, their disks {disks}, their way out" in text
    assert f"way out {Decimal(way_out or 0) + Decimal(address or 0)}, five vaults {vaults}" in text


def test_still_running_is_what_azure_lists(azure: Lab) -> None:
    bill = cost.still_running(azure)
    assert bill.per_day == cost.estimate(azure).per_day
    assert [line.number for line in bill.lines] == [1, 2, 2, 1, 1, 5, 3]
    assert azure.tags[ownership.DELETE_BY] in bill.end


def test_still_running_says_when_there_is_nothing(terminal: dict[str, str]) -> None:
    bill = cost.still_running(costly("00"))
    assert repr(bill) == "Nothing of 'costly' is running: Azure lists no such group."


def test_size_without_a_price_is_named_and_not_called_free() -> None:
    counts = cost._of_pools([("Standard_NC6", 1)])
    bill = cost.Bill("", cost._lines(counts, "westeurope"))
    assert bill.total.startswith("at least $")
    assert list(bill.table()["dollars a day"])[-1] == "not in the table"


def test_everything_in_the_group_says_who_made_it_and_until_when(lab: Lab) -> None:
    found = [row.tags for row in inventory.in_group(lab)]
    assert len(found) == 9
    assert found == [lab.tags] * 9
    assert lab.tags == {
        ownership.TAG: "akswi",
        ownership.OWNER: lab.cloud.who.app_id,
        ownership.DELETE_BY: parameters.delete_by(),
    }


def test_second_run_keeps_the_tags_of_the_first(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKSWI_DELETE_BY", "2999-12-31")
    again = open_lab("01")
    assert infrastructure.deploy(again).changed is False
    assert again.tags == lab.tags


def test_application_says_who_made_it_and_until_when(lab: Lab) -> None:
    application.create(lab)
    try:
        (found,) = entra_rows.applications(lab)
        assert set(found.tags) == {
            application.tag(lab),
            f"owner={lab.cloud.who.app_id}",
            f"delete-by={lab.tags['delete-by']}",
        }
    finally:
        application.remove(lab)
