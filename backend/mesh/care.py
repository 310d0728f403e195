"""From a raw mesh to one that an artist wants: no floaters, sound, smooth, as small as asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import ReifyError
from ..jobs.job import Job
from ..settings import option
from ..values import Array, Mesh

SMALL_HOLE = 0.25  # length of the rim of a small hole, in diagonals of the mesh


@dataclass(frozen=True)
class MeshSettings:
    """What can be set about cleaning the mesh."""

    faces: int = option(100_000, "Number of triangles to simplify to, or 0 to keep all", low=0, high=20_000_000)
    smoothing: int = option(6, "Passes of smoothing that keep the volume", low=0, high=200)
    smallest_part: float = option(
        0.5, "Loose parts with less than this share of the largest part's area are removed", low=0.0, high=100.0, unit="%"
    )
    holes: str = option(
        "small",
        "Which holes are closed",
        choices={
            "none": "Leave all holes open",
            "small": "Close holes that are small compared to the mesh",
            "all": "Close all holes: the mesh becomes watertight",
        },
    )


def clean(mesh: Mesh, settings: MeshSettings, *, job: Job) -> Mesh:
    """The mesh repaired, freed of floaters, smoothed, simplified and closed, with vertex colours but without UVs.

    The result has one fan of faces a vertex, no edge with more than two faces, and consistent winding. What was repaired is
    told as warnings or figures. Raises ReifyError where no face is left.
    """
    if len(mesh.faces) == 0:
        raise ReifyError("The mesh has no faces.", "Use more photos of the subject, or train longer.")
    if mesh.uvs is not None:
        job.warn("The mesh's UVs don't survive cleaning; it is unwrapped again.")
    job.progress(0.0, "repairing")
    mesh = repair(_without_uvs(mesh), job=job)
    job.progress(0.2, "removing floaters")
    mesh = drop_small_parts(mesh, settings.smallest_part / 100.0, job=job)
    if settings.smoothing:
        mesh = smooth(mesh, settings.smoothing, job=job)
    if 0 < settings.faces < len(mesh.faces):
        job.progress(0.6, f"simplifying {len(mesh.faces)} faces to {settings.faces}")
        mesh = repair(simplify(mesh, settings.faces), job=job, quiet=True)
        mesh = drop_small_parts(mesh, settings.smallest_part / 100.0, job=job)
    if settings.holes != "none":
        job.progress(0.8, "closing holes")
        mesh = close_holes(mesh, np.inf if settings.holes == "all" else SMALL_HOLE * _diagonal(mesh), job=job)
    job.metric("vertices", len(mesh.vertices))
    job.metric("faces", len(mesh.faces))
    return mesh


def repair(mesh: Mesh, *, job: Job, quiet: bool = False) -> Mesh:
    """A mesh without broken, degenerate or double faces, wound consistently, in which every vertex has one fan of faces.

    Raises ReifyError where no face is left, or where faces name vertices that aren't there.
    """
    from . import topology

    vertices, faces, source = mesh.vertices, mesh.faces, np.arange(len(mesh.vertices))
    if faces.min(initial=0) < 0 or faces.max(initial=-1) >= len(vertices):
        raise ReifyError("The mesh has faces whose vertices are missing.", "Export it again from the program that made it.")
    sound = np.isfinite(vertices).all(axis=1)
    broken = ~sound[faces].all(axis=1)
    if broken.any():
        job.warn(f"{int(broken.sum())} faces had vertices without a position and were removed.")
    vertices, faces, welded = _weld(vertices, faces[~broken])
    source = source[welded]
    faces = _without_degenerate(faces)
    if len(faces) == 0:
        raise ReifyError("The mesh has no sound faces.", "Use more photos of the subject, or train longer.")
    faces, turned = topology.wind_consistently(faces, topology.pair_half_edges(vertices, faces))
    before = len(np.unique(faces))
    faces, fans = topology.separate_fans(vertices, faces)
    source, vertices = source[fans], vertices[fans]
    if not quiet and turned:
        job.warn(f"{turned} faces were turned round to agree with their neighbours.")
    if not quiet and len(vertices) > before:
        job.metric("non_manifold_vertices_split", len(vertices) - before)
    if _closed(faces, vertices) and topology.volume(vertices, faces) < 0:
        faces = faces[:, ::-1]
        job.warn("The mesh was inside out and was turned round.")
    return Mesh(vertices, np.ascontiguousarray(faces), vertex_srgb=None if mesh.vertex_srgb is None else mesh.vertex_srgb[source])


def drop_small_parts(mesh: Mesh, least_share: float, *, job: Job) -> Mesh:
    """Without the connected parts whose area is less than `least_share` of the largest part's."""
    from . import topology

    part = topology.parts(mesh.faces, len(mesh.vertices))
    area = np.bincount(part, topology.areas(mesh.vertices, mesh.faces))
    keep = area >= least_share * area.max()
    if keep.all():
        return mesh
    job.metric("floaters_removed", job.report.metrics.get("floaters_removed", 0) + int((~keep).sum()))
    return _subset(mesh, mesh.faces[keep[part]])


