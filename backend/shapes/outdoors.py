"""Water and what stands in parks: lakes, rivers, pools, icebergs; pedestals and columns; swings, slides, seesaws, bus stops."""

from __future__ import annotations

import numpy as np

from .looks import DARK, GRASS, METAL, PAINT, PANE, SOIL, STONE, WATER, WOOD, detail
from .nature import bush, grass, rock
from .solids import Shell, Slot, box, circle, joined, lathe, loft, moved, prism, scaled, sweep, tube, turned

Rng = np.random.Generator
SHORE = detail("shore", "stone", 206, 188, 146)
SURFACE = Slot("water", "glass", (64, 128, 160))
BLUE = detail("frame", "paint", 52, 98, 168)


def _bay(rng: Rng, sides: int = 48, depth: float = 0.16) -> np.ndarray:
    """Radii [S] around 1 of a shoreline."""
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    waves = sum(rng.uniform(0.3, 1) / k * np.sin(k * angle + rng.uniform(0, 2 * np.pi)) for k in (1, 2, 3, 4, 5))
    radii: np.ndarray = 1 + depth * waves / np.abs(waves).max()
    return radii


def water(rng: Rng, *, size: float = 10.0, stones: int = 7, reeds: int = 8) -> Shell:
    """Still water within its bank: lakes, ponds, puddles."""
    shore = _bay(rng)
    half = 0.5 * size
    bank = [(0.86, 0.012), (0.88, 0.022), (0.93, 0.022), (1.0, 0.0)]
    rings = [circle(half * r * shore * (1 if r < 1 else 1.0), half * z, 48) for r, z in bank]
    ground = loft(np.stack([circle(half * 0.86 * shore, 0.0, 48), *rings]), SHORE, loop=True)
    made = [
        ground,
        loft(np.stack([circle(half * 0.865 * shore, 0.001 * half, 48), circle(half * 0.865 * shore, 0.012 * half, 48)]), SURFACE, fan=True),
    ]
    for count, make, large in ((stones, rock, 0.07), (reeds, grass, 0.1)):
        for _ in range(count):
            angle = rng.uniform(0, 2 * np.pi)
            radius = half * rng.uniform(0.88, 0.95) * float(np.interp(angle, 2 * np.pi * (np.arange(48) + 0.5) / 48, shore))
            one = make(rng)
            one = scaled(one, large * half * rng.uniform(0.5, 1.0) / float((one.high - one.low).max()))
            made.append(moved(one, radius * np.cos(angle), radius * np.sin(angle), 0.016 * half))
    return joined(*made)


def pool(rng: Rng) -> Shell:
    """A swimming pool in its stone rim, with a ladder."""
    rim = [(4.5, 2.5, 0.0), (4.5, 2.5, 0.2), (4.0, 2.0, 0.2), (4.0, 2.0, 0.0)]
    rings = [[(-x, -y, z), (x, -y, z), (x, y, z), (-x, y, z)] for x, y, z in rim]
    edge = loft(np.array(rings, dtype=float), Slot("body", "stone", (214, 208, 196)), loop=True)
    rails = [sweep([(3.7, y, 0.0), (3.7, y, 0.75), (3.95, y, 0.95), (4.2, y, 0.75), (4.2, y, 0.2)], 0.03, METAL, 10) for y in (-0.25, 0.25)]
    steps = [box((0.06, 0.5, 0.04), METAL, (3.7, 0, z)) for z in (0.25, 0.45)]
    return joined(edge, box((8.02, 4.02, 0.12), Slot("water", "glass", (72, 170, 206)), (0, 0, 0.06)), *rails, *steps)


def river(rng: Rng) -> Shell:
    """A bend of a river between its banks, along Y."""
    ys = np.linspace(-10, 10, 33)
    phase = rng.uniform(0, 2 * np.pi)
    xs = 1.4 * np.sin(ys * 0.32 + phase)
    wide = 1.8 + 0.35 * np.sin(ys * 0.5 + 2 * phase)
    section = [(-1.75, 0.0), (-1.7, 0.1), (-1.25, 0.24), (-1.0, 0.12), (-0.97, 0.0)]
    sides = [
        loft(np.stack([np.array([(x + s * p * w, y, z) for p, z in section]) for x, y, w in zip(xs, ys, wide, strict=True)]), GRASS)
        for s in (-1, 1)
    ]
    stream = loft(
        np.stack(
            [np.array([(x - w, y, 0.0), (x + w, y, 0.0), (x + w, y, 0.13), (x - w, y, 0.13)]) for x, y, w in zip(xs, ys, wide, strict=True)]
        ),
        SURFACE,
    )
    made = [*sides, stream]
    for _ in range(12):
        i, s = int(rng.integers(2, 31)), int(rng.choice((-1, 1)))
        one = scaled(rock(rng), rng.uniform(0.5, 1.1))
        made.append(moved(one, xs[i] + s * 1.12 * wide[i], ys[i], 0.1))
    return joined(*made)


