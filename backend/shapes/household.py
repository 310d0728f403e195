"""Household things: appliances, stationery, small devices, hardware."""

from __future__ import annotations

import numpy as np

from .looks import BLACK, BRASS, DARK, GOLD, METAL, PAPER, STEEL, WHITE, WOOD, detail
from .nature import star
from .solids import Shell, Slot, ball, box, joined, lathe, loft, moved, prism, ring, scaled, sweep, tube, turned, vessel

Rng = np.random.Generator
INK = detail("ink", "paper", 70, 66, 62)
PANEL = detail("panel", "glass", 48, 54, 62)
RAINBOW = ((206, 52, 48), (236, 138, 50), (244, 212, 72), (92, 166, 84), (66, 122, 188), (128, 80, 158))


def refrigerator(rng: Rng) -> Shell:
    """A refrigerator with a freezer above."""
    doors = [box((0.68, 0.05, 1.14), WHITE, (0, -0.33, 0.62), 0.015), box((0.68, 0.05, 0.52), WHITE, (0, -0.33, 1.47), 0.015)]
    grips = [box((0.03, 0.04, 0.42), METAL, (-0.28, -0.375, 0.92), 0.008), box((0.03, 0.04, 0.26), METAL, (-0.28, -0.375, 1.38), 0.008)]
    return joined(box((0.7, 0.62, 1.72), WHITE, (0, 0, 0.89), 0.02), box((0.6, 0.5, 0.06), DARK, (0, 0, 0.03)), *doors, *grips)


def stove(rng: Rng) -> Shell:
    """A stove with four rings, knobs and an oven door."""
    rings = [
        moved(tube(r, 0.012, DARK), x, y, 0.9)
        for x, y, r in ((-0.15, -0.13, 0.1), (0.15, -0.13, 0.08), (-0.15, 0.13, 0.08), (0.15, 0.13, 0.1))
    ]
    knobs = [moved(turned(tube(0.022, 0.03, DARK, sides=16), "x", 90), x, -0.3, 0.83) for x in (-0.2, -0.1, 0.0, 0.1, 0.2)]
    door = [
        box((0.54, 0.03, 0.55), Slot("door", "metal", (196, 196, 198)), (0, -0.31, 0.46), 0.01),
        box((0.4, 0.012, 0.3), PANEL, (0, -0.328, 0.46), 0.004),
    ]
    return joined(
        box((0.6, 0.6, 0.9), WHITE, (0, 0, 0.45), 0.012), *rings, *knobs, *door, box((0.46, 0.03, 0.025), METAL, (0, -0.345, 0.7), 0.008)
    )


def washer(rng: Rng) -> Shell:
    """A washing machine with its round door."""
    rim = turned(ring([(0.15, 0), (0.2, 0), (0.19, 0.04), (0.16, 0.04)], METAL, 32), "x", 90)
    glass = turned(lathe([(0.16, 0.0), (0.15, 0.02), (0, 0.05)], PANEL, 32), "x", 90)
    panel = [
        box((0.58, 0.012, 0.1), detail("panel", "plastic", 196, 200, 204), (0, -0.302, 0.78)),
        moved(turned(tube(0.03, 0.03, DARK, sides=20), "x", 90), 0.12, -0.3, 0.78),
    ]
    return joined(box((0.6, 0.6, 0.85), WHITE, (0, 0, 0.425), 0.02), moved(joined(rim, glass), 0, -0.295, 0.43), *panel)


def bathtub(rng: Rng) -> Shell:
    """A free-standing bathtub on four feet, with a tap."""
    tub = vessel([(0.24, 0.1), (0.3, 0.14), (0.36, 0.35), (0.4, 0.55), (0.43, 0.57)], 0.035, Slot("body", "ceramic", (240, 238, 232)), 32)
    tub.vertices[:, 0] *= 2.0
    feet = [ball(0.055, BRASS, (x, y, 0.055), 8, 12) for x in (-0.4, 0.4) for y in (-0.15, 0.15)]
    tap = sweep([(0.72, 0, 0.5), (0.72, 0, 0.72), (0.66, 0, 0.78), (0.58, 0, 0.74)], 0.02, METAL, 10)
    return joined(tub, *feet, tap)


