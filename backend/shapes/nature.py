"""Nature: trees, bushes, flowers, mushrooms, rocks, clouds, hills, snow, sky."""

from __future__ import annotations

import numpy as np

from .looks import DARK, GRASS, LEAVES, SNOW, STEM, STONE, TRUNK, WATER, detail
from .solids import (
    Shell,
    Slot,
    around,
    at,
    ball,
    blob,
    joined,
    lathe,
    loft,
    moved,
    prism,
    scaled,
    sweep,
    terrain,
    tube,
    turned,
)

Rng = np.random.Generator
PETALS = {"rose": (196, 36, 56), "tulip": (222, 66, 74), "sunflower": (244, 190, 44), "flower": (226, 120, 168)}


def tree(rng: Rng, *, height: float = 6.0) -> Shell:
    """A broad-leaved tree: a forked trunk and a crown of blobs."""
    fork = height * rng.uniform(0.36, 0.42)
    parts = [
        sweep(
            [(0, 0, 0), (0.02 * height * rng.normal(), 0, fork * 0.5), (0, 0, fork), (0.01, 0, height * 0.62)],
            [0.055 * height, 0.036 * height, 0.03 * height, 0.014 * height],
            TRUNK,
            12,
        )
    ]
    crowns = [(0.0, 0.0, 0.78, 0.46)]
    for i in range(5):
        a = 2 * np.pi * (i + rng.uniform(-0.15, 0.15)) / 5
        reach, z = rng.uniform(0.17, 0.22), rng.uniform(0.53, 0.66)
        crowns.append((reach * np.cos(a), reach * np.sin(a), z, rng.uniform(0.28, 0.36)))
        parts.append(
            sweep(
                [
                    (0, 0, fork * 0.92),
                    (reach * 0.5 * np.cos(a) * height, reach * 0.5 * np.sin(a) * height, fork + 0.1 * height),
                    (reach * np.cos(a) * height, reach * np.sin(a) * height, z * height),
                ],
                [0.022 * height, 0.015 * height, 0.007 * height],
                TRUNK,
                8,
            )
        )
    for x, y, z, size in crowns:
        parts.append(
            moved(blob((size * height, size * height, size * height * 0.86), LEAVES, rng, 0.12, 4.0, 9), x * height, y * height, z * height)
        )
    return joined(*parts)


def pine(rng: Rng, *, height: float = 7.0, tiers: int = 5, snowy: bool = False) -> Shell:
    """A conifer of drooping tiers."""
    needles = Slot("leaves", "leaf", (46, 92, 56))
    parts = [tube(0.035 * height, height * 0.5, TRUNK, 0.02 * height, sides=10)]
    for i in range(tiers):
        low = height * (0.16 + 0.7 * i / tiers)
        wide = height * 0.26 * (1 - 0.78 * i / tiers)
        tall = height * (1.0 - 0.16) / tiers * 1.75
        angle = 2 * np.pi * (np.arange(20) + 0.5) / 20 + i
        jag = 1 + 0.13 * np.where(np.arange(20) % 2, 1, -1) + 0.04 * rng.normal(size=20)
        rows = []
        for r, z, k in ((0.2, 0.1, 0.0), (0.75, -0.02, 0.6), (1.0, 0.0, 1.0), (0.5, 0.42, 0.5), (0.0, 1.0, 0.0)):
            radius = wide * r * (1 + k * (jag - 1))
            rows.append(np.column_stack((radius * np.cos(angle), radius * np.sin(angle), low + z * min(tall, height - low) + 0 * angle)))
        parts.append(loft(np.stack(rows), needles))
    return joined(*parts)


def palm(rng: Rng, *, height: float = 6.0) -> Shell:
    """A palm with a curved, ringed trunk, fronds and coconuts."""
    lean = 0.16 * height
    t = np.linspace(0, 1, 17)
    path = np.column_stack((lean * t**2, 0 * t, height * 0.9 * t))
    radii = np.where(np.arange(17) % 2, 1.12, 0.92) * (0.034 - 0.014 * t) * height
    parts = [sweep(path, radii, TRUNK, 10)]
    top = path[-1]
    for i in range(11):
        a, droop = 2 * np.pi * i / 11 + rng.uniform(-0.15, 0.15), rng.uniform(0.7, 1.25)
        s = np.linspace(0, 1, 8)
        reach = height * 0.4
        spine = np.column_stack((reach * s, 0 * s, reach * (0.42 * s - 0.62 * droop * s**2)))
        width = 0.05 * height * np.sin(np.pi * np.clip(0.1 + 0.9 * s, 0, 1)) ** 0.7 + 0.004 * height
        rows = np.stack(
            [
                np.array([(x, -w, z - w * 0.55), (x, 0, z), (x, w, z - w * 0.55), (x, 0, z - 0.012 * height)])
                for (x, _, z), w in zip(spine, width, strict=True)
            ]
        )
        parts.append(moved(turned(loft(rows, Slot("leaves", "leaf", (84, 138, 60))), "z", np.degrees(a)), *top))
    parts += [
        ball(
            0.022 * height,
            detail("nut", "wood", 104, 72, 44),
            (top[0] + 0.035 * height * np.cos(a), 0.035 * height * np.sin(a), top[2] - 0.03 * height),
            8,
            12,
        )
        for a in (0.4, 2.4, 4.5)
    ]
    return joined(*parts)


