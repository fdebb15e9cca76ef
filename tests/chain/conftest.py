"""A lab with app 1 running, shared by the tests of this folder; each mends what it breaks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain.standing import Standing


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    home = Path(tmp_path_factory.mktemp("home"))
    lab = Standing(home)
    try:
        lab.akswi("run", "--to", "03", "--yes", "--out", str(home / "out"))
        yield lab
    finally:
        lab.akswi("sandbox", "stop", check=False)
