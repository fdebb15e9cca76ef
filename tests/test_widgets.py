"""The picker: buttons where widgets run, words where they do not, and what a click keeps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from akswi_helpers import parameters, widgets
from akswi_helpers.scenarios import NAMES, SCENARIOS, Scenario

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, and a person who sits at a notebook."""
    monkeypatch.setenv("AKSWI_HOME", str(tmp_path))
    monkeypatch.setenv("JPY_SESSION_NAME", "00-start-here.ipynb")
    monkeypatch.delenv("AKSWI_HEADLESS", raising=False)
    return tmp_path


def walked() -> list[str]:
    """The apps that the next notebook takes."""
    return [scenario.name for scenario in parameters.settle().scenarios]


def test_picker_shows_a_widget_and_the_same_in_words() -> None:
    bundle = widgets.scenario_picker()._repr_mimebundle_()
    assert set(bundle) == {VIEW, "text/html", "text/plain"}
    assert all(scenario.name in bundle["text/html"] for scenario in SCENARIOS)


def test_picker_has_a_button_for_each_app_and_one_for_all() -> None:
    picker = widgets.scenario_picker()
    assert picker.buttons.options == ("app1", "app2", "app3", "app4", "app5", "all five")
    assert picker.chosen == widgets.ALL


def test_click_calls_back_with_the_scenario() -> None:
    clicked: list[Sequence[Scenario]] = []
    picker = widgets.Picker(widgets.ALL, clicked.append)
    picker.buttons.value = "app4"
    assert [[one.name for one in chosen] for chosen in clicked] == [["app4"]]
    assert picker.chosen == "app4"


@pytest.mark.parametrize("name", NAMES)
def test_click_is_kept_for_the_next_notebook(home: Path, name: str) -> None:
    widgets.scenario_picker().buttons.value = name
    assert walked() == [name]
    assert json.loads((home / "choice.json").read_text())["scenarios"] == name
    assert widgets.scenario_picker().chosen == name


def test_last_button_takes_a_choice_back() -> None:
    widgets.scenario_picker().buttons.value = "app3"
    widgets.scenario_picker().buttons.value = widgets.ALL
    assert walked() == list(NAMES)


def test_choice_is_not_for_a_run_without_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    widgets.scenario_picker().buttons.value = "app3"
    monkeypatch.setenv("AKSWI_HEADLESS", "1")
    assert walked() == list(NAMES)


def test_parameter_wins_over_a_choice() -> None:
    widgets.scenario_picker().buttons.value = "app3"
    assert [one.name for one in parameters.settle(scenarios="app5").scenarios] == ["app5"]
