"""Each way of extracting a surface, from the same exact depth, masks and points, and from the same splats, against ground truth.

One line a mesh and way: its value is the Chamfer distance, the other figures stand beside it. `dev.py bench surface` prints these
lines, too. The meshes are compared as they are extracted: neither cleaned nor simplified.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ..backend.jobs.job import Job
from ..backend.metrics import meshes
from ..backend.surface.density import DensitySettings, subject_of, surface_of_density
from ..backend.surface.depth import render_depth
from ..backend.surface.extract import POLYGONS
from ..backend.surface.fuse import SurfaceSettings
from ..backend.surface.orbit import points_of
from ..backend.surface.points import PointSettings, surface_of_points
from ..backend.surface.region import find_region
from ..backend.surface.views import surface_from_views
from ..backend.values import Mesh, Splats, Views
from . import surface

Emit = Callable[..., None]
NAMES = tuple(os.environ.get("REIFY_BENCH_MESHES", ",".join(surface.MESHES)).split(","))
THROUGH_SPLATS = ("spot", "armadillo")  # of these; training takes minutes
MOST = 6_000_000  # voxels


def run(emit: Emit) -> None:
    """Print a line for each mesh and way; some five minutes, and two for each mesh through splats."""
    for name in NAMES if surface.truth_folder() else ():
        truth = surface.load_truth(name)
        views = surface.photograph(truth, surface.orbit(surface.VIEWS))
        from_exact(emit, name, truth, views)
        if name in THROUGH_SPLATS:
            from_splats(emit, name, truth, views, surface.train_splats(views))


def from_exact(emit: Emit, name: str, truth: Mesh, views: Views) -> None:
    """What extraction loses by itself."""
    render = partial(surface.exact, truth)
    ways: dict[str, Callable[[], Mesh]] = {
        way: partial(surface_from_views, render, views, SurfaceSettings(way), job=Job()) for way in ("fuse", "solid", "poisson", "hull")
    }
    maps = render_depth(render, views, job=Job())
    points = points_of(maps, find_region(maps), job=Job())
    through = partial(surface_of_points, points, settings=PointSettings(), max_voxels=MOST, job=Job())
    ways |= {f"points_{way}": partial(through, way, "cubes") for way in ("poisson", "mls", "rbf", "alpha")}
    ways |= {f"points_poisson_{kind}": partial(through, "poisson", kind) for kind in POLYGONS if kind != "cubes"}
    print_ways(emit, f"{name}_exact", truth, ways)


def from_splats(emit: Emit, name: str, truth: Mesh, views: Views, splats: Splats) -> None:
    """What is left of it through splats, whatever they were trained by."""
    from ..backend.splats.render import rasterize

    ways: dict[str, Callable[[], Mesh]] = {
        way: partial(surface_from_views, partial(rasterize, splats), views, SurfaceSettings(way), job=Job())
        for way in ("fuse", "solid", "poisson")
    }
    ways["density"] = partial(surface_of_density, splats, subject_of(splats, alone=True), "cubes", DensitySettings(), 0.0, MOST, job=Job())
    print_ways(emit, f"{name}_splats", truth, ways)


def print_ways(emit: Emit, prefix: str, truth: Mesh, ways: dict[str, Callable[[], Mesh]]) -> None:
    """Print a line for each way to a mesh: its Chamfer distance from the truth, and beside it the other figures and what it took."""
    for way, extract in ways.items():
        before = _memory_mb("VmRSS", fresh=True)
        started = time.perf_counter()
        mesh = extract()
        seconds, used = time.perf_counter() - started, _memory_mb("VmHWM") - before
        figures = _figures(mesh, truth)
        chamfer = figures.pop("chamfer_percent")
        emit(f"{prefix}_{way}_chamfer", chamfer, "% of the diagonal", **figures, seconds=round(seconds, 1), memory_mb=round(used))


def _figures(mesh: Mesh, truth: Mesh) -> dict[str, Any]:
    found = meshes.compare(mesh, truth)
    return {
        "chamfer_percent": round(found.chamfer_percent, 4),
        "fscore_half_percent": round(found.f_score_half_percent, 4),
        "fscore_1percent": round(found.f_score_1percent, 4),
        "normal_consistency": round(found.normal_consistency, 4),
        "watertight": int(meshes.is_watertight(mesh)),
        "parts": meshes.parts(mesh),
        "faces": len(mesh.faces),
    }


def _memory_mb(entry: str, fresh: bool = False) -> float:
    """An entry of Linux's account of this process, after its peak was forgotten if `fresh`; 0 on other systems."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    if fresh:
        ctypes.CDLL(None).malloc_trim(0)  # what is free but kept would hide what is used next
        Path("/proc/self/clear_refs").write_text("5")
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith(entry))
