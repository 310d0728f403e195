"""Vehicles of boxes and wheels, boats, aircraft; they head along -Y."""

from __future__ import annotations

import numpy as np

from .looks import BRASS, DARK, HUB, LIGHT, PAINT, PANE, RUBBER, WOOD, detail
from .solids import Shell, Slot, around, ball, box, joined, lathe, loft, moved, prism, ring, scaled, sweep, tube, turned

Rng = np.random.Generator
RED_LIGHT = detail("light", "light", 220, 40, 34)
WHITE = Slot("body", "paint", (234, 234, 230))


def wheel(rng: Rng, *, radius: float = 0.33, width: float = 0.22) -> Shell:
    """A tire with its rim, upright, its axle along X."""
    half = width / 2
    tire = ring(
        [
            (radius * 0.66, -half * 0.8),
            (radius * 0.92, -half),
            (radius, -half * 0.65),
            (radius, half * 0.65),
            (radius * 0.92, half),
            (radius * 0.66, half * 0.8),
        ],
        RUBBER,
        28,
    )
    hub = lathe(
        [
            (radius * 0.68, -half * 0.6),
            (radius * 0.68, half * 0.6),
            (radius * 0.55, half * 0.45),
            (radius * 0.2, half * 0.5),
            (0, half * 0.62),
        ],
        HUB,
        28,
    )
    bolts = around(moved(tube(radius * 0.045, width * 0.1, DARK, sides=8), radius * 0.34, 0, half * 0.42), 5)
    return moved(turned(joined(tire, hub, bolts), "y", 90), 0, 0, radius)


def spoked_wheel(rng: Rng, *, radius: float = 0.5, width: float = 0.07, spokes: int = 10) -> Shell:
    """A wooden cart wheel, upright, its axle along X."""
    half = width / 2
    wood = Slot("wheels", "wood", (136, 92, 54))
    rim = ring([(radius * 0.84, -half), (radius * 0.97, -half), (radius * 0.97, half), (radius * 0.84, half)], wood, 32)
    tire = ring([(radius * 0.96, -half * 1.05), (radius, -half * 1.05), (radius, half * 1.05), (radius * 0.96, half * 1.05)], DARK, 32)
    hub = lathe([(radius * 0.12, -half * 1.8), (radius * 0.17, -half), (radius * 0.17, half), (radius * 0.12, half * 1.8)], wood, 16)
    spoke = moved(turned(tube(radius * 0.035, radius * 0.76, wood, radius * 0.03, sides=8), "y", 90), radius * 0.1)
    return moved(turned(joined(rim, tire, hub, around(spoke, spokes)), "y", 90), 0, 0, radius)


