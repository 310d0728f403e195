"""Vessels, food and tableware: mostly turned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .looks import CERAMIC, CLAY, DARK, GLASS, HANDLE, METAL, STEEL, STEM, WOOD, detail, skin
from .solids import Shell, Slot, around, ball, blob, box, circle, joined, lathe, loft, moved, ring, scaled, sweep, tube, turned, vessel

Rng = np.random.Generator


def bottle(rng: Rng, *, height: float = 0.3, radius: float = 0.038) -> Shell:
    """A bottle with a cork and a label."""
    neck = radius * 0.38
    profile = [
        (radius * 0.9, 0),
        (radius, 0.012),
        (radius, height * 0.58),
        (radius * 0.85, height * 0.66),
        (neck, height * 0.76),
        (neck, height * 0.94),
        (neck * 1.2, height * 0.95),
        (neck * 1.2, height * 0.98),
        (neck * 0.9, height * 0.98),
    ]
    glass = Slot("body", "glass", (74, 116, 78))
    label = ring(
        [
            (radius + 0.0006, height * 0.15),
            (radius + 0.0006, height * 0.42),
            (radius - 0.002, height * 0.42),
            (radius - 0.002, height * 0.15),
        ],
        detail("label", "paper", 232, 222, 196),
    )
    cork = moved(tube(neck * 0.85, height * 0.04, detail("cork", "wood", 190, 150, 104), sides=16), 0, 0, height * 0.97)
    return joined(lathe(profile, glass), label, cork)


def vase(rng: Rng, *, height: float = 0.3) -> Shell:
    """A vase with a belly, of ceramic; the seed varies its profile."""
    belly, neck = rng.uniform(0.3, 0.38), rng.uniform(0.13, 0.2)
    profile = [
        (0.17, 0),
        (0.19, 0.02),
        (belly * 0.85, 0.22),
        (belly, 0.42),
        (belly * 0.86, 0.6),
        (neck, 0.82),
        (neck * 1.05, 0.9),
        (neck * 1.35, 1.0),
    ]
    smooth = _smooth(profile)
    return vessel([(r * height, z * height) for r, z in smooth], 0.02 * height, Slot("body", "ceramic", (70, 120, 150)))


def cup(rng: Rng, *, height: float = 0.095, radius: float = 0.042, handle: bool = True, saucer: bool = False) -> Shell:
    """A mug, or a tea cup with a saucer."""
    flare = 1.25 if saucer else 1.0
    profile = [(radius * 0.8, 0), (radius * 0.95, 0.006), (radius, 0.02), (radius * flare, height)]
    parts = [vessel(profile, 0.004, CERAMIC)]
    if handle:
        bend = [
            (radius * 0.96, 0, height * 0.22),
            (radius * 1.45, 0, height * 0.24),
            (radius * 1.75, 0, height * 0.5),
            (radius * 1.5, 0, height * 0.78),
            (radius * flare * 0.94, 0, height * 0.82),
        ]
        parts.append(sweep(_curve(bend), 0.006, CERAMIC, 10))
    if saucer:
        parts = [moved(joined(*parts), 0, 0, 0.008), vessel([(0.04, 0), (0.055, 0.004), (0.075, 0.016)], 0.004, CERAMIC)]
    return joined(*parts)


def drink(rng: Rng, *, stem: bool = False, filled: tuple[int, int, int] | None = None) -> Shell:
    """A tumbler, or a wine glass on its stem; with a liquid of a color."""
    if stem:
        profile = [(0.035, 0), (0.035, 0.003), (0.006, 0.01), (0.0045, 0.03), (0.005, 0.09), (0.03, 0.115), (0.04, 0.15), (0.033, 0.21)]
        inner = [(0.031, 0.21), (0.038, 0.15), (0.028, 0.118), (0, 0.108)]
        glass, liquid = lathe([(0, 0), *profile, *inner], GLASS), [(0, 0.109), (0.0275, 0.1185), (0.037, 0.15), (0, 0.15)]
    else:
        glass, liquid = (
            vessel([(0.03, 0), (0.032, 0.004), (0.038, 0.12)], 0.002, GLASS),
            [(0, 0.0025), (0.0285, 0.0028), (0.0345, 0.095), (0, 0.095)],
        )
    return glass if filled is None else joined(glass, lathe(liquid, detail("content", "plastic", *filled)))


def bowl(rng: Rng, *, radius: float = 0.12) -> Shell:
    """A bowl on a foot ring."""
    outer = [(0.45, 0), (0.45, 0.05), (0.7, 0.13), (0.9, 0.32), (1.0, 0.6)]
    return vessel([(r * radius, z * radius) for r, z in _smooth(outer)], 0.035 * radius, Slot("body", "ceramic", (222, 214, 196)))


def plate(rng: Rng) -> Shell:
    """A dinner plate."""
    return vessel([(0.075, 0), (0.085, 0.004), (0.1, 0.014), (0.13, 0.022)], 0.004, CERAMIC)


def jar(rng: Rng, *, lid: bool = True, height: float = 0.16) -> Shell:
    """A glass jar with a screw lid."""
    body = vessel([(0.042, 0), (0.046, 0.006), (0.046, height * 0.8), (0.038, height * 0.9), (0.038, height)], 0.003, GLASS)
    top = moved(tube(0.041, 0.018, Slot("lid", "metal", (196, 168, 96), main=False), bevel=0.003), 0, 0, height - 0.012)
    return joined(body, top) if lid else body


def jug(rng: Rng, *, height: float = 0.24) -> Shell:
    """A jug with a handle and a lip."""
    profile = _smooth([(0.24, 0), (0.27, 0.02), (0.36, 0.25), (0.34, 0.5), (0.2, 0.76), (0.19, 0.86), (0.25, 1.0)])
    body = vessel([(r * height, z * height) for r, z in profile], 0.018 * height, CLAY)
    lip = np.clip((body.vertices[:, 2] / height - 0.8) / 0.2, 0, 1) * np.clip(-body.vertices[:, 1] / (0.25 * height), 0, 1) ** 3
    body.vertices[:, 1] -= 0.09 * height * lip
    bend = [(0, 0.22, 0.86), (0, 0.42, 0.9), (0, 0.52, 0.7), (0, 0.45, 0.45), (0, 0.35, 0.36)]
    return joined(body, sweep(_curve([(x, y * height, z * height) for x, y, z in bend]), 0.035 * height, CLAY, 10))


def teapot(rng: Rng, *, kettle: bool = False) -> Shell:
    """A teapot with spout, handle and lid; a kettle has its handle above."""
    main = Slot("body", "metal", (172, 176, 182)) if kettle else Slot("body", "ceramic", (196, 76, 62))
    body = lathe(_smooth([(0.06, 0), (0.075, 0.006), (0.098, 0.05), (0.092, 0.09), (0.055, 0.125), (0.04, 0.13)]), main)
    lid = moved(lathe([(0.045, 0), (0.045, 0.006), (0.02, 0.02), (0.006, 0.024)], main), 0, 0, 0.128)
    knob = ball(0.012, main, (0, 0, 0.162), 8, 12)
    spout = sweep(
        _curve([(0.07, 0, 0.045), (0.115, 0, 0.06), (0.135, 0, 0.095), (0.165, 0, 0.125)]),
        [0.024, 0.02, 0.014, 0.011],
        main,
        12,
    )
    if kettle:
        handle = sweep(_curve([(-0.07, 0, 0.115), (-0.07, 0, 0.19), (0, 0, 0.235), (0.07, 0, 0.19), (0.07, 0, 0.115)]), 0.007, DARK, 8)
    else:
        handle = sweep(
            _curve([(-0.07, 0, 0.1), (-0.125, 0, 0.11), (-0.145, 0, 0.075), (-0.12, 0, 0.04), (-0.085, 0, 0.035)]), 0.008, main, 10
        )
    return joined(body, lid, knob, spout, handle)


def bucket(rng: Rng) -> Shell:
    """A bucket with hoops and a bail."""
    body = vessel([(0.11, 0), (0.15, 0.28)], 0.006, Slot("body", "metal", (150, 156, 160)))
    hoops = [
        ring([(r + 0.004, z), (r + 0.006, z + 0.01), (r + 0.004, z + 0.02), (r - 0.003, z + 0.01)], METAL)
        for r, z in ((0.113, 0.015), (0.147, 0.25))
    ]
    bail = sweep([(0.152 * np.cos(a), 0.08 * np.sin(a), 0.265 + 0.06 * np.sin(a)) for a in np.linspace(0, np.pi, 15)], 0.004, DARK)
    return joined(body, *hoops, bail)


def basket(rng: Rng) -> Shell:
    """A woven basket with an arched handle."""
    straw = Slot("body", "straw", (186, 142, 84))
    parts = [vessel([(0.13, 0), (0.17, 0.14)], 0.012, straw, 32)]
    for i in range(5):
        r, z = 0.134 + 0.0085 * i, 0.012 + 0.03 * i
        parts.append(ring([(r, z), (r + 0.008, z + 0.01), (r, z + 0.02), (r - 0.006, z + 0.01)], straw, 32))
    arch = [(0.165 * np.cos(a), 0, 0.13 + 0.2 * np.sin(a)) for a in np.linspace(0, np.pi, 17)]
    return joined(*parts, sweep(arch, 0.01, straw))


def barrel(rng: Rng) -> Shell:
    """A barrel of staves with iron hoops."""
    z = np.linspace(0, 0.9, 9)
    radius = 0.26 + 0.075 * np.sin(np.pi * z / 0.9)
    rings_ = []
    for height, r in zip(z, radius, strict=True):
        staves = np.where(np.arange(48) % 3 == 0, r - 0.006, r)
        rings_.append(circle(staves, height, 48))
    body = loft(
        np.stack(
            [
                rings_[0] * (0.9, 0.9, 0) + (0, 0, 0.03),
                rings_[0] * (0.9, 0.9, 1),
                *rings_,
                rings_[-1] * (0.9, 0.9, 1),
                rings_[-1] * (0.9, 0.9, 1) - (0, 0, 0.03),
            ]
        ),
        WOOD,
    )
    hoops = []
    for low in (0.03, 0.24, 0.62, 0.83):
        a, b = (0.262 + 0.075 * np.sin(np.pi * h / 0.9) for h in (low, low + 0.04))
        hoops.append(ring([(a + 0.006, low), (b + 0.006, low + 0.04), (b - 0.01, low + 0.04), (a - 0.01, low)], DARK, 48))
    return joined(body, *hoops)


def pan(rng: Rng, *, deep: bool = False) -> Shell:
    """A frying pan or a saucepan."""
    height = 0.11 if deep else 0.045
    body = vessel([(0.1, 0), (0.115, 0.012), (0.125, height)], 0.004, Slot("body", "metal", (62, 64, 68)))
    handle = sweep([(0.12, 0, height * 0.8), (0.18, 0, height + 0.005), (0.3, 0, height + 0.025)], [0.008, 0.012, 0.014], HANDLE)
    return joined(body, handle)


def cutlery(rng: Rng, *, kind: str = "fork") -> Shell:
    """A fork, knife or spoon, lying along Y."""
    handle = loft(
        np.stack([_bar(w, t, y) for y, w, t in ((-0.1, 0.009, 0.002), (-0.09, 0.01, 0.003), (0.0, 0.004, 0.0022), (0.03, 0.004, 0.002))]),
        STEEL,
    )
    if kind == "spoon":
        bowl_ = scaled(ball(0.02, STEEL, rings=8, sides=16), 1.0, 1.5, 0.22)
        return moved(joined(handle, moved(bowl_, 0, 0.055, 0)), 0, 0, 0.005)
    if kind == "knife":
        blade = loft(
            np.stack(
                [_bar(w, t, y) for y, w, t in ((0.02, 0.008, 0.0015), (0.05, 0.01, 0.0012), (0.1, 0.009, 0.001), (0.125, 0.002, 0.0008))]
            ),
            STEEL,
        )
        return moved(joined(handle, blade), 0, 0, 0.003)
    neck = loft(np.stack([_bar(w, 0.0015, y) for y, w in ((0.025, 0.004), (0.04, 0.012), (0.055, 0.013))]), STEEL)
    tines = [loft(np.stack([_bar(0.002, 0.0015, y) + (x, 0, 0) for y in (0.05, 0.1)]), STEEL) for x in (-0.01, -0.0033, 0.0033, 0.01)]
    return moved(joined(handle, neck, *tines), 0, 0, 0.003)


def fruit(rng: Rng, *, kind: str = "apple") -> Shell:
    """Round fruit: apple, pear, orange, lemon, tomato, cherry, onion, potato, egg, watermelon, pumpkin."""
    looks = {
        "apple": (
            (186, 34, 34),
            [(0, 0.12), (0.2, 0.02), (0.38, 0.12), (0.5, 0.45), (0.46, 0.72), (0.3, 0.9), (0.12, 0.88), (0, 0.8)],
            True,
        ),
        "pear": (
            (176, 182, 66),
            [(0, 0.02), (0.25, 0.04), (0.42, 0.25), (0.4, 0.45), (0.24, 0.72), (0.2, 0.9), (0.1, 1.02), (0, 1.03)],
            True,
        ),
        "orange": ((236, 132, 36), [(0, 0), (0.2, 0.04), (0.42, 0.22), (0.5, 0.5), (0.42, 0.78), (0.2, 0.95), (0, 0.97)], False),
        "lemon": ((240, 212, 60), [(0, -0.1), (0.08, -0.05), (0.3, 0.12), (0.4, 0.45), (0.3, 0.8), (0.08, 0.96), (0, 1.0)], False),
        "tomato": ((206, 48, 34), [(0, 0.02), (0.3, 0.02), (0.5, 0.25), (0.54, 0.45), (0.44, 0.7), (0.2, 0.8), (0, 0.74)], True),
        "cherry": ((150, 16, 32), [(0, 0.02), (0.3, 0.06), (0.48, 0.35), (0.46, 0.65), (0.25, 0.88), (0, 0.84)], True),
        "onion": ((206, 150, 96), [(0, 0), (0.25, 0.04), (0.48, 0.3), (0.42, 0.58), (0.12, 0.85), (0.06, 1.05), (0, 1.08)], False),
        "egg": ((238, 224, 200), [(0, 0), (0.2, 0.03), (0.4, 0.25), (0.42, 0.5), (0.3, 0.85), (0.12, 1.05), (0, 1.09)], False),
        "watermelon": ((64, 122, 62), [(0, 0), (0.25, 0.05), (0.48, 0.3), (0.5, 0.55), (0.35, 0.88), (0.12, 0.99), (0, 1.0)], False),
        "potato": ((172, 134, 86), [(0, 0), (0.25, 0.05), (0.44, 0.25), (0.46, 0.5), (0.36, 0.78), (0.15, 0.93), (0, 0.95)], False),
    }
    if kind == "pumpkin":
        return _pumpkin()
    srgb, profile, stalk = looks[kind]
    body = lathe(_smooth(profile, 3), skin(*srgb), 24)
    if kind in ("potato", "onion"):
        body.vertices[:, 0] *= 1.2 if kind == "potato" else 1.0
        body.vertices[:, 2] += 0.05 * np.sin(3 * body.vertices[:, 0] + rng.uniform(0, 6))
    if kind in ("lemon", "egg"):
        body = turned(body, "x", 90)
    parts = [body]
    if stalk:
        top = profile[-1][1]
        length = 0.9 if kind == "cherry" else 0.2
        brown = detail("stalk", "wood", 92, 68, 40)
        parts.append(sweep(_curve([(0, 0, top - 0.04), (0.02, 0, top + length * 0.5), (0.1, 0, top + length)]), 0.025, brown, 8))
        if kind == "apple":
            leaf = scaled(ball(0.16, STEM, rings=6, sides=10), 1, 0.5, 0.1)
            parts.append(moved(turned(leaf, "y", -25), 0.2, 0, top + 0.14))
        if kind == "tomato":
            parts.append(moved(around(moved(scaled(ball(0.14, STEM, rings=4, sides=8), 1, 0.3, 0.12), 0.13), 5), 0, 0, top + 0.04))
    shell = joined(*parts)
    return moved(shell, 0, 0, -shell.low[2])


def banana(rng: Rng, *, count: int = 1) -> Shell:
    """A banana, lying."""
    a = np.linspace(np.radians(205), np.radians(335), 13)
    radius = 0.018 * np.array([0.3, 0.45, 0.8, 0.95, 1, 1, 1, 1, 1, 0.95, 0.8, 0.5, 0.35])
    body = sweep(np.column_stack((0.1 * np.cos(a), 0.1 * np.sin(a), 0.0 * a)), radius, skin(236, 202, 66), 10)
    tip = sweep([(0.088, -0.046, 0), (0.099, -0.026, 0)], 0.006, detail("stalk", "wood", 110, 92, 44))
    shell = joined(body, tip)
    return moved(shell, 0, 0.07, -shell.low[2])


def carrot(rng: Rng) -> Shell:
    """A carrot with its greens, lying."""
    body = lathe(_smooth([(0, 0), (0.006, 0.02), (0.014, 0.09), (0.02, 0.15), (0.012, 0.165), (0, 0.166)]), skin(232, 118, 36), 16)
    greens = [
        sweep(
            [(0, 0, 0.16), (0.02 * np.cos(a), 0.02 * np.sin(a), 0.2), (0.035 * np.cos(a), 0.035 * np.sin(a), 0.24)],
            [0.004, 0.006, 0.002],
            STEM,
            6,
        )
        for a in np.linspace(0, 6.2, 6)[:5]
    ]
    shell = turned(joined(body, *greens), "x", 90)
    return moved(shell, 0, 0, -shell.low[2])


def bread(rng: Rng) -> Shell:
    """A loaf with cuts."""
    loaf = blob((0.28, 0.13, 0.13), skin(190, 126, 66), rng, 0.03, 1.0, 9, 0.2)
    cuts = [
        moved(
            turned(scaled(ball(0.03, detail("cut", "skin", 232, 196, 140), rings=6, sides=12), 0.35, 1.2, 0.3), "z", 25),
            x,
            0,
            loaf.high[2] - 0.007,
        )
        for x in (-0.07, 0, 0.07)
    ]
    shell = joined(loaf, *cuts)
    return moved(shell, 0, 0, -shell.low[2])


def cheese(rng: Rng) -> Shell:
    """A wedge of cheese with holes' rims."""
    a = np.radians(np.linspace(-24, 24, 9))
    outline = np.concatenate(([(0.0, 0.0)], np.column_stack((0.14 * np.cos(a), 0.14 * np.sin(a)))))
    rings_ = np.stack([np.column_stack((outline, np.full(len(outline), z))) for z in (0, 0.06)])
    wedge = loft(rings_, skin(240, 196, 78), fan=True)
    spots = [
        ball(r, detail("hole", "skin", 214, 160, 52), p, 6, 12)
        for p, r in (
            ((0.06, 0.022, 0.062), 0.008),
            ((0.1, -0.01, 0.061), 0.011),
            ((0.05, -0.024, 0.035), 0.007),
            ((0.09, -0.04, 0.03), 0.01),
        )
    ]
    return moved(joined(wedge, *spots), -0.07, 0, 0)


