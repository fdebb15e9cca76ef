"""Which notebooks a walk runs, and with which parameters."""

from typing import Any

import pytest

from akswi_helpers import parameters, runner
from akswi_helpers.errors import UsageError


def _numbers(**options: Any) -> list[str]:
    walk = runner.Walk(parameters.settle("sandbox"), **options)
    return [path.name[:2] for path in walk.notebooks()]


def test_walk_is_every_notebook_but_the_last_when_nothing_is_said() -> None:
    assert _numbers() == ["00", "01", "02", "03", "04", "05", "06", "07"]


def test_walk_begins_and_ends_where_it_is_told() -> None:
    assert _numbers(first="03") == ["03", "04", "05", "06", "07"]
    assert _numbers(last="03") == ["00", "01", "02", "03"]
    assert _numbers(first="99") == ["99"]


def test_walk_runs_only_what_is_named() -> None:
    assert _numbers(only=("07", "01-deploy-the-infrastructure")) == ["01", "07"]


@pytest.mark.parametrize("option", [{"only": ("8",)}, {"first": "1"}, {"last": "../07"}])
def test_walk_refuses_an_unknown_notebook(option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="there are 00, 01, 02, 03, 04, 05, 06, 07, 99"):
        _numbers(**option)


def test_walk_refuses_an_end_before_its_beginning() -> None:
    with pytest.raises(UsageError, match="--from comes before --to"):
        _numbers(first="07", last="01")


def test_every_parameter_is_passed() -> None:
    walk = runner.Walk(parameters.settle("sandbox", "mine", None, "app1"), accept_cost=True)
    assert walk.injected() == {
        "target": "sandbox",
        "resource_group": "mine",
        "location": None,
        "scenarios": ["app1"],
        "catch_up": False,
        "accept_cost": True,
    }
