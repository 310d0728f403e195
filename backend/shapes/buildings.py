"""Buildings and what belongs to them: houses, towers, walls, doors, stairs, fences, bridges, wells, roads."""

from __future__ import annotations

import numpy as np

from .looks import BRASS, DARK, DOOR, LIGHT, PANE, PLASTER, ROOF, STONE, WATER, WOOD, detail
from .solids import (
    Shell,
    Slot,
    around,
    at,
    ball,
    blob,
    box,
    joined,
    lathe,
    loft,
    moved,
    prism,
    ring,
    scaled,
    sweep,
    tube,
    turned,
)

Rng = np.random.Generator
TRIM = detail("trim", "wood", 238, 232, 218)
TIMBER = Slot("wall", "wood", (132, 88, 54))
WALL = Slot("wall", "stone", (150, 146, 138))


def door(rng: Rng, *, width: float = 0.9, height: float = 2.05) -> Shell:
    """A paneled door in its frame."""
    wood, panel = Slot("body", "wood", (124, 78, 46)), Slot("panel", "wood", (104, 64, 38))
    parts = [box((0.09, 0.14, height + 0.09), TRIM, (s * (width / 2 + 0.045), 0, (height + 0.09) / 2), 0.01) for s in (-1, 1)]
    parts += [
        box((width, 0.14, 0.09), TRIM, (0, 0, height + 0.045), 0.01),
        box((width - 0.01, 0.05, height - 0.01), wood, (0, 0, height / 2)),
    ]
    for z, tall in ((height * 0.28, height * 0.36), (height * 0.72, height * 0.4)):
        parts += [box((width * 0.36, 0.07, tall), panel, (s * width * 0.22, 0, z), 0.015) for s in (-1, 1)]
    return joined(*parts, ball(0.032, BRASS, (width * 0.42, -0.06, height * 0.49), 8, 16))


def window(rng: Rng, *, width: float = 1.1, height: float = 1.3) -> Shell:
    """A window with a cross bar and a sill."""
    frame = Slot("frame", "wood", (236, 232, 222))
    bar = 0.07
    parts = [box((width, 0.12, bar), frame, (0, 0, 0.05 + z), 0.008) for z in (bar / 2, height - bar / 2)]
    parts += [box((bar, 0.12, height - 2 * bar), frame, (s * (width - bar) / 2, 0, 0.05 + height / 2), 0.008) for s in (-1, 1)]
    parts += [
        box((0.04, 0.07, height - 2 * bar), frame, (0, 0, 0.05 + height / 2)),
        box((width - 2 * bar, 0.07, 0.04), frame, (0, 0, 0.05 + height * 0.6)),
    ]
    parts += [
        box((width - bar, 0.012, height - bar), PANE, (0, 0, 0.05 + height / 2)),
        box((width + 0.16, 0.24, 0.05), frame, (0, -0.05, 0.025), 0.01),
    ]
    return joined(*parts)


def stairs(rng: Rng, *, steps: int = 10, width: float = 1.2) -> Shell:
    """A straight staircase with one rail."""
    rise, run = 0.18, 0.27
    parts = [box((width, run + 0.03, 0.04), WOOD, (0, run * (i + 0.5), rise * (i + 1) - 0.02), 0.008) for i in range(steps)]
    parts += [box((width - 0.06, 0.025, rise - 0.04), TRIM, (0, run * i + 0.03, rise * (i + 0.5) - 0.02)) for i in range(steps)]
    for s in (-1, 1):
        low, high = (0.0, 0.0), (run * steps, rise * steps)
        outline = [(low[0], 0.0), (0.3, 0.0), (high[0], high[1] - 0.28), (high[0], high[1] - 0.04), (0.0, rise - 0.04)]
        rings = np.stack([np.array([(x, y, z) for y, z in outline]) for x in (s * width / 2 - 0.02, s * width / 2 + 0.02)])
        parts.append(loft(rings, WOOD, fan=True))
    rail = width / 2
    parts += [box((0.035, 0.035, 0.86), TRIM, (rail, run * (i + 0.5), rise * (i + 1) + 0.41)) for i in range(steps)]
    parts.append(sweep([(rail, run * 0.2, rise * 0.7 + 0.86), (rail, run * (steps - 0.2), rise * (steps + 0.3) + 0.86)], 0.035, WOOD, 8))
    shell = joined(*parts)
    return moved(shell, 0, -run * steps / 2)


