"""The kubeconfig that AKS hands to a user of a cluster with Entra ID.

Source: an AKS user kubeconfig (exec: kubelogin, device code). One thing differs from AKS: `server`
is the cluster's own port on this machine, and `tls-server-name` the name that AKS would have
written there; so kubectl reaches it without a proxy, too.
"""

from __future__ import annotations

import base64

from akswi_helpers.sandbox.azure.entra.access import AKS_SERVER_APP
from akswi_helpers.types import Json

CLIENT_APP = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"  # Azure Kubernetes Service AAD Client
_TEMPLATE = """\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {authority}
    server: https://127.0.0.1:{port}
    tls-server-name: {fqdn}
  name: {name}
contexts:
- context:
    cluster: {name}
    user: {user}
  name: {name}
current-context: {name}
kind: Config
preferences: {{}}
users:
- name: {user}
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      args:
      - get-token
      - --environment
      - AzurePublicCloud
      - --server-id
      - {server_app}
      - --client-id
      - {client_app}
      - --tenant-id
      - {tenant}
      - --login
      - devicecode
      command: kubelogin
      env: null
      installHint: |2

        kubelogin is not installed which is required to connect to AAD enabled cluster.

        To learn more, please go to https://aka.ms/aks/kubelogin
      provideClusterInfo: false
"""


def user_kubeconfig(cluster: Json, group: str, tenant: str, port: int, authority: bytes) -> str:
    """The YAML text for `cluster`; `authority` is the PEM that signed its API's certificate."""
    return _TEMPLATE.format(
        authority=base64.b64encode(authority).decode(),
        port=port,
        fqdn=cluster["properties"]["fqdn"],
        name=cluster["name"],
        user=f"clusterUser_{group}_{cluster['name']}",
        server_app=AKS_SERVER_APP,
        client_app=CLIENT_APP,
        tenant=tenant,
    )
