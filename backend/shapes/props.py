"""Props: tools, weapons, treasure, containers, toys and small things."""

from __future__ import annotations

import numpy as np

from .looks import BLACK, BRASS, DARK, GLASS, GOLD, HANDLE, LIGHT, METAL, PAPER, STEEL, WHITE, WOOD, detail
from .solids import (
    Shell,
    Slot,
    arc,
    around,
    at,
    ball,
    blob,
    box,
    circle,
    joined,
    lathe,
    loft,
    moved,
    prism,
    ring,
    scaled,
    sweep,
    tapered,
    tube,
    turned,
)

Rng = np.random.Generator


def crate(rng: Rng, *, size: float = 0.6) -> Shell:
    """A wooden crate with frames and a brace on each side."""
    dark = Slot("body", "wood", (126, 84, 48))
    parts = [box((size * 0.92,) * 3, WOOD, (0, 0, size / 2))]
    bar = size * 0.12
    side = [box((size, bar * 0.35, bar), dark, (0, -size / 2 + bar * 0.18, z), 0.004) for z in (bar / 2, size - bar / 2)]
    side += [box((bar, bar * 0.35, size - 2 * bar), dark, (s * (size - bar) / 2, -size / 2 + bar * 0.18, size / 2), 0.004) for s in (-1, 1)]
    side.append(moved(turned(box((size * 1.02, bar * 0.3, bar * 0.9), dark), "y", 45), 0, -size / 2 + bar * 0.17, size / 2))
    parts.append(around(joined(*side), 4))
    parts += [box((size * 0.98, bar, bar * 0.3), dark, (0, y, size - bar * 0.12), 0.004) for y in (-0.3 * size, 0, 0.3 * size)]
    return joined(*parts)


def chest(rng: Rng, *, treasure: bool = False) -> Shell:
    """A chest with a vaulted lid and bands; a treasure chest stands open and is full of gold."""
    parts = [box((0.8, 0.5, 0.36), WOOD, (0, 0, 0.18), 0.015)]
    half = [(-0.25, 0.0), (0.25, 0.0), *((0.25 * np.cos(a), 0.02 + 0.17 * np.sin(a)) for a in np.linspace(0, np.pi, 11))]
    lid = turned(prism(half, 0.8, WOOD), "z", 90)
    bands = [turned(prism([(x * 1.04, z * 1.06) for x, z in half], 0.06, BRASS), "z", 90) for _ in range(3)]
    lid = joined(lid, *(moved(band, x) for band, x in zip(bands, (-0.32, 0.0, 0.32), strict=True)))
    lock = box((0.1, 0.04, 0.12), BRASS, (0, -0.26, 0.34), 0.01)
    parts += [box((0.06, 0.52, 0.37), BRASS, (x, 0, 0.185), 0.006) for x in (-0.32, 0.0, 0.32)]
    if not treasure:
        return joined(*parts, moved(lid, 0, 0, 0.36), lock)
    parts.append(moved(turned(moved(lid, 0, -0.25), "x", -68), 0, 0.25, 0.36))
    heap = moved(blob((0.72, 0.42, 0.2), detail("gold", "gold", 232, 184, 66), rng, 0.06, 3.0, 11), 0, 0, 0.36)
    coins = []
    for _ in range(40):
        x, y = rng.uniform(-0.3, 0.3), rng.uniform(-0.17, 0.17)
        z = 0.37 + 0.09 * max(0.0, 1 - (x / 0.38) ** 2 - (y / 0.23) ** 2)
        piece = turned(
            turned(tube(0.028, 0.007, detail("gold", "gold", 232, 184, 66), sides=14), "x", rng.uniform(-45, 45)), "z", rng.uniform(0, 360)
        )
        coins.append(moved(piece, x, y, z))
    return joined(*parts, heap, *coins)


def package(rng: Rng, *, gift: bool = False, open_: bool = False) -> Shell:
    """A cardboard box with tape, or open with its flaps out, or a gift with ribbon and bow."""
    if open_:
        card, thick = Slot("body", "paper", (190, 148, 100)), 0.006
        sides = [box((0.4, thick, 0.26), card, (0, s * (0.15 - thick / 2), 0.13)) for s in (-1, 1)]
        sides += [box((thick, 0.3 - 2 * thick, 0.26), card, (s * (0.2 - thick / 2), 0, 0.13)) for s in (-1, 1)]
        flaps = [moved(turned(box((0.4, 0.14, 0.004), card), "x", -s * 55), 0, s * 0.188, 0.2) for s in (-1, 1)]
        return joined(box((0.39, 0.29, thick), card, (0, 0, thick / 2)), *sides, *flaps)
    if not gift:
        card = Slot("body", "paper", (190, 148, 100))
        return joined(
            box((0.4, 0.3, 0.26), card, (0, 0, 0.13), 0.004),
            box((0.06, 0.302, 0.002), detail("tape", "paper", 222, 196, 148), (0, 0, 0.2605)),
            *(box((0.06, 0.002, 0.07), detail("tape", "paper", 222, 196, 148), (0, s * 0.1505, 0.226)) for s in (-1, 1)),
        )
    ribbon = detail("ribbon", "cloth", 240, 206, 96)
    bow = [
        moved(
            turned(scaled(ring([(0.045, -0.02), (0.052, -0.02), (0.052, 0.02), (0.045, 0.02)], ribbon, 20), 1.2, 0.7, 1), "x", 90),
            s * 0.05,
            0,
            0.3,
        )
        for s in (-1, 1)
    ]
    return joined(
        box((0.3, 0.3, 0.24), Slot("body", "paper", (178, 44, 56)), (0, 0, 0.12), 0.006),
        box((0.32, 0.32, 0.05), Slot("body", "paper", (178, 44, 56)), (0, 0, 0.24), 0.006),
        box((0.05, 0.326, 0.27), ribbon, (0, 0, 0.1355)),
        box((0.326, 0.05, 0.27), ribbon, (0, 0, 0.1355)),
        *bow,
        ball(0.022, ribbon, (0, 0, 0.285), 8, 12),
    )


