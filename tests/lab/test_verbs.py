"""The verbs over a standing lab: idempotent, mending, and silent about secrets."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from akswi_helpers import (
    apps,
    cluster,
    evidence,
    explain,
    helm,
    infrastructure,
    pod_tokens,
    scenarios,
    vaults,
)
from akswi_helpers.errors import LabError, Refused, UsageError
from akswi_helpers.lab import Lab, open_lab
from tests.chain.standing import DEPLOYMENT, NAMESPACE, Standing, until


def test_deploy_leaves_a_standing_lab_alone(lab: Lab) -> None:
    found = infrastructure.deploy(lab)
    assert (found.state, found.changed) == ("Succeeded", False)
    assert "left alone" in repr(found)


def test_deploy_mends_a_role_that_was_removed(lab: Lab) -> None:
    roles = lab.cloud.authorization().role_assignments
    client = infrastructure.outputs(lab)["idApp1ClientId"]
    principal = next(
        one.principal_id
        for one in lab.cloud.identities().user_assigned_identities.list_by_resource_group("akswi")
        if one.client_id == client
    )
    mine = next(one for one in roles.list_for_subscription() if one.principal_id == principal)
    roles.delete(mine.scope, mine.name)
    assert infrastructure.deploy(lab).changed
    assert not infrastructure.deploy(lab).changed


def test_deploy_mends_a_subject_that_was_changed(lab: Lab) -> None:
    held = lab.cloud.identities().federated_identity_credentials
    row = next(iter(held.list("akswi", "id-app1")))
    row.subject = "system:serviceaccount:app1:default"
    held.create_or_update("akswi", "id-app1", row.name, row)
    refused = pod_tokens.exchange(lab, "app1")
    assert isinstance(refused, Refused)
    assert "shown 'system:serviceaccount:app1:app1-workloadidapp1', and expects" in str(refused)
    assert infrastructure.deploy(lab).changed
    assert not isinstance(pod_tokens.exchange(lab, "app1"), Refused)


def test_exchange_tells_both_client_ids_when_one_is_nobodys(lab: Lab) -> None:
    mine, nobodys = infrastructure.outputs(lab)["idApp1ClientId"], lab.cloud.who.object_id
    refused = pod_tokens.exchange(lab, "app1", client_id=nobodys)
    assert isinstance(refused, Refused)
    assert f"It was shown '{nobodys}', and expects '{mine}'." in refused.refusal.why
    assert 'apps.client_id(lab, "app1")' in refused.refusal.next


def test_deploy_explains_a_soft_deleted_vault(lab: Lab) -> None:
    name, vaults_of = vaults.name(lab, "app5"), lab.cloud.vaults().vaults
    vaults_of.delete(lab.resource_group, name)
    with pytest.raises(Refused) as refused:
        infrastructure.deploy(lab)
    assert refused.value.code == "ConflictError"
    assert "99-clean-up purges the lab's own" in str(refused.value)
    vaults_of.begin_purge_deleted(name, lab.location, polling_interval=lab.cloud.poll_s).result()
    assert infrastructure.deploy(lab).changed
    assert set(infrastructure.compare(lab)["same"]) == {"yes"}


def test_compare_finds_what_was_promised(lab: Lab) -> None:
    assert set(infrastructure.compare(lab)["same"]) == {"yes"}


def test_install_leaves_a_standing_app_alone(lab: Lab) -> None:
    assert list(apps.install(lab)["changed"]) == ["no"]


def test_install_mends_a_label_that_was_removed(lab: Lab) -> None:
    path = "/spec/template/metadata/labels/azure.workload.identity~1use"
    patch = json.dumps([{"op": "remove", "path": path}])
    lab.kubectl(["patch", "deploy", DEPLOYMENT, "-n", NAMESPACE, "--type=json", "-p", patch])
    assert list(apps.install(lab)["changed"]) == ["yes"]
    assert list(apps.install(lab)["changed"]) == ["no"]
    assert evidence.works(lab, "app1")


def test_install_says_that_helm_is_too_old_and_no_more(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "helm"
    old.write_text("#!/bin/sh\necho v3.9.1\n")
    old.chmod(0o755)
    lab.kubectl(["label", "deploy", DEPLOYMENT, "-n", NAMESPACE, "app.kubernetes.io/version-"])
    helm.find.cache_clear()
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        with pytest.raises(LabError, match=r"Helm 3\.9, which is too old: .*/install\.$"):
            apps.install(lab)
    helm.find.cache_clear()
    assert list(apps.install(lab)["changed"]) == ["yes"]


@pytest.mark.timeout(90)
def test_install_goes_on_after_helm_was_killed(lab: Lab) -> None:
    scenario = scenarios.named("app1")
    command = [str(helm.find()), "upgrade", "app1", str(scenario.chart), "--namespace", "app1"]
    wish = ["--reuse-values", "--set", "nodeSelector.nobody=here", "--wait"]
    killed = subprocess.Popen(
        [*command, *wish], env=cluster.environment(lab), stdout=subprocess.DEVNULL
    )
    until(
        lambda: lab.helm("list -n app1 --pending -q").text, lambda text: "app1" in text, "helm", 30
    )
    killed.kill()
    killed.wait()
    assert list(apps.install(lab)["changed"]) == ["yes"]
    assert apps.installed(lab, scenario)


def test_evidence_is_equal_and_shows_no_value(lab: Lab) -> None:
    table = evidence.table(lab)
    value = lab.cloud.secrets(vaults.name(lab, "app1")).get_secret(vaults.SECRET).value or ""
    assert list(table["proof"]) == ["equal"]
    assert value not in table.to_string() + repr(vaults.digest(lab, "app1"))


def test_evidence_of_one_app_says_since_when_and_is_drawn(lab: Lab) -> None:
    table = evidence.table(lab)
    assert list(table.columns) == ["works", "how", "since", "in the pod", "in the vault", "proof"]
    assert table.loc["app1", "since"] == "03-deploy-the-apps"
    assert evidence.picture(table).text == "app1: equal, in its pod and in its vault"


def test_rotation_changes_the_row_and_the_app_follows(lab: Lab) -> None:
    before = evidence.logged(lab, "app1")
    after = vaults.rotate(lab, "app1")
    assert after != before
    until(lambda: str(evidence.works(lab, "app1")), lambda text: text == "True", "app 1", 20)


def test_pod_s_token_matches_the_federated_credential(lab: Lab) -> None:
    assert list(pod_tokens.match(lab, "app1")["same"]) == ["yes", "yes", "yes"]
    assert isinstance(pod_tokens.exchange(lab, "app1"), pod_tokens.AccessToken)


def test_exchange_shows_both_values_when_the_subject_differs(lab: Lab) -> None:
    refused = pod_tokens.exchange(lab, "app1", service_account="default")
    assert isinstance(refused, Refused)
    assert refused.code == "AADSTS700213"
    assert (
        "It was shown 'system:serviceaccount:app1:default', and expects "
        "'system:serviceaccount:app1:app1-workloadidapp1'." in str(refused)
    )


def test_chain_stops_at_the_hop_that_refuses(lab: Lab) -> None:
    chain = evidence.chain(lab, "app1")
    assert [hop.status for hop in chain.hops] == ["ok"] * 6
    secrets = lab.cloud.secrets(vaults.name(lab, "app1"))
    secrets.update_secret_properties(vaults.SECRET, enabled=False)
    try:
        broken = evidence.chain(lab, "app1").hops[4]
    finally:
        secrets.update_secret_properties(vaults.SECRET, enabled=True)
    assert (broken.status, broken.code) == ("refused", "SecretDisabled")


@pytest.mark.parametrize(("gone", "hop"), [("label", 1), ("annotation", 2)])
def test_chain_names_what_the_webhook_was_not_given(lab: Lab, gone: str, hop: int) -> None:
    if gone == "label":
        wish = {
            "spec": {"template": {"metadata": {"labels": {"azure.workload.identity/use": None}}}}
        }
        lab.kubectl(["patch", "deploy", DEPLOYMENT, "-n", NAMESPACE, "-p", json.dumps(wish)])
    else:
        lab.kubectl(f"annotate sa {DEPLOYMENT} -n {NAMESPACE} azure.workload.identity/client-id-")
        lab.kubectl(f"delete pod --all -n {NAMESPACE} --grace-period=1")
    lab.kubectl(f"rollout status deploy/{DEPLOYMENT} -n {NAMESPACE}", check=False)
    refused = evidence.chain(lab, "app1").hops[hop - 1]
    row = evidence.table(lab).loc["app1"]
    assert list(apps.install(lab)["changed"]) == ["yes"]
    assert (refused.status, gone in refused.why) == ("refused", True)
    assert (row["works"], row["in the pod"]) == ("no", "NotInjected")
    assert evidence.table(lab).loc["app1", "works"] == "yes"


def test_read_of_a_missing_secret_is_refused_in_three_lines(lab: Lab) -> None:
    refused = explain.attempt(vaults.read, lab, "app1", "no-such-secret")
    assert isinstance(refused, Refused)
    assert (refused.code, refused.refusal.status) == ("SecretNotFound", 404)


def test_kubectl_uses_the_lab_s_own_kubeconfig(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    assert DEPLOYMENT in repr(lab.kubectl("get pods -A"))
    assert lab.kubectl("get pods --nothing", check=False).code == 1


def test_kubectl_raises_in_its_own_words(lab: Lab) -> None:
    with pytest.raises(LabError, match='namespaces "nobody" not found'):
        lab.kubectl("get namespace nobody")
    with pytest.raises(UsageError, match="is not closed"):
        lab.kubectl("get 'pods")


def test_helm_only_reads_in_a_cell(lab: Lab) -> None:
    assert "app1" in lab.helm("list -A").text
    with pytest.raises(UsageError, match="helm only reads"):
        lab.helm("uninstall app1")


def test_files_of_the_lab_are_private(lab: Lab) -> None:
    cluster.kubeconfig(lab)
    modes = {path.name: path.stat().st_mode & 0o777 for path in lab.folder.iterdir()}
    assert modes["kubeconfig"] == modes["token"] == modes["ledger.jsonl"] == 0o600
    assert lab.folder.stat().st_mode & 0o777 == 0o700


def test_open_refuses_another_region(standing: Standing, lab: Lab) -> None:
    with pytest.raises(LabError, match="is in westeurope, not in northeurope"):
        open_lab("01", location="northeurope")
