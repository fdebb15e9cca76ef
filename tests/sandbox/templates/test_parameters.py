"""Parameters are checked as Azure checks them, and secure ones are never shown."""

from __future__ import annotations

from typing import Any

import pytest

from akswi_helpers.sandbox.templates.parameters import Parameters
from akswi_helpers.sandbox.templates.refusals import NotEmulated, TemplateRefused
from akswi_helpers.types import Json

from .conftest import Desk


def settled(definition: Json, **given: Any) -> Parameters:
    template = {"parameters": {"p": definition}}
    values = {name: {"value": value} for name, value in given.items()}
    return Parameters(template, values, Desk()).settle()


@pytest.mark.parametrize(
    ("definition", "given", "words"),
    [
        ({"type": "string"}, {}, "The value for the template parameter 'p' at line '1' and column"),
        (
            {"type": "string", "allowedValues": ["A", "B"]},
            {"p": "x"},
            "is not valid. The parameter value is not part of the allowed value(s): 'A,B'.",
        ),
        ({"type": "int"}, {"p": "1"}, "type 'Integer', but received a value of type 'String'."),
        ({"type": "int"}, {"p": True}, "type 'Integer', but received a value of type 'Boolean'."),
        (
            {"type": "string"},
            {"p": None},
            "type 'String, Uri', but received a value",
        ),
        ({"type": "string", "minLength": 3}, {"p": "ab"}, "greater than or equal to '3'"),
        ({"type": "int", "maxValue": 3}, {"p": 4}, "less than or equal to '3'"),
        ({"type": "string"}, {"p": "x", "q": "y"}, "The template parameters 'q'"),
        (
            {"type": "string", "defaultValue": "[parameters('p')]"},
            {},
            "references itself",
        ),
    ],
)
def test_parameter_is_refused(definition: Json, given: Json, words: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        settled(definition, **given)
    assert refused.value.code == "InvalidTemplate"
    assert words in refused.value.message


@pytest.mark.parametrize("rule", [{"allowedValues": ["A"]}, {"minLength": 40}])
def test_secure_value_is_not_in_the_refusal(rule: Json) -> None:
    with pytest.raises(TemplateRefused) as refused:
        settled({"type": "securestring", **rule}, p="hunter2")
    assert "hunter2" not in refused.value.message


def test_secure_value_is_not_echoed() -> None:
    parameters = settled({"type": "securestring"}, p="hunter2")
    assert parameters.look_up("P") == "hunter2"
    assert parameters.echoed() == {"p": {"type": "SecureString"}}


def test_default_may_ask_the_group_and_other_parameters() -> None:
    template = {
        "parameters": {
            "a": {"type": "string", "defaultValue": "[concat(parameters('b'), '!')]"},
            "b": {"type": "string", "defaultValue": "[resourceGroup().location]"},
        }
    }
    assert Parameters(template, {}, Desk()).settle().look_up("a") == "westeurope!"


def test_new_guid_is_made_once() -> None:
    parameters = settled({"type": "securestring", "defaultValue": "[newGuid()]"})
    assert parameters.look_up("p") == parameters.look_up("p") != ""


def test_value_from_a_vault_is_not_emulated() -> None:
    template = {"parameters": {"p": {"type": "string"}}}
    with pytest.raises(NotEmulated):
        Parameters(template, {"p": {"reference": {}}}, Desk()).settle()