def suitcase(rng: Rng) -> Shell:
    """A leather suitcase, standing."""
    hide = Slot("body", "leather", (132, 78, 46))
    corners = [
        box((0.07, 0.2, 0.07), detail("corner", "leather", 90, 52, 32), (sx * 0.285, 0, z), 0.02) for sx in (-1, 1) for z in (0.03, 0.41)
    ]
    straps = [box((0.045, 0.205, 0.452), detail("corner", "leather", 90, 52, 32), (s * 0.16, 0, 0.22), 0.008) for s in (-1, 1)]
    grip = sweep([(-0.07, 0, 0.44), (-0.06, 0, 0.49), (0.06, 0, 0.49), (0.07, 0, 0.44)], 0.012, HANDLE)
    return joined(
        box((0.62, 0.19, 0.44), hide, (0, 0, 0.22), 0.03),
        *corners,
        *straps,
        grip,
        *(box((0.03, 0.22, 0.04), BRASS, (s * 0.16, 0, 0.33), 0.005) for s in (-1, 1)),
    )


def sword(rng: Rng, *, kind: str = "sword") -> Shell:
    """A sword or a dagger, lying along Y with its point at -Y."""
    long = 0.75 if kind == "sword" else 0.24
    wide = 0.026 if kind == "sword" else 0.02

    def section(w: float, t: float, y: float) -> np.ndarray:
        return np.array([(-w, y, 0), (0, y, t), (w, y, 0), (0, y, -t)])

    blade = loft(np.stack([section(wide, 0.006, 0), section(wide * 0.85, 0.005, -long * 0.85), section(0.001, 0.0006, -long)]), STEEL)
    guard = sweep(
        [(-0.1 if long > 0.5 else -0.05, 0.0, 0), (0, 0.012, 0), (0.1 if long > 0.5 else 0.05, 0.0, 0)], [0.009, 0.012, 0.009], BRASS, 10
    )
    grip = turned(lathe([(0.012, 0), (0.016, 0.05), (0.012, 0.12)], detail("handle", "leather", 92, 56, 34), 12), "x", -90)
    return moved(joined(blade, guard, grip, ball(0.021, BRASS, (0, 0.135, 0), 8, 14)), 0, 0, 0.022)


def shield(rng: Rng, *, round_: bool = False) -> Shell:
    """A heater shield, or a round one with a boss; upright."""
    if round_:
        body = turned(lathe([(0.36, 0.0), (0.34, 0.03), (0.2, 0.06), (0, 0.075)], Slot("body", "wood", (140, 60, 50)), 32), "x", 90)
        rim = turned(ring([(0.35, -0.01), (0.385, 0), (0.385, 0.02), (0.35, 0.035)], STEEL, 32), "x", 90)
        return moved(joined(body, rim, turned(moved(lathe([(0.1, 0.06), (0.08, 0.09), (0, 0.13)], BRASS, 20), 0), "x", 90)), 0, 0, 0.385)
    right = [(0.0, 0.8), (0.16, 0.83), (0.32, 0.82), (0.33, 0.55), (0.28, 0.3), (0.15, 0.1), (0.0, 0.0)]
    outline = np.array([*right, *((-x, z) for x, z in reversed(right[1:-1]))])

    def layer(scale: float, y: float, bend: float) -> np.ndarray:
        middle = np.array((0.0, 0.47))
        points = middle + (outline - middle) * scale
        return np.column_stack((points[:, 0], y + bend * points[:, 0] ** 2, points[:, 1]))

    rim = loft(np.stack([layer(1.0, 0.03, 0.9), layer(1.0, 0.0, 0.9)]), STEEL, fan=True)
    face = loft(np.stack([layer(0.9, 0.0, 0.9), layer(0.88, -0.018, 0.9)]), Slot("body", "paint", (52, 78, 142)), fan=True)
    cross = [box((0.07, 0.02, 0.62), BRASS, (0, -0.022, 0.47), 0.006), box((0.44, 0.07, 0.07), BRASS, (0, 0.005, 0.56), 0.006)]
    return joined(rim, face, *cross)


