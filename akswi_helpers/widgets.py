"""The scenario picker: five buttons, and what each choice means.

    scenario_picker()      shows in JupyterLab as buttons; elsewhere as a table

A choice is kept for the next notebook through `parameters.keep`; a parameter that papermill passes
wins over it. Thin on purpose: what a scenario is, `scenarios` knows. Left out: any other widget.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from akswi_helpers import parameters
from akswi_helpers.scenarios import SCENARIOS, Scenario


class Picker:
    """Five buttons and a line about the chosen one; `chosen` is the name under the finger."""

    def __init__(self, start: str, on_choice: Callable[[Scenario], None]) -> None:
        import ipywidgets

        self._on_choice = on_choice
        self.buttons = ipywidgets.ToggleButtons(
            options=[scenario.name for scenario in SCENARIOS], value=start, description="show"
        )
        self._line = ipywidgets.HTML(_line(self.scenario))
        self._box = ipywidgets.VBox([self.buttons, self._line])
        self.buttons.observe(self._changed, names="value")

    @property
    def chosen(self) -> str:
        """The scenario's name: "app1"."""
        return str(self.buttons.value)

    @property
    def scenario(self) -> Scenario:
        """The scenario itself."""
        return next(scenario for scenario in SCENARIOS if scenario.name == self.chosen)

    def _changed(self, _: object) -> None:
        self._line.value = _line(self.scenario)
        self._on_choice(self.scenario)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The buttons where widgets run, and words where they do not."""
        shown = self._box._repr_mimebundle_()
        view = {key: value for key, value in shown.items() if key.endswith("widget-view+json")}
        lines = [_line(scenario) for scenario in SCENARIOS]
        return {**view, "text/html": "<br>".join(lines), "text/plain": f"picker: {self.chosen}"}


def scenario_picker(start: str = "app1") -> Picker:
    """The five scenarios as buttons; a click is remembered for the next notebook."""
    return Picker(start, remember)


def remember(scenario: Scenario) -> None:
    """Keep a choice for the next notebook."""
    parameters.keep(scenarios=scenario.name)


def _line(scenario: Scenario) -> str:
    """What a scenario is, in one line of HTML."""
    words = f"{scenario.identity}; the secret arrives by {scenario.arrives_by}"
    return f"<b>{scenario.name}</b>: {html.escape(words)}"