def bell(rng: Rng) -> Shell:
    """A bell with its clapper and a loop."""
    cup = lathe([(0.1, 0.02), (0.105, 0.03), (0.07, 0.1), (0.055, 0.15), (0.03, 0.178), (0, 0.19)], GOLD, 28)
    loop = moved(turned(ring([(0.014, -0.005), (0.024, -0.005), (0.024, 0.005), (0.014, 0.005)], GOLD, 20), "x", 90), 0, 0, 0.205)
    return joined(cup, loop, ball(0.026, DARK, (0, 0, 0.012), 8, 14))


def arrow(rng: Rng) -> Shell:
    """An arrow, lying along Y with its point at -Y."""
    head = loft(
        np.stack(
            [
                np.array([(-w, y, 0), (0, y, 0.2 * w + 0.001), (w, y, 0), (0, y, -0.2 * w - 0.001)])
                for y, w in ((-0.34, 0.016), (-0.4, 0.001))
            ]
        ),
        STEEL,
    )
    vanes = [
        turned(
            loft(
                np.stack(
                    [
                        np.array([(0.002, y, -0.001), (w, y + 0.012, -0.001), (w, y + 0.012, 0.001), (0.002, y, 0.001)])
                        for y, w in ((0.24, 0.004), (0.26, 0.022), (0.33, 0.022), (0.35, 0.006))
                    ]
                ),
                detail("vanes", "cloth", 196, 52, 48),
            ),
            "y",
            a,
        )
        for a in (90, 210, 330)
    ]
    return joined(sweep([(0, -0.35, 0), (0, 0.37, 0)], 0.004, WOOD, 10), head, *vanes)


def wand(rng: Rng) -> Shell:
    """A wand with a star, upright."""
    return joined(tube(0.006, 0.3, WOOD, 0.005, sides=10), moved(scaled(star(rng), 0.085), 0, 0, 0.28))


def medal(rng: Rng) -> Shell:
    """A medal on its ribbon, upright."""
    disc = turned(lathe([(0.03, -0.003), (0.032, -0.002), (0.032, 0.002), (0.03, 0.003)], GOLD, 32), "x", 90)
    bands = [
        moved(turned(box((0.02, 0.002, 0.09), detail(part, "cloth", *srgb)), "y", a), s * 0.014, 0, 0.105)
        for s, a, part, srgb in ((-1, -16, "ribbon", (44, 84, 160)), (1, 16, "ribbon", (44, 84, 160)))
    ]
    return joined(
        moved(disc, 0, 0, 0.032),
        moved(turned(ring([(0.006, -0.002), (0.009, -0.002), (0.009, 0.002), (0.006, 0.002)], GOLD, 16), "x", 90), 0, 0, 0.066),
        *bands,
    )


def phone(rng: Rng) -> Shell:
    """A smartphone, lying."""
    return joined(
        box((0.072, 0.15, 0.008), BLACK, (0, 0, 0.004), 0.003),
        box((0.066, 0.14, 0.001), detail("screen", "glass", 40, 62, 92), (0, 0, 0.0081)),
        box((0.018, 0.004, 0.0008), DARK, (0, 0.072, 0.0084)),
    )


def camera(rng: Rng) -> Shell:
    """A camera with its lens toward -Y."""
    lens = turned(
        lathe([(0.034, 0), (0.034, 0.03), (0.031, 0.034), (0.031, 0.05), (0.026, 0.05), (0.022, 0.042), (0, 0.04)], DARK, 28), "x", 90
    )
    glass = turned(lathe([(0.022, 0.04), (0.014, 0.046), (0, 0.048)], PANEL, 24), "x", 90)
    return joined(
        box((0.13, 0.05, 0.08), BLACK, (0, 0, 0.04), 0.008),
        box((0.12, 0.051, 0.016), METAL, (0, 0, 0.076), 0.003),
        moved(joined(lens, glass), 0, -0.024, 0.038),
        box((0.045, 0.04, 0.02), BLACK, (0, 0, 0.09), 0.004),
        moved(tube(0.009, 0.008, METAL, sides=16), 0.045, 0, 0.083),
        box((0.016, 0.004, 0.012), PANEL, (-0.042, -0.0255, 0.064)),
    )


