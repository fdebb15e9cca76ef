"""A disk without room: a clear sentence, and what was there stays."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers.sandbox import process
from tests.sandbox.conftest import Cloud

SIZE = "400k"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() or not Path("/proc/mounts").exists():
        pytest.skip("only root on Linux can mount a small disk to fill")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine mounts no tmpfs")
    home = tmp_path / "home"
    home.mkdir()
    yield home
    process.stop(home)
    subprocess.run(["umount", str(tmp_path)], check=True)


def fill(path: Path) -> None:
    with open(path, "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 1024)


def put(cloud: Cloud, number: int) -> tuple[int, str]:
    root = f"https://management.azure.com/subscriptions/{cloud.settings.subscription_id}"
    url = f"{root}/resourceGroups/group-{number}?api-version=2024-11-01"
    body = {"location": "westeurope", "tags": {"filling": "x" * 250}}
    bearer = {"Authorization": f"Bearer {cloud.token()}"}
    answer = cloud.raw("PUT", url, json=body, headers=bearer)
    return answer.status_code, answer.text


def test_full_disk_is_named_and_nothing_is_lost(small: Path) -> None:
    cloud = Cloud(process.start(small))
    assert put(cloud, 0)[0] == 201
    with pytest.raises(OSError, match="No space left"):
        fill(small / "filler")
    seen = [put(cloud, number) for number in range(1, 40)]
    assert seen[-1][0] == 507
    assert "cannot write its state (database or disk is full); nothing was changed" in seen[-1][1]
    process.stop(small)
    with pytest.raises(process.StartRefused, match=r"is full; nothing is lost|No space left"):
        process.start(small)
    (small / "filler").unlink()
    cloud.close()
    again = Cloud(process.start(small))
    assert put(again, 0)[0] == 200
    again.close()