def smooth(mesh: Mesh, passes: int, *, job: Job, shrink: float = 0.5, grow: float = -0.53) -> Mesh:
    """Vertices moved towards the mean of their neighbours and back (Taubin, 1995), so that noise goes and volume stays.

    Vertices on a boundary move only along it.
    """
    neighbours = _neighbours(mesh)
    vertices = mesh.vertices.astype(np.float64)
    for index in range(passes):
        job.progress(0.3 + 0.3 * index / passes, f"smoothing, pass {index + 1} of {passes}")
        for step in (shrink, grow):
            vertices = vertices + step * (neighbours @ vertices - vertices)
    return replace(mesh, vertices=vertices.astype(np.float32))


def simplify(mesh: Mesh, faces: int) -> Mesh:
    """About `faces` triangles, by quadric error metrics; vertex colours come from the nearest vertices before."""
    import fast_simplification
    from scipy.spatial import cKDTree

    vertices, kept = fast_simplification.simplify(mesh.vertices, mesh.faces, target_count=faces, agg=5)
    colours = None
    if mesh.vertex_srgb is not None:
        _, nearest = cKDTree(mesh.vertices).query(vertices, k=min(3, len(mesh.vertices)))
        colours = mesh.vertex_srgb[nearest.reshape(len(vertices), -1)].mean(axis=1).astype(np.float32)
    return Mesh(vertices.astype(np.float32), kept.astype(np.int32), vertex_srgb=colours)


def close_holes(mesh: Mesh, longest_rim: float, *, job: Job) -> Mesh:
    """With the holes closed whose rims aren't longer than `longest_rim` world units."""
    from .holes import fill_holes

    vertices, faces, count = fill_holes(mesh.vertices, mesh.faces, longest_rim)
    job.metric("holes_closed", count)
    colours = mesh.vertex_srgb
    if colours is not None and len(vertices) > len(colours):
        colours = np.concatenate([colours, np.tile(colours.mean(axis=0), (len(vertices) - len(colours), 1))])
    return Mesh(vertices, faces, vertex_srgb=colours)


def _without_uvs(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices, mesh.faces, vertex_srgb=mesh.vertex_srgb)


def _subset(mesh: Mesh, faces: Array) -> Mesh:
    from . import topology

    kept, faces = topology.compact(mesh.vertices, faces)
    return Mesh(mesh.vertices[kept], faces, vertex_srgb=None if mesh.vertex_srgb is None else mesh.vertex_srgb[kept])


def _weld(vertices: Array, faces: Array) -> tuple[Array, Array, Array]:
    """Vertices at exactly the same place become one; also the old number of every new vertex."""
    rows = np.ascontiguousarray(vertices.astype(np.float32) + np.float32(0)).view([("", np.float32)] * 3).reshape(-1)
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    return vertices[first], inverse.reshape(-1)[faces].astype(np.int32), first


def _without_degenerate(faces: Array) -> Array:
    distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    faces = faces[distinct]
    if len(faces) == 0:
        return faces
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    return faces[np.sort(first)]


def _closed(faces: Array, vertices: Array) -> bool:
    from . import topology

    return len(topology.boundary_half_edges(faces, topology.pair_half_edges(vertices, faces))) == 0


def _neighbours(mesh: Mesh):
    """Sparse matrix [V,V] whose rows average the neighbours; on a boundary only those along it."""
    from scipy.sparse import coo_matrix, diags

    from . import topology

    start = mesh.faces.ravel()
    end = start[topology.next_corner(np.arange(len(start)))]
    free = topology.boundary_half_edges(mesh.faces, topology.pair_half_edges(mesh.vertices, mesh.faces))
    on_rim = np.zeros(len(mesh.vertices), bool)
    on_rim[start[free]] = on_rim[end[free]] = True
    along = np.zeros(len(start), bool)
    along[free] = True
    a, b = np.concatenate([start, end]), np.concatenate([end, start])
    keep = ~on_rim[a] | np.concatenate([along, along])
    matrix = coo_matrix((np.ones(int(keep.sum())), (a[keep], b[keep])), shape=(len(mesh.vertices),) * 2).tocsr()
    matrix.data[:] = 1.0
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    return diags(1.0 / np.maximum(sums, 1.0)) @ matrix + diags((sums == 0).astype(float))


def _diagonal(mesh: Mesh) -> float:
    return float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
