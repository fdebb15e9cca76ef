"""The bench's own arithmetic: medians, ratios, verdicts."""

import pytest

from tests.bench.__main__ import main
from tests.bench.rows import Absent, Row, Spread, in_turn, ratio, table


def test_ratio_is_taken_pair_by_pair_and_told_as_its_median() -> None:
    found = ratio([2.0, 6.0, 30.0], [1.0, 2.0, 3.0])
    assert (found.median, found.low, found.high) == (3.0, 2.0, 10.0)


@pytest.mark.parametrize(
    ("value", "at_least", "verdict"),
    [(1.9, False, "met"), (2.1, False, "missed"), (1.9, True, "missed"), (2.1, True, "met")],
)
def test_row_is_met_on_the_right_side_of_its_goal(
    value: float, at_least: bool, verdict: str
) -> None:
    row = Row("a figure", Spread.of([value]), 2.0, at_least=at_least)
    assert row.cells()[4] == verdict
    assert row.met == (verdict == "met")


def test_row_without_a_goal_has_no_verdict() -> None:
    assert Row("a figure", Spread.of([3.0])).cells()[3:5] == ("", "")


def test_works_take_turns() -> None:
    order: list[str] = []
    taken = in_turn(2, lambda: order.append("a"), lambda: order.append("b"))
    assert order == ["a", "b", "a", "b"]
    assert [len(times) for times in taken] == [2, 2]


def test_table_says_why_a_figure_is_absent() -> None:
    text = table([Row("short", Spread.of([0.5]), 1.0), Absent("a longer one", "no az here")])
    assert text.splitlines()[2] == "a longer one" + text.splitlines()[2][12:]
    assert text.endswith("no az here")


def test_bench_refuses_a_figure_that_it_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["speed"]) == 2
    assert "There is no figure 'speed'" in capsys.readouterr().out
