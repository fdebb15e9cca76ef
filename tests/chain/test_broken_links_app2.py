"""Each link of app 2's chain broken alone: its application, its service account, its vault.

The credential and the application are changed through Graph, roles through the SDK, the rest by
kubectl. Nothing of it is a pod's label or annotation: for a mounted secret nobody reads those.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

from tests.chain.links import (
    BY_RBAC,
    BY_RBAC_TOO,
    CLIENT,
    ENTRA,
    MOUNT,
    OBJECT,
    Break,
    Chains,
    Link,
    broken_and_mended,
    changed,
)

SUBJECT = "system:serviceaccount:app2:app2-workloadidapp2"
NOBODY = "00000000-aaaa-4bbb-8ccc-000000000000"
NO_RECORD = "No matching federated identity record found for presented assertion"
GONE = (
    '400:\n{"error":"unauthorized_client","error_description":"AADSTS700016: '
    "Application with identifier "
)


def credential(**changes: object) -> Break:
    return lambda chains: chains.azure.application.credential_with(**changes)


def parameters(**changes: str | None) -> Break:
    return lambda chains: chains["app2"].parameters(**changes)


def slash_lost(chains: Chains) -> AbstractContextManager[None]:
    application = chains.azure.application
    issuer = str(application.credential()["issuer"])
    return application.credential_with(issuer=issuer.rstrip("/"))


def own_object_id(chains: Chains) -> AbstractContextManager[None]:
    return chains["app2"].parameters(clientID=chains.azure.application.id)


def app1s_vault(chains: Chains) -> AbstractContextManager[None]:
    return chains["app2"].parameters(keyvaultName=chains.azure.outputs["kvApp1Name"])


def role_removed(chains: Chains) -> AbstractContextManager[None]:
    return chains.azure.role_removed(chains.azure.application.principal_id)


def role_on_app5s_vault(chains: Chains) -> AbstractContextManager[None]:
    return chains.azure.role_moved(chains.azure.application.principal_id, 5)


def another_account(chains: Chains) -> AbstractContextManager[None]:
    app = chains["app2"]
    account = ("set", "serviceaccount", f"deploy/{app.full_name}")
    return changed(
        lambda: app.kubectl(*account, "default"), lambda: app.kubectl(*account, app.full_name)
    )


LINKS = {
    "no credential at all": Link(
        "app2",
        lambda chains: chains.azure.application.no_credential(),
        CLIENT + "AADSTS70025: The client '$app2'(AksWiApp2) has no configured federated identity "
        "credentials. ",
    ),
    "another issuer: its slash is lost": Link(
        "app2", slash_lost, f"{CLIENT}AADSTS700211: {NO_RECORD} issuer 'https://"
    ),
    "another subject": Link(
        "app2",
        credential(subject="system:serviceaccount:app2:default"),
        f"{CLIENT}AADSTS700213: {NO_RECORD} subject '{SUBJECT}'. ",
    ),
    "another case of the subject": Link(
        "app2",
        credential(subject="system:serviceaccount:App2:app2-workloadidapp2"),
        f"{CLIENT}AADSTS7002138: {NO_RECORD} subject '{SUBJECT}'. The subject matches with "
        "case-insensitive comparison, but not with case-sensitive comparison.",
    ),
    "another audience": Link(
        "app2",
        credential(audiences=["api://SomethingElse"]),
        f"{CLIENT}AADSTS700212: {NO_RECORD} audience 'api://AzureADTokenExchange'. ",
    ),
    "the application is gone": Link(
        "app2",
        lambda chains: chains.azure.application.deleted(),
        f"{ENTRA}{GONE}'$app2' was not found in the directory '",
    ),
    "the client id is nobody's": Link(
        "app2", parameters(clientID=NOBODY), f"{ENTRA}{GONE}'{NOBODY}' was not found"
    ),
    "the client id is an object id": Link("app2", own_object_id, f"{ENTRA}{GONE}'"),
    "the client id is missing": Link(
        "app2",
        parameters(clientID=None),
        MOUNT + "failed to create auth config, error: failed to get credentials, "
        "nodePublishSecretRef secret is not set",
    ),
    "the tenant is nobody's": Link(
        "app2",
        parameters(tenantID=NOBODY),
        OBJECT,
        "unable to resolve an endpoint: http call(https://login.microsoftonline.com/"
        f"{NOBODY}/v2.0/.well-known/openid-configuration)(GET) error: reply status code was 400:\n"
        f'{{"error":"invalid_tenant","error_description":"AADSTS90002: Tenant \'{NOBODY}\' '
        "not found.",
    ),
    "the tenant is missing": Link("app2", parameters(tenantID=None), MOUNT + "tenantId is not set"),
    "another account": Link(
        "app2",
        another_account,
        f"{CLIENT}AADSTS700213: {NO_RECORD} subject 'system:serviceaccount:app2:default'. ",
        restarts="a pod's service account is part of it, and cannot be changed",
    ),
    "another vault": Link("app2", app1s_vault, BY_RBAC.replace("$vault", "$vault1"), BY_RBAC_TOO),
    "the role is gone": Link("app2", role_removed, BY_RBAC, BY_RBAC_TOO),
    "the role is on another vault": Link("app2", role_on_app5s_vault, BY_RBAC, BY_RBAC_TOO),
}


@pytest.mark.parametrize("link", LINKS)
def test_broken_link_is_named_and_mending_heals(chains: Chains, link: str) -> None:
    broken_and_mended(chains, LINKS[link])