def ladder(rng: Rng, *, rungs: int = 9) -> Shell:
    """A ladder, upright."""
    height = 0.3 * (rungs + 1)
    rails = [box((0.05, 0.08, height), WOOD, (s * 0.2, 0, height / 2), 0.012) for s in (-1, 1)]
    bars = [moved(turned(tube(0.018, 0.4, WOOD, sides=10), "y", 90), -0.2, 0, 0.3 * (i + 1)) for i in range(rungs)]
    return joined(*rails, *bars)


def fence(rng: Rng, *, width: float = 2.4, gate: bool = False) -> Shell:
    """A picket fence; a gate has a brace and taller posts."""
    white = Slot("body", "wood", (214, 200, 176))
    count = max(3, round(width / 0.15))
    pitch = width / count
    picket = prism([(-0.042, 0.06), (0.042, 0.06), (0.042, 0.92), (0, 1.0), (-0.042, 0.92)], 0.022, white)
    parts = [moved(picket, -width / 2 + pitch * (i + 0.5), 0, 0.01 * rng.uniform(-1, 1)) for i in range(count)]
    parts += [box((width, 0.04, 0.09), white, (0, 0.031, z), 0.006) for z in (0.28, 0.76)]
    posts = [s * width / 2 for s in (-1, 1)] if gate or width < 1.5 else [-width / 2, 0.0, width / 2]
    parts += [box((0.1, 0.1, 1.2 if gate else 1.06), white, (x, 0.07, 0.6 if gate else 0.53), 0.012) for x in posts]
    if gate:
        slope = np.degrees(np.arctan2(0.4, width * 0.86))
        parts.append(moved(turned(box((width * 0.92, 0.035, 0.08), white), "y", -slope), 0, 0.032, 0.52))
        parts.append(ball(0.025, DARK, (width * 0.36, -0.02, 0.6), 8, 12))
    return joined(*parts)


def wall(rng: Rng, *, width: float = 3.0, height: float = 1.6, stone: bool = True) -> Shell:
    """A wall of single stones or bricks with a coping."""
    slot = Slot("body", "stone", (146, 140, 130)) if stone else Slot("body", "brick", (164, 84, 62))
    rise, run = (0.26, 0.5) if stone else (0.16, 0.4)
    rows = max(1, round((height - 0.1) / rise))
    rise = (height - 0.1) / rows
    parts = [box((width - 0.04, 0.24, height - 0.12), detail("mortar", "stone", 170, 164, 152), (0, 0, (height - 0.12) / 2))]
    for row in range(rows):
        x = -width / 2
        first = run * (0.5 if row % 2 else 1.0)
        while x < width / 2 - 0.02:
            length = min(first * (rng.uniform(0.8, 1.2) if stone else 1.0), width / 2 - x)
            length = width / 2 - x if width / 2 - x - length < 0.1 else length
            parts.append(
                box(
                    (length - 0.02, 0.3 + (0.03 * rng.uniform() if stone else 0), rise - 0.02),
                    slot,
                    (x + length / 2, 0, rise * (row + 0.5)),
                    0.022 if stone else 0.008,
                )
            )
            x, first = x + length, run
    return joined(*parts, box((width + 0.06, 0.4, 0.1), slot, (0, 0, height - 0.05), 0.02))


