from __future__ import annotations

import numpy as np
import pytest
from reify.backend.bodies.depth_relief import DepthSettings, depth_at, depth_relief
from reify.backend.bodies.from_pictures import Settings, build_by_depth
from reify.backend.errors import ReifyError
from reify.backend.geometry.topology import parts
from reify.backend.jobs.job import Job
from reify.backend.values import Picture

from ..pictures.shapes import disc
from .solids import triangles_of

HEIGHT, WIDTH = 120, 160
VIEW = 60.0
FOCAL_PX = 0.5 * WIDTH / np.tan(np.radians(VIEW) / 2)


def whole(coverage: np.ndarray | None = None) -> Picture:
    """A picture that is bright on its left."""
    srgb = np.broadcast_to(np.linspace(255, 0, WIDTH).astype(np.uint8)[None, :, None], (HEIGHT, WIDTH, 3)).copy()
    return Picture("scene", srgb, np.ones((HEIGHT, WIDTH), np.float32) if coverage is None else coverage)


def rays() -> tuple[np.ndarray, np.ndarray]:
    """How far to the right and down places at distance 1 are, for all pixels."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return (x - WIDTH / 2) / FOCAL_PX, (y - HEIGHT / 2) / FOCAL_PX


def test_a_tilted_wall_becomes_a_plane_whatever_the_scale_and_shift_of_its_disparity() -> None:
    right, _ = rays()
    distance = 1.0 / (1.0 + 0.4 * right)  # of a plane: its inverse depth is linear in the picture
    disparity = 37.0 / distance + 11.0
    farthest = distance.max() / distance.min()
    solid = depth_relief(whole(), disparity, 3000, DepthSettings(farthest=farthest, view=VIEW, steepest=85.0))
    centered = solid.vertices_px - solid.vertices_px.mean(axis=0)
    _, extent, directions = np.linalg.svd(centered, full_matrices=False)
    assert extent[2] < 1e-3 * extent[1]
    slope = directions[2] / directions[2][2]
    assert abs(slope[0]) == pytest.approx(0.4, rel=0.02) and abs(slope[1]) < 1e-3


def test_no_faces_stretch_from_a_near_thing_to_what_is_behind_it() -> None:
    right, down = rays()
    near = np.hypot(right, down) < 0.25
    disparity = np.where(near, 1.0, 0.2)
    solid = depth_relief(whole(), disparity, 6000, DepthSettings(farthest=5.0, view=VIEW))
    faces = triangles_of(solid)
    part = parts(faces, len(solid.vertices_px))
    depths = [np.ptp(solid.vertices_px[faces[part == number], 2]) for number in range(part.max() + 1)]
    assert len(depths) == 2 and max(depths) < 0.02 * np.ptp(solid.vertices_px[:, 2])
    assert np.ptp(solid.vertices_px[:, 2]) == pytest.approx(4 * FOCAL_PX, rel=0.01)


def test_the_outline_of_a_cut_out_has_the_depth_of_the_subject_and_not_of_what_is_behind() -> None:
    coverage = disc()[: HEIGHT + 80, : WIDTH + 40]
    picture = Picture("ball", np.full((*coverage.shape, 3), 200, np.uint8), coverage)
    disparity = np.where(coverage < 1.0, 0.2, 0.8)
    disparity[95:105, 95:105] = 0.5  # the subject's own range
    rim = np.argwhere((coverage > 0.4) & (coverage < 0.6))[:, ::-1] + 0.5
    assert depth_at(rim, picture, disparity, 4.0).max() < 1.01


def test_the_mesh_stands_on_the_floor_faces_the_front_view_and_shows_the_picture() -> None:
    right, down = rays()
    disparity = (2.0 - np.hypot(right, down)).astype(np.float32)
    mesh = build_by_depth(whole(), disparity, Settings(method="depth_anything", size_m=2.0, faces=4000), job=Job())
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert low[2] == pytest.approx(0.0, abs=1e-6) and (high - low)[[0, 2]].max() == pytest.approx(2.0, rel=1e-5)
    corners = mesh.vertices[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normals[:, 1] < 0).all()
    nearest = mesh.vertices[:, 1].argmin()
    assert abs(mesh.vertices[nearest, 0]) < 0.1 and abs(mesh.vertices[nearest, 2] - high[2] / 2) < 0.1
    texture, uvs = mesh.textures["base_color"], mesh.uvs
    assert uvs is not None
    left = corners[..., 0].mean(axis=1) < 0.8 * low[0]
    columns = (uvs[left][..., 0] * texture.shape[1]).astype(int)
    assert texture[0, columns.ravel(), 0].mean() > 200
    assert 3000 < len(mesh.faces) - mesh.quads < 5000


def test_what_is_seen_from_the_side_everywhere_ends_in_a_sentence() -> None:
    ramp = np.broadcast_to(np.linspace(1.0, 0.0, WIDTH), (HEIGHT, WIDTH))
    with pytest.raises(ReifyError, match="Nothing is left of the relief"):
        depth_relief(whole(), ramp, 500, DepthSettings(farthest=100.0, steepest=20.0))
