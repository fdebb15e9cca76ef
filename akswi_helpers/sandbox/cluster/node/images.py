"""The container images that the sandbox knows, and what it runs in their place.

    program_of("mcr.microsoft.com/azurelinux/base/python:3.12@sha256:…")   ->  Program.PYTHON

Nothing is pulled. A Python image runs the pod's own program with this machine's Python; a few
long-running images have a stand-in; any other image cannot be pulled, and says so.

Source: the images' own documentation. Left out: registries, pull secrets, image contents.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum


class Program(Enum):
    """What stands in for an image."""

    PYTHON = "python"  # the pod's own program
    PAUSE = "pause"  # waits until it is told to stop
    NGINX = "nginx"  # likewise; serves nothing
    BUSYBOX = "busybox"  # a few of its commands
    COMPONENT = "component"  # a system component: the sandbox itself does its work


class UnknownImageError(Exception):
    """The sandbox has nothing for this image; the text says so."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is known: the name as containerd resolves it, and its digest."""

    name: str  # "docker.io/library/busybox:1.36"
    digest: str  # "sha256:…"
    program: Program

    @property
    def id(self) -> str:
        """What a container's status calls its imageID."""
        return f"{self.name.partition('@')[0].rpartition(':')[0] or self.name}@{self.digest}"


_KNOWN: tuple[tuple[str, Program], ...] = (  # the repository's end, most telling first
    (r"(^|/)azurelinux/(base|distroless)/python", Program.PYTHON),
    (r"(^|/)(cbl-mariner/)?(base|distroless)/python", Program.PYTHON),
    (r"(^|/)devcontainers/python", Program.PYTHON),
    (r"^docker\.io/library/python", Program.PYTHON),
    (r"(^|/)(oss/kubernetes/)?pause", Program.PAUSE),
    (r"^docker\.io/library/nginx|(^|/)oss/nginx/nginx|(^|/)azurelinux/base/nginx", Program.NGINX),
    (r"(^|/)busybox(/busybox)?", Program.BUSYBOX),
    (r"(^|/)oss(/v2)?/azure/workload-identity/webhook", Program.COMPONENT),
    (r"(^|/)oss(/v2)?/azure/secrets-store/provider-azure", Program.COMPONENT),
    (r"(^|/)oss(/v2)?/kubernetes-csi/(secrets-store/driver|livenessprobe)", Program.COMPONENT),
    (r"(^|/)oss(/v2)?/kubernetes-csi/csi-node-driver-registrar", Program.COMPONENT),
)


def find(text: str) -> Image:
    """The image behind a container's `image`. Raises UnknownImageError."""
    name, _, digest = _resolved(text).partition("@")
    repository = re.sub(r":[^/:]*$", "", name)
    for pattern, program in _KNOWN:
        if re.search(f"({pattern})$", repository):
            # No layers are here to be hashed: an image given by its tag alone gets the tag's hash.
            known = digest or f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
            return Image(name + (f"@{digest}" if digest else ""), known, program)
    raise UnknownImageError(
        f'failed to pull and unpack image "{_resolved(text)}": the sandbox does not know this '
        "image (it knows Python images, pause, nginx and busybox)"
    )


def _resolved(text: str) -> str:
    """The full name, as containerd completes it: "busybox" is docker.io/library/busybox:latest."""
    name, at, digest = text.partition("@")
    first, _, rest = name.partition("/")
    if not rest:
        name = f"docker.io/library/{name}"
    elif "." not in first and ":" not in first and first != "localhost":
        name = f"docker.io/{name}"
    if not at and not re.search(r":[^/:]+$", name):
        name += ":latest"
    return name + at + digest