def car(rng: Rng, *, kind: str = "car") -> Shell:
    """A car whose body is lofted across its width: car, taxi, van."""
    width = 1.75
    low = [
        (-2.1, 0.42),
        (-2.1, 0.72),
        (-1.85, 0.86),
        (-0.95, 0.95),
        (1.35, 0.98),
        (2.0, 0.92),
        (2.1, 0.78),
        (2.1, 0.42),
        (1.7, 0.3),
        (-1.7, 0.3),
    ]
    body = _across(low, width, PAINT, 0.93)
    cabin = [(-0.95, 0.94), (-0.25, 1.42), (0.15, 1.47), (0.95, 1.44), (1.55, 0.97)]
    if kind == "van":
        cabin = [(-1.5, 0.9), (-0.95, 1.72), (-0.7, 1.8), (1.95, 1.8), (2.08, 0.92)]
    roof = _across([(y * 1.0, z) for y, z in cabin], width * 0.86, PAINT, 0.86)
    parts = [body, roof]
    glass = _inset(cabin, 0.13)
    parts.append(_across(glass, width * 0.885, PANE, 0.868))
    front, back = cabin[0], cabin[-1]
    slope = np.degrees(np.arctan2(cabin[1][1] - front[1], cabin[1][0] - front[0]))
    run = np.hypot(cabin[1][1] - front[1], cabin[1][0] - front[0])
    parts.append(
        moved(
            turned(box((width * 0.7, run * 0.76, 0.03), PANE), "x", slope),
            0,
            (front[0] + cabin[1][0]) / 2 - 0.01,
            (front[1] + cabin[1][1]) / 2 + 0.012,
        )
    )
    slope = np.degrees(np.arctan2(cabin[-2][1] - back[1], cabin[-2][0] - back[0]))
    run = np.hypot(cabin[-2][1] - back[1], cabin[-2][0] - back[0])
    parts.append(
        moved(
            turned(box((width * 0.66, run * 0.7, 0.03), PANE), "x", slope),
            0,
            (back[0] + cabin[-2][0]) / 2 + 0.01,
            (back[1] + cabin[-2][1]) / 2 + 0.01,
        )
    )
    parts += _axles(rng, 0.33, width, (-1.32, 1.3))
    parts += [turned(scaled(ball(0.12, detail("light", "light", 255, 244, 214), rings=8, sides=16), 1, 0.4, 0.8), "z", 0) for _ in range(2)]
    parts[-2], parts[-1] = moved(parts[-2], -0.62, -2.07, 0.68), moved(parts[-1], 0.62, -2.07, 0.68)
    parts += [box((0.3, 0.05, 0.12), RED_LIGHT, (s * 0.62, 2.09, 0.76), 0.015) for s in (-1, 1)]
    parts += [box((width * 0.94, 0.14, 0.16), detail("bumper", "metal", 168, 170, 174), (0, s * 2.1, 0.42), 0.04) for s in (-1, 1)]
    parts += [box((0.03, 0.16, 0.03), DARK, (s * width * 0.49, 0.35, 0.84)) for s in (-1, 1)]
    if kind == "taxi":
        parts.append(box((0.5, 0.2, 0.16), LIGHT, (0, 0.4, 1.54), 0.03))
    return joined(*parts)


def truck(rng: Rng, *, kind: str = "truck") -> Shell:
    """A truck with a cab and a box, a bus, or a fire engine's body."""
    if kind == "bus":
        body = box((2.4, 9.0, 2.5), PAINT, (0, 0, 1.75), 0.18)
        panes = [box((0.05, 1.15, 0.85), PANE, (s * 1.19, y, 2.2), 0.02) for s in (-1, 1) for y in np.linspace(-3.1, 3.7, 6)]
        panes += [box((2.0, 0.05, 1.1), PANE, (0, s * 4.49, 2.15), 0.02) for s in (-1, 1)]
        trim = [
            box((2.44, 9.02, 0.12), detail("stripe", "paint", 240, 236, 226), (0, 0, 1.35), 0.03),
            box((0.06, 0.95, 1.9), PANE, (1.19, -3.95, 1.6), 0.02),
        ]
        lamps = [ball(0.13, LIGHT, (s * 0.8, -4.48, 0.95), 8, 12) for s in (-1, 1)] + [
            box((0.28, 0.05, 0.16), RED_LIGHT, (s * 0.9, 4.5, 1.0)) for s in (-1, 1)
        ]
        return joined(body, *panes, *trim, *lamps, *_axles(rng, 0.5, 2.4, (-2.9, 2.7)))
    cab = _across([(-3.1, 0.55), (-3.15, 1.35), (-2.85, 2.35), (-2.6, 2.5), (-1.55, 2.5), (-1.5, 0.55)], 2.2, PAINT, 0.94)
    parts = [cab, box((2.3, 4.6, 2.3), WHITE, (0, 0.95, 1.95), 0.04), box((1.2, 6.0, 0.22), DARK, (0, 0.1, 0.68))]
    slope = np.degrees(np.arctan2(1.0, 0.3))
    parts.append(moved(turned(box((1.8, 0.85, 0.04), PANE), "x", slope), 0, -3.01, 1.84))
    parts += [box((0.05, 0.75, 0.7), PANE, (s * 1.07, -2.15, 1.95), 0.015) for s in (-1, 1)]
    parts += [ball(0.12, LIGHT, (s * 0.8, -3.12, 0.9), 8, 12) for s in (-1, 1)] + [
        box((2.2, 0.2, 0.3), DARK, (0, -3.15, 0.58), 0.04),
        box((1.1, 0.05, 0.35), DARK, (0, -3.15, 1.2)),
    ]
    parts += [box((0.12, 0.1, 0.32), DARK, (s * 1.2, -2.85, 1.95), 0.02) for s in (-1, 1)]
    return joined(*parts, *_axles(rng, 0.48, 2.2, (-2.3, 1.3, 2.4)))