def house(rng: Rng, *, width: float = 7.0, depth: float = 6.0, floors: int = 1, kind: str = "house") -> Shell:
    """A house with a gable roof, door, windows and chimney; kinds: house, cabin, barn, church."""
    walls = {"cabin": TIMBER, "barn": Slot("wall", "wood", (156, 46, 38))}.get(kind, PLASTER)
    story = 2.8 if kind != "barn" else 4.0
    tall = story * floors
    rise = width * (0.42 if kind != "church" else 0.62)
    gable = [(-width / 2, 0.0), (width / 2, 0.0), (width / 2, tall), (0.0, tall + rise), (-width / 2, tall)]
    parts = [prism(gable, depth, walls)]
    parts.append(box((width + 0.3, depth + 0.3, 0.3), detail("base", "stone", 128, 124, 116), (0, 0, 0.1)))
    slope, over = np.degrees(np.arctan2(rise, width / 2)), 0.45
    length = np.hypot(width / 2, rise) + over
    for s in (-1, 1):
        slab = box((length, depth + 2 * over, 0.16), ROOF, (0, 0, 0), 0.03)
        x = s * (width / 4 + over / 2 * np.cos(np.radians(slope)))
        parts.append(moved(turned(slab, "y", s * slope), x, 0, tall + rise / 2 + 0.1 - over / 2 * np.sin(np.radians(slope)) + 0.03))
    front = -depth / 2
    if kind == "barn":
        for s in (-1, 1):
            parts.append(box((1.3, 0.1, 2.9), DOOR, (s * 0.67, front, 1.55), 0.02))
            parts += [moved(turned(box((0.12, 0.06, 3.05), TRIM), "y", a), s * 0.67, front - 0.06, 1.55) for a in (23, -23)]
        parts.append(box((1.0, 0.1, 1.0), DOOR, (0, front, tall + 0.5), 0.02))
        return joined(*parts)
    if kind == "church":
        side = width * 0.42
        parts.append(box((side, side, tall + rise + 1.2), walls, (0, front - side / 2 + 0.3, (tall + rise + 1.2) / 2)))
        spire = loft(
            np.stack(
                [
                    np.array([(x * r, y * r, z) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
                    for r, z in ((side * 0.58, 0.0), (0.0, 4.2))
                ]
            ),
            ROOF,
        )
        parts.append(moved(spire, 0, front - side / 2 + 0.3, tall + rise + 1.2))
        top = tall + rise + 5.4
        parts += [
            box((0.1, 0.1, 1.0), BRASS, (0, front - side / 2 + 0.3, top + 0.35)),
            box((0.55, 0.1, 0.1), BRASS, (0, front - side / 2 + 0.3, top + 0.5)),
        ]
        parts.append(_opening(1.2, 2.2, 0, front - side + 0.3, 1.35, DOOR))
        for s in (-1, 1):
            parts += [turned(_opening(0.8, 1.9, y, -width / 2, 2.0, PANE), "z", -s * 90) for y in (-depth * 0.28, 0.0, depth * 0.28)]
        return joined(*parts)
    parts.append(_opening(1.0, 2.1, 0, front, 1.27, DOOR))
    parts.append(box((1.6, 0.6, 0.14), detail("base", "stone", 128, 124, 116), (0, front - 0.35, 0.14), 0.02))
    for floor in range(floors):
        z = story * floor + 1.65
        places = (-width * 0.3, width * 0.3) if floor == 0 else (-width * 0.3, 0.0, width * 0.3)
        parts += [_opening(1.0, 1.1, x, front, z, PANE) for x in places]
        for s in (-1, 1):
            parts += [turned(_opening(1.0, 1.1, y, -width / 2, z, PANE), "z", s * 90) for y in (-depth * 0.24, depth * 0.24)]
    if kind == "house" or floors > 1:
        parts.append(_opening(0.8, 0.8, 0, front, tall + rise * 0.34, PANE))
    chimney = Slot("chimney", "brick", (150, 80, 62), main=False)
    x = width * 0.24
    parts.append(box((0.7, 0.7, rise + 0.9), chimney, (x, depth * 0.18, tall + rise / 2 + 0.25)))
    parts.append(box((0.86, 0.86, 0.14), chimney, (x, depth * 0.18, tall + rise + 0.72), 0.03))
    if kind == "cabin":
        for z in np.arange(0.35, tall, 0.28):
            parts += [
                moved(turned(tube(0.14, width + 0.5, walls, sides=10), "y", 90), -width / 2 - 0.25, s * depth / 2, z) for s in (-1, 1)
            ]
            parts += [
                moved(turned(tube(0.14, depth + 0.5, walls, sides=10), "x", -90), s * width / 2, -depth / 2 - 0.25, z) for s in (-1, 1)
            ]
    return joined(*parts)


def tower(rng: Rng, *, height: float = 12.0, radius: float = 2.4, roof: bool = False) -> Shell:
    """A round castle tower with battlements, or a pointed roof."""
    body = lathe(
        [
            (radius * 1.15, 0),
            (radius * 1.1, 0.4),
            (radius, 1.0),
            (radius * 0.95, height - 1.6),
            (radius * 1.16, height - 1.0),
            (radius * 1.16, height),
            (radius * 0.98, height),
            (radius * 0.98, height - 0.5),
            (0, height - 0.5),
        ],
        WALL,
        32,
    )
    parts = [body]
    if roof:
        parts.append(moved(lathe([(radius * 1.3, 0), (radius * 1.3, 0.1), (0, radius * 2.4)], ROOF, 32), 0, 0, height - 0.05))
        parts.append(moved(_flag(), 0, 0, height + radius * 2.3))
    else:
        parts.append(around(box((0.4, 0.75, 0.75), WALL, (radius * 1.06, 0, height + 0.36), 0.03), 10))
    for z, a in ((height * 0.35, -90), (height * 0.55, 30), (height * 0.72, -90), (height * 0.6, 160)):
        slit = box((0.3, 0.28, 0.95), detail("window", "glass", 44, 46, 54), (radius * 0.93, 0, z))
        parts.append(turned(slit, "z", a))
    arch = _opening(1.2, 2.1, 0, -radius * 1.05, 1.05, DOOR)
    return joined(*parts, arch)


def castle(rng: Rng, *, size: float = 22.0) -> Shell:
    """A castle: four towers, battlemented walls, a gate and a keep."""
    half = size / 2
    parts = []
    for sx in (-1, 1):
        for sy in (-1, 1):
            parts.append(moved(tower(rng, height=10.0 + rng.uniform(0, 2), roof=True), sx * half, sy * half))
    for angle in (0, 90, 180, 270):
        parts.append(turned(moved(_battlement(size - 3.8, 6.0), 0, -half), "z", angle))
    gatehouse = [box((5.0, 3.2, 8.0), WALL, (0, -half, 4.0), 0.05), _opening(2.4, 3.6, 0, -half - 1.6, 1.8, DOOR)]
    gatehouse += [moved(tower(rng, height=9.6, radius=1.3), s * 2.7, -half - 0.8) for s in (-1, 1)]
    keep = box((8.0, 7.0, 12.0), WALL, (0, 2.0, 6.0), 0.05)
    rim = [turned(moved(_battlement(8.0, 1.2), 0, -3.5), "z", a) for a in (0, 180)] + [
        turned(moved(_battlement(7.0, 1.2), 0, -3.9), "z", a) for a in (90, 270)
    ]
    crown = moved(joined(*rim), 0, 2.0, 11.2)
    windows = [_opening(0.8, 1.5, x, -1.5, z, PANE) for x in (-2.2, 0, 2.2) for z in (6.6, 9.4)]
    yard = moved(tube(size * 0.72, 0.1, detail("ground", "leaf", 112, 144, 76), sides=4), 0, 0, -0.05)
    return joined(*parts, *gatehouse, keep, crown, *windows, moved(turned(yard, "z", 0), 0, 0, 0.05))


def lighthouse(rng: Rng) -> Shell:
    """A lighthouse with red bands, gallery and lamp."""
    white, red = Slot("body", "paint", (238, 234, 226)), detail("band", "paint", 196, 44, 40)
    levels = np.linspace(0, 14, 8)
    parts = [moved(lathe([(2.5, 0), (2.6, 0.3), (2.4, 0.9)], STONE, 32), 0, 0, 0)]
    for i, (low, high) in enumerate(zip(levels[:-1], levels[1:], strict=True)):
        a, b = (2.05 - 0.85 * z / 14 for z in (low, high))
        parts.append(lathe([(a, low + 0.8), (b, high + 0.8)], red if i % 2 else white, 32))
    parts += [
        lathe([(1.2, 14.8), (1.9, 14.9), (1.9, 15.1), (0, 15.1)], detail("gallery", "metal", 60, 62, 68), 32),
        moved(tube(0.8, 1.6, PANE, sides=16), 0, 0, 15.1),
    ]
    parts += [ball(0.4, LIGHT, (0, 0, 15.9)), lathe([(1.1, 16.7), (1.05, 16.85), (0.15, 17.8), (0, 17.85)], red, 32)]
    parts += [
        around(moved(tube(0.03, 0.9, DARK, sides=6), 1.8, 0, 15.1), 16),
        ring([(1.77, 16.0), (1.8, 16.03), (1.83, 16.0), (1.8, 15.97)], DARK, 32),
    ]
    return joined(
        *parts, _opening(0.9, 1.9, 0, -2.0, 1.8, DOOR), _opening(0.5, 0.8, 0, -1.62, 6.5, PANE), _opening(0.5, 0.8, 0, -1.38, 10.5, PANE)
    )


def windmill(rng: Rng) -> Shell:
    """A tower mill with four sails."""
    body = lathe([(2.6, 0), (2.5, 0.3), (1.6, 7.5), (1.7, 7.6), (1.7, 7.8)], PLASTER, 16)
    cap = moved(lathe([(1.75, 0), (1.6, 0.6), (0.9, 1.3), (0, 1.55)], ROOF, 16), 0, 0, 7.75)
    hub = [moved(turned(tube(0.16, 1.2, DARK, sides=12), "x", 90), 0, -1.4, 8.3)]
    for i in range(4):
        spar = [box((0.12, 0.1, 4.6), DOOR, (0, 0, 2.3)), box((0.95, 0.04, 3.3), detail("sail", "cloth", 232, 222, 198), (0.5, 0, 2.8))]
        spar += [box((1.0, 0.06, 0.06), DOOR, (0.5, -0.03, z)) for z in (1.2, 2.0, 2.8, 3.6, 4.4)]
        hub.append(moved(turned(joined(*spar), "y", 45 + 90 * i), 0, -2.5, 8.3))
    return joined(body, cap, *hub, _opening(1.0, 2.0, 0, -2.45, 1.0, DOOR), _opening(0.7, 0.9, 0, -2.0, 4.4, PANE))


def skyscraper(rng: Rng, *, floors: int = 20) -> Shell:
    """A tower block with rows of windows, a plinth and a stepped top."""
    story, width, depth = 3.4, 18.0, 15.0
    concrete = Slot("wall", "stone", (190, 190, 188))
    cut = int(floors * 0.75)
    parts = [box((width + 3, depth + 3, 4.5), concrete, (0, 0, 2.25), 0.1)]
    for i in range(floors):
        w, d = (width, depth) if i < cut else (width * 0.7, depth * 0.7)
        z = 4.5 + i * story
        parts += [
            box((w, d, story * 0.36), concrete, (0, 0, z + story * 0.18), 0.05),
            box((w - 0.5, d - 0.5, story * 0.64), PANE, (0, 0, z + story * 0.68)),
        ]
    for w, d, low, high in ((width, depth, 4.5, 4.5 + cut * story), (width * 0.7, depth * 0.7, 4.5 + cut * story, 4.5 + floors * story)):
        columns = [(x, sy * d / 2) for x in np.linspace(-w / 2, w / 2, 6) for sy in (-1, 1)] + [
            (sx * w / 2, y) for y in np.linspace(-d / 2, d / 2, 5)[1:-1] for sx in (-1, 1)
        ]
        parts += [box((0.5, 0.5, high - low), concrete, (x, y, (low + high) / 2)) for x, y in columns]
    top = 4.5 + floors * story
    return joined(
        *parts,
        box((width * 0.7, depth * 0.7, 0.8), concrete, (0, 0, top + 0.4)),
        moved(tube(0.2, 9, DARK, 0.05, sides=8), 0, 0, top + 0.8),
        _opening(3.0, 3.0, 0, -depth / 2 - 1.5, 1.5, PANE),
    )


def tent(rng: Rng) -> Shell:
    """A ridge tent with an open flap."""
    cloth = Slot("body", "cloth", (206, 136, 62))
    body = prism([(-1.1, 0), (1.1, 0), (0, 1.5)], 2.4, cloth)
    flap = prism([(-0.45, 0), (0.45, 0), (0, 1.15)], 0.04, detail("opening", "cloth", 60, 46, 38))
    poles = [moved(tube(0.03, 1.62, DOOR, sides=8), 0, s * 1.22) for s in (-1, 1)]
    ropes = [sweep([(s * 0.0, t * 1.22, 1.5), (s * 1.5, t * 1.6, 0)], 0.012, TRIM, 6) for s in (-1, 1) for t in (-1, 1)]
    return joined(body, moved(flap, 0, -1.2), *poles, *ropes)


def bridge(rng: Rng, *, length: float = 10.0, width: float = 3.0) -> Shell:
    """An arched stone bridge with parapets."""
    x = np.linspace(-length / 2, length / 2, 21)
    deck = 1.2 + 1.1 * np.cos(np.pi * x / length)
    under = np.where(np.abs(x) < length * 0.32, 1.75 * np.sqrt(np.maximum(1 - (x / (length * 0.32)) ** 2, 0)), 0.0)

    def band(low: np.ndarray, high: np.ndarray, y: float, thick: float, slot: Slot) -> Shell:
        return loft(
            np.stack(
                [
                    np.array([(a, y - thick / 2, b), (a, y + thick / 2, b), (a, y + thick / 2, c), (a, y - thick / 2, c)])
                    for a, b, c in zip(x, low, high, strict=True)
                ]
            ),
            slot,
        )

    parts = [band(np.minimum(under, deck - 0.25), deck, 0, width, STONE)]
    for s in (-1, 1):
        parts += [
            band(deck - 0.02, deck + 0.55, s * (width / 2 - 0.12), 0.24, STONE),
            band(deck + 0.55, deck + 0.66, s * (width / 2 - 0.12), 0.36, STONE),
        ]
    parts.append(band(deck - 0.02, deck + 0.03, 0, width - 0.5, detail("way", "stone", 176, 164, 140)))
    return joined(*parts)


def well(rng: Rng) -> Shell:
    """A stone well with a roof, a winch and a bucket's rope."""
    parts = [ring([(0.62, 0), (0.85, 0), (0.85, 0.72), (0.62, 0.72)], STONE, 32)]
    for row in range(4):
        parts.append(around(box((0.09, 0.4, 0.16), STONE, (0.83, 0, 0.09 + 0.18 * row), 0.02), 12, 15 * (row % 2)))
    parts += [ring([(0.56, 0.7), (0.94, 0.7), (0.94, 0.82), (0.56, 0.82)], STONE, 32), moved(tube(0.66, 0.03, WATER), 0, 0, 0.2)]
    parts += [box((0.12, 0.12, 2.0), WOOD, (s * 0.75, 0, 1.0), 0.012) for s in (-1, 1)]
    parts.append(moved(turned(tube(0.08, 1.6, WOOD, sides=12), "y", 90), -0.8, 0, 1.35))
    parts.append(sweep([(0.05, 0, 1.3), (0.05, -0.02, 0.3)], 0.014, TRIM, 6))
    for s in (-1, 1):
        parts.append(moved(turned(box((2.0, 0.95, 0.06), ROOF, (0, 0, 0), 0.015), "x", s * 38), 0, -s * 0.34, 2.13))
    return joined(*parts)


def road(rng: Rng, *, length: float = 12.0, width: float = 5.0) -> Shell:
    """A straight road with a broken center line, along Y."""
    parts = [
        box((width, length, 0.06), Slot("body", "stone", (74, 74, 78)), (0, 0, 0.03)),
        *(box((0.5, length, 0.12), STONE, (s * (width / 2 + 0.25), 0, 0.06), 0.02) for s in (-1, 1)),
    ]
    count = max(1, int(length / 2.4))
    parts += [box((0.14, 1.3, 0.01), TRIM, (0, -length / 2 + length * (i + 0.5) / count, 0.063)) for i in range(count)]
    return joined(*parts)


def fountain(rng: Rng) -> Shell:
    """A round fountain in two bowls."""
    basin = ring([(1.35, 0), (1.7, 0), (1.7, 0.4), (1.78, 0.44), (1.78, 0.54), (1.35, 0.54)], STONE, 40)
    column = lathe(
        [
            (0.4, 0),
            (0.4, 0.12),
            (0.2, 0.3),
            (0.16, 0.7),
            (0.25, 1.0),
            (0.8, 1.25),
            (0.86, 1.33),
            (0.76, 1.33),
            (0.2, 1.22),
            (0.12, 1.6),
            (0.3, 1.8),
            (0.36, 1.85),
            (0.3, 1.87),
            (0, 1.82),
        ],
        STONE,
        32,
    )
    return joined(basin, column, moved(tube(1.4, 0.05, WATER, sides=40), 0, 0, 0.36), moved(tube(0.72, 0.02, WATER, sides=32), 0, 0, 1.28))


def streetlight(rng: Rng) -> Shell:
    """An old street lantern on its post."""
    iron = Slot("body", "metal", (48, 52, 56))
    post = lathe(
        [(0.2, 0), (0.2, 0.12), (0.12, 0.25), (0.09, 0.8), (0.05, 0.9), (0.04, 2.9), (0.08, 2.95), (0.03, 3.0), (0.14, 3.08), (0.14, 3.1)],
        iron,
        16,
    )
    glass = moved(scaled(tube(0.13, 0.36, LIGHT, 0.19, sides=6), 1), 0, 0, 3.1)
    cap = moved(lathe([(0.23, 0), (0.22, 0.05), (0.06, 0.18), (0.03, 0.24), (0, 0.3)], iron, 6), 0, 0, 3.46)
    return joined(post, glass, cap, around(sweep([(0.145, 0, 3.1), (0.2, 0, 3.47)], 0.012, iron, 6), 6))


def gravestone(rng: Rng) -> Shell:
    """A gravestone with a rounded top on its base."""
    top = [(0.3 * np.cos(a), 0.65 + 0.3 * np.sin(a)) for a in np.linspace(0, np.pi, 13)]
    stone = prism([(-0.3, 0.1), (0.3, 0.1), *top], 0.14, STONE, 0.012)
    cross = [
        box((0.05, 0.02, 0.3), detail("cross", "stone", 92, 90, 86), (0, -0.075, 0.62)),
        box((0.18, 0.02, 0.05), detail("cross", "stone", 92, 90, 86), (0, -0.075, 0.66)),
    ]
    return joined(stone, box((0.8, 0.34, 0.14), STONE, (0, 0, 0.07), 0.02), *cross)


def mailbox(rng: Rng) -> Shell:
    """A mailbox on a post with its flag up."""
    outline = [(-0.09, 0), (0.09, 0), *((0.09 * np.cos(a), 0.12 + 0.09 * np.sin(a)) for a in np.linspace(0, np.pi, 11))]
    body = moved(prism(outline, 0.45, Slot("body", "metal", (60, 92, 142)), 0.006), 0, 0, 1.0)
    flag = joined(
        box((0.012, 0.02, 0.2), DARK, (0.1, 0.08, 1.16)), box((0.012, 0.1, 0.07), detail("flag", "paint", 200, 40, 36), (0.1, 0.03, 1.24))
    )
    return joined(box((0.09, 0.09, 1.0), WOOD, (0, 0, 0.5), 0.01), body, flag, ball(0.014, BRASS, (0, -0.235, 1.16), 6, 12))


def sign(rng: Rng) -> Shell:
    """A wooden signpost with two arrows."""
    wood = Slot("body", "wood", (156, 112, 68))
    arrow = prism([(-0.35, -0.1), (0.3, -0.1), (0.45, 0.0), (0.3, 0.1), (-0.35, 0.1)], 0.04, wood, 0.006)
    return joined(
        box((0.11, 0.11, 1.9), wood, (0, 0, 0.95), 0.012),
        moved(arrow, 0.1, -0.075, 1.6),
        moved(turned(arrow, "z", 168), -0.1, -0.075, 1.32),
        moved(blob((0.5, 0.5, 0.2), STONE, rng, 0.15, 2, 6), 0, 0, 0.07),
    )


def statue(rng: Rng) -> Shell:
    """A draped standing figure on a pedestal, abstracted to turned forms."""
    stone = Slot("body", "marble", (216, 212, 204))
    base = [
        box((0.8, 0.8, 0.16), stone, (0, 0, 0.08), 0.02),
        box((0.62, 0.62, 0.6), stone, (0, 0, 0.46), 0.015),
        box((0.74, 0.74, 0.1), stone, (0, 0, 0.81), 0.02),
    ]
    robe = scaled(
        lathe([(0.24, 0.86), (0.25, 0.9), (0.2, 1.3), (0.15, 1.62), (0.2, 1.95), (0.2, 2.08), (0.07, 2.18), (0.06, 2.26)], stone, 20),
        1.0,
        0.72,
        1.0,
    )
    fold = 0.02 * np.sin(7 * np.arctan2(robe.vertices[:, 1], robe.vertices[:, 0])) * np.clip((1.7 - robe.vertices[:, 2]) / 0.8, 0, 1)
    robe.vertices[:, :2] *= (1 + 2.5 * fold)[:, None]
    head = scaled(ball(0.115, stone), 0.85, 1, 1.2)
    arms = [
        sweep([(s * 0.19, 0, 2.03), (s * 0.27, -0.03, 1.75), (s * 0.12, -0.2, 1.62 + 0.1 * s)], [0.06, 0.05, 0.035], stone, 10)
        for s in (-1, 1)
    ]
    return joined(*base, robe, moved(head, 0, -0.01, 2.38), *arms)


def fireplace(rng: Rng) -> Shell:
    """A brick fireplace with a mantel and a fire."""
    brick = Slot("body", "brick", (158, 84, 66))
    parts = [box((0.35, 0.5, 1.1), brick, (s * 0.6, 0, 0.55)) for s in (-1, 1)]
    parts += [
        box((1.55, 0.5, 0.3), brick, (0, 0, 1.1)),
        box((1.0, 0.08, 1.1), DARK, (0, 0.2, 0.55)),
        box((1.8, 0.66, 0.09), WOOD, (0, -0.05, 1.29), 0.015),
        box((1.8, 0.9, 0.08), STONE, (0, -0.15, 0.04), 0.01),
    ]
    logs = [
        moved(turned(turned(tube(0.06, 0.6, detail("log", "wood", 92, 62, 40), sides=10), "y", 90), "z", a), x, y, z)
        for a, x, y, z in ((12, -0.3, -0.1, 0.15), (-14, -0.28, 0.06, 0.15), (4, -0.3, 0.0, 0.26))
    ]
    flames = [
        moved(lathe([(0, 0), (0.07 * s, 0.06), (0.05 * s, 0.18), (0, 0.4 * s)], LIGHT, 10), x, 0, 0.26)
        for s, x in ((1.0, 0.0), (0.75, -0.15), (0.7, 0.16))
    ]
    return joined(*parts, *logs, *flames)


def _opening(width: float, height: float, x: float, y: float, z: float, slot: Slot) -> Shell:
    """A door or a window in a wall whose outside looks along -Y at `y`, around the middle (x, z)."""
    bar = min(0.12, width * 0.12)
    parts = [box((width + 2 * bar, 0.16, bar), TRIM, (x, y, z + s * (height + bar) / 2)) for s in (-1, 1)]
    parts += [box((bar, 0.16, height), TRIM, (x + s * (width + bar) / 2, y, z)) for s in (-1, 1)]
    parts.append(box((width, 0.08, height), slot, (x, y, z)))
    if slot.part == "window" and width > 0.7:
        parts += [box((bar * 0.5, 0.12, height), TRIM, (x, y, z)), box((width, 0.12, bar * 0.5), TRIM, (x, y, z))]
    if slot.part == "door":
        parts.append(ball(0.05, BRASS, (x + width * 0.36, y - 0.07, z), 6, 12))
    return joined(*parts)


def _battlement(width: float, height: float) -> Shell:
    count = max(2, int(width / 1.4))
    body = box((width, 1.1, height), WALL, (0, 0, height / 2))
    return joined(
        body,
        at(
            box((width / count * 0.55, 0.4, 0.8), WALL, (0, -0.35, height + 0.4), 0.03),
            [(-width / 2 + width * (i + 0.5) / count, 0, 0) for i in range(count)],
        ),
    )


def _flag() -> Shell:
    pole = tube(0.05, 1.7, DARK, sides=8)
    return joined(pole, moved(prism([(0, 0), (0.0, 0.6), (1.1, 0.3)], 0.03, detail("flag", "cloth", 190, 48, 44)), 0.03, 0, 1.0))
