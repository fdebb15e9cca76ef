"""Built-in functions about texts: take a part, replace, split, join, encode, name.

Source: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-string.
Comparing is ordinal; indexOf, startsWith and endsWith ignore letter case, contains does not.
Left out: nothing of that page but utcNow and newGuid, which only parameters' defaults may call.
"""

from __future__ import annotations

import base64
import binascii
import json
import urllib.parse

from akswi_helpers.sandbox.templates.builtins import Value, built_in, only_of
from akswi_helpers.sandbox.templates.dotnet import as_text, compact, composite, type_name
from akswi_helpers.sandbox.templates.hashes import guid, unique_string
from akswi_helpers.sandbox.templates.refusals import ExpressionRefused

built_in("guid", "String", "String*")(guid)
built_in("uniqueString", "String", "String*")(unique_string)


@built_in("format", "String", "any*")
def _format(pattern: str, *values: Value) -> str:
    return composite(pattern, values)


@built_in("replace", "String", "String", "String")
def _replace(text: str, old: str, new: str) -> str:
    if not old:
        raise ExpressionRefused(
            "The template language function 'replace' expects its second parameter to not be null "
            "or empty. Please see https://aka.ms/arm-functions for usage details."
        )
    return text.replace(old, new)


@built_in("toLower", "String")
def _to_lower(text: str) -> str:
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


@built_in("toUpper", "String")
def _to_upper(text: str) -> str:
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


@built_in("trim", "String")
def _trim(text: str) -> str:
    return text.strip()


@built_in("startsWith", "String", "String")
def _starts_with(text: str, start: str) -> bool:
    return text.lower().startswith(start.lower())


@built_in("endsWith", "String", "String")
def _ends_with(text: str, end: str) -> bool:
    return text.lower().endswith(end.lower())


@built_in("split", "String", "any")
def _split(text: str, delimiters: Value) -> list[str]:
    marks = delimiters if isinstance(delimiters, list) else [delimiters]
    if not all(isinstance(mark, str) for mark in marks):
        raise ExpressionRefused(
            "The template language function 'split' expects its second parameter to be of type "
            f"'String or Array of Strings'. The provided value is of type "
            f"'{type_name(delimiters)}'. "
            "Please see https://aka.ms/arm-functions for usage details."
        )
    return _cut(text, [mark for mark in marks if mark])


def _cut(text: str, marks: list[str]) -> list[str]:
    parts, start, at = [], 0, 0
    while at < len(text):
        found = next((mark for mark in marks if text.startswith(mark, at)), None)
        if found is None:
            at += 1
            continue
        parts.append(text[start:at])
        at = start = at + len(found)
    return [*parts, text[start:]]


@built_in("substring", "String", "Integer", "Integer?")
def _substring(text: str, start: int, length: int | None = None) -> str:
    size = len(text)
    refusal = "Unable to evaluate the template language function 'substring'. The index "
    help_page = "Please see https://aka.ms/arm-function-substring for usage details."
    if start > size:
        raise ExpressionRefused(
            f"{refusal}parameter cannot be larger than the length of the string. The index "
            f"parameter: '{start}', the length of the string parameter: '{size}'. {help_page}"
        )
    wanted = size - start if length is None else length
    if start < 0 or wanted < 0 or start + wanted > size:
        raise ExpressionRefused(
            f"{refusal}and length parameters must refer to a location within the string. The index "
            f"parameter: '{start}', the length parameter: '{wanted}', the length of the string "
            f"parameter: '{size}'. {help_page}"
        )
    return text[start : start + wanted]


@built_in("padLeft", "any", "Integer", "String?")
def _pad_left(value: Value, width: int, filler: str = " ") -> str:
    start = "Unable to evaluate template language function 'padLeft': the"
    end = (
        "The syntax is padLeft(string, totalWidth [, paddingChar]). "
        "Please see https://aka.ms/arm-function-padleft for usage details."
    )
    if type_name(value) not in ("String", "Integer"):
        raise ExpressionRefused(
            f"{start} first parameter is invalid. The source string must be a String or integer "
            f"type, while '{type_name(value)}' was provided. {end}"
        )
    if len(filler) != 1:
        raise ExpressionRefused(
            f"{start} third parameter is invalid. The padding character must be a single "
            f"character, while '{filler}' was provided. {end}"
        )
    return str(value).rjust(width, filler)


@built_in("join", "Array", "String")
def _join(values: list[Value], between: str) -> str:
    only_of("join", values, "String", "Integer", "Boolean")
    return between.join(map(as_text, values))


@built_in("string", "Integer, String, Boolean, Object, Array")
def _string(value: Value) -> str:
    return compact(value) if isinstance(value, list | dict) else as_text(value)


@built_in("json", "String")
def _json(text: str) -> Value:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ExpressionRefused(
            "Unable to evaluate the template language function 'json'. The argument provided is "
            "not a valid JSON string."
        ) from error


@built_in("base64", "String")
def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@built_in("base64ToString", "String")
def _base64_to_string(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        reason = "The value cannot be decoded from base64 representation"
        raise _undecodable("base64ToString", reason) from error


@built_in("base64ToJson", "String")
def _base64_to_json(text: str) -> Value:
    return _json(_base64_to_string(text))


@built_in("dataUri", "String")
def _data_uri(text: str) -> str:
    return "data:text/plain;charset=utf-8;base64," + _base64(text)


@built_in("dataUriToString", "String")
def _data_uri_to_string(text: str) -> str:
    head, comma, body = text.partition(",")
    if not head.startswith("data:") or not comma:
        raise ExpressionRefused(
            "The template language function 'dataUriToString' expects its parameter to be "
            f"formatted as a valid data URI. The provided value '{text}' was not formatted "
            "correctly. Please see https://aka.ms/arm-functions#dataUriToString for usage details."
        )
    if head.endswith(";base64"):
        return _base64_to_string(body)
    return urllib.parse.unquote(body)


@built_in("uri", "String", "String")
def _uri(start: str, relative: str) -> str:
    joined = urllib.parse.urljoin(start, relative)
    parts = urllib.parse.urlsplit(joined)
    return joined if parts.path else f"{joined}/"


@built_in("uriComponent", "String")
def _uri_component(text: str) -> str:
    return urllib.parse.quote(text, safe="~")


@built_in("uriComponentToString", "String")
def _uri_component_to_string(text: str) -> str:
    return urllib.parse.unquote(text)


def _undecodable(name: str, reason: str) -> ExpressionRefused:
    return ExpressionRefused(
        f"The template language function '{name}' was invoked with a parameter that is not valid. "
        f"{reason}."
    )
