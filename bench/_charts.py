"""Line charts as SVG, written by hand: nothing to install for a picture in the docs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 44, 52
LINE = 16  # pixels from one line of text to the next
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")  # told apart by color-blind people, too
Point = tuple[float, float]


def lines(curves: Mapping[str, Sequence[Point]], *, title: str, across: str, up: str) -> str:
    """An SVG of named curves, both axes logarithmic; every value must be above zero."""
    points = [point for curve in curves.values() for point in curve]
    low_x, high_x, low_y, high_y = (f(p[axis] for p in points) for axis in (0, 1) for f in (min, max))
    ticks_y = _ticks(low_y, high_y)
    low_y, high_y = min(low_y, ticks_y[0]), max(high_y, ticks_y[-1])

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * _share(value, low_x, high_x)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * _share(value, low_y, high_y)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text((LEFT + WIDTH - RIGHT) / 2, 24, title, "middle", 15),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across, "middle"),
        f'<g transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">{_text(0, 0, up, "middle")}</g>',
    ]
    for value in _ticks(low_x, high_x):
        parts += [_line(x(value), TOP, x(value), HEIGHT - BOTTOM), _text(x(value), HEIGHT - BOTTOM + 18, _label(value), "middle")]
    for value in ticks_y:
        parts += [_line(LEFT, y(value), WIDTH - RIGHT, y(value)), _text(LEFT - 8, y(value) + 4, _label(value), "end")]
    names = _apart([y(curve[-1][1]) for curve in curves.values()])
    for number, (name, curve) in enumerate(curves.items()):
        color = COLORS[number % len(COLORS)]
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in curve)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="3" fill="{color}"/>' for a, b in curve]
        parts.append(_text(x(curve[-1][0]) + 8, names[number] + 4, name, "start", color=color))
    return "\n".join([*parts, "</svg>", ""])


def _apart(heights: Sequence[float]) -> list[float]:
    """The heights of the curves' names, moved down where one would be written over another."""
    placed, last = [0.0] * len(heights), -math.inf
    for number in sorted(range(len(heights)), key=lambda i: heights[i]):
        placed[number] = last = max(heights[number], last + LINE)
    return placed


def _share(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low) if high > low else 0.5


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times the powers of ten that lie within or next to a range."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [digit * 10.0**decade for decade in decades for digit in (1, 2, 5) if low / 1.01 <= digit * 10.0**decade <= high * 1.01] or [low]


def _label(value: float) -> str:
    return f"{value / 1000:g} k" if value >= 1000 else f"{value:g}"


def _text(x: float, y: float, words: str, anchor: str, size: int = 13, color: str = "#222222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{color}">{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'
