"""The request log: bounded, harmless to read, and never a reason not to start."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from akswi_helpers.sandbox import request_log
from akswi_helpers.sandbox.request_log import RequestLog
from akswi_helpers.sandbox.world import World

ROW: dict[str, Any] = {
    "user_agent": "kubectl/v1.37.1",
    "method": "GET",
    "host": "management.azure.com",
    "path": "/subscriptions",
    "status": 200,
}


def log_in(folder: Path) -> RequestLog:
    world: Any = World()
    world.surroundings = SimpleNamespace(folder=folder)
    return RequestLog(world)


def test_add_is_read_by_another_process_while_open_and_after(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.add(**ROW)
    assert request_log.read(tmp_path) == log.rows()
    log.close()
    assert [{**row, "time": ""} for row in request_log.read(tmp_path)] == [{**ROW, "time": ""}]


def test_rows_are_the_newest_oldest_first(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    for status in (200, 401, 404):
        log.add(**{**ROW, "status": status})
    assert [row["status"] for row in log.rows(2)] == [401, 404]
    log.close()


def test_only_the_newest_rows_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "KEPT", 10)
    log = log_in(tmp_path)
    for _ in range(1000):
        log.add(**ROW)
    assert len(request_log.read(tmp_path, 5000)) == 10
    log.close()


def test_control_characters_and_long_texts_are_cut(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    log.add(**{**ROW, "path": "/a\x1b[31m\n" + "x" * 5000})
    path = log.rows()[0]["path"]
    assert path.startswith("/a?[31m?x")
    assert len(path) == 1000
    log.close()


def test_pods_requests_do_not_count_as_somebody_asking(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    before = log.last_asked
    log.add(**ROW, by_person=False)
    assert log.last_asked == before
    log.add(**ROW)
    assert log.last_asked > before
    log.close()


def test_damaged_log_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / request_log.FILE).write_bytes(b"not a database" * 100)
    log = log_in(tmp_path)
    log.add(**ROW)
    assert len(log.rows()) == 1
    assert (tmp_path / "requests.damaged").exists()
    log.close()


def test_log_is_private(tmp_path: Path) -> None:
    log_in(tmp_path).close()
    assert stat.S_IMODE((tmp_path / request_log.FILE).stat().st_mode) == 0o600


def test_read_finds_nothing_where_there_is_no_log(tmp_path: Path) -> None:
    assert request_log.read(tmp_path) == []
