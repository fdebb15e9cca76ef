"""Pictures that stay as they are: what there is, not what happened.

    five_ways()         the five apps and how far each identity reaches
    architecture()      what the template makes, and who may use what
    clean_up()          what goes with what, and what stays unless it is purged

Left out: pictures of who asks whom; see `diagrams`.
"""

from __future__ import annotations

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
    """Two groups, and the soft-deleted vaults that outlive them."""
    page = Drawing(900, 300)
    page.text(450, 24, "What goes with what", size=15, weight="bold")
    for x, head in ((150, "your resource group"), (750, "elsewhere")):
        page.text(x, 56, head, weight="bold", fill=GREY)
    page.box(20, 72, 260, 208, fill="#f8fafc")
    for y, words in ((88, "cluster"), (152, "five vaults"), (216, "three identities")):
        _labelled(page, 40, y, 220, 44, [words])
    for y, words, fate in (
        (88, "node group: nodes, disks, addresses", "goes with it"),
        (152, "soft-deleted vaults: names stay taken", "stay"),
    ):
        page.arrow(260, 600, y + 22, RED if fate == "stay" else GREEN, dash=fate == "stay")
        page.text(430, y + 14, fate, size=11)
        _labelled(page, 600, y, 290, 44, [words])
    page.text(745, 230, "until somebody purges them", fill=RED)
    page.line(745, 196, 745, 216, RED, dash=True)
    alt = (
        "The resource group holds the cluster, five vaults and three identities. The node group "
        "lies elsewhere and goes with the cluster. Deleted vaults stay as soft-deleted vaults, and "
        "keep their names taken, until somebody purges them."
    )
    return page.picture(alt, alt)


def _labelled(
    page: Drawing, x: float, y: float, width: float, height: float, lines: list[str]
) -> None:
    """A box with one or two lines in its middle."""
    page.box(x, y, width, height, fill="#ffffff", stroke=LINE)
    first = y + height / 2 + (4 if len(lines) == 1 else -4)
    page.paragraph(x + width / 2, first, lines)
