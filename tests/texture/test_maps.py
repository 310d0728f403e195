"""Maps for production: occlusion against closed forms, UVs without overlaps, colors that stay where they were."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.backend.jobs.job import Job
from reify.backend.values import Mesh

pytest.importorskip("numba")


def quad(corners, side: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of a rectangle given by its corners in turn."""
    return np.array(corners, np.float32), np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def with_squares(*rectangles) -> Mesh:
    """A mesh of rectangles, each with a square of the UV tile of its own."""
    vertices, faces, uvs = [], [], []
    for number, corners in enumerate(rectangles):
        own, turns = quad(corners)
        faces.append(turns + 4 * number)
        vertices.append(own)
        square = np.array([[0.05, 0.05], [0.95, 0.05], [0.95, 0.95], [0.05, 0.95]]) * 0.5
        square = square + 0.5 * np.array([number % 2, number // 2])
        uvs.append(square[turns])
    return Mesh(np.concatenate(vertices), np.concatenate(faces), uvs=np.concatenate(uvs).astype(np.float32))


def occluded(mesh: Mesh, size_px: int, *, job: Job) -> Mesh:
    """The mesh with its own occlusion."""
    from reify.backend.texture.maps import with_occlusion

    return with_occlusion(mesh, mesh, size_px, job=job)


def test_a_floor_at_the_foot_of_a_tall_wall_sees_half_of_the_sky_and_all_of_it_far_away():

    floor = [[0, -50, 0], [100, -50, 0], [100, 50, 0], [0, 50, 0]]
    wall = [[0, -2000, 0], [0, 2000, 0], [0, 2000, 4000], [0, -2000, 4000]]
    picture = occluded(with_squares(floor, wall), 128, job=Job()).textures["occlusion"]
    row = 128 - 32  # the middle of the floor's square: u grows away from the wall
    near, middle = picture[row - 8 : row + 8, 5, 0].mean() / 255, picture[row - 8 : row + 8, 32, 0].mean() / 255
    assert near == pytest.approx(0.5, abs=0.04) and middle == pytest.approx(0.5, abs=0.04), (
        "the wall is as good as infinite from everywhere"
    )
    low = [[0, -2000, 0], [0, 2000, 0], [0, 2000, 10], [0, -2000, 10]]
    picture = occluded(with_squares(floor, low), 128, job=Job()).textures["occlusion"]
    # At distance d from an infinite wall of height h the open share is (1 + d / sqrt(d^2 + h^2)) / 2.
    for column in (8, 20, 40):
        d = 100 * ((column + 0.5) / 64 - 0.05) / 0.9
        expected = (1 + d / np.hypot(d, 10)) / 2
        assert picture[row - 8 : row + 8, column, 0].mean() / 255 == pytest.approx(expected, abs=0.03)


def test_convex_bodies_are_white_and_their_insides_black():
    from reify.backend.texture.from_photos import TextureSettings
    from reify.backend.texture.unwrap import unwrap
    from reify.tests.mesh.solids import ball

    mesh = unwrap(ball(), TextureSettings(size_px=128))
    assert occluded(mesh, 128, job=Job()).textures["occlusion"].mean() > 250
    inside = unwrap(replace(ball(), faces=ball().faces[:, ::-1].copy()), TextureSettings(size_px=128))
    assert occluded(inside, 128, job=Job()).textures["occlusion"].mean() < 5


def test_uvs_that_overlap_are_made_anew_and_colors_stay_where_they_were():
    from reify.backend.texture.maps import overlap, with_maps

    mesh = with_squares(*([[x, 0, 0], [x + 1, 0, 0], [x + 1, 1, 0], [x, 1, 0]] for x in (0, 2)))
    stacked = replace(mesh, uvs=np.concatenate((mesh.uvs[:2], mesh.uvs[:2])), textures={"base_color": np.full((64, 64, 3), 90, np.uint8)})
    stacked.textures["base_color"][:, :16] = 200  # a stripe on the left of both
    assert overlap(mesh.uvs, mesh) < 0.01 and overlap(stacked.uvs, stacked) == pytest.approx(0.5, abs=0.02)
    job = Job()
    made = with_maps(stacked, stacked, 128, job=job)
    assert overlap(made.uvs, made) < 0.02 and job.report.choices["uvs"] == "new ones, without overlaps"
    assert {kind: picture.shape for kind, picture in made.textures.items()} == dict.fromkeys(
        ("base_color", "normal", "occlusion"), (128, 128, 3)
    )
    for face in range(4):
        for corner in range(3):  # a little inside of each corner
            weights = np.full(3, 0.1)
            weights[corner] = 0.8
            u, v = weights @ made.uvs[face]
            x = (weights @ made.vertices[made.faces[face]])[0] % 2
            color = made.textures["base_color"][int((1 - v) * 128), int(u * 128), 0]
            assert color == (200 if 0.025 + 0.45 * x < 0.25 else 90)


def test_colors_of_vertices_become_a_map():
    from reify.backend.texture.maps import with_maps
    from reify.tests.mesh.solids import ball

    mesh = ball()
    colored = replace(mesh, vertex_srgb=np.tile(np.float32([0.2, 0.4, 0.8]), (len(mesh.vertices), 1)))
    made = with_maps(colored, colored, 256, job=Job())
    assert np.abs(made.textures["base_color"].reshape(-1, 3).astype(int) - (51, 102, 204)).max() <= 1


def test_occlusion_is_that_of_the_detailed_mesh_where_the_simple_one_has_lost_it():
    from reify.backend.texture.maps import with_occlusion

    floor = with_squares([[0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
    # A groove, 1 wide and 0.4 deep: in the middle of its bottom the open share is the sine of the angle from straight up to its rim.
    profile = [(0, 0), (4.5, 0), (4.5, -0.4), (5.5, -0.4), (5.5, 0), (10, 0)]
    strips = [[[a, -50, p], [b, -50, q], [b, 60, q], [a, 60, p]] for (a, p), (b, q) in zip(profile, profile[1:], strict=False)]
    pieces = [quad(strip) for strip in strips]
    detailed = Mesh(np.concatenate([v for v, _ in pieces]), np.concatenate([f + 4 * n for n, (_, f) in enumerate(pieces)]))
    picture = with_occlusion(floor, detailed, 128, job=Job()).textures["occlusion"]
    column = [int(128 * 0.5 * (0.05 + 0.9 * x / 10)) for x in (2.0, 5.0)]
    far, groove = (picture[96 - 8 : 96 + 8, c, 0].mean() / 255 for c in column)
    assert far > 0.97 and groove == pytest.approx(0.5 / np.hypot(0.5, 0.4), abs=0.04)
