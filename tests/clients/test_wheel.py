"""An installed wheel carries notebooks, charts and templates, and finds them from anywhere."""

from __future__ import annotations

import os
import subprocess
import venv
import zipfile
from pathlib import Path

import pytest

from tests.chain.standing import BIN
from tests.clients.built import ROOT

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [str(BIN / "uv"), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def test_wheel_carries_what_is_shipped(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {name.split("/")[2] for name in names if name.startswith("akswi_helpers/shipped/")}
    assert shipped == {"notebooks", "charts", "bicep"}
    assert "akswi_helpers/shipped/charts/workloadIdApp1/files/app1.py" in names
    assert not [name for name in names if name.startswith("tests/")]


def test_wheel_finds_its_notebooks_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / "bin" / "python"
    install = [str(BIN / "uv"), "pip", "install", "-q", "--no-deps", "--python", str(python)]
    subprocess.run([*install, str(wheel)], check=True)
    code = "from akswi_helpers import places; print(places.shipped('notebooks'))"
    env = {**os.environ, "PYTHONPATH": ""}
    found = subprocess.run(
        [str(python), "-I", "-c", code],
        cwd="/",
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    folder = Path(found.stdout.strip())
    assert folder.is_relative_to(tmp_path)
    assert (folder / "00-start-here.ipynb").is_file()