def cake(rng: Rng, *, candles: int = 5) -> Shell:
    """A layer cake with icing and candles, on a plate."""
    base = lathe(
        [(0.12, 0.012), (0.12, 0.055), (0.116, 0.058), (0.116, 0.062), (0.12, 0.066), (0.12, 0.108), (0.112, 0.118)], skin(214, 150, 96), 32
    )
    icing = lathe([(0.122, 0.085), (0.126, 0.1), (0.122, 0.118), (0.108, 0.126), (0, 0.127)], Slot("body", "skin", (246, 214, 222)), 32)
    dots = around(ball(0.016, detail("cream", "skin", 250, 244, 236), (0.1, 0, 0.132), 8, 12), 12)
    parts = [plate(rng), base, icing, dots]
    if candles:
        stick = joined(
            tube(0.004, 0.06, detail("candle", "ceramic", 112, 166, 206), sides=8),
            moved(lathe([(0, 0), (0.005, 0.008), (0, 0.024)], detail("light", "light", 255, 214, 140), 8), 0, 0, 0.062),
        )
        parts.append(around(moved(stick, 0.05, 0, 0.126), candles))
    return joined(*parts)


def donut(rng: Rng) -> Shell:
    """A donut with icing and sprinkles."""

    def torus(radius: float, thick: float, slot: Slot, first: float, last: float) -> Shell:
        a = np.radians(np.linspace(first, last, 17)[: 16 if last - first >= 360 else 17])
        return ring([(radius + thick * np.cos(b), 0.026 + thick * 0.85 * np.sin(b)) for b in a], slot, 32)

    dough = torus(0.034, 0.024, skin(206, 148, 84), 0, 360)
    icing = torus(0.034, 0.0262, Slot("icing", "skin", (236, 120, 166)), 12, 168)
    bits = []
    for _ in range(24):
        a, b = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(50, 130))
        r = 0.034 + 0.027 * np.cos(b)
        color = ((250, 250, 250), (90, 180, 220), (250, 210, 70), (130, 200, 100))[rng.integers(4)]
        rod = turned(box((0.006, 0.0016, 0.0016), detail(f"sprinkle {color[0]}", "skin", *color)), "z", rng.uniform(0, 180))
        bits.append(moved(rod, r * np.cos(a), r * np.sin(a), 0.0265 + 0.0233 * np.sin(b)))
    shell = joined(dough, icing, *bits)
    return moved(shell, 0, 0, -shell.low[2])


