"""Who may enter and what they may do: tokens, RBAC, the refusals' words."""

from __future__ import annotations

import pytest

from akswi_helpers.sandbox.azure.arm.authorization import Assignments, assignment_document
from akswi_helpers.sandbox.azure.arm.roles import definition_id
from akswi_helpers.sandbox.azure.entra import access
from akswi_helpers.sandbox.azure.entra.directory import Directory, Principal
from akswi_helpers.sandbox.tokens import SigningKeys
from akswi_helpers.types import Json
from tests.sandbox.cluster.api.conftest import SPEC, Client, Host, Terminal, terminal

PODS = "/api/v1/namespaces/default/pods"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
SOMEBODY = "00000000-0000-4000-8000-00000000000a"
CLUSTER_ADMIN = "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"  # AKS RBAC Cluster Admin
NOBODY = "system:serviceaccount:kube-system:nobody"


@pytest.fixture(scope="module")
def nobody(host: Host) -> Client:
    """Raw HTTP as a service account without rights."""
    return Client(host, host.token("nobody"))


@pytest.mark.parametrize("token", ["", "nope", "a.b.c"])
def test_no_token_or_a_bad_one_is_unauthorized(admin: Client, token: str) -> None:
    answer = admin("GET", "/version", token=token)
    assert answer.status == 401
    assert answer.body["message"] == "Unauthorized"


def test_token_for_another_audience_is_unauthorized(host: Host, admin: Client) -> None:
    token = host.token("admin", audiences=["api://AzureADTokenExchange"])
    assert admin("GET", PODS, token=token).status == 401


def test_expired_token_is_unauthorized(host: Host, admin: Client) -> None:
    token = host.token("admin", expiration=600)
    assert admin("GET", PODS, token=token).status == 200
    host.call(lambda: _move(host, 601))
    assert admin("GET", PODS, token=token).status == 401
    host.call(lambda: _move(host, -601))


def test_token_dies_with_its_service_account(host: Host, admin: Client) -> None:
    path = "/api/v1/namespaces/default/serviceaccounts"
    admin("POST", path, {"metadata": {"name": "brief"}})
    token = host.token("brief", "default")
    assert admin("GET", PODS, token=token).status == 403
    admin("DELETE", f"{path}/brief")
    assert admin("GET", PODS, token=token).status == 401


def test_refusal_names_user_verb_resource_and_namespace(nobody: Client) -> None:
    answer = nobody("GET", PODS)
    assert answer.status == 403
    assert answer.body["message"] == (
        f'pods is forbidden: User "{NOBODY}" cannot list resource "pods" in API group "" '
        'in the namespace "default"'
    )


def test_role_in_a_namespace_opens_that_namespace_only(admin: Client, nobody: Client) -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
    role = {"metadata": {"name": "reader"}, "rules": [rule]}
    assert admin("POST", f"{RBAC}/namespaces/default/roles", role).status == 201
    subject = {"kind": "ServiceAccount", "name": "nobody", "namespace": "kube-system"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    binding = {"metadata": {"name": "reader"}, "subjects": [subject], "roleRef": reference}
    assert admin("POST", f"{RBAC}/namespaces/default/rolebindings", binding).status == 201
    assert nobody("GET", PODS).status == 200
    assert nobody("GET", PODS.replace("default", "kube-system")).status == 403
    admin("DELETE", f"{RBAC}/namespaces/default/rolebindings/reader")


def test_nobody_grants_rights_they_do_not_hold(admin: Client, nobody: Client) -> None:
    rules = [
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
    ]
    admin("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "rbacer"}, "rules": rules})
    subject = {"kind": "ServiceAccount", "name": "nobody", "namespace": "kube-system"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "rbacer"}
    binding = {"metadata": {"name": "rbacer"}, "subjects": [subject], "roleRef": reference}
    assert admin("POST", f"{RBAC}/clusterrolebindings", binding).status == 201
    own = {"metadata": {"name": "own"}, "rules": rules[1:]}
    assert nobody("POST", f"{RBAC}/namespaces/default/roles", own).status == 201
    rule = {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "list"]}
    more = {"metadata": {"name": "more"}, "rules": [rule]}
    refused = nobody("POST", f"{RBAC}/namespaces/default/roles", more)
    assert refused.status == 403
    assert refused.body["message"].endswith(
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}'
    )
    admin("DELETE", f"{RBAC}/clusterrolebindings/rbacer")


