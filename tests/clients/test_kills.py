"""The sandbox is killed at random moments of a walk; the walk goes on where it stopped.

Twenty kills, each in a home of its own. After each, `akswi run --from` the notebook that failed
(or a whole run, when the kill hurt nobody) is green, nothing was made twice, no process is left.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from akswi_helpers.scenarios import NAMES
from tests.chain.standing import BIN, Standing

pytestmark = pytest.mark.clients

KILLS = 20
WALK_S = float(os.environ.get("AKSWI_WALK_SECONDS", "40"))  # about how long a walk takes here


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(KILLS))
def test_walk_goes_on_after_the_sandbox_was_killed(seed: int, tmp_path: Path) -> None:
    lab = Standing(tmp_path / "home")
    moment = random.Random(seed).uniform(0.5, WALK_S)
    stopped_in = _walk_and_kill(lab, tmp_path / "out", moment)
    try:
        start = ("--from", stopped_in) if stopped_in else ()
        lab.akswi("run", *start, "--to", "07", "--yes", "--out", str(tmp_path / "again"))
        _made_once(lab)
        lab.akswi("run", "--only", "99", "--yes", "--out", str(tmp_path / "last"))
    finally:
        lab.akswi("sandbox", "stop", check=False)
    assert _processes_of(lab.home) == []


def _walk_and_kill(lab: Standing, out: Path, moment: float) -> str:
    """The number of the notebook that failed, or "" when all went well."""
    command = [str(BIN / "akswi"), "run", "--to", "07", "--yes", "--out", str(out)]
    env = {**os.environ, "AKSWI_HOME": str(lab.home), "AKSWI_HEADLESS": "1"}
    walk = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    time.sleep(moment)
    _kill_sandbox(lab)
    text, _ = walk.communicate(timeout=240)
    assert walk.returncode in (0, 1), text
    assert "Traceback" not in text, text
    if walk.returncode == 0:
        return ""
    named = re.findall(r"\b(\d\d)-[a-z0-9-]+", text)
    assert named, text
    return str(named[-1])


def _kill_sandbox(lab: Standing) -> None:
    status = lab.akswi("sandbox", "status", check=False).stdout
    if found := re.search(r"pid\D+(\d+)", status):
        os.kill(int(found[1]), signal.SIGKILL)


def _made_once(lab: Standing) -> None:
    pods = json.loads(lab.kubectl("get", "pods", "-A", "-o", "json"))["items"]
    alive = [pod["metadata"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    assert sorted(one["namespace"] for one in alive if one["namespace"] in NAMES) == list(NAMES)
    releases = json.loads(lab.run(["helm", "list", "-A", "-o", "json"]))
    assert [release["name"] for release in releases] == list(NAMES)
    assert {release["status"] for release in releases} == {"deployed"}


def _processes_of(home: Path) -> list[str]:
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return [line for line in found.stdout.splitlines() if str(home) in line]
