"""Names, labels and keys: what each must look like, and what the API server says otherwise.

    subdomain("Bad_Name")     ->  ["a lowercase RFC 1123 subdomain must consist of …"]
    subdomain("good-name")    ->  []

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and refusals of a
kube-apiserver 1.37.2. Left out: names that only other kinds have.
"""

from __future__ import annotations

import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_KEY})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_PERCENT = "[0-9]+%"

_LABEL_SAYS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character"
)
_LABEL_1035_SAYS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character"
)
_SUBDOMAIN_SAYS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character"
)
_KEY_SAYS = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character"
)
_VALUE_SAYS = f"a valid label must be an empty string or {_KEY_SAYS.removeprefix('must ')}"
_CONFIG_SAYS = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
_PERCENT_SAYS = "a valid percent string must be a numeric string followed by an ending '%'"


def subdomain(name: str) -> list[str]:
    """What is wrong with a DNS subdomain (most names), in the API server's words."""
    says = _regex(_SUBDOMAIN_SAYS, _SUBDOMAIN, "example.com")
    return _checked(name, 253, _SUBDOMAIN, says)


def label(name: str) -> list[str]:
    """What is wrong with a DNS label: namespaces, containers, volumes."""
    if re.fullmatch(_SUBDOMAIN, name) and "." in name:
        long = ["must be no more than 63 characters"] if len(name) > 63 else []
        return [*long, "must not contain dots"]
    return _checked(name, 63, _LABEL, _regex(_LABEL_SAYS, _LABEL, "my-name", "123-abc"))


def label_1035(name: str) -> list[str]:
    """What is wrong with a DNS label that begins with a letter."""
    return _checked(
        name, 63, _LABEL_1035, _regex(_LABEL_1035_SAYS, _LABEL_1035, "my-name", "abc-123")
    )


def path_segment(name: str) -> list[str]:
    """What is wrong with a name that need only fit into a URL: roles and their bindings."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{mark}'" for mark in "/%" if mark in name]


def qualified(key: str) -> list[str]:
    """What is wrong with the key of a label or annotation: "prefix/name"."""
    says = _regex(_KEY_SAYS, _KEY, "MyName", "my.name", "123-abc")
    parts = key.split("/")
    if len(parts) > 2:
        optional = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {says}{optional}"]
    errors = []
    if len(parts) == 2:
        prefix = parts[0]
        found = subdomain(prefix) if prefix else ["must be non-empty"]
        errors = [
            f"prefix part {error.replace(' characters', ' bytes', 1)}"
            if error.startswith("must be no more")
            else f"prefix part {error}"
            for error in found
        ]
    name = parts[-1]
    if not name:
        errors.append("name part must be non-empty")
    elif len(name.encode()) > 63:
        errors.append("name part must be no more than 63 bytes")
    if not re.fullmatch(_KEY, name):
        errors.append(f"name part {says}")
    return errors


def label_value(value: str) -> list[str]:
    """What is wrong with the value of a label."""
    says = _regex(_VALUE_SAYS, _VALUE, "MyValue", "my_value", "12345")
    return _checked(value, 63, _VALUE, says, "bytes")


def config_key(key: str) -> list[str]:
    """What is wrong with a key of a ConfigMap or Secret."""
    says = _regex(_CONFIG_SAYS, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name")
    errors = _checked(key, 253, _CONFIG_KEY, says)
    if key == ".":
        errors.append("must not be '.'")
    elif key == "..":
        errors.append("must not be '..'")
    elif key.startswith(".."):
        errors.append("must not start with '..'")
    return errors


def percent(text: str) -> list[str]:
    """What is wrong with a percentage such as "25%"."""
    if re.fullmatch(_PERCENT, text):
        return []
    return [_regex(_PERCENT_SAYS, _PERCENT, "1%", "93%")]


def port_name(name: str) -> list[str]:
    """What is wrong with the name of a port: "http", at most 15 characters."""
    errors = ["must be no more than 15 characters"] if len(name) > 15 else []
    if not re.fullmatch(r"[-a-z0-9]+", name):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", name):
        errors.append("must contain at least one letter (a-z)")
    if "--" in name:
        errors.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def variable(name: str) -> list[str]:
    """What is wrong with the name of an environment variable."""
    if name and all(32 <= ord(char) < 127 and char != "=" for char in name):
        return []
    return [
        "a valid environment variable name must consist only of printable ASCII characters other "
        "than '='"
    ]


def _checked(text: str, limit: int, pattern: str, says: str, unit: str = "characters") -> list[str]:
    long = len(text.encode()) > limit
    errors = [f"must be no more than {limit} {unit}"] if long else []
    return errors if re.fullmatch(pattern, text) else [*errors, says]


def _regex(says: str, pattern: str, *examples: str) -> str:
    # The API server's own joining: each example carries a comma, and " or " its own space.
    listed = " or ".join(f"'{example}', " for example in examples)
    return f"{says} (e.g. {listed}regex used for validation is '{pattern}')"
