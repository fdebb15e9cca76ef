"""The HTTP door of a cluster: one ASGI application, one path grammar, every verb.

Order of a request: who is it (401), may they (403), is there such a thing (404, 405), is the body
good (400, 415, 422), then the verb. Whatever goes wrong is a Status object.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/, answers of a kube-apiserver
1.37.2. Left out: HTTP/2, compression, watching over WebSocket.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from akswi_helpers.sandbox.cluster.api import (
    authentication,
    discovery,
    exec,
    plain,
    rbac,
    reviews,
    subresources,
    verbs,
    watching,
)
from akswi_helpers.sandbox.cluster.api.calls import Call
from akswi_helpers.sandbox.cluster.api.exchange import Exchange
from akswi_helpers.sandbox.cluster.refusals import (
    StatusError,
    bad_request,
    method_not_allowed,
    not_implemented,
    server_timeout,
    too_many_requests,
    unknown_resource,
)
from akswi_helpers.sandbox.dials import Dials
from akswi_helpers.sandbox.faults import RETRY_AFTER, THROTTLED, Faults
from akswi_helpers.sandbox.wire import Reply, WireError

if TYPE_CHECKING:
    from akswi_helpers.sandbox.cluster.clusters import Cluster

log = logging.getLogger(__name__)

_HANDLERS: dict[str, Callable[[Call], Reply]] = {
    "get": verbs.get,
    "list": verbs.list_,
    "watch": watching.watched,
    "create": verbs.create,
    "update": verbs.update,
    "patch": verbs.patch,
    "delete": verbs.delete,
    "deletecollection": verbs.delete_collection,
}
NOT_EMULATED = ("Binding", "ComponentStatus")  # kinds


class Api:
    """The ASGI application of one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Answer one HTTP request, or serve one WebSocket."""
        exchange = Exchange(self._cluster, scope, receive, send)
        try:
            call = await exchange.read()
        except StatusError as error:
            await exchange.answer(_status(error), None)
            return
        answered = await reply(call)
        if scope["type"] == "http":
            if answered.status == exec.SWITCHING:  # a door that does not take WebSockets
                answered = _status(bad_request("Upgrade request required"))
            await exchange.answer(answered, call)
        elif answered.status == exec.SWITCHING:
            await exec.serve(call, exchange)
        elif answered.status < 400:
            await exchange.turn_down(_status(not_implemented("this over WebSocket")))
        else:
            await exchange.turn_down(answered)


async def reply(call: Call) -> Reply:
    """The reply to a call, refusals included."""
    try:
        if call.cluster.world.state(Dials).faulty:
            _spare(call)
        user = authentication.user_of(call.cluster, call.headers.get("authorization", ""))
        user = authentication.acting_as(call.cluster, user, call)
        call = call.by(user)
        if not rbac.allowed(call.cluster, user, call.attributes):
            raise rbac.refusal(user, call.attributes)
        return await _handled(call)
    except StatusError as error:
        return _status(error)
    except WireError as error:
        return _status(StatusError(error.status, error.code, error.message))
    except Exception:
        log.exception("%s %s", call.method, call.target.path)
        what = f"the sandbox failed on {call.method} {call.target.path}; see `akswi sandbox log`"
        return _status(StatusError(500, "InternalError", f"Internal error occurred: {what}"))


def _spare(call: Call) -> None:
    """Raise StatusError when this request is to be turned away, before anything is done."""
    status = call.cluster.world.state(Faults).next("kubernetes")
    if status == THROTTLED:
        raise too_many_requests(RETRY_AFTER)
    if status:
        raise server_timeout(call.verb, call.target.plural, RETRY_AFTER)


async def _handled(call: Call) -> Reply:
    target = call.target
    if not target.plural:
        return await plain.answer(call)
    if discovery.group_version(call) is None:
        return plain.page_not_found()
    kind = discovery.served(call)
    if target.subresource:
        return await subresources.answer(call)
    verb = call.verb
    if verb not in kind.verbs or (verb == "create" and target.name):
        raise method_not_allowed()
    if kind.kind in reviews.ANSWERS:
        return reviews.answer(call)
    if kind.kind in NOT_EMULATED:
        raise not_implemented(kind.plural)
    if kind.namespaced and not call.namespace and verb in ("create", "deletecollection"):
        raise method_not_allowed() if verb == "create" else unknown_resource()
    return _HANDLERS[verb](call)


def _status(error: StatusError) -> Reply:
    return Reply(error.body(), error.status, error.headers)