def tractor(rng: Rng) -> Shell:
    """A farm tractor."""
    parts = [
        box((0.75, 1.7, 0.7), PAINT, (0, -0.75, 1.05), 0.1),
        box((0.6, 1.5, 0.3), DARK, (0, -0.6, 0.62), 0.04),
        box((0.65, 0.06, 0.5), DARK, (0, -1.61, 1.05), 0.02),
    ]
    big = [moved(wheel(rng, radius=0.75, width=0.42), s * 0.72, 0.75) for s in (1,)] + [
        moved(turned(wheel(rng, radius=0.75, width=0.42), "z", 180), -0.72, 0.75)
    ]
    small = [
        moved(wheel(rng, radius=0.42, width=0.24), 0.58, -1.15),
        moved(turned(wheel(rng, radius=0.42, width=0.24), "z", 180), -0.58, -1.15),
    ]
    fenders = [
        moved(
            loft(
                np.stack(
                    [
                        np.array(
                            [
                                (-0.24, 0.82 * np.cos(a), 0.82 * np.sin(a)),
                                (0.24, 0.82 * np.cos(a), 0.82 * np.sin(a)),
                                (0.24, 0.87 * np.cos(a), 0.87 * np.sin(a)),
                                (-0.24, 0.87 * np.cos(a), 0.87 * np.sin(a)),
                            ]
                        )
                        for a in np.radians(np.linspace(35, 165, 10))
                    ]
                ),
                PAINT,
            ),
            s * 0.72,
            0.75,
            0.75,
        )
        for s in (-1, 1)
    ]
    cab = [box((0.05, 0.05, 1.1), DARK, (sx * 0.5, y, 1.85)) for sx in (-1, 1) for y in (0.2, 1.2)] + [
        box((1.3, 1.3, 0.1), PAINT, (0, 0.7, 2.42), 0.04),
        box((0.95, 0.03, 1.0), PANE, (0, 0.2, 1.85)),
    ]
    seat = [
        box((0.5, 0.45, 0.1), DARK, (0, 0.85, 1.2), 0.04),
        box((0.5, 0.1, 0.5), DARK, (0, 1.08, 1.45), 0.04),
        box((1.0, 1.1, 0.6), PAINT, (0, 0.7, 0.95), 0.05),
    ]
    pipe = lathe([(0.05, 1.35), (0.05, 1.75), (0.06, 1.8), (0.06, 2.05), (0.04, 2.05)], DARK, 12)
    lamps = [ball(0.09, LIGHT, (s * 0.26, -1.6, 1.25), 8, 12) for s in (-1, 1)]
    return joined(*parts, *big, *small, *fenders, *cab, *seat, moved(pipe, 0.2, -1.0), *lamps)


