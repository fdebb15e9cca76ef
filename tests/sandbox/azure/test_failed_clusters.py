"""A cluster that the sandbox cannot start: Failed, for the sandbox's own reason, not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from akswi_helpers.sandbox.certificates import Authority
from akswi_helpers.sandbox.cluster.clusters import Clusters, before_they_end
from akswi_helpers.types import Json
from tests.sandbox.azure.test_containerservice import BODY, VERSION
from tests.sandbox.azure.test_deployments import ENVELOPE, Lab

TYPE = "Microsoft.ContainerService/managedClusters"
PATH = f"{TYPE}/aks-one"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def lab(authority: Authority, tmp_path: Path) -> Iterator[Lab]:
    """A lab in which no cluster can listen: nobody makes its certificate."""
    made = Lab()
    made.world.surroundings = replace(
        made.world.surroundings,
        folder=tmp_path,
        ca_file=authority.ca_file,
        server_context=_no_certificate,
    )
    yield made
    made.close()


def _no_certificate(*names: str) -> Any:
    raise ModuleNotFoundError("No module named 'trustme'")


def test_deployment_fails_and_names_the_cluster_that_cannot_start(lab: Lab) -> None:
    resource = {"type": TYPE, "apiVersion": VERSION, "name": "aks-one", **BODY}
    done = lab.deploy({**ENVELOPE, "resources": [resource]})["properties"]
    (outer,) = done["error"]["details"]
    (inner,) = outer["details"]
    assert (done["provisioningState"], inner["code"]) == ("Failed", "SandboxFault")
    assert "cannot run the cluster 'aks-one' (ModuleNotFoundError" in inner["message"]


def test_cluster_settles_as_failed_with_its_pools_and_the_reason(lab: Lab) -> None:
    found = _made(lab)
    assert found["provisioningState"] == "Failed"
    assert {pool["provisioningState"] for pool in found["agentPoolProfiles"]} == {"Failed"}
    assert "No module named 'trustme'" in found["status"]["provisioningError"]["message"]


def test_operation_of_a_failed_cluster_says_why(lab: Lab) -> None:
    reply = lab.call("PUT", PATH, BODY, VERSION)
    lab.finish()
    where = reply.headers["azure-asyncoperation"].removeprefix("https://management.azure.com")
    said = lab.get(where.partition("?")[0], "2016-03-30")
    assert (said["status"], said["error"]["code"]) == ("Failed", "SandboxFault")


def test_failed_cluster_can_be_deleted(lab: Lab) -> None:
    _made(lab)
    assert lab.call("DELETE", PATH, api=VERSION).status == 202
    assert lab.get(TYPE, VERSION)["value"] == []


def test_change_of_a_failed_cluster_tries_again(lab: Lab, authority: Authority) -> None:
    _made(lab)
    _mend(lab, authority)
    id_ = lab.call("PUT", PATH, BODY, VERSION).body["id"]
    assert _runs(lab, id_)
    found = lab.get(PATH, VERSION)["properties"]
    assert found["provisioningState"] == "Succeeded"
    assert "status" not in found


async def _fault() -> None:
    raise KeyError("a fault of ours")


async def _nothing() -> None:
    """Ends at once."""


@pytest.mark.parametrize(
    ("work", "kind", "text"),
    [(_fault, KeyError, "a fault of ours"), (_nothing, RuntimeError, "without being asked")],
)
def test_cluster_does_not_outlive_what_it_is_made_of(
    work: Callable[[], Coroutine[Any, Any, None]], kind: type[Exception], text: str
) -> None:
    async def run() -> None:
        await before_they_end(asyncio.sleep(60), [asyncio.ensure_future(work())])

    with pytest.raises(kind, match=text):
        asyncio.run(run())


def _made(lab: Lab) -> Json:
    """The properties of a cluster once it has come to an end."""
    lab.call("PUT", PATH, BODY, VERSION)
    lab.finish()
    found: Json = lab.get(PATH, VERSION)["properties"]
    return found


def _mend(lab: Lab, authority: Authority) -> None:
    surroundings = lab.world.surroundings
    lab.world.surroundings = replace(surroundings, server_context=authority.server_context)


def _runs(lab: Lab, id_: str) -> bool:
    """Whether the cluster's API comes to listen; it is closed again when it did."""

    async def run() -> bool:
        clusters = lab.world.state(Clusters)
        work = asyncio.create_task(lab.begun.pop())
        for _ in range(500):
            if clusters.ready(id_):
                break
            await asyncio.sleep(0.01)
        listened = clusters.ready(id_)
        lab.get(PATH, VERSION)
        cluster = clusters.get(id_)
        assert cluster
        cluster.closing.set()
        await work
        return listened

    return asyncio.run(run())
