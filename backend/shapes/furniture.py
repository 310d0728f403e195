"""Furniture: tables, seats, beds, cabinets, lamps, frames and rugs."""

from __future__ import annotations

import numpy as np

from .looks import BRASS, CLOTH, DARK, DARK_WOOD, LEGS, LIGHT, PAPER, PILLOW, SHEET, WOOD, detail
from .solids import Shell, Slot, at, ball, box, joined, lathe, loft, moved, ring, sweep, tapered, tube, turned

Rng = np.random.Generator
DRAWER = Slot("drawer", "wood", (128, 82, 48))
BOOKS = ((150, 48, 42), (52, 84, 120), (196, 160, 84), (70, 104, 70), (108, 62, 96), (206, 196, 176))


def table(rng: Rng, *, width: float = 1.4, depth: float = 0.8, height: float = 0.75, top: str = "square", drawers: int = 0) -> Shell:
    """A table with four tapered legs and an apron, or a round one on a turned column; with drawers a desk."""
    thick = 0.04
    if top == "round":
        column = lathe([(0.28, 0), (0.28, 0.03), (0.08, 0.08), (0.05, 0.2), (0.06, 0.45), (0.14, height - thick)], LEGS)
        plate = lathe(
            [(width / 2 - 0.01, height - thick), (width / 2, height - 0.03), (width / 2, height - 0.01), (width / 2 - 0.01, height)], WOOD
        )
        return joined(plate, column)
    parts = [box((width, depth, thick), WOOD, (0, 0, height - thick / 2), 0.008)]
    inset, leg = 0.06 + 0.02 * rng.uniform(), 0.065
    x, y = width / 2 - inset - leg / 2, depth / 2 - inset - leg / 2
    post = turned(tapered(turned(box((leg, leg, height - thick), LEGS, (0, 0, 0), 0.006), "x", 180), 0.65), "x", 180)
    parts += [moved(post, sx * x, sy * y, (height - thick) / 2) for sx in (-1, 1) for sy in (-1, 1)]
    apron = 0.09
    for sign in (-1, 1):
        parts.append(box((2 * x - leg, 0.022, apron), LEGS, (0, sign * y, height - thick - apron / 2)))
        parts.append(box((0.022, 2 * y - leg, apron), LEGS, (sign * x, 0, height - thick - apron / 2)))
    if drawers:
        side = (width / 2 - inset - leg) * 0.75
        front = height - thick - 0.1
        for sign in (-1, 1):
            center = sign * (x - leg / 2 - side / 2)
            parts.append(box((side, 2 * y - leg - 0.03, front), WOOD, (center, 0, height - thick - front / 2)))
            for i in range(drawers):
                z = height - thick - front * (i + 0.5) / drawers
                parts.append(box((side * 0.9, 0.02, front / drawers * 0.86), DRAWER, (center, -y + 0.03, z), 0.006))
                parts.append(ball(0.016, BRASS, (center, -y + 0.008, z), 6, 12))
    return joined(*parts)


def chair(rng: Rng, *, width: float = 0.45, height: float = 0.9, back: bool = True, slats: int = 3, arms: bool = False) -> Shell:
    """A chair with slats in its back; without a back it is a stool."""
    seat, leg = 0.45, 0.042
    edge = width / 2 - leg / 2
    parts = [box((width, width, 0.045), Slot("seat", "wood", (150, 98, 56)), (0, 0, seat), 0.014)]
    for sx in (-1, 1):
        parts.append(tapered(box((leg, leg, seat - 0.02), LEGS, (0, 0, 0), 0.005), 1.0))
        parts[-1] = moved(parts[-1], sx * edge, -edge, (seat - 0.02) / 2)
        tall = height if back else seat - 0.02
        lean = 0.07 if back else 0.0
        path = [(sx * edge, edge, 0.0), (sx * edge, edge, seat * 0.9), (sx * edge, edge + lean, tall)]
        parts.append(loft(np.stack([np.array(p) + _square(leg / 2) for p in path]), LEGS) if back else moved(parts[-1], 0, 2 * edge))
        parts.append(box((0.022, 2 * edge - leg, 0.03), LEGS, (sx * edge, 0, 0.18)))
    parts.append(box((2 * edge - leg, 0.022, 0.03), LEGS, (0, 0, 0.18)))
    if back:
        for i in range(slats):
            z = seat + (height - seat) * (i + 1) / (slats + 0.35)
            lean = 0.07 * (z - seat * 0.9) / (height - seat * 0.9)
            parts.append(box((2 * edge, 0.018, (height - seat) / slats * 0.55), LEGS, (0, edge + lean, min(z, height - 0.06)), 0.006))
    if arms:
        for sx in (-1, 1):
            parts.append(box((0.05, width, 0.03), LEGS, (sx * edge, 0, seat + 0.22), 0.01))
            parts.append(box((0.035, 0.035, 0.21), LEGS, (sx * edge, -edge + 0.03, seat + 0.11)))
    return joined(*parts)


