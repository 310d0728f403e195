"""backend/shapes/icons.xz, the meshes of drawn things.

    python -m reify.tools.icons FOLDER

FOLDER holds the npm packages of `backend/shapes/icons.SETS` as `npm pack` writes them. Every shape of a drawing becomes a closed body:
what lies over the rest is inflated on its own, what lies within another shape rests on that one's surface, on both sides of the thing.
"""

from __future__ import annotations

import copy
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ..backend.bodies import inflation
from ..backend.bodies.inflation import InflateSettings
from ..backend.bodies.sheet import sheet_for
from ..backend.bodies.solid import Solid, closed, merged, walled
from ..backend.formats.svg import SHAPES, UNSEEN
from ..backend.shapes import icons
from ..backend.values import Array

SIDE_PX = 320  # of a drawing
FACES = 1300  # of a thing, about
LEAST_FACES = 40  # of a shape
LEAST = 0.0005  # of the drawing's area: shapes of which less is seen are left out
WITHIN = 0.88  # of a shape's area that lies over others: it is a detail on them
ALIKE = 20.0  # distance in sRGB of a detail's color to that below: it is shading, and left out
MAIN = 70.0  # distance in sRGB to the color of the largest part: it takes the color of a sentence as well
LIFT = 0.012  # of the drawing's side: what a detail stands out
SWELL = 0.3  # of its own roundness that a detail has
EVENNESS = 0.25  # of parts that are wide and narrow

SVG = "http://www.w3.org/2000/svg"


@dataclass(frozen=True, eq=False)
class Layer:
    """One shape of a drawing."""

    coverage: Array  # [H,W] float32
    seen: Array  # [H,W] bool, what no other shape covers
    srgb: Array  # [3]


def main(folder: Path) -> None:
    """Write the file, and what it holds."""
    sets = {key: _package(folder, icon_set.package) for key, icon_set in icons.SETS.items()}
    things = {}
    for noun, icon in icons.ICONS.items():
        things[noun] = thing(_drawing(sets[icon.set], icon), icon)
        print(f"{noun}: {len(things[noun]['faces'])} faces", flush=True)
    icons.FILE.write_bytes(icons.packed(things))
    print(f"{len(things)} things, {icons.FILE.stat().st_size} bytes")


def thing(text: str, icon: icons.Icon) -> dict[str, Array]:
    """The arrays of `icons.packed` for a drawing."""
    solids, colors, areas = [], [], []
    height = np.zeros((SIDE_PX, SIDE_PX))
    for layer, below in _layers(text):
        solid, height = _body(layer, below, height, icon)
        solids.append(solid)
        colors.append(layer.srgb)
        areas.append(float(layer.seen.sum()))
    return _arrays(solids, np.array(colors), np.array(areas), icon)


def _package(folder: Path, name: str) -> dict[str, Any]:
    path = next(folder.glob(f"{name.strip('@').replace('/', '-')}-*.tgz"))
    with tarfile.open(path) as archive:
        file = archive.extractfile("package/icons.json")
        assert file is not None
        read: dict[str, Any] = json.load(file)
    return read


def _drawing(found: dict[str, Any], icon: icons.Icon) -> str:
    name = icon.name if icon.name in found["icons"] else found["aliases"][icon.name]["parent"]
    drawing = found["icons"][name]
    wide, high = (drawing.get(side, found.get(side, found.get("height", 16))) for side in ("width", "height"))
    side = max(wide, high) * (1.44 if icon.turn else 1.04)  # turned corners stay inside
    box = f"{(wide - side) / 2} {(high - side) / 2} {side} {side}"
    turn = f"rotate({icon.turn} {wide / 2} {high / 2})"
    links = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg xmlns="{SVG}" {links} viewBox="{box}"><g transform="{turn}">{drawing["body"]}</g></svg>'


def _layers(text: str) -> Iterator[tuple[Layer, bool]]:
    """The shapes that are seen, from the lowest up, and whether each lies within those below it."""
    whole = _rendered(text)
    root = ElementTree.fromstring(text)
    alphas = [_rendered(_alone(root, number))[..., 3] for number in range(len(_shapes(root)))]
    above = np.zeros((SIDE_PX, SIDE_PX), bool)
    found: list[tuple[Array, Array]] = []
    for alpha in reversed(alphas):
        inside = alpha > 0.5
        found.append((alpha, inside & ~above))
        above |= inside
    under, color_below = np.zeros_like(above), np.zeros((*above.shape, 3))
    for alpha, seen in reversed(found):
        if seen.sum() < LEAST * SIDE_PX**2:
            continue
        srgb = np.median(whole[seen][:, :3] * 255, axis=0)
        inside = alpha > 0.5
        within = float((inside & under).sum()) > WITHIN * float(inside.sum())
        if within and np.linalg.norm(np.median(color_below[inside & under], axis=0) - srgb) < ALIKE:
            continue
        under |= inside
        color_below[inside] = srgb
        yield Layer(alpha.astype(np.float32), seen, srgb), within


