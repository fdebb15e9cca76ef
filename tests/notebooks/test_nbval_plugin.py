"""The proof can fail: an output on the page that is not so is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from akswi_helpers import places
from tests.notebooks.labs import notebooks

ROOT = places.PACKAGE.parent


def prove(notebook: Path) -> subprocess.CompletedProcess[str]:
    """Run the proof of one notebook as `make test` runs it, on one worker."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.notebooks.nbval_plugin"]
    options = ["--nbval", "-c", "pyproject.toml", "--rootdir", ".", str(notebook)]
    return subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.timeout(120)
def test_proof_fails_where_a_page_does_not_tell_the_truth(tmp_path: Path) -> None:
    first, claim = notebooks()[0], '"False"'
    page = first.read_text(encoding="utf-8")
    assert page.count(claim) == 1
    (tmp_path / first.name).write_text(page.replace(claim, '"True"'), encoding="utf-8")
    done = prove(tmp_path / first.name)
    assert "Cell outputs differ" in done.stdout
    assert "1 failed, 11 passed" in done.stdout