def stool(rng: Rng, *, radius: float = 0.17, height: float = 0.48) -> Shell:
    """A round stool on three splayed legs."""
    seat = lathe([(radius - 0.01, height - 0.04), (radius, height - 0.03), (radius, height - 0.012), (radius - 0.015, height)], WOOD)
    foot = radius * 1.15
    angles = np.radians([90, 210, 330])
    legs = [
        sweep([(foot * np.cos(a), foot * np.sin(a), 0), (0.6 * radius * np.cos(a), 0.6 * radius * np.sin(a), height - 0.03)], 0.02, LEGS)
        for a in angles
    ]
    brace = ring([(foot * 0.8 - 0.008, 0.16), (foot * 0.8, 0.152), (foot * 0.8 + 0.008, 0.16), (foot * 0.8, 0.168)], LEGS)
    return joined(seat, *legs, brace)


def bench(rng: Rng, *, width: float = 1.6, back: bool = True) -> Shell:
    """A park bench of planks on iron feet."""
    parts = [box((width, 0.1, 0.035), Slot("seat", "wood", (146, 96, 58)), (0, y, 0.44), 0.008) for y in (-0.18, -0.06, 0.06)]
    if back:
        parts += [turned(box((width, 0.09, 0.03), Slot("seat", "wood", (146, 96, 58)), (0, 0, 0), 0.008), "x", 78) for _ in range(3)]
        for i in range(3):
            parts[3 + i] = moved(parts[3 + i], 0, 0.17 + 0.03 * i, 0.56 + 0.125 * i)
    for x in (-width / 2 + 0.2, width / 2 - 0.2):
        iron = Slot("legs", "metal", (56, 58, 62))
        parts.append(box((0.05, 0.4, 0.04), iron, (x, -0.04, 0.405), 0.008))
        parts += [box((0.05, 0.05, 0.39), iron, (x, y, 0.195), 0.008) for y in (-0.2, 0.12)]
        parts.append(box((0.06, 0.46, 0.03), iron, (x, -0.04, 0.015), 0.008))
        if back:
            parts.append(sweep([(x, 0.13, 0.4), (x, 0.19, 0.55), (x, 0.26, 0.86)], 0.024, iron))
    return joined(*parts)


def sofa(rng: Rng, *, seats: int = 3, width: float = 0.0) -> Shell:
    """A sofa of rounded cushions; with one seat an armchair."""
    seat = 0.62
    inner = seats * seat
    dark = Slot("seat", "cloth", (80, 98, 116))
    parts = [box((inner + 0.36, 0.88, 0.24), dark, (0, 0, 0.2), 0.04), box((inner + 0.36, 0.22, 0.62), dark, (0, 0.34, 0.5), 0.06)]
    for sign in (-1, 1):
        parts.append(box((0.2, 0.88, 0.44), dark, (sign * (inner / 2 + 0.09), 0, 0.37), 0.06))
        parts += [tube(0.03, 0.1, LEGS, 0.022, sides=12)] * 2
        parts[-2] = moved(turned(tube(0.022, 0.1, LEGS, 0.032, sides=12), "z", 0), sign * (inner / 2 + 0.08), -0.36)
        parts[-1] = moved(tube(0.022, 0.1, LEGS, 0.032, sides=12), sign * (inner / 2 + 0.08), 0.36)
    for i in range(seats):
        x = (i - (seats - 1) / 2) * seat
        parts.append(box((seat - 0.01, 0.64, 0.16), CLOTH, (x, -0.11, 0.39), 0.05))
        parts.append(moved(turned(box((seat - 0.02, 0.16, 0.42), CLOTH, (0, 0, 0), 0.06), "x", -10), x, 0.2, 0.62))
    return joined(*parts)


