"""Code of our own beside libraries that do the same, on the same input: the figures of docs/own_code.md.

The libraries aren't part of any environment here; those that can't be imported are left out, and standard error says which. Each figure
has the seconds of the wall clock, those that the process computed, and the longest time for which no other Python thread could run.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import device
from ..backend.capture.undistort import undistort
from ..backend.formats.posed import pinhole_matrix
from ..backend.formats.splat_ply import read_splat_ply, write_splat_ply
from ..backend.geometry import triangles
from ..backend.geometry.raster import rasterize_mesh
from ..backend.geometry.smoothing import taubin, vertex_means
from ..backend.geometry.tree import hidden, nearest, tree_of, winding_numbers
from ..backend.jobs.job import Job
from ..backend.mesh.holes import fill_holes
from ..backend.metrics import meshes
from ..backend.metrics.images import ssim
from ..backend.pictures.grabcut import grab_cut
from ..backend.surface.marching import marching_cubes
from ..backend.surface.points import PointSettings, surface_of_points
from ..backend.surface.sampling import sample
from ..backend.texture.from_photos import TextureSettings
from ..backend.texture.unwrap import unwrap
from ..backend.values import Array, Cameras, Mesh, Points, Splats
from .mesh import bumpy_ring
from .surface import orbit

Emit = Callable[..., None]
BEAT_S = 0.001  # between two signs of life of the thread that sees how long the interpreter is held
RING, FEWER = 224, 80  # segments of tori with 100 k and 13 k faces


def unwrapping(emit: Emit) -> None:
    """UVs of a mesh of 100 k faces."""
    mesh = bumpy_ring(RING)
    uvs = _timed(emit, "unwrap_100k", lambda: unwrap(mesh, TextureSettings())).uvs
    emit("unwrap_100k_texels_used", round(100 * float(np.abs(triangles.signed_areas(uvs)).sum()), 1), "%")
    if xatlas := _library("xatlas"):
        atlas = _timed(emit, "unwrap_100k_xatlas", lambda: xatlas.parametrize(mesh.vertices, mesh.faces.astype(np.uint32)), once=True)
        emit("unwrap_100k_xatlas_texels_used", round(100 * float(np.abs(triangles.signed_areas(atlas[2][atlas[1]])).sum()), 1), "%")


def queries(emit: Emit) -> None:
    """What a bounding volume hierarchy of 100 k faces is for: nearest points, winding numbers, visibility, pictures."""
    mesh, rng = bumpy_ring(RING), np.random.default_rng(0)
    points = rng.uniform(mesh.vertices.min(axis=0), mesh.vertices.max(axis=0), (100_000, 3))
    tree = tree_of(mesh.vertices, mesh.faces)
    _timed(emit, "nearest_100k_points", lambda: nearest(tree, points))
    _timed(emit, "winding_100k_points", lambda: winding_numbers(tree, points))
    _timed(emit, "hidden_100k_faces_64_rays", lambda: hidden(tree, 64))
    cameras = orbit(1)
    _timed(emit, "rasterize_100k_faces", lambda: rasterize_mesh(mesh, cameras, 0))
    if igl := _library("igl"):
        vertices, faces = mesh.vertices.astype(np.float64), mesh.faces.astype(np.int64)
        _timed(emit, "nearest_100k_points_libigl", lambda: igl.point_mesh_squared_distance(points, vertices, faces))
        _timed(emit, "winding_100k_points_libigl", lambda: igl.fast_winding_number(vertices, faces, points))
    if trimesh := _library("trimesh"):
        theirs = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
        _timed(emit, "nearest_1k_points_trimesh", lambda: trimesh.proximity.closest_point(theirs, points[:1000]))
        if _library("embreex"):
            rays = _rays(cameras)
            _timed(emit, "first_hits_100k_faces_trimesh_embree", lambda: theirs.ray.intersects_first(*rays))


def cleaning(emit: Emit) -> None:
    """Holes, smoothing and Poisson reconstruction."""
    mesh = bumpy_ring(FEWER)
    vertices = mesh.vertices.astype(np.float64)
    holed = mesh.faces[np.linalg.norm(triangles.centers(vertices, mesh.faces) - vertices[0], axis=1) > 0.2]
    patched = _timed(emit, "fill_a_hole", lambda: fill_holes(vertices, holed, np.inf, np.inf))
    emit("fill_a_hole_watertight", int(meshes.is_watertight(Mesh(patched.vertices, patched.faces))), "")
    emit("fill_a_hole_off", _off(patched.vertices, patched.faces, mesh), "%")
    _timed(emit, "taubin_10_passes_13k", lambda: taubin(vertices, vertex_means(vertices, mesh.faces), 10))
    cloud = _cloud()
    settings = PointSettings()
    ours = _timed(emit, "poisson_100k_points", lambda: surface_of_points(cloud, "poisson", "cubes", settings, voxel_size=0.012, job=Job()))
    emit("poisson_100k_points_faces", len(ours.faces), "")
    if trimesh := _library("trimesh"):
        theirs = trimesh.Trimesh(vertices, holed, process=False)
        _timed(emit, "fill_a_hole_trimesh", lambda: trimesh.repair.fill_holes(theirs), once=True)
        emit("fill_a_hole_trimesh_watertight", int(theirs.is_watertight), "")
        smooth = trimesh.Trimesh(vertices, mesh.faces, process=False)
        _timed(
            emit,
            "taubin_10_passes_13k_trimesh",
            lambda: trimesh.smoothing.filter_taubin(smooth, lamb=0.5, nu=0.53, iterations=20),
            once=True,
        )
    if pymeshlab := _library("pymeshlab"):
        holes = pymeshlab.MeshSet()
        holes.add_mesh(pymeshlab.Mesh(vertices, holed))
        _timed(emit, "fill_a_hole_pymeshlab", lambda: holes.meshing_close_holes(maxholesize=10_000, refinehole=True), once=True)
        made = holes.current_mesh()
        closed = Mesh(made.vertex_matrix(), made.face_matrix())
        emit("fill_a_hole_pymeshlab_watertight", int(meshes.is_watertight(closed)), "")
        emit("fill_a_hole_pymeshlab_off", _off(closed.vertices, closed.faces, mesh), "%")
        found = pymeshlab.MeshSet()
        found.add_mesh(pymeshlab.Mesh(cloud.xyz.astype(np.float64), v_normals_matrix=np.asarray(cloud.normals, np.float64)))
        _timed(emit, "poisson_100k_points_pymeshlab", lambda: found.generate_surface_reconstruction_screened_poisson(depth=8), once=True)
        emit("poisson_100k_points_pymeshlab_faces", found.current_mesh().face_number(), "")


def extraction(emit: Emit) -> None:
    """Marching cubes of a sphere in a box of 384 samples a side, evaluation included."""
    cells, job = 384, Job()

    def distance(points: Array) -> Array:
        return np.linalg.norm(points, axis=-1) - 1.0

    corner = np.full(3, 1.2)
    made = _timed(emit, "isosurface_384", lambda: marching_cubes(sample(distance, -corner, corner, 2.4 / cells, job=job)))
    emit("isosurface_384_faces", len(made[1]), "")
    emit("isosurface_384_samples", sample(distance, -corner, corner, 2.4 / cells, job=job).distance.size, "")
    if skimage := _library("skimage.measure"):
        line = np.linspace(-1.2, 1.2, cells, dtype=np.float32)

        def dense() -> Any:
            x, y, z = np.meshgrid(line, line, line, indexing="ij", sparse=True)
            return skimage.marching_cubes(np.sqrt(x * x + y * y + z * z) - 1.0, 0.0)

        _timed(emit, "isosurface_384_skimage", dense)
        emit("isosurface_384_skimage_samples", cells**3, "")


def pictures(emit: Emit) -> None:
    """Cutting out, undistortion and SSIM."""
    rng, (height, width) = np.random.default_rng(0), (900, 1200)
    y, x = np.mgrid[:height, :width]
    inside = np.hypot((x - 600) / 300, (y - 450) / 250) < 1.0
    picture = np.where(inside[..., None], (200, 80, 60), (70, 120, 160)) + rng.normal(0, 25, (height, width, 3))
    picture = picture.clip(0, 255).astype(np.uint8)
    box = (240, 160, 960, 740)
    cut = _timed(emit, "grab_cut_1200px", lambda: grab_cut(picture, box, None, Job()))
    emit("grab_cut_1200px_iou", round(_overlap(cut > 0.5, inside), 4), "")
    K = pinhole_matrix(1000.0, 1000.0, width / 2, height / 2)
    lens = Cameras(np.eye(4)[None], K[None], np.array([[width, height]]), np.array([[-0.2, 0.05, 0, 0, 0, 0, 0, 0.0]]))
    _timed(emit, "undistort_1200px", lambda: undistort(picture, lens, 0))
    a, b = picture / 255.0, np.roll(picture, 1, axis=1) / 255.0
    emit("ssim_1200px_value", round(_timed(emit, "ssim_1200px", lambda: ssim(a, b)), 6), "")
    if cv2 := _library("cv2"):
        mask, models = np.zeros((height, width), np.uint8), (np.zeros((1, 65)), np.zeros((1, 65)))
        rectangle = (box[0], box[1], box[2] - box[0], box[3] - box[1])
        _timed(emit, "grab_cut_1200px_opencv", lambda: cv2.grabCut(picture, mask, rectangle, *models, 6, cv2.GC_INIT_WITH_RECT), once=True)
        emit("grab_cut_1200px_opencv_iou", round(_overlap((mask & 1).astype(bool), inside), 4), "")
        _timed(emit, "undistort_1200px_opencv", lambda: cv2.undistort(picture, K, lens.distortion[0, :5]))
    if skimage := _library("skimage.metrics"):
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0, "channel_axis": 2}
        theirs = _timed(emit, "ssim_1200px_skimage", lambda: skimage.structural_similarity(a, b, **options))
        emit("ssim_1200px_skimage_value", round(float(theirs), 6), "")


def files(emit: Emit) -> None:
    """Reading 300 k splats of SH degree 3."""
    rng, count = np.random.default_rng(0), 300_000
    means, quats, log_scales, opacity_logits = (rng.normal(size=(count, *more)).astype(np.float32) for more in ((3,), (4,), (3,), ()))
    splats = Splats(means, quats, log_scales, opacity_logits, rng.normal(size=(count, 16, 3)).astype(np.float32))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "splats.ply"
        write_splat_ply(splats, path)
        _timed(emit, "read_300k_splats", lambda: read_splat_ply(path))
        if plyfile := _library("plyfile"):
            _timed(emit, "read_300k_splats_plyfile", lambda: np.array(plyfile.PlyData.read(str(path))["vertex"].data))


PARTS = {work.__name__: work for work in (unwrapping, queries, cleaning, extraction, pictures, files)}


def run(emit: Emit, parts: tuple[str, ...]) -> None:
    """Print the figures of these parts, or of all; about five minutes."""
    device.prepare_numba()
    for part in parts or tuple(PARTS):
        PARTS[part](emit)


def _timed(emit: Emit, figure: str, work: Callable[[], Any], once: bool = False) -> Any:
    """What `work` returns; its second call is measured, as the first one compiles, but for what changes its input or takes minutes."""
    if not once:
        work()
    wall, cpu = time.perf_counter(), time.process_time()
    with _beats() as gaps:
        value = work()
    seconds = time.perf_counter() - wall
    emit(f"{figure}_seconds", round(seconds, 3), "s", cpu=round(time.process_time() - cpu, 3), held=round(max(gaps), 3))
    return value


@contextmanager
def _beats() -> Iterator[list[float]]:
    """Gaps between the beats of another Python thread, in seconds: as long as the interpreter is held it can't beat."""
    gaps, done = [0.0], threading.Event()

    def beat() -> None:
        last = time.perf_counter()
        while not done.is_set():
            time.sleep(BEAT_S)
            now = time.perf_counter()
            gaps.append(now - last - BEAT_S)
            last = now

    thread = threading.Thread(target=beat)
    thread.start()
    yield gaps
    done.set()
    thread.join()


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"without {name}: {error}", file=sys.stderr)
        return None


