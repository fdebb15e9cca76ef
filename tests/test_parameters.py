"""Parameters: who said so, in which order, and what cannot be meant."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from akswi_helpers import parameters
from akswi_helpers.errors import UsageError
from akswi_helpers.scenarios import NAMES


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A fresh home, and no variable that says anything."""
    monkeypatch.setenv("AKSWI_HOME", str(tmp_path))
    for name in ("TARGET", "RESOURCE_GROUP", "LOCATION", "HEADLESS"):
        monkeypatch.delenv(f"AKSWI_{name}", raising=False)
    for name in ("JPY_SESSION_NAME", "VSCODE_PID"):
        monkeypatch.delenv(name, raising=False)


def test_settle_takes_the_defaults_when_nobody_says_anything() -> None:
    found = parameters.settle()
    assert (found.target, found.resource_group, found.location) == ("sandbox", "akswi", None)
    assert [scenario.name for scenario in found.scenarios] == list(NAMES)


def test_settle_takes_the_variable_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKSWI_RESOURCE_GROUP", "lesson-3")
    monkeypatch.setenv("AKSWI_LOCATION", "North Europe")
    assert parameters.settle().resource_group == "lesson-3"
    assert parameters.settle().location == "northeurope"


def test_settle_takes_the_parameter_before_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKSWI_RESOURCE_GROUP", "lesson-3")
    assert parameters.settle(resource_group="mine").resource_group == "mine"


def test_settle_takes_the_kept_choice_only_where_a_person_sits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parameters.keep(resource_group="kept")
    assert parameters.settle().resource_group == "akswi"
    monkeypatch.setenv("JPY_SESSION_NAME", "01.ipynb")
    assert parameters.settle().resource_group == "kept"


def test_settle_forgets_the_kept_choice_when_headless(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters.keep(resource_group="kept")
    monkeypatch.setenv("JPY_SESSION_NAME", "01.ipynb")
    monkeypatch.setenv("AKSWI_HEADLESS", "1")
    assert parameters.settle().resource_group == "akswi"


def test_settle_keeps_nothing_of_what_it_was_given(tmp_path: Path) -> None:
    parameters.settle(resource_group="once")
    assert not (tmp_path / "choice.json").exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"target": "aws"}, "There is no target 'aws'; choose sandbox or azure."),
        ({"resource_group": "ends."}, "'ends.' cannot be a resource group"),
        ({"resource_group": "a/b"}, "'a/b' cannot be a resource group"),
        ({"resource_group": "../x"}, "'../x' cannot be a resource group"),
        ({"resource_group": "x" * 91}, "is too long: at most"),
        ({"location": "west-europe"}, "'west-europe' cannot be an Azure region"),
        ({"scenarios": "app9"}, "There is no scenario 'app9'"),
        ({"scenarios": ","}, "No scenario was named"),
    ],
)
def test_settle_refuses_in_one_sentence(wrong: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        parameters.settle(**wrong)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", ["app1", " app1 ", "app1,app1", ["app1"]])
def test_settle_reads_scenarios_as_papermill_passes_them(value: str | list[str]) -> None:
    assert [one.name for one in parameters.settle(scenarios=value).scenarios] == ["app1"]


def test_keep_writes_a_private_file(tmp_path: Path) -> None:
    parameters.keep(location="northeurope")
    assert (tmp_path / "choice.json").stat().st_mode & 0o777 == 0o600


def test_delete_by_is_the_day_after_tomorrow_when_nobody_says() -> None:
    assert parameters.delete_by({}) == (datetime.now(UTC).date() + timedelta(2)).isoformat()
    assert parameters.delete_by({"AKSWI_DELETE_BY": "2999-12-31"}) == "2999-12-31"


@pytest.mark.parametrize("wrong", ["soon", "2020-01-01", "31.12.2999"])
def test_delete_by_refuses_what_is_no_coming_day(wrong: str) -> None:
    with pytest.raises(UsageError, match=r"AKSWI_DELETE_BY is .*: it takes a coming day"):
        parameters.delete_by({"AKSWI_DELETE_BY": wrong})