def _shapes(root: ElementTree.Element) -> list[ElementTree.Element]:
    found: list[ElementTree.Element] = []

    def walk(node: ElementTree.Element) -> None:
        name = node.tag.rpartition("}")[2]
        if name in UNSEEN:
            return
        if name in SHAPES:
            found.append(node)
            return
        for child in node:
            walk(child)

    walk(root)
    return found


def _alone(root: ElementTree.Element, number: int) -> str:
    """The drawing with one of its shapes, opaque."""
    alone = copy.deepcopy(root)
    for i, shape in enumerate(_shapes(alone)):
        if i != number:
            shape.set("display", "none")
    for node in alone.iter():
        for name in ("opacity", "fill-opacity", "stroke-opacity", "filter", "style"):
            node.attrib.pop(name, None)
    return ElementTree.tostring(alone, encoding="unicode")


def _rendered(text: str) -> Array:
    """The drawing [SIDE_PX,SIDE_PX,4], straight alpha, 0 to 1."""
    import resvg_py
    from PIL import Image

    drawn = bytes(resvg_py.svg_to_bytes(svg_string=text, width=SIDE_PX, height=SIDE_PX, skip_system_fonts=True))
    return np.asarray(Image.open(io.BytesIO(drawn)).convert("RGBA"), dtype=np.float64) / 255


def _body(layer: Layer, within: bool, below: Array, icon: icons.Icon) -> tuple[Solid, Array]:
    """The shape as a closed body over the heights [H,W] of what lies below it, and the heights with it."""
    from scipy.interpolate import LinearNDInterpolator
    from scipy.ndimage import gaussian_filter

    share = float((layer.coverage > 0.5).sum()) / (0.35 * SIDE_PX**2)
    faces = max(LEAST_FACES, round(FACES * (0.35 if within else 1.0) * share))
    inside = layer.coverage > 0.5
    over = inside & (below > 0)
    rests = bool(over.sum() > 0.02 * inside.sum())
    lift = LIFT * SIDE_PX
    sheet = sheet_for(layer.coverage, faces, 2 * lift if rests else 0.0)
    own = inflation.heights(sheet, InflateSettings(thickness=icon.thickness, evenness=EVENNESS))
    if not rests:
        sheet = inflation.graded(sheet, own)
        own = inflation.heights(sheet, InflateSettings(thickness=icon.thickness, evenness=EVENNESS))
        front = own
        solid = closed(sheet, front, -front)
    else:
        weight = gaussian_filter(inside.astype(float), 0.03 * SIDE_PX)
        soft = np.maximum(gaussian_filter(np.where(inside, below, 0.0), 0.03 * SIDE_PX) / np.maximum(weight, 1e-6), below)
        x, y = (np.clip(np.round(sheet.xy_px[:, i] - 0.5).astype(int), 0, SIDE_PX - 1) for i in (0, 1))
        base = np.where(inside[y, x], soft[y, x], below[y, x])
        front = (base + SWELL * own if within else np.maximum(base + SWELL * own, own)) + lift
        solid = walled(sheet, front, -front if icon.back or not within else np.zeros_like(front))
    rows, columns = np.nonzero(inside)
    filled = LinearNDInterpolator(sheet.xy_px, front, fill_value=0.0)(np.column_stack((columns + 0.5, rows + 0.5)))
    above = below.copy()
    above[rows, columns] = np.maximum(below[rows, columns], filled)
    return solid, above


def _arrays(solids: list[Solid], colors: Array, areas: Array, icon: icons.Icon) -> dict[str, Array]:
    one = merged(solids)
    x, y, z = one.vertices_px.T
    vertices = np.column_stack((x, -y, z) if icon.lies else (x, -z, -y))
    vertices -= vertices.min(axis=0)
    vertices = np.round(vertices / vertices.max() * icons.LEVELS).astype(np.int32)
    of_quad = np.repeat(np.arange(len(solids)), [len(solid.quads) for solid in solids])
    of_triangle = np.repeat(np.arange(len(solids)), [len(solid.triangles) for solid in solids])
    faces = np.concatenate((one.quads, one.triangles[:, [0, 1, 2, 2]]))
    rounded = (np.round(colors / 4) * 4).clip(0, 255).astype(np.uint8)
    unique, slot = np.unique(rounded, axis=0, return_inverse=True)
    seen = np.bincount(slot.reshape(-1), areas)
    main = np.linalg.norm(unique.astype(float) - unique[seen.argmax()], axis=1) < MAIN
    slots = np.column_stack((main.astype(np.uint8), unique))
    vertices = _without_flat_faces(vertices, faces)
    of_face = slot.reshape(-1)[np.concatenate((of_quad, of_triangle))]
    return {"vertices": vertices, "faces": faces, "slot": of_face.astype(np.uint8), "slots": slots}


def _without_flat_faces(vertices: Array, faces: Array) -> Array:
    """The vertices, those of faces that rounding has left without area moved by a level."""
    moved = vertices.copy()
    for turn in range(8):
        corners = moved[faces].astype(float)
        area = np.linalg.norm(np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]), axis=1)
        area += np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        for face in faces[area == 0]:
            moved[face[1 + turn % 2]] += np.roll((1, 2, 4), turn)
    return moved


if __name__ == "__main__":
    main(Path(sys.argv[1]))
