"""Which images the sandbox knows."""

from __future__ import annotations

import pytest

from akswi_helpers.sandbox.cluster.node.images import Program, UnknownImageError, find

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "name", "program"),
    [
        ("python:3.12", "docker.io/library/python:3.12", Program.PYTHON),
        ("busybox", "docker.io/library/busybox:latest", Program.BUSYBOX),
        ("nginx:1.29", "docker.io/library/nginx:1.29", Program.NGINX),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10", Program.PAUSE),
        (
            f"mcr.microsoft.com/azurelinux/base/python:3.12@{DIGEST}",
            f"mcr.microsoft.com/azurelinux/base/python:3.12@{DIGEST}",
            Program.PYTHON,
        ),
    ],
)
def test_find_knows_the_image(text: str, name: str, program: Program) -> None:
    found = find(text)
    assert (found.name, found.program) == (name, program)


@pytest.mark.parametrize("text", ["ghcr.io/azure/azure-workload-identity/msal-go", "xpython:3"])
def test_find_says_that_it_does_not_know_the_image(text: str) -> None:
    with pytest.raises(UnknownImageError, match="the sandbox does not know this image"):
        find(text)


def test_image_id_is_repository_and_digest() -> None:
    found = find(f"mcr.microsoft.com/azurelinux/base/python:3.12@{DIGEST}")
    assert found.id == f"mcr.microsoft.com/azurelinux/base/python@{DIGEST}"
