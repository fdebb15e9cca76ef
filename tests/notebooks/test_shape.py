"""The shape that every notebook keeps, so that a learner knows each one after the first."""

from __future__ import annotations

import re
import statistics
from itertools import pairwise

import pytest

from akswi_helpers import cost
from akswi_helpers.types import Json
from tests.notebooks.outputs import KERNEL, PICTURES, WIDGET
from tests.notebooks.pages import PAGES, Page, lines

every_page = pytest.mark.parametrize("page", PAGES, ids=str)

TAGS = {"a", "code", "details", "em", "img", "summary"}


def test_notebooks_are_the_stages() -> None:
    from akswi_helpers.stages import STAGES

    assert [str(page) for page in PAGES] == [stage.notebook for stage in STAGES]


@every_page
def test_title_is_one_numbered_question(page: Page) -> None:
    titles = [text for level, text in page.headings if level == 1]
    assert len(titles) == 1
    assert re.fullmatch(rf"{int(page.number)} · .+\?", titles[0])


@every_page
def test_headings_skip_no_level(page: Page) -> None:
    levels = [level for level, _ in page.headings]
    assert all(after <= before + 1 for before, after in pairwise(levels))


@every_page
def test_page_opens_with_picture_and_table(page: Page) -> None:
    assert page.prose[1] == PICTURES[page.number]().html()
    assert "| Minutes | Cost | Needs | Leaves behind |" in page.prose[2]


@every_page
def test_page_ends_with_words_questions_roads_and_what_is_left(page: Page) -> None:
    sections = [text for _, text in page.headings]
    assert {"Your turn", "Words", "Questions", "Roads not taken"} <= set(sections)
    assert "**Left behind:**" in page.prose[-1]


@every_page
def test_page_ends_with_what_is_still_running(page: Page) -> None:
    assert page.code[-1]["source"] == "cost.still_running(lab)"
    assert page.code[-1]["outputs"][0]["data"]["text/plain"] == [cost.FREE]


@every_page
def test_page_breaks_something_and_checks_answers(page: Page) -> None:
    source = "\n".join(cell["source"] for cell in page.code)
    assert re.search(r"explain\.attempt|explain\.of_reply|tokens\.exchange", source)
    assert source.count("answer = ...") >= 2


@every_page
def test_code_cells_are_small(page: Page) -> None:
    lengths = [lines(cell) for cell in page.code]
    assert statistics.median(lengths) <= 4
    assert max(lengths) <= 15


@every_page
def test_page_is_not_long(page: Page) -> None:
    assert len(page.cells) <= 60
    assert 800 <= page.words <= 2500
    assert page.longest_run_of_code <= 3


@every_page
def test_prose_before_code_leads_in(page: Page) -> None:
    pairs = [(a, b) for a, b in pairwise(page.cells) if b["cell_type"] == "code"]
    before = [a["source"] for a, _ in pairs if a["cell_type"] == "markdown"]
    led = [text for text in before if text.rstrip().endswith((":", "?"))]
    assert len(led) >= 0.8 * len(before)


@every_page
def test_every_image_has_words(page: Page) -> None:
    assert page.images
    assert all(re.search(r'alt="[^"]{20,}"', image) for image in page.images)


@every_page
def test_prose_uses_known_tags_only(page: Page) -> None:
    plain = re.sub(r"`[^`]*`", "", "\n".join(page.prose))
    assert set(re.findall(r"</?([a-z]+)[ >]", plain)) <= TAGS


@every_page
def test_relative_links_lead_somewhere(page: Page) -> None:
    targets = [page.path.parent / link for link in page.links]
    assert targets
    assert all(target.is_file() for target in targets)


@every_page
def test_kernel_has_the_name_that_every_machine_knows(page: Page) -> None:
    metadata = page.document["metadata"]
    assert metadata == {"kernelspec": KERNEL, "language_info": {"name": "python"}}


@every_page
def test_every_code_cell_was_run_in_order(page: Page) -> None:
    counts = [cell["execution_count"] for cell in page.code]
    assert counts == list(range(1, len(counts) + 1))


@every_page
def test_most_code_cells_show_something(page: Page) -> None:
    shown = [cell for cell in page.code if cell["outputs"]]
    assert len(shown) >= 0.7 * len(page.code)


@every_page
def test_no_output_is_an_error_or_needs_a_widget(page: Page) -> None:
    outputs = [output for cell in page.code for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if WIDGET in output.get("data", {})]


@every_page
def test_no_cell_escapes_the_proof(page: Page) -> None:
    text = page.path.read_text(encoding="utf-8")
    assert "NBVAL_" not in text
    assert not [tag for cell in page.cells for tag in _tags(cell) if tag != "parameters"]


@every_page
def test_cells_import_by_name_and_call_no_shell(page: Page) -> None:
    source = "\n".join(cell["source"] for cell in page.code)
    assert "import *" not in source
    assert not re.search(r"^\s*[!%]|sys\.path", source, re.MULTILINE)


def _tags(cell: Json) -> list[str]:
    return list(cell["metadata"].get("tags", []))
