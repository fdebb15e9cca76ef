"""Built-in functions give what the real evaluator gives, refusals word for word."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from akswi_helpers.sandbox.templates.evaluate import evaluate
from akswi_helpers.sandbox.templates.hashes import guid, unique_string
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused, NotEmulated
from akswi_helpers.types import Json

from .conftest import GROUP_ID, SUBSCRIPTION, Bicep, scope_of

VECTORS: list[Json] = json.loads((Path(__file__).parent / "vectors.json").read_text())["vectors"]


def outcome(expression: Any) -> Json:
    try:
        return {"value": evaluate(expression, scope_of())}
    except ExpressionRefused as error:
        return {"refused": str(error)}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["bicep"]))
def test_function_gives_what_the_real_evaluator_gives(vector: Json) -> None:
    expected = {key: vector[key] for key in ("value", "refused") if key in vector}
    assert outcome(vector["arm"]) == expected


@pytest.mark.judge
def test_vectors_are_what_bicep_console_answers_today(bicep: Bicep) -> None:
    valued = [vector for vector in VECTORS if "value" in vector]
    lines = [f"string({{v: {vector['bicep']}}})" for vector in valued]
    answers = bicep("console", given="\n".join(lines) + "\n").splitlines()
    texts = [re.sub(r"\\(.)", _escaped, answer[1:-1]) for answer in answers]
    assert [json.loads(text)["v"] for text in texts] == [vector["value"] for vector in valued]


def _escaped(match: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r", "t": "\t"}.get(match[1], match[1])


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("test",), "rbgf3xv4ufgzg"),
        (("hello", "world"), "a7wkljktk6wne"),
        (("foo", "bar", "baz"), "xzi4ioaxtmth4"),
        ((f"/subscriptions/{SUBSCRIPTION}/resourceGroups/myRg",), "js26ofeqkqeve"),
        ((f"/subscriptions/{SUBSCRIPTION}", "resource-id"), "cwvxuqg24sifi"),
    ],
)
def test_unique_string_agrees_with_deployed_names(parts: tuple[str, ...], expected: str) -> None:
    assert unique_string(*parts) == expected


def test_guid_is_the_same_for_the_same_parts() -> None:
    assert guid("x") == "51c0fe04-91fa-5688-abb4-481ca7437854"
    assert guid("a", "b") != guid("a-", "b")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("[RESOURCEGROUP().Location]", "westeurope"),
        ("[parameters('NAME')]", "app"),
        ("[[not an expression]", "[not an expression]"),
        ("[if(true(), 'here', reference('nowhere').x)]", "here"),
        ("[coalesce(null(), 'x', reference('nowhere'))]", "x"),
        ("[resourceId('A.B/c', 'd')]", f"{GROUP_ID}/providers/A.B/c/d"),
        ("[resourceId('g2', 'A.B/c/e', 'd', 'f')]", GROUP_ID[:-7] + "g2/providers/A.B/c/d/e/f"),
        ("[extensionResourceId('/x/y', 'A.B/c', 'd')]", "/x/y/providers/A.B/c/d"),
        (
            "[subscriptionResourceId('A.B/c', 'd')]",
            f"/subscriptions/{SUBSCRIPTION}/providers/A.B/c/d",
        ),
        ("[createObject('a', 1).A]", 1),
        ("[format('it''s {0}', 'x')]", "it's x"),
    ],
)
def test_expression_gives(expression: str, expected: Any) -> None:
    assert evaluate(expression, scope_of({"name": "app"})) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("[parameters('nmae')]", "The template parameter 'nmae' is not found."),
        ("[reference('x').y]", "The template function 'reference' is not expected"),
        ("[newGuid()]", "The template function 'newGuid' is not expected"),
        ("[shout('x')]", "The template function 'shout' is not valid."),
        ("[concat('x']", "expected token 'RightParenthesis' and actual 'EndOfData'"),
        ("[copyIndex()]", "The template function 'copyIndex' is not expected"),
        ("[toLower('a', 'b')]", "requires 1 argument(s) while 2 were provided"),
    ],
)
def test_expression_is_refused(expression: str, words: str) -> None:
    with pytest.raises(ExpressionRefused) as refused:
        evaluate(expression, scope_of())
    assert words in str(refused.value)


def test_function_that_azure_has_and_we_lack_names_itself() -> None:
    with pytest.raises(NotEmulated, match="listKeys"):
        evaluate("[listKeys('x', '2024-01-01')]", scope_of())


def test_copy_property_becomes_its_list() -> None:
    value = {
        "copy": [{"name": "disks", "count": 2, "input": "[format('d{0}', copyIndex('disks', 1))]"}]
    }
    assert evaluate(value, scope_of()) == {"disks": ["d1", "d2"]}
