"""`python -m reify.tools.shapes_sheet -o SHEET.png [NOUN…]`: everything in the catalogue, or some of it, to be looked at."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

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
    """A picture [size,size,3] uint8 of a shell in its slots' colors, lit from the camera."""
    triangles = np.concatenate((shell.faces[:, :3], shell.faces[:, [0, 2, 3]]))
    slot = np.concatenate((shell.slot, shell.slot))
    real = triangles[:, 1] != triangles[:, 2]
    triangles, slot = triangles[real], slot[real]
    colors = np.array([found.srgb for found in shell.slots], dtype=np.float32) / 255
    corners = shell.vertices[triangles].reshape(-1, 3).astype(np.float32)
    mesh = Mesh(corners, np.arange(len(corners), dtype=np.int32).reshape(-1, 3), vertex_srgb=np.repeat(colors[slot], 3, axis=0))
    middle, size = (shell.low + shell.high) / 2, float(np.linalg.norm(shell.high - shell.low))
    turn, tilt = np.radians(TURN), np.radians(TILT)
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    forward = np.array([-np.sin(turn) * np.cos(tilt), np.cos(turn) * np.cos(tilt), -np.sin(tilt)])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = -pose[:3, :3] @ (middle - DISTANCE * size * forward)
    focal = size_px * DISTANCE / 1.02
    K = np.array([[focal, 0.0, size_px / 2], [0.0, focal, size_px / 2], [0.0, 0.0, 1.0]])
    cameras = Cameras(pose[None], K[None], np.array([[size_px, size_px]]), np.zeros((1, 8)))
    lit = render_mesh(mesh, cameras, 0, clay=True)[..., :1].astype(np.float32) / 255
    picture = render_mesh(mesh, cameras, 0, (PAPER,) * 3)[..., :3] * np.where(lit < 1, np.clip(0.25 + 0.85 * lit, 0, 1), 1.0)
    return picture.astype(np.uint8)


if __name__ == "__main__":
    main()