def radio(rng: Rng) -> Shell:
    """An old portable radio with a handle and an antenna."""
    grille = [box((0.1, 0.006, 0.004), DARK, (-0.06, -0.041, 0.04 + 0.012 * i)) for i in range(8)]
    knobs = [moved(turned(tube(0.018, 0.012, BRASS, sides=18), "x", 90), 0.06 + 0.05 * i, -0.038, 0.05) for i in range(2)]
    grip = sweep([(-0.1, 0, 0.15), (-0.1, 0, 0.185), (0.1, 0, 0.185), (0.1, 0, 0.15)], 0.006, DARK, 8)
    return joined(
        box((0.27, 0.08, 0.16), Slot("body", "plastic", (172, 62, 50)), (0, 0, 0.08), 0.012),
        *grille,
        *knobs,
        box((0.11, 0.006, 0.03), detail("dial", "paper", 240, 228, 190), (0.07, -0.041, 0.11)),
        grip,
        sweep([(0.12, 0.02, 0.155), (0.17, 0.02, 0.34)], 0.0025, METAL, 6),
    )


def sheet(rng: Rng, *, kind: str = "paper") -> Shell:
    """Printed paper, lying: a sheet, a newspaper, a map, an envelope, a calendar."""
    if kind == "envelope":
        flap = moved(
            turned(prism([(-0.11, 0), (0.11, 0), (0, -0.08)], 0.001, detail("flap", "paper", 222, 212, 186)), "x", -90), 0, 0.08, 0.0022
        )
        return joined(
            box((0.22, 0.16, 0.002), Slot("body", "paper", (240, 232, 212)), (0, 0, 0.001)),
            flap,
            moved(tube(0.012, 0.002, detail("seal", "plastic", 160, 30, 36), sides=16), 0, 0.005, 0.002),
        )
    wide, deep = {"newspaper": (0.3, 0.42), "map": (0.5, 0.36), "calendar": (0.25, 0.3)}.get(kind, (0.21, 0.297))
    parts = [
        box(
            (wide, deep, 0.006 if kind == "newspaper" else 0.0012),
            Slot("body", "paper", (240, 236, 222)),
            (0, 0, 0.003 if kind == "newspaper" else 0.0006),
        )
    ]
    top = float(parts[0].high[2])
    if kind == "map":
        parts += [
            moved(tube(r, 0.0006, detail(f"land {i}", "paper", 190 - 20 * i, 206, 150), sides=20), x, y, top)
            for i, (r, x, y) in enumerate(((0.09, -0.1, 0.04), (0.07, 0.1, -0.05), (0.04, 0.14, 0.1)))
        ]
        return joined(
            *parts,
            box((0.09, 0.008, 0.0008), detail("cross", "paper", 190, 40, 36), (0.1, -0.05, top + 0.001)),
            box((0.008, 0.09, 0.0008), detail("cross", "paper", 190, 40, 36), (0.1, -0.05, top + 0.001)),
        )
    if kind == "calendar":
        parts.append(box((wide, 0.06, 0.001), detail("head", "paper", 190, 48, 44), (0, deep / 2 - 0.03, top + 0.0004)))
        parts += [box((0.02, 0.02, 0.0006), INK, (-0.09 + 0.03 * i, 0.05 - 0.04 * j, top)) for i in range(7) for j in range(5)]
        return joined(*parts)
    columns = 3 if kind == "newspaper" else 1
    if columns == 3:
        parts.append(box((wide * 0.8, 0.03, 0.0006), INK, (0, deep * 0.42, top)))
    for column in range(columns):
        x = (column - (columns - 1) / 2) * wide * 0.3
        parts += [box((wide * (0.26 if columns == 3 else 0.7), 0.004, 0.0005), INK, (x, deep * 0.3 - 0.012 * i, top)) for i in range(18)]
    return joined(*parts)