def _cloud() -> Points:
    """100 k oriented points on a bumpy ring."""
    mesh = bumpy_ring(RING)
    xyz, faces = meshes.sample_surface(mesh, 100_000)
    return Points(xyz.astype(np.float32), None, triangles.normals(mesh.vertices, mesh.faces)[faces].astype(np.float32))


def _rays(cameras: Cameras) -> tuple[Array, Array]:
    """Origins and directions [P,3] of all pixels of the first camera."""
    width, height = cameras.size_px[0]
    K, pose = cameras.K[0], cameras.cam_from_world[0]
    x, y = np.meshgrid((np.arange(width) + 0.5 - K[0, 2]) / K[0, 0], (np.arange(height) + 0.5 - K[1, 2]) / K[1, 1])
    directions = np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 3) @ pose[:3, :3]
    return np.tile(cameras.centers[0], (len(directions), 1)), directions


def _off(vertices: Array, faces: Array, truth: Mesh) -> float:
    """Largest distance of a vertex from the mesh before the hole was cut, in percent of its diagonal."""
    distance = nearest(tree_of(truth.vertices, truth.faces), vertices[np.unique(faces)].astype(np.float64)).distance
    return round(100 * float(distance.max() / np.linalg.norm(np.ptp(truth.vertices, axis=0))), 3)


def _overlap(a: Array, b: Array) -> float:
    return float((a & b).sum() / (a | b).sum())