def burger(rng: Rng) -> Shell:
    """A hamburger in layers."""
    bun = (206, 142, 76)
    low = lathe([(0.05, 0), (0.056, 0.006), (0.056, 0.016), (0.05, 0.02)], skin(*bun))
    salad = lathe([(0.05, 0.02), (0.063, 0.023), (0.058, 0.028), (0.03, 0.029)], detail("salad", "leaf", 118, 168, 66), 40)
    salad.vertices[:, 2] += (
        0.002 * np.sin(9 * np.arctan2(salad.vertices[:, 1], salad.vertices[:, 0])) * (np.hypot(*salad.vertices[:, :2].T) > 0.055)
    )
    meat = lathe([(0.052, 0.027), (0.057, 0.032), (0.057, 0.042), (0.05, 0.046)], detail("meat", "skin", 96, 58, 38))
    slice_ = turned(box((0.094, 0.094, 0.003), detail("cheese", "skin", 244, 182, 54), (0, 0, 0.0475)), "z", 20)
    tomato = lathe([(0.05, 0.049), (0.053, 0.051), (0.053, 0.056), (0.05, 0.058)], detail("tomato", "skin", 200, 52, 40))
    top = lathe(_smooth([(0.05, 0.058), (0.057, 0.063), (0.055, 0.078), (0.038, 0.093), (0, 0.1)]), skin(*bun))
    seeds = [
        moved(
            scaled(ball(0.003, detail("seed", "skin", 244, 226, 184), rings=4, sides=8), 1.4, 1, 0.6),
            0.035 * np.cos(a) * r,
            0.035 * np.sin(a) * r,
            0.0995 - 0.009 * r * r,
        )
        for a, r in zip(rng.uniform(0, 6.28, 14), np.sqrt(rng.uniform(0, 1, 14)), strict=True)
    ]
    return joined(low, salad, meat, slice_, tomato, top, *seeds)


