"""Ctrl-C and a sandbox that dies: one sentence, exit 1, and the way on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers.sandbox import process
from tests.chain.standing import BIN, Standing, until


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Standing]:
    """A home of its own, with nothing in it."""
    lab = Standing(tmp_path / "home")
    yield lab
    process.stop(lab.home)


def _walk(alone: Standing, *arguments: str) -> subprocess.Popen[str]:
    command = [str(BIN / "akswi"), "run", "--yes", "--out", str(alone.home / "out"), *arguments]
    env = {**os.environ, "AKSWI_HOME": str(alone.home)}
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _wait_for_deployment(alone: Standing) -> int:
    """The sandbox's pid, once the second notebook has begun."""
    out = alone.home / "out" / "01-deploy-the-infrastructure.ipynb"
    until(lambda: str(out.exists()), lambda text: text == "True", "notebook 01", 60)
    time.sleep(1)
    running = process.running(alone.home)
    assert running is not None
    return running.pid


@pytest.mark.timeout(150)
def test_run_cleans_up_after_ctrl_c_and_ends_with_1(alone: Standing) -> None:
    walk = _walk(alone, "--clean-up")
    _wait_for_deployment(alone)
    walk.send_signal(signal.SIGINT)
    out, err = walk.communicate(timeout=120)
    assert walk.returncode == 1
    assert "interrupted" in err
    assert "Traceback" not in out + err
    assert "99-clean-up" in out.splitlines()[-1]
    assert out.splitlines()[-1].endswith("ok")
    assert process.running(alone.home) is None


@pytest.mark.timeout(150)
def test_second_ctrl_c_lets_the_clean_up_go_on_and_says_so(alone: Standing) -> None:
    walk = _walk(alone, "--clean-up")
    _interrupt_twice(alone, walk)
    out, err = _to_its_end(walk)
    assert err.count("The clean-up goes on") == 1
    assert out.splitlines()[-1].startswith("99-clean-up")
    assert out.splitlines()[-1].endswith("ok")


@pytest.mark.timeout(150)
def test_third_ctrl_c_ends_the_clean_up_and_names_the_way_on(alone: Standing) -> None:
    walk = _walk(alone, "--clean-up")
    _interrupt_twice(alone, walk)
    said = _until_it_says(walk, "The clean-up goes on")
    walk.send_signal(signal.SIGINT)
    out, err = _to_its_end(walk)
    assert (walk.returncode, out.splitlines()[-1].endswith("failed")) == (1, True)
    assert "99-clean-up, cell" in err
    assert "'akswi run --only 99' then finishes it" in said + err
    assert "Traceback" not in out + said + err


def _interrupt_twice(alone: Standing, walk: subprocess.Popen[str]) -> None:
    """Once while it deploys, once while it cleans up."""
    _wait_for_deployment(alone)
    walk.send_signal(signal.SIGINT)
    _until_it_says(walk, "99-clean-up, cell")
    walk.send_signal(signal.SIGINT)


def _until_it_says(walk: subprocess.Popen[str], text: str) -> str:
    """What it writes to stderr up to the line with `text`; all of it where there is none."""
    said = ""
    assert walk.stderr is not None
    for line in walk.stderr:
        said += line
        if text in line:
            break
    return said


def _to_its_end(walk: subprocess.Popen[str]) -> tuple[str, str]:
    """What it still writes to stdout and to stderr."""
    assert walk.stdout is not None
    assert walk.stderr is not None
    with walk.stdout, walk.stderr:
        err, out = walk.stderr.read(), walk.stdout.read()
    walk.wait(timeout=120)
    return out, err


@pytest.mark.clients  # twenty more moments are in tests/clients
@pytest.mark.timeout(150)
def test_run_goes_on_after_the_sandbox_died(alone: Standing) -> None:
    walk = _walk(alone, "--to", "01")
    os.kill(_wait_for_deployment(alone), signal.SIGKILL)
    out, err = walk.communicate(timeout=120)
    assert "Traceback" not in out + err
    if walk.returncode:
        assert "01-deploy-the-infrastructure, cell" in err
        assert "akswi sandbox start" in err
    alone.akswi("run", "--from", "01", "--to", "01", "--yes", "--out", str(alone.home / "again"))
