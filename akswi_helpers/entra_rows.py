"""What Graph has of app 2's application: the rows that carry the lab's tag, and their parts.

    applications(lab)     the lab's applications that Entra lists
    deleted(lab)          those in the recycle bin, and their service principals
    principal(lab, id)    the service principal of a client id
    credentials(lab, id)  the federated credentials of an application

For `application`, which says whose an application is. Source:
https://learn.microsoft.com/graph/api/resources/application. Left out: writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from akswi_helpers import ownership
from akswi_helpers.background import answer

if TYPE_CHECKING:
    from akswi_helpers.lab import Lab


def tag(lab: Lab) -> str:
    """The tag of the lab's application: names its group, and the subscription that is in."""
    return f"{ownership.TAG}={lab.group_id.lower()}"


def applications(lab: Lab) -> list[Any]:
    """The lab's applications that Entra lists. Wire: GET applications."""
    from kiota_abstractions.base_request_configuration import RequestConfiguration
    from msgraph.generated.applications.applications_request_builder import (
        ApplicationsRequestBuilder,
    )

    query = ApplicationsRequestBuilder.ApplicationsRequestBuilderGetQueryParameters
    wanted = query(filter=f"tags/any(t:t eq '{tag(lab)}')")
    asked = RequestConfiguration(query_parameters=wanted)
    return list(_tagged(lab, lab.cloud.graph().applications, asked))


def deleted(lab: Lab) -> list[Any]:
    """The lab's applications and service principals in the bin, principals first."""
    held = lab.cloud.graph().directory.deleted_items
    kinds = (held.graph_service_principal, held.graph_application)
    return [row for kind in kinds for row in _tagged(lab, kind)]


def _tagged(lab: Lab, collection: Any, asked: Any = None) -> Iterator[Any]:
    """Those of a collection that carry the lab's tag, page by page; judged here in any case."""
    page = answer(collection.get(request_configuration=asked))
    while page is not None:
        yield from (row for row in page.value or [] if tag(lab) in (row.tags or []))
        following = page.odata_next_link
        page = answer(collection.with_url(following).get()) if following else None


def principal(lab: Lab, client: str) -> Any:
    """The service principal of a client id, or None. Wire: GET servicePrincipals(appId='…')."""
    from kiota_abstractions.api_error import APIError

    try:
        return answer(lab.cloud.graph().service_principals_with_app_id(client).get())
    except APIError as error:
        if error.response_status_code == 404:
            return None
        raise


def held_credentials(lab: Lab, id: str) -> Any:
    """Where the federated credentials of an application are written; `id` is its object id."""
    held = lab.cloud.graph().applications.by_application_id(id)
    return held.federated_identity_credentials


def credentials(lab: Lab, id: str) -> list[Any]:
    """The federated credentials of an application. Wire: GET federatedIdentityCredentials."""
    page = answer(held_credentials(lab, id).get())
    return list(page.value or []) if page else []
