"""Mesh cleaning: repair, floaters, hidden parts, holes, smoothing, simplification; UVs and colors stay."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import ReifyError
from ..geometry import topology, triangles
from ..geometry.smoothing import taubin, vertex_means
from ..jobs.job import Job
from ..settings import option
from ..values import Array, Mesh
from . import watertight

SMALL_HOLE = 0.25  # boundary length, by the mesh's diagonal, up to which a hole is small; see holes._length
SEALINGS = 3  # rounds of removing what bounds nothing and closing what that leaves open
LARGEST_POSITION = 1e15  # coordinates beyond it count as broken: their products overflow 32-bit floats


@dataclass(frozen=True)
class MeshSettings:
    """What can be set about cleaning the mesh."""

    faces: int = option(100_000, "Number of triangles to simplify to, or 0 to keep all", low=0, high=20_000_000)
    smoothing: int = option(6, "Passes of smoothing that keep the volume", low=0, high=200)
    smallest_part: float = option(
        0.5, "Loose parts with less than this share of the largest part's area are removed", low=0.0, high=100.0, unit="%"
    )
    enclosed: str = option(
        "parts",
        "What nobody can see from outside, and whether it is removed",
        choices={
            "keep": "Keep everything",
            "parts": "Remove loose parts that lie wholly inside others",
            "faces": "Remove all faces out of sight, also where bodies run into each other",
        },
    )
    holes: str = option(
        "small",
        "Which holes are closed",
        choices={
            "none": "Leave all holes open",
            "small": "Close holes that are small compared to the mesh",
            "all": "Close all holes: the mesh becomes watertight",
            "rebuild": "Build the surface anew around what is inside: watertight whatever the mesh's state, without inner parts",
        },
    )
    rebuild_cells: int = option(
        128, "Cells along the longest side where the surface is built anew; more keep finer detail", low=16, high=512, advanced=True
    )


def clean(mesh: Mesh, settings: MeshSettings, *, job: Job) -> Mesh:
    """The mesh repaired, without floaters and hidden parts, with holes closed, smoothed and simplified; UVs, textures and colors stay.

    The result is manifold with consistent winding and without double faces, also once coincident vertices are welded. Repairs are
    reported as warnings or figures. Raises ReifyError where no face is left.
    """
    job.progress(0.0, "repairing")
    mesh = repair(mesh, job=job)
    job.progress(0.15, "removing floaters")
    mesh = drop_small_parts(mesh, settings.smallest_part / 100.0, job=job)
    if settings.holes == "rebuild":
        from .rebuild import rebuild

        with job.span(0.4):
            mesh = rebuild(mesh, settings.rebuild_cells, job=job)
        mesh = repair(mesh, job=job, quiet=True)
    if settings.enclosed == "faces":
        job.progress(0.4, "looking for faces out of sight")
        mesh = drop_enclosed(mesh, "faces", job=job)
    mesh = _without_holes(mesh, settings, 0.42, job)
    if settings.enclosed == "parts":
        job.progress(0.45, "looking for parts inside others")
        mesh = drop_enclosed(mesh, "parts", job=job)  # now that nothing looks in through holes
    if settings.smoothing:
        with job.span(0.6):
            mesh = smooth(mesh, settings.smoothing, job=job)
    if 0 < settings.faces < len(mesh.faces):
        job.progress(0.6, f"simplifying {len(mesh.faces)} faces to {settings.faces}")
        mesh = repair(simplify(mesh, settings.faces), job=job, quiet=True)
        mesh = drop_small_parts(mesh, settings.smallest_part / 100.0, job=job)
        mesh = _without_holes(mesh, settings, 0.9, job)
    job.progress(0.95, "checking what is promised")
    mesh = sealed(mesh, job=job) if settings.holes in ("all", "rebuild") else settled(mesh, _longest_rim(mesh, settings), job=job)
    mesh = drop_small_parts(mesh, settings.smallest_part / 100.0, job=job)  # repairs cut off single faces
    job.metric("vertices", len(mesh.vertices))
    job.metric("faces", len(mesh.faces))
    return mesh


def sealed(mesh: Mesh, *, job: Job) -> Mesh:
    """The closed mesh as watertight as it was promised: without fins, inner walls and edges of more than two faces; says where it isn't."""
    for _ in range(SEALINGS):
        keep = watertight.enclosing_faces(mesh)
        if keep.all():
            break
        job.metric("faces_without_volume_removed", job.report.metrics.get("faces_without_volume_removed", 0) + int((~keep).sum()))
        mesh = close_holes(repair(_subset(mesh, keep), job=job, quiet=True), np.inf, job=job)
    mesh = watertight.kept_apart(mesh)
    if fault := watertight.fault_of(mesh):
        job.warn(f"The mesh isn't watertight: {fault}.")
    return mesh