def cart(rng: Rng, *, wagon: bool = False) -> Shell:
    """A wooden hand cart with two spoked wheels, or a wagon with four."""
    parts = [box((1.1, 1.8, 0.06), WOOD, (0, 0, 0.56), 0.01)]
    parts += [box((0.05, 1.8, 0.3), WOOD, (s * 0.54, 0, 0.73), 0.01) for s in (-1, 1)] + [
        box((1.1, 0.05, 0.3), WOOD, (0, s * 0.88, 0.73), 0.01) for s in (-1, 1)
    ]
    for y in (-0.55, 0.55) if wagon else (0.15,):
        parts += [moved(spoked_wheel(rng), s * 0.66, y) for s in (-1, 1)] + [
            moved(turned(tube(0.035, 1.3, DARK, sides=10), "y", 90), -0.65, y, 0.5)
        ]
    parts += [sweep([(s * 0.35, -0.8, 0.55), (s * 0.35, -1.9, 0.62 if not wagon else 0.4)], 0.03, WOOD, 8) for s in (-1, 1)]
    if not wagon:
        parts.append(box((0.05, 0.05, 0.55), WOOD, (0, -0.75, 0.28)))
    return joined(*parts)


def train(rng: Rng) -> Shell:
    """A steam locomotive."""
    red = detail("frame", "paint", 164, 40, 36)
    boiler = moved(
        turned(lathe([(0.0, -0.05), (0.62, 0), (0.66, 0.1), (0.66, 3.9), (0.62, 4.0)], Slot("body", "paint", (52, 88, 70)), 28), "x", -90),
        0,
        -2.6,
        1.75,
    )
    bands = [
        moved(turned(ring([(0.655, 0), (0.685, 0), (0.685, 0.07), (0.655, 0.07)], BRASS, 28), "x", -90), 0, y, 1.75)
        for y in (-2.2, -1.2, -0.2, 0.8)
    ]
    cab = [
        box((1.7, 1.5, 1.5), Slot("body", "paint", (52, 88, 70)), (0, 1.95, 1.95), 0.04),
        box((1.9, 1.85, 0.12), DARK, (0, 1.95, 2.78), 0.05),
    ]
    cab += [box((0.05, 0.7, 0.6), PANE, (s * 0.84, 1.9, 2.3), 0.015) for s in (-1, 1)]
    stack = [
        moved(lathe([(0.17, 0), (0.15, 0.4), (0.28, 0.75), (0.28, 0.85), (0.2, 0.85)], DARK, 20), 0, -2.1, 2.35),
        moved(lathe([(0.22, 0), (0.24, 0.25), (0.12, 0.42), (0, 0.45)], BRASS, 20), 0, -0.8, 2.35),
    ]
    frame = [box((1.5, 5.6, 0.25), red, (0, 0.0, 0.95), 0.03), box((1.8, 0.15, 0.4), red, (0, -2.85, 0.85), 0.03)]
    wheels = [
        moved(spoked_wheel(rng, radius=r, width=0.12, spokes=12), s * 0.72, y)
        for r, y in ((0.36, -2.1), (0.55, -0.9), (0.55, 0.35), (0.55, 1.6))
        for s in (-1, 1)
    ]
    rods = [box((0.06, 2.7, 0.1), detail("rod", "metal", 180, 182, 186), (s * 0.85, 0.35, 0.45), 0.015) for s in (-1, 1)]
    pilot = prism([(-0.8, 0.1), (0.8, 0.1), (0.5, 0.65), (-0.5, 0.65)], 0.5, DARK)
    lamp = [moved(turned(tube(0.17, 0.2, DARK, sides=16), "x", 90), 0, -2.55, 2.5), ball(0.14, LIGHT, (0, -2.74, 2.5), 8, 16)]
    return joined(boiler, *bands, *cab, *stack, *frame, *wheels, *rods, moved(pilot, 0, -3.0), *lamp)


