"""The process: one per home, back after a crash as it was, and clear sentences when it cannot."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from akswi_helpers.sandbox import control, process
from akswi_helpers.sandbox.process import StartRefused

URL = "https://login.microsoftonline.com/common/discovery/instance"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    process.stop(tmp_path)


def answers(running: process.Running) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        proxies = {"https": running.proxy_url()}
        found = session.get(URL, proxies=proxies, verify=str(running.ca_file), timeout=10)
        return found.status_code == 200


def killed(running: process.Running) -> None:
    os.kill(running.pid, signal.SIGKILL)
    end = time.monotonic() + 5
    while process.running(running.home) and time.monotonic() < end:
        time.sleep(0.01)


def test_start_makes_a_process_that_answers(home: Path) -> None:
    running = process.start(home)
    assert answers(running)
    found = process.running(home)
    assert found
    assert (found.pid, found.settings) == (running.pid, running.settings)


def test_start_again_finds_the_same_process(home: Path) -> None:
    assert process.start(home).pid == process.start(home).pid == process.ensure(home).pid


def test_two_starters_at_once_make_one_process(home: Path) -> None:
    code = (
        "import sys, pathlib; from akswi_helpers.sandbox import process;"
        "print(process.start(pathlib.Path(sys.argv[1])).pid)"
    )
    command = [sys.executable, "-c", code, str(home)]
    with ThreadPoolExecutor(3) as pool:
        texts = list(pool.map(lambda _: subprocess.check_output(command, text=True), range(3)))
    assert len(set(texts)) == 1


def test_sandbox_outlives_who_started_it(home: Path) -> None:
    code = (
        "import sys, pathlib; from akswi_helpers.sandbox import process;"
        "process.start(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, str(home)], check=True)
    running = process.running(home)
    assert running
    assert os.getsid(running.pid) == running.pid


def test_restart_after_a_kill_keeps_port_authority_password_and_state(home: Path) -> None:
    first = process.start(home)
    control.ask(home, "clock", move=7200)
    authority = first.ca_file.read_bytes()
    killed(first)
    assert process.running(home) is None
    second = process.start(home)
    assert (second.settings, second.ca_file.read_bytes()) == (first.settings, authority)
    assert second.pid != first.pid
    assert control.ask(home, "clock")["offset"] == 7200
    assert answers(second)


def test_stop_ends_the_process_and_keeps_the_state(home: Path) -> None:
    running = process.start(home)
    assert process.stop(home)
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)
    assert not process.stop(home)
    assert running.state_file.exists()


def test_stop_ends_a_process_that_does_not_listen(home: Path) -> None:
    running = process.start(home)
    os.kill(running.pid, signal.SIGSTOP)
    assert process.stop(home, patience=0.3)
    assert process.running(home) is None


def test_reset_removes_the_sandbox_and_its_labs_alone(home: Path) -> None:
    process.start(home)
    for name in ("sandbox-akswi", "azure-akswi"):
        (home / name).mkdir()
    gone = process.reset(home)
    assert [folder.name for folder in gone] == ["sandbox", "sandbox-akswi"]
    assert [folder.name for folder in home.iterdir()] == ["azure-akswi"]


def test_everything_kept_is_private(home: Path) -> None:
    running = process.start(home)
    folder = running.ca_file.parent
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in folder.iterdir()}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes["control.sock"] == 0o600


def test_secrets_are_not_in_the_process_list_the_log_or_a_repr(home: Path) -> None:
    running = process.start(home)
    answers(running)
    listed = ["ps", "-o", "args=", "-p", str(running.pid)]
    arguments = subprocess.check_output(listed, text=True)
    assert "akswi_helpers.sandbox" in arguments
    kept = (home / "sandbox" / "sandbox.log").read_text() + repr(running) + arguments
    assert running.settings.proxy_password not in kept
    assert running.settings.client_secret not in kept


def test_start_refuses_a_port_that_is_taken(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartRefused, match=f"Port {port} on 127.0.0.1 is taken") as refused:
            process.start(home, port=port)
    assert str(refused.value).endswith("Choose one with `akswi sandbox start --port`.")
    assert process.start(home, port=port).port == port


def test_start_refuses_another_port_while_it_runs(home: Path) -> None:
    port = process.start(home).port
    with pytest.raises(StartRefused, match=f"already runs with --port {port}"):
        process.start(home, port=port + 1)


def test_start_refuses_to_become_another_tenant(home: Path) -> None:
    wanted = "11111111-1111-4111-8111-111111111111"
    assert process.start(home, tenant_id=wanted).settings.tenant_id == wanted
    process.stop(home)
    with pytest.raises(StartRefused, match=f"made with --tenant-id {wanted}"):
        process.start(home, tenant_id="22222222-2222-4222-8222-222222222222")


def test_start_refuses_a_state_of_a_newer_version(home: Path) -> None:
    process.start(home)
    process.stop(home)
    _say_version(home, 99)
    with pytest.raises(StartRefused, match="is of version 99; this akswi writes 1"):
        process.start(home)


def test_start_refuses_a_state_that_cannot_be_read(home: Path) -> None:
    process.start(home)
    process.stop(home)
    (home / "sandbox" / "state.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StartRefused, match="`akswi sandbox reset` puts a new one in its place"):
        process.start(home)


def test_start_refuses_a_state_that_another_program_holds(home: Path) -> None:
    process.start(home)
    process.stop(home)
    other = sqlite3.connect(home / "sandbox" / "state.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StartRefused, match="Another process holds the sandbox's state file"):
        process.start(home)
    other.close()
    assert process.start(home)


def test_start_refuses_an_authority_that_cannot_be_read(home: Path) -> None:
    process.start(home)
    process.stop(home)
    (home / "sandbox" / "ca.pem").write_text("nothing")
    with pytest.raises(StartRefused, match=r"certificate authority .* cannot be read"):
        process.start(home)


def test_start_refuses_a_home_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(StartRefused, match="cannot keep its files in"):
        process.start(tmp_path / "home")


def test_start_refuses_settings_that_cannot_be_read(home: Path) -> None:
    process.start(home)
    process.stop(home)
    (home / "sandbox" / "settings.json").write_text("{")
    with pytest.raises(StartRefused, match="akswi sandbox reset"):
        process.start(home)


def test_idle_sandbox_stops_by_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKSWI_IDLE_HOURS", str(0.3 / 3600))
    pid = process.start(home).pid
    end = time.monotonic() + 5
    while process.running(home) and time.monotonic() < end:
        time.sleep(0.05)
    assert process.running(home) is None
    monkeypatch.delenv("AKSWI_IDLE_HOURS")
    assert process.start(home).pid != pid


def _say_version(home: Path, version: int) -> None:
    file = sqlite3.connect(home / "sandbox" / "state.sqlite")
    file.execute(f"PRAGMA user_version={version}")
    file.commit()
    file.close()
