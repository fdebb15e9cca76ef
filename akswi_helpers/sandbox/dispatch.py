"""From a request to its reply: find the service, admit, call the route, render refusals.

    answer(world, services, request) -> Reply

A plain handler runs in one transaction, committed before the reply leaves. Nothing here knows
sockets, so the deployment engine PUTs resources through the same call as a client does.
"""

from __future__ import annotations

import inspect
import logging
import sqlite3
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from akswi_helpers.sandbox.dials import Dials
from akswi_helpers.sandbox.wire import (
    MalformedBody,
    Reply,
    Request,
    Route,
    Router,
    Service,
    WireError,
)
from akswi_helpers.sandbox.world import World

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """The registry: every service of this sandbox, found by host."""

    all: tuple[Service, ...]

    @cached_property
    def _routers(self) -> dict[str, Router]:
        return {service.name: Router(service.routes) for service in self.all}

    def of(self, host: str) -> Service | None:
        """The service that answers for `host`, exact names before wildcards."""
        return self._by_host.get(host) or self._by_host.get("*." + host.partition(".")[2])

    @cached_property
    def _by_host(self) -> dict[str, Service]:
        return {host: service for service in reversed(self.all) for host in service.hosts}

    def router(self, service: Service) -> Router:
        """The service's router, compiled once."""
        return self._routers[service.name]

    def hosts(self) -> Iterable[str]:
        """Every host pattern, for the certificate and for the gateway's list."""
        return (host for service in self.all for host in service.hosts)


async def answer(world: World, services: Services, request: Request) -> Reply:
    """The reply to one request, refusals included; raises only for hosts nobody serves."""
    service = services.of(request.host)
    if service is None:
        raise LookupError(request.host)
    try:
        if world.state(Dials).faulty:
            _spare(world, service)
        route, request = _admitted(world, services, service, request)
        if inspect.iscoroutinefunction(route.handler):
            return await cast("Awaitable[Reply]", route.handler(world, request))
        return run(world, route, request)
    except MalformedBody as error:
        return service.render_error(service.malformed(request, error), request)
    except WireError as error:
        return service.render_error(error, request)
    except sqlite3.Error as error:
        log.exception("%s %s%s", request.method, request.host, request.path)
        return service.render_error(_not_written(error), request)
    except Exception:
        log.exception("%s %s%s", request.method, request.host, request.path)
        return service.render_error(_fault(request), request)


def run(world: World, route: Route, request: Request) -> Reply:
    """Call a plain handler inside one transaction. Raises what the handler raises."""
    with world.transaction():
        return cast("Reply", route.handler(world, request))


def _admitted(
    world: World, services: Services, service: Service, request: Request
) -> tuple[Route, Request]:
    found = services.router(service).match(request)
    if found is None:
        raise service.unknown(request)
    route, request = found
    return route, service.admit(world, request, route)


def _spare(world: World, service: Service) -> None:
    """Raise WireError when this request is to be turned away."""
    from akswi_helpers.sandbox.faults import Faults

    world.state(Faults).spare(service.name)


def _not_written(error: sqlite3.Error) -> WireError:
    # azure-core repeats 500, 502, 503 and 504, which would hide this for seconds; 507 it does not.
    text = (
        f"The sandbox cannot write its state ({error}); nothing was changed. If its disk is full, "
        "free some space and try again."
    )
    return WireError(507, "SandboxStorage", text)


def _fault(request: Request) -> WireError:
    # 501, not 500: clients repeat a 500 several times and hide it for seconds.
    what = f"{request.method} {request.host}{request.path}"
    return WireError(501, "SandboxFault", f"The sandbox failed on {what}; see `akswi sandbox log`.")
