"""A cluster as its surroundings see it: nodes asking IMDS, its issuer, its name in the gateway."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import Any

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential

from akswi_helpers.sandbox import process
from tests.sandbox.azure.conftest import Clients
from tests.sandbox.azure.test_containerservice import BODY
from tests.sandbox.conftest import Cloud

VAULT = "https://vault.azure.net/.default"


@pytest.fixture(scope="module")
def cluster(azure: Clients) -> Any:
    azure.group("aks")
    body: Any = BODY
    return azure.clusters.managed_clusters.begin_create_or_update("aks", "aks-one", body).result()


@pytest.fixture(scope="module")
def node(azure: Clients, cluster: Any) -> str:
    found = azure.compute.virtual_machine_scale_sets.list(cluster.node_resource_group)
    return next(f"{one.name}000000" for one in found if "npuser01" in str(one.name))


def credential(cloud: Cloud, user: str, **which: Any) -> ManagedIdentityCredential:
    proxy = cloud.running.proxy_url(user)
    transport = {**cloud.transport, "proxies": {"http": proxy, "https": proxy}}
    return ManagedIdentityCredential(**transport, **which)


def test_node_gets_a_token_of_an_identity_that_it_carries(
    cloud: Cloud, cluster: Any, node: str
) -> None:
    addon = cluster.addon_profiles["azureKeyvaultSecretsProvider"].identity
    with credential(cloud, node, client_id=addon.client_id) as signed_in:
        claims = jwt.decode(signed_in.get_token(VAULT).token, options={"verify_signature": False})
    assert (claims["oid"], claims["appid"]) == (addon.object_id, addon.client_id)
    assert claims["xms_mirid"].lower() == addon.resource_id.lower()


def test_node_with_several_identities_must_name_one(cloud: Cloud, node: str) -> None:
    with (
        credential(cloud, node) as nobody,
        pytest.raises((CredentialUnavailableError, ClientAuthenticationError)) as refused,
    ):
        nobody.get_token(VAULT)
    assert "Multiple user assigned identities exist" in str(refused.value)


def test_person_gets_no_identity_of_a_node(cloud: Cloud, cluster: Any) -> None:
    addon = cluster.addon_profiles["azureKeyvaultSecretsProvider"].identity
    with (
        credential(cloud, "learner", client_id=addon.client_id) as nobody,
        pytest.raises((CredentialUnavailableError, ClientAuthenticationError)),
    ):
        nobody.get_token(VAULT)


def test_issuer_publishes_its_documents_to_everybody(cloud: Cloud, cluster: Any) -> None:
    issuer = cluster.oidc_issuer_profile.issuer_url
    document = cloud.raw("GET", f"{issuer}.well-known/openid-configuration").json()
    assert document["issuer"] == issuer
    keys = cloud.raw("GET", document["jwks_uri"]).json()["keys"]
    assert [(key["kty"], key["alg"]) for key in keys] == [("RSA", "RS256")]


@pytest.mark.parametrize("change", ["tenant", "uuid", "region"])
def test_issuer_that_is_none_is_not_found(cloud: Cloud, cluster: Any, change: str) -> None:
    issuer = str(cluster.oidc_issuer_profile.issuer_url)
    region, tenant, uuid = issuer.split("/")[2].partition(".")[0], *issuer.split("/")[3:5]
    other = {"tenant": tenant, "uuid": uuid, "region": region}[change]
    wrong = issuer.replace(other, other[:-1] + ("x" if other[-1] != "x" else "y"))
    assert cloud.raw("GET", f"{wrong}.well-known/openid-configuration").status_code == 404


def test_cluster_answers_under_its_name_through_the_gateway(cloud: Cloud, cluster: Any) -> None:
    url = f"https://{cluster.fqdn}/version"
    assert cloud.raw("GET", url).json()["reason"] == "Unauthorized"
    bearer = {"Authorization": f"Bearer {cloud.token('6dae42f8-4368-4678-94ff-3960e28e3630')}"}
    assert cloud.raw("GET", url, headers=bearer).json()["gitVersion"].startswith("v1.")
    with pytest.raises(requests.exceptions.ProxyError):
        cloud.raw("GET", url.replace("hcp", "hcq"))


def test_cluster_listens_again_on_its_port_once_a_killed_sandbox_is_started(
    azure: Clients, cloud: Cloud, cluster: Any
) -> None:
    found = azure.clusters.managed_clusters.list_cluster_user_credentials("aks", "aks-one")
    text = bytes(found.kubeconfigs[0].value).decode()  # type: ignore[index, arg-type]
    port = int(text.partition("https://127.0.0.1:")[2].partition("\n")[0])
    os.kill(cloud.running.pid, signal.SIGKILL)
    while process.running(cloud.running.home):
        time.sleep(0.01)
    assert process.start(cloud.running.home).settings == cloud.settings
    with socket.create_connection(("127.0.0.1", port), timeout=1) as listening:
        assert listening.getpeername()[1] == port
