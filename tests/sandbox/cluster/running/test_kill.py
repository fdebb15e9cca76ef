"""`kill -9` of the sandbox: its pods end with it, and run again when it is back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sandbox.cluster.api.conftest import Terminal
from tests.sandbox.cluster.running.conftest import pods, until
from tests.sandbox.cluster.running.test_launcher import until_gone

IMAGE = "mcr.microsoft.com/azurelinux/base/python:3.12"
CODE = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


@contextmanager
def hosting(folder: Path) -> Iterator[Terminal]:
    """A terminal at a cluster in another process, which is killed in the end."""
    command = [sys.executable, "-m", "tests.sandbox.cluster.running.hosting", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Terminal(folder, json.loads(process.stdout.readline()))
        finally:
            process.kill()


def pid_of(shell: Terminal) -> int:
    log = until(lambda: shell.run("kubectl", "logs", "p", check=False), "the pod's log")
    return int(log)


def test_pods_end_with_the_sandbox_and_run_again_after_it(tmp_path: Path) -> None:
    with hosting(tmp_path) as shell:
        command = ("--command", "--", "python3", "-c", CODE)
        until(lambda: "default" in shell.run("kubectl", "get", "sa"), "the account")
        shell.run("kubectl", "run", "p", f"--image={IMAGE}", *command)
        first = pid_of(shell)
    until_gone([first])
    with hosting(tmp_path) as shell:
        until(lambda: restarts(shell) == 1, "the pod to run again")
        second = pid_of(shell)
    until_gone([second])
    assert first != second


def restarts(shell: Terminal) -> int:
    [status] = pods(shell, "default")[0]["status"]["containerStatuses"]
    return int(status["restartCount"]) if "running" in status["state"] else -1
