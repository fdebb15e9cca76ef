"""The coverage page: it says what the sandbox's own tables say, both ways."""

from akswi_helpers.sandbox import coverage


def test_page_is_what_the_tables_say() -> None:
    kept = coverage.PAGE.read_text(encoding="utf-8")
    assert kept == coverage.page(), "write it again: python -m akswi_helpers.sandbox.coverage"


def test_page_names_what_is_emulated_and_what_is_not() -> None:
    emulated, _, refused = coverage.page().partition("## Resource types that are known and not")
    assert "| `/secrets/{name}` | PUT GET PATCH DELETE |" in emulated
    assert "- Microsoft.ContainerRegistry/registries" in refused
    assert "/exec" in next(line for line in refused.splitlines() if line.startswith("| v1 | Pod |"))
