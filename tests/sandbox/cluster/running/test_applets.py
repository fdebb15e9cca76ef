"""The commands that exec runs: beside the real GNU coreutils, and what they must not reach."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from akswi_helpers.sandbox.cluster.node import applets
from akswi_helpers.sandbox.cluster.node.images import Program
from akswi_helpers.sandbox.cluster.node.inner_files import Files
from akswi_helpers.sandbox.cluster.node.inside import Inside
from akswi_helpers.sandbox.cluster.node.launcher import Mount

STDIN = b"in\nput"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A volume of a pod: files, a folder, links good and bad."""
    folder = tmp_path / "pod" / "volumes" / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "lines").write_text("".join(f"line {n}\n" for n in range(12)))
    (folder / "no newline").write_text("a b  c")
    (folder / "empty").touch()
    (folder / ".hidden").write_text("h\n")
    (folder / "sub" / "inner").write_text("inner\n")
    (folder / "link").symlink_to("sub/inner")
    (folder / "nowhere").symlink_to("none")
    (folder / "loop").symlink_to("loop")
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    folder.chmod(0o755)
    return folder


def run(data: Path, *command: str, busybox: bool = False) -> tuple[int, bytes, bytes]:
    """Exit code, output and errors of an applet; the volume is at /data."""
    root = data.parent.parent / "root" / "c"
    root.mkdir(parents=True, exist_ok=True)
    files = Files(root, [Mount("/data", data)], "/data")
    inside = Inside(files, {"A": "1"}, stdin=STDIN, busybox=busybox)
    applets.check(command, Program.PYTHON, "python")
    pieces, out = applets.run(command, inside), {1: b"", 2: b""}
    while True:
        try:
            channel, piece = next(pieces)
        except StopIteration as end:
            return int(end.value), out[1], out[2]
        out[channel] += piece


@pytest.mark.parametrize(
    "command",
    [
        *("cat lines", "cat empty lines none", "cat -", "cat", "cat sub", "cat loop", "cat lines/"),
        *("head lines", "head -n 2 lines", "head -3 lines", "head -c 7 lines", "head -n0 lines"),
        *("head lines empty none", "head -n 1", "head sub"),
        *("wc lines", "wc -l lines", "wc -c lines empty", "wc -lw lines none", "wc", "wc -l"),
        *("sha256sum lines empty", "sha256sum", "sha256sum none", "sha256sum sub"),
        *("ls", "ls -a", "ls -A", "ls -1 sub", "ls lines sub none", "ls sub .", "ls -d sub"),
        *("ls nowhere", "ls link", "ls loop", "ls /none", "ls lines/"),
        *("readlink link", "readlink lines", "readlink nowhere loop", "readlink -n link"),
        *("test -e lines", "test -e nowhere", "test -L nowhere", "test -s empty", "test -d sub"),
        *("test ! -f sub", "test a = b", "test a != b", "test 1 -lt 2", "test", "test -z a"),
        *("[ -f lines ]", "echo a b", "echo -n a", "echo", "true", "false"),
    ],
)
def test_a_command_answers_as_gnu_coreutils_do(data: Path, command: str) -> None:
    words = command.split()
    tool = shutil.which(words[0])
    version = subprocess.run(["ls", "--version"], capture_output=True, text=True, check=False)
    if tool is None or "GNU" not in version.stdout:
        pytest.skip("no GNU coreutils here")
    done = subprocess.run(
        words, executable=tool, cwd=data, input=STDIN, capture_output=True, env={"LC_ALL": "C"},
        check=False,
    )  # fmt: skip
    assert run(data, *words) == (done.returncode, done.stdout, done.stderr)


@pytest.mark.skipif(os.getuid() != 0, reason="the real files belong to another user than root")
@pytest.mark.parametrize("command", ["ls -l", "ls -lA", "ls -l link", "ls -lL link", "ls -l sub"])
def test_a_long_listing_is_that_of_gnu_coreutils(data: Path, command: str) -> None:
    env = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ["PATH"]}
    done = subprocess.run(command.split(), cwd=data, capture_output=True, env=env, check=False)
    assert run(data, *command.split()) == (done.returncode, done.stdout, done.stderr)


def test_ls_lists_links_that_cannot_be_followed_as_links(data: Path) -> None:
    code, out, errors = run(data, "ls", "-lL", "/data")
    assert (code, errors) == (0, b"")
    assert b" loop -> loop\n" in out


def test_ls_finds_mounts_in_folders_that_only_they_make(data: Path) -> None:
    assert run(data, "ls", "/")[1] == b"data\n"
    assert run(data, "ls", "-la", "/")[1].splitlines()[-1].endswith(b" data")


@pytest.mark.parametrize("target", ["/etc/hostname", "../" * 30 + "etc/hostname", "/proc/self"])
def test_a_link_that_leads_out_of_the_pod_leads_nowhere(data: Path, target: str) -> None:
    (data / "out").symlink_to(target)
    for path in ("out", "/data/out", "/etc/hostname", "/data/../etc/hostname"):
        code, out, _ = run(data, "cat", path)
        assert (code, out) == (1, b"")


def test_an_absolute_link_is_the_containers_own(data: Path) -> None:
    (data / "own").symlink_to("/data/sub/../lines")
    assert run(data, "cat", "own") == run(data, "cat", "lines")
    assert run(data, "readlink", "-f", "own")[1] == b"/data/lines\n"


def test_a_mount_that_is_a_link_out_of_the_pod_is_not_there(data: Path) -> None:
    (data / "sub" / "out").symlink_to("/etc/hostname")
    mounts = [Mount("/x", data / "sub" / "out"), Mount("/y", data / "link")]
    files = Files(data.parent.parent / "root" / "c", mounts)
    with pytest.raises(FileNotFoundError):
        files.find("/x")
    assert b"".join(files.pieces("/y")) == b"inner\n"


def test_what_is_no_regular_file_is_not_opened(data: Path) -> None:
    os.mkfifo(data / "pipe")
    assert run(data, "cat", "pipe") == (1, b"", b"cat: pipe: Permission denied\n")


@pytest.mark.parametrize(
    "command", ["cat -n lines", "ls -R", "head -q lines", "env A=2 env", "echo -e a", "test a b c"]
)
def test_an_option_that_is_not_emulated_is_refused_by_name(data: Path, command: str) -> None:
    code, out, errors = run(data, *command.split())
    assert (code > 0, out) == (True, b"")
    assert b"the sandbox does not emulate" in errors


@pytest.mark.parametrize(
    ("command", "program", "image", "said"),
    [
        ("sh", Program.BUSYBOX, "busybox", '"sh": executable file not found in $PATH'),
        ("cat", Program.PAUSE, "pause", '"cat": executable file not found in $PATH'),
        ("cat", Program.COMPONENT, "webhook", '"cat": executable file not found in $PATH'),
        ("cat", Program.PYTHON, "m/distroless/python", '"cat": executable file not found in $PATH'),
        ("/opt/cat", Program.BUSYBOX, "busybox", "stat /opt/cat: no such file or directory"),
    ],
)
def test_what_an_image_does_not_have_cannot_be_started(
    command: str, program: Program, image: str, said: str
) -> None:
    with pytest.raises(applets.NoSuchCommandError) as refused:
        applets.check((command,), program, image)
    assert str(refused.value).endswith(said)