def bush(rng: Rng, *, size: float = 1.2) -> Shell:
    """A rounded bush of blobs."""
    parts = [moved(blob((size * 0.75, size * 0.75, size * 0.7), LEAVES, rng, 0.12, 4.0, 9, 0.12), 0, 0, size * 0.33)]
    for i in range(5):
        a, r = 2 * np.pi * i / 5 + rng.uniform(0, 0.5), size * rng.uniform(0.26, 0.32)
        s = size * rng.uniform(0.4, 0.54)
        parts.append(moved(blob((s, s, s * 0.9), LEAVES, rng, 0.12, 4.0, 8, 0.12), r * np.cos(a), r * np.sin(a), s * 0.42))
    shell = joined(*parts)
    return moved(shell, 0, 0, -shell.low[2])


def flower(rng: Rng, *, kind: str = "flower", height: float = 0.45) -> Shell:
    """A flower with stem and leaves: daisy-like, rose, tulip or sunflower."""
    bend = rng.uniform(-0.02, 0.02)
    petals = Slot("petals", "skin", PETALS[kind])
    parts = [sweep([(0, 0, 0), (bend, 0, height * 0.5), (0, 0, height)], 0.006, STEM, 8)]
    leaf = moved(turned(scaled(ball(0.06, STEM, rings=6, sides=10), 1.0, 0.42, 0.1), "y", -38), 0.05, 0, 0)
    parts += [moved(turned(leaf, "z", 40), 0, 0, height * 0.32), moved(turned(leaf, "z", 215), 0, 0, height * 0.45)]
    if kind == "tulip":
        petal = moved(turned(scaled(ball(0.05, petals, rings=8, sides=12), 0.25, 0.75, 1.2), "y", 6), 0.03, 0, 0.05)
        parts.append(moved(around(petal, 6), 0, 0, height))
    elif kind == "rose":
        for radius, count, size, tilt in ((0.008, 3, 0.024, 4), (0.02, 5, 0.03, 16), (0.034, 6, 0.034, 36)):
            petal = moved(
                turned(scaled(ball(size, petals, rings=6, sides=12), 0.28, 1.0, 1.1), "y", tilt), radius, 0, 0.022 - radius * 0.25
            )
            parts.append(moved(around(petal, count, radius * 900), 0, 0, height + 0.006))
    else:
        big = kind == "sunflower"
        heart = detail("heart", "skin", *((86, 56, 34) if big else (246, 206, 76)))
        disc = lathe(
            [(0.04 if big else 0.016, -0.006), (0.046 if big else 0.019, 0), (0.036 if big else 0.013, 0.012), (0, 0.016)], heart, 16
        )
        length, count = (0.04, 18) if big else (0.034, 9)
        petal = moved(
            scaled(ball(length, petals, rings=6, sides=10), 1.0, 0.36 if big else 0.5, 0.1), (0.046 if big else 0.018) + length * 0.75
        )
        head = joined(disc, around(petal, count), moved(turned(around(scaled(petal, 0.9), count), "z", 180 / count), 0, 0, -0.004))
        parts.append(moved(turned(head, "x", 62 if big else 24), 0, 0, height))
    return joined(*parts)