def boat(rng: Rng, *, kind: str = "boat") -> Shell:
    """A rowing boat, a sailing boat with jib and main, or a ship with decks and funnels."""
    if kind == "ship":
        hull = _hull(24.0, 5.0, 2.6, Slot("body", "paint", (44, 60, 84)), 0.0)
        white = detail("deck", "paint", 238, 236, 228)
        decks = [
            box((3.6, 13.0, 1.1), white, (0, 1.0, 3.0), 0.1),
            box((3.0, 9.5, 1.0), white, (0, 1.2, 4.0), 0.1),
            box((3.2, 2.4, 1.1), white, (0, -2.8, 5.0), 0.1),
        ]
        panes = (
            [box((3.64, 0.5, 0.4), PANE, (0, y, 3.1), 0.05) for y in np.linspace(-4.6, 6.6, 10)]
            + [box((3.24, 0.6, 0.4), PANE, (0, y, 4.1)) for y in np.linspace(-2.4, 5.0, 7)]
            + [box((2.8, 2.44, 0.4), PANE, (0, -2.8, 5.15), 0.05)]
        )
        funnels = [
            moved(turned(joined(tube(0.6, 2.4, PAINT, 0.55), moved(tube(0.57, 0.4, DARK, 0.56), 0, 0, 2.0)), "x", -8), 0, y, 4.4)
            for y in (0.6, 3.6)
        ]
        return joined(hull, *decks, *panes, *funnels, moved(tube(0.08, 4.0, DARK, 0.04, sides=8), 0, -5.5, 2.4))
    hull = _hull(3.6, 1.3, 0.55, Slot("body", "wood", (148, 94, 56)), 0.05)
    parts = [hull, *(box((w, 0.26, 0.04), WOOD, (0, y, 0.42), 0.01) for y, w in ((-0.7, 0.9), (0.3, 1.1), (1.2, 0.9)))]
    if kind == "sailboat":
        mast = moved(tube(0.045, 4.6, WOOD, 0.03, sides=10), 0, -0.3, 0.2)
        main = _sail([(0.0, 0.7), (1.85, 0.7), (0.0, 4.5)], 0.22)
        jib = _sail([(-0.35, 1.0), (-1.5, 0.75), (-0.05, 4.2)], 0.14)
        boom = sweep([(0, -0.3, 0.82), (0, 1.65, 0.82)], 0.03, WOOD, 8)
        return joined(*parts, mast, moved(main, 0, -0.22), moved(jib, 0, -0.25), boom)
    for s in (-1, 1):
        oar = joined(
            sweep([(s * 0.25, -0.1, 0.62), (s * 1.5, -0.55, 0.3)], 0.025, WOOD, 8),
            moved(turned(box((0.5, 0.16, 0.025), WOOD, (0, 0, 0), 0.008), "z", s * -20), s * 1.66, -0.61, 0.26),
        )
        parts.append(oar)
    return joined(*parts)


def airplane(rng: Rng) -> Shell:
    """A propeller airplane."""
    body = turned(
        lathe([(0, -3.0), (0.4, -2.85), (0.58, -2.2), (0.62, -0.8), (0.55, 0.6), (0.28, 2.4), (0.12, 3.2), (0, 3.25)], PAINT, 24), "x", -90
    )
    body = moved(body, 0, 0, 1.25)
    white = WHITE
    parts = [body, box((9.2, 1.35, 0.13), white, (0, -0.9, 1.15), 0.055), box((3.0, 0.8, 0.09), white, (0, 2.7, 1.4), 0.04)]
    fin = loft(
        np.stack([np.array([(s * 0.045, y, z) for y, z in ((2.2, 1.4), (3.15, 1.4), (3.25, 2.5), (2.75, 2.5))]) for s in (-1, 1)]), PAINT
    )
    canopy = moved(scaled(ball(0.5, PANE), 0.8, 1.7, 0.85), 0, -0.75, 1.72)
    nose = [
        moved(turned(lathe([(0.2, 0), (0.16, 0.2), (0, 0.36)], DARK, 16), "x", 90), 0, -2.95, 1.25),
        *(moved(turned(box((0.14, 0.04, 1.5), DARK, (0, 0, 0), 0.015), "y", a), 0, -3.15, 1.25) for a in (20, 110)),
    ]
    gear = [
        joined(
            moved(scaled(wheel(rng, radius=0.3, width=0.18), 1), s * 1.0, -1.3),
            sweep([(s * 0.98, -1.3, 0.3), (s * 0.6, -1.1, 1.05)], 0.05, DARK, 8),
        )
        for s in (-1, 1)
    ]
    tail = moved(wheel(rng, radius=0.14, width=0.1), 0, 2.95)
    return joined(*parts, fin, canopy, *nose, *gear, moved(tail, 0, 0, 0.62), sweep([(0, 2.95, 0.76), (0, 2.8, 1.15)], 0.03, DARK, 8))


