"""guid() and uniqueString(): names that are the same wherever the same template is deployed.

    guid("x") -> "51c0fe04-91fa-5688-abb4-481ca7437854"
    unique_string("test") -> "rbgf3xv4ufgzg"

Source: RFC 4122 version 5 under Microsoft's namespace; a MurmurHash3 with two lanes of 32 bits,
as in azapi's unique_string_function.go. Both agree with the Bicep command line's own evaluator.
"""

from __future__ import annotations

import uuid

_MASK = 0xFFFFFFFF
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_NAMESPACE = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")


def guid(*parts: str) -> str:
    """The GUID of `parts`, joined by hyphens."""
    return str(uuid.uuid5(_NAMESPACE, "-".join(parts)))


def unique_string(*parts: str) -> str:
    """Thirteen letters and digits made from `parts`, joined by hyphens."""
    value = _murmur64("-".join(parts).encode())
    letters = [_ALPHABET[value >> 59 - 5 * i & 31] for i in range(12)]
    return "".join(letters) + _ALPHABET[value << 1 & 31]


def _rotate(value: int, by: int) -> int:
    return (value << by | value >> 32 - by) & _MASK


def _scramble(value: int, first: int, turn: int, second: int) -> int:
    return _rotate(value * first & _MASK, turn) * second & _MASK


def _lane_1(data: bytes) -> int:
    return _scramble(int.from_bytes(data, "little"), 0x239B961B, 15, 0xAB0E9789)


def _lane_2(data: bytes) -> int:
    return _scramble(int.from_bytes(data, "little"), 0xAB0E9789, 17, 0x239B961B)


def _mix(value: int) -> int:
    value = (value ^ value >> 16) * 0x85EBCA6B & _MASK
    value = (value ^ value >> 13) * 0xC2B2AE35 & _MASK
    return value ^ value >> 16


def _murmur64(data: bytes) -> int:
    one, two = 0, 0
    whole = len(data) // 8 * 8
    for at in range(0, whole, 8):
        one = _rotate(one ^ _lane_1(data[at : at + 4]), 19)
        one = ((one + two) * 5 + 0x561CCD1B) & _MASK
        two = _rotate(two ^ _lane_2(data[at + 4 : at + 8]), 13)
        two = ((two + one) * 5 + 0x0BCAA747) & _MASK
    tail = data[whole:]
    one ^= _lane_1(tail[:4])
    two ^= _lane_2(tail[4:])
    return _finished(one ^ len(data), two ^ len(data))


def _finished(one: int, two: int) -> int:
    one = (one + two) & _MASK
    two = (two + one) & _MASK
    one, two = _mix(one), _mix(two)
    one = (one + two) & _MASK
    two = (two + one) & _MASK
    return two << 32 | one