def bed(rng: Rng, *, width: float = 1.6, length: float = 2.0) -> Shell:
    """A bed with a headboard, pillows and a blanket that hangs over."""
    parts = [
        box((width + 0.08, length + 0.06, 0.14), WOOD, (0, 0, 0.25), 0.015),
        box((width + 0.1, 0.06, 0.95), WOOD, (0, length / 2 + 0.04, 0.475), 0.02),
    ]
    parts += [box((0.07, 0.07, 0.2), LEGS, (sx * width / 2, sy * length / 2, 0.1)) for sx in (-1, 1) for sy in (-1, 1)]
    parts.append(box((width, length, 0.2), PILLOW, (0, 0, 0.41), 0.05))
    parts.append(box((width + 0.06, length * 0.68, 0.24), SHEET, (0, -length * 0.17, 0.42), 0.06))
    parts.append(box((width + 0.07, 0.3, 0.26), PILLOW, (0, length * 0.12, 0.42), 0.06))
    count = 2 if width > 1.2 else 1
    for i in range(count):
        x = (i - (count - 1) / 2) * width / count
        parts.append(moved(turned(box((width / count * 0.8, 0.4, 0.15), PILLOW, (0, 0, 0), 0.07), "x", 14), x, length / 2 - 0.28, 0.58))
    return joined(*parts)


def shelf(rng: Rng, *, width: float = 0.9, height: float = 1.9, depth: float = 0.3, boards: int = 5, books: bool = True) -> Shell:
    """A bookshelf, partly filled."""
    thick = 0.025
    parts = [box((thick, depth, height), WOOD, (sign * (width - thick) / 2, 0, height / 2), 0.004) for sign in (-1, 1)]
    parts.append(box((width, 0.012, height - 0.04), DARK_WOOD, (0, depth / 2 - 0.008, height / 2)))
    levels = np.linspace(0.08, height - thick / 2, boards + 1)
    parts += [box((width - 2 * thick, depth - 0.015, thick), WOOD, (0, 0, z), 0.004) for z in levels]
    for z, top in zip(levels[:-1], levels[1:], strict=True):
        x, room = -width / 2 + thick + 0.01, top - z - thick
        while books and x < width / 2 - 0.12 - rng.uniform(0, 0.35):
            thickness, tall = rng.uniform(0.02, 0.05), min(rng.uniform(0.19, 0.27), room * 0.92)
            color = BOOKS[rng.integers(len(BOOKS))]
            cover = Slot(f"book {color[0]}", "paper", color, main=False)
            parts.append(box((thickness, 0.17, tall), cover, (x + thickness / 2, -0.02, z + thick / 2 + tall / 2), 0.003))
            x += thickness + 0.002
    return joined(*parts)


def cabinet(rng: Rng, *, width: float = 1.0, height: float = 0.9, depth: float = 0.45, doors: int = 2, drawers: int = 0) -> Shell:
    """A cupboard, wardrobe, nightstand or chest of drawers."""
    foot = 0.08
    parts = [box((width, depth, height - foot - 0.03), WOOD, (0, 0.008, foot + (height - foot - 0.03) / 2), 0.006)]
    parts.append(box((width + 0.04, depth + 0.03, 0.03), WOOD, (0, 0, height - 0.015), 0.008))
    parts += [
        box((0.06, 0.06, foot), LEGS, (sx * (width / 2 - 0.04), sy * (depth / 2 - 0.04), foot / 2)) for sx in (-1, 1) for sy in (-1, 1)
    ]
    low, high, front = foot + 0.03, height - 0.05, -depth / 2
    split = high - (high - low) * (1.0 if not doors else 0.28) if drawers else high
    for i in range(drawers):
        rows = drawers if not doors else 1
        columns = 1 if not doors else drawers
        size = ((width - 0.06) / columns, (high - split) / rows)
        x = -width / 2 + 0.03 + size[0] * ((i if doors else 0) + 0.5)
        z = high - size[1] * ((0 if doors else i) + 0.5)
        parts.append(box((size[0] - 0.015, 0.025, size[1] - 0.015), DRAWER, (x, front, z), 0.006))
        parts.append(ball(0.016, BRASS, (x, front - 0.024, z), 6, 12))
    for i in range(doors):
        wide = (width - 0.06) / doors
        x = -width / 2 + 0.03 + wide * (i + 0.5)
        tall = split - low
        leaf = Slot("door", "wood", (132, 86, 50))
        parts.append(box((wide - 0.012, 0.022, tall - 0.012), leaf, (x, front, low + tall / 2), 0.005))
        parts.append(box((wide - 0.15, 0.016, tall - 0.15), DRAWER, (x, front - 0.009, low + tall / 2), 0.007))
        side = (1 if i < doors / 2 else -1) * (wide / 2 - 0.04) if doors > 1 else wide / 2 - 0.04
        parts.append(ball(0.016, BRASS, (x + side, front - 0.024, low + tall * 0.52), 6, 12))
    return joined(*parts)