def pizza(rng: Rng) -> Shell:
    """A round pizza."""
    crust = lathe([(0.13, 0), (0.15, 0.004), (0.155, 0.014), (0.145, 0.022), (0.132, 0.012), (0, 0.011)], skin(212, 156, 90), 40)
    sauce = moved(tube(0.135, 0.006, detail("cheese", "skin", 240, 196, 92), sides=40), 0, 0, 0.009)
    spots = []
    for radius, count in ((0.05, 3), (0.1, 7)):
        spots.append(
            around(
                moved(lathe([(0.02, 0), (0.02, 0.003), (0.016, 0.005)], detail("salami", "skin", 176, 50, 38), 16), radius, 0, 0.0145),
                count,
                rng.uniform(0, 90),
            )
        )
    spots.append(around(moved(scaled(ball(0.01, STEM, rings=4, sides=8), 1.4, 0.7, 0.3), 0.075, 0, 0.016), 6, 25))
    return joined(crust, sauce, *spots)


def icecream(rng: Rng) -> Shell:
    """A waffle cone with two scoops, upright."""
    cone = lathe([(0, 0), (0.004, 0.002), (0.032, 0.12), (0.034, 0.125), (0.03, 0.125)], detail("cone", "straw", 214, 160, 94))
    scoops = [
        moved(blob((0.074, 0.074, 0.066), slot, rng, 0.05, 2.0, 9), 0, 0, z)
        for slot, z in ((skin(246, 226, 178), 0.142), (skin(232, 140, 156), 0.186))
    ]
    return joined(cone, *scoops, ball(0.011, detail("cherry", "skin", 180, 24, 40), (0, 0, 0.226), 8, 12))


