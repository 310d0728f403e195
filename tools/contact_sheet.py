"""`python -m reify.tools.contact_sheet PICTURE… -o SHEET.png`: each picture and four views of the mesh made from it, to be looked at."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..backend.bodies.from_pictures import Settings
from ..backend.formats.images import read_image, resize, write_png
from ..backend.geometry.raster import render_mesh
from ..backend.jobs.job import Job
from ..backend.methods.image import METHOD, one_by_one
from ..backend.values import Array, Cameras, Mesh

TURNS = (0.0, 40.0, 90.0, 180.0)  # degrees around the mesh, from the front toward its left side
DISTANCE, FIELD = 2.6, 0.86  # camera distance and width of the view, in sizes of the mesh
PAPER = 246


def main() -> int:
    """Make the meshes and write the sheet; returns the exit code."""
    parser = argparse.ArgumentParser(prog="contact_sheet", description=__doc__)
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PICTURE")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--method", default="auto")
    parser.add_argument("--back", default="mirrored")
    parser.add_argument("--size", type=int, default=320, metavar="PX", help="of each view (default: 320)")
    chosen = parser.parse_args()
    settings = replace(Settings(), method=chosen.method, texture=replace(Settings().texture, back=chosen.back))
    rows = []
    for inputs in one_by_one(chosen.pictures, settings):
        job = Job()
        mesh = METHOD.perform(inputs, settings, job).mesh
        assert mesh is not None
        print(inputs.sources[0].name, dict(job.report.choices), *job.report.warnings, sep="\n  ", file=sys.stderr)
        rows.append(np.concatenate([_fitted(read_image(inputs.sources[0]), chosen.size), *views(mesh, chosen.size)], axis=1))
    write_png(chosen.output, np.concatenate(rows))
    return 0


def views(mesh: Mesh, size_px: int) -> list[Array]:
    """Pictures [size,size,3] uint8 of a mesh that faces -Y, from around it: its texture in light from the camera."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    middle, size = 0.5 * (low + high), float(np.linalg.norm(high - low))
    poses = np.stack([_pose(middle, np.radians(turn), DISTANCE * size) for turn in TURNS])
    focal = size_px * DISTANCE / FIELD
    K = np.array([[focal, 0.0, size_px / 2], [0.0, focal, size_px / 2], [0.0, 0.0, 1.0]])
    count = len(TURNS)
    cameras = Cameras(poses, np.repeat(K[None], count, axis=0), np.full((count, 2), size_px), np.zeros((count, 8)))
    paper = (PAPER / 255.0,) * 3
    return [_lit(render_mesh(mesh, cameras, i, paper), render_mesh(mesh, cameras, i, clay=True)) for i in range(count)]


def _pose(middle: Array, turn: float, distance: float) -> Array:
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    forward = np.array([-np.sin(turn), np.cos(turn), 0.0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, [0.0, 0.0, -1.0], forward])
    pose[:3, 3] = -pose[:3, :3] @ (middle - distance * forward)
    return pose


def _lit(colors: Array, clay: Array) -> Array:
    shade = np.clip(0.35 + 0.75 * clay[..., :1].astype(np.float32) / 255.0, 0.0, 1.0)
    return (colors * shade).astype(np.uint8)


def _fitted(pixels: Array, size_px: int) -> Array:
    small = resize(pixels, size_px)
    colors: Array = small[..., :3].astype(np.float32)
    if small.shape[2] == 4:
        colors = PAPER + small[..., 3:] / 255.0 * (colors - PAPER)
    page = np.full((size_px, size_px, 3), PAPER, np.uint8)
    top, left = (size_px - small.shape[0]) // 2, (size_px - small.shape[1]) // 2
    page[top : top + small.shape[0], left : left + small.shape[1]] = colors.astype(np.uint8)
    return page


if __name__ == "__main__":
    sys.exit(main())