def iceberg(rng: Rng) -> Shell:
    """An iceberg in a sheet of sea."""
    ice = Slot("body", "ice", (206, 232, 244))
    large = scaled(rock(rng, size=1.0), 12.0, 11.0, 15.0)
    small = scaled(rock(rng, size=1.0), 5.0, 5.0, 5.0)
    bergs = [Shell(one.vertices, one.faces, one.uvs, one.slot, (ice,)) for one in (large, moved(small, 7.0, -3.0, 0.0))]
    return joined(*bergs, loft(np.stack([circle(11.0 * _bay(rng, 40, 0.1), z, 40) for z in (0.0, 0.25)]), WATER, fan=True))


def pedestal(rng: Rng) -> Shell:
    """A square pedestal with a base and a cornice."""
    return joined(
        box((0.56, 0.56, 0.12), STONE, (0, 0, 0.06), 0.015),
        box((0.46, 0.46, 0.06), STONE, (0, 0, 0.15), 0.012),
        box((0.38, 0.38, 0.68), STONE, (0, 0, 0.52), 0.008),
        box((0.46, 0.46, 0.05), STONE, (0, 0, 0.885), 0.012),
        box((0.54, 0.54, 0.09), STONE, (0, 0, 0.955), 0.015),
    )


def column(rng: Rng) -> Shell:
    """A fluted Doric column."""
    stone, sides = Slot("body", "marble", (224, 218, 206)), 60
    flute = 1 - 0.07 * np.abs(np.sin(10 * 2 * np.pi * (np.arange(sides) + 0.5) / sides)) ** 0.7
    shaft = loft(np.stack([circle(r * flute, z, sides) for r, z in ((0.26, 0.22), (0.255, 1.2), (0.24, 2.0), (0.21, 2.8))]), stone)
    echinus = lathe([(0.21, 2.8), (0.22, 2.84), (0.3, 2.96), (0.31, 3.02)], stone)
    foot = lathe([(0.34, 0.1), (0.35, 0.14), (0.34, 0.18), (0.29, 0.2), (0.28, 0.22)], stone)
    return joined(
        box((0.72, 0.72, 0.1), stone, (0, 0, 0.05), 0.01), foot, shaft, echinus, box((0.66, 0.66, 0.12), stone, (0, 0, 3.08), 0.01)
    )


def swing(rng: Rng) -> Shell:
    """A swing of two seats on an A-frame."""
    frame = [sweep([(x, y, 0.0), (x, 0.0, 2.2)], 0.045, BLUE, 10) for x in (-1.3, 1.3) for y in (-0.75, 0.75)]
    bars = [sweep([(-1.36, 0, 2.2), (1.36, 0, 2.2)], 0.05, BLUE, 12), *(box((0.05, 1.0, 0.05), BLUE, (x, 0, 0.72)) for x in (-1.3, 1.3))]
    seats = [box((0.5, 0.2, 0.035), Slot("seat", "wood", (176, 62, 48)), (x, 0, 0.5), 0.01) for x in (-0.6, 0.6)]
    chains = [sweep([(x + s * 0.22, 0, 0.5), (x + s * 0.22, 0, 2.2)], 0.011, DARK, 6) for x in (-0.6, 0.6) for s in (-1, 1)]
    return joined(*frame, *bars, *seats, *chains)