def tool(rng: Rng, *, kind: str = "hammer") -> Shell:
    """A tool on a wooden shaft, lying along Y: hammer, axe, pickaxe, shovel, rake, broom, spear, hoe."""
    long = {"hammer": 0.3, "axe": 0.7, "pickaxe": 0.8}.get(kind, 1.3)
    thick = 0.014 if kind == "hammer" else 0.018
    shaft = sweep([(0, 0, 0), (0, -long * 0.5, 0), (0, -long, 0)], [thick * 1.1, thick * 0.9, thick], HANDLE, 10)
    end = -long
    parts = [shaft]
    if kind == "hammer":
        parts += [
            box((0.05, 0.03, 0.03), STEEL, (0, end + 0.02, 0), 0.005),
            moved(turned(tube(0.017, 0.045, STEEL, bevel=0.003, sides=16), "y", 90), 0.02, end + 0.02),
        ]
        parts += [
            sweep(
                [(-0.02, end + 0.02 + s * 0.006, 0), (-0.055, end + 0.024 + s * 0.008, -0.002), (-0.085, end + 0.045 + s * 0.01, -0.006)],
                [0.01, 0.007, 0.003],
                STEEL,
                8,
            )
            for s in (-1, 1)
        ]
    elif kind == "axe":
        head = [(0.03, 0.0, 0.016), (0.1, 0.012, 0.012), (0.17, 0.045, 0.002)]
        rows = [
            np.array(
                [
                    (x, end + 0.06 - w - 0.035, -t),
                    (x, end + 0.06 + w + 0.035, -t),
                    (x, end + 0.06 + w + 0.035, t),
                    (x, end + 0.06 - w - 0.035, t),
                ]
            )
            for x, w, t in ((-0.035, 0.0, 0.02), *head)
        ]
        parts.append(loft(np.stack(rows), STEEL))
    elif kind == "pickaxe":
        parts.append(
            sweep(
                [(-0.3, end + 0.1, 0), (-0.12, end + 0.045, 0), (0, end + 0.03, 0), (0.12, end + 0.045, 0), (0.3, end + 0.1, 0)],
                [0.004, 0.018, 0.026, 0.018, 0.004],
                STEEL,
                8,
            )
        )
    elif kind == "shovel":
        rows = [
            np.array([(-w, y, z), (w, y, z), (w * 0.96, y, z + 0.006), (0, y, z - 0.014), (-w * 0.96, y, z + 0.006)])
            for y, w, z in ((end, 0.05, 0.012), (end - 0.03, 0.11, 0.012), (end - 0.17, 0.105, 0.012), (end - 0.26, 0.03, 0.012))
        ]
        parts += [
            loft(np.stack(rows), STEEL, fan=True),
            sweep([(0, end + 0.18, 0), (0, end - 0.06, 0.006)], 0.022, STEEL, 10),
            sweep([(-0.06, 0.03, 0), (0.06, 0.03, 0)], 0.014, HANDLE, 8),
        ]
    elif kind == "rake":
        parts += [
            box((0.42, 0.02, 0.025), STEEL, (0, end, 0), 0.004),
            at(tapered(box((0.012, 0.012, 0.08), STEEL, (0, 0, 0)), 1.0), [(-0.2 + 0.04 * i, end, 0.045) for i in range(11)]),
        ]
    elif kind == "hoe":
        parts += [
            sweep([(0, end, 0), (0, end - 0.06, 0.02), (0, end - 0.07, 0.06)], 0.01, STEEL, 8),
            box((0.16, 0.006, 0.11), STEEL, (0, end - 0.07, 0.1), 0.002),
        ]
    elif kind == "broom":
        straw = Slot("bristles", "straw", (206, 166, 92), main=False)
        bristles = loft(
            np.stack(
                [
                    np.array([(-w, y, -t), (w, y, -t), (w, y, t), (-w, y, t)])
                    for y, w, t in ((end + 0.02, 0.03, 0.025), (end - 0.08, 0.06, 0.03), (end - 0.32, 0.14, 0.03))
                ]
            ),
            straw,
        )
        parts += [
            bristles,
            *(
                moved(scaled(turned(ring([(0.9, 0), (1.0, 0), (1.0, 0.016), (0.9, 0.016)], DARK, 16), "x", 90), w, 1, 0.036), 0, y)
                for y, w in ((end - 0.05, 0.056), (end - 0.1, 0.072))
            ),
        ]
    else:  # a spear

        def section(w: float, y: float) -> np.ndarray:
            return np.array([(-w, y, 0), (0, y, 0.25 * w + 0.001), (w, y, 0), (0, y, -0.25 * w - 0.001)])

        parts += [
            loft(np.stack([section(0.012, end), section(0.035, end - 0.06), section(0.02, end - 0.16), section(0.001, end - 0.24)]), STEEL),
            sweep([(0, end + 0.06, 0), (0, end - 0.02, 0)], 0.022, BRASS, 10),
        ]
    shell = joined(*parts)
    return moved(shell, 0, -(shell.low[1] + shell.high[1]) / 2, -shell.low[2])


def key(rng: Rng) -> Shell:
    """An old key, lying."""
    bow = scaled(ring([(0.012, 0), (0.016, -0.003), (0.02, 0), (0.016, 0.003)], GOLD, 24), 1.0, 1.1, 1.0)
    parts = [
        bow,
        sweep([(0, -0.018, 0), (0, -0.08, 0)], 0.0035, GOLD, 10),
        *(box((0.016, 0.006, 0.004), GOLD, (0.008, y, 0), 0.001) for y in (-0.066, -0.076)),
        box((0.006, 0.016, 0.004), GOLD, (0.014, -0.071, 0), 0.001),
    ]
    return moved(joined(*parts), 0, 0.03, 0.0035)


def coin(rng: Rng) -> Shell:
    """A coin with a raised rim and a crown's mark."""
    body = lathe(
        [
            (0.0, 0.0003),
            (0.0105, 0.0003),
            (0.011, 0),
            (0.0122, 0),
            (0.0125, 0.0006),
            (0.0125, 0.0018),
            (0.0122, 0.0024),
            (0.011, 0.0024),
            (0.0105, 0.002),
            (0, 0.002),
        ],
        GOLD,
        40,
    )
    mark = prism(
        [(-0.005, -0.003), (0.005, -0.003), (0.006, 0.004), (0.0025, 0.001), (0, 0.005), (-0.0025, 0.001), (-0.006, 0.004)], 0.0008, GOLD
    )
    return joined(body, moved(turned(mark, "x", -90), 0, 0, 0.0022))


