"""Forked kernels: as fresh, as separate and as mortal as any other kernel."""

import importlib
import io
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers import kernel_forks, warm_kernels
from akswi_helpers.execution import Stopped, execute
from akswi_helpers.reporting import Reporter
from akswi_helpers.types import Json
from akswi_helpers.warm_kernels import Kernels

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="kernels fork on Linux only"),
    pytest.mark.timeout(120),
]


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with warm_kernels.kept() as found:
        assert found
        yield found


def _run(folder: Path, kernels: Kernels | None, *cells: str, timeout: int = 60) -> str:
    """What the last cell shows, in plain text."""
    rows: list[Json] = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": c}
        for c in cells
    ]
    notebook: Json = {"cells": [{**row, "id": f"c{n}"} for n, row in enumerate(rows)]}
    path, out = folder / "05-trial.ipynb", folder / "out.ipynb"
    path.write_text(json.dumps({**notebook, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    reporter = Reporter(folder / "progress.jsonl", io.StringIO(), io.StringIO())
    execute(path, out, {}, timeout, reporter, kernels)
    outputs = json.loads(out.read_text())["cells"][-1]["outputs"]
    return "".join(outputs[0]["data"]["text/plain"]) if outputs else ""


def test_forked_kernel_is_no_child_of_ours_and_has_its_modules_already(
    tmp_path: Path, kernels: Kernels
) -> None:
    _run(tmp_path, kernels, "import time; time.sleep(8)")  # meanwhile everything is imported
    shown = _run(tmp_path, kernels, "import os, sys; (os.getppid(), 'msgraph' in sys.modules)")
    assert shown == f"({kernels.pid}, True)"


def test_forked_kernels_share_nothing_that_one_of_them_made(
    tmp_path: Path, kernels: Kernels
) -> None:
    _run(tmp_path, kernels, "import os, json; os.environ['LEFT'] = '1'; json.left = left = 1")
    code = "import os, json; (os.environ.get('LEFT'), hasattr(json, 'left'), 'left' in globals())"
    assert _run(tmp_path, kernels, code) == "(None, False, False)"


def test_forked_kernels_draw_different_numbers(tmp_path: Path, kernels: Kernels) -> None:
    code = "import random, numpy, uuid; (random.random(), numpy.random.random(), uuid.uuid4())"
    first, second = _run(tmp_path, kernels, code), _run(tmp_path, kernels, code)
    assert not set(first.strip("()").split(", ")) & set(second.strip("()").split(", "))


def test_forked_kernel_has_the_surroundings_that_an_ordinary_one_has(
    tmp_path: Path, kernels: Kernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKSWI_LATE", "yes")
    code = """
import os, signal, sys
own = sorted((name, os.environ[name]) for name in os.environ if name != "JPY_PARENT_PID")
fds = sorted(os.listdir("/proc/self/fd"), key=int)[:3]
(own, os.getcwd(), sys.path, sys.argv[0], __name__, signal.getsignal(signal.SIGCHLD), fds)
"""
    ordinary = _run(tmp_path, None, code)
    assert "AKSWI_LATE" in ordinary
    assert _run(tmp_path, kernels, code) == ordinary


def test_forked_kernel_that_dies_takes_no_other_with_it(tmp_path: Path, kernels: Kernels) -> None:
    with pytest.raises(Stopped, match="the kernel died"):
        _run(tmp_path, kernels, "import os; os._exit(9)")
    assert _run(tmp_path, kernels, "6 * 7") == "42"


def test_forked_kernel_that_takes_too_long_is_ended(tmp_path: Path, kernels: Kernels) -> None:
    pid = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(Stopped, match="longer than 1 seconds"):
        _run(tmp_path, kernels, pid, timeout=1)
    assert _ended(int((tmp_path / "pid").read_text()))


def test_ctrl_c_ends_the_forked_kernel_and_the_next_one_runs(
    tmp_path: Path, kernels: Kernels
) -> None:
    code = f"import os, signal, time; os.kill({os.getpid()}, signal.SIGINT); time.sleep(30)"
    with pytest.raises(Stopped, match="interrupted"):
        _run(tmp_path, kernels, code)
    assert _run(tmp_path, kernels, "6 * 7") == "42"


def test_fork_that_was_interrupted_leaves_no_kernel_and_no_stale_answer(
    tmp_path: Path, kernels: Kernels
) -> None:
    argv = ["-f", str(tmp_path / "kernel.json")]
    kernels.ask(argv, dict(os.environ), str(tmp_path))  # Ctrl-C comes before the answer is read
    assert _run(tmp_path, kernels, "6 * 7") == "42"
    assert _has_no_child(kernels.pid)


def test_forked_kernel_ends_with_the_process_that_forked_it(tmp_path: Path) -> None:
    with warm_kernels.kept() as kernels:
        assert kernels
        argv = ["-f", str(tmp_path / "kernel.json")]
        forked = kernels.fork(argv, dict(os.environ), str(tmp_path))
        assert forked.poll() is None
    assert _ended(forked.pid)


def test_kernel_is_started_the_ordinary_way_when_the_process_that_forks_is_gone(
    tmp_path: Path,
) -> None:
    with warm_kernels.kept() as kernels:
        assert kernels
        os.killpg(kernels.pid, signal.SIGKILL)
        shown = _run(tmp_path, kernels, "import os; os.getppid()")
    assert int(shown) == os.getpid()


def test_kernels_are_not_forked_where_a_person_says_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKSWI_WARM_KERNELS", "0")
    with warm_kernels.kept() as kernels:
        assert kernels is None


@pytest.mark.parametrize("name", kernel_forks.MODULES)
def test_module_that_is_imported_ahead_is_there(name: str) -> None:
    assert importlib.import_module(name)


def _has_no_child(pid: int, within: float = 10) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if not Path(f"/proc/{pid}/task/{pid}/children").read_text():
            return True
        time.sleep(0.05)
    return False


def _ended(pid: int, within: float = 10) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_process_that_forks_ends_silently_when_its_answer_was_never_heard(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with warm_kernels.kept() as found:
        assert found
        found.ask([], dict(os.environ), str(tmp_path))
        time.sleep(3)
    assert "Traceback" not in capfd.readouterr().err
