"""A picture as SVG, with its words: the shapes that `diagrams` is drawn with.

    Drawing(width, height)     collect shapes: box, text, arrow, badge
    drawing.picture(alt, text) the finished Picture

Presentation attributes only, no `<style>` and no ids, because a notebook that is not trusted
strips them; widths leave room for a font that runs 15 % wider than Helvetica.
Source: https://www.w3.org/TR/SVG11/. Left out: everything that a static arrow picture does without.
"""

from __future__ import annotations

import base64
import html
import textwrap
from dataclasses import dataclass, field

FONT = "Helvetica, Arial, sans-serif"
INK, PALE, LINE = "#1f2937", "#f3f4f6", "#9ca3af"
GREEN, RED, GREY, BLUE = "#15803d", "#b42318", "#6b7280", "#1d4ed8"

# One character of a 12 px font, in pixels: Helvetica takes 6.2, DejaVu 7.1.
CHARACTER_WIDTH = 7.1 / 12


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG with what it says: `alt` in one sentence or two, `text` line by line."""

    svg: str
    alt: str
    text: str

    def html(self) -> str:
        """An `<img>` that every notebook viewer draws, trusted or not."""
        data = base64.b64encode(self.svg.encode()).decode()
        return f'<img alt="{html.escape(self.alt)}" src="data:image/svg+xml;base64,{data}">'

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": self.text}


def wrapped(words: str, width: float, size: float = 12) -> list[str]:
    """`words` in lines of at most `width` pixels in a font of `size` pixels."""
    return textwrap.wrap(words, max(4, int(width / (size * CHARACTER_WIDTH)))) or [""]


@dataclass(slots=True)
class Drawing:
    """Shapes on a white page of `width` by `height` pixels; (0, 0) is the upper left corner."""

    width: float
    height: float
    shapes: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, **look: object) -> None:
        """A rectangle with round corners; `look`: fill, stroke, dash."""
        fill, stroke = look.get("fill", PALE), look.get("stroke", LINE)
        self.shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" '
            f'fill="{fill}" stroke="{stroke}" stroke-width="1.5"{_dash(look.get("dash"))}/>'
        )

    def text(self, x: float, y: float, words: str, **look: object) -> None:
        """One line whose baseline is at `y`; `look`: size, anchor, weight, fill."""
        self.shapes.append(
            f'<text x="{x:g}" y="{y:g}" font-family="{FONT}" font-size="{look.get("size", 12)}" '
            f'font-weight="{look.get("weight", "normal")}" fill="{look.get("fill", INK)}" '
            f'text-anchor="{look.get("anchor", "middle")}">{html.escape(words)}</text>'
        )

    def paragraph(self, x: float, y: float, lines: list[str], **look: object) -> None:
        """Several lines, 15 pixels apart, the first one's baseline at `y`."""
        for number, line in enumerate(lines):
            self.text(x, y + 15 * number, line, **look)

    def label(self, x: float, y: float, lines: list[str]) -> None:
        """Several lines around `x` on a white ground, so that no line runs through the words."""
        width = max(len(line) for line in lines) * 12 * CHARACTER_WIDTH
        height = 15 * len(lines)
        self.shapes.append(
            f'<rect x="{x - width / 2:g}" y="{y - 11:g}" width="{width:g}" height="{height:g}" '
            'fill="#ffffff"/>'
        )
        self.paragraph(x, y, lines)

    def arrow(self, x1: float, x2: float, y: float, colour: str, *, dash: bool = False) -> None:
        """A level arrow from `x1` to `x2`."""
        back = 9 if x2 < x1 else -9
        self.line(x1, y, x2 + back, y, colour, dash=dash)
        self.shapes.append(
            f'<polygon points="{x2:g},{y:g} {x2 + back:g},{y - 5:g} {x2 + back:g},{y + 5:g}" '
            f'fill="{colour}"/>'
        )

    def line(
        self, x1: float, y1: float, x2: float, y2: float, colour: str, *, dash: bool = False
    ) -> None:
        """A straight line."""
        self.shapes.append(
            f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" '
            f'stroke="{colour}" stroke-width="2"{_dash(dash)}/>'
        )

    def badge(self, x: float, y: float, words: str, colour: str) -> None:
        """A number in a filled circle, centred at (`x`, `y`)."""
        self.shapes.append(f'<circle cx="{x:g}" cy="{y:g}" r="10" fill="{colour}"/>')
        self.text(x, y + 4, words, fill="#ffffff", weight="bold", size=11)

    def pill(self, x: float, y: float, words: str, colour: str) -> None:
        """White words on a coloured ground, centred at (`x`, `y`)."""
        width = len(words) * 11 * CHARACTER_WIDTH * 1.15 + 18
        self.box(x - width / 2, y - 10, width, 20, fill=colour, stroke=colour)
        self.text(x, y + 4, words, fill="#ffffff", weight="bold", size=11)

    def picture(self, alt: str, text: str) -> Picture:
        """The page with its shapes, as a Picture."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:g}" '
            f'height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}" role="img">'
            f"<title>{html.escape(alt)}</title>"
            f'<rect width="{self.width:g}" height="{self.height:g}" fill="#ffffff"/>'
        )
        return Picture(head + "".join(self.shapes) + "</svg>", alt, text)


def _dash(wanted: object) -> str:
    return ' stroke-dasharray="6 4"' if wanted else ""
