"""What the lab refuses: a group that is not its own, a notebook that comes too early."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers import clean_up, infrastructure, ownership
from akswi_helpers.errors import LabError, NotThereYet, UsageError
from akswi_helpers.lab import Lab, open_lab
from tests.chain.standing import Standing


@pytest.fixture
def foreign(lab: Lab) -> Iterator[str]:
    """A resource group that somebody else made."""
    groups = lab.cloud.resources().resource_groups
    groups.create_or_update("theirs", {"location": "westeurope"})
    yield "theirs"
    groups.begin_delete("theirs", polling_interval=lab.cloud.poll_s).result()


@pytest.mark.parametrize("stage", ["00", "01", "99"])
def test_open_refuses_a_group_of_somebody_else(foreign: str, stage: str) -> None:
    with pytest.raises(LabError, match="'theirs' was made by someone else; pick another name"):
        open_lab(stage, resource_group=foreign, catch_up=True)


def test_clean_up_refuses_a_thing_of_somebody_else_before_anything_goes(lab: Lab) -> None:
    identities = lab.cloud.identities().user_assigned_identities
    identities.create_or_update("akswi", "id-theirs", {"location": "westeurope"})
    try:
        with pytest.raises(LabError, match="'id-theirs' in this group was made by someone else"):
            clean_up.run(lab)
        assert infrastructure.state(lab) == "Succeeded"
    finally:
        identities.delete("akswi", "id-theirs")


def test_open_names_the_notebook_that_comes_first(lab: Lab) -> None:
    with pytest.raises(
        NotThereYet, match="run 01-deploy-the-infrastructure first, or set catch_up = True"
    ):
        open_lab("03", resource_group="empty")


def test_open_refuses_an_unknown_stage(standing: Standing) -> None:
    with pytest.raises(UsageError, match="There is no notebook '08'"):
        open_lab("08")


@pytest.mark.timeout(60)
def test_notebook_alone_says_what_comes_first_and_makes_nothing(
    standing: Standing, lab: Lab, tmp_path: Path
) -> None:
    arguments = ("run", "--only", "03", "--resource-group", "empty", "--out", str(tmp_path / "o"))
    done = standing.akswi(*arguments, check=False)
    assert done.returncode == 1
    assert "run 01-deploy-the-infrastructure first, or set catch_up = True" in done.stderr
    assert "Traceback" not in done.stderr
    assert not lab.cloud.resources().resource_groups.check_existence("empty")


@pytest.mark.timeout(120)
def test_catch_up_brings_a_lab_there_and_clean_up_leaves_nothing(
    standing: Standing, lab: Lab, tmp_path: Path
) -> None:
    named = ("--resource-group", "late", "--scenario", "app1", "--out", str(tmp_path / "o"))
    standing.akswi("run", "--only", "03", "--catch-up", *named)
    late = open_lab("07", resource_group="late", scenarios="app1")
    assert set(clean_up.left_behind(late)["still there"]) != {"no"}
    # As far as a clean-up comes that is killed: the group is gone, its vaults are only deleted.
    late.cloud.resources().resource_groups.begin_delete("late").result()
    assert set(clean_up.left_behind(late)["still there"]) != {"no"}
    assert list(clean_up.run(late)["result"]) == ["was not there", *["purged"] * 5, "removed"]
    assert set(clean_up.left_behind(late)["still there"]) == {"no"}
    assert set(clean_up.run(late)["result"]) <= {"was not there", "were not there"}


def test_clean_up_leaves_other_labs_alone(lab: Lab) -> None:
    other = open_lab("00", resource_group="nothing-here")
    clean_up.run(other)
    assert ownership.is_ours(lab.cloud.resources().resource_groups.get("akswi").tags, "akswi")
    assert infrastructure.state(lab) == "Succeeded"
