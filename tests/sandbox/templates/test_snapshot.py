"""What a template will make, beside what the real Bicep command line predicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akswi_helpers.sandbox.azure import arm, authorization
from akswi_helpers.sandbox.azure.directory import Directory, Principal
from akswi_helpers.sandbox.templates.foreseeing import foresee
from akswi_helpers.sandbox.templates.planning import desired
from akswi_helpers.sandbox.wire import Caller
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

from .conftest import GROUP_ID, SUBSCRIPTION, TENANT, Bicep

SAMPLES = Path(__file__).parent / "samples"
ID = f"{GROUP_ID}/providers/Microsoft.Resources/deployments/main"


def foreseen(name: str) -> dict[str, Json]:
    """Every resource the sample will make, by id, with its body."""
    world = World(subscription_id=SUBSCRIPTION, tenant_id=TENANT)
    caller = Caller("22222222-2222-2222-2222-222222222222", "client", TENANT)
    with world.transaction():
        me = Principal(caller.object_id, "client", "deployer", "Application")
        world.state(Directory).add(me)
        authorization.seed(world, caller.object_id)
        arm.call(world, caller, "PUT", GROUP_ID, "2025-04-01", {"location": "westeurope"})
    template = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    seen = foresee(world, caller, ID, {"template": template})
    world.close()
    assert seen.complete
    return {one.id: desired(one) for one in seen.resources}


def predicted(snapshot: str) -> dict[str, Json]:
    """The same from a snapshot file."""
    steering = ("id", "type", "name", "apiVersion")
    return {
        one["id"]: {key: value for key, value in one.items() if key not in steering}
        for one in json.loads(snapshot)["predictedResources"]
    }


@pytest.mark.parametrize("name", ["plain", "symbolic"])
def test_resources_are_what_bicep_predicts(name: str) -> None:
    snapshot = (SAMPLES / f"{name}.snapshot.json").read_text(encoding="utf-8")
    assert foreseen(name) == predicted(snapshot)


@pytest.mark.judge
@pytest.mark.parametrize("name", ["plain", "symbolic"])
def test_kept_prediction_is_what_bicep_says_today(bicep: Bicep, tmp_path: Path, name: str) -> None:
    bicep("build", str(SAMPLES / f"{name}.bicep"), "--outfile", str(tmp_path / f"{name}.json"))
    parameters = tmp_path / f"{name}.bicepparam"
    parameters.write_text(f"using './{name}.json'\n")
    place = ["--subscription-id", SUBSCRIPTION, "--tenant-id", TENANT]
    place += ["--resource-group", "akswiwe", "--location", "westeurope"]
    bicep("snapshot", str(parameters), "--mode", "overwrite", *place, "--deployment-name", "main")
    today = (tmp_path / f"{name}.snapshot.json").read_text(encoding="utf-8")
    assert predicted(today) == predicted((SAMPLES / f"{name}.snapshot.json").read_text())
