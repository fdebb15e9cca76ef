"""Containers as processes: what they see, what they may, and when they end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.node.images import Program
from akswi_helpers.sandbox.cluster.node.launcher import Mount, Start, StartError, start

STARTS_AND_WAITS = """
import asyncio, sys
from pathlib import Path
from akswi_helpers.sandbox.cluster.node.images import Program
from akswi_helpers.sandbox.cluster.node.launcher import Start, start

async def main():
    code = "import subprocess, os, time; p = subprocess.Popen(['sleep', '600']);"
    code += "print(os.getpid(), p.pid, flush=True); time.sleep(600)"
    command = ("python3", "-c", code)
    running = await start(Start(Program.PYTHON, command, {"PATH": "/bin"}, Path(sys.argv[1])))
    print((await running.output.readline()).decode(), flush=True)
    await running.wait()

asyncio.run(main())
"""


def run(tmp_path: Path, source: str, **options: Any) -> tuple[int, str]:
    """Exit code and output of a Python program that is mounted at /app."""
    folder = tmp_path / "app"
    folder.mkdir(exist_ok=True)
    (folder / "main.py").write_text(source)
    mounts = (Mount("/app", folder, read_only=True), *options.pop("mounts", ()))
    env = options.pop("env", {"PATH": "/bin"})
    wanted = Start(
        Program.PYTHON, ("python3", "/app/main.py"), env, tmp_path / "root", mounts, **options
    )

    async def once() -> tuple[int, str]:
        running = await start(wanted)
        said = await running.output.read()
        return await running.wait(), said.decode()

    return asyncio.run(once())


def test_program_sees_its_mounts_and_its_environment_alone(tmp_path: Path) -> None:
    source = (
        "import os, pathlib; print(os.listdir('/app'), pathlib.Path('/app/main.py').exists())\n"
    )
    source += "print(sorted(os.environ.keys() - {'LC_CTYPE', '__CF_USER_TEXT_ENCODING'}))"
    code, said = run(tmp_path, source, env={"A": "b"})
    assert (code, said) == (0, "['main.py'] True\n['A']\n")


def test_program_cannot_import_what_the_image_has_not(tmp_path: Path) -> None:
    code, said = run(tmp_path, "import cryptography")
    assert code == 1
    assert "ModuleNotFoundError: No module named 'cryptography'" in said


def test_traceback_names_the_programs_own_lines_only(tmp_path: Path) -> None:
    _, said = run(tmp_path, "1/0")
    assert said.startswith('Traceback (most recent call last):\n  File "/app/main.py", line 1')
    assert "container.py" not in said


@pytest.mark.parametrize(
    ("call", "writable"),
    [
        ("open('/app/x', 'w')", True),
        ("os.unlink('/app/main.py')", True),
        ("os.mkdir('/data')", False),
        ("open('/tmp/x', 'w')", False),
    ],
)
def test_program_cannot_write_where_it_may_not(tmp_path: Path, call: str, writable: bool) -> None:
    code, said = run(tmp_path, f"import os\n{call}", writable=writable)
    assert code == 1
    assert "OSError: [Errno 30] Read-only file system" in said


def test_program_writes_into_its_volume_and_into_a_root_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    source = "import shutil; open('/data/x', 'w').write('1'); shutil.copy('/data/x', '/data/y')\n"
    source += "open('/opt-of-the-container', 'w').write('2')"
    code, said = run(tmp_path, source, mounts=(Mount("/data", tmp_path / "data"),))
    assert (code, said) == (0, "")
    assert (tmp_path / "data" / "y").read_text() == "1"
    assert (tmp_path / "root" / "opt-of-the-container").read_text() == "2"


def test_program_starts_in_its_working_folder(tmp_path: Path) -> None:
    source = "print(open('main.py').read()[:5])\ntry: open('x', 'w')\n"
    code, said = run(tmp_path, source + "except OSError as e: print(e.errno)", working_dir="/app")
    assert (code, said) == (0, "print\n30\n")


def test_program_begins_at_the_root_of_its_container(tmp_path: Path) -> None:
    code, said = run(tmp_path, "import os; print(os.getcwd()); open('note', 'w').write('1')")
    assert (code, said) == (0, "/\n")
    assert (tmp_path / "root" / "note").read_text() == "1"


def test_what_a_container_does_is_not_shown_to_others(tmp_path: Path) -> None:
    code, said = run(tmp_path, "import sys; print(sys.orig_argv[4:])", name="app1/web/main")
    assert code == 0
    assert "main.py" not in said
    assert "app1/web/main" in said


def test_program_may_be_longer_than_a_pipe(tmp_path: Path) -> None:
    code = f"print(len({'x' * 300_000!r}))"
    wanted = Start(Program.PYTHON, ("python3", "-c", code), {"PATH": "/bin"}, tmp_path)

    async def once() -> tuple[bytes, int]:
        running = await start(wanted)
        return await running.output.read(), await running.wait()

    assert asyncio.run(once()) == (b"300000\n", 0)


def test_command_that_the_image_has_not_is_refused(tmp_path: Path) -> None:
    wanted = Start(Program.PYTHON, ("node", "main.js"), {}, tmp_path)
    with pytest.raises(StartError, match=r'exec: "node": executable file not found in \$PATH'):
        asyncio.run(start(wanted))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("import time; print('up', flush=True); time.sleep(60)", 137),
        (
            "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(0))\n"
            "print('up', flush=True)\ntime.sleep(60)",
            0,
        ),
    ],
)
def test_first_process_hears_sigterm_only_with_a_handler(
    tmp_path: Path, source: str, code: int
) -> None:
    async def ended() -> int:
        command = ("python3", "-c", source)
        running = await start(Start(Program.PYTHON, command, {"PATH": "/bin"}, tmp_path))
        await running.output.readline()
        running.signal(signal.SIGTERM)
        waiting = asyncio.ensure_future(running.wait())
        await asyncio.wait([waiting], timeout=0.5)
        running.kill()
        return await waiting

    assert asyncio.run(ended()) == code


def test_process_and_its_children_end_when_the_sandbox_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_AND_WAITS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        pids = [int(pid) for pid in sandbox.stdout.readline().split()]
        assert all(alive(pid) for pid in pids)
        sandbox.kill()
    until_gone(pids)


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.strip()[:1] not in ("", "Z")


def until_gone(pids: list[int]) -> None:
    end = time.monotonic() + 5
    while left := [pid for pid in pids if alive(pid)]:
        assert time.monotonic() < end, f"still there: {left}"
        time.sleep(0.05)


DAEMON = """
import subprocess, sys
code = "import subprocess as s; print(s.Popen(['sleep', '600'], start_new_session=True).pid)"
subprocess.run([sys.executable, "-c", code])  # it ends, and leaves its child to nobody
"""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, a daemon gets away")


@on_linux
def test_daemon_of_a_program_ends_with_it(tmp_path: Path) -> None:
    code, said = run(tmp_path, DAEMON)
    assert code == 0
    until_gone([int(said)])


@on_linux
def test_daemon_of_a_program_that_is_killed_ends(tmp_path: Path) -> None:
    async def killed() -> int:
        command = ("python3", "-c", DAEMON + "import time; time.sleep(600)")
        running = await start(Start(Program.PYTHON, command, {"PATH": "/bin"}, tmp_path))
        pid = int(await running.output.readline())
        running.kill()
        await running.wait()
        return pid

    until_gone([asyncio.run(killed())])


@on_linux
def test_daemon_ends_when_the_sandbox_is_killed(tmp_path: Path) -> None:
    source = STARTS_AND_WAITS.replace("'600'])", "'600'], start_new_session=True)")
    command = [sys.executable, "-c", source, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        pids = [int(pid) for pid in sandbox.stdout.readline().split()]
        assert os.getsid(pids[0]) != os.getsid(pids[1])
        sandbox.kill()
    until_gone(pids)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("bytearray(600 << 20)", "MemoryError"),
        ("open('big', 'w').truncate((1 << 30) + 1)", "File too large"),
        ("[open('/dev/null') for _ in range(300)]", "Too many open files"),
    ],
)
def test_program_that_wants_too_much_is_refused(tmp_path: Path, source: str, said: str) -> None:
    code, output = run(tmp_path, source, memory=32 << 20)
    assert code == 1
    assert said in output
