"""What a helm release holds, beside the chart in its folder and the objects in the cluster."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from akswi_helpers import apps, cluster, helm, scenarios
from akswi_helpers.lab import Lab
from akswi_helpers.types import Json


@pytest.fixture
def release(lab: Lab) -> Json:
    """App 1's release, as helm keeps it in the cluster."""
    path = "/api/v1/namespaces/app1/secrets"
    found = cluster.read(lab, path, labelSelector="owner=helm,name=app1,status=deployed")
    assert found is not None
    return helm.decode(found["items"][0])


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A copy of app 1's chart, to be edited."""
    return shutil.copytree(scenarios.named("app1").chart, tmp_path / "chart")


def test_release_holds_the_chart_and_the_values(lab: Lab, release: Json, chart: Path) -> None:
    assert helm.same_chart(release["chart"], chart)
    assert release["config"] == apps.values(lab, "app1")


@pytest.mark.parametrize(
    "name", ["files/app1.py", "templates/deployment.yaml", "values.yaml", "values.schema.json"]
)
def test_release_is_another_when_a_file_changes(release: Json, chart: Path, name: str) -> None:
    text = (chart / name).read_text()
    (chart / name).write_text(text.replace("secret", "password"))
    assert (chart / name).read_text() != text
    assert not helm.same_chart(release["chart"], chart)


def test_release_is_another_when_a_template_comes_or_goes(release: Json, chart: Path) -> None:
    (chart / "templates" / "more.yaml").write_text("")
    assert not helm.same_chart(release["chart"], chart)
    (chart / "templates" / "more.yaml").unlink()
    (chart / "templates" / "configmap.yaml").unlink()
    assert not helm.same_chart(release["chart"], chart)


def test_values_hold_no_secret(lab: Lab) -> None:
    file = lab.folder / "values-app1.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert lab.cloud.exports["AZURE_CLIENT_SECRET"] not in file.read_text()