def crown(rng: Rng) -> Shell:
    """A crown with points, pearls and jewels."""
    count = 48
    angle = 2 * np.pi * (np.arange(count) + 0.5) / count
    peak = 0.07 + 0.045 * np.abs(np.cos(angle * 4)) ** 1.5

    def row(radius: float, z: np.ndarray) -> np.ndarray:
        return np.column_stack((radius * np.cos(angle), radius * np.sin(angle), z))

    flat = np.zeros(count)
    body = loft(
        np.stack([row(0.09, flat), row(0.094, flat + 0.03), row(0.106, peak), row(0.102, peak), row(0.09, flat + 0.03), row(0.086, flat)]),
        GOLD,
        loop=True,
    )
    band = ring([(0.088, 0), (0.1, 0.004), (0.1, 0.024), (0.09, 0.028)], GOLD, 48)
    pearls = around(ball(0.008, detail("pearl", "ceramic", 240, 236, 228), (0.105, 0, 0.122), 6, 12), 8)
    jewels = [
        turned(ball(0.0085, detail(f"jewel {i % 2}", "glass", *((196, 26, 48), (36, 90, 190))[i % 2]), (0.1, 0, 0.014), 6, 10), "z", 45 * i)
        for i in range(8)
    ]
    return joined(body, band, pearls, *jewels)


def gem(rng: Rng) -> Shell:
    """A brilliant-cut gem, resting on its point's girdle."""
    glass = Slot("body", "glass", (84, 190, 214))
    rows = [circle(r, z, 12) for r, z in ((0.0, 0.0), (0.5, 0.46), (0.5, 0.5), (0.32, 0.66))]
    return loft(np.stack(rows), glass)


def finger_ring(rng: Rng) -> Shell:
    """A ring with a gem, upright."""
    band = turned(ring([(0.0085, -0.0015), (0.01, -0.001), (0.01, 0.001), (0.0085, 0.0015)], GOLD, 32), "x", 90)
    return moved(joined(band, moved(scaled(gem(rng), 0.008), 0, 0, 0.0085)), 0, 0, 0.01)


def trophy(rng: Rng) -> Shell:
    """A cup with two handles on a plinth."""
    cup = moved(
        lathe(
            [
                (0.05, 0),
                (0.045, 0.01),
                (0.014, 0.03),
                (0.012, 0.08),
                (0.02, 0.09),
                (0.07, 0.13),
                (0.085, 0.19),
                (0.088, 0.25),
                (0.082, 0.25),
                (0.078, 0.19),
                (0.06, 0.14),
                (0, 0.11),
            ],
            GOLD,
            28,
        ),
        0,
        0,
        0.06,
    )
    handles = [
        sweep([(s * 0.084, 0, 0.29), (s * 0.13, 0, 0.295), (s * 0.14, 0, 0.25), (s * 0.11, 0, 0.2), (s * 0.075, 0, 0.195)], 0.008, GOLD, 8)
        for s in (-1, 1)
    ]
    return joined(
        box((0.13, 0.13, 0.06), detail("plinth", "wood", 70, 44, 30), (0, 0, 0.03), 0.006),
        cup,
        *handles,
        box((0.07, 0.003, 0.03), GOLD, (0, -0.066, 0.03)),
    )


def scroll(rng: Rng) -> Shell:
    """A scroll, half open, lying."""
    t = np.linspace(0, 1, 17)
    sheet = np.column_stack((np.zeros(17), -0.12 + 0.24 * t, 0.012 + 0.004 * np.sin(3 * np.pi * t)))
    rows = np.stack([np.array([(-0.1, y, z), (0.1, y, z), (0.1, y, z + 0.002), (-0.1, y, z + 0.002)]) for _, y, z in sheet])
    rolls = [moved(turned(tube(0.02, 0.2, PAPER, sides=20), "y", 90), -0.1, y, 0.02) for y in (-0.13, 0.13)]
    rods = [
        moved(turned(lathe([(0.012, 0), (0.006, 0.01), (0.006, 0.25), (0.012, 0.26)], WOOD, 12), "y", 90), -0.13, y, 0.02)
        for y in (-0.13, 0.13)
    ]
    lines = [
        box((0.14, 0.005, 0.0014), detail("ink", "paper", 88, 66, 48), (0, y, 0.0165 + 0.004 * np.sin(3 * np.pi * (y + 0.12) / 0.24)))
        for y in np.linspace(-0.08, 0.08, 8)
    ]
    return joined(loft(rows, Slot("body", "paper", (232, 214, 168))), *rolls, *rods, *lines)


def lantern(rng: Rng) -> Shell:
    """A storm lantern with a flame."""
    iron = Slot("body", "metal", (68, 66, 62))
    parts = [
        lathe([(0.075, 0), (0.08, 0.01), (0.08, 0.04), (0.05, 0.055)], iron, 20),
        moved(lathe([(0.05, 0), (0.062, 0.05), (0.05, 0.12)], GLASS, 20), 0, 0, 0.052),
        moved(lathe([(0.065, 0), (0.07, 0.01), (0.03, 0.05), (0.028, 0.08), (0.05, 0.085), (0, 0.11)], iron, 20), 0, 0, 0.17),
    ]
    parts.append(moved(lathe([(0, 0), (0.016, 0.02), (0.012, 0.045), (0, 0.08)], LIGHT, 12), 0, 0, 0.07))
    parts += [sweep([(s * 0.074, 0, 0.03), (s * 0.085, 0, 0.1), (s * 0.066, 0, 0.18)], 0.005, iron, 8) for s in (-1, 1)]
    bail = [(0.066 * np.cos(a), 0.0, 0.2 + 0.15 * np.sin(a)) for a in np.linspace(0, np.pi, 13)]
    return joined(*parts, sweep(bail, 0.004, iron, 8))


