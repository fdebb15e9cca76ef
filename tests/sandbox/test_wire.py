"""Routes are found whatever the letter case, the most literal first."""

import pytest

from akswi_helpers.sandbox.wire import MalformedBody, Reply, Request, Route, Router
from akswi_helpers.sandbox.world import World


def _handler(world: World, request: Request) -> Reply:
    return Reply(dict(request.args))


def _request(path: str, method: str = "GET", **rest: object) -> Request:
    return Request(method, "management.azure.com", path, **rest)  # type: ignore[arg-type]


ROUTER = Router(
    (
        Route("GET", "/{scope+}/roleAssignments/{name}", _handler),
        Route("GET", "/groups/{group}", _handler),
        Route("GET", "/groups/mine", _handler),
    )
)


@pytest.mark.parametrize(
    ("path", "args"),
    [
        ("/groups/A", {"group": "A"}),
        ("/GROUPS/mine", {}),
        ("/groups/a/", {"group": "a"}),
        ("/a/b/roleassignments/x", {"scope": "a/b", "name": "x"}),
    ],
)
def test_match_fills_the_arguments(path: str, args: dict[str, str]) -> None:
    found = ROUTER.match(_request(path))
    assert found is not None
    assert found[1].args == args


def test_match_is_none_for_another_method_or_path() -> None:
    assert ROUTER.match(_request("/groups/a", "PUT")) is None
    assert ROUTER.match(_request("/groups/a/b")) is None


def test_query_gives_the_first_value_of_each_name() -> None:
    request = _request("/", query_string="a=1&a=2&b=")
    assert dict(request.query) == {"a": "1", "b": ""}


def test_json_refuses_what_is_not_an_object() -> None:
    with pytest.raises(MalformedBody):
        _request("/", body=b"[1]").json()
    with pytest.raises(MalformedBody):
        _request("/", body=b"{template: 1}").json()
