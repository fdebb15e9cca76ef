"""Pictures: what they say, drawn or not, and that a viewer which strips styles still draws them."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from itertools import combinations
from xml.etree import ElementTree

import pandas as pd
import pytest

from akswi_helpers import diagrams, evidence, mounted, stills, storyboards
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

FIVE = [
    ("app1", True, ""),
    ("app2", False, "AADSTS70025"),
    ("app3", False, "Multiple user assigned identities exist"),
    ("app4", False, ""),
    ("app5", True, ""),
]
Box = tuple[float, float, float, float]  # left, top, right, bottom


def mount(ways: tuple[tuple[str, str, str], ...], stops: int, code: str) -> Picture:
    """The chain of a mounted secret, refused at one hop."""
    chain = diagrams.tried("app3", "How app 3 gets its secret", ways, stops, code, "why")
    return diagrams.draw(chain)


every_picture = pytest.mark.parametrize(
    "draw",
    [
        diagrams.expected,
        diagrams.injection,
        stills.five_ways,
        stills.architecture,
        stills.clean_up,
        storyboards.registration,
        storyboards.two_failures,
        storyboards.federation,
        storyboards.node_identity,
        lambda: stills.evidence(FIVE),
        lambda: stills.evidence(FIVE[:1]),
        lambda: diagrams.draw(BROKEN),
        lambda: mount(mounted.AS_THE_POD, 2, "AADSTS70025"),
        lambda: mount(mounted.AS_THE_NODE, 2, "Multiple user assigned identities exist"),
        lambda: mount(mounted.AS_THE_NODE, 5, "ForbiddenByRbac"),
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


@every_picture
def test_picture_writes_no_words_over_others(draw: Callable[[], Picture]) -> None:
    written = [extent(words) for words in elements(draw(), "text")]
    over = [(a, b) for a, b in combinations(written, 2) if overlap(a, b)]
    assert over == []


@every_picture
def test_picture_keeps_words_inside_their_box(draw: Callable[[], Picture]) -> None:
    picture = draw()
    boxes = [outline(box) for box in elements(picture, "rect") if box.get("rx")]
    written = [extent(words) for words in elements(picture, "text")]
    cut = [(a, b) for a in written for b in boxes if overlap(a, b) and not inside(a, b)]
    assert cut == []


def extent(words: ElementTree.Element) -> Box:
    """Where a line of text is, in a font 5 % wider than Helvetica."""
    size = float(words.get("font-size", "0"))
    long = len(words.text or "") * size * 0.54
    left = float(words.get("x", "0")) - (long / 2 if words.get("text-anchor") == "middle" else 0)
    base = float(words.get("y", "0"))
    return (left, base - size * 0.75, left + long, base + size * 0.2)


def outline(box: ElementTree.Element) -> Box:
    """Where a box is."""
    x, y, width, height = (float(box.get(name, "0")) for name in ("x", "y", "width", "height"))
    return (x, y, x + width, y + height)


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes share some ground."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def inside(a: Box, b: Box) -> bool:
    """Whether `a` lies in `b`."""
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def test_evidence_draws_a_row_for_every_app_and_counts_those_that_work() -> None:
    picture = stills.evidence(FIVE)
    words = [element.text for element in elements(picture, "text")]
    assert (words.count("= equal"), words.count("≠ different")) == (2, 3)
    assert picture.alt.startswith("2 of 5 apps have the secret of their vault.")
    assert "app2: different, its pod has AADSTS70025" in picture.text


def test_evidence_picture_is_made_from_the_table() -> None:
    row = {"app": "app1", "works": "no", "proof": "different", "in the pod": "AADSTS70025"}
    picture = evidence.picture(pd.DataFrame([row]).set_index("app"))
    assert picture.text == "app1: different, its pod has AADSTS70025"


def test_clean_up_tells_what_lies_in_no_group() -> None:
    picture = stills.clean_up()
    words = " ".join(element.text or "" for element in elements(picture, "text"))
    assert "Entra ID: application AksWiApp2 and its service principal" in words
    assert "until somebody deletes them, from the recycle bin too" in picture.alt


def test_picture_escapes_what_a_service_said() -> None:
    odd = Chain("app1", '<script>"&', (Hop(1, "pod", "a<b", "x & y", "refused", "<code>"),))
    picture = diagrams.draw(odd)
    assert ElementTree.fromstring(picture.svg) is not None
    assert "<script>" not in picture.html()


def test_five_ways_names_every_scenario() -> None:
    assert [line[:4] for line in stills.five_ways().text.splitlines()] == [
        f"app{number}" for number in range(1, 6)
    ]