def umbrella(rng: Rng) -> Shell:
    """An open umbrella, upright on its tip's crook."""
    cloth = Slot("body", "cloth", (190, 44, 52))
    angle = 2 * np.pi * (np.arange(32) + 0.5) / 32
    rows = []
    for r, z, inner in (
        (0.0, 1.02, 0),
        (0.2, 0.985, 0),
        (0.38, 0.88, 0),
        (0.5, 0.72, 0),
        (0.497, 0.715, 1),
        (0.375, 0.872, 1),
        (0.197, 0.977, 1),
        (0.0, 1.012, 1),
    ):
        sag = 1 - 0.07 * (r / 0.5) ** 2 * np.abs(np.sin(angle * 4))
        rows.append(np.column_stack((r * sag * np.cos(angle), r * sag * np.sin(angle), np.full(32, z) + (0 if inner else 0.0))))
    crook = [(0, 0, 1.06), (0, 0, 0.5), (0, 0, 0.14), (0.01, 0, 0.07), (0.045, 0, 0.03), (0.085, 0, 0.05), (0.09, 0, 0.09)]
    return joined(loft(np.stack(rows), cloth), sweep(crook, 0.011, HANDLE, 10))


def hat(rng: Rng, *, top: bool = False) -> Shell:
    """A brimmed hat, or a top hat."""
    felt = Slot("body", "cloth", (52, 50, 56) if top else (124, 88, 60))
    tall, crown_ = (0.16, 0.082) if top else (0.11, 0.07)
    body = lathe(
        [
            (0.075, 0.004),
            (0.14, 0.012),
            (0.155, 0.02),
            (0.15, 0.024),
            (0.09, 0.016),
            (0.086, 0.04),
            (crown_, tall),
            (crown_ * 0.85, tall + 0.01),
            (0, tall + (0.004 if top else -0.004)),
        ],
        felt,
        28,
    )
    return joined(body, ring([(0.08, 0.018), (0.0905, 0.018), (0.0875, 0.045), (0.08, 0.045)], detail("band", "cloth", 150, 44, 44), 28))


def sports_ball(rng: Rng, *, kind: str = "ball", radius: float = 0.11) -> Shell:
    """A ball with stripes, panels or seams."""
    if kind == "ball":
        body = ball(radius, Slot("body", "plastic", (214, 52, 48)), (0, 0, radius), 16, 24)
        side = np.floor((np.arctan2(*(body.vertices[body.faces].mean(axis=1)[:, [1, 0]].T)) + np.pi) / (np.pi / 3)).astype(np.int32) % 2
        return Shell(
            body.vertices, body.faces, body.uvs, side.astype(np.int32), (body.slots[0], detail("stripes", "plastic", 244, 240, 230))
        )
    if kind == "football":
        body = blob((2 * radius,) * 3, Slot("body", "leather", (240, 240, 236)), rng, 0.0, 1.0, 25)
        phi = (1 + 5**0.5) / 2
        spots = np.array([(0, a, b * phi) for a in (-1, 1) for b in (-1, 1)])
        spots = np.concatenate([np.roll(spots, i, axis=1) for i in range(3)]) / np.hypot(1, phi)
        middle = body.vertices[body.faces].mean(axis=1)
        near = (middle / np.linalg.norm(middle, axis=1, keepdims=True) @ spots.T).max(axis=1) > np.cos(np.radians(20))
        return moved(
            Shell(body.vertices, body.faces, body.uvs, near.astype(np.int32), (body.slots[0], detail("spots", "leather", 36, 36, 40))),
            0,
            0,
            radius,
        )
    if kind == "bowling":
        holes = [ball(0.012, DARK, (x, -0.045 + y, 2 * radius - 0.014), 6, 10) for x, y in ((-0.014, 0), (0.014, 0), (0, -0.032))]
        return joined(ball(radius, Slot("body", "plastic", (44, 52, 110)), (0, 0, radius), 16, 28), *holes)
    color, seam = {
        "basketball": ((214, 110, 46), (44, 34, 30)),
        "tennis": ((206, 224, 66), (240, 244, 236)),
        "baseball": ((240, 238, 228), (190, 44, 44)),
    }[kind]
    body = ball(radius, Slot("body", "leather", color), (0, 0, 0), 16, 28)
    lines = [
        turned(
            ring(
                [
                    (radius * 0.985, -0.012 * radius),
                    (radius * 1.006, -0.018 * radius),
                    (radius * 1.006, 0.018 * radius),
                    (radius * 0.985, 0.012 * radius),
                ],
                detail("seam", "leather", *seam),
                40,
            ),
            axis,
            a,
        )
        for axis, a in (("x", 0), ("x", 90), ("y", 90))
    ]
    if kind != "basketball":
        t = np.linspace(0, 2 * np.pi, 65)[:-1]
        curve = np.column_stack((np.cos(t) + 0.35 * np.cos(3 * t), np.sin(t) - 0.35 * np.sin(3 * t), 0.95 * np.sin(2 * t)))
        curve *= radius / np.linalg.norm(curve, axis=1, keepdims=True)
        lines = [sweep(curve, 0.025 * radius, detail("seam", "leather", *seam), 6, loop=True)]
    return moved(joined(body, *lines), 0, 0, radius)


def die(rng: Rng) -> Shell:
    """A die with its pips."""
    size, pip = 0.02, detail("pips", "plastic", 30, 30, 34)
    spots = {
        1: [(0, 0)],
        2: [(-1, -1), (1, 1)],
        3: [(-1, -1), (0, 0), (1, 1)],
        4: [(-1, -1), (1, -1), (-1, 1), (1, 1)],
        5: [(-1, -1), (1, -1), (-1, 1), (1, 1), (0, 0)],
        6: [(-1, -1), (-1, 0), (-1, 1), (1, -1), (1, 0), (1, 1)],
    }
    faces = []
    for number, (axis, angle) in zip((6, 2, 5, 3, 4, 1), (("x", 0), ("x", 90), ("x", -90), ("y", 90), ("y", -90), ("x", 180)), strict=True):
        dots = at(scaled(ball(0.0017, pip, rings=6, sides=10), 1, 1, 0.3), [(0.0055 * a, 0.0055 * b, size / 2) for a, b in spots[number]])
        faces.append(turned(dots, axis, angle))
    return moved(joined(box((size,) * 3, Slot("body", "plastic", (240, 236, 226)), (0, 0, 0), 0.0025), *faces), 0, 0, size / 2 + 0.0004)


