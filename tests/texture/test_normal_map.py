"""Normal maps of simplified meshes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.job import Job, Progress
from reify.backend.texture.normal_map import corner_tangents, with_normal_map
from reify.backend.values import Array, Mesh
from reify.tests.mesh.solids import sheet

SIZE = 128


def bumps(x: Array, y: Array) -> Array:
    return 0.004 * np.sin(35 * x) + 0.002 * np.sin(27 * y + 1)


def directions(picture: Array) -> Array:
    """Unit normals [H,W,3] of a normal map."""
    n = picture.astype(float) / 127.5 - 1.0
    return n / np.linalg.norm(n, axis=-1, keepdims=True)


UVS = {
    "straight": lambda x, y: (x, y),
    "turned": lambda x, y: (y, 1 - x),
    "mirrored": lambda x, y: (1 - x, y),
}


@pytest.mark.parametrize("how", UVS)
def test_the_relief_comes_back_however_the_uvs_lie(how: str) -> None:
    flat = sheet(4)
    corners = flat.vertices[flat.faces]
    uvs = np.stack(UVS[how](corners[..., 0], corners[..., 1]), axis=-1)
    picture = with_normal_map(replace(flat, uvs=uvs.astype(np.float32)), sheet(200, bumps), SIZE, job=Job()).textures["normal"]
    u, v = np.meshgrid((np.arange(SIZE) + 0.5) / SIZE, 1 - (np.arange(SIZE) + 0.5) / SIZE)
    x, y = {"straight": (u, v), "turned": (1 - v, u), "mirrored": (1 - u, v)}[how]
    along_x, along_y = 0.14 * np.cos(35 * x), 0.054 * np.cos(27 * y + 1)
    tangent, bitangent = {"straight": (-along_x, -along_y), "turned": (-along_y, along_x), "mirrored": (along_x, -along_y)}[how]
    wanted = np.stack([tangent, bitangent, np.ones_like(x)], axis=-1)
    wanted /= np.linalg.norm(wanted, axis=-1, keepdims=True)
    inner = slice(8, -8), slice(8, -8)
    assert np.degrees(np.arccos((directions(picture) * wanted).sum(axis=-1).clip(-1, 1)))[inner].max() < 1.0


def test_a_mesh_that_is_its_own_detail_gets_a_flat_map() -> None:
    mesh = sheet(60, bumps)
    mesh = replace(mesh, uvs=mesh.vertices[mesh.faces][..., :2])
    picture = with_normal_map(mesh, mesh, SIZE, job=Job()).textures["normal"]
    assert np.degrees(np.arccos(directions(picture)[..., 2].clip(-1, 1))).max() < 3.0


def test_only_detail_that_is_near_and_faces_the_same_way_counts() -> None:
    flat = sheet(4)
    flat = replace(flat, uvs=flat.vertices[flat.faces][..., :2])
    slope = sheet(60, lambda x, y: 0.5 * x)
    far = replace(slope, vertices=slope.vertices + np.float32([0, 0, 5]))
    turned = replace(slope, faces=slope.faces[:, ::-1])
    for detail in (far, turned):
        assert (with_normal_map(flat, detail, 32, job=Job()).textures["normal"] == (128, 128, 255)).all()


def test_baking_ends_where_it_is_canceled() -> None:
    flat = sheet(2)
    reports: list[str] = []

    def listen(event: Progress) -> None:
        reports.append(event.text)
        if event.text.startswith("baking"):
            job.cancel()

    job = Job(listener=listen)
    with pytest.raises(Cancelled):
        with_normal_map(replace(flat, uvs=flat.vertices[flat.faces][..., :2]), flat, 512, job=job)
    assert reports[-1] == "baking 262144 texels" and reports.count(reports[-1]) == 1


def test_tangents_are_unit_and_shared_by_corners_of_one_chart() -> None:
    mesh = sheet(6, bumps)
    mesh = replace(mesh, uvs=mesh.vertices[mesh.faces][..., :2])
    tangents, side = corner_tangents(mesh)
    assert np.allclose(np.linalg.norm(tangents, axis=-1), 1, atol=1e-5) and (side == 1).all()
    spread = [np.ptp(tangents[mesh.faces == v], axis=0).max() for v in range(len(mesh.vertices))]
    assert max(spread) < 1e-5


def test_without_uvs_or_detail_the_error_is_clear() -> None:
    flat = sheet(2)
    with pytest.raises(ReifyError, match="no UVs"):
        with_normal_map(flat, flat, 32, job=Job())
    empty = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))
    with pytest.raises(ReifyError, match="no faces"):
        with_normal_map(replace(flat, uvs=flat.vertices[flat.faces][..., :2]), empty, 32, job=Job())
