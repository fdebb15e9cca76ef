"""The notebooks as plain data, for the tests of their shape; read without a kernel.

Left out: everything that needs the notebook to run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from akswi_helpers.types import Json
from tests.notebooks.labs import notebooks


@dataclass(frozen=True)
class Page:
    """One notebook file."""

    path: Path

    def __str__(self) -> str:
        return self.path.stem

    @property
    def number(self) -> str:
        """The two digits that its name begins with."""
        return self.path.name.partition("-")[0]

    @cached_property
    def document(self) -> Json:
        """The file, parsed."""
        found: Json = json.loads(self.path.read_text(encoding="utf-8"))
        return found

    @property
    def cells(self) -> list[Json]:
        """All cells, in order; `source` is always one text."""
        return [{**cell, "source": "".join(cell["source"])} for cell in self.document["cells"]]

    @property
    def code(self) -> list[Json]:
        """The code cells."""
        return [cell for cell in self.cells if cell["cell_type"] == "code"]

    @property
    def prose(self) -> list[str]:
        """The text of the other cells."""
        return [cell["source"] for cell in self.cells if cell["cell_type"] == "markdown"]

    @property
    def words(self) -> int:
        """How many words there are to read."""
        return sum(len(text.split()) for text in self.prose)

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text of every heading."""
        found = re.findall(r"^(#{1,6}) (.+)$", "\n".join(self.prose), re.MULTILINE)
        return [(len(marks), text) for marks, text in found]

    @property
    def links(self) -> list[str]:
        """The targets of the relative links, without what follows a '#'."""
        found = re.findall(r"\]\(([^)\s]+)\)", "\n".join(self.prose))
        return [link.partition("#")[0] for link in found if ":" not in link]

    @property
    def images(self) -> list[str]:
        """Every `<img …>` in the prose and in the outputs."""
        shown = ["".join(text) for cell in self.code for text in _html(cell)]
        return re.findall(r"<img [^>]*>", "\n".join([*self.prose, *shown]))

    @property
    def longest_run_of_code(self) -> int:
        """How many code cells follow each other without a word."""
        kinds = "".join(cell["cell_type"][0] for cell in self.cells)
        return max(map(len, kinds.split("m")))


PAGES = [Page(path) for path in notebooks()]


def lines(cell: Json) -> int:
    """How many lines of a code cell are not blank."""
    return sum(1 for line in cell["source"].splitlines() if line.strip())


def _html(cell: Json) -> list[list[str]]:
    bundles = [output.get("data", {}) for output in cell.get("outputs", [])]
    return [bundle["text/html"] for bundle in bundles if "text/html" in bundle]
