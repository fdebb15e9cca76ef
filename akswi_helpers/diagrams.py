"""Pictures of who proves what to whom: status in, SVG, alt text and plain words out.

    draw(chain)         one app's chain, hop by hop, with what each hop answered
    expected()          the same chain before anybody tried it
    five_ways()         the five apps and how far each identity reaches
    architecture()      what the template makes, and who may use what

Pure: nothing here asks Azure or the cluster; `evidence.chain` does. Colour never says anything
alone: each hop carries a word too. Left out: movement; see `widgets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from akswi_helpers.scenarios import SCENARIOS
from akswi_helpers.svg import BLUE, GREEN, GREY, INK, LINE, RED, Drawing, Picture, wrapped

Status: TypeAlias = Literal["ok", "refused", "not reached"]

COLOURS: dict[Status, str] = {"ok": GREEN, "refused": RED, "not reached": GREY}

MARGIN, COLUMN, HEADER = 90, 210, 84


@dataclass(frozen=True, slots=True)
class Hop:
    """One step: who asks whom for what, and what came of it.

    `code` is the refusing service's own ("AADSTS700213"), `why` the reason in plain words.
    """

    number: int
    source: str
    destination: str
    what: str
    status: Status = "not reached"
    code: str = ""
    why: str = ""

    def line(self) -> str:
        """The hop in one line, as it stands in logs and alt texts."""
        refusal = f" {self.code}" if self.code else ""
        reason = f" ({self.why})" if self.why else ""
        way = f"{self.source} → {self.destination}"
        return f"{self.number}. {way}: {self.what} [{self.status}{refusal}]{reason}"


@dataclass(frozen=True, slots=True)
class Chain:
    """The hops of one app, in order."""

    app: str
    title: str
    hops: tuple[Hop, ...]

    @property
    def text(self) -> str:
        """The chain in plain lines."""
        return "\n".join([self.title, *(hop.line() for hop in self.hops)])

    @property
    def alt(self) -> str:
        """The chain in one sentence: how far it holds, and where it ends."""
        refused = [hop for hop in self.hops if hop.status == "refused"]
        if refused:
            hop = refused[0]
            return (
                f"{self.title}. Hop {hop.number} of {len(self.hops)} is refused: "
                f"{hop.source} to {hop.destination}, {hop.what}, {hop.code or hop.why}."
            )
        done = sum(hop.status == "ok" for hop in self.hops)
        steps = "; ".join(f"{hop.source} to {hop.destination}: {hop.what}" for hop in self.hops)
        return f"{self.title}. {done} of {len(self.hops)} hops answered. {steps}."


def draw(chain: Chain) -> Picture:
    """`chain` as a sequence: one column per party, one arrow per hop."""
    columns = _columns(chain.hops)
    labels = [wrapped(hop.what, _reach(hop, columns) - 34) for hop in chain.hops]
    heights = [
        15 * len(label) + (62 if hop.code else 38)
        for hop, label in zip(chain.hops, labels, strict=True)
    ]
    page = Drawing(2 * MARGIN + COLUMN * (len(columns) - 1), HEADER + sum(heights) + 14)
    page.text(page.width / 2, 22, chain.title, size=15, weight="bold")
    for name, x in columns.items():
        page.line(x, HEADER - 10, x, page.height - 10, "#e5e7eb")
        page.box(x - 70, 36, 140, 30)
        page.text(x, 56, name, weight="bold")
    y = float(HEADER)
    for hop, label, height in zip(chain.hops, labels, heights, strict=True):
        _draw_hop(page, hop, label, columns, y)
        y += height
    return page.picture(chain.alt, chain.text)


def _draw_hop(
    page: Drawing, hop: Hop, label: list[str], columns: dict[str, float], top: float
) -> None:
    """One arrow with its number, its words above and, if there is one, its code below."""
    colour, start, end = COLOURS[hop.status], columns[hop.source], columns[hop.destination]
    y = top + 15 * len(label) + 10
    middle = (start + end) / 2 if start != end else start + 80
    page.paragraph(middle, top + 10, label)
    if start == end:
        page.badge(start, top + 15, str(hop.number), colour)
    else:
        page.arrow(start, end, y, colour, dash=hop.status != "ok")
        page.badge(start, y, str(hop.number), colour)
    if hop.code:
        page.pill(middle, y + 20, f"{hop.status}: {hop.code}", colour)


def _columns(hops: Sequence[Hop]) -> dict[str, float]:
    """Each party's x, in the order in which the parties first speak."""
    parties = dict.fromkeys(name for hop in hops for name in (hop.source, hop.destination))
    return {name: float(MARGIN + COLUMN * number) for number, name in enumerate(parties)}


