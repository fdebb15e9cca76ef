"""Tables: the cells that `kubectl get` prints."""

from __future__ import annotations

from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.printing.columns import definitions, table
from akswi_helpers.sandbox.cluster.printing.durations import human, since, unix
from akswi_helpers.sandbox.cluster.tables.kinds import Kind, builtin
from tests.sandbox.cluster.objects.test_kinds import CRD

MADE = "2026-11-24T12:00:00Z"
NOW = unix(MADE) + 125


def cells(api_version: str, kind: str, obj: dict[str, Any]) -> dict[str, Any]:
    """The first row of the object's table, by column name."""
    of = builtin().named(api_version, kind)
    named = {**obj, "metadata": {"name": "x", "creationTimestamp": MADE, **obj.get("metadata", {})}}
    found = table(of, [named], now=NOW)
    return dict(
        zip(
            (column["name"] for column in found["columnDefinitions"]),
            found["rows"][0]["cells"],
            strict=True,
        )
    )


def pod(*statuses: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pod of two containers whose statuses are these."""
    status = {"phase": "Running", "containerStatuses": list(statuses), **more.pop("status", {})}
    spec = {"containers": [{"name": "a"}, {"name": "b"}], **more.pop("spec", {})}
    return {"spec": spec, "status": status, **more}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (123, "2m3s"),
        (600, "10m"),
        (3 * 3600 + 5, "3h"),
        (3 * 3600 + 300, "3h5m"),
        (9 * 3600 + 300, "9h"),
        (49 * 3600, "2d1h"),
        (30 * 86400, "30d"),
        (800 * 86400, "2y70d"),
        (4000 * 86400, "10y"),
    ],
)
def test_duration_reads_as_kubectl_prints_it(seconds: int, text: str) -> None:
    assert human(seconds) == text


def test_age_is_unknown_without_a_time() -> None:
    assert since(None, NOW) == "<unknown>"
    assert since(MADE, NOW) == "2m5s"


def test_pod_counts_ready_containers_and_restarts() -> None:
    up = {"name": "a", "ready": True, "state": {"running": {}}, "restartCount": 2}
    ended = {"finishedAt": "2026-11-24T12:01:05Z"}
    back = {"name": "b", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 1}
    row = cells("v1", "Pod", pod(up, {**back, "lastState": {"terminated": ended}}))
    assert (row["Ready"], row["Status"]) == ("1/2", "CrashLoopBackOff")
    assert (row["Restarts"], row["Age"]) == ("3 (60s ago)", "2m5s")


def test_pod_is_terminating_while_it_goes() -> None:
    row = cells("v1", "Pod", pod(metadata={"deletionTimestamp": MADE}))
    assert row["Status"] == "Terminating"
    assert (row["IP"], row["Node"]) == ("<none>", "<none>")


def test_pod_tells_which_init_container_it_waits_for() -> None:
    inits = [
        {"name": "i", "state": {"terminated": {"exitCode": 0}}},
        {"name": "j", "state": {"waiting": {"reason": "PodInitializing"}}},
    ]
    spec = {"initContainers": [{"name": "i"}, {"name": "j"}]}
    row = cells("v1", "Pod", pod(spec=spec, status={"initContainerStatuses": inits}))
    assert (row["Status"], row["Ready"]) == ("Init:1/2", "0/2")


def test_finished_pod_carries_a_row_condition() -> None:
    made = pod(metadata={"name": "x", "creationTimestamp": MADE}, status={"phase": "Succeeded"})
    row = table(builtin().named("v1", "Pod"), [made], now=NOW)["rows"][0]
    assert row["conditions"][0]["reason"] == "Succeeded"


def test_service_prints_its_ports_and_waits_for_its_address() -> None:
    ports = [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]
    spec = {"type": "LoadBalancer", "clusterIPs": ["10.0.0.9"], "ports": ports}
    row = cells("v1", "Service", {"spec": spec})
    assert row["Port(s)"] == "80:30080/TCP,53/UDP"
    assert row["External-IP"] == "<pending>"


def test_deployment_prints_zeros_before_it_is_ready() -> None:
    template = {"spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    row = cells("apps/v1", "Deployment", {"spec": spec})
    assert (row["Ready"], row["Up-to-date"], row["Available"]) == ("0/2", 0, 0)
    assert (row["Containers"], row["Selector"]) == ("c", "a=b")


def test_table_carries_what_was_asked_for() -> None:
    kind, obj = builtin().named("v1", "ConfigMap"), {"metadata": {"name": "c"}, "data": {"a": "b"}}
    carried = [
        table(kind, [obj], now=NOW, include=include)["rows"][0]["object"]
        for include in ("None", "Metadata", "Object")
    ]
    assert carried[0] is None
    assert carried[1] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": "c"},
    }
    assert carried[2] is obj


def test_kind_without_cells_of_its_own_shows_name_and_age() -> None:
    assert list(cells("networking.k8s.io/v1", "Ingress", {})) == ["Name", "Age"]


def custom(*columns: dict[str, Any]) -> Kind:
    version = {**CRD["spec"]["versions"][0], "additionalPrinterColumns": list(columns)}  # type: ignore[index]
    definition = {"spec": {**CRD["spec"], "versions": [version]}}
    return builtin().with_definitions([definition]).named("x.io/v1", "Foo")


@pytest.mark.parametrize(
    ("type_", "path", "cell"),
    [
        ("string", ".spec.a", "x"),
        ("integer", ".spec.n", 3),
        ("boolean", ".spec.b", True),
        ("string", ".spec.b", "true"),
        ("integer", ".spec.b", None),
        ("integer", ".spec.a", None),
        ("number", ".spec.f", 1.5),
        ("string", ".spec.l", '[{"x":1},{"x":2}]'),
        ("string", ".spec.l[*].x", "1"),
        ("string", ".spec.l[1].x", "2"),
        ("string", '.status.c[?(@.type=="R")].status', "True"),
        ("string", ".spec.none.there", None),
        ("date", ".metadata.creationTimestamp", "2m5s"),
    ],
)
def test_custom_column_shows_what_its_path_finds(type_: str, path: str, cell: object) -> None:
    kind = custom({"name": "C", "type": type_, "jsonPath": path})
    spec = {"a": "x", "n": 3, "b": True, "f": 1.5, "l": [{"x": 1}, {"x": 2}]}
    status = {"c": [{"type": "Q", "status": "False"}, {"type": "R", "status": "True"}]}
    obj = {"metadata": {"name": "f", "creationTimestamp": MADE}, "spec": spec, "status": status}
    assert table(kind, [obj], now=NOW)["rows"][0]["cells"] == ["f", cell]
    assert [column["name"] for column in definitions(kind)] == ["Name", "C"]
