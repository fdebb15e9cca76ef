"""What .NET does to text: composite formats, and values as text.

    composite("{0:D3}|{1,5}", [7, "a"]) -> "007|    a"

Source: https://learn.microsoft.com/dotnet/standard/base-types/composite-formatting, checked with
the Bicep command line. Left out: custom number formats other than 0 # , . (said by name).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from akswi_helpers.sandbox.templates.refusals import ExpressionRefused, NotEmulated

_ITEM = re.compile(r"\{\{|\}\}|\{(\d+)\s*(?:,\s*(-?\d+)\s*)?(?::([^{}]*))?\}|[{}]")


def type_name(value: Any) -> str:
    """The evaluator's name for the type of a value: "Integer", "String", "Null" and so on."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return "Boolean"
    names = {int: "Integer", str: "String", list: "Array", dict: "Object", float: "Float"}
    return names[type(value)]


def compact(value: Any) -> str:
    """JSON without spaces, letters as they are: what string() gives for lists and objects."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def as_text(value: Any) -> str:
    """A value as concat() and format() write it: true is "True", null is ""."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    return _single_quoted(value) if isinstance(value, list | dict) else str(value)


def composite(pattern: str, values: Sequence[Any]) -> str:
    """`pattern` with its {index[,width][:format]} items filled. Raises ExpressionRefused."""

    def item(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        if match[1] is None:
            raise _bad(_where(pattern, match.start()))
        if int(match[1]) >= len(values):
            raise _bad(
                "Index (zero based) must be greater than or equal to zero and less than the size "
                "of the argument list."
            )
        text = _formatted(values[int(match[1])], match[3] or "")
        width = int(match[2] or 0)
        return text.ljust(-width) if width < 0 else text.rjust(width)

    return _ITEM.sub(item, pattern)


def _bad(reason: str) -> ExpressionRefused:
    return ExpressionRefused(
        f"Unable to evaluate language function 'format': the format is invalid: '{reason}'. "
        "Please see https://aka.ms/arm-function-format for usage details."
    )


def _where(pattern: str, start: int) -> str:
    failure = "Input string was not in a correct format. Failure to parse near offset {}. {}"
    following = pattern[start + 1 : start + 2]
    if pattern[start] == "{" and following and not following.isdigit():
        return failure.format(start + 1, "Expected an ASCII digit.")
    end = start + 1 if pattern[start] == "}" else len(pattern)
    return failure.format(end, "Format item ends prematurely.")


def _single_quoted(value: Any) -> str:
    if isinstance(value, dict):
        items = (f"{_quoted(key)}:{_single_quoted(item)}" for key, item in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_single_quoted, value)) + "]"
    return _quoted(value) if isinstance(value, str) else compact(value)


def _quoted(text: str) -> str:
    inner = compact(text)[1:-1].replace('\\"', '"')
    return f"'{inner}'"  # a quote inside stays as it is: so does the real one


def _formatted(value: Any, code: str) -> str:
    if not code or isinstance(value, bool) or not isinstance(value, int | float):
        return as_text(value)
    standard = re.fullmatch(r"([A-Za-z])(\d{0,2})", code)
    if standard is None:
        return _custom(Decimal(str(value)), code)
    return _standard(value, standard[1], standard[2])


def _standard(value: int | float, letter: str, digits: str) -> str:
    number, places = Decimal(str(value)), int(digits or 2)
    upper = letter.upper()
    if upper in "DXB" and isinstance(value, int):
        return _whole(value, letter, int(digits or 0))
    if upper == "E":
        return _scientific(value, letter, int(digits or 6))
    if upper in "NFCP":
        return _decimal(number, upper, places)
    if upper in "GR" and not digits:
        return as_text(value)
    if upper == "G":
        raise NotEmulated(f"the number format '{letter}{digits}'")
    raise _bad("Format specifier was invalid.")


def _whole(value: int, letter: str, digits: int) -> str:
    if letter in "Dd":
        return ("-" if value < 0 else "") + str(abs(value)).zfill(digits)
    return format(value & 0xFFFFFFFFFFFFFFFF, letter.lower() if letter in "Bb" else letter).zfill(
        digits
    )


def _scientific(value: int | float, letter: str, digits: int) -> str:
    mantissa, _, exponent = f"{value:.{digits}E}".partition("E")
    return f"{mantissa}{letter}{exponent[0]}{exponent[1:].zfill(3)}"


def _decimal(number: Decimal, letter: str, places: int) -> str:
    number = number * 100 if letter == "P" else number
    rounded = abs(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded:f}" if letter == "F" else f"{rounded:,f}"
    text = {"C": f"¤{text}", "P": f"{text} %"}.get(letter, text)
    if number >= 0:
        return text
    return f"({text})" if letter == "C" else f"-{text}"


def _custom(number: Decimal, code: str) -> str:
    if not re.fullmatch(r"[A-DF-Za-df-z _-]*[0#,]*(\.[0#]*)?[A-DF-Za-df-z _-]*", code):
        raise NotEmulated(f"the number format '{code}'")
    picture = re.search(r"[0#,]*[0#](?:\.[0#]*)?", code)
    if picture is None:
        return code
    whole, _, fraction = picture[0].partition(".")
    rounded = abs(number).quantize(Decimal(1).scaleb(-len(fraction)), ROUND_HALF_UP)
    left, _, right = f"{rounded:f}".partition(".")
    left = left.lstrip("0").zfill(whole.lstrip("#,").count("0"))
    left = f"{int(left):,}" if "," in whole and left else left
    right = right[: fraction.rfind("0") + 1] + right[fraction.rfind("0") + 1 :].rstrip("0")
    text = left + (f".{right}" if right else "")
    sign = "-" if number < 0 and rounded else ""
    return sign + code[: picture.start()] + text + code[picture.end() :]