def _pumpkin() -> Shell:
    rings_ = []
    for r, z in _smooth([(0.1, 0.03), (0.35, 0), (0.52, 0.2), (0.55, 0.4), (0.45, 0.66), (0.2, 0.74), (0.08, 0.68)], 3):
        angle = 2 * np.pi * (np.arange(64) + 0.5) / 64
        rings_.append(circle(r * (0.9 + 0.1 * np.abs(np.sin(4 * angle))), z, 64))
    stalk = sweep(_curve([(0, 0, 0.64), (0.02, 0, 0.8), (0.1, 0, 0.9)]), [0.07, 0.055, 0.05], STEM, 8)
    shell = joined(loft(np.stack(rings_), skin(226, 122, 34)), stalk)
    return moved(shell, 0, 0, -shell.low[2])


def _bar(half_width: float, half_thick: float, y: float) -> np.ndarray:
    return np.array(
        [(-half_width, y, -half_thick), (half_width, y, -half_thick), (half_width, y, half_thick), (-half_width, y, half_thick)]
    )


def _curve(points: Sequence[tuple[float, float, float]], steps: int = 0) -> np.ndarray:
    """A Catmull-Rom curve through points, with three times as many."""
    p = np.asarray(points, dtype=np.float64)
    padded = np.concatenate((2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]))
    count = steps or 2 + 1
    made = [p[0]]
    for i in range(len(p) - 1):
        a, b, c, d = padded[i : i + 4]
        for t in np.linspace(0, 1, count + 1)[1:]:
            made.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.stack(made)


def _smooth(profile: list[tuple[float, float]], steps: int = 3) -> list[tuple[float, float]]:
    curve = _curve([(r, z, 0.0) for r, z in profile], steps)
    made = [(max(float(r), 0.0), float(z)) for r, z, _ in curve]
    return [(0.0 if i in (0, len(made) - 1) and r < 1e-9 else max(r, 1e-4), z) for i, (r, z) in enumerate(made)]