def lamp(rng: Rng, *, height: float = 0.5, floor: bool = False) -> Shell:
    """A table lamp with a turned foot, or a floor lamp."""
    shade = Slot("shade", "cloth", (236, 214, 170))
    tall, wide = (0.26, 0.2) if floor else (0.2, 0.17)
    low = height - tall
    if floor:
        foot = lathe(
            [(0.15, 0), (0.15, 0.015), (0.03, 0.03), (0.012, 0.06), (0.012, low + 0.06), (0.0, low + 0.07)],
            Slot("body", "metal", (60, 60, 64)),
        )
    else:
        profile = [
            (0.085, 0),
            (0.085, 0.02),
            (0.05, 0.035),
            (0.075, 0.1),
            (0.08, 0.15),
            (0.035, low - 0.03),
            (0.012, low),
            (0.012, low + 0.05),
            (0, low + 0.055),
        ]
        foot = lathe(profile, Slot("body", "ceramic", (84, 122, 140)))
    hood = ring([(wide, low), (wide * 0.6, height), (wide * 0.6 - 0.004, height), (wide - 0.004, low)], shade)
    bulb = ball(0.035, LIGHT, (0, 0, low + tall * 0.5), 8, 12)
    stem = tube(0.006, tall * 0.5, DARK, sides=8)
    return joined(foot, hood, bulb, moved(stem, 0, 0, low + 0.03))


def chandelier(rng: Rng, *, arms: int = 6) -> Shell:
    """A chandelier with candles on curved arms; it hangs from its top."""
    body = lathe(
        [
            (0, 0.05),
            (0.03, 0.07),
            (0.06, 0.12),
            (0.025, 0.2),
            (0.02, 0.35),
            (0.05, 0.42),
            (0.012, 0.46),
            (0.012, 0.75),
            (0.04, 0.78),
            (0.04, 0.8),
        ],
        Slot("body", "gold", (204, 160, 72)),
    )
    parts = [body]
    for i in range(arms):
        a = 2 * np.pi * i / arms
        bend = [(0.03, 0.2), (0.14, 0.1), (0.26, 0.08), (0.34, 0.14), (0.36, 0.22)]
        parts.append(sweep([(r * np.cos(a), r * np.sin(a), z) for r, z in bend], 0.012, Slot("body", "gold", (204, 160, 72))))
        x, y = 0.36 * np.cos(a), 0.36 * np.sin(a)
        parts.append(moved(lathe([(0.01, 0), (0.045, 0.02), (0.045, 0.03)], Slot("body", "gold", (204, 160, 72)), 12), x, y, 0.21))
        parts.append(moved(tube(0.014, 0.1, detail("candle", "ceramic", 240, 232, 210), sides=12), x, y, 0.235))
        parts.append(moved(lathe([(0, 0), (0.012, 0.015), (0.008, 0.035), (0, 0.055)], LIGHT, 10), x, y, 0.335))
    return joined(*parts)


def candle(rng: Rng, *, height: float = 0.16) -> Shell:
    """A candle in a holder, lit."""
    dish = lathe(
        [(0.04, 0), (0.06, 0.008), (0.065, 0.016), (0.03, 0.014), (0.03, 0.03), (0.024, 0.03)], detail("holder", "gold", 196, 150, 70)
    )
    wax = moved(
        lathe([(0.02, 0), (0.02, height - 0.006), (0.016, height), (0, height - 0.004)], Slot("body", "ceramic", (240, 232, 206))),
        0,
        0,
        0.028,
    )
    flame = lathe([(0, 0), (0.009, 0.012), (0.007, 0.026), (0, 0.046)], LIGHT, 12)
    return joined(dish, wax, moved(tube(0.0015, 0.012, DARK, sides=6), 0, 0, height + 0.024), moved(flame, 0, 0, height + 0.032))