def settled(mesh: Mesh, longest_rim: float, *, job: Job) -> Mesh:
    """The mesh, open or closed, manifold and without double faces where coincident vertices count as one; says where it isn't.

    Hole filling puts faces on others, and edges between vertices that have one already: repairing these opens holes, of which those
    with a boundary length of at most `longest_rim` world units are closed again.
    """
    for _ in range(SEALINGS):
        mesh = repair(mesh, job=job, quiet=True)
        patched = close_holes(mesh, longest_rim, job=job)
        mesh = watertight.kept_apart(mesh if patched is mesh else repair(patched, job=job, quiet=True))
        keep = watertight.uncrowded_faces(mesh)
        if keep.all():
            break
        mesh = _subset(mesh, keep)
    if fault := watertight.fault_of(mesh, open_is_well=True):
        job.warn(f"The mesh isn't manifold: {fault}.")
    return mesh


def _without_holes(mesh: Mesh, settings: MeshSettings, fraction: float, job: Job) -> Mesh:
    if settings.holes == "none":
        return mesh
    job.progress(fraction, "closing holes")
    return close_holes(mesh, _longest_rim(mesh, settings), job=job)


def _longest_rim(mesh: Mesh, settings: MeshSettings) -> float:
    return {"none": 0.0, "small": SMALL_HOLE * _diagonal(mesh)}.get(settings.holes, np.inf)


def repair(mesh: Mesh, *, job: Job, quiet: bool = False) -> Mesh:
    """The mesh without broken, degenerate and duplicate faces, manifold and wound consistently.

    Raises ReifyError where no face is left, or where faces have indices of vertices that don't exist.
    """
    if len(mesh.faces) == 0:
        raise ReifyError("The mesh has no faces.", "Choose another mesh, or make it again from more or better photos.")
    faces, uvs = mesh.faces, mesh.uvs
    if faces.min() < 0 or faces.max() >= len(mesh.vertices):
        raise ReifyError("The mesh has faces whose vertices are missing.", "Export it again from the program that made it.")
    broken = _broken(mesh)
    if broken.all():
        raise ReifyError("The mesh has no vertex with a usable position.", "Export it again from the program that made it.")
    if broken.any():
        job.warn(f"{int(broken.sum())} faces had vertices without a usable position and were removed.")
    used, faces = topology.compact(mesh.vertices, faces[~broken])
    first, faces = topology.weld(mesh.vertices[used], faces)
    source = used[first]
    sound = np.flatnonzero(topology.distinct_corners(faces))
    kept = np.flatnonzero(~broken)[sound]
    single = topology.first_of_doubles(faces[sound])
    kept, faces = kept[single], faces[sound][single]
    vertices = mesh.vertices[source]
    if triangles.degenerate(vertices, faces).all():
        raise ReifyError("The mesh has no face with an area.", "Choose another mesh, or make it again from more or better photos.")
    wound, turned = topology.wind_consistently(faces, topology.pair_half_edges(vertices, faces))
    reversed_faces = wound[:, 0] != faces[:, 0]
    before = len(np.unique(wound))
    faces, fans = topology.separate_fans(vertices, wound)
    source = source[fans]
    vertices = mesh.vertices[source]
    if not quiet:
        _tell(job, dropped=len(mesh.faces) - int(broken.sum()) - len(faces), turned=turned, split=len(vertices) - before)
    if _closed(faces, vertices) and triangles.volume(vertices, faces) < 0:
        faces, reversed_faces = faces[:, ::-1], ~reversed_faces
        job.warn("The mesh was inside out and was turned round.")
    if uvs is not None:
        uvs = _finite_uvs(uvs[kept], job)
        uvs = np.where(reversed_faces[:, None, None], uvs[:, ::-1], uvs)
    colors = None if mesh.vertex_srgb is None else mesh.vertex_srgb[source]
    return Mesh(vertices, np.ascontiguousarray(faces), uvs, colors, mesh.textures)


