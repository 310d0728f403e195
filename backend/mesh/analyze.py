"""The state of a mesh in figures, before and after cleaning."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ..geometry import topology, triangles
from ..geometry.tree import crossing, hidden, tree_of
from ..jobs.job import Job
from ..values import Array, Mesh

LEAST_SHELL = 0.001  # area, by the largest component's, below which a component is dust and isn't tested
SAMPLES = 256  # faces of a component that are tested, evenly by area: all of a torn mesh take minutes
HIDDEN_SHARE = 0.99  # share of its area that must be hidden for a component to be an inner shell


@dataclass(frozen=True)
class Analysis:
    """Figures of a mesh with coincident vertices welded; from `parts` on they are of sound faces only."""

    vertices: int
    faces: int
    double_vertices: int  # at the place of another
    broken_faces: int  # with vertices that are missing or have no finite position
    degenerate_faces: int  # without area
    double_faces: int  # with the vertices of another
    parts: int
    inner_parts: int  # that nothing outside can see
    boundary_edges: int  # with one face
    holes: int  # rims of boundary edges
    non_manifold_edges: int  # with more than two faces
    non_manifold_vertices: int  # with more than one fan of faces
    flipped_edges: int  # whose two faces disagree about which side is out
    crossing_faces: int  # that pass through another face
    euler: int  # V - E + F
    genus: int  # handles of all parts together; -1 where the mesh isn't watertight
    watertight: int  # 1 where every edge has two faces that agree
    area: float  # square world units
    volume: float  # cubic world units, signed; 0 where the mesh isn't watertight

    def figures(self, when: str) -> dict[str, float]:
        """For a report: "before.faces" -> 1234.0 and so on."""
        return {f"{when}.{name}": float(value) for name, value in dataclasses.asdict(self).items()}


def report_analysis(mesh: Mesh, when: str, *, job: Job) -> None:
    """Put the mesh's analysis into the report, each figure under `when` and a dot; never raises for a mesh, however broken."""
    job.progress(0.0, f"looking at {len(mesh.faces)} faces")
    for name, value in analyze(mesh).figures(when).items():
        job.metric(name, value)


def analyze(mesh: Mesh) -> Analysis:
    """The state of any mesh, however broken, even without faces."""
    finite = np.isfinite(mesh.vertices).all(axis=1)
    there = ((mesh.faces >= 0) & (mesh.faces < len(mesh.vertices))).all(axis=1)
    sound = there.copy()
    sound[there] = finite[mesh.faces[there]].all(axis=1)
    used, numbers = topology.compact(mesh.vertices, mesh.faces[sound])
    first, numbers = topology.weld(mesh.vertices[used], numbers)
    vertices = mesh.vertices[used][first]
    distinct = topology.distinct_corners(numbers)
    faces = numbers[distinct][topology.first_of_doubles(numbers[distinct])]
    return _assembled(
        vertices,
        faces,
        vertices=len(mesh.vertices),
        faces_in_all=len(mesh.faces),
        double_vertices=len(used) - len(vertices),
        broken_faces=int((~sound).sum()),
        degenerate_faces=int(triangles.degenerate(vertices, numbers).sum()),
        double_faces=int(distinct.sum()) - len(faces),
    )


def inner_parts(vertices: Array, faces: Array, part: Array) -> Array:
    """Components [P] bool that are hidden from outside, even through holes: inner shells. `part` [F] is each face's component.

    SAMPLES faces of each stand for it, so that the time doesn't grow with the number of faces.
    """
    areas = triangles.areas(vertices, faces)
    whole = np.bincount(part, areas)
    asked = whole > LEAST_SHELL * whole.max()
    if asked.sum() < 2:
        return np.zeros(len(whole), bool)
    order = np.argsort(part, kind="stable")
    ends = np.cumsum(areas[order])
    numbers, steps = np.flatnonzero(asked), (np.arange(SAMPLES) + 0.5) / SAMPLES
    last = np.cumsum(whole)[numbers]
    places = last[:, None] - whole[numbers, None] * (1.0 - steps)
    sampled = order[np.searchsorted(ends, places).clip(0, len(faces) - 1)]
    among = np.zeros(len(faces), bool)
    among[sampled] = True
    unseen = hidden(tree_of(vertices, faces), among=among)[sampled].mean(axis=1)
    inner = np.zeros(len(whole), bool)
    inner[numbers] = unseen >= HIDDEN_SHARE
    return inner


def _assembled(points: Array, faces: Array, *, faces_in_all: int, **counted: int) -> Analysis:
    if len(faces) == 0:
        zeros = {field.name: 0 for field in dataclasses.fields(Analysis)}
        return Analysis(**{**zeros, **counted, "faces": faces_in_all, "genus": -1})
    edge, uses = topology.edge_numbers(faces)
    pairs = topology.pair_half_edges(points, faces)
    # Fans are whole only where windings agree.
    fans = topology.separate_fans(points, topology.wind_consistently(faces, pairs)[0])[1]
    part = topology.parts(faces, len(points))
    parts = int(part.max()) + 1
    free = np.flatnonzero(uses[edge] == 1)
    boundary = len(free)
    rim, following = faces.ravel()[free], faces.ravel()[topology.next_corner(free)]
    flipped = int((~pairs.opposed).sum())
    crowded = int((uses > 2).sum())
    euler = len(np.unique(faces)) - len(uses) + len(faces)
    watertight = boundary == 0 and crowded == 0 and flipped == 0
    return Analysis(
        faces=faces_in_all,
        parts=parts,
        inner_parts=int(inner_parts(points, faces, part).sum()),
        boundary_edges=boundary,
        holes=len(np.unique(topology.connected(len(points), rim, following)[rim])),
        non_manifold_edges=crowded,
        non_manifold_vertices=int((np.bincount(fans, minlength=len(points)) > 1).sum()),
        flipped_edges=flipped,
        crossing_faces=int(crossing(tree_of(points, faces), faces).sum()),
        euler=euler,
        genus=(2 * parts - euler) // 2 if watertight else -1,
        watertight=int(watertight),
        area=float(triangles.areas(points, faces).sum()),
        volume=triangles.volume(points, faces) if watertight else 0.0,
        **counted,
    )