def frame(rng: Rng, *, width: float = 0.6, height: float = 0.8, mirror: bool = False) -> Shell:
    """A picture or mirror in a frame, standing upright."""
    bar = 0.06
    wood = Slot("frame", "wood", (120, 84, 46))
    parts = [box((width, 0.035, bar), wood, (0, 0, z), 0.01) for z in (bar / 2, height - bar / 2)]
    parts += [box((bar, 0.035, height - 2 * bar), wood, (s * (width - bar) / 2, 0, height / 2), 0.01) for s in (-1, 1)]
    inner = (width - 2 * bar, height - 2 * bar)
    if mirror:
        return joined(*parts, box((inner[0], 0.01, inner[1]), detail("mirror", "silver", 226, 232, 236), (0, 0, height / 2)))
    sky, land = detail("sky", "paint", 150, 186, 206), detail("land", "paint", 106, 136, 78)
    parts.append(box((inner[0], 0.01, inner[1] * 0.6), sky, (0, 0, bar + inner[1] * 0.7)))
    parts.append(box((inner[0], 0.01, inner[1] * 0.4), land, (0, 0, bar + inner[1] * 0.2)))
    parts.append(
        moved(turned(tube(0.06, 0.012, detail("sun", "paint", 236, 196, 90)), "x", 90), inner[0] * 0.2, -0.002, bar + inner[1] * 0.75)
    )
    return joined(*parts)


def rug(rng: Rng, *, width: float = 2.0, depth: float = 1.4) -> Shell:
    """A rug with a border."""
    border, field = Slot("body", "cloth", (150, 56, 50)), detail("field", "cloth", 206, 180, 132)
    parts = [box((width, depth, 0.014), border, (0, 0, 0.007), 0.004), box((width - 0.3, depth - 0.3, 0.004), field, (0, 0, 0.014))]
    parts.append(box((width - 0.44, depth - 0.44, 0.004), border, (0, 0, 0.016)))
    return joined(*parts)


def cushion(rng: Rng) -> Shell:
    """A square cushion."""
    return box((0.45, 0.45, 0.16), CLOTH, (0, 0, 0.08), 0.075)


def clock(rng: Rng) -> Shell:
    """A wall clock, standing upright."""
    rim = turned(ring([(0.15, 0), (0.165, 0.02), (0.15, 0.045), (0.14, 0.03), (0.14, 0.0)], WOOD), "x", 90)
    face = turned(tube(0.142, 0.02, detail("face", "paper", 244, 240, 228)), "x", 90)
    marks = [turned(box((0.008, 0.004, 0.028), DARK, (0, -0.021, 0.12)), "y", 30 * i) for i in range(12)]
    hands = [
        turned(box((0.01, 0.004, 0.085), DARK, (0, -0.023, 0.035)), "y", -55),
        turned(box((0.007, 0.004, 0.12), DARK, (0, -0.026, 0.05)), "y", 62),
    ]
    return moved(joined(rim, face, *marks, *hands), 0, 0, 0.165)


def book(rng: Rng, *, open_: bool = False) -> Shell:
    """A closed book, lying."""
    cover = Slot("cover", "paper", (136, 44, 42))
    width, depth, thick = 0.16, 0.23, rng.uniform(0.025, 0.045)
    parts = [box((width, depth, 0.004), cover, (0, 0, z), 0.0015) for z in (0.002, thick - 0.002)]
    parts.append(box((0.005, depth, thick), cover, (-width / 2 + 0.0025, 0, thick / 2), 0.002))
    parts.append(box((width - 0.008, depth - 0.01, thick - 0.008), PAPER, (-0.001, 0, thick / 2)))
    return joined(*parts)


def screen(rng: Rng, *, laptop: bool = False) -> Shell:
    """A television or monitor on its foot, or an open laptop."""
    body, glass = Slot("body", "plastic", (46, 46, 50)), detail("screen", "glass", 36, 52, 74)
    if laptop:
        gray = Slot("body", "metal", (168, 170, 174))
        keys = at(
            box((0.018, 0.016, 0.003), DARK, (0, 0, 0.0185)), [(0.021 * (i - 6), 0.02 * j - 0.005, 0) for i in range(13) for j in range(4)]
        )
        lid = joined(box((0.33, 0.008, 0.22), gray, (0, 0, 0.11), 0.003), box((0.31, 0.002, 0.195), glass, (0, -0.0045, 0.112)))
        return joined(box((0.33, 0.23, 0.018), gray, (0, 0, 0.009), 0.004), keys, moved(turned(lid, "x", -14), 0, 0.112, 0.016))
    foot = [box((0.26, 0.18, 0.012), body, (0, 0, 0.006), 0.004), box((0.05, 0.03, 0.14), body, (0, 0.02, 0.075), 0.004)]
    return joined(*foot, box((0.72, 0.035, 0.43), body, (0, 0, 0.345), 0.01), box((0.69, 0.004, 0.4), glass, (0, -0.0185, 0.345)))


def _square(half: float) -> np.ndarray:
    return np.array([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)])