def helicopter(rng: Rng) -> Shell:
    """A helicopter on skids."""
    cabin = moved(scaled(ball(1.0, PAINT, rings=14), 0.85, 1.5, 0.95), 0, -0.3, 1.5)
    glass = moved(scaled(ball(1.0, PANE, rings=14), 0.74, 0.95, 0.78), 0, -1.0, 1.55)
    boom = sweep([(0, 0.8, 1.75), (0, 2.4, 1.9), (0, 4.3, 2.05)], [0.42, 0.22, 0.12], PAINT, 14)
    fin = loft(
        np.stack([np.array([(s * 0.04, y, z) for y, z in ((3.9, 2.0), (4.5, 2.0), (4.75, 2.85), (4.4, 2.85))]) for s in (-1, 1)]), PAINT
    )
    rotor = [tube(0.09, 0.55, DARK, sides=10), *(turned(box((7.6, 0.22, 0.03), DARK, (0, 0, 0.52), 0.01), "z", a) for a in (30, 120))]
    small = [moved(turned(box((0.03, 0.12, 1.3), DARK), "x", a), 0.16, 4.5, 2.35) for a in (20, 110)]
    skids = [sweep([(s * 0.8, -1.6, 0.18), (s * 0.8, -1.3, 0.05), (s * 0.8, 1.0, 0.05)], 0.05, DARK, 8) for s in (-1, 1)] + [
        sweep([(s * 0.8, y, 0.05), (s * 0.5, y, 0.8)], 0.04, DARK, 8) for s in (-1, 1) for y in (-0.8, 0.5)
    ]
    return joined(cabin, glass, boom, fin, *(moved(part, 0, 0, 2.35) for part in rotor), *small, *skids)


def rocket(rng: Rng) -> Shell:
    """A rocket on three fins."""
    white = Slot("body", "paint", (236, 234, 228))
    body = lathe([(0.3, 0.5), (0.5, 0.9), (0.62, 1.8), (0.6, 2.8), (0.46, 3.6)], white, 28)
    nose = lathe([(0.46, 3.6), (0.3, 4.15), (0.1, 4.5), (0, 4.6)], detail("nose", "paint", 200, 44, 40), 28)
    nozzle = lathe([(0.36, 0.22), (0.25, 0.5), (0.2, 0.55)], DARK, 20)
    fin = loft(
        np.stack(
            [
                np.array([(x, s * 0.05, z) for x, z in ((0.42, 0.8), (0.58, 1.7), (1.0, 0.95), (1.05, 0.0), (0.9, 0.0), (0.75, 0.5))])
                for s in (-1, 1)
            ]
        ),
        detail("fins", "paint", 200, 44, 40),
        fan=True,
    )
    port = moved(
        turned(
            joined(ring([(0.17, 0), (0.24, 0), (0.24, 0.1), (0.17, 0.1)], BRASS, 24), moved(tube(0.18, 0.06, PANE), 0, 0, 0.0)), "x", 90
        ),
        0,
        -0.56,
        2.6,
    )
    band = ring([(0.6, 1.7), (0.632, 1.72), (0.632, 1.88), (0.6, 1.9)], detail("band", "paint", 200, 44, 40), 28)
    return joined(body, nose, nozzle, around(fin, 3, 90), port, band)


