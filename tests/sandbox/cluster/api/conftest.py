"""A cluster whose API listens on a real port, with real TLS, for clients that we did not write."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from akswi_helpers.sandbox.certificates import Authority
from akswi_helpers.sandbox.cluster.api.listening import free_port
from akswi_helpers.sandbox.cluster.clusters import Cluster, Clusters, ClusterSpec, NodePool
from akswi_helpers.sandbox.cluster.service_tokens import issue
from akswi_helpers.sandbox.world import Surroundings, World
from akswi_helpers.types import Json

__all__ = ["Answer", "Client", "Host", "Terminal", "free_port", "terminal"]

T = TypeVar("T")

GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/lab"
SPEC = ClusterSpec(
    resource_id=f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/aks-lab",
    name="aks-lab",
    fqdn="aks-lab-0a1b2c3d.hcp.westeurope.azmk8s.io",
    issuer="https://westeurope.oic.prod-aks.azure.com/t/1c7b6a6e-0000-4000-8000-000000000002/",
    issuer_id="1c7b6a6e-0000-4000-8000-000000000002",
    tenant_id="t",
    location="westeurope",
    version="1.37.2",
    node_pools=(
        NodePool("npsystem", "System", 1, "Standard_D2s_v5", "aks-npsystem-12345678-vmss"),
        NodePool("npuser01", "User", 1, "Standard_D2s_v5", "aks-npuser01-12345678-vmss"),
    ),
)


@dataclass
class Answer:
    """What came back over HTTP; `body` is JSON, or text."""

    status: int
    body: Any
    headers: dict[str, str]
    warnings: list[str] = field(default_factory=list)


class Host:
    """A World with one open cluster, in an event loop of its own thread.

    With `state` the World is kept in that file, and what it already holds is resumed.
    """

    def __init__(self, folder: Path, state: Path | None = None) -> None:
        self.folder, self._state = folder, state
        self.loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.authority = Authority(folder)
        self.world = self.run(self._made)
        self.cluster: Cluster = self.run(self._opened)

    def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the coroutine returns, run in the cluster's loop."""
        return asyncio.run_coroutine_threadsafe(make(), self.loop).result(30)

    def call(self, make: Callable[[], T]) -> T:
        """What the function returns, called in the cluster's loop."""

        async def called() -> T:
            return make()

        return self.run(called)

    def token(self, name: str, namespace: str = "kube-system", **options: Any) -> str:
        """A token of a service account."""
        return self.run(lambda: issue(self.cluster, namespace, name, **options))[0]

    def close(self) -> None:
        """End everything, as the sandbox does when it stops."""
        self.run(self._ended)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self.world.close()

    async def _made(self) -> World:
        world = World(self._state, tenant_id="t")
        world.surroundings = Surroundings(
            folder=self.folder,
            ca_file=self.authority.ca_file,
            proxy_url=lambda user: f"http://{user}:x@127.0.0.1:9",
            server_context=self.authority.server_context,
            spawn=self._spawn,
        )
        return world

    async def _opened(self) -> Cluster:
        clusters = self.world.state(Clusters)
        kept = clusters.get(SPEC.resource_id)
        if kept:
            clusters.resume()
        else:
            with self.world.transaction():
                _make_admin(clusters.open(SPEC))
        while not clusters.ready(SPEC.resource_id):
            await asyncio.sleep(0.01)
        cluster = clusters.get(SPEC.resource_id)
        assert cluster
        return cluster

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        return task

    async def settled(self) -> None:
        """Wait until every background task has ended."""
        await asyncio.wait(self._tasks, timeout=8)

    async def _ended(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _make_admin(cluster: Cluster) -> None:
    accounts = cluster.kind("v1", "ServiceAccount")
    bindings = cluster.kind("rbac.authorization.k8s.io/v1", "ClusterRoleBinding")
    for name in ("admin", "nobody"):
        account: Json = {"metadata": {"name": name}}
        cluster.objects.create(accounts, "kube-system", account, manager="test")
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"kind": "ServiceAccount", "name": "admin", "namespace": "kube-system"}
    binding: Json = {"metadata": {"name": "test-admin"}, "roleRef": role, "subjects": [subject]}
    cluster.objects.create(bindings, "", binding, manager="test")


class Client:
    """Raw HTTP with a token."""

    def __init__(self, host: Host, token: str) -> None:
        self._base = f"https://127.0.0.1:{host.cluster.port}"
        self._token = token
        self._context = ssl.create_default_context(cafile=str(host.authority.ca_file))
        self._context.check_hostname = False  # the certificate names the fqdn, not 127.0.0.1

    @classmethod
    def at(cls, base: str, token: str, context: ssl.SSLContext) -> Client:
        """A client of any server."""
        client = cls.__new__(cls)
        client._base, client._token, client._context = base, token, context
        return client

    def __call__(
        self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> Answer:
        """One request. `body` is JSON unless it is text; header `content_type` and the like."""
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("content-type", "application/json")
        chosen = self._token if token is None else token
        if chosen:
            sent["authorization"] = f"Bearer {chosen}"
        request = urllib.request.Request(
            self._base + path, data if body is not None else None, sent, method=method
        )
        try:
            with urllib.request.urlopen(request, context=self._context, timeout=20) as reply:
                return _answer(reply)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error)


def _answer(reply: Any) -> Answer:
    raw = reply.read()
    try:
        body = json.loads(raw)
    except ValueError:
        body = raw.decode()  # plain text, or a watch's lines
    warnings = reply.headers.get_all("warning") or []
    return Answer(reply.status, body, dict(reply.headers.items()), warnings)


@dataclass
class Terminal:
    """A place to run kubectl and helm: its own HOME, kubeconfig and caches."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, check: bool = True, text: str = "") -> str:
        """What the command prints. Raises AssertionError with its errors when it fails."""
        done = self.result(*words, text=text)
        assert not check or done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def result(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """The finished command."""
        return subprocess.run(
            [_tool(words[0]), *words[1:]],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self.environment,
            cwd=self.folder,
        )


def _tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def terminal(host: Host, folder: Path, token: str) -> Terminal:
    """A terminal in `folder` whose kubeconfig holds `token`."""
    config = folder / "kubeconfig"
    server = {
        "server": f"https://127.0.0.1:{host.cluster.port}",
        "tls-server-name": SPEC.fqdn,
        "certificate-authority": str(host.authority.ca_file),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "k", "cluster": server}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
    }
    config.write_text(json.dumps(document))
    config.chmod(0o600)
    names = {"HOME": folder, "KUBECONFIG": config, "KUBECACHEDIR": folder / "cache"}
    environment = {name: str(path) for name, path in names.items()}
    return Terminal(folder, {**environment, "PATH": os.environ["PATH"]})


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One open cluster for the tests of a file."""
    made = Host(tmp_path_factory.mktemp("host"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def admin(host: Host) -> Client:
    """Raw HTTP as a cluster admin."""
    return Client(host, host.token("admin"))


@pytest.fixture(scope="module")
def shell(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A terminal of a cluster admin."""
    return terminal(host, tmp_path_factory.mktemp("shell"), host.token("admin"))