def cactus(rng: Rng) -> Shell:
    """A saguaro with two arms in its ribbed skin."""
    green = Slot("body", "leaf", (78, 132, 76))

    def limb(path: list[tuple[float, float, float]], radius: float) -> Shell:
        return sweep(np.asarray(path), [radius * 0.96, radius, radius, radius, radius * 0.9, radius * 0.25], green, 14)

    trunk = limb([(0, 0, 0), (0, 0, 0.4), (0, 0, 0.9), (0, 0, 1.35), (0, 0, 1.55), (0, 0, 1.64)], 0.17)
    left = limb([(-0.1, 0, 0.62), (-0.3, 0, 0.64), (-0.42, 0, 0.72), (-0.45, 0, 0.9), (-0.45, 0, 1.08), (-0.45, 0, 1.15)], 0.1)
    right = limb([(0.1, 0, 0.8), (0.28, 0, 0.82), (0.38, 0, 0.9), (0.4, 0, 1.05), (0.4, 0, 1.26), (0.4, 0, 1.33)], 0.095)
    bloom = at(scaled(ball(0.05, detail("bloom", "skin", 232, 104, 150), rings=6, sides=10), 1, 1, 0.7), [(0, 0, 1.65), (-0.45, 0, 1.16)])
    return joined(trunk, left, right, bloom)


def grass(rng: Rng, *, blades: int = 26) -> Shell:
    """A tuft of grass blades."""
    parts = []
    for _ in range(blades):
        a, r, tall, bend = rng.uniform(0, 2 * np.pi), 0.09 * np.sqrt(rng.uniform()), rng.uniform(0.14, 0.3), rng.uniform(0.02, 0.1)
        x, y = r * np.cos(a), r * np.sin(a)
        path = [
            (x, y, 0),
            (x + 0.3 * bend * np.cos(a), y + 0.3 * bend * np.sin(a), tall * 0.6),
            (x + bend * np.cos(a), y + bend * np.sin(a), tall),
        ]
        parts.append(sweep(path, [0.006, 0.005, 0.0008], Slot("body", "leaf", (92, 148, 58)), 4))
    return joined(*parts)


def mushroom(rng: Rng) -> Shell:
    """A toadstool with a spotted cap."""
    cap = lathe(
        [(0, 0.115), (0.02, 0.112), (0.072, 0.098), (0.086, 0.104), (0.08, 0.13), (0.058, 0.16), (0.028, 0.176), (0, 0.18)],
        Slot("cap", "skin", (196, 40, 38)),
    )
    stem = lathe([(0.034, 0), (0.036, 0.01), (0.024, 0.05), (0.022, 0.1), (0.026, 0.122)], detail("stem", "skin", 238, 228, 208), 16)
    skirt = lathe([(0.022, 0.085), (0.042, 0.078), (0.022, 0.092)], detail("stem", "skin", 238, 228, 208), 16)
    spots = []
    for a, t in [(0.3, 0.0), *((2 * np.pi * i / 6, 0.55) for i in range(6)), *((2 * np.pi * (i + 0.5) / 8, 0.9) for i in range(8))]:
        r, z = 0.084 * np.sin(t * 1.45), 0.105 + 0.075 * np.cos(t * 1.45)
        spots.append(
            moved(
                scaled(ball(0.011 if t < 0.8 else 0.007, detail("spot", "skin", 246, 240, 226), rings=6, sides=10), 1, 1, 0.6),
                r * np.cos(a),
                r * np.sin(a),
                z,
            )
        )
    return joined(stem, skirt, cap, *spots)


def rock(rng: Rng, *, size: float = 0.6) -> Shell:
    """A rock: a cut blob with a flat foot."""
    shell = blob((size, size * rng.uniform(0.7, 0.9), size * rng.uniform(0.55, 0.75)), STONE, rng, 0.26, 2.2, 9, 0.16)
    for _ in range(9):
        normal = rng.normal(size=3) + (0, 0, 0.3)
        normal /= np.linalg.norm(normal)
        reach = shell.vertices @ normal
        over = np.maximum(reach - np.quantile(reach, 0.86), 0)
        shell.vertices[:] -= over[:, None] * 0.9 * normal
    return moved(shell, 0, 0, -shell.low[2])


