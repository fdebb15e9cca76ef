"""A lab that stands on a sandbox of its own, driven only by what a learner could type.

Everything here goes over a wire: the `akswi` command, kubectl, Azure's SDKs, plain HTTPS. Nothing
reaches into the sandbox but its clock, through the control door.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from akswi_helpers.sandbox import control

BIN = Path(sys.executable).parent
GROUP = "akswi"
NAMESPACE, DEPLOYMENT, ACCOUNT = "app1", "app1-workloadidapp1", "app1-workloadidapp1"


class Standing:
    """One lab in one AKSWI_HOME, and the commands that a person would type at it."""

    def __init__(self, home: Path, path_first: Path | None = None) -> None:
        self.home = home
        self._base = {**os.environ, "AKSWI_HOME": str(home), "AKSWI_HEADLESS": "1"}
        if path_first:
            self._base["PATH"] = f"{path_first}{os.pathsep}{self._base['PATH']}"
        self._exports: dict[str, str] = {}

    def akswi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line in this home; its output is kept."""
        return _run([str(BIN / "akswi"), *arguments], self._base, check)

    @property
    def env(self) -> dict[str, str]:
        """What `eval "$(akswi sandbox env --resource-group akswi)"` leaves in a terminal."""
        if not self._exports:
            text = self.akswi("sandbox", "env", "--resource-group", GROUP).stdout
            self._exports = _exports(text, self._base)
        return {**self._base, **self._exports}

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        """What the real kubectl prints."""
        return _run(["kubectl", *arguments], self.env, check).stdout

    def run(self, command: list[str]) -> str:
        """What a command prints in a terminal that has the lab's exports."""
        return _run(command, self.env, check=True).stdout

    def http(self, method: str, url: str, **rest: Any) -> requests.Response:
        """One plain request through the gateway, with no help from any SDK."""
        proxy, ca = self.env["HTTPS_PROXY"], self.env["REQUESTS_CA_BUNDLE"]
        session = requests.Session()
        session.trust_env = False
        with session:
            return session.request(
                method, url, proxies={"https": proxy, "http": proxy}, verify=ca, timeout=30, **rest
            )

    def move_clock(self, seconds: float) -> None:
        """Set the sandbox's clock ahead, or back."""
        control.ask(self.home, "clock", move=seconds)

    def hurry(self) -> None:
        """Let the kubelet try at once what it would try again later, as a moved clock does."""
        self.move_clock(0.001)

    def log(self) -> str:
        """The newest pod's log of app 1, as `kubectl logs` prints it; "" while there is none."""
        pods = json.loads(self.kubectl("get", "pods", "-n", NAMESPACE, "-o", "json"))["items"]
        alive = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        if not alive:
            return ""
        newest = max(alive, key=lambda pod: (pod["metadata"]["creationTimestamp"], _rv(pod)))
        name = newest["metadata"]["name"]
        return self.kubectl("logs", "-n", NAMESPACE, name, "--tail=5", check=False)

    def restart(self) -> None:
        """A new pod for app 1, as `kubectl rollout restart` makes it; the old one goes."""
        self.kubectl("delete", "pod", "-n", NAMESPACE, "--all", "--wait=false")

    def log_says(self, text: str, within: float = 30) -> str:
        """Wait until app 1's log contains `text`; the log. Fails with the last log seen."""
        return until(self.log, lambda log: text in log, f"app 1's log to say {text!r}", within)


def until(
    look: Callable[[], str], good: Callable[[str], bool], what: str, within: float = 30
) -> str:
    """Poll `look` until `good`; the value. Raises AssertionError naming what was seen last."""
    end = time.monotonic() + within
    while not good(seen := look()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {within:.0f} s for {what}; last seen:\n{seen}")
        time.sleep(0.2)
    return seen


def _rv(pod: dict[str, Any]) -> int:
    return int(pod["metadata"]["resourceVersion"])


def _run(command: list[str], env: dict[str, str], check: bool) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    if check and done.returncode:
        raise AssertionError(f"{shlex.join(command)} ended {done.returncode}: {done.stderr}")
    return done


def _exports(text: str, base: dict[str, str]) -> dict[str, str]:
    """What the shell makes of the printed exports (quotes, $PATH and all)."""
    script = f'set -a\n{text}\nexec "$0" -c "import json, os; print(json.dumps(dict(os.environ)))"'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable], env=base, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))