def slide(rng: Rng) -> Shell:
    """A playground slide with its ladder."""
    curve = [(-1.25, 1.55), (-0.95, 1.55), (-0.6, 1.3), (0.0, 0.85), (0.7, 0.4), (1.1, 0.28), (1.5, 0.26)]
    lane = loft(np.stack([np.array([(x, -0.25, z), (x, 0.25, z), (x, 0.25, z - 0.04), (x, -0.25, z - 0.04)]) for x, z in curve]), PAINT)
    walls = [
        loft(
            np.stack(
                [
                    np.array([(x, y - 0.02, z - 0.04), (x, y + 0.02, z - 0.04), (x, y + 0.02, z + 0.16), (x, y - 0.02, z + 0.16)])
                    for x, z in curve
                ]
            ),
            PAINT,
        )
        for y in (-0.27, 0.27)
    ]
    rails = [
        sweep([(-1.75, y, 0.0), (-1.3, y, 1.5), (-1.2, y, 2.05), (-0.95, y, 2.05), (-0.9, y, 1.6)], 0.028, BLUE, 10) for y in (-0.25, 0.25)
    ]
    rungs = [box((0.1, 0.5, 0.03), BLUE, (-1.75 + 0.3 * (z - 0.0), 0, z)) for z in (0.25, 0.5, 0.75, 1.0, 1.25)]
    posts = [sweep([(x, y, 0.0), (x, y, z)], 0.03, BLUE, 10) for x, z in ((-1.0, 1.5), (1.25, 0.24)) for y in (-0.24, 0.24)]
    return joined(lane, *walls, *rails, *rungs, *posts)


def seesaw(rng: Rng) -> Shell:
    """A seesaw, one end down."""
    plank = joined(
        box((2.7, 0.25, 0.05), WOOD, (0, 0, 0), 0.012),
        *(box((0.32, 0.28, 0.04), PAINT, (x, 0, 0.045), 0.012) for x in (-1.15, 1.15)),
        *(
            sweep([(s * 0.9, -0.13, 0.02), (s * 0.9, -0.1, 0.26), (s * 0.9, 0.1, 0.26), (s * 0.9, 0.13, 0.02)], 0.014, DARK, 8)
            for s in (-1, 1)
        ),
    )
    stand = prism([(-0.3, 0.0), (0.3, 0.0), (0.07, 0.42), (-0.07, 0.42)], 0.2, BLUE)
    return joined(moved(turned(plank, "y", 15), 0, 0, 0.46), stand)


def bus_stop(rng: Rng) -> Shell:
    """A shelter of glass with a bench and a sign."""
    frame = Slot("body", "metal", (72, 78, 86))
    posts = [box((0.08, 0.08, 2.4), frame, (x, y, 1.2)) for x in (-1.4, 1.4) for y in (-0.55, 0.55)]
    panes = [box((2.7, 0.03, 1.7), PANE, (0, 0.55, 1.25)), *(box((0.03, 1.0, 1.7), PANE, (x, 0, 1.25)) for x in (-1.4, 1.4))]
    seat = [box((1.9, 0.36, 0.05), WOOD, (0, 0.3, 0.48), 0.01), *(box((0.06, 0.3, 0.46), frame, (x, 0.3, 0.23)) for x in (-0.8, 0.8))]
    sign = [
        tube(0.035, 2.7, frame, sides=12),
        moved(turned(tube(0.24, 0.03, detail("sign", "paint", 232, 186, 40)), "x", 90), 0, -0.02, 2.75),
    ]
    letter = box((0.06, 0.01, 0.26), detail("letter", "paint", 40, 96, 60), (0, -0.055, 2.75))
    bar = box((0.2, 0.01, 0.06), detail("letter", "paint", 40, 96, 60), (0, -0.055, 2.75))
    return joined(
        *posts,
        box((3.2, 1.5, 0.1), frame, (0, -0.05, 2.45), 0.02),
        *panes,
        *seat,
        moved(joined(*sign, letter, bar), -1.95, -0.4, 0),
        box((3.1, 1.3, 0.06), SOIL, (0, 0, 0.03)),
    )


def playground(rng: Rng) -> Shell:
    """A slide, a swing, a seesaw and a sandbox on a lawn."""
    sandbox = joined(
        *(turned(box((1.6, 0.12, 0.22), WOOD, (0, 0.8, 0.11), 0.01), "z", 90 * i) for i in range(4)),
        box((1.5, 1.5, 0.12), detail("sand", "stone", 226, 204, 150), (0, 0, 0.06)),
    )
    lawn = loft(np.stack([circle(4.6 * _bay(rng, 40, 0.06), z, 40) for z in (0.0, 0.06)]), GRASS, fan=True)
    toys = [
        moved(turned(slide(rng), "z", 15), -1.9, 1.6),
        moved(swing(rng), 1.9, 2.0),
        moved(sandbox, -2.0, -1.8),
        moved(seesaw(rng), 1.6, -1.5),
    ]
    return joined(lawn, *(moved(toy, 0, 0, 0.05) for toy in toys), moved(scaled(bush(rng), 0.7), 0.3, 3.4, 0.05))
