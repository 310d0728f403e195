"""`python -m reify.tools.shapes_sheet -o SHEET.png [NOUN…]`: everything in the catalogue, or some of it, to be looked at."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..backend.assembly.assemble import as_mesh
from ..backend.formats.images import write_png
from ..backend.geometry.raster import render_mesh
from ..backend.shapes import catalogue
from ..backend.shapes.solids import Shell
from ..backend.values import Array, Cameras, Mesh

TURN, TILT = 32.0, 20.0  # degrees of the camera, to the right of the front and above
DISTANCE = 4.0  # of the camera, in diagonals of the thing
PAPER = 0.93


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(prog="shapes_sheet", description=__doc__)
    parser.add_argument("nouns", nargs="*", metavar="NOUN")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--columns", type=int, default=12)
    parser.add_argument("--size", type=int, default=150, metavar="PX", help="of each view (default: 150)")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    views = [view(catalogue.build(noun, chosen.seed), chosen.size) for noun in chosen.nouns or catalogue.THINGS]
    while len(views) % chosen.columns:
        views.append(np.full_like(views[0], int(255 * PAPER)))
    rows = [np.concatenate(views[i : i + chosen.columns], axis=1) for i in range(0, len(views), chosen.columns)]
    write_png(chosen.output, np.concatenate(rows))


def view(shell: Shell, size_px: int) -> Array:
    """A picture [size,size,3] uint8 of a shell in its slots' colors."""
    mesh, slot = as_mesh(shell)
    colors = np.array([found.srgb for found in shell.slots], dtype=np.float32) / 255
    return lit(mesh.vertices[mesh.faces], colors[slot], size_px)


def lit(corners: Array, colors: Array, size_px: int) -> Array:
    """A picture [size,size,3] uint8 of triangles [F,3,3] in colors [F,3], lit from the camera."""
    mesh = Mesh(
        corners.reshape(-1, 3).astype(np.float32),
        np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3),
        vertex_srgb=np.repeat(colors, 3, axis=0).astype(np.float32),
    )
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    middle, size = (low + high) / 2, float(np.linalg.norm(high - low))
    turn, tilt = np.radians(TURN), np.radians(TILT)
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    forward = np.array([-np.sin(turn) * np.cos(tilt), np.cos(turn) * np.cos(tilt), -np.sin(tilt)])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = -pose[:3, :3] @ (middle - DISTANCE * size * forward)
    focal = size_px * DISTANCE / 1.02
    K = np.array([[focal, 0.0, size_px / 2], [0.0, focal, size_px / 2], [0.0, 0.0, 1.0]])
    cameras = Cameras(pose[None], K[None], np.array([[size_px, size_px]]), np.zeros((1, 8)))
    light = render_mesh(mesh, cameras, 0, clay=True)[..., :1].astype(np.float32) / 255
    picture = render_mesh(mesh, cameras, 0, (PAPER,) * 3)[..., :3] * np.where(light < 1, np.clip(0.25 + 0.85 * light, 0, 1), 1.0)
    return picture.astype(np.uint8)


if __name__ == "__main__":
    main()