def drop_small_parts(mesh: Mesh, least_share: float, *, job: Job) -> Mesh:
    """Without the connected components whose area is less than `least_share` of the largest one's."""
    part = topology.parts(mesh.faces, len(mesh.vertices))
    area = np.bincount(part, triangles.areas(mesh.vertices, mesh.faces))
    keep = area >= least_share * area.max()
    if keep.all():
        return mesh
    job.metric("floaters_removed", job.report.metrics.get("floaters_removed", 0) + int((~keep).sum()))
    return _subset(mesh, keep[part])


def drop_enclosed(mesh: Mesh, which: str, *, job: Job) -> Mesh:
    """Without the "parts", or all "faces", that aren't visible from outside by ambient occlusion rays.

    Of faces, only patches of at least a thousandth of the mesh's area go, so that crevices that no ray found stay closed.
    """
    from ..geometry.tree import hidden, tree_of
    from .analyze import inner_parts

    part = topology.parts(mesh.faces, len(mesh.vertices))
    if which == "parts":
        inner = inner_parts(mesh.vertices, mesh.faces, part)
        job.metric("inner_parts_removed", int(inner.sum()))
        return _subset(mesh, ~inner[part]) if inner.any() else mesh
    unseen = hidden(tree_of(mesh.vertices, mesh.faces), rays=256)
    pairs = topology.pair_half_edges(mesh.vertices, mesh.faces)
    f, g = pairs.first // 3, pairs.second // 3
    alike = unseen[f] == unseen[g]
    patch = topology.connected(len(mesh.faces), f[alike], g[alike])
    areas = triangles.areas(mesh.vertices, mesh.faces)
    large = np.bincount(patch, areas) >= 0.001 * areas.sum()
    gone = unseen & large[patch]
    gone &= not gone.all()
    job.metric("inner_faces_removed", int(gone.sum()))
    # What is left may touch itself at single vertices.
    return repair(_subset(mesh, ~gone), job=job, quiet=True) if gone.any() else mesh


def smooth(mesh: Mesh, passes: int, *, job: Job) -> Mesh:
    """The mesh after Taubin smoothing, which keeps its volume; boundary vertices are smoothed along the boundary only."""
    means = vertex_means(mesh.vertices, mesh.faces)
    vertices = mesh.vertices.astype(np.float64)
    for index in range(passes):
        job.progress(index / passes, f"smoothing, pass {index + 1} of {passes}")
        vertices = taubin(vertices, means, 1)
    return replace(mesh, vertices=vertices.astype(np.float32))


def simplify(mesh: Mesh, faces: int) -> Mesh:
    """About `faces` triangles by quadric error metrics; UVs and colors are transferred from the nearest places of `mesh`."""
    import fast_simplification

    from .transfer import transfer

    origin, size = mesh.vertices.min(axis=0), float(np.ptp(mesh.vertices, axis=0).max()) or 1.0
    scaled = ((mesh.vertices - origin) / size).astype(np.float32)
    vertices, kept = fast_simplification.simplify(scaled, mesh.faces, target_count=faces, agg=5)
    if len(kept) == 0:  # a mesh of slivers only, whose quadrics are all zero
        return mesh
    return transfer(Mesh((vertices * size + origin).astype(np.float32), kept.astype(np.int32)), mesh)