def _reach(hop: Hop, columns: dict[str, float]) -> float:
    """The room for a hop's words, in pixels."""
    return abs(columns[hop.source] - columns[hop.destination]) or COLUMN - 60


def expected() -> Picture:
    """The chain of app 1 as it should be; nothing has been tried yet."""
    hops = (
        Hop(1, "cluster", "pod", "a token that the cluster signed"),
        Hop(2, "pod", "Entra ID", "that token, in place of a password"),
        Hop(3, "Entra ID", "cluster", "asks for the cluster's public keys"),
        Hop(4, "Entra ID", "pod", "an access token for Key Vault"),
        Hop(5, "pod", "Key Vault", "the access token, and which secret"),
        Hop(6, "Key Vault", "pod", "the secret, if a role allows it"),
    )
    return draw(Chain("app1", "How app 1 gets its secret", hops))


def five_ways() -> Picture:
    """The five apps: identity, how the secret arrives, and who else can use the identity."""
    page = Drawing(900, 96 + 62 * len(SCENARIOS))
    page.text(450, 24, "Five ways to prove who you are", size=15, weight="bold")
    for x, head in (
        (20, "app"),
        (120, "its identity"),
        (400, "the secret arrives by"),
        (650, "who can use that identity"),
    ):
        page.text(x, 60, head, anchor="start", weight="bold", fill=GREY)
    for number, scenario in enumerate(SCENARIOS):
        y = 72.0 + 62 * number
        page.box(10, y, 880, 52, fill="#f8fafc")
        page.badge(40, y + 26, str(scenario.number), BLUE)
        cells = ((120, 250, scenario.identity), (400, 230, scenario.arrives_by))
        for x, width, words in (*cells, (650, 230, scenario.scope)):
            lines = wrapped(words, width)
            page.paragraph(x, y + (30 if len(lines) == 1 else 22), lines, anchor="start", fill=INK)
    lines = [
        f"{s.name}: {s.identity}; the secret arrives by {s.arrives_by}; usable by {s.scope}"
        for s in SCENARIOS
    ]
    return page.picture("Five apps, five ways. " + ". ".join(lines) + ".", "\n".join(lines))


def architecture() -> Picture:
    """What the template makes: the cluster, three identities, five vaults, and the links."""
    page = Drawing(900, 400)
    page.text(450, 24, "What the template makes", size=15, weight="bold")
    for x, head in ((130, "one cluster"), (450, "three identities"), (770, "five vaults")):
        page.text(x, 56, head, weight="bold", fill=GREY)
    page.box(20, 72, 220, 300, fill="#f8fafc")
    _labelled(page, 40, 92, 180, 44, ["issuer of tokens"])
    _labelled(page, 40, 176, 180, 44, ["node pool npsystem"])
    _labelled(page, 40, 232, 180, 44, ["node pool npuser01"])
    _labelled(page, 40, 308, 180, 44, ["Key Vault add-on", "with its own identity"])
    for row in range(5):
        _labelled(page, 680, 72 + 62 * row, 200, 44, [f"vault of app {row + 1}", "one secret"])
    for number, y in ((1, 72), (3, 196), (5, 320)):
        _labelled(page, 360, y, 180, 44, [f"id-app{number}"])
        page.arrow(540, 680, y + 22, BLUE)
        page.text(610, y + 14, "may read", size=11)
    for level in (94.0, 342.0):
        page.line(300, 114, 300, level, GREEN)
        page.arrow(300, 360, level, GREEN)
    page.line(220, 114, 300, 114, GREEN)
    page.text(292, 84, "trusted by", size=11)
    alt = (
        "One cluster with an issuer of tokens, two node pools and the Key Vault add-on; three "
        "identities, id-app1, id-app3 and id-app5; five vaults with one secret each. The issuer is "
        "trusted by id-app1 and id-app5. Each identity may read the vault of its own app; no "
        "identity may read the vaults of apps 2 and 4 yet."
    )
    return page.picture(alt, alt)


def _labelled(
    page: Drawing, x: float, y: float, width: float, height: float, lines: list[str]
) -> None:
    """A box with one or two lines in its middle."""
    page.box(x, y, width, height, fill="#ffffff", stroke=LINE)
    first = y + height / 2 + (4 if len(lines) == 1 else -4)
    page.paragraph(x + width / 2, first, lines)
