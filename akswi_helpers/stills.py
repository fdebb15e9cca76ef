"""Pictures that stay as they are: what there is, not what happened.

    five_ways()         the five apps and how far each identity reaches
    architecture()      what the template makes, and who may use what
    clean_up()          what goes with what, and what stays until somebody purges it
    evidence(rows)      for each app, whether its pod has what its vault holds

Left out: pictures of who asks whom; see `diagrams`.
"""

from __future__ import annotations

from collections.abc import Sequence

from akswi_helpers.scenarios import SCENARIOS
from akswi_helpers.svg import BLUE, GREEN, GREY, INK, LINE, RED, Drawing, Picture, wrapped


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


def clean_up() -> Picture:
    """Your group, and what lies elsewhere: some of it goes with the group, some stays."""
    page = Drawing(900, 356)
    page.text(450, 24, "What goes with what", size=15, weight="bold")
    for x, head in ((150, "your resource group"), (730, "elsewhere")):
        page.text(x, 56, head, weight="bold", fill=GREY)
    page.box(20, 72, 260, 256, fill="#f8fafc")
    for y, words in (
        (88, ["cluster"]),
        (164, ["five vaults", "and who may read them"]),
        (268, ["three identities", "and whose token they trust"]),
    ):
        _labelled(page, 40, y, 220, 44, words)
    page.arrow(260, 580, 110, GREEN)
    page.text(430, 102, "goes with it", size=11)
    page.arrow(260, 580, 186, RED, dash=True)
    page.text(430, 178, "stay", size=11)
    for y, words, end in (
        (88, ["node group", "nodes, disks, addresses"], ""),
        (164, ["soft-deleted vaults", "their names stay taken"], "until somebody purges them"),
        (268, ["Entra ID: application AksWiApp2", "and its service principal"], _FROM_BIN),
    ):
        _labelled(page, 580, y, 300, 44, words)
        page.text(730, y + 62, end, fill=RED)
    page.text(730, 260, "in no group", size=11, fill=GREY)
    alt = (
        "The resource group holds the cluster, five vaults and three identities. The node group "
        "lies elsewhere and goes with the cluster. Deleted vaults stay as soft-deleted vaults, and "
        "keep their names taken, until somebody purges them. The application AksWiApp2 and its "
        "service principal are in Entra ID, in no group: they stay until somebody deletes them, "
        "from the recycle bin too."
    )
    return page.picture(alt, alt)


_FROM_BIN = "until somebody deletes them, from the bin too"


def evidence(rows: Sequence[tuple[str, bool, str]]) -> Picture:
    """For each app (name, whether both are equal, what it says in place of a secret).

    The fingerprints themselves are not drawn.
    """
    page = Drawing(900, 84 + 62 * len(rows))
    page.text(450, 24, "Who has the secret", size=15, weight="bold")
    for x, head in ((170, "in the pod"), (730, "in the vault")):
        page.text(x, 56, head, weight="bold", fill=GREY)
    for number, (app, equal, said) in enumerate(rows):
        y = 72.0 + 62 * number
        _labelled(page, 20, y, 300, 44, [app, "its secret" if equal else said or "nothing"])
        _labelled(page, 580, y, 300, 44, [f"vault of {app}", "one secret"])
        page.line(320, y + 22, 580, y + 22, GREEN if equal else RED, dash=not equal)
        page.pill(450, y + 22, "= equal" if equal else "≠ different", GREEN if equal else RED)
    lines = [_said(*row) for row in rows]
    works = sum(equal for _, equal, _ in rows)
    alt = f"{works} of {len(rows)} apps have the secret of their vault. " + "; ".join(lines) + "."
    return page.picture(alt, "\n".join(lines))


def _said(app: str, equal: bool, said: str) -> str:
    if equal:
        return f"{app}: equal, in its pod and in its vault"
    return f"{app}: different, its pod has {said or 'nothing'}"


def _labelled(
    page: Drawing, x: float, y: float, width: float, height: float, lines: list[str]
) -> None:
    """A box with one or two lines in its middle."""
    page.box(x, y, width, height, fill="#ffffff", stroke=LINE)
    first = y + height / 2 + (4 if len(lines) == 1 else -4)
    page.paragraph(x + width / 2, first, lines)
