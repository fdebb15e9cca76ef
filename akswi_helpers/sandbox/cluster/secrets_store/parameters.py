"""What a SecretProviderClass asks the Azure provider for, checked in the provider's order.

    read(parameters, tokens)   ->  Asked(vault="kv-app2", tenant="…", identity=…, objects=(…))

Every text is the provider's; nothing here touches the network. `tokens` is what the kubelet puts
into the volume context: {"api://AzureADTokenExchange": {"token": "eyJ…", …}} as JSON.

Source: provider 1.7.2, pkg/provider/{provider,validate}.go and types/. Left out: usePodIdentity,
credentials from a Secret, other clouds, objectVersionHistory over 1; each is refused by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from akswi_helpers.sandbox.cluster.secrets_store import refusals
from akswi_helpers.sandbox.cluster.secrets_store.refusals import ProviderError, not_emulated, refuse
from akswi_helpers.types import ClientId, Jws

AUDIENCE = "api://AzureADTokenExchange"
SUFFIX = "vault.azure.net"
DEFAULT_MODE = 0o644

_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")
_PUBLIC = ("AZURECLOUD", "AZUREPUBLICCLOUD")
_OTHER_CLOUDS = (
    "AZURECHINACLOUD",
    "AZUREGERMANCLOUD",
    "AZUREUSGOVERNMENT",
    "AZUREUSGOVERNMENTCLOUD",
    "AZURESTACKCLOUD",
)
_TENANT = re.compile(r"[A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class KeyVaultObject:
    """One object of a vault and the file it becomes."""

    kind: str  # "secret"; checked at its turn, as the provider does
    name: str
    version: str  # "" for the newest
    file: str  # the alias, or the name
    encoding: str  # "", "utf-8", "base64" or "hex"
    mode: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: a pod by its token, or the node by an identity of its scale set."""

    client_id: ClientId  # "" on a node: the only identity that is there
    token: Jws | None  # the pod's token; None means the node


@dataclass(frozen=True, slots=True)
class Asked:
    """What to read, from where, and as whom."""

    vault: str
    tenant: str
    identity: Identity
    objects: tuple[KeyVaultObject, ...]


def read(parameters: Mapping[str, str], tokens: str = "") -> Asked:
    """What the parameters ask for. Raises ProviderError in the provider's words."""

    def value(name: str) -> str:
        return parameters.get(name, "").strip()

    by_pod = _flag(value("usePodIdentity"), "usePodIdentity")
    by_node = _flag(value("useVMManagedIdentity"), "useVMManagedIdentity")
    if refusals.NEWER and by_pod and by_node:
        refuse(refusals.too_many_modes())
    vault = value("keyvaultName") or refuse(refusals.missing("keyvaultName"))
    tenant = value("tenantID") or value("tenantId") or refuse(refusals.missing("tenantId"))
    _cloud(value("cloudName"), value("cloudEnvFileName"))
    client = value("clientID")
    token = _token(tokens, by_pod, by_node) if client else None
    _mode(by_pod, by_node, client)
    identity = (
        Identity(value("userAssignedIdentityID"), None) if by_node else Identity(client, token)
    )
    objects = tuple(_objects(parameters.get("objects", "")))
    if objects:
        _check_vault(vault)
    _served(by_pod, tenant)
    return Asked(vault, tenant, identity, objects)


def _flag(text: str, name: str) -> bool:
    if text and text not in _TRUE + _FALSE:
        why = f'strconv.ParseBool: parsing "{text}": invalid syntax'
        refuse(f"failed to parse {name} flag, error: {why}")
    return text in _TRUE


def _cloud(name: str, file: str) -> None:
    if file:
        raise not_emulated("cloudEnvFileName")
    if not name or name.upper() in _PUBLIC:
        return
    if name.upper() in _OTHER_CLOUDS:
        raise not_emulated(f"the cloud {name}")
    why = f'autorest/azure: There is no cloud environment matching the name "{name.upper()}"'
    refuse(f"cloudName {name} is not valid, error: {why}")


def _token(tokens: str, by_pod: bool, by_node: bool) -> Jws:
    """The pod's token for Entra out of what the kubelet gave; wanted whenever clientID is set."""
    if not tokens:
        why = "service account tokens not found"
    elif found := json.loads(tokens).get(AUDIENCE, {}).get("token"):
        return str(found)
    else:
        why = f"token for audience {AUDIENCE} not found"
    said = f"failed to parse workload identity tokens, error: {why}"
    mode = "PodIdentity" if by_pod else "VMManagedIdentity" if by_node else "None"
    refuse(refusals.configuring(mode, said) if refusals.NEWER else said)


