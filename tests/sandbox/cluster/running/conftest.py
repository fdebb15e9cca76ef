"""The cluster of the API's tests, with what runs behind it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox.cluster.api.conftest import Host, Terminal, host, shell

__all__ = ["Host", "Terminal", "host", "shell"]


_NUMBERS = itertools.count(1)


def until(look: Callable[[], Any], what: str, within: float = 15) -> Any:
    """Poll until `look` gives something true; that. Raises AssertionError naming `what`."""
    end = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < end, f"waited {within:.0f} s for {what}"
        time.sleep(0.05)
    return seen


def pods(shell: Terminal, namespace: str) -> list[Any]:
    """The pods of a namespace."""
    return list(
        json.loads(shell.run("kubectl", "get", "pods", "-n", namespace, "-o", "json"))["items"]
    )


def events(shell: Terminal, namespace: str) -> list[tuple[str, str]]:
    """Reason and message of every event of a namespace."""
    text = shell.run("kubectl", "get", "events", "-n", namespace, "-o", "json")
    return [(event["reason"], event["message"]) for event in json.loads(text)["items"]]


@pytest.fixture
def namespace(shell: Terminal) -> Iterator[str]:
    """A namespace for one test."""
    name = f"test-{next(_NUMBERS)}"
    shell.run("kubectl", "create", "namespace", name)
    until(lambda: "default" in shell.run("kubectl", "get", "sa", "-n", name), "its account")
    yield name
    shell.run("kubectl", "delete", "namespace", name, "--wait=false")
