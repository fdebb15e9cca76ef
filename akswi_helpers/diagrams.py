"""Pictures of who proves what to whom: status in, SVG, alt text and plain words out.

    draw(chain)         one app's chain, hop by hop, with what each hop answered
    broken(chain, 2)    the same chain, had it ended at hop 2
    expected()          the same chain before anybody tried it
    injection()         how a token gets into a pod that asked for an identity

Pure: nothing here asks Azure or the cluster; `evidence.chain` does. Colour never says anything
alone: a hop that did not work is dashed, and its code says why. Left out: pictures without hops;
see `stills`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from akswi_helpers.svg import GREEN, GREY, RED, Drawing, Picture, wrapped

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
        far = f"{done} of {len(self.hops)} hops answered" if done else f"{len(self.hops)} hops"
        return f"{self.title}. {far}. {steps}."


def draw(chain: Chain) -> Picture:
    """`chain` as a sequence: one column per party, one arrow per hop."""
    columns = _columns(chain.hops)
    labels = [wrapped(hop.what, _reach(hop, columns) - 34) for hop in chain.hops]
    heights = [
        15 * len(label) + (66 if hop.code else 38)
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
    page.label(middle, top + 10, label)
    if start == end:
        page.badge(start, top + 15, str(hop.number), colour)
    else:
        page.arrow(start, end, y, colour, dash=hop.status != "ok")
        page.badge(start, y, str(hop.number), colour)
    if hop.code:
        page.pill(middle, y + 25, f"{hop.status}: {hop.code}", colour)


def _columns(hops: Sequence[Hop]) -> dict[str, float]:
    """Each party's x, in the order in which the parties first speak."""
    parties = dict.fromkeys(name for hop in hops for name in (hop.source, hop.destination))
    return {name: float(MARGIN + COLUMN * number) for number, name in enumerate(parties)}


def _reach(hop: Hop, columns: dict[str, float]) -> float:
    """The room for a hop's words, in pixels."""
    return abs(columns[hop.source] - columns[hop.destination]) or COLUMN - 60


def tried(
    app: str, title: str, ways: Sequence[tuple[str, str, str]], stops: int, code: str, why: str
) -> Chain:
    """A chain of hops (source, destination, what) that was tried, and stopped at hop `stops`.

    Those before it answered, it is refused with `code` and `why`, the rest is not reached. A
    number beyond the last hop means that all answered.
    """

    def status(number: int) -> Status:
        if number < stops:
            return "ok"
        return "refused" if number == stops else "not reached"

    def reason(number: int) -> tuple[str, str]:
        return (code, why) if number == stops else ("", "")

    hops = (
        Hop(number, *way, status(number), *reason(number)) for number, way in enumerate(ways, 1)
    )
    return Chain(app, title, tuple(hops))


def broken(chain: Chain, number: int, code: str = "") -> Chain:
    """`chain` as it stands when hop `number` is refused: what comes after was not reached."""

    def after(hop: Hop) -> Hop:
        if hop.number < number:
            return hop
        if hop.number == number:
            return replace(hop, status="refused", code=code, why="")
        return replace(hop, status="not reached", code="", why="")

    return replace(chain, hops=tuple(after(hop) for hop in chain.hops))


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


def injection() -> Picture:
    """What happens between `helm install` and a token in a file."""
    hops = (
        Hop(1, "helm", "cluster", "a pod with a label, a service account with an annotation"),
        Hop(2, "cluster", "webhook", "the pod, before it is stored"),
        Hop(3, "webhook", "cluster", "four variables and a volume for a token"),
        Hop(4, "cluster", "kubelet", "start this pod"),
        Hop(5, "kubelet", "cluster", "asks for a token for the pod's service account"),
        Hop(6, "kubelet", "pod", "the token, in a file that is kept fresh"),
    )
    return draw(Chain("app1", "How a token gets into a pod", hops))