def ruler(rng: Rng) -> Shell:
    """A wooden ruler with marks."""
    marks = [box((0.001, 0.012 if i % 5 == 0 else 0.007, 0.0005), DARK, (-0.14 + 0.01 * i, 0.009, 0.004)) for i in range(29)]
    return joined(box((0.3, 0.032, 0.004), WOOD, (0, 0, 0.002), 0.001), *marks)


def pen(rng: Rng, *, brush: bool = False) -> Shell:
    """A pen, or a paint brush, lying along Y."""
    if brush:
        shaft = lathe([(0.003, 0), (0.005, 0.05), (0.006, 0.12), (0.004, 0.15)], WOOD, 12)
        hair = lathe([(0.0055, 0.18), (0.007, 0.195), (0.004, 0.215), (0, 0.225)], detail("bristles", "straw", 96, 66, 44), 12)
        made = joined(shaft, moved(tube(0.0055, 0.034, METAL, 0.006, sides=12), 0, 0, 0.148), hair)
    else:
        body = lathe(
            [(0.004, 0), (0.0052, 0.004), (0.0052, 0.11), (0.0035, 0.125), (0.0008, 0.14)], Slot("body", "plastic", (40, 66, 130)), 14
        )
        made = joined(
            body, box((0.003, 0.0025, 0.045), METAL, (0, -0.0065, 0.03), 0.001), moved(tube(0.0025, 0.01, METAL, sides=10), 0, 0, -0.008)
        )
    return moved(turned(made, "x", 90), 0, 0, 0.01)


def battery(rng: Rng) -> Shell:
    """A round battery, upright."""
    return joined(
        tube(0.007, 0.034, Slot("body", "plastic", (44, 44, 48)), bevel=0.0006),
        moved(tube(0.00715, 0.012, detail("band", "copper", 206, 140, 70)), 0, 0, 0.023),
        moved(tube(0.0028, 0.0025, METAL, sides=14), 0, 0, 0.0352 - 0.0015),
        moved(tube(0.0065, 0.001, METAL), 0, 0, -0.0004),
    )


def lock(rng: Rng) -> Shell:
    """A padlock."""
    arch = [
        (-0.018, 0, 0.04),
        (-0.018, 0, 0.062),
        *((0.018 * np.cos(a), 0.0, 0.062 + 0.018 * np.sin(a)) for a in np.linspace(np.pi * 0.92, np.pi * 0.08, 9)),
        (0.018, 0, 0.062),
        (0.018, 0, 0.04),
    ]
    hole = joined(
        moved(turned(tube(0.005, 0.004, DARK, sides=14), "x", 90), 0, -0.009, 0.025), box((0.004, 0.004, 0.012), DARK, (0, -0.0105, 0.017))
    )
    return joined(box((0.052, 0.02, 0.044), GOLD, (0, 0, 0.022), 0.005), sweep(arch, 0.005, STEEL, 10), hole)


def nail(rng: Rng, *, screw: bool = False) -> Shell:
    """A nail or a screw, lying along Y."""
    if not screw:
        made = lathe([(0, 0), (0.0012, 0.006), (0.0012, 0.058), (0.0034, 0.0582), (0.0034, 0.0595), (0.002, 0.06)], STEEL, 14)
        return moved(turned(made, "x", 90), 0, 0, 0.0034)
    turns = [ring([(0.0014, z), (0.0026, z + 0.0008), (0.0014, z + 0.0016)], STEEL, 14) for z in np.arange(0.008, 0.034, 0.0026)]
    made = joined(
        lathe([(0, 0), (0.0016, 0.008), (0.0018, 0.04), (0.0045, 0.0445), (0.0045, 0.046), (0, 0.0462)], STEEL, 14),
        *turns,
        box((0.007, 0.0012, 0.0008), DARK, (0, 0, 0.0463)),
        box((0.0012, 0.007, 0.0008), DARK, (0, 0, 0.0463)),
    )
    return moved(turned(made, "x", 90), 0, 0, 0.0045)


