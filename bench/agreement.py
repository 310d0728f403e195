"""What comparing neighboring photos while training for surfaces does to these, against ground truth.

Two lines a mesh, "alone" and "compared": the value is the Chamfer distance of the mesh as `fuse` and cleaning leave it, the other figures
stand beside it. Both are trained for as many steps, so that a busy machine makes no difference; seconds are those of all of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from ..backend.jobs.job import Job
from ..backend.mesh.cleaning import MeshSettings, clean
from ..backend.splats.settings import TrainingSettings
from ..backend.surface.fuse import SurfaceSettings, fuse_depth
from ..backend.values import Mesh, Views
from . import surface
from .extraction import THROUGH_SPLATS, print_ways

Emit = Callable[..., None]
STEPS = int(os.environ.get("REIFY_BENCH_TRAINING_STEPS", "2000"))


def run(emit: Emit) -> None:
    """Print a line for each mesh and way; some ten minutes."""
    compared = TrainingSettings(seconds=0, steps=STEPS, long_side_px=surface.SIZE_PX, aim="surface")
    alone = TrainingSettings(
        seconds=0, steps=STEPS, long_side_px=surface.SIZE_PX, aim="surface", photo_agreement_weight=0, depth_agreement_weight=0
    )
    for name in THROUGH_SPLATS if surface.truth_folder() else ():
        truth = surface.load_truth(name)
        views = surface.photograph(truth, surface.orbit(surface.VIEWS))
        ways: dict[str, Callable[[], Mesh]] = {"alone": partial(_surface, views, alone), "compared": partial(_surface, views, compared)}
        print_ways(emit, f"{name}_surfels", truth, ways)


def _surface(views: Views, settings: TrainingSettings) -> Mesh:
    from ..backend.splats.render import rasterize

    render = partial(rasterize, surface.train_splats(views, settings))
    return clean(fuse_depth(render, views, SurfaceSettings(), job=Job()), MeshSettings(), job=Job())