def log(rng: Rng, *, stump: bool = False) -> Shell:
    """A log, lying, or a stump with roots; its cut shows rings."""
    bark, cut = Slot("body", "wood", (108, 78, 52)), detail("cut", "wood", 206, 168, 116)
    if stump:
        parts = [lathe([(0.3, 0), (0.27, 0.06), (0.23, 0.18), (0.22, 0.4)], bark, 20), moved(tube(0.2, 0.012, cut), 0, 0, 0.394)]
        roots = [
            sweep(
                [
                    (0.18 * np.cos(a), 0.18 * np.sin(a), 0.16),
                    (0.32 * np.cos(a), 0.32 * np.sin(a), 0.05),
                    (0.45 * np.cos(a), 0.45 * np.sin(a), 0.01),
                ],
                [0.07, 0.05, 0.02],
                bark,
                8,
            )
            for a in np.linspace(0, 2 * np.pi, 6)[:5]
        ]
        shell = joined(
            *parts,
            *roots,
            *(moved(tube(r, 0.004, detail("grain", "wood", 168, 126, 80)), 0, 0, 0.404 + i * 0.002) for i, r in enumerate((0.14, 0.08))),
        )
        return moved(shell, 0, 0, -min(0.0, shell.low[2]))
    body = turned(lathe([(0.15, -0.6), (0.16, -0.56), (0.155, 0.0), (0.165, 0.5), (0.15, 0.6)], bark, 20), "y", 90)
    ends = [moved(turned(tube(0.14, 0.01, cut), "y", 90), x) for x in (-0.605, 0.595)]
    twig = sweep([(0.2, 0, 0.1), (0.26, 0.02, 0.28)], [0.04, 0.025], bark, 8)
    shell = joined(body, *ends, twig)
    return moved(shell, 0, 0, -shell.low[2])


def cloud(rng: Rng, *, size: float = 6.0) -> Shell:
    """A flat-bottomed cloud of blobs."""
    white = Slot("body", "cloud", (244, 246, 250))
    parts = []
    for x, s in ((0.0, 0.5), (-0.24, 0.36), (0.25, 0.4), (-0.42, 0.22), (0.44, 0.24), (0.08, 0.38)):
        s *= rng.uniform(0.9, 1.1)
        part = blob((s * size, s * size * 0.8, s * size * 0.8), white, rng, 0.05, 2.0, 10, 0.25)
        parts.append(moved(part, x * size, rng.uniform(-0.08, 0.08) * size, -part.low[2]))
    return joined(*parts)