def pencil(rng: Rng) -> Shell:
    """A hexagonal pencil with its point, lying along Y."""
    yellow = Slot("body", "paint", (236, 184, 48))

    def hexagon(r: float, y: float) -> np.ndarray:
        a = np.pi / 3 * np.arange(6)
        return np.column_stack((r * np.cos(a), np.full(6, y), r * np.sin(a)))

    parts = [
        loft(np.stack([hexagon(0.0038, 0.0), hexagon(0.0038, 0.15)]), yellow),
        loft(np.stack([hexagon(0.0037, 0.0), hexagon(0.0012, -0.016)]), detail("wood", "wood", 222, 184, 132)),
        loft(np.stack([hexagon(0.0012, -0.0158), hexagon(0.0001, -0.022)]), DARK),
    ]
    parts += [
        loft(np.stack([hexagon(0.004, 0.149), hexagon(0.004, 0.16)]), METAL),
        loft(np.stack([hexagon(0.0038, 0.159), hexagon(0.0036, 0.17)]), detail("rubber", "plastic", 226, 130, 132)),
    ]
    return moved(joined(*parts), 0, -0.07, 0.0033)


def lightbulb(rng: Rng) -> Shell:
    """A light bulb on its screw base."""
    base = lathe(
        [(0.006, 0), (0.012, 0.004), (0.0135, 0.007), (0.0125, 0.01), (0.0135, 0.013), (0.0125, 0.016), (0.0135, 0.019), (0.0125, 0.026)],
        METAL,
        20,
    )
    bulb = lathe([(0.0125, 0.026), (0.016, 0.04), (0.028, 0.062), (0.03, 0.078), (0.024, 0.096), (0.011, 0.107), (0, 0.109)], LIGHT, 24)
    return joined(base, bulb)


def flag(rng: Rng) -> Shell:
    """A flag in the wind on its pole."""
    t = np.linspace(0, 1, 17)
    rows = [
        np.array(
            [
                (0.02 + 1.2 * u, w - 0.004, 1.5),
                (0.02 + 1.2 * u, w - 0.004, 2.3),
                (0.02 + 1.2 * u, w + 0.004, 2.3),
                (0.02 + 1.2 * u, w + 0.004, 1.5),
            ]
        )
        + (0, 0, -0.06 * u)
        for u, w in zip(t, 0.09 * np.sin(2.4 * np.pi * t) * np.minimum(1, 3 * t), strict=True)
    ]
    return joined(
        tube(0.025, 2.4, HANDLE, sides=12),
        ball(0.045, BRASS, (0, 0, 2.43), 8, 14),
        loft(np.stack(rows), Slot("body", "cloth", (190, 44, 48))),
    )


def anchor(rng: Rng) -> Shell:
    """An anchor, upright."""
    iron = Slot("body", "metal", (70, 74, 80))
    curve = [(0.42 * np.cos(a), 0, 0.44 + 0.44 * np.sin(a)) for a in np.radians(np.linspace(195, 345, 13))]
    flukes = [
        moved(turned(prism([(-0.07, -0.06), (0.07, -0.06), (0, 0.14)], 0.05, iron), "y", -s * 20), s * 0.41, 0, 0.34) for s in (-1, 1)
    ]
    return joined(
        sweep([(0, 0, 0.02), (0, 0, 1.0)], 0.045, iron, 12),
        sweep(curve, [0.03, 0.045, 0.05, 0.045, 0.03], iron, 10),
        sweep([(-0.24, 0, 0.88), (0.24, 0, 0.88)], 0.035, iron, 10),
        moved(turned(ring([(0.07, -0.018), (0.095, -0.018), (0.095, 0.018), (0.07, 0.018)], iron, 24), "x", 90), 0, 0, 1.08),
        *flukes,
    )


def cannon(rng: Rng) -> Shell:
    """A cannon on a carriage with two wheels."""
    from .vehicles import spoked_wheel

    iron = Slot("body", "metal", (62, 64, 68))
    barrel = lathe(
        [
            (0, -0.16),
            (0.05, -0.13),
            (0.03, -0.08),
            (0.14, -0.04),
            (0.17, 0.0),
            (0.17, 0.08),
            (0.15, 0.1),
            (0.145, 0.6),
            (0.12, 0.64),
            (0.105, 1.2),
            (0.13, 1.24),
            (0.13, 1.32),
            (0.07, 1.32),
            (0.07, 1.0),
            (0, 1.0),
        ],
        iron,
        24,
    )
    carriage = [box((0.07, 1.3, 0.2), WOOD, (s * 0.2, 0.15, 0.45), 0.015) for s in (-1, 1)] + [
        box((0.4, 0.12, 0.1), WOOD, (0, 0.7, 0.42)),
        box((0.34, 0.5, 0.12), WOOD, (0, 0.75, 0.3), 0.02),
    ]
    wheels = [moved(spoked_wheel(rng, radius=0.42), s * 0.34, -0.1) for s in (-1, 1)] + [
        moved(turned(tube(0.04, 0.7, DARK, sides=10), "y", 90), -0.35, -0.1, 0.42)
    ]
    return joined(moved(turned(barrel, "x", 82), 0, 0.55, 0.62), *carriage, *wheels)


