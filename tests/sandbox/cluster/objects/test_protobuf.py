"""Protobuf bodies: what a real server wrote as protobuf and as JSON is the same object."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from akswi_helpers.sandbox.cluster.tables import protobuf
from tests.sandbox.cluster.objects.vectors import cases


def bare(value: Any) -> Any:
    """The value without empty parts, which the two notations write differently."""
    if isinstance(value, dict):
        return {k: bare(v) for k, v in value.items() if bare(v) not in (None, {}, [])}
    return [bare(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", cases("protobuf"), ids=lambda case: str(case["name"]))
def test_decode_gives_what_the_json_says(case: dict[str, Any]) -> None:
    found = protobuf.decode(base64.b64decode(case["protobuf"]))
    assert bare(found) == bare(case["json"])


def test_decode_keeps_zero_behind_a_pointer() -> None:
    pod_spec = protobuf._message("io.k8s.api.apps.v1.DeploymentSpec", b"\x08\x00\x28\x00")
    assert pod_spec == {"replicas": 0}


def test_decode_reads_negative_numbers() -> None:
    spec = protobuf._message("io.k8s.api.apps.v1.DeploymentSpec", b"\x08" + b"\xff" * 9 + b"\x01")
    assert spec == {"replicas": -1}


@pytest.mark.parametrize(
    "body", [b"{}", b"k8s\0", b"k8s\0\xff", b"k8s\0\x0a\x08\x0a\x02v1\x12\x02No"]
)
def test_decode_refuses_what_is_no_kubernetes_message(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        protobuf.decode(body)


def test_decode_refuses_a_body_cut_short() -> None:
    whole = base64.b64decode(cases("protobuf")[0]["protobuf"])
    with pytest.raises(ValueError, match="ends in the middle"):
        protobuf.decode(whole[:-40])


def test_decode_refuses_a_time_that_no_calendar_has() -> None:
    beyond = b"\x0a\x0b\x42\x09\x08\xff\xff\xff\xff\xff\xff\xff\x7f"
    with pytest.raises(ValueError, match="no calendar"):
        protobuf._message("io.k8s.api.core.v1.ConfigMap", beyond)
