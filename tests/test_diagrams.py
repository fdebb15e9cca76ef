"""Pictures: what they say, drawn or not, and that a viewer which strips styles still draws them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from akswi_helpers import diagrams, stills
from akswi_helpers.diagrams import Chain, Hop
from akswi_helpers.svg import GREEN, GREY, RED, Picture

BROKEN = Chain(
    "app1",
    "How app 1 gets its secret",
    (
        Hop(1, "cluster", "pod", "a token that the cluster signed", "ok"),
        Hop(2, "pod", "Entra ID", "that token", "refused", "AADSTS700213", "the subject differs"),
        Hop(3, "pod", "Key Vault", "the access token"),
    ),
)

every_picture = pytest.mark.parametrize(
    "draw",
    [
        diagrams.expected,
        diagrams.injection,
        stills.five_ways,
        stills.architecture,
        stills.clean_up,
        lambda: diagrams.draw(BROKEN),
    ],
)


def elements(picture: Picture, name: str) -> list[ElementTree.Element]:
    """The SVG's elements of one kind."""
    root = ElementTree.fromstring(picture.svg)
    return list(root.iter(f"{{http://www.w3.org/2000/svg}}{name}"))


def test_draw_gives_every_hop_an_arrow_in_its_colour() -> None:
    arrows = elements(diagrams.draw(BROKEN), "polygon")
    assert [arrow.get("fill") for arrow in arrows] == [GREEN, RED, GREY]


def test_draw_shows_the_code_of_the_hop_that_was_refused() -> None:
    words = [element.text for element in elements(diagrams.draw(BROKEN), "text")]
    assert words.count("refused: AADSTS700213") == 1


def test_draw_points_the_other_way_when_the_answer_comes_back() -> None:
    back = Chain("app1", "t", (Hop(1, "a", "b", "asks"), Hop(2, "b", "a", "answers")))
    first, second = (arrow.get("points", "") for arrow in elements(diagrams.draw(back), "polygon"))
    assert first.startswith("300,")
    assert second.startswith("90,")


def test_alt_names_the_hop_that_was_refused_and_by_what() -> None:
    alt = diagrams.draw(BROKEN).alt
    assert "Hop 2 of 3 is refused" in alt
    assert "AADSTS700213" in alt


def test_alt_counts_the_hops_that_answered_when_none_was_refused() -> None:
    whole = Chain("app1", "Title", (Hop(1, "pod", "Entra ID", "asks", "ok"),))
    assert diagrams.draw(whole).alt == "Title. 1 of 1 hops answered. pod to Entra ID: asks."


def test_alt_of_a_chain_that_nobody_tried_counts_its_hops() -> None:
    assert diagrams.expected().alt.startswith("How app 1 gets its secret. 6 hops. cluster to pod:")


def test_broken_keeps_what_came_before_and_reaches_nothing_after() -> None:
    whole = Chain("app1", "t", tuple(Hop(n, "a", "b", "asks", "ok") for n in (1, 2, 3)))
    hops = diagrams.broken(whole, 2, "AADSTS700213").hops
    assert [hop.status for hop in hops] == ["ok", "refused", "not reached"]
    assert [hop.code for hop in hops] == ["", "AADSTS700213", ""]


def test_text_has_a_line_for_every_hop() -> None:
    title, *lines = BROKEN.text.splitlines()
    assert title == BROKEN.title
    expected = "2. pod → Entra ID: that token [refused AADSTS700213] (the subject differs)"
    assert lines[1] == expected


def test_bundle_is_an_image_with_words_and_plain_text() -> None:
    bundle = diagrams.draw(BROKEN)._repr_mimebundle_()
    found = re.fullmatch(
        r'<img alt="([^"]+)" src="data:image/svg\+xml;base64,([^"]+)">', bundle["text/html"]
    )
    assert found
    assert base64.b64decode(found[2]).startswith(b"<svg ")
    assert bundle["text/plain"] == BROKEN.text


@every_picture
def test_picture_needs_no_style_no_id_and_nothing_from_elsewhere(
    draw: Callable[[], Picture],
) -> None:
    svg = draw().svg
    assert "<style" not in svg
    assert not re.search(r'\b(id|class|href|style)="', svg)


@every_picture
def test_picture_keeps_its_words_on_the_page(draw: Callable[[], Picture]) -> None:
    picture = draw()
    width = float(ElementTree.fromstring(picture.svg).get("width", "0"))
    for words in elements(picture, "text"):
        long = len(words.text or "") * float(words.get("font-size", "0")) * 0.6
        before = {"middle": long / 2, "start": 0.0}[words.get("text-anchor", "start")]
        left = float(words.get("x", "0")) - before
        assert left >= 0
        assert left + long <= width


def test_picture_escapes_what_a_service_said() -> None:
    odd = Chain("app1", '<script>"&', (Hop(1, "pod", "a<b", "x & y", "refused", "<code>"),))
    picture = diagrams.draw(odd)
    assert ElementTree.fromstring(picture.svg) is not None
    assert "<script>" not in picture.html()


def test_five_ways_names_every_scenario() -> None:
    assert [line[:4] for line in stills.five_ways().text.splitlines()] == [
        f"app{number}" for number in range(1, 6)
    ]
