"""`python -m reify.tools.text_sheet -o SHEET.jpg [SENTENCE…]`: what sentences become, to be looked at; without one, docs' 24."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ..backend.assembly.assemble import assemble
from ..backend.formats.images import write_jpeg
from ..backend.jobs.job import Job
from ..backend.values import Array, Scene
from .shapes_sheet import lit

SHOWN = (
    *("four chairs around a round table", "a red apple on a wooden table", "a house with a blue door beside a big tree"),
    *("a treasure chest, a gold sword and a shield", "a teapot with four cups on a table", "a snowman between two pine trees"),
    *("a castle on a hill", "a red car in front of a barn", "three barrels and a crate beside a stone wall", "a cake on a table"),
    *("a sailboat near an island", "a lighthouse on a hill", "a sofa between two floor lamps, a rug in front of the sofa"),
    *("a vase with three tulips on a nightstand left of a bed", "ten mushrooms around a stump", "a well beside a cottage"),
    *("a desk with a laptop, a lamp and a mug", "a bench between a streetlight and a tree", "a hot air balloon over a hill"),
    *("a low poly tower behind three pine trees", "a windmill in a voxel style", "a robot beside a drum", "a basket of oranges"),
    *("a row of three houses behind a fence",),
)


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(prog="text_sheet", description=__doc__)
    parser.add_argument("sentences", nargs="*", metavar="SENTENCE")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--size", type=int, default=200, metavar="PX", help="of each view (default: 200)")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    views = [view(assemble(text, "", chosen.seed, job=Job()), chosen.size) for text in chosen.sentences or SHOWN]
    while len(views) % chosen.columns:
        views.append(np.full_like(views[0], views[0][0, 0]))
    write_jpeg(
        chosen.output,
        np.concatenate([np.concatenate(views[i : i + chosen.columns], axis=1) for i in range(0, len(views), chosen.columns)]),
    )


def view(scene: Scene, size_px: int) -> Array:
    """A picture [size,size,3] uint8 of a scene in its materials' colors."""
    corners, colors = [], []
    for part in scene.parts:
        own = part.mesh.vertices[part.mesh.faces]
        srgb = np.array([material.srgb for material in part.materials], dtype=np.float32)[part.material_of_face] / 255
        for matrix in part.world_from_part:
            corners.append(own @ matrix[:3, :3].T + matrix[:3, 3])
            colors.append(srgb)
    return lit(np.concatenate(corners), np.concatenate(colors), size_px)


if __name__ == "__main__":
    main()
