"""A lab with all five apps running, for the tests of this folder; each mends what it breaks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from akswi_helpers import application, apps, node_identity
from akswi_helpers.lab import open_lab
from akswi_helpers.sandbox import process
from tests.chain.azure_side import AzureSide
from tests.chain.links import Chains
from tests.chain.standing import Standing


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """A lab that the verbs brought to its last stage; the kubelet is hurried, not waited for."""
    home = Path(tmp_path_factory.mktemp("home"))
    lab = Standing(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AKSWI_HOME", str(home))
        patch.setenv("AKSWI_HEADLESS", "1")
        try:
            opened = open_lab("04", catch_up=True)
            application.federate(opened)
            node_identity.assign(opened)
            lab.hurry()
            for app in ("app2", "app3"):
                apps.wait(opened, app)
            yield lab
        finally:
            process.stop(home)


@pytest.fixture(scope="session")
def azure(standing: Standing) -> AzureSide:
    return AzureSide(standing)


@pytest.fixture(scope="session")
def chains(standing: Standing, azure: AzureSide) -> Chains:
    return Chains(standing, azure)
