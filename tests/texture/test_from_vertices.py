"""Textures of the vertex colors of finer meshes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.texture.from_vertices import texture_from_vertices
from reify.backend.texture.stages import with_baked_colors
from reify.backend.values import Mesh
from reify.tests.mesh.solids import sheet

SIZE = 128


def colored(mesh: Mesh) -> Mesh:
    """By place: red grows along x, green along y, with stripes that no coarse mesh's vertices could hold."""
    x, y = mesh.vertices[:, 0], mesh.vertices[:, 1]
    return replace(mesh, vertex_srgb=np.stack([x, y, 0.5 + 0.5 * np.sin(60 * x)], axis=1).astype(np.float32))


def test_a_coarse_mesh_gets_the_detail_of_the_fine_ones_colors() -> None:
    coarse = sheet(4)
    coarse = replace(coarse, uvs=coarse.vertices[coarse.faces][..., :2])
    picture = texture_from_vertices(coarse, colored(sheet(300)), SIZE, job=Job()).textures["base_color"] / 255.0
    x, y = np.meshgrid((np.arange(SIZE) + 0.5) / SIZE, 1 - (np.arange(SIZE) + 0.5) / SIZE)
    wanted = np.stack([x, y, 0.5 + 0.5 * np.sin(60 * x)], axis=-1)
    assert np.abs(picture - wanted)[2:-2, 2:-2].max() < 0.02


def test_the_two_sides_of_a_thin_sheet_keep_their_own_colors() -> None:
    front = sheet(20)
    back = Mesh(front.vertices - np.float32([0, 0, 0.001]), front.faces[:, ::-1])
    both = Mesh(np.concatenate([front.vertices, back.vertices]), np.concatenate([front.faces, back.faces + len(front.vertices)]))
    sides = np.repeat(np.float32([[1, 0, 0], [0, 0, 1]]), len(front.vertices), axis=0)
    apart = replace(front, vertices=front.vertices - np.float32([0, 0, 0.0009]), uvs=front.vertices[front.faces][..., :2])
    picture = texture_from_vertices(apart, replace(both, vertex_srgb=sides), SIZE, job=Job()).textures["base_color"]
    assert (picture[2:-2, 2:-2] == (255, 0, 0)).all()


def test_a_mesh_without_uvs_is_unwrapped_first() -> None:
    baked = with_baked_colors(sheet(6), colored(sheet(60)), SIZE, job=Job())
    assert baked.uvs is not None and baked.textures["base_color"].shape == (SIZE, SIZE, 3)
    assert baked.textures["base_color"].std() > 20


def test_what_has_no_colors_or_uvs_is_told() -> None:
    with pytest.raises(ReifyError, match="no UVs"):
        texture_from_vertices(sheet(4), colored(sheet(4)), SIZE, job=Job())
    flat = sheet(4)
    with pytest.raises(ReifyError, match="has no colors"):
        texture_from_vertices(replace(flat, uvs=flat.vertices[flat.faces][..., :2]), sheet(4), SIZE, job=Job())
