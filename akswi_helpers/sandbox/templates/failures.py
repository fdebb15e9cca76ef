"""How a deployment says that it failed: DeploymentFailed and what is inside it.

Source: outputs quoted from real deployments; the texts marked are from documentation of other
years. Left out: nothing.
"""

from __future__ import annotations

from http import HTTPStatus

from akswi_helpers.sandbox.templates.refusals import NotEmulated
from akswi_helpers.sandbox.wire import UNVERIFIED, WireError, not_emulated
from akswi_helpers.types import Json, ResourceId


def failed(id_: ResourceId, details: list[Json]) -> Json:
    """The error of a deployment some of whose operations failed."""
    return {
        "code": "DeploymentFailed",
        "target": id_,
        "message": "At least one resource deployment operation failed. Please list deployment "
        "operations for details. Please see https://aka.ms/arm-deployment-operations for usage "
        "details.",
        "details": details,
    }


def detail(error: WireError) -> Json:
    """A refusal as one of those details."""
    inner = {"code": error.code, "message": error.message}
    return inner | {key: error.extra[key] for key in ("target", "details") if key in error.extra}


def terminal(id_: ResourceId, state: str, error: Json | None) -> Json:
    """A resource, often a nested deployment, that ended in `state`."""
    return {
        "code": "ResourceDeploymentFailure",
        "target": id_,
        "message": f"{UNVERIFIED}The resource write operation failed to complete successfully, "
        f"because it reached terminal provisioning state '{state}'.",
        "details": [error] if error else [],
    }


def inner(properties: Json) -> Json | None:
    """Why a resource failed, as it says itself: a deployment's error, a cluster's."""
    status = properties.get("status")
    within = status.get("provisioningError") if isinstance(status, dict) else None
    return properties.get("error") or within


def fault(id_: ResourceId) -> Json:
    """Not Azure's: the sandbox itself failed."""
    text = f"The sandbox failed on {id_}; see `akswi sandbox log`."
    return {"code": "SandboxFault", "message": text}


def outputs_failed(id_: ResourceId, error: Exception) -> Json:
    """Everything was made, but an output could not be worked out."""
    if isinstance(error, NotEmulated):
        error = not_emulated(str(error))
    inner = detail(error) if isinstance(error, WireError) else _output_text(error)
    return {
        "code": "DeploymentOutputEvaluationFailed",
        "target": id_,
        "message": f"{UNVERIFIED}Unable to evaluate template outputs. Please see error details "
        "and deployment operations. Please see https://aka.ms/arm-common-errors for usage details.",
        "details": [inner],
    }


def _output_text(error: Exception) -> Json:
    return {"code": "DeploymentOutputEvaluationFailed", "message": str(error)}


def status_name(status: int) -> str:
    """An HTTP status as operations name it: 409 is "Conflict", 400 "BadRequest"."""
    return HTTPStatus(status).phrase.replace(" ", "").replace("-", "")
