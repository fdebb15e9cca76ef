"""The Azure provider: files out of what a SecretProviderClass asks for.

    await mount(world, node, parameters, tokens)   ->  [File("arbitrarySecret", b"Squirrel-…", …)]

All objects are checked before the first is read; if one cannot be had, there is nothing.

Source: provider 1.7.2, pkg/provider/provider.go. Left out: see `parameters` and `vault_reader`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from akswi_helpers.sandbox.cluster.secrets_store import parameters, refusals
from akswi_helpers.sandbox.cluster.secrets_store.parameters import KeyVaultObject
from akswi_helpers.sandbox.cluster.secrets_store.refusals import ProviderError, refuse
from akswi_helpers.sandbox.cluster.secrets_store.vault_reader import VaultReader
from akswi_helpers.sandbox.world import World

NAME = "azure"


@dataclass(frozen=True, slots=True)
class File:
    """One object as a file, and what the SecretProviderClassPodStatus says of it."""

    path: str
    content: bytes  # the value, nothing after it
    mode: int
    id: str  # "secret/arbitrarySecret"
    version: str  # 32 hex digits


async def mount(
    world: World, node: str, asked_for: Mapping[str, str], tokens: str = ""
) -> list[File]:
    """The files, in the order of the objects. Raises ProviderError in the provider's words."""
    asked = parameters.read(asked_for, tokens)
    reader = VaultReader(world, node, asked)
    return [await _file(reader, one) for one in asked.objects]


async def _file(reader: VaultReader, one: KeyVaultObject) -> File:
    try:
        value, version = await reader.read(one)
    except ProviderError as error:
        why = str(error)
        refuse(refusals.of_object(one.kind, one.name, one.version, why))
    content = _decoded(value, one.encoding)
    return File(one.file, content, one.mode, f"{one.kind}/{one.name}", version)


def _decoded(value: str, encoding: str) -> bytes:
    try:
        if encoding == "base64":
            return base64.b64decode(value, validate=True)
        return bytes.fromhex(value) if encoding == "hex" else value.encode()
    except (binascii.Error, ValueError) as error:
        raise refusals.unverified(f"the value is not {encoding}") from error