def hill(rng: Rng, *, kind: str = "hill", size: float = 20.0) -> Shell:
    """A hill, mountain, volcano or island as a height field on its foot."""
    phases, waves = rng.uniform(0, 2 * np.pi, (5, 2)), rng.uniform(2, 6, (5, 2))

    def bumps(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return sum(np.sin(w[0] * x + p[0]) * np.sin(w[1] * y + p[1]) for w, p in zip(waves, phases, strict=True)) / 5

    def height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        r = np.minimum(np.hypot(x, y), 1.0)
        soft = (1 - r**2) ** 2
        if kind == "hill":
            return size * (0.2 * soft + 0.05 * bumps(x, y) * soft)
        if kind == "island":
            return size * (0.1 * soft + 0.05 * bumps(x, y) * soft)
        ridge = 1 - np.abs(bumps(1.6 * x, 1.6 * y)) * 0.9
        peak = (1 - r) ** 1.25
        if kind == "volcano":
            return size * np.where(r < 0.13, 0.42 - 0.6 * (0.13 - r), 0.56 * peak + 0.02 * bumps(4 * x, 4 * y) * soft)
        return size * (0.62 * peak * ridge + 0.05 * bumps(3 * x, 3 * y) * soft)

    slot = GRASS if kind in ("hill", "island") else STONE
    steps = 33 if kind in ("hill", "island") else 49
    ground = terrain((size, size), height, slot, steps, -0.02 * size)
    ground = _rounded(ground, size)
    parts = [moved(ground, 0, 0, 0.02 * size)]
    if kind == "mountain":
        parts = [_capped(parts[0], SNOW, 0.36 * size)]
    if kind == "volcano":
        parts.append(moved(tube(0.12 * size, 0.01 * size, detail("lava", "light", 255, 96, 24), sides=20), 0, 0, 0.375 * size))
    if kind == "island":
        sand = moved(
            lathe(
                [(0.5 * size, 0), (0.47 * size, 0.012 * size), (0.4 * size, 0.035 * size), (0, 0.04 * size)],
                detail("sand", "stone", 228, 206, 156),
                40,
            ),
            0,
            0,
            0,
        )
        sea = moved(tube(0.62 * size, 0.012 * size, WATER, sides=48), 0, 0, 0)
        parts += [
            sand,
            sea,
            *(moved(palm(rng, height=0.26 * size), x * size, y * size, 0.07 * size) for x, y in ((0.06, 0.02), (-0.1, 0.08))),
        ]
    return joined(*parts)


def snowman(rng: Rng) -> Shell:
    """A snowman of three balls with hat, carrot and arms."""
    snow = Slot("body", "snow", (242, 246, 250))
    parts = [ball(r, snow, (0, 0, z), 14, 24) for r, z in ((0.36, 0.32), (0.27, 0.83), (0.19, 1.2))]
    nose = moved(turned(tube(0.032, 0.19, detail("nose", "skin", 236, 122, 40), 0.004, sides=10), "x", 90), 0, -0.16, 1.2)
    coal = at(
        ball(0.024, DARK, rings=6, sides=10),
        [(s * 0.07, -0.165, 1.27) for s in (-1, 1)] + [(0, -0.262, 0.92), (0, -0.272, 0.81), (0, -0.25, 0.7)],
    )
    hat = joined(
        lathe([(0.2, 1.35), (0.2, 1.368), (0.13, 1.37), (0.135, 1.6), (0, 1.605)], detail("hat", "cloth", 40, 40, 46)),
        lathe([(0.135, 1.372), (0.139, 1.42), (0.13, 1.425)], detail("band", "cloth", 176, 44, 44)),
    )
    arms = [sweep([(s * 0.22, 0, 0.92), (s * 0.45, -0.03, 1.04), (s * 0.62, -0.02, 1.16)], [0.02, 0.016, 0.01], TRUNK, 8) for s in (-1, 1)]
    return joined(*parts, nose, coal, hat, *arms)


def sphere(rng: Rng, *, kind: str = "moon", radius: float = 1.0) -> Shell:
    """The moon with craters, the sun with rays, or a planet with a ring."""
    if kind == "sun":
        rays = [
            turned(
                prism(
                    [(-0.16 * radius, 1.08 * radius), (0.16 * radius, 1.08 * radius), (0, 1.5 * radius)],
                    0.14 * radius,
                    detail("rays", "light", 255, 172, 52),
                ),
                "y",
                30 * i,
            )
            for i in range(12)
        ]
        return moved(joined(ball(radius, Slot("body", "light", (255, 206, 84))), *rays), 0, 0, 1.5 * radius)
    if kind == "planet":
        from .solids import ring

        disc = ring(
            [(1.35 * radius, 0), (1.95 * radius, 0.012 * radius), (1.95 * radius, -0.012 * radius), (1.35 * radius, -0.012 * radius)],
            detail("ring", "stone", 206, 182, 140),
            48,
        )
        return moved(turned(joined(ball(radius, Slot("body", "stone", (204, 158, 108))), disc), "y", 18), 0, 0, radius)
    shell = blob((2 * radius,) * 3, Slot("body", "stone", (202, 200, 192)), rng, 0.0, 1.0, 21)
    unit = shell.vertices / np.linalg.norm(shell.vertices, axis=1, keepdims=True)
    depth = np.zeros(len(unit))
    for _ in range(16):
        center = rng.normal(size=3)
        reach = np.arccos(np.clip(unit @ (center / np.linalg.norm(center)), -1, 1)) / rng.uniform(0.14, 0.4)
        depth += np.where(reach < 1, -0.05 * (1 - reach**2), 0.02 * np.exp(-((reach - 1.1) ** 2) / 0.03))
    shell.vertices[:] *= (1 + depth)[:, None]
    return moved(shell, 0, 0, -shell.low[2])


def star(rng: Rng) -> Shell:
    """A five-pointed star, upright, thickest at its middle."""
    a = np.pi / 2 + 2 * np.pi * np.arange(10) / 10
    r = np.where(np.arange(10) % 2, 0.21, 0.5)
    flat = np.column_stack((r * np.cos(a), 0 * a, r * np.sin(a)))
    rings = np.stack([flat * 0.0 + (0, -0.13, 0), flat + (0, -0.02, 0), flat + (0, 0.02, 0), flat * 0.0 + (0, 0.13, 0)])
    return moved(loft(rings, Slot("body", "gold", (240, 190, 60))), 0, 0, 0.405)


def _rounded(shell: Shell, size: float) -> Shell:
    """A square height field pressed onto a disc."""
    square = shell.vertices[:, :2] / (size / 2)
    largest = np.abs(square).max(axis=1)
    radius = np.linalg.norm(square, axis=1)
    shell.vertices[:, :2] *= (largest / np.maximum(radius, 1e-9))[:, None]
    return shell


def _capped(shell: Shell, slot: Slot, height: float) -> Shell:
    """The faces above a height are of another slot."""
    over = shell.vertices[shell.faces].mean(axis=1)[:, 2] > height
    return Shell(
        shell.vertices, shell.faces, shell.uvs, np.where(over, len(shell.slots), shell.slot).astype(np.int32), (*shell.slots, slot)
    )
