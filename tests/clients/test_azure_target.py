"""The whole walk on the target "azure", with what a terminal exports and nothing more.

The kernels find Azure by the environment alone: AKSWI_HOME is another than the sandbox's, so there
is no settings file to look into and no control door to knock at.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain.standing import BIN, Standing
from tests.clients import built

pytestmark = [pytest.mark.clients, pytest.mark.timeout(900)]

OF_THE_DEPLOYER = ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A terminal that knows a sandbox by its exports, with an AKSWI_HOME that does not."""
    lab = Standing(tmp_path / "sandbox")
    elsewhere = tmp_path / "elsewhere"
    yield {**lab.env, "AKSWI_HOME": str(elsewhere), "AKSWI_TARGET": "azure"}
    assert not (elsewhere / "sandbox").exists()
    lab.akswi("sandbox", "stop")


def walk(env: dict[str, str], out: Path, *more: str) -> str:
    """What `akswi run` prints on a walk from nothing to nothing."""
    command = [str(BIN / "akswi"), "run", "--clean-up", "--out", str(out), *more]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def says_five_of_five(printed: str) -> bool:
    rows = [line for line in printed.splitlines() if line.startswith("app") and "  yes  " in line]
    ends = [line.split()[-1] for line in rows]
    return ends == ["equal"] * 5 and "Nothing of 'akswi' is running" in printed


def test_walk_passes_with_a_service_principal_in_the_environment(
    terminal: dict[str, str], tmp_path: Path
) -> None:
    assert says_five_of_five(walk(terminal, tmp_path / "out", "--yes"))


def test_walk_passes_after_az_login(terminal: dict[str, str], tmp_path: Path) -> None:
    path = f"{built.az()}{os.pathsep}{terminal['PATH']}"
    env = {**terminal, "PATH": path, "AZURE_CONFIG_DIR": str(tmp_path / "az")}
    signed_in = ["az", "login", "--service-principal", "-u", env["AZURE_CLIENT_ID"]]
    signed_in += ["-p", env["AZURE_CLIENT_SECRET"], "--tenant", env["AZURE_TENANT_ID"]]
    subprocess.run(signed_in, env=env, check=True, capture_output=True)
    for name in OF_THE_DEPLOYER:
        del env[name]
    assert says_five_of_five(walk(env, tmp_path / "out", "--yes"))


def test_walk_stops_before_the_first_write_without_consent(
    terminal: dict[str, str], tmp_path: Path
) -> None:
    command = [str(BIN / "akswi"), "run", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, env=terminal, capture_output=True, text=True)
    assert done.returncode == 1
    assert "This costs money on Azure, and nothing was made: " in done.stderr
    assert "about $" in done.stdout
