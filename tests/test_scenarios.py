"""The five scenarios: names that follow from the number, and the comparison."""

import pytest

from akswi_helpers import scenarios, template
from akswi_helpers.errors import UsageError


def test_names_follow_the_template_s_outputs_and_subjects() -> None:
    outputs = template.main()["outputs"]
    for scenario in scenarios.SCENARIOS:
        assert scenario.vault_output in outputs
        assert not scenario.client_id_output or scenario.client_id_output in outputs


def test_full_name_is_what_the_federated_credential_names() -> None:
    assert scenarios.named("app1").full_name == "app1-workloadidapp1"
    assert scenarios.named("app5").full_name == "app5-workloadidapp5"


def test_chosen_is_all_five_when_nothing_is_said() -> None:
    assert [one.name for one in scenarios.chosen(None)] == list(scenarios.NAMES)


@pytest.mark.parametrize(
    "value", ["app3,app2", "app2 app3", ["app3", "app2", "app2"], ["app2,app3"]]
)
def test_chosen_is_what_was_named_in_the_usual_order(value: str | list[str]) -> None:
    assert [one.name for one in scenarios.chosen(value)] == ["app2", "app3"]


@pytest.mark.parametrize("value", ["", " , ", []])
def test_chosen_refuses_a_choice_of_nothing(value: str | list[str]) -> None:
    with pytest.raises(UsageError, match="No scenario was named"):
        scenarios.chosen(value)


@pytest.mark.parametrize("scenario", scenarios.SCENARIOS, ids=lambda one: one.name)
def test_chart_of_every_scenario_is_shipped(scenario: scenarios.Scenario) -> None:
    assert (scenario.chart / "Chart.yaml").is_file()


def test_named_refuses_an_unknown_name() -> None:
    with pytest.raises(UsageError, match="the five are app1, app2, app3, app4, app5"):
        scenarios.named("app6")


def test_table_has_a_row_per_app() -> None:
    table = scenarios.table()
    assert list(table.index) == list(scenarios.NAMES)
    assert list(table["works at first"]) == ["yes", "no", "no", "yes", "yes"]