def rainbow(rng: Rng) -> Shell:
    """An arch of six bands, upright, standing on its feet."""
    bands = []
    for i, srgb in enumerate(RAINBOW):
        outer, inner = 4.0 - 0.35 * i, 3.65 - 0.35 * i
        a = np.linspace(0, np.pi, 33)
        rows = np.stack(
            [
                np.array(
                    [(inner * np.cos(b), y, inner * np.sin(b)) for y in (-0.2, 0.2)]
                    + [(outer * np.cos(b), y, outer * np.sin(b)) for y in (0.2, -0.2)]
                )
                for b in a
            ]
        )
        bands.append(loft(rows, Slot(f"band {i}", "paint", srgb, main=False)))
    return joined(*bands)


def traffic_light(rng: Rng) -> Shell:
    """A traffic light on its post."""
    lamps = [
        moved(turned(lathe([(0.09, 0), (0.085, 0.015), (0, 0.03)], detail(f"lamp {i}", "light", *srgb), 20), "x", 90), 0, -0.12, z)
        for i, (srgb, z) in enumerate((((226, 48, 40), 2.85), ((244, 186, 52), 2.6), ((70, 190, 90), 2.35)))
    ]
    hoods = [
        moved(
            turned(
                loft(
                    np.stack(
                        [
                            np.array(
                                [(r * np.cos(b), y, r * np.sin(b)) for b in np.linspace(0, np.pi, 9)]
                                + [((r - 0.012) * np.cos(b), y, (r - 0.012) * np.sin(b)) for b in np.linspace(np.pi, 0, 9)]
                            )
                            for y, r in ((0.0, 0.11), (-0.14, 0.1))
                        ]
                    ),
                    DARK,
                ),
                "z",
                0,
            ),
            0,
            -0.11,
            z,
        )
        for z in (2.85, 2.6, 2.35)
    ]
    return joined(
        tube(0.06, 2.2, Slot("body", "metal", (70, 74, 78)), sides=16),
        box((0.3, 0.22, 0.86), Slot("body", "metal", (40, 44, 48)), (0, 0, 2.6), 0.03),
        *lamps,
        *hoods,
        tube(0.16, 0.06, DARK, sides=16),
    )


def kite(rng: Rng) -> Shell:
    """A kite with a tail of bows, upright."""
    outline = [(0, 0.0), (0.3, 0.55), (0, 0.85), (-0.3, 0.55)]
    cloth = prism(outline, 0.008, Slot("body", "cloth", (206, 60, 54)))
    tail = [(0.0, 0.0, 0.0), (0.06, 0, -0.2), (-0.05, 0, -0.42), (0.04, 0, -0.65)]
    bows = [
        moved(
            turned(
                prism(
                    [(-0.06, -0.03), (0, 0.008), (0.06, -0.03), (0.06, 0.03), (0, -0.008 + 0.016), (-0.06, 0.03)],
                    0.008,
                    detail("bows", "cloth", 244, 196, 72),
                ),
                "y",
                a,
            ),
            x,
            0,
            z,
        )
        for x, z, a in ((0.06, -0.2, 20), (-0.05, -0.42, -20), (0.04, -0.65, 15))
    ]
    return joined(
        cloth,
        sweep([(0, 0.006, 0.0), (0, 0.006, 0.85)], 0.006, WOOD, 8),
        sweep([(-0.3, 0.006, 0.55), (0.3, 0.006, 0.55)], 0.006, WOOD, 8),
        sweep(tail, 0.003, PAPER, 6),
        *bows,
    )


