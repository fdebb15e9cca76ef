"""The control door: for its owner alone, in one line of JSON each way."""

from __future__ import annotations

from pathlib import Path

import pytest

from akswi_helpers.sandbox import control, process
from akswi_helpers.sandbox.process import Running
from tests.sandbox.conftest import Cloud


def test_status_names_the_process_and_where_it_is(sandbox: Running) -> None:
    status = control.ask(sandbox.home, "status")
    assert (status["pid"], status["port"]) == (sandbox.pid, sandbox.port)
    assert status["state_file"] == str(sandbox.state_file)


def test_clock_moves_and_moves_back(sandbox: Running) -> None:
    assert control.ask(sandbox.home, "clock", move=3600)["offset"] == 3600
    assert control.ask(sandbox.home, "clock", move=-3600)["offset"] == 0


def test_dials_turn_together_or_not_at_all(sandbox: Running) -> None:
    with pytest.raises(control.ControlError, match="There is no dial 'sleep'"):
        control.ask(sandbox.home, "dials", set={"mount-back-off": 9, "sleep": 1})
    with pytest.raises(control.ControlError, match=r"takes 0 to 600 s, not -1"):
        control.ask(sandbox.home, "dials", set={"mount-back-off": -1})
    assert control.ask(sandbox.home, "dials")["dials"][0]["value"] == 2


def test_log_names_every_request_without_its_query(cloud: Cloud) -> None:
    url = "https://login.microsoftonline.com/common/discovery/instance?secret=canary"
    cloud.raw("GET", url, headers={"User-Agent": "probe\x7f/1"})
    row = control.ask(cloud.running.home, "log", limit=1)["rows"][0]
    assert row.keys() == {"time", "user_agent", "method", "host", "path", "status"}
    assert (row["user_agent"], row["path"]) == ("probe?/1", "/common/discovery/instance")


@pytest.mark.parametrize("command", ["explode", "clock"])
def test_command_that_is_none_is_refused(sandbox: Running, command: str) -> None:
    with pytest.raises(control.ControlError, match=r"^(No such command|The command cannot)"):
        control.ask(sandbox.home, command, by=1)
    assert process.running(sandbox.home)


def test_ask_says_when_nobody_is_there(tmp_path: Path) -> None:
    with pytest.raises(control.NobodyThere, match=f"no sandbox answers for {tmp_path}"):
        control.ask(tmp_path, "status")


def test_door_of_a_home_with_a_long_path_is_in_a_private_folder(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 20)
    home.mkdir()
    path = control.socket_path(home)
    assert not path.is_relative_to(home)
    assert path.parent.stat().st_mode & 0o077 == 0
    running = process.start(home)
    assert control.ask(home, "status")["pid"] == running.pid
    process.stop(home)
    path.parent.rmdir()


def test_door_refuses_a_folder_that_others_could_read(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 20)
    folder = control.socket_path(home).parent
    folder.chmod(0o755)
    with pytest.raises(control.ControlError, match="is not a private folder of yours"):
        control.socket_path(home)
    folder.rmdir()
