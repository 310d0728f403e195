"""Closed shells of quads and the primitives that make them: box, loft, lathe, sweep, prism, blob, height field.

S is the number of points of a ring, R that of rings. Faces are counter-clockwise from outside; a triangle repeats its third corner.
UVs are in meters, so that a texture keeps its scale on everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..values import Array

ROUND = 24  # segments of a circle


class Slot(NamedTuple):
    """What a face is made of."""

    part: str  # "roof", "legs", "body" …
    template: str  # a material of `prompt.words.MATERIALS`' values, or "leaf", "skin", "paint", "light"
    srgb: tuple[int, int, int]
    main: bool = True  # takes the color and material that a sentence gives to the whole thing


@dataclass(frozen=True, eq=False)
class Shell:
    """One or several closed surfaces."""

    vertices: Array  # [V,3] float64, meters
    faces: Array  # [F,4] int32
    uvs: Array  # [F,4,2] float64, meters
    slot: Array  # [F] int32
    slots: tuple[Slot, ...]

    @property
    def low(self) -> Array:
        """The least coordinates, [3]."""
        return self.vertices.min(axis=0)

    @property
    def high(self) -> Array:
        """The greatest coordinates, [3]."""
        return self.vertices.max(axis=0)


def joined(*shells: Shell) -> Shell:
    """All of them as one, with each slot once."""
    slots = tuple(dict.fromkeys(slot for shell in shells for slot in shell.slots))
    starts = np.cumsum([0, *(len(shell.vertices) for shell in shells)])
    index = [np.array([slots.index(slot) for slot in shell.slots], dtype=np.int32) for shell in shells]
    return Shell(
        np.concatenate([shell.vertices for shell in shells]),
        np.concatenate([shell.faces + start for shell, start in zip(shells, starts, strict=False)]).astype(np.int32),
        np.concatenate([shell.uvs for shell in shells]),
        np.concatenate([of[shell.slot] for shell, of in zip(shells, index, strict=True)]),
        slots,
    )


def moved(shell: Shell, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Shell:
    """The shell elsewhere."""
    return replace(shell, vertices=shell.vertices + (x, y, z))


def scaled(shell: Shell, x: float, y: float | None = None, z: float | None = None) -> Shell:
    """The shell scaled about the origin; by one factor, or by one along each axis. All are positive."""
    factors = np.array([x, x if y is None else y, x if z is None else z])
    return replace(shell, vertices=shell.vertices * factors, uvs=shell.uvs * float(factors.mean()))


def turned(shell: Shell, axis: str, degrees: float) -> Shell:
    """The shell turned about "x", "y" or "z" through the origin, counter-clockwise."""
    a, b = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    angle = np.radians(degrees)
    vertices = shell.vertices.copy()
    vertices[:, a] = shell.vertices[:, a] * np.cos(angle) - shell.vertices[:, b] * np.sin(angle)
    vertices[:, b] = shell.vertices[:, a] * np.sin(angle) + shell.vertices[:, b] * np.cos(angle)
    return replace(shell, vertices=vertices)


def mirrored(shell: Shell) -> Shell:
    """The shell mirrored at x = 0."""
    return replace(shell, vertices=shell.vertices * (-1, 1, 1), faces=shell.faces[:, [1, 0, 3, 2]], uvs=shell.uvs[:, [1, 0, 3, 2]])


def around(shell: Shell, count: int, first: float = 0.0) -> Shell:
    """`count` copies turned about the Z axis, evenly."""
    return joined(*(turned(shell, "z", first + 360 * i / count) for i in range(count)))


def at(shell: Shell, places: Sequence[tuple[float, float, float]]) -> Shell:
    """A copy at each place."""
    return joined(*(moved(shell, *place) for place in places))


def tapered(shell: Shell, share: float) -> Shell:
    """The shell with its top drawn in, linearly, to a share of its width."""
    low, high = shell.low[2], shell.high[2]
    factor = 1 + (share - 1) * (shell.vertices[:, 2] - low) / (high - low)
    return replace(shell, vertices=shell.vertices * np.column_stack((factor, factor, np.ones(len(factor)))))


def box(size: Sequence[float], slot: Slot, center: Sequence[float] = (0, 0, 0), bevel: float = 0.0) -> Shell:
    """A box of quads whose edges are rounded by `bevel`."""
    half = np.asarray(size, dtype=np.float64) / 2
    bevel = min(bevel, 0.45 * float(half.min()) * 2)
    if bevel <= 0:
        signs = np.array([(x, y, z) for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)])
        faces = np.array([(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (3, 2, 6, 7), (1, 3, 7, 5), (2, 0, 4, 6)])
        return _shell(signs * half + center, faces, slot)
    inner = half - bevel
    steps = np.array([-1.0, -0.999, 0.999, 1.0])  # flat between the inner two, an arc of one segment beyond
    vertices, faces = _cube_grid(steps)
    core = np.sign(vertices) * inner
    away = np.where(np.abs(vertices) > 0.9995, np.sign(vertices), 0.0)
    points = core + bevel * away / np.linalg.norm(away, axis=1, keepdims=True)
    return _shell(points + center, faces, slot)


def loft(rings: Array, slot: Slot, loop: bool = False, fan: bool = False) -> Shell:
    """The surface through rings [R,S,3] of S points each, closed by caps, or to a ring of rings.

    A ring that is one point is a pole. Caps are strips of quads, right for convex rings; with `fan` they are fans about the middle,
    right for every ring that its middle sees all of.
    """
    rings = np.asarray(rings, dtype=np.float64)
    count, sides = rings.shape[:2]
    poles = [not loop and float(np.ptp(rings[i], axis=0).max()) < 1e-9 for i in range(count)]
    starts, vertices, total = [], [], 0
    for ring, pole in zip(rings, poles, strict=True):
        starts.append(total)
        vertices.append(ring[:1] if pole else ring)
        total += 1 if pole else sides
    faces, uvs = [], []
    along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(rings, axis=0), axis=2).mean(axis=1))))
    for i in range(count if loop else count - 1):
        j = (i + 1) % count
        s = np.arange(sides)
        t = (s + 1) % sides
        a, b, c, d = (starts[i] + (0 * k if poles[i] else k) for k in (s, t, t, s))
        c, d = (starts[j] + (0 * k if poles[j] else k) for k in (t, s))
        width = max(float(np.linalg.norm(np.roll(rings[k], -1, axis=0) - rings[k], axis=1).sum()) for k in (i, j)) / sides
        v0, v1 = along[i], along[i + 1] if i + 1 < count else along[i] + np.linalg.norm(rings[j] - rings[i], axis=1).mean()
        uv = np.stack([np.column_stack((w * width, np.full(sides, v))) for w, v in ((s, v0), (s + 1, v0), (s + 1, v1), (s, v1))], axis=1)
        quad = np.column_stack((a, b, c, d))
        if poles[i]:
            quad, uv = quad[:, [0, 2, 3, 3]], uv[:, [0, 2, 3, 3]]
        elif poles[j]:
            quad, uv = quad[:, [0, 1, 2, 2]], uv[:, [0, 1, 2, 2]]
        faces.append(quad)
        uvs.append(uv)
    points = np.concatenate(vertices)
    for end, flip in ((0, True), (count - 1, False)):
        if loop or poles[end]:
            continue
        ring = starts[end] + np.arange(sides)
        if fan or sides % 2:
            points = np.concatenate((points, rings[end].mean(axis=0, keepdims=True)))
            cap = np.column_stack((ring, np.roll(ring, -1), np.full((sides, 2), len(points) - 1)))
        else:
            half = np.arange(sides // 2 - 1)
            cap = np.column_stack((ring[half], ring[half + 1], ring[sides - 2 - half], ring[sides - 1 - half]))
        if flip:
            cap = cap[:, [1, 0, 2, 2]] if fan or sides % 2 else cap[:, ::-1]
        faces.append(cap)
        uvs.append(projected(points, cap))
    made = Shell(points, np.concatenate(faces).astype(np.int32), np.concatenate(uvs), np.zeros(sum(map(len, faces)), np.int32), (slot,))
    return _outward(made)


def circle(radius: float | Array, z: float = 0.0, sides: int = ROUND) -> Array:
    """Points [S,3] of a circle about Z; `radius` may be one for each point."""
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    return np.column_stack((radius * np.cos(angle), radius * np.sin(angle), np.full(sides, z)))


def lathe(profile: Sequence[tuple[float, float]], slot: Slot, sides: int = ROUND) -> Shell:
    """The surface that a profile of (radius, z) makes about Z; a radius of 0 at an end is a pole, else it is capped."""
    return loft(np.stack([circle(radius, z, sides) for radius, z in profile]), slot)


def ring(profile: Sequence[tuple[float, float]], slot: Slot, sides: int = ROUND) -> Shell:
    """The same of a closed profile that doesn't touch the axis: a torus, a rim, a hoop."""
    return loft(np.stack([circle(radius, z, sides) for radius, z in profile]), slot, loop=True)