def levels_of_detail(mesh: Mesh, count: int, ratio: float, *, job: Job) -> tuple[Mesh, ...]:
    """`count` more meshes, each with `ratio` of the faces of the one before; UVs and colors are transferred from `mesh`."""
    levels: list[Mesh] = []
    fault = watertight.fault_of(mesh)
    for index in range(count):
        wanted = max(4, round(len(mesh.faces) * ratio ** (index + 1)))
        simpler = mesh
        if wanted < len(mesh.faces):
            job.progress(index / count, f"level of detail {index + 1}: {wanted} faces")
            simpler = repair(simplify(mesh, wanted), job=job, quiet=True)
            # What holds for the mesh holds for all of its levels.
            simpler = settled(simpler, 0.0, job=job) if fault else sealed(close_holes(simpler, np.inf, job=job), job=job)
        levels.append(simpler)
        job.metric(f"faces_lod{index + 1}", len(simpler.faces))
    return tuple(levels)


def close_holes(mesh: Mesh, longest_rim: float, *, job: Job) -> Mesh:
    """The mesh with holes up to a boundary length of `longest_rim` world units closed; patches take colors and UVs from their rims."""
    from .holes import fill_holes

    patched = fill_holes(mesh.vertices, mesh.faces, longest_rim, SMALL_HOLE * _diagonal(mesh))
    job.metric("holes_closed", job.report.metrics.get("holes_closed", 0) + patched.count)
    if patched.count == 0:
        return mesh
    colors = mesh.vertex_srgb
    if colors is not None:
        colors = np.concatenate([colors, colors[patched.rim]]).astype(np.float32)
    uvs = None if mesh.uvs is None else np.concatenate([mesh.uvs, _uvs_beside(mesh, patched.faces[len(mesh.faces) :], patched.rim)])
    return Mesh(patched.vertices, patched.faces, uvs, colors, mesh.textures)


def _broken(mesh: Mesh) -> Array:
    with np.errstate(invalid="ignore"):
        sound = (np.abs(mesh.vertices) < LARGEST_POSITION).all(axis=1)  # False for NaN too
    return ~sound[mesh.faces].all(axis=1)


def _tell(job: Job, dropped: int, turned: int, split: int) -> None:
    if dropped:
        job.metric("unsound_faces_removed", dropped)
    if turned:
        job.warn(f"{turned} faces were turned round to agree with their neighbors.")
    if split > 0:
        job.metric("non_manifold_vertices_split", split)


def _finite_uvs(uvs: Array, job: Job) -> Array:
    lost = ~np.isfinite(uvs).all(axis=(1, 2))
    if not lost.any():
        return uvs
    job.warn(f"{int(lost.sum())} faces had UVs that are no numbers; these are 0 now.")
    return np.where(lost[:, None, None], np.float32(0), uvs)


def _uvs_beside(mesh: Mesh, patch: Array, rim: Array) -> Array:
    """UVs [P,3,2] of a patch's faces: those of each corner's rim vertex, as far as these are in one chart."""
    from .transfer import charts

    assert mesh.uvs is not None
    uv, chart = np.zeros((len(mesh.vertices), 2), np.float32), np.zeros(len(mesh.vertices), np.int64)
    uv[mesh.faces.ravel()] = mesh.uvs.reshape(-1, 2)
    chart[mesh.faces.ravel()] = np.repeat(charts(mesh), 3)
    behind = np.concatenate([np.arange(len(mesh.vertices)), rim])[patch]
    same = chart[behind] == chart[behind[:, :1]]
    return uv[np.where(same, behind, behind[:, :1])]


def _subset(mesh: Mesh, keep: Array) -> Mesh:
    kept, faces = topology.compact(mesh.vertices, mesh.faces[keep])
    return Mesh(
        mesh.vertices[kept],
        faces,
        None if mesh.uvs is None else mesh.uvs[keep],
        None if mesh.vertex_srgb is None else mesh.vertex_srgb[kept],
        mesh.textures,
    )


def _closed(faces: Array, vertices: Array) -> bool:
    return len(topology.boundary_half_edges(faces, topology.pair_half_edges(vertices, faces))) == 0


def _diagonal(mesh: Mesh) -> float:
    return float(np.linalg.norm(np.ptp(mesh.vertices.astype(np.float64), axis=0)))