def balloon(rng: Rng, *, hot_air: bool = True) -> Shell:
    """A hot-air balloon with gores and a basket, or a party balloon on its string."""
    if not hot_air:
        skin = Slot("body", "plastic", (206, 44, 52))
        body = lathe([(0.012, 0.7), (0.03, 0.72), (0.11, 0.84), (0.15, 0.98), (0.14, 1.1), (0.08, 1.19), (0, 1.21)], skin, 24)
        return joined(
            body,
            moved(lathe([(0.02, 0), (0.008, 0.02), (0.012, 0.026)], skin, 12), 0, 0, 0.68),
            sweep([(0, 0, 0.68), (0.03, 0, 0.45), (-0.02, 0, 0.2), (0, 0, 0)], 0.003, detail("string", "cloth", 230, 226, 216), 6),
        )
    profile = np.array([(0.9, 3.2), (1.6, 4.3), (2.6, 5.8), (3.1, 7.4), (2.9, 8.9), (2.0, 10.1), (0.9, 10.7), (0.0, 10.8)])
    angle = 2 * np.pi * (np.arange(48) + 0.5) / 48
    rings = np.stack(
        [
            np.column_stack(
                (
                    r * (1 - 0.03 * np.cos(angle * 12) ** 2) * np.cos(angle),
                    r * (1 - 0.03 * np.cos(angle * 12) ** 2) * np.sin(angle),
                    np.full(48, z),
                )
            )
            for r, z in profile
        ]
    )
    bag = loft(rings, PAINT)
    stripe = (np.arctan2(*bag.vertices[bag.faces].mean(axis=1)[:, [1, 0]].T) * 12 / (2 * np.pi)).astype(int) % 2
    bag = Shell(bag.vertices, bag.faces, bag.uvs, stripe.astype(np.int32), (PAINT, detail("stripes", "paint", 244, 196, 72)))
    basket = joined(
        box((1.1, 1.1, 0.9), detail("basket", "straw", 176, 128, 76), (0, 0, 0.45), 0.08),
        box((1.2, 1.2, 0.12), detail("basket", "straw", 140, 96, 56), (0, 0, 0.9), 0.05),
    )
    ropes = [sweep([(sx * 0.52, sy * 0.52, 0.9), (sx * 0.63, sy * 0.63, 3.2)], 0.025, DARK, 6) for sx in (-1, 1) for sy in (-1, 1)]
    return joined(bag, basket, *ropes)


def bicycle(rng: Rng) -> Shell:
    """A bicycle, upright on its wheels."""
    parts = []
    for y in (-0.52, 0.52):
        rim = ring([(0.3, -0.012), (0.33, -0.018), (0.345, 0), (0.33, 0.018), (0.3, 0.012)], RUBBER, 36)
        spokes = around(moved(turned(tube(0.003, 0.3, HUB, sides=6), "y", 90), 0.01), 14)
        parts.append(moved(turned(joined(rim, spokes, moved(tube(0.025, 0.1, HUB, sides=12), 0, 0, -0.05)), "y", 90), 0, y, 0.345))
    pedal, saddle, head = (0, 0.08, 0.3), (0, 0.22, 0.82), (0, -0.36, 0.84)
    for a, b in (
        (pedal, saddle),
        (pedal, (0, -0.35, 0.7)),
        ((0, 0.19, 0.74), head),
        ((0, 0.52, 0.345), pedal),
        ((0, 0.52, 0.345), (0, 0.2, 0.76)),
        ((0, -0.52, 0.345), (0, -0.33, 0.98)),
    ):
        parts.append(sweep([a, b], 0.018, PAINT, 10))
    parts += [
        sweep([(-0.28, -0.2, 0.99), (-0.2, -0.34, 1.0), (0.2, -0.34, 1.0), (0.28, -0.2, 0.99)], 0.014, HUB, 8),
        scaled(ball(0.13, DARK, rings=8, sides=16), 0.6, 1.0, 0.35),
    ]
    parts[-1] = moved(parts[-1], 0, 0.22, 0.86)
    crank = [
        moved(turned(tube(0.09, 0.012, DARK, sides=20), "y", 90), 0.03, 0.08, 0.3),
        *(box((0.09, 0.06, 0.02), DARK, (s * 0.1, 0.08 + s * 0.1, 0.3 - s * 0.12)) for s in (-1, 1)),
        *(sweep([(s * 0.05, 0.08, 0.3), (s * 0.05, 0.08 + s * 0.1, 0.3 - s * 0.12)], 0.012, HUB, 8) for s in (-1, 1)),
    ]
    return joined(*parts, *crank)