def _mode(by_pod: bool, by_node: bool, client: str) -> None:
    if by_pod and by_node:
        refuse(refusals.too_many_modes())
    if not (by_pod or by_node or client):
        why = "failed to get credentials, nodePublishSecretRef secret is not set"
        refuse(refusals.configuring("None", why))


def _served(by_pod: bool, tenant: str) -> None:
    if by_pod:
        raise not_emulated("usePodIdentity")
    if not _TENANT.fullmatch(tenant):
        raise refusals.unverified("invalid tenantID")


def _check_vault(name: str) -> None:
    said = f'failed to get vault: Invalid vault name: "{name}", must '
    if not 3 <= len(name) <= 24:
        refuse(f"{said}be between 3 and 24 chars")
    if not re.fullmatch(r"[-A-Za-z0-9]+", name):
        refuse(f"{said}match [-a-zA-Z0-9]{{3,24}}")


def _objects(text: str) -> Iterator[KeyVaultObject]:
    if not text:
        refuse("objects is not set")
    for number, item in enumerate(_array(text)):
        yield _object(_fields(item, number))


def _array(text: str) -> list[str]:
    """The texts under `array`; each is YAML again."""
    import yaml

    try:
        document = yaml.load(text, yaml.BaseLoader)
    except yaml.YAMLError as error:
        why = "failed to yaml unmarshal objects, error: yaml: it cannot be read"
        raise refusals.unverified(why) from error
    array = document.get("array") or [] if isinstance(document, dict) else document or []
    texts = isinstance(array, list) and all(isinstance(one, str) for one in array)
    if not texts or not isinstance(document or {}, dict):
        why = "failed to yaml unmarshal objects, error: yaml: array is not a list of texts"
        raise refusals.unverified(why)
    return list(array)


def _fields(text: str, number: int) -> dict[str, str]:
    import yaml

    said = f"unmarshal failed for keyVaultObjects at index {number}, error: yaml: "
    try:
        found = yaml.load(text, yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise refusals.unverified(f"{said}it cannot be read") from error
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise refusals.unverified(f"{said}it is not a map of texts")
    return {str(key): value.strip() for key, value in found.items()}


def _object(fields: Mapping[str, str]) -> KeyVaultObject:
    kind, name = fields.get("objectType", ""), fields.get("objectName", "")
    version, file = fields.get("objectVersion", ""), fields.get("objectAlias", "") or name
    encoding = fields.get("objectEncoding", "")
    wrong = _wrong(kind, fields.get("objectFormat", ""), encoding, file)
    if wrong:
        refuse(refusals.of_object(kind, name, version, wrong))
    if fields.get("objectVersionHistory", "0") not in ("", "0", "1"):
        raise not_emulated("objectVersionHistory")
    if fields.get("objectNotAfter"):
        raise not_emulated("objectNotAfter")
    mode = _octal(fields.get("filePermission", ""))
    return KeyVaultObject(kind, name, version, file, encoding.lower(), mode)


def _wrong(kind: str, form: str, encoding: str, file: str) -> str:
    """The provider's words about an object that it does not take; "" when it does."""
    if form and form.lower() not in ("pem", "pfx"):
        return f"invalid objectFormat: {form}, should be PEM or PFX"
    if form == "pfx" and kind != "secret":
        return "PFX format only supported for objectType: secret"
    if encoding and kind != "secret":
        return "objectEncoding only supported for objectType: secret"
    if encoding and encoding.lower() not in ("hex", "base64", "utf-8"):
        return f"invalid objectEncoding: {encoding}, should be hex, base64 or utf-8"
    if not file:
        return "file name must not be empty"
    if file.startswith("/"):
        return "file name must be a relative path"
    return "file name must not contain '..'" if ".." in file else ""


def _octal(text: str) -> int:
    """The mode of a file; one that is not octal is no error but 0."""
    if not text:
        return DEFAULT_MODE
    return int(text, 8) if re.fullmatch(r"[0-7]{1,6}", text) else 0


__all__ = ["AUDIENCE", "SUFFIX", "Asked", "Identity", "KeyVaultObject", "ProviderError", "read"]
