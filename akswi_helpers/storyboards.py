"""Pictures at the top of the pages about apps 2 and 3: who asks whom, in which order.

    registration()  an application, its service principal, and its role
    two_failures()  where apps 2 and 3 stop
    federation()    what Entra compares before app 2 may sign in
    node_identity() an identity on a pool's nodes, and who can ask for it

Left out: what really happened; see `evidence.chain`.
"""

from __future__ import annotations

from akswi_helpers.diagrams import Chain, Hop, draw
from akswi_helpers.svg import Picture


def registration() -> Picture:
    """From a registration to a role on one vault."""
    return _drawn(
        "app2",
        "How app 2 gets an identity",
        ("you", "Graph", "an application: a name, a tag, no password"),
        ("Graph", "you", "its client id, which goes on the service account"),
        ("you", "Graph", "a service principal: the application in this tenant"),
        ("Graph", "you", "its object id, which goes into roles"),
        ("you", "Resource Manager", "may read secrets, on app 2's vault only"),
    )


def two_failures() -> Picture:
    """The two refusals and where they come from."""
    return _drawn(
        "app2",
        "Where apps 2 and 3 stop",
        ("kubelet", "CSI driver", "mount app 2's volume, with the pod's token"),
        ("CSI driver", "Entra ID", "that token: refused, nobody vouches for it"),
        ("kubelet", "CSI driver", "mount app 3's volume"),
        ("CSI driver", "metadata service", "a token for id-app3: not on this node"),
        ("kubelet", "cluster", "an event for each pod, with the whole text"),
    )


def federation() -> Picture:
    """The comparison that app 2's credential is for."""
    return _drawn(
        "app2",
        "What a federated credential changes",
        ("you", "Graph", "a credential: issuer, subject, audience"),
        ("CSI driver", "Entra ID", "the pod's token, and app 2's client id"),
        ("Entra ID", "cluster", "the public keys, once all three agree, letter by letter"),
        ("Entra ID", "CSI driver", "an access token for Key Vault"),
        ("CSI driver", "pod", "the secret, as a file"),
    )


def node_identity() -> Picture:
    """An identity that belongs to machines."""
    return _drawn(
        "app3",
        "What an identity on the nodes means",
        ("you", "scale set", "id-app3, beside the identities that are there"),
        ("app 3's driver", "metadata service", "a token for id-app3"),
        ("metadata service", "app 3's driver", "here it is"),
        ("any other pod", "metadata service", "a token for id-app3"),
        ("metadata service", "any other pod", "here it is: nobody asks who it is"),
    )


def _drawn(app: str, title: str, *ways: tuple[str, str, str]) -> Picture:
    hops = tuple(Hop(number, *way) for number, way in enumerate(ways, 1))
    return draw(Chain(app, title, hops))
