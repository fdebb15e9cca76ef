"""One HTML file that needs no other, judged by an HTML parser that nbconvert does not use."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from akswi_helpers import handout, places
from akswi_helpers.errors import LabError
from akswi_helpers.types import Json
from tests.notebooks.pages import PAGES

SHIPPED = places.shipped("notebooks")
VIEW = "application/vnd.jupyter.widget-view+json"


class Read(HTMLParser):
    """What a file holds: its tags in order with their attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str, name: str) -> list[str]:
        """The attribute `name` of every `tag` that has it."""
        return [attrs[name] for found, attrs in self.tags if found == tag and name in attrs]


def _made(folder: Path, out: Path, *, blank: bool = False) -> Read:
    handout.make(folder, out / "handout.html", blank=blank)
    return Read((out / "handout.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Read:
    return _made(SHIPPED, tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Read:
    return _made(SHIPPED, tmp_path_factory.mktemp("blank"), blank=True)


def test_handout_fetches_nothing(page: Read) -> None:
    fetched = {
        value
        for tag, attrs in page.tags
        for name, value in attrs.items()
        if name in ("src", "srcset", "data", "poster") or (name == "href" and tag != "a")
    }
    assert fetched
    assert {value.partition(";")[0] for value in fetched} == {"data:image/svg+xml"}


def test_handout_forbids_the_browser_to_fetch_or_run(page: Read) -> None:
    policy = [attrs["content"] for _, attrs in page.tags if "http-equiv" in attrs]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert not {"script", "iframe", "object", "link"} & {tag for tag, _ in page.tags}


def test_style_refers_to_nothing_outside() -> None:
    assert "url(" not in handout._style()
    assert "@import" not in handout._style()


def test_links_lead_to_one_place_in_the_file_or_to_documentation(page: Read) -> None:
    anchors = Counter(attrs["id"] for _, attrs in page.tags if "id" in attrs)
    inside = {goal[1:] for goal in page.all("a", "href") if goal.startswith("#")}
    assert {anchors[name] for name in inside} == {1}
    assert all(goal.startswith(("#", "https://")) for goal in page.all("a", "href"))


def test_every_picture_keeps_its_words(page: Read) -> None:
    words = page.all("img", "alt")
    assert len(words) == sum(len(one.images) for one in PAGES)
    assert all(len(alt) > 20 for alt in words)


def test_contents_name_every_notebook_in_order(page: Read) -> None:
    names = [one.path.stem for one in PAGES]
    assert page.all("article", "id") == names
    assert [goal for goal in page.all("a", "href") if goal[1:] in names][:1] == [f"#{names[0]}"]
    assert {f"#{name}" for name in names} <= set(page.all("a", "href"))


def test_blank_leaves_outputs_out_and_gives_room(page: Read, blank: Read) -> None:
    shown = sum(1 for one in PAGES for cell in one.code if cell["outputs"])
    assert page.all("div", "class").count("output") == shown
    assert blank.all("div", "class").count("room") == shown
    assert "output" not in blank.all("div", "class")
    assert "ResourceGroupNotFound (404)" in page.words
    assert "ResourceGroupNotFound (404)" not in blank.words


def _notebook(folder: Path, *outputs: Json, source: str = "# 5 · A trial?") -> Path:
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": source},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {},
            "execution_count": 1,
            "source": "shown",
            "outputs": list(outputs),
        },
    ]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    (folder / "05-trial.ipynb").write_text(text)
    return folder


def _shown(**data: str) -> Json:
    bundle = {name.replace("_", "/"): text for name, text in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": bundle}


def test_widget_becomes_the_words_it_stands_for(tmp_path: Path) -> None:
    view = _shown(text_plain="picker: app1", text_html="<b>app1</b>: an identity")
    view["data"][VIEW] = {"model_id": "f00d", "version_major": 2}
    made = _made(_notebook(tmp_path, view), tmp_path)
    assert "app1: an identity" in made.words
    assert "f00d" not in (tmp_path / "handout.html").read_text()


HOSTILE = """<script src="https://x.example/a.js"></script><img src="https://x.example/b.png"
alt="a dot"><p style="background:url(https://x.example/c)" onclick="d()">kept</p>
<style>@import "https://x.example/e";</style><iframe src="https://x.example/f"></iframe>
<video poster="https://x.example/g"></video><a href="javascript:h()">words</a>"""


def test_output_that_fetches_or_runs_is_made_passive(tmp_path: Path) -> None:
    made = _made(_notebook(tmp_path, _shown(text_html=HOSTILE)), tmp_path)
    text = (tmp_path / "handout.html").read_text()
    assert "x.example" not in text
    assert not re.search(r"javascript:|onclick", text)
    assert all(word in made.words for word in ("a dot", "kept", "words"))


def test_picture_beside_the_notebook_is_taken_in(tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(b"\x89PNG dot")
    _notebook(tmp_path, source="# 5 · A trial?\n\n![a dot](dot.png)")
    [source] = _made(tmp_path, tmp_path).all("img", "src")
    assert base64.b64decode(source.rpartition(",")[2]) == b"\x89PNG dot"


def test_failure_is_shown_as_the_learner_saw_it(tmp_path: Path) -> None:
    failed: Json = {
        "output_type": "error",
        "ename": "NotThereYet",
        "evalue": "",
        "traceback": ["\x1b[31mRun 01 <first>.\x1b[0m"],
    }
    assert "Run 01 <first>." in _made(_notebook(tmp_path, failed), tmp_path).words


def test_anchors_are_made_for_the_whole_file(tmp_path: Path) -> None:
    source = "# 5 · A trial?\n\n[go](#there) <b id='there'>x</b>\n\n## Twice\n\n## Twice"
    made = _made(_notebook(tmp_path, source=source), tmp_path)
    ids = {attrs["id"] for _, attrs in made.tags if "id" in attrs}
    assert {"05-trial--there", "05-trial--Twice", "05-trial--Twice-2"} <= ids
    assert "#05-trial--there" in made.all("a", "href")
    assert {"#05-trial--Twice", "#05-trial--Twice-2"} <= set(made.all("a", "href"))


def test_make_refuses_a_folder_without_notebooks(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="There is no notebook in"):
        handout.make(tmp_path, tmp_path / "handout.html")
    (tmp_path / "03-x.ipynb").write_text("{")
    with pytest.raises(LabError, match=r"03-x\.ipynb cannot be read as a notebook"):
        handout.make(tmp_path, tmp_path / "handout.html")


def test_command_writes_a_private_file_and_says_where(tmp_path: Path) -> None:
    akswi = str(Path(sys.executable).parent / "akswi")
    command = [akswi, "handout", "--blank", "--from", str(_notebook(tmp_path)), "--out", "h.html"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50)
    assert done.stdout.startswith(f"h.html: 1 notebook from {tmp_path}")
    assert (tmp_path / "h.html").stat().st_mode & 0o777 == 0o600