def _across(outline: list[tuple[float, float]], width: float, slot: Slot, narrow: float) -> Shell:
    """An outline of (y, z) across a width, drawn in at both sides."""
    points = np.array([(0.0, y, z) for y, z in outline])
    middle = points.mean(axis=0)
    rows = [(-0.5, narrow), (-0.44, 1.0), (0.44, 1.0), (0.5, narrow)]
    return loft(np.stack([middle + (points - middle) * (1, 0.5 + s / 2, s) + (x * width, 0, 0) for x, s in rows]), slot, fan=True)


def _inset(outline: list[tuple[float, float]], by: float) -> list[tuple[float, float]]:
    points = np.array(outline)
    middle = points.mean(axis=0)
    return [(float(y), float(z)) for y, z in middle + (points - middle) * (1 - 1.6 * by)]


def _axles(rng: Rng, radius: float, width: float, places: tuple[float, ...]) -> list[Shell]:
    right = wheel(rng, radius=radius)
    left = turned(right, "z", 180)
    return [moved(left if s < 0 else right, s * (width / 2 - 0.1), y) for y in places for s in (-1, 1)]


def _hull(length: float, width: float, height: float, slot: Slot, wall: float) -> Shell:
    """A boat's hull, pointed at the bow (-Y); hollow where `wall` isn't 0."""
    t = np.linspace(0, 1, 15)
    beam = width / 2 * np.minimum(np.sin(np.pi * (0.08 + 0.72 * t)) ** 0.75 * np.where(t < 0.02, 0.1, 1), 1.0)
    sheer = height * (1 + 0.3 * (2 * t - 1.1) ** 2)
    keel = height * 0.5 * np.maximum(0.25 - t, 0) ** 1.5 * 4
    rows = []
    for b, top, low, y in zip(beam, sheer, keel, (t - 0.5) * length, strict=True):
        outer = [
            (-b, top),
            (-b * 0.96, top * 0.55 + low * 0.4),
            (-b * 0.6, low + 0.06 * height),
            (0, low),
            (b * 0.6, low + 0.06 * height),
            (b * 0.96, top * 0.55 + low * 0.4),
            (b, top),
        ]
        if wall:
            inner = [
                (max(b - wall, 0.01), top),
                (max(b - wall, 0.01) * 0.9, top * 0.6 + low * 0.4),
                (0, low + 0.22 * height),
                (-max(b - wall, 0.01) * 0.9, top * 0.6 + low * 0.4),
                (-max(b - wall, 0.01), top),
            ]
        else:
            inner = [(b * 0.9, top - 0.08 * height), (-b * 0.9, top - 0.08 * height)]
        rows.append(np.array([(x, y, z) for x, z in (*outer, *inner)]))
    return loft(np.stack(rows), slot, fan=True)


def _sail(corners: list[tuple[float, float]], belly: float) -> Shell:
    """A triangle of (y, z) that bellies along X, as thick as cloth."""
    a, b, c = (np.array((0.0, y, z)) for y, z in corners)
    rows = []
    for t in np.linspace(0, 0.98, 9):
        left, right = a + (c - a) * t, b + (c - b) * t
        across = np.linspace(0, 1, 7)
        bulge = belly * np.sin(np.pi * across)[:, None] * np.sin(np.pi * min(t + 0.15, 1.0)) * (1, 0, 0)
        line = left + (right - left) * across[:, None] + bulge
        rows.append(np.concatenate((line, line[::-1] + (0.02, 0, 0))))
    return loft(np.stack(rows), Slot("sail", "cloth", (240, 234, 220)))
