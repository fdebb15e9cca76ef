"""Amounts of cpu, memory and the like: "100m", "64Mi", "1e3".

    parse("1.5Gi")        ->  Decimal(1610612736)
    canonical("0.5")      ->  "500m", as the API server stores it

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
Left out: amounts beyond 2^63 (the API server caps them).
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"

_SHAPE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?\Z")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}


def parse(text: str | float) -> Decimal:
    """The amount in units (bytes, cores). Raises ValueError when it is not a quantity."""
    number, suffix, exponent = _split(text)
    if exponent is not None:
        return number.scaleb(int(exponent))
    if suffix in _BINARY:
        return number * (1 << _BINARY[suffix])
    return number.scaleb(_DECIMAL[suffix])


def canonical(text: str | float) -> str:
    """The same amount as the API server writes it, rounded up to thousandths."""
    amount = parse(text)
    _, suffix, exponent = _split(text)
    amount = amount.quantize(Decimal("0.001"), rounding=ROUND_CEILING)
    if suffix in _BINARY and abs(amount) >= 1024:
        return _binary(amount)
    digits, power = _thousands(amount)
    if exponent is not None:
        return f"{digits}e{power}" if power else str(digits)
    return f"{digits}{_SUFFIX[power]}"


def _split(text: str | float) -> tuple[Decimal, str, str | None]:
    found = _SHAPE.match(str(text)) if not isinstance(text, bool) else None
    if found is None:
        raise ValueError(f"quantities must match the regular expression '{PATTERN}'")
    return Decimal(found[1]), found[2] or "", found[3]


def _binary(amount: Decimal) -> str:
    whole = int(amount.to_integral_value(rounding=ROUND_CEILING))
    power = 0
    while power < 60 and whole and whole % 1024 == 0:
        whole, power = whole // 1024, power + 10
    suffix = next((name for name, bits in _BINARY.items() if bits == power), "")
    return f"{whole}{suffix}"


def _thousands(amount: Decimal) -> tuple[int, int]:
    whole, power = int(amount.scaleb(3)), -3
    if not whole:
        return 0, 0
    while power < 18 and whole % 1000 == 0:
        whole, power = whole // 1000, power + 3
    return whole, power