def test_aggregated_role_holds_the_rules_of_the_roles_it_selects(
    admin: Client, nobody: Client
) -> None:
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
    part = {"metadata": {"name": "part", "labels": {"into": "whole"}}, "rules": rules}
    selector = {"clusterRoleSelectors": [{"matchLabels": {"into": "whole"}}]}
    whole = {"metadata": {"name": "whole"}, "aggregationRule": selector, "rules": []}
    subject = {"kind": "ServiceAccount", "name": "nobody", "namespace": "kube-system"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "whole"}
    binding = {"metadata": {"name": "whole"}, "subjects": [subject], "roleRef": reference}
    admin("POST", f"{RBAC}/clusterroles", whole)
    admin("POST", f"{RBAC}/clusterrolebindings", binding)
    assert nobody("GET", "/api/v1/secrets").status == 403
    admin("POST", f"{RBAC}/clusterroles", part)
    assert nobody("GET", "/api/v1/secrets").status == 200
    admin("DELETE", f"{RBAC}/clusterrolebindings/whole")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/namespaces/default/resourcequotas", {"metadata": {"name": "q"}}),
        (
            "/api/v1/namespaces",
            {
                "metadata": {
                    "name": "n",
                    "labels": {"pod-security.kubernetes.io/enforce": "baseline"},
                }
            },
        ),
    ],
)
def test_restriction_that_nobody_would_enforce_is_refused(
    admin: Client, path: str, body: Json
) -> None:
    answer = admin("POST", path, body)
    assert (answer.status, answer.body["reason"]) == (501, "NotImplemented")
    assert "nothing here would enforce it" in answer.body["message"]


def test_impersonation_needs_its_verb(admin: Client, nobody: Client) -> None:
    seen = admin("GET", PODS, impersonate_user="joe")
    assert seen.body["message"].startswith('pods is forbidden: User "joe" cannot list')
    refused = nobody("GET", PODS, impersonate_user="joe")
    assert "cannot impersonate-on:user-info:list resource" in refused.body["message"]
    masters = admin("GET", PODS, impersonate_user="joe", impersonate_group="system:masters")
    assert masters.status == 200


def test_kubectl_can_i_and_whoami(
    host: Host, shell: Terminal, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = terminal(host, tmp_path_factory.mktemp("nobody"), host.token("nobody"))
    assert shell.run("kubectl", "auth", "can-i", "delete", "nodes") == "yes\n"
    assert other.run("kubectl", "auth", "can-i", "list", "pods", check=False) == "no\n"
    assert NOBODY in other.run("kubectl", "auth", "whoami")


def test_token_request_and_review(admin: Client) -> None:
    path = "/api/v1/namespaces/kube-system/serviceaccounts/nobody/token"
    made = admin("POST", path, {"spec": {"audiences": ["x"]}})
    assert made.status == 201
    review = {"spec": {"token": made.body["status"]["token"], "audiences": ["x"]}}
    status = admin("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review).body["status"]
    assert (status["authenticated"], status["user"]["username"]) == (True, NOBODY)


def test_entra_token_without_a_role_is_forbidden_by_object_id(host: Host, admin: Client) -> None:
    answer = admin("GET", PODS, token=host.run(lambda: _entra_token(host)))
    assert answer.status == 403
    assert f'User "{SOMEBODY}" cannot list resource "pods"' in answer.body["message"]


def test_entra_token_may_what_its_azure_role_allows(host: Host, admin: Client) -> None:
    token = host.run(lambda: _entra_token(host))
    host.call(lambda: _assign(host, CLUSTER_ADMIN, f"{SPEC.resource_id}/namespaces/default"))
    assert admin("GET", PODS, token=token).status == 200
    assert admin("GET", "/api/v1/nodes", token=token).status == 403
    host.call(lambda: _unassign(host))
    assert admin("GET", PODS, token=token).status == 403


def test_entra_token_for_another_service_is_unauthorized(host: Host, admin: Client) -> None:
    token = host.run(lambda: _entra_token(host, audience="https://management.azure.com/"))
    assert admin("GET", PODS, token=token).status == 401


def _assign(host: Host, role: str, scope: str) -> None:
    world = host.world
    definition = definition_id(world.subscription_id, role)
    properties = {"roleDefinitionId": definition, "principalId": SOMEBODY}
    document = assignment_document(scope, "one", properties, SOMEBODY, world.clock.now())
    with world.transaction():
        world.state(Directory).add(Principal(SOMEBODY, f"{SOMEBODY}-c", "some", "Application"))
        world.state(Assignments).put(document)


def _unassign(host: Host) -> None:
    with host.world.transaction():
        host.world.state(Assignments).remove("one")


def _move(host: Host, seconds: float) -> None:
    with host.world.transaction():
        host.world.clock.move(seconds)


async def _entra_token(host: Host, audience: str = access.AKS_SERVER_APP) -> str:
    now = int(host.world.clock.now())
    claims: Json = {
        "aud": audience,
        "iss": access.issuer_url(host.world.tenant_id),
        "oid": SOMEBODY,
        "appid": f"{SOMEBODY}-c",
        "tid": host.world.tenant_id,
        "nbf": now,
        "exp": now + 600,
    }
    return await host.world.state(SigningKeys).sign(access.ENTRA, claims)
