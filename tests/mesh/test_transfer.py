"""What lies on a surface goes over to another in the same place, chart by chart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.mesh import cleaning, transfer
from reify.backend.mesh.join import joined as as_one
from reify.backend.values import Mesh
from reify.tests.mesh.solids import ball, grid


def test_charts_are_told_apart_by_their_seams() -> None:
    source = grid(8)
    chart = transfer.charts(source)
    right = source.vertices[source.faces].mean(axis=1)[:, 0] > 0.5
    assert chart.max() == 1 and len(np.unique(chart[right])) == 1 == len(np.unique(chart[~right]))


def test_uvs_and_colors_are_where_they_were_and_no_face_reaches_across_a_seam() -> None:
    source = grid(20)
    made = transfer.transfer(replace(grid(7), uvs=None, vertex_srgb=None, textures={}), source)
    assert made.textures is source.textures
    np.testing.assert_allclose(made.vertex_srgb[:, :2], made.vertices[:, :2], atol=1e-5)
    right = made.vertices[made.faces].mean(axis=1)[:, 0] > 0.5
    x = made.vertices[made.faces][..., :2].copy()
    # What hangs over the seam at 0.5 has the UVs of the seam.
    x[right, :, 0], x[~right, :, 0] = x[right, :, 0].clip(0.5), x[~right, :, 0].clip(None, 0.5)
    expected = 0.5 * x + np.where(right[:, None, None], [-0.25, 0.5], 0.0)
    np.testing.assert_allclose(made.uvs, expected, atol=1e-5)


def test_the_two_sides_of_a_thin_wall_keep_their_own_colors() -> None:
    top = grid(10)
    bottom = replace(top, vertices=top.vertices - np.float32([0, 0, 1e-3]), faces=top.faces[:, ::-1], uvs=None, textures={})
    white, black = np.ones_like(top.vertices), np.zeros_like(top.vertices)
    wall = as_one([replace(top, uvs=None, textures={}, vertex_srgb=white), replace(bottom, vertex_srgb=black)])
    shifted = replace(wall, vertices=wall.vertices + np.float32([0.01, 0.02, -5e-4]), vertex_srgb=None)
    made = transfer.transfer(shifted, wall)
    np.testing.assert_allclose(made.vertex_srgb, wall.vertex_srgb, atol=1e-6)


def test_simplifying_keeps_the_picture_where_it_was() -> None:
    body = ball(n=64)
    height = (0.5 + 0.5 * body.vertices[body.faces][..., 2:3]).astype(np.float32)
    mapped = replace(body, uvs=np.concatenate([height, 1 - height], axis=2))
    made = cleaning.simplify(mapped, 600)
    assert len(made.faces) <= 600
    np.testing.assert_allclose(made.uvs[..., 0], 0.5 + 0.5 * made.vertices[made.faces][..., 2], atol=0.02)


def test_faces_know_which_ones_they_come_from() -> None:
    source = grid(10)
    found = transfer.source_faces(source, source)
    np.testing.assert_array_equal(found, np.arange(len(source.faces)))


def test_textures_of_several_meshes_become_cells_of_one() -> None:
    red, green = (np.full((8, 8, 3), color, np.uint8) for color in ((255, 0, 0), (0, 255, 0)))
    plain = Mesh(grid(2).vertices, grid(2).faces, vertex_srgb=np.full((9, 3), 0.2, np.float32))
    outside = grid(2).uvs + np.float32([3.0, -2.0])  # beyond the tile, where textures repeat
    one = as_one([replace(grid(2), textures={"base_color": red}), replace(grid(2), uvs=outside, textures={"base_color": green}), plain])
    picture = one.textures["base_color"]
    column, row = (one.uvs[..., 0] * picture.shape[1]).astype(int), ((1 - one.uvs[..., 1]) * picture.shape[0]).astype(int)
    colors = picture[row.clip(0, 15), column.clip(0, 15)].reshape(3, -1, 3)
    for part, color in zip(colors, ((255, 0, 0), (0, 255, 0), (51, 51, 51)), strict=True):
        np.testing.assert_array_equal(np.unique(part, axis=0), [color])
    assert one.uvs.min() >= 0 and one.uvs.max() <= 1