def curtain(rng: Rng) -> Shell:
    """A pair of curtains in folds on a rod."""
    cloth = Slot("body", "cloth", (168, 60, 62))

    def panel(low: float, high: float) -> Shell:
        x = np.linspace(low, high, 41)
        rows = []
        for z, gather in ((0.0, 1.0), (0.8, 0.9), (1.5, 0.96), (2.15, 1.0)):
            wave = 0.05 * np.sin((x - low) / (high - low) * 2 * np.pi * 7) * (1.1 - 0.15 * z)
            at = low + (x - low) * gather if low < 0 else high - (high - x) * gather
            front, back = np.column_stack((at, wave, np.full(41, z))), np.column_stack((at, wave + 0.012, np.full(41, z)))
            rows.append(np.concatenate((front, back[::-1])))
        return loft(np.stack(rows), cloth)

    rod = [sweep([(-1.12, 0, 2.18), (1.12, 0, 2.18)], 0.018, BRASS, 12), *(ball(0.04, BRASS, (x, 0, 2.18)) for x in (-1.14, 1.14))]
    return joined(panel(-1.05, -0.25), panel(0.25, 1.05), *rod)


def sink(rng: Rng) -> Shell:
    """A washbasin on its pillar, with a tap."""
    white = Slot("body", "ceramic", (240, 238, 234))
    basin = vessel([(0.12, 0.66), (0.2, 0.7), (0.27, 0.8), (0.29, 0.85)], 0.025, white, 32)
    basin.vertices[:, 1] *= 0.8
    pillar = lathe([(0.13, 0), (0.11, 0.06), (0.075, 0.3), (0.085, 0.55), (0.12, 0.68)], white, 24)
    tap = sweep([(0, 0.2, 0.84), (0, 0.2, 0.98), (0, 0.15, 1.02), (0, 0.06, 1.01), (0, 0.04, 0.97)], 0.014, METAL, 12)
    knobs = [moved(tube(0.022, 0.03, METAL, sides=16), x, 0.2, 0.855) for x in (-0.09, 0.09)]
    return joined(basin, pillar, tap, *knobs)


def piano(rng: Rng) -> Shell:
    """An upright piano, its keys toward -Y."""
    black = Slot("body", "wood", (46, 32, 26))
    ivory, ebony = detail("keys", "plastic", 240, 236, 224), detail("black keys", "plastic", 24, 24, 26)
    keys = [box((0.0225, 0.14, 0.02), ivory, (-0.595 + 0.0234 * i, -0.38, 0.715), 0.002) for i in range(52)]
    sharps = [box((0.012, 0.085, 0.014), ebony, (-0.583 + 0.0234 * i, -0.352, 0.732), 0.002) for i in range(51) if i % 7 not in (1, 4)]
    legs = [box((0.07, 0.07, 0.62), black, (x, -0.42, 0.31), 0.008) for x in (-0.66, 0.66)]
    pedals = [box((0.025, 0.09, 0.012), BRASS, (x, -0.2, 0.07), 0.003) for x in (-0.09, 0.0, 0.09)]
    return joined(
        box((1.5, 0.32, 1.2), black, (0, 0, 0.62), 0.01),
        box((1.54, 0.38, 0.04), black, (0, -0.01, 1.235), 0.01),
        box((1.46, 0.34, 0.06), black, (0, -0.3, 0.66), 0.008),
        *(box((0.1, 0.32, 0.12), black, (x, -0.3, 0.72), 0.01) for x in (-0.68, 0.68)),
        box((0.9, 0.02, 0.22), black, (0, -0.18, 0.95), 0.005),
        box((1.5, 0.34, 0.04), black, (0, 0, 0.02)),
        *keys,
        *sharps,
        *legs,
        *pedals,
    )


def rope(rng: Rng) -> Shell:
    """A coil of rope, lying, with its end beside it."""
    angle = np.linspace(0, 2 * np.pi * 5, 161)
    radius = 0.15 + 0.014 * np.sin(angle * 1.37)
    coil = np.column_stack((radius * np.cos(angle), radius * np.sin(angle), 0.014 + 0.022 * angle / (2 * np.pi)))
    end = np.array([(0.17, 0.0, 0.12), (0.22, 0.03, 0.06), (0.27, 0.08, 0.015), (0.31, 0.17, 0.014)])
    return sweep(np.concatenate((coil, end)), 0.013, Slot("body", "straw", (196, 164, 112)), 10)


