"""The Kubernetes Python client, as the helpers and other people's scripts use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.cluster.api.conftest import SPEC, Host


@pytest.fixture(scope="module")
def core(host: Host) -> Iterator[Any]:
    """CoreV1Api of a cluster admin."""
    from kubernetes import client

    configuration = client.Configuration()
    configuration.host = f"https://127.0.0.1:{host.cluster.port}"
    configuration.ssl_ca_cert = str(host.authority.ca_file)
    configuration.tls_server_name = SPEC.fqdn
    configuration.no_proxy = "127.0.0.1"
    configuration.api_key["authorization"] = f"Bearer {host.token('admin')}"
    with client.ApiClient(configuration) as api:
        yield client.CoreV1Api(api)


def test_client_creates_reads_and_deletes(core: Any) -> None:
    from kubernetes import client

    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="py"), data={"a": "1"})
    made = core.create_namespaced_config_map("default", body)
    assert core.read_namespaced_config_map("py", "default").data == {"a": "1"}
    deleted = core.delete_namespaced_config_map("py", "default")  # a dict, also from a real server
    assert deleted["details"]["uid"] == made.metadata.uid


def test_client_watches(core: Any) -> None:
    from kubernetes import watch

    stream = watch.Watch().stream(core.list_namespace, timeout_seconds=1)  # type: ignore[no-untyped-call]
    names = [event["object"].metadata.name for event in stream]
    assert {"default", "kube-system"} <= set(names)


def test_client_raises_the_api_servers_own_words(core: Any) -> None:
    from kubernetes.client.exceptions import ApiException

    with pytest.raises(ApiException) as raised:
        core.read_namespaced_pod("nope", "default")
    assert raised.value.status == 404
    assert 'pods \\"nope\\" not found' in str(raised.value.body)


def test_client_asks_for_a_token(core: Any) -> None:
    from kubernetes import client

    spec = client.V1TokenRequestSpec(audiences=["api://AzureADTokenExchange"])
    request = client.AuthenticationV1TokenRequest(spec=spec)
    made = core.create_namespaced_service_account_token("default", "default", request)
    assert made.status.token.count(".") == 2
    assert made.spec.expiration_seconds == 3600


def test_custom_resources_come_and_go_with_their_definition(host: Host, core: Any) -> None:
    from kubernetes import client

    definitions: Any = client.ApiextensionsV1Api(core.api_client)
    things: Any = client.CustomObjectsApi(core.api_client)
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definitions.create_custom_resource_definition(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.x.io"},
            "spec": {
                "group": "x.io",
                "scope": "Namespaced",
                "names": {"plural": "things", "kind": "Thing"},
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": schema},
                    }
                ],
            },
        }
    )
    where = ("x.io", "v1", "default", "things")
    body = {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {"a": 1}}
    made = things.create_namespaced_custom_object(*where, body)
    assert made["spec"] == {"a": 1}
    definitions.delete_custom_resource_definition("things.x.io")
    with pytest.raises(client.ApiException, match="404"):
        things.list_namespaced_custom_object(*where)