def bomb(rng: Rng) -> Shell:
    """A round bomb with a burning fuse."""
    fuse = [(0.03, 0, 0.25), (0.06, 0, 0.29), (0.1, 0, 0.3), (0.12, 0, 0.33)]
    return joined(
        ball(0.12, Slot("body", "metal", (40, 42, 48)), (0, 0, 0.12), 14, 24),
        moved(turned(tube(0.035, 0.03, DARK, sides=16), "y", 14), 0.025, 0, 0.225),
        sweep(fuse, 0.006, detail("fuse", "cloth", 206, 186, 140), 8),
        moved(blob((0.05,) * 3, LIGHT, rng, 0.35, 4.0, 7), 0.124, 0, 0.345),
    )


def potion(rng: Rng) -> Shell:
    """A round flask with a colored liquid and a cork."""
    glass = Slot("flask", "glass", (216, 228, 232), main=False)
    flask = lathe(
        [
            (0.04, 0),
            (0.06, 0.008),
            (0.075, 0.05),
            (0.055, 0.095),
            (0.02, 0.115),
            (0.018, 0.15),
            (0.026, 0.152),
            (0.026, 0.158),
            (0.015, 0.158),
        ],
        glass,
        24,
    )
    liquid = lathe([(0.036, 0.004), (0.056, 0.011), (0.0715, 0.05), (0.066, 0.066), (0, 0.0662)], Slot("body", "glass", (122, 46, 168)), 24)
    return joined(flask, liquid, moved(tube(0.015, 0.03, detail("cork", "wood", 186, 148, 104), 0.018, sides=14), 0, 0, 0.145))


def globe(rng: Rng) -> Shell:
    """A globe on its stand."""
    body = blob((0.3, 0.3, 0.3), Slot("body", "paint", (72, 128, 176)), rng, 0.0, 1.0, 25)
    middle = body.vertices[body.faces].mean(axis=1)
    noise = np.sin(middle @ (rng.normal(size=(3, 5)) * 14) + rng.uniform(0, 6, 5)).sum(axis=1)
    body = Shell(
        body.vertices, body.faces, body.uvs, (noise > 0.7).astype(np.int32), (body.slots[0], detail("land", "paint", 120, 154, 84))
    )
    arm = sweep([(0.172 * np.cos(a), 0, 0.172 * np.sin(a)) for a in np.radians(np.linspace(-80, 100, 17))], 0.007, BRASS, 8)
    foot = lathe([(0.1, 0), (0.1, 0.012), (0.03, 0.03), (0.014, 0.05), (0.014, 0.075)], WOOD, 24)
    return joined(foot, moved(turned(joined(body, arm), "y", 20), 0, 0, 0.235))


def drum(rng: Rng) -> Shell:
    """A drum with hoops and cords."""
    hoops = [ring([(0.19, z), (0.205, z), (0.205, z + 0.03), (0.19, z + 0.03)], BRASS, 32) for z in (0.0, 0.23)]
    skins = [moved(tube(0.192, 0.008, detail("skin", "paper", 240, 230, 206), sides=32), 0, 0, z) for z in (0.008, 0.246)]
    cords = [
        sweep(
            [(0.193 * np.cos(a), 0.193 * np.sin(a), 0.03), (0.193 * np.cos(a + s), 0.193 * np.sin(a + s), 0.23)],
            0.004,
            detail("cord", "cloth", 240, 230, 206),
            6,
        )
        for a in np.linspace(0, 2 * np.pi, 11)[:10]
        for s in (0.31, -0.31)
    ]
    sticks = [
        moved(turned(sweep([(0, -0.16, 0), (0, 0.16, 0)], [0.007, 0.007, 0.011], WOOD, 8), "z", a), x, 0, 0.268)
        for a, x in ((25, 0.03), (-30, -0.04))
    ]
    return joined(tube(0.188, 0.26, Slot("body", "wood", (186, 48, 48)), sides=32), *hoops, *skins, *cords, *sticks)


def robot(rng: Rng) -> Shell:
    """A toy robot."""
    body = Slot("body", "metal", (142, 160, 176))
    parts = [
        box((0.26, 0.2, 0.28), body, (0, 0, 0.36), 0.025),
        box((0.22, 0.18, 0.17), body, (0, 0, 0.63), 0.03),
        tube(0.04, 0.06, DARK, sides=14),
    ]
    parts[2] = moved(parts[2], 0, 0, 0.495)
    parts += [
        moved(
            turned(
                joined(ring([(0.024, 0), (0.034, 0), (0.034, 0.02), (0.024, 0.02)], DARK, 18), tube(0.026, 0.014, LIGHT, sides=18)), "x", 90
            ),
            s * 0.055,
            -0.085,
            0.65,
        )
        for s in (-1, 1)
    ]
    parts += [
        box((0.11, 0.012, 0.022), DARK, (0, -0.092, 0.582), 0.004),
        sweep([(0, 0, 0.71), (0, 0, 0.79)], 0.006, DARK, 8),
        ball(0.018, detail("light", "light", 230, 60, 50), (0, 0, 0.8), 8, 12),
    ]
    parts += [
        moved(turned(tube(0.03, 0.012, detail(f"dial {i}", "paint", *c), sides=16), "x", 90), x, -0.098, 0.41)
        for i, (x, c) in enumerate(((-0.06, (206, 60, 50)), (0.06, (240, 196, 70))))
    ] + [box((0.16, 0.012, 0.07), DARK, (0, -0.1, 0.31), 0.006)]
    for s in (-1, 1):
        parts += [
            sweep([(s * 0.12, 0, 0.45), (s * 0.2, 0, 0.42), (s * 0.22, -0.02, 0.3), (s * 0.21, -0.06, 0.22)], 0.026, DARK, 10),
            box((0.07, 0.07, 0.06), body, (s * 0.21, -0.065, 0.19), 0.015),
        ]
        parts += [moved(tube(0.034, 0.18, DARK, sides=12), s * 0.07, 0, 0.05), box((0.1, 0.16, 0.07), body, (s * 0.07, -0.02, 0.035), 0.02)]
    return joined(*parts)