def coil(rng: Rng) -> Shell:
    """A steel spring, upright."""
    angle = np.linspace(0, 2 * np.pi * 7, 197)
    rise = 0.1 * np.clip((angle - 5) / (angle[-1] - 10), 0, 1)
    return sweep(np.column_stack((0.025 * np.cos(angle), 0.025 * np.sin(angle), 0.004 + rise)), 0.003, STEEL, 10)


def mop(rng: Rng) -> Shell:
    """A mop, standing on its strings."""
    strings = []
    for ring_, count in ((0.05, 9), (0.1, 15), (0.15, 20)):
        for i in range(count):
            a = 2 * np.pi * (i + rng.uniform(-0.3, 0.3)) / count
            x, y = np.cos(a), np.sin(a)
            path = [
                (0.02 * x, 0.02 * y, 0.2),
                (0.6 * ring_ * x, 0.6 * ring_ * y, 0.16),
                (ring_ * x, ring_ * y, 0.06),
                (1.05 * ring_ * x, 1.05 * ring_ * y, 0.012),
            ]
            strings.append(sweep(path, [0.01, 0.012, 0.012], detail("strings", "cloth", 226, 222, 210), 6))
    return joined(
        *strings,
        moved(tube(0.035, 0.1, Slot("body", "plastic", (52, 98, 168))), 0, 0, 0.17),
        moved(tube(0.012, 1.14, WOOD, sides=14), 0, 0, 0.26),
    )


def belt(rng: Rng) -> Shell:
    """A leather belt, rolled into a loop, with its buckle."""
    angle = np.linspace(0.12, 2 * np.pi + 0.5, 60)
    radius = 0.15 + 0.004 * (angle - angle[0])
    leather = Slot("body", "leather", (96, 58, 36))
    strap = loft(
        np.stack(
            [
                np.array(
                    [
                        (r * s, r * c, 0.0),
                        ((r + 0.004) * s, (r + 0.004) * c, 0.0),
                        ((r + 0.004) * s, (r + 0.004) * c, 0.035),
                        (r * s, r * c, 0.035),
                    ]
                )
                for r, s, c in zip(radius, np.sin(angle + np.pi), np.cos(angle + np.pi), strict=True)
            ]
        ),
        leather,
    )
    frame = sweep([(-0.026, 0, 0.0), (0.026, 0, 0.0), (0.026, 0, 0.052), (-0.026, 0, 0.052)], 0.004, BRASS, 8, loop=True)
    return joined(strap, moved(frame, 0.0, -0.162, 0.0), moved(box((0.05, 0.004, 0.004), BRASS), 0, -0.164, 0.02))


def necklace(rng: Rng) -> Shell:
    """A string of pearls, lying, with a pendant."""
    angle = np.linspace(0, 2 * np.pi, 38, endpoint=False)
    pearls = [
        ball(0.0065, Slot("body", "ceramic", (240, 232, 220)), (0.09 * np.sin(a), 0.1 * np.cos(a) + 0.012 * np.cos(2 * a), 0.0065), 8, 12)
        for a in angle
    ]
    drop = scaled(ball(0.012, Slot("pendant", "gold", (216, 166, 60), main=False), (0, 0, 0), 8, 14), 1.0, 1.4, 0.5)
    return joined(*pearls, moved(drop, 0, -0.107, 0.006))


def golf_club(rng: Rng) -> Shell:
    """A golf club, upright on its head."""
    grip = moved(tube(0.012, 0.26, DARK, 0.014, sides=14), 0, 0, 0.76)
    head = loft(
        np.stack(
            [
                np.array([(x, -w, 0.0), (x, w, 0.0), (x, 0.5 * w, h), (x, -0.2 * w, h)])
                for x, w, h in ((0.0, 0.014, 0.03), (0.04, 0.02, 0.05), (0.085, 0.018, 0.06), (0.095, 0.01, 0.045))
            ]
        ),
        STEEL,
    )
    return joined(tube(0.006, 0.78, METAL, 0.008, sides=12), grip, moved(head, -0.006, 0, 0))


