"""`akswi handout`: the notebooks as one HTML file, to read, print or predict on.

    make(folder, out)               every notebook of `folder`, with what it showed
    make(folder, out, blank=True)   with room to write where an output stood

The file needs no other: pictures are inside, nothing is fetched (a policy in the file forbids it),
no script runs. Links go to a place in the file, or to documentation. Widgets are shown as the words
they stand for. Source: nbconvert's HTMLExporter, with the templates in `handout_pages`. Left out:
PDF, which a browser prints from it; formulas.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from akswi_helpers import places
from akswi_helpers.errors import LabError
from akswi_helpers.sandbox import private_files

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from nbconvert import HTMLExporter

TITLE = "How an app on AKS reads a secret from Key Vault without a password"
# Best first. What needs a script of its own (widgets, JavaScript, formulas) is not among them.
SHOWN = ("text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain")
TEMPLATES = places.PACKAGE / "handout_pages"
# What runs, fetches or restyles the page, wherever it comes from.
ACTIVE = ("script", "style", "link", "iframe", "object", "embed", "form", "base", "meta")
FETCHING = ("src", "srcset", "href", "poster", "data", "background", "action", "formaction")
# Every notebook has these; in the contents they would only be in the way.
STANDING = ("Your turn", "Words", "Questions", "Roads not taken", "Contents")
_NOTEBOOK = re.compile(r"(?:\./)?(\d\d-[a-z0-9-]+)\.ipynb(?:#(.+))?")


@dataclass(frozen=True)
class Section:
    """A heading in the table of contents; `name` is its anchor."""

    name: str
    title: str


@dataclass(frozen=True)
class Page:
    """One notebook in the handout; `body` is HTML that fetches nothing."""

    name: str
    title: str
    sections: tuple[Section, ...]
    body: str


def make(folder: Path, out: Path, *, blank: bool = False) -> int:
    """Write the handout of the notebooks in `folder` to `out`, mode 0600; how many there are.

    Raises LabError when there is none, or when one cannot be read.
    """
    found = notebooks_in(folder)
    if not found:
        raise LabError(f"There is no notebook in {folder}; `akswi run` leaves them in its --out.")
    names = {path.stem for path in found}
    pages = [_page(path, names, blank) for path in found]
    private_files.write(out, _around(pages, blank).encode())
    return len(pages)


def source() -> Path:
    """The folder of the last run; where none has been kept, the notebooks as they were shipped."""
    from akswi_helpers import runner

    last = runner.default_out()
    return last if notebooks_in(last) else places.shipped("notebooks")


def notebooks_in(folder: Path) -> list[Path]:
    """The numbered notebooks of a folder, in order."""
    return sorted(folder.glob("[0-9][0-9]-*.ipynb"))


def _page(path: Path, names: set[str], blank: bool) -> Page:
    from bs4 import BeautifulSoup

    resources = {"metadata": {"path": str(path.parent), "name": path.stem}, "blank": blank}
    body, _ = _exporter().from_notebook_node(_read(path), resources)
    soup = BeautifulSoup(body, "html.parser")
    for tag in soup.find_all(ACTIVE):
        tag.decompose()
    for picture in soup.find_all("img", src=lambda src: not str(src).startswith("data:image/")):
        picture.replace_with(str(picture.get("alt", "")))
    for tag in soup.find_all(True):
        _quiet(tag)
    for link in soup.find_all("a"):
        _lead(link, path.stem, names)
    sections = tuple(_sections(soup, path.stem))
    title = soup.find("h1")
    return Page(path.stem, title.get_text() if title else path.stem, sections, str(soup))


def _read(path: Path) -> Any:
    import nbformat

    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise LabError(f"{path} cannot be read as a notebook.") from error


@functools.cache
def _exporter() -> HTMLExporter:
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    return HTMLExporter(  # type: ignore[no-untyped-call]
        config=Config({"NbConvertBase": {"display_data_priority": list(SHOWN)}}),
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="akswi",
        embed_images=True,
        exclude_anchor_links=True,
    )


def _quiet(tag: Tag) -> None:
    """Take from a tag what would run or fetch; a link keeps its goal, a picture its bytes."""
    for name in list(tag.attrs):
        kept = (tag.name, name) in {("a", "href"), ("img", "src")}
        fetches = name in FETCHING and not kept
        if name.startswith("on") or fetches or (name == "style" and "url(" in str(tag[name])):
            del tag[name]


def _lead(link: Tag, page: str, names: set[str]) -> None:
    """Let a link lead to a place in this file or to documentation; else it becomes its words."""
    goal = str(link.get("href", ""))
    other = _NOTEBOOK.fullmatch(goal)
    if other and other[1] in names:
        link["href"] = f"#{_anchor(other[1], other[2])}"
    elif goal.startswith("#"):
        link["href"] = f"#{_anchor(page, goal[1:])}"
    elif not goal.startswith(("https://", "http://")):
        link.unwrap()


def _sections(soup: BeautifulSoup, page: str) -> Iterator[Section]:
    """Make every anchor one of the whole file; those of second-level headings are for the contents.

    Two that are alike on one page are told apart by their order; links lead to the first.
    """
    seen: Counter[str] = Counter()
    for tag in soup.find_all(_is_anchor):
        words = tag.get_text()
        anchor = _anchor(page, str(tag.get("id") or words))
        seen[anchor] += 1
        own = anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor]}"
        tag["id"] = own
        if tag.name == "h2" and words not in STANDING:
            yield Section(own, words)


def _is_anchor(tag: Tag) -> bool:
    return "id" in tag.attrs or re.fullmatch("h[1-6]", tag.name) is not None


def _anchor(page: str, heading: str | None) -> str:
    """The anchor of a heading in the whole file; of its page when there is no heading."""
    return f"{page}--{heading.replace(' ', '-')}" if heading else page


def _around(pages: Sequence[Page], blank: bool) -> str:
    """The whole document."""
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    opening = (
        "The outputs are left out. Write down what each cell will show, and then run it."
        if blank
        else "Every output below is what a run showed."
    )
    return environment.get_template("handout.html.j2").render(
        title=TITLE, opening=opening, pages=pages, style=Markup(_style())
    )


def _style() -> str:
    """The style sheet, and the colours of code for light and dark."""
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    light, dark = (
        HtmlFormatter(style=name, nobackground=True).get_style_defs(".highlight")
        for name in ("default", "github-dark")
    )
    own = (TEMPLATES / "handout.css").read_text(encoding="utf-8")
    return f"{own}\n{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
