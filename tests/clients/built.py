"""Clients with an environment of their own, made once in `.clients/`.

Helm releases that no package index carries are built with Go; az gets a virtual environment. Both
take minutes and gigabytes, so only `make test-clients` asks for them.
Source: the modules helm.sh/helm/v3 and helm.sh/helm/v4; the package azure-cli.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chain.standing import BIN

ROOT = Path(__file__).resolve().parents[2]

HELM = {
    "4.3": "helm.sh/helm/v4/cmd/helm@v4.3.1",
    "3.22": "helm.sh/helm/v3/cmd/helm@v3.22.0",
}


def helm(version: str) -> Path:
    """The folder that holds this release's `helm`; skips the test where Go is not found."""
    folder = ROOT / ".clients" / f"helm-{version}"
    with _one_at_a_time(folder):
        if not (folder / "helm").is_file():
            _build(HELM[version], folder)
    return folder


def az() -> Path:
    """The folder that holds `az`, installed apart: beside us it would downgrade our SDKs."""
    folder = ROOT / ".clients" / "az"
    with _one_at_a_time(folder):
        if not (folder / "bin" / "az").is_file():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            python = str(folder / "bin" / "python")
            install = [str(BIN / "uv"), "pip", "install", "-q", "-p", python]
            env = {**os.environ, "UV_SYSTEM_CERTS": "1"}
            subprocess.run([*install, "azure-cli"], check=True, env=env)
    return folder / "bin"


def kubectl_1_30() -> Path:
    """A kubectl 1.30 of this machine; skips the test where there is none."""
    for folder in os.environ["PATH"].split(os.pathsep):
        for name in ("kubectl.1.30", "kubectl1.30"):
            if (found := Path(folder).resolve() / name).is_file():
                return found
    dispatcher = shutil.which("kubectl")
    beside = Path(dispatcher).resolve().with_name("kubectl.1.30") if dispatcher else None
    if beside and beside.is_file():
        return beside
    pytest.skip("no kubectl 1.30 on this machine")


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a lock beside `folder`: two workers want the same client."""
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(module: str, folder: Path) -> None:
    go = shutil.which("go")
    if not go:
        pytest.skip("Go is not installed, so this Helm release cannot be built")
    folder.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "GOBIN": str(folder), "GOFLAGS": "-trimpath"}
    subprocess.run([go, "install", module], env=env, check=True, timeout=1500, cwd=folder)
