"""README, CONTRIBUTING, CHANGELOG and environment.yml: what they claim is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from akswi_helpers import diagrams
from tests.notebooks.pages import PAGES

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def text(name: str) -> str:
    """One of the repository's files."""
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)\)", text(name))
    near = [target for target in targets if ":" not in target]
    assert all((ROOT / target).is_file() for target in near)


def test_readme_lists_every_notebook_with_its_question() -> None:
    rows = dict(re.findall(r"^\| \[(.+?)\]\(.+?\) \| (.+\?) \|$", text("README.md"), re.MULTILINE))
    titles = {str(page): page.headings[0][1].partition(" · ")[2] for page in PAGES}
    assert rows == titles


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_make_targets_that_are_named_exist(name: str) -> None:
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)\b(?= |`|\n|,)", text(name)))
    targets = set(re.findall(r"^([a-z][a-z-]+):", text("Makefile"), re.MULTILINE))
    assert named
    assert named - {"sure"} <= targets


def test_picture_of_the_readme_is_the_one_that_the_package_draws() -> None:
    assert text("notebooks/chain.svg") == diagrams.expected().svg


def test_readme_says_that_no_live_subscription_was_used() -> None:
    assert "Nobody has run this on a live Azure subscription yet" in text("README.md")


def test_contributing_names_files_that_exist() -> None:
    rows = re.findall(r"^\| .+ \| (.+) \|$", text("CONTRIBUTING.md"), re.MULTILINE)
    named = re.findall(r"`(akswi_helpers/[\w/]+\.py|[\w/]+/)`", "\n".join(rows))
    assert len(named) >= 8
    assert all((ROOT / name).exists() for name in named)


def test_changelog_begins_with_what_is_unreleased() -> None:
    sections = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    assert sections[0] == "[Unreleased]"


def test_changelog_keeps_to_the_known_headings() -> None:
    known = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Known limits"}
    assert set(re.findall(r"^### (.+)$", text("CHANGELOG.md"), re.MULTILINE)) <= known


@pytest.fixture(scope="module")
def environment() -> dict[str, Any]:
    """environment.yml, parsed."""
    found: dict[str, Any] = yaml.safe_load(text("environment.yml"))
    return found


def test_environment_installs_this_package_and_nothing_twice(environment: dict[str, Any]) -> None:
    assert environment["name"] == "akswi"
    assert environment["channels"] == ["conda-forge"]
    assert environment["dependencies"][-1] == {"pip": ["-e ."]}


def test_environment_pins_the_majors_of_helm_and_kubectl(environment: dict[str, Any]) -> None:
    pins = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    assert {"kubernetes-helm=4", "kubernetes-client=1"} <= set(pins)
    assert len(pins) == 4


def test_environment_names_a_python_that_pyproject_takes(environment: dict[str, Any]) -> None:
    least = tomllib.loads(text("pyproject.toml"))["project"]["requires-python"]
    [named] = [entry for entry in environment["dependencies"] if str(entry).startswith("python=")]
    assert int(named.rpartition(".")[2]) >= int(least.rpartition(".")[2])


def test_readme_types_commands_that_exist() -> None:
    typed = re.findall(r"\bakswi ((?:[a-z]+ ?)+)", "\n".join(_typed(text("README.md"))))
    assert len(typed) >= 3
    assert all(_help(words.split()) == 0 for words in typed)


def _typed(document: str) -> list[str]:
    """What stands in fenced blocks, for a reader to type; comments cut off."""
    blocks = re.findall(r"^```\n(.+?)^```", document, re.MULTILINE | re.DOTALL)
    return [line.partition("#")[0] for block in blocks for line in block.splitlines()]


def _help(words: list[str]) -> int:
    from typer.testing import CliRunner

    from akswi_helpers.cli import app

    return CliRunner().invoke(app, [*words, "--help"]).exit_code
