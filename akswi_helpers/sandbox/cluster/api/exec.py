"""pods/exec: a command in a running container, over a WebSocket.

Each message begins with its channel: 0 standard input, 1 output, 2 errors, 3 the Status that ends
it (the exit code is one of its causes), 4 the terminal's size, 255 (v5) "that channel is closed".

Source: k8s.io/apimachinery pkg/util/remotecommand and k8s.io/kubelet streaming; KEP 4006; refusals
of a kube-apiserver 1.37.2. Left out: SPDY (kubectl before 1.30), a terminal that answers while one
types: input is read to its end, then the command runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import urllib.parse
from dataclasses import replace
from typing import TYPE_CHECKING

from akswi_helpers.sandbox.cluster.api import rbac
from akswi_helpers.sandbox.cluster.node import applets, reading
from akswi_helpers.sandbox.cluster.node.images import Program, UnknownImageError, find
from akswi_helpers.sandbox.cluster.node.inner_files import Files
from akswi_helpers.sandbox.cluster.node.inside import OUTPUT, Inside, Run
from akswi_helpers.sandbox.cluster.node.insides import Insides
from akswi_helpers.sandbox.cluster.refusals import (
    StatusError,
    bad_request,
    forbidden,
    not_implemented,
)
from akswi_helpers.sandbox.wire import Reply
from akswi_helpers.types import Json

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.api.calls import Call
    from akswi_helpers.sandbox.cluster.api.exchange import Exchange

SWITCHING = 101
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")

_INPUT, _STATUS, _CLOSED = 0, 3, 255
_MOST_INPUT = 1 << 20
_END, _INTERRUPT = b"\x04", b"\x03"  # what a terminal sends for Ctrl-D and Ctrl-C
_INTERRUPTED = 130


class _GoneError(Exception):
    """The client has hung up, or the cluster closes."""


def admit(call: Call, pod: Json) -> Reply:
    """101 when the WebSocket may begin. Raises StatusError 400, 403 or 501."""
    from akswi_helpers.sandbox.cluster.api.subresources import container_of

    upgrade = call.headers.get("upgrade", "").lower()
    if upgrade == "websocket":
        _may_create(call)
    container_of(call, pod)
    if not pod["spec"].get("nodeName"):
        raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
    if upgrade.startswith("spdy"):
        how = "kubectl 1.30 and newer use WebSocket, with the verbs get and create of pods/exec"
        raise not_implemented(f"exec over SPDY; {how}")
    if upgrade != "websocket":
        raise bad_request("Upgrade request required")
    if not _protocol(call):
        offered = call.headers.get("sec-websocket-protocol", "")
        raise not_implemented(f"exec over the WebSocket protocols [{offered}]")
    if not any(call.true(name) for name in ("stdin", "stdout", "stderr")):
        raise bad_request("you must specify at least 1 of stdin, stdout, stderr")
    if not _command(call):
        raise not_implemented("exec without a command")
    return Reply(None, SWITCHING)


async def serve(call: Call, exchange: Exchange) -> None:
    """Run the command over the WebSocket that `admit` allowed."""
    await exchange.upgrade(_protocol(call))
    with contextlib.suppress(_GoneError, OSError):  # nobody is there any more
        await _Session(call, exchange).run()
        await exchange.hang_up()


class _Session:
    def __init__(self, call: Call, exchange: Exchange) -> None:
        self._call, self._exchange = call, exchange
        self._command = _command(call)
        self._terminal = call.true("tty")

    async def run(self) -> None:
        """Input, output, and the Status that ends it."""
        try:
            code = await self._write(await self._start())
            status = _success() if code == 0 else _exit(code)
        except StatusError as error:
            status = error.body()
        await self._exchange.send_frame(bytes([_STATUS]) + json.dumps(status).encode())

    async def _start(self) -> Run:
        inside, program, image = _inside(self._call)
        try:
            applets.check(self._command, program, image)
        except applets.NoSuchCommandError as error:
            raise _not_started(str(error)) from error
        if self._call.true("stdin") and reading.reads_stdin(self._command):
            given = await self._input()
            if given is None:
                return _interrupted()
            inside = replace(inside, stdin=given)
        return applets.run(self._command, inside)

    async def _write(self, pieces: Run) -> int:
        while True:
            try:
                channel, data = next(pieces)
            except StopIteration as end:
                return int(end.value)
            if self._terminal:
                channel, data = OUTPUT, data.replace(b"\n", b"\r\n")
            wanted = "stdout" if channel == OUTPUT else "stderr"
            if data and (self._call.true(wanted) or (self._terminal and channel == OUTPUT)):
                await self._exchange.send_frame(bytes([channel]) + data)
            await asyncio.sleep(0)
            if self._call.cluster.closing.is_set():
                raise _GoneError

    async def _input(self) -> bytes | None:
        """Standard input to its end; None when it was interrupted."""
        given = b""
        while len(given) <= _MOST_INPUT:
            frame = await self._frame()
            if frame[:2] == bytes([_CLOSED, _INPUT]):
                return given
            if frame[:1] != bytes([_INPUT]):
                continue  # the terminal's size
            data = frame[1:]
            if self._terminal:
                await self._echo(data)
                data = data.replace(b"\r", b"\n")
                if _INTERRUPT in data:
                    return None
                if _END in data:
                    return given + data[: data.index(_END)]
            given += data
        raise _internal(f"the sandbox reads at most {_MOST_INPUT} bytes of standard input")

    async def _echo(self, data: bytes) -> None:
        """Show what is typed, as a terminal does."""
        shown = data.replace(_END, b"").replace(_INTERRUPT, b"^C").replace(b"\r", b"\r\n")
        if shown:
            await self._exchange.send_frame(bytes([OUTPUT]) + shown)

    async def _frame(self) -> bytes:
        coming = asyncio.ensure_future(self._exchange.frame())
        closing = asyncio.ensure_future(self._call.cluster.closing.wait())
        try:
            await asyncio.wait({coming, closing}, return_when=asyncio.FIRST_COMPLETED)
            frame = coming.result() if coming.done() else None
        finally:
            for task in (coming, closing):
                task.cancel()
            await asyncio.gather(coming, closing, return_exceptions=True)
        if frame is None:
            raise _GoneError
        return frame


def _may_create(call: Call) -> None:
    """A WebSocket begins with GET; what it does needs the verb of POST as well."""
    wanted = replace(call.attributes, verb="create")
    if not rbac.allowed(call.cluster, call.user, wanted):
        raise forbidden(call.needs_kind(), call.target.name, "")  # it gives no reason


def _protocol(call: Call) -> str:
    offered = [p.strip() for p in call.headers.get("sec-websocket-protocol", "").split(",")]
    return next((protocol for protocol in PROTOCOLS if protocol in offered), "")


def _command(call: Call) -> tuple[str, ...]:
    pairs = urllib.parse.parse_qsl(call.query_string, keep_blank_values=True)
    return tuple(value for name, value in pairs if name == "command")


def _inside(call: Call) -> tuple[Inside, Program, str]:
    """The container as a command finds it. Raises StatusError when it does not run."""
    from akswi_helpers.sandbox.cluster.api.subresources import container_of

    pod = call.cluster.objects.get(call.needs_kind(), call.namespace, call.target.name)
    name, status = container_of(call, pod), pod.get("status") or {}
    rows = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    row: Json = next((row for row in rows if row["name"] == name), {})
    if "running" not in (row.get("state") or {}):
        raise _internal(f'unable to upgrade connection: container not found ("{name}")')
    spec = next(c for c in _containers(pod) if c["name"] == name)
    started = call.cluster.world.state(Insides).of(row.get("containerID", ""))
    if started is None:  # a system component goes on through a restart of the sandbox
        return Inside(Files(call.cluster.world.surroundings.folder, ()), {}), *_image(spec)
    security = {**(pod["spec"].get("securityContext") or {}), **(spec.get("securityContext") or {})}
    user = int(security.get("runAsUser") or 0)
    modes, groups = _declared(pod, spec)
    inside = Inside(
        files=Files(started.root, started.mounts, started.working_dir or "/"),
        env=started.env,
        user=user,
        group=int(security.get("runAsGroup") or 0),
        busybox=started.program is Program.BUSYBOX,
        modes=modes,
        groups=groups,
    )
    return inside, started.program, str(spec["image"])


def _containers(pod: Json) -> list[Json]:
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def _image(spec: Json) -> tuple[Program, str]:
    try:
        return find(str(spec["image"])).program, str(spec["image"])
    except UnknownImageError:
        return Program.COMPONENT, str(spec["image"])


def _declared(pod: Json, spec: Json) -> tuple[dict[str, int], dict[str, int]]:
    """Permissions of the files and the group of each mount, by its path, as the pod declares."""
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or []}
    shared = int((pod["spec"].get("securityContext") or {}).get("fsGroup") or 0)
    modes, groups = {}, {}
    for mount in spec.get("volumeMounts") or []:
        volume, path = volumes[mount["name"]], "/" + mount["mountPath"].strip("/")
        source = next((value for key, value in volume.items() if key != "name"), None) or {}
        modes[path] = int(source.get("defaultMode", 0o644))
        groups[path] = 0 if "csi" in volume else shared
    return modes, groups


def _interrupted() -> Run:
    yield OUTPUT, b""
    return _INTERRUPTED


def _internal(message: str) -> StatusError:
    said = f"Internal error occurred: {message}"
    return StatusError(500, "InternalError", said, {"causes": [{"message": message}]})


def _not_started(why: str) -> StatusError:
    """As a node's runtime reports it, through its kubelet and the API server."""
    number = secrets.token_hex(32)
    return _internal(
        "Internal error occurred: error executing command in container: failed to exec in "
        f'container: failed to start exec "{number}": OCI runtime exec failed: exec failed: '
        f"{why}: unknown"
    )


def _success() -> Json:
    return {"metadata": {}, "status": "Success"}


def _exit(code: int) -> Json:
    said = f"command terminated with non-zero exit code: exit status {code}"
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return {
        "metadata": {},
        "status": "Failure",
        "message": said,
        "reason": "NonZeroExitCode",
        "details": {"causes": causes},
    }
