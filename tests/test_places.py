"""The places that this runs in besides a laptop: a dev container and Binder.

Left out: building them; that takes images and channels from elsewhere.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from akswi_helpers.types import Json

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def container() -> Json:
    found: Json = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    return found


def test_container_has_the_python_that_the_package_asks_for(container: Json) -> None:
    least = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    version = re.fullmatch(r"mcr\.microsoft\.com/devcontainers/python:3\.(\d+)", container["image"])
    assert version
    assert int(version[1]) >= int(least.rpartition(".")[2])


def test_container_is_made_by_a_target_of_the_makefile(container: Json) -> None:
    target = container["postCreateCommand"].removeprefix("make ")
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{target}: \$\(STAMP\)$", makefile, re.MULTILINE)
    assert "install" in re.findall(r"\S+", makefile.partition(".PHONY:")[2].partition("\n")[0])


def test_container_takes_nothing_of_its_host(container: Json) -> None:
    taken = {"mounts", "runArgs", "remoteEnv", "containerEnv", "secrets", "privileged", "capAdd"}
    assert not taken & set(container)
    assert "localEnv" not in json.dumps(container)


def test_binder_reads_the_environment_at_the_top() -> None:
    # In a folder of their own, Binder's files would put those at the top out of force.
    assert not [name for name in ("binder", ".binder") if (ROOT / name).exists()]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["dependencies"][-1] == {"pip": ["-e ."]}
    assert not [n for n in ("Dockerfile", "requirements.txt", "setup.py") if (ROOT / n).exists()]
