"""What a template will make, beside what the real Bicep command line predicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from akswi_helpers import places
from akswi_helpers.sandbox.azure.arm import authorization
from akswi_helpers.sandbox.azure.arm import service as arm
from akswi_helpers.sandbox.azure.entra.directory import Directory, Principal
from akswi_helpers.sandbox.templates.foreseeing import body_so_far, foresee
from akswi_helpers.sandbox.wire import Caller
from akswi_helpers.sandbox.world import World
from akswi_helpers.types import Json

from .conftest import GROUP_ID, SUBSCRIPTION, TENANT, Bicep

SAMPLES = Path(__file__).parent / "samples"
ID = f"{GROUP_ID}/providers/Microsoft.Resources/deployments/main"


def foreseen(template: Json) -> dict[str, Json | None]:
    """Every resource the template will make, by id, with its body where that is known by now."""
    world = World(subscription_id=SUBSCRIPTION, tenant_id=TENANT)
    caller = Caller("22222222-2222-2222-2222-222222222222", "client", TENANT)
    with world.transaction():
        me = Principal(caller.object_id, "client", "deployer", "Application")
        world.state(Directory).add(me)
        authorization.seed(world, caller.object_id)
        arm.call(world, caller, "PUT", GROUP_ID, "2025-04-01", {"location": "westeurope"})
    seen = foresee(world, caller, ID, {"template": template})
    world.close()
    return {one.id: body_so_far(one) for one in seen.resources}


def loaded(path: Path) -> Json:
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def predicted(snapshot: Json) -> dict[str, Json]:
    """The same from Bicep's snapshot."""
    steering = ("id", "type", "name", "apiVersion")
    return {
        one["id"]: {key: value for key, value in one.items() if key not in steering}
        for one in snapshot["predictedResources"]
    }


def asked(bicep: Bicep, folder: Path, template: Path) -> Json:
    """What Bicep predicts for a compiled template."""
    parameters = folder / "asked.bicepparam"
    copy = folder / "asked.json"
    copy.write_bytes(template.read_bytes())
    parameters.write_text("using './asked.json'\n")
    place = ["--subscription-id", SUBSCRIPTION, "--tenant-id", TENANT]
    place += ["--resource-group", "akswiwe", "--location", "westeurope"]
    bicep("snapshot", str(parameters), "--mode", "overwrite", *place, "--deployment-name", "main")
    return loaded(folder / "asked.snapshot.json")


@pytest.mark.parametrize("name", ["plain", "symbolic"])
def test_resources_are_what_bicep_predicts(name: str) -> None:
    expected = predicted(loaded(SAMPLES / f"{name}.snapshot.json"))
    assert foreseen(loaded(SAMPLES / f"{name}.json")) == expected


@pytest.mark.judge
@pytest.mark.parametrize("name", ["plain", "symbolic"])
def test_kept_prediction_is_what_bicep_says_today(bicep: Bicep, tmp_path: Path, name: str) -> None:
    today = asked(bicep, tmp_path, SAMPLES / f"{name}.json")
    assert predicted(today) == predicted(loaded(SAMPLES / f"{name}.snapshot.json"))


@pytest.mark.judge
def test_shipped_template_makes_what_bicep_predicts(bicep: Bicep, tmp_path: Path) -> None:
    main = places.shipped("bicep") / "main.json"
    theirs, ours = predicted(asked(bicep, tmp_path, main)), foreseen(loaded(main))
    # Bicep does not know who deploys; neither knows the new identities' principals, after which
    # three assignments are named.
    known = {id_: body for id_, body in theirs.items() if "[" not in json.dumps([id_, body])}
    assert (len(theirs), len(ours)) == (25, 22)
    assert {id_: ours.get(id_) for id_ in known} == known
