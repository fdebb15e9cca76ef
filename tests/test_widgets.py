"""The picker: buttons where widgets run, words where they do not, and what a click keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akswi_helpers import widgets
from akswi_helpers.scenarios import SCENARIOS, Scenario

VIEW = "application/vnd.jupyter.widget-view+json"


def test_picker_shows_a_widget_and_the_same_in_words() -> None:
    bundle = widgets.scenario_picker()._repr_mimebundle_()
    assert set(bundle) == {VIEW, "text/html", "text/plain"}
    assert all(scenario.name in bundle["text/html"] for scenario in SCENARIOS)


def test_click_calls_back_with_the_scenario() -> None:
    clicked: list[Scenario] = []
    picker = widgets.Picker("app1", clicked.append)
    picker.buttons.value = "app4"
    assert [scenario.name for scenario in clicked] == ["app4"]
    assert picker.chosen == "app4"


def test_click_is_kept_for_the_next_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKSWI_HOME", str(tmp_path))
    widgets.remember(SCENARIOS[0])
    assert json.loads((tmp_path / "choice.json").read_text())["scenarios"] == "app1"
