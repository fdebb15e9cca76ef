"""The coverage page: it says what the sandbox's own tables say, both ways."""

from akswi_helpers.sandbox import coverage


def test_page_is_what_the_tables_say() -> None:
    kept = coverage.PAGE.read_text(encoding="utf-8")
    assert kept == coverage.page(), "write it again: python -m akswi_helpers.sandbox.coverage"


def test_page_names_what_is_emulated_and_what_is_not() -> None:
    emulated, _, refused = coverage.page().partition("## Resource types that are known and not")
    assert "| `/secrets/{name}` | PUT GET PATCH DELETE |" in emulated
    assert "- Microsoft.Authorization/locks" in refused
    assert "/exec" in next(line for line in refused.splitlines() if line.startswith("| v1 | Pod |"))


def test_page_says_what_is_only_stored() -> None:
    _, _, after = coverage.page().partition("## Resource types that are stored, not emulated")
    stored, _, refused = after.partition("## ")
    assert "- Microsoft.ContainerRegistry/registries" in stored
    assert "Microsoft.ContainerRegistry" not in refused
