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


def test_chosen_is_what_this_version_installs_when_nothing_is_said() -> None:
    assert [one.name for one in scenarios.chosen(None)] == list(scenarios.NAMES)


def test_named_refuses_an_unknown_name() -> None:
    with pytest.raises(UsageError, match="the five are app1, app2, app3, app4, app5"):
        scenarios.named("app6")


def test_table_has_a_row_per_app() -> None:
    table = scenarios.table()
    assert list(table.index) == list(scenarios.NAMES)
    assert list(table["works at first"]) == ["yes", "no", "no", "yes", "yes"]
