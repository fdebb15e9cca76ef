"""Values as the API server writes them into its sentences.

    plain({"image": "x", "n": 1})    ->  map[image:x n:1]

Source: https://pkg.go.dev/fmt (the verb %v). Left out: structs, which have no JSON form.
"""

from __future__ import annotations

import json
from typing import Any


def plain(value: Any) -> str:
    """A JSON value as Go's %v prints it."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return f"map[{' '.join(f'{k}:{plain(value[k])}' for k in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(plain(item) for item in value)}]"
    return str(value)


def kind_of(value: Any) -> str:
    """What Go calls the type of a JSON value: "map[string]interface {}"."""
    for python, name in _NAMES:
        if isinstance(value, python):
            return name
    return "<nil>"


def quoted(text: str) -> str:
    """A string as Go's %q and JSON both write it."""
    return json.dumps(text, ensure_ascii=False)


def compact(value: Any) -> str:
    """A JSON value as Go marshals it: no spaces, keys in order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_NAMES: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "int64"),
    (float, "float64"),
    (str, "string"),
    (list, "[]interface {}"),
    (dict, "map[string]interface {}"),
)