def dart(rng: Rng) -> Shell:
    """A dart, lying along Y with its point at -Y."""
    body = lathe(
        [(0.0, 0), (0.0012, 0.004), (0.0014, 0.032), (0.0035, 0.036), (0.0042, 0.06), (0.0035, 0.085), (0.002, 0.09), (0.002, 0.13)],
        STEEL,
        14,
    )
    vane = prism([(0.0, 0.0), (0.016, 0.012), (0.016, 0.03), (0.0, 0.036)], 0.0008, Slot("flight", "plastic", (196, 44, 48)))
    vanes = [moved(turned(vane, "z", 90 * i + 45), 0, 0, 0.122) for i in range(4)]
    return moved(turned(joined(body, *vanes), "x", 90), 0, 0, 0.012)


def drill(rng: Rng) -> Shell:
    """A cordless drill, standing on its battery."""
    body = Slot("body", "plastic", (232, 150, 36))
    barrel = turned(lathe([(0.026, 0), (0.032, 0.01), (0.032, 0.12), (0.026, 0.15), (0.02, 0.155)], body, 24), "y", 90)
    chuck = turned(lathe([(0.019, 0), (0.019, 0.03), (0.008, 0.045), (0.003, 0.046), (0.003, 0.1), (0, 0.106)], DARK, 18), "y", 90)
    return joined(
        moved(barrel, -0.07, 0, 0.17),
        moved(chuck, 0.08, 0, 0.17),
        moved(turned(box((0.042, 0.036, 0.13), body, (0, 0, 0), 0.012), "y", 8), -0.02, 0, 0.085),
        box((0.1, 0.06, 0.045), BLACK, (-0.02, 0, 0.0225), 0.006),
        box((0.014, 0.012, 0.03), DARK, (0.01, 0, 0.125), 0.003),
    )


def fan(rng: Rng) -> Shell:
    """A table fan in its cage."""
    blade = loft(
        np.stack(
            [
                np.array([(r, -w, -0.012), (r, w, 0.012), (r, w, 0.016), (r, -w, -0.008)])
                for r, w in ((0.02, 0.02), (0.08, 0.055), (0.14, 0.06), (0.16, 0.03))
            ]
        ),
        Slot("blade", "plastic", (96, 150, 190)),
    )
    blades = joined(*(turned(blade, "z", 90 * i) for i in range(4)), lathe([(0.03, -0.02), (0.032, 0.015), (0.02, 0.03), (0, 0.034)], DARK))
    wires = []
    for i in range(24):
        a = 2 * np.pi * i / 24
        arch = [(0.03, 0.055), (0.1, 0.05), (0.165, 0.025), (0.18, 0.0), (0.165, -0.025), (0.1, -0.05), (0.03, -0.055)]
        wires.append(sweep([(r * np.cos(a), r * np.sin(a), z) for r, z in arch], 0.0016, METAL, 5))
    hoops = [
        moved(ring([(r - 0.003, -0.003), (r + 0.003, -0.003), (r + 0.003, 0.003), (r - 0.003, 0.003)], METAL, 40), 0, 0, z)
        for r, z in ((0.18, 0.0), (0.1, 0.05), (0.1, -0.05))
    ]
    head = turned(joined(blades, *wires, *hoops, moved(tube(0.045, 0.1, WHITE, bevel=0.01), 0, 0, -0.15)), "x", 90)
    return joined(
        moved(head, 0, 0, 0.31),
        moved(tube(0.018, 0.2, WHITE, sides=16), 0, 0.1, 0.02),
        moved(tube(0.11, 0.025, WHITE, bevel=0.008), 0, 0.06, 0),
    )