def vessel(profile: Sequence[tuple[float, float]], wall: float, slot: Slot, sides: int = ROUND) -> Shell:
    """An open vessel with a wall, of its outer profile from the bottom's edge to the rim."""
    inner = [(max(radius - wall, 0.0), max(z, profile[0][1] + wall)) for radius, z in reversed(profile)]
    return lathe([(0.0, profile[0][1]), *profile, *inner, (0.0, inner[-1][1])], slot, sides)


def tube(radius: float, height: float, slot: Slot, top: float | None = None, bevel: float = 0.0, sides: int = ROUND) -> Shell:
    """An upright cylinder or cone on z = 0."""
    end = radius if top is None else top
    if bevel:
        return lathe([(radius - bevel, 0), (radius, bevel), (end, height - bevel), (end - bevel, height)], slot, sides)
    return lathe([(radius, 0), (end, height)], slot, sides)


def ball(radius: float, slot: Slot, center: Sequence[float] = (0, 0, 0), rings: int = 12, sides: int = ROUND) -> Shell:
    """A sphere with poles on Z."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    profile = [(float(max(radius * np.cos(a), 0.0)) if 0 < i < rings else 0.0, float(radius * np.sin(a))) for i, a in enumerate(angle)]
    return moved(lathe(profile, slot, sides), *center)


def sweep(
    path: Sequence[Sequence[float]] | Array, radius: float | Sequence[float] | Array, slot: Slot, sides: int = 8, loop: bool = False
) -> Shell:
    """A round rod along a path [R,3], with radii that are spread over it evenly; frames are carried along by parallel transport."""
    points = np.asarray(path, dtype=np.float64)
    tangents = np.gradient(points, axis=0) if not loop else np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    normal = np.cross(tangents[0], (0, 0, 1) if abs(tangents[0][2]) < 0.9 else (1, 0, 0))
    given = np.atleast_1d(np.asarray(radius, dtype=np.float64))
    radii = np.interp(np.linspace(0, 1, len(points)), np.linspace(0, 1, len(given)), given)
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    rings = []
    for point, tangent, thick in zip(points, tangents, radii, strict=True):
        normal = normal - tangent * (normal @ tangent)
        normal /= np.linalg.norm(normal)
        other = np.cross(tangent, normal)
        rings.append(point + thick * (np.cos(angle)[:, None] * normal + np.sin(angle)[:, None] * other))
    return loft(np.stack(rings), slot, loop=loop)


def prism(outline: Sequence[tuple[float, float]], depth: float, slot: Slot, bevel: float = 0.0, fan: bool = True) -> Shell:
    """An outline of (x, z) made thick along Y, about y = 0; its middle must see all of it, or with `fan` off it must be convex."""
    flat = np.array([(x, 0.0, z) for x, z in outline])
    middle = flat.mean(axis=0)
    size = float(np.ptp(flat, axis=0).max())
    shrunk = middle + (flat - middle) * (1 - 2 * bevel / size)
    rings = [(flat, -depth / 2), (flat, depth / 2)]
    if bevel:
        rings = [(shrunk, -depth / 2), (flat, -depth / 2 + bevel), (flat, depth / 2 - bevel), (shrunk, depth / 2)]
    return loft(np.stack([points + (0, y, 0) for points, y in rings]), slot, fan=fan)


def blob(
    size: Sequence[float], slot: Slot, rng: np.random.Generator, rough: float = 0.15, waves: float = 2.0, steps: int = 7, flat: float = 0.0
) -> Shell:
    """A cube sphere of quads with bumps: rocks, foliage, clouds. `flat` is the share of its foot that is cut off."""
    vertices, faces = _cube_grid(np.tan(np.linspace(-np.pi / 4, np.pi / 4, steps)))
    unit = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    directions, phases = rng.normal(size=(6, 3)) * waves, rng.uniform(0, 2 * np.pi, 6)
    bumps = np.sin(unit @ directions.T + phases).mean(axis=1)
    points = unit * (1 + 1.6 * rough * bumps)[:, None] * (np.asarray(size) / 2)
    if flat:
        foot = points[:, 2].min() + flat * np.ptp(points[:, 2])
        points[:, 2] = np.maximum(points[:, 2], foot + 0.12 * (points[:, 2] - foot))
    return _shell(points, faces, slot)


def terrain(size: Sequence[float], height: Callable[[Array, Array], Array], slot: Slot, steps: int = 24, floor: float = -0.05) -> Shell:
    """A closed height field over [-1, 1]², scaled to `size` (x, y), standing on a flat foot at `floor` meters."""
    across = np.linspace(-1, 1, steps)
    x, y = np.meshgrid(across, across, indexing="ij")
    top = np.stack((x * size[0] / 2, y * size[1] / 2, height(x, y)), axis=2).reshape(-1, 3)
    bottom = top * (1, 1, 0) + (0, 0, floor)
    index = np.arange(steps * steps).reshape(steps, steps)
    over = np.stack((index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]), axis=2).reshape(-1, 4)
    rim = np.concatenate((index[:-1, 0], index[-1, :-1], index[:0:-1, -1], index[0, :0:-1]))
    next_ = np.roll(rim, -1)
    under = over[:, ::-1] + steps * steps
    side = np.column_stack((rim + steps * steps, next_ + steps * steps, next_, rim))
    return _shell(np.concatenate((top, bottom)), np.concatenate((over, under, side)), slot)


def arc(radius: float, first: float, last: float, count: int = 9) -> list[tuple[float, float]]:
    """Points of an arc about the origin, from one angle in degrees to another."""
    angle = np.radians(np.linspace(first, last, count))
    return [(float(radius * np.cos(a)), float(radius * np.sin(a))) for a in angle]


def volume(shell: Shell) -> float:
    """The signed volume, positive where faces look outward."""
    a, b, c, d = (shell.vertices[shell.faces[:, i]] for i in range(4))
    return float((np.einsum("ij,ij->i", a, np.cross(b, c)) + np.einsum("ij,ij->i", a, np.cross(c, d))).sum() / 6)


def _outward(shell: Shell) -> Shell:
    if volume(replace(shell, vertices=shell.vertices - shell.vertices.mean(axis=0))) >= 0:
        return shell
    triangles = shell.faces[:, 2] == shell.faces[:, 3]
    order = np.where(triangles[:, None], (1, 0, 2, 2), (3, 2, 1, 0))
    rows = np.arange(len(order))[:, None]
    return replace(shell, faces=shell.faces[rows, order], uvs=shell.uvs[rows, order])


def _shell(vertices: Array, faces: Array, slot: Slot) -> Shell:
    points, quads = np.asarray(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int32)
    return _outward(Shell(points, quads, projected(points, quads), np.zeros(len(quads), np.int32), (slot,)))


def projected(points: Array, faces: Array) -> Array:
    """UVs [F,4,2] of faces seen along the axis that each looks along most."""
    corners = points[faces]
    axis = np.abs(np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]) + 1e-12).argmax(axis=1)
    triangle = faces[:, 2] == faces[:, 3]
    axis[triangle] = np.abs(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])).argmax(axis=1)[triangle]
    kept = np.array([(1, 2), (0, 2), (0, 1)])[axis]
    return np.take_along_axis(corners, kept[:, None, :].repeat(4, axis=1), axis=2)


def _cube_grid(steps: Array) -> tuple[Array, Array]:
    """Vertices and quads of a cube's surface whose faces are cut at `steps` (ascending, from -a to a)."""
    count = len(steps)
    first, second = np.meshgrid(np.arange(count), np.arange(count), indexing="ij")
    grids, quads, start = [], [], 0
    index = np.arange(count * count).reshape(count, count)
    cells = np.stack((index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]), axis=2).reshape(-1, 4)
    for axis in range(3):
        for side in (0, count - 1):
            grid = np.empty((count * count, 3), dtype=np.int64)
            grid[:, axis], grid[:, (axis + 1) % 3], grid[:, (axis + 2) % 3] = side, first.ravel(), second.ravel()
            grids.append(grid)
            quads.append((cells if side else cells[:, ::-1]) + start)
            start += count * count
    unique, inverse = np.unique(np.concatenate(grids), axis=0, return_inverse=True)
    return np.asarray(steps)[unique], inverse.reshape(-1)[np.concatenate(quads)]
