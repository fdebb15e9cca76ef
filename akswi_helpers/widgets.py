"""The scenario picker: a button for each app, one for all, and what each choice means.

    scenario_picker()      shows in JupyterLab as buttons; elsewhere as a list

A choice is kept for the next notebook through `parameters.keep`, until the last button takes it
back; a parameter that papermill passes wins over it. Thin on purpose: what a scenario is,
`scenarios` knows. Left out: any other widget.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

from akswi_helpers import parameters
from akswi_helpers.scenarios import NAMES, SCENARIOS, Scenario, named

ALL = "all five"


class Picker:
    """A button for each app and one for all; `chosen` is the name under the finger."""

    def __init__(self, start: str, on_choice: Callable[[tuple[Scenario, ...]], None]) -> None:
        import ipywidgets

        self._on_choice = on_choice
        self.buttons = ipywidgets.ToggleButtons(
            options=[*NAMES, ALL], value=start, description="walk"
        )
        self._line = ipywidgets.HTML(_lines(self.scenarios))
        self._box = ipywidgets.VBox([self.buttons, self._line])
        self.buttons.observe(self._changed, names="value")

    @property
    def chosen(self) -> str:
        """What the button says: "app1", or `ALL`."""
        return str(self.buttons.value)

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The chosen scenario, or all of them."""
        return SCENARIOS if self.chosen == ALL else (named(self.chosen),)

    def _changed(self, _: object) -> None:
        self._line.value = _lines(self.scenarios)
        self._on_choice(self.scenarios)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The buttons where widgets run, and words where they do not."""
        shown = self._box._repr_mimebundle_()
        view = {key: value for key, value in shown.items() if key.endswith("widget-view+json")}
        plain = f"picker: {self.chosen}"
        return {**view, "text/html": _lines(SCENARIOS), "text/plain": plain}


def scenario_picker(start: str = "") -> Picker:
    """The scenarios as buttons, the one that is kept pressed; a click is kept for next time."""
    return Picker(start or _kept(), remember)


def remember(chosen: Sequence[Scenario]) -> None:
    """Keep a choice for the next notebook."""
    parameters.keep(scenarios=",".join(scenario.name for scenario in chosen))


def _kept() -> str:
    """The one app that is chosen where a person sits; else `ALL`."""
    chosen = parameters.settle().scenarios
    return chosen[0].name if len(chosen) == 1 else ALL


def _lines(chosen: Sequence[Scenario]) -> str:
    return "<br>".join(_line(scenario) for scenario in chosen)


def _line(scenario: Scenario) -> str:
    """What a scenario is, in one line of HTML."""
    words = f"{scenario.identity}; the secret arrives by {scenario.arrives_by}"
    return f"<b>{scenario.name}</b>: {html.escape(words)}"
