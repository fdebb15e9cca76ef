"""Volumes on disk: all at once, private, inside their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from akswi_helpers.sandbox.cluster.node.files import BadPathError, write


def test_write_links_each_name_through_one_folder(tmp_path: Path) -> None:
    assert write(tmp_path / "v", {"app1.py": (b"1", 0o644), "sub/f": (b"2", 0o644)})
    assert os.readlink(tmp_path / "v" / "app1.py") == "..data/app1.py"
    assert os.readlink(tmp_path / "v" / "sub") == "..data/sub"
    assert (tmp_path / "v" / "sub" / "f").read_text() == "2"


def test_write_of_the_same_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"a": (b"1", 0o644)})
    before = os.readlink(tmp_path / "..data")
    assert not write(tmp_path, {"a": (b"1", 0o644)})
    assert os.readlink(tmp_path / "..data") == before


def test_write_replaces_and_removes(tmp_path: Path) -> None:
    write(tmp_path, {"a": (b"1", 0o644), "b": (b"2", 0o644)})
    assert write(tmp_path, {"b": (b"3", 0o644)})
    assert (tmp_path / "b").read_text() == "3"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name[:2] != "..") == ["b"]
    assert len([p for p in tmp_path.iterdir() if p.name.startswith("..2")]) == 1


def test_written_files_are_private(tmp_path: Path) -> None:
    write(tmp_path / "v", {"token": (b"1", 0o644)})
    assert (tmp_path / "v" / "token").stat().st_mode & 0o077 == 0
    assert (tmp_path / "v").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "..data", ""])
def test_write_refuses_paths_that_lead_out(tmp_path: Path, path: str) -> None:
    with pytest.raises(BadPathError):
        write(tmp_path / "v", {path: (b"", 0o644)})
    assert not (tmp_path / "v").exists()
