"""The parameters cell: the same on every page, and papermill finds it."""

from __future__ import annotations

import papermill
import pytest

from tests.notebooks.pages import PAGES, Page, lines

every_page = pytest.mark.parametrize("page", PAGES, ids=str)

DEFAULTS = {
    "target": "None",
    "resource_group": "None",
    "location": "None",
    "scenarios": "None",
    "catch_up": "False",
    "accept_cost": "False",
}


@every_page
def test_papermill_finds_the_six_parameters(page: Page) -> None:
    found = papermill.inspect_notebook(str(page.path))
    assert {name: about["default"] for name, about in found.items()} == DEFAULTS


@every_page
def test_parameters_are_the_first_code_and_six_lines(page: Page) -> None:
    first, *others = page.code
    assert first["metadata"]["tags"] == ["parameters"]
    assert lines(first) == 6
    assert not [cell for cell in others if "tags" in cell["metadata"]]


@every_page
def test_lab_is_opened_at_the_pages_stage_with_every_parameter(page: Page) -> None:
    opening = [cell["source"] for cell in page.code if "open_lab(" in cell["source"]]
    given = f'open_lab("{page.number}", {", ".join(DEFAULTS)})'
    assert len(opening) == 1
    assert given in opening[0]


def test_parameters_are_the_same_on_every_page() -> None:
    assert len({page.code[0]["source"] for page in PAGES}) == 1
