"""Each link of app 5's chain broken alone: its identity, its SecretProviderClass, its secret.

kubectl changes the class, helm puts a deleted one back, the SDK changes vault and identity.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager

import pytest

from tests.chain.links import (
    BY_RBAC,
    BY_RBAC_TOO,
    CLIENT,
    DRIVER,
    MOUNT,
    OBJECT,
    WRAPPED,
    Break,
    Chains,
    Link,
    broken_and_mended,
    changed,
    vault,
)

NO_SUCH = "akswi-no-such-vault"
VERSION = "0" * 32
NOT_FOUND = "A secret with (name/id) {} was not found in this key vault. "


def parameters(**changes: str | None) -> Break:
    return lambda chains: chains["app5"].parameters(**changes)


def one(kind: str = "secret", name: str = "arbitrarySecret", **more: str) -> Break:
    """The class asks for one object, of these fields."""
    fields = {"objectName": name, "objectType": kind, **more}
    rows = "".join(f"    {key}: {value}\n" for key, value in fields.items())
    return parameters(objects=f"array:\n  - |\n{rows}")


def provider(name: str | None) -> Break:
    """The class names another provider, or none."""

    def named(chains: Chains, name: str | None) -> str:
        app, body = chains["app5"], json.dumps({"spec": {"provider": name}})
        which = ("secretproviderclass", app.provider_class)
        return app.kubectl("patch", *which, "--type=merge", "-p", body)

    return lambda chains: changed(lambda: named(chains, name), lambda: named(chains, "azure"))


def class_deleted(chains: Chains) -> AbstractContextManager[None]:
    app = chains["app5"]
    which = ("secretproviderclass", app.provider_class)
    return changed(lambda: app.kubectl("delete", *which), app.upgrade)


def writable(chains: Chains) -> AbstractContextManager[None]:
    app = chains["app5"]

    def volume(read_only: bool) -> str:
        csi = {"driver": "secrets-store.csi.k8s.io", "readOnly": read_only}
        volumes = {"volumes": [{"name": "secrets-mount", "csi": csi}]}
        body = json.dumps({"spec": {"template": {"spec": volumes}}})
        return app.kubectl("patch", "deployment", app.full_name, "-p", body)

    return changed(lambda: volume(False), lambda: volume(True))


def app1s_vault(chains: Chains) -> AbstractContextManager[None]:
    return chains["app5"].parameters(keyvaultName=chains.azure.outputs["kvApp1Name"])


LINKS = {
    "no credential at all": Link(
        "app5",
        lambda chains: chains.azure.no_credential("id-app5"),
        CLIENT + "AADSTS70025: The client '$app5'(id-app5) has no configured federated identity "
        "credentials. ",
    ),
    "another audience": Link(
        "app5",
        lambda chains: chains.azure.credential_with("id-app5", audiences=["api://SomethingElse"]),
        CLIENT + "AADSTS700212: No matching federated identity record found for presented "
        "assertion audience 'api://AzureADTokenExchange'. ",
    ),
    "the role is gone": Link(
        "app5",
        lambda chains: chains.azure.role_removed(chains.azure.principal("id-app5")),
        BY_RBAC,
        BY_RBAC_TOO,
    ),
    "the class is missing": Link(
        "app5",
        class_deleted,
        DRIVER + "failed to get secretproviderclass app5/$class, error: SecretProviderClass."
        'secrets-store.csi.x-k8s.io "$class" not found',
    ),
    "the class names another provider": Link(
        "app5",
        provider("vault"),
        WRAPPED + 'error connecting to provider "vault": provider not found: provider "vault"',
    ),
    "the class names no provider": Link(
        "app5", provider(None), DRIVER + "provider not set in app5/$class"
    ),
    "the volume is writable": Link(
        "app5",
        writable,
        DRIVER.replace("Unknown", "InvalidArgument") + "Readonly is not true in request",
        restarts="a pod's volumes are part of it, and cannot be changed",
    ),
    "no vault is named": Link(
        "app5", parameters(keyvaultName=None), MOUNT + "keyvaultName is not set"
    ),
    "another vault": Link("app5", app1s_vault, BY_RBAC.replace("$vault", "$vault1"), BY_RBAC_TOO),
    "there is no such vault": Link(
        "app5",
        parameters(keyvaultName=NO_SUCH),
        f'{OBJECT}Get "https://{NO_SUCH}.vault.azure.net/secrets/arbitrarySecret/?api-version=7.4"'
        f": dial tcp: lookup {NO_SUCH}.vault.azure.net on ",
        ":53: no such host",
    ),
    "the vault's name is a URL": Link(
        "app5",
        parameters(keyvaultName="https://kv.vault"),
        MOUNT + 'failed to get vault: Invalid vault name: "https://kv.vault", must match '
        "[-a-zA-Z0-9]{3,24}",
    ),
    "there is no such cloud": Link(
        "app5",
        parameters(cloudName="Mars"),
        MOUNT + "cloudName Mars is not valid, error: autorest/azure: There is no cloud environment "
        'matching the name "MARS"',
    ),
    "identity by the pod, as it was before": Link(
        "app5",
        parameters(usePodIdentity="true"),
        MOUNT + "the sandbox does not emulate usePodIdentity",
    ),
    "no objects": Link("app5", parameters(objects=None), MOUNT + "objects is not set"),
    "objects without their bar": Link(
        "app5",
        parameters(objects="array:\n  - objectName: arbitrarySecret\n    objectType: secret\n"),
        MOUNT + "[akswi: wording not verified] failed to yaml unmarshal objects, error: yaml: ",
    ),
    "an object of an unknown type": Link(
        "app5",
        one("password"),
        OBJECT.replace("objectType:secret", "objectType:password")
        + "Invalid vaultObjectTypes. Should be secret, key, or cert",
    ),
    "an alias with a path from the root": Link(
        "app5", one(objectAlias="/etc/secret"), OBJECT + "file name must be a relative path"
    ),
    "an alias with a path that climbs": Link(
        "app5", one(objectAlias="../secret"), OBJECT + "file name must not contain '..'"
    ),
    "the secret has another name": Link(
        "app5",
        one(name="arbitraryScret"),
        OBJECT.replace("arbitrarySecret", "arbitraryScret")
        + vault(
            "404 Not Found", "SecretNotFound", NOT_FOUND.format("arbitraryScret"), "arbitraryScret/"
        ),
    ),
    "the secret has no such version": Link(
        "app5",
        one(objectVersion=f'"{VERSION}"'),
        OBJECT.replace("objectVersion:", f"objectVersion:{VERSION}")
        + vault(
            "404 Not Found",
            "SecretNotFound",
            "A secret with (name/id) arbitrarySecret",
            f"arbitrarySecret/{VERSION}",
        ),
    ),
    "the secret is disabled": Link(
        "app5",
        lambda chains: chains.azure.secret_disabled(5),
        OBJECT
        + vault("403 Forbidden", "Forbidden", "Operation get is not allowed on a disabled secret."),
        '"innererror": {\n      "code": "SecretDisabled"\n    }',
    ),
}


@pytest.mark.parametrize("link", LINKS)
def test_broken_link_is_named_and_mending_heals(chains: Chains, link: str) -> None:
    broken_and_mended(chains, LINKS[link])


def test_alias_with_a_path_in_it_is_a_file_in_a_folder(chains: Chains) -> None:
    app, asked = chains["app5"], one(objectAlias="sub/folder/secret")
    with asked(chains):
        app.renew()
        app.ready()
        assert app.secret("sub/folder/secret") == chains.azure.value(5)
        assert app.kubectl(
            "exec", f"deploy/{app.full_name}", "--", "ls", "/mnt/secrets-store"
        ).split() == ["sub"]
    app.renew()
    app.ready()