def flashlight(rng: Rng) -> Shell:
    """A flashlight, lying along Y."""
    body = lathe([(0.015, 0), (0.016, 0.004), (0.016, 0.11), (0.018, 0.115), (0.026, 0.14), (0.027, 0.165), (0.024, 0.166)], BLACK, 20)
    lens = moved(tube(0.024, 0.003, LIGHT, sides=20), 0, 0, 0.165)
    return moved(
        turned(joined(body, lens, box((0.012, 0.008, 0.02), detail("switch", "plastic", 200, 50, 44), (0, 0.018, 0.085), 0.003)), "x", 90),
        0,
        0.083,
        0.027,
    )


def pin(rng: Rng) -> Shell:
    """A bowling pin with two stripes."""
    body = lathe(
        [
            (0.028, 0),
            (0.034, 0.01),
            (0.05, 0.07),
            (0.058, 0.115),
            (0.05, 0.18),
            (0.028, 0.25),
            (0.024, 0.28),
            (0.03, 0.33),
            (0.026, 0.36),
            (0, 0.38),
        ],
        WHITE,
        24,
    )
    stripes = [
        ring([(r - 0.004, z), (r + 0.0012, z), (r + 0.0005, z + 0.01), (r - 0.004, z + 0.01)], detail("stripe", "paint", 200, 40, 40), 24)
        for r, z in ((0.0295, 0.242), (0.0255, 0.262))
    ]
    return joined(body, *stripes)


def top(rng: Rng) -> Shell:
    """A spinning top, upright."""
    return joined(
        lathe([(0, 0), (0.004, 0.006), (0.03, 0.03)], WOOD, 24),
        lathe([(0.03, 0.03), (0.034, 0.036), (0.03, 0.045)], detail("band", "paint", 60, 110, 176), 24),
        lathe(
            [(0.03, 0.045), (0.012, 0.054), (0.005, 0.06), (0.005, 0.085), (0.007, 0.088), (0, 0.09)],
            Slot("body", "paint", (200, 52, 48)),
            24,
        ),
    )


def chess(rng: Rng) -> Shell:
    """A chess pawn."""
    return lathe(
        [
            (0.017, 0),
            (0.018, 0.004),
            (0.016, 0.008),
            (0.012, 0.014),
            (0.008, 0.028),
            (0.007, 0.036),
            (0.012, 0.038),
            (0.007, 0.041),
            (0.0095, 0.046),
            (0.0105, 0.052),
            (0.008, 0.059),
            (0, 0.062),
        ],
        Slot("body", "wood", (224, 196, 150)),
        24,
    )


def gear(rng: Rng, *, teeth: int = 12) -> Shell:
    """A gear wheel, upright."""
    count = teeth * 4
    angle = 2 * np.pi * (np.arange(count) + 0.5) / count
    outer = np.where(np.isin(np.arange(count) % 4, (1, 2)), 0.12, 0.098)

    def row(radius: np.ndarray | float, z: float) -> np.ndarray:
        return np.column_stack((radius * np.cos(angle), radius * np.sin(angle), np.full(count, z)))

    body = loft(np.stack([row(0.03, -0.016), row(outer, -0.016), row(outer, 0.016), row(0.03, 0.016)]), METAL, loop=True)
    return moved(
        turned(joined(body, ring([(0.026, -0.024), (0.042, -0.024), (0.042, 0.024), (0.026, 0.024)], METAL, count)), "x", 90), 0, 0, 0.12
    )


def magnet(rng: Rng) -> Shell:
    """A horseshoe magnet, upright."""
    curve = [
        (-0.05, 0, 0.02),
        (-0.05, 0, 0.07),
        *((x, 0, 0.07 + z) for x, z in [(-x, z) for x, z in arc(0.05, 15, 165, 9)][::1]),
        (0.05, 0, 0.07),
        (0.05, 0, 0.02),
    ]
    path = sorted(curve[2:-2], key=lambda p: p[0])
    bend = sweep([curve[0], curve[1], *path, curve[-2], curve[-1]], 0.018, Slot("body", "paint", (200, 40, 40)), 12)
    return joined(bend, *(moved(tube(0.0185, 0.022, STEEL, sides=12), s * 0.05) for s in (-1, 1)))


def hourglass(rng: Rng) -> Shell:
    """An hourglass in its frame."""
    plates = [moved(tube(0.06, 0.012, WOOD, bevel=0.003), 0, 0, z) for z in (0.0, 0.198)]
    bulb = lathe([(0.03, 0.012), (0.045, 0.03), (0.04, 0.07), (0.006, 0.105), (0.04, 0.14), (0.045, 0.18), (0.03, 0.198)], GLASS, 24)
    sand = [
        lathe([(0.04, 0.018), (0.041, 0.03), (0.02, 0.055), (0, 0.06)], detail("sand", "stone", 226, 196, 128), 20),
        lathe([(0, 0.108), (0.03, 0.138), (0.034, 0.15), (0, 0.148)], detail("sand", "stone", 226, 196, 128), 20),
    ]
    return joined(*plates, bulb, *sand, around(moved(tube(0.005, 0.2, WOOD, sides=10), 0.05, 0, 0.004), 3))
