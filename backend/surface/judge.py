"""Whether a finished mesh is what a capture allows: pieces, holes, and how much of it photos saw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..formats.images import scaled_size
from ..geometry import axes, topology, triangles
from ..geometry.raster import rasterize_mesh
from ..jobs.job import Job
from ..metrics.meshes import euler_number, sample_surface
from ..values import Array, Cameras, Mesh

LONG_SIDE_PX = 256  # of the depth pictures that tell what is hidden
SAMPLES = 4000  # points on the mesh
TOLERANCE = 0.01  # of the diagonal, by which a point may lie behind the depth picture and count as seen
WITNESSES = 3  # photos that must see a point: two agree by chance
LEAST_SEEN = 0.6  # share of the area; a body on a table that is photographed from all around has 0.8 and more
LEAST_LARGEST = 0.7  # share of the area that the largest component has, below which the mesh is in pieces
SPECK = 1 / 32  # edge of the cells that a tiny hole or handle fits in, by the mesh's diagonal: splats' noise makes tunnels of a few voxels
CURVED = -4.0 * np.pi  # what a handle adds to the sum of angle defects (Gauss and Bonnet); where limbs meet there is -2 pi
MOST_HOLES = 30  # boundary loops and handles that are no specks; a scene's outline and what stands in it have a few


@dataclass(frozen=True)
class Judgment:
    """Figures of a finished mesh."""

    components: int
    largest: float  # share of the area that the largest component has
    holes: int  # boundary loops; those that share a vertex count as one
    handles: int  # genus of all components together
    specks: int  # of both, those that are smaller than SPECK
    seen: float  # share of the area that WITNESSES cameras see


def judge(mesh: Mesh, cameras: Cameras, *, job: Job) -> Judgment:
    """Judge a manifold mesh by its topology and by the cameras of its photos; figures and warnings go to the report."""
    part = topology.parts(mesh.faces, len(mesh.vertices))
    area = np.bincount(part, triangles.areas(mesh.vertices, mesh.faces))
    rim, loop = _rims(mesh.faces, len(mesh.vertices))
    holes = int(loop.max(initial=-1)) + 1
    handles = max(0, (2 * len(area) - holes - euler_number(mesh)) // 2)
    seen = float((views_of_points(mesh, cameras, job=job) >= min(WITNESSES, len(cameras))).mean())
    specks = min(tiny_holes(mesh), holes + handles) if holes + handles else 0
    found = Judgment(len(area), float(area.max() / max(area.sum(), 1e-30)), holes, handles, specks, seen)
    figures = {"components": found.components, "holes": holes, "handles": handles, "specks": specks, "seen_share": round(seen, 4)}
    for name, value in figures.items():
        job.metric(f"mesh_{name}", value)
    if found.largest < LEAST_LARGEST:
        job.warn(
            f"The mesh is in {found.components} pieces, the largest has {found.largest:.0%} of its area: "
            "take more photos that overlap, from all around the subject."
        )
    if (visible := holes + handles - specks) > MOST_HOLES:
        job.warn(f"The mesh has {visible} large holes and handles: train longer, use the preset Surface, or add masks of the subject.")
    if seen < LEAST_SEEN:
        job.warn(f"Three photos or more see only {seen:.0%} of the mesh, the rest is guesswork: take more photos of what is missing.")
    return found


def tiny_holes(mesh: Mesh) -> int:
    """The number of handles and of boundary loops of a manifold mesh that are smaller than SPECK.

    A handle whose angle defects sum up in a single cell of a grid is as small as that. The mean of grids that lie a quarter of a cell apart
    is taken, since what is at a cell's border counts in none.
    """
    count = len(mesh.vertices)
    size = SPECK * float(np.linalg.norm(np.ptp(mesh.vertices.astype(np.float64), axis=0)))
    defect = 2.0 * np.pi - np.bincount(mesh.faces.ravel(), _angles(mesh.vertices[mesh.faces].astype(np.float64)).ravel(), count)
    rim, loop = _rims(mesh.faces, count)
    defect[rim] = 0.0
    low, high = np.full((int(loop.max(initial=-1)) + 1, 3), np.inf), np.full((int(loop.max(initial=-1)) + 1, 3), -np.inf)
    np.minimum.at(low, loop, mesh.vertices[rim])
    np.maximum.at(high, loop, mesh.vertices[rim])
    handles = []
    for offset in (0.0, 0.25, 0.5, 0.75):
        cell = np.unique(np.floor(mesh.vertices / size + offset).astype(np.int64), axis=0, return_inverse=True)[1].reshape(-1)
        handles.append(np.rint(np.bincount(cell, defect) / CURVED - 0.25).clip(0).sum())
    return round(float(np.mean(handles))) + int(((high - low).max(axis=1, initial=0.0) < size).sum())


def _angles(corners: Array) -> Array:
    """The angles [F,3] of triangles with the corners [F,3,3]."""
    ahead, behind = (np.roll(corners, step, axis=1) - corners for step in (-1, 1))
    return np.arctan2(np.linalg.norm(np.cross(ahead, behind), axis=-1), (ahead * behind).sum(axis=-1))


def _rims(faces: Array, count: int) -> tuple[Array, Array]:
    """The vertices on rims [R], and the number of the loop of each, from 0; loops that share a vertex are one."""
    edge, uses = topology.edge_numbers(faces)
    free = np.flatnonzero(uses[edge] == 1)
    start, end = faces.ravel()[free], faces.ravel()[topology.next_corner(free)]
    rim = np.unique(start)
    return rim, np.unique(topology.connected(count, start, end)[rim], return_inverse=True)[1].reshape(-1)


def views_of_points(mesh: Mesh, cameras: Cameras, *, job: Job) -> Array:
    """The number of cameras [SAMPLES] that see each of as many points, evenly spread over the mesh: in front of all faces, facing it."""
    sizes_px = np.array([scaled_size(width, height, LONG_SIDE_PX) for width, height in cameras.size_px.tolist()])
    pinholes = replace(axes.resize_cameras(cameras, sizes_px), distortion=np.zeros_like(cameras.distortion), fisheye=False)
    points, face = sample_surface(mesh, SAMPLES)
    normals = triangles.normals(mesh.vertices, mesh.faces)[face]
    tolerance = TOLERANCE * float(np.linalg.norm(np.ptp(mesh.vertices.astype(np.float64), axis=0)))
    count = np.zeros(len(points), int)
    for index in range(len(pinholes)):
        job.progress(index / len(pinholes), f"looking at the mesh, photo {index + 1} of {len(pinholes)}")
        depth = rasterize_mesh(mesh, pinholes, index).depth
        pose, K = pinholes.cam_from_world[index], pinholes.K[index]
        z = points @ pose[2, :3] + pose[2, 3]
        facing = ((pinholes.centers[index] - points) * normals).sum(axis=1) > 0
        pixel = (points @ pose[:3, :3].T + pose[:3, 3]) @ K.T
        column, row = np.floor(pixel[:, :2] / np.where(z > 0, z, 1.0)[:, None]).T
        inside = (z > 0) & facing & (column >= 0) & (row >= 0) & (column < depth.shape[1]) & (row < depth.shape[0])
        near = np.flatnonzero(inside)
        front = depth[row[near].astype(int), column[near].astype(int)]
        count[near[(front == 0) | (z[near] <= front + tolerance)]] += 1
    return count
