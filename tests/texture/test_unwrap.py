"""UVs: inside the tile, without overlaps, not mirrored, and spread evenly over the surface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.errors import ReifyError
from reify.backend.geometry.triangles import areas, signed_areas
from reify.backend.jobs.job import Job
from reify.backend.texture.charts import flat_charts
from reify.backend.texture.from_photos import TextureSettings
from reify.backend.texture.packing import pack
from reify.backend.texture.photo_resolution import photo_pixels
from reify.backend.texture.unwrap import unwrap
from reify.backend.values import Array, Cameras, Mesh

SIZE = 512


def torus(n: int = 64, bumps: float = 0.0) -> Mesh:
    """A ring, if wanted with bumps that overhang."""
    a, b = (x.ravel() for x in np.meshgrid(*[np.linspace(0, 2 * np.pi, n, endpoint=False)] * 2, indexing="ij"))
    small = 0.4 + bumps * np.sin(7 * a) * np.sin(5 * b)
    ring = 1.0 + small * np.cos(b)
    i, j = (x.ravel() for x in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    at = lambda p, q: (p % n) * n + q % n  # noqa: E731
    faces = np.concatenate(
        [np.stack([at(i, j), at(i + 1, j), at(i + 1, j + 1)], 1), np.stack([at(i, j), at(i + 1, j + 1), at(i, j + 1)], 1)]
    )
    vertices = np.stack([ring * np.cos(a), ring * np.sin(a), small * np.sin(b)], axis=1)
    return Mesh(vertices.astype(np.float32), faces.astype(np.int32))


def helix(turns: int = 3, n: int = 200) -> Mesh:
    """A spiral ramp whose turns lie above each other: all its normals point up."""
    angle = np.linspace(0, 2 * np.pi * turns, n)
    rim = np.stack([np.cos(angle), np.sin(angle), 0.1 * angle], axis=1)
    inner = rim * [0.4, 0.4, 1]
    i = np.arange(n - 1)
    faces = np.concatenate([np.stack([i, i + 1, i + n], 1), np.stack([i + 1, i + n + 1, i + n], 1)])
    return Mesh(np.concatenate([inner, rim]).astype(np.float32), faces.astype(np.int32))


def covered(uvs: Array, size: int = SIZE) -> Array:
    """How many faces lie under each texel's center, [S,S], counting no borders."""
    count = np.zeros((size, size), int)
    for a, b, c in uvs.astype(float) * size:
        low, high = np.floor(np.min([a, b, c], axis=0) - 0.5).astype(int), np.ceil(np.max([a, b, c], axis=0) + 0.5).astype(int)
        x, y = np.meshgrid(np.arange(max(low[0], 0), min(high[0], size)), np.arange(max(low[1], 0), min(high[1], size)))
        doubled = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if doubled == 0:
            continue
        px, py = x + 0.5, y + 0.5
        u = ((b[0] - px) * (c[1] - py) - (b[1] - py) * (c[0] - px)) / doubled
        v = ((c[0] - px) * (a[1] - py) - (c[1] - py) * (a[0] - px)) / doubled
        count[y, x] += (u > 0.03) & (v > 0.03) & (u + v < 0.97)
    return count


def by_charts(mesh: Mesh, margin_px: int = 2) -> Array:
    return pack(*flat_charts(mesh, SIZE), SIZE, margin_px)


def camera_at(x: float) -> Cameras:
    """One on the x axis that looks at the origin."""
    pose = np.eye(4)
    side = np.sign(x)
    pose[:3, :3] = [[0, side, 0], [0, 0, -1], [-side, 0, 0]]
    pose[2, 3] = abs(x)
    return Cameras(pose[None], np.array([[[400.0, 0, 200], [0, 400, 200], [0, 0, 1]]]), np.full((1, 2), 400), np.zeros((1, 8)))


@pytest.mark.parametrize("mesh", [torus(), torus(bumps=0.15), helix()], ids=["torus", "bumps", "helix"])
def test_charts_stay_in_the_tile_without_overlaps_or_mirrors(mesh: Mesh) -> None:
    uvs = by_charts(mesh)
    assert uvs.shape == (len(mesh.faces), 3, 2)
    assert uvs.min() >= 0 and uvs.max() <= 1
    count = covered(uvs)
    assert (count > 1).sum() <= 0.0005 * (count > 0).sum()
    assert (signed_areas(uvs) > 0).mean() > 0.999


def test_charts_are_few_and_fill_the_tile() -> None:
    mesh = torus(96)
    uvs = by_charts(mesh)
    assert np.abs(signed_areas(uvs)).sum() > 0.5
    corners = np.unique(np.round(uvs.reshape(-1, 2), 6), axis=0)
    assert len(corners) < 1.25 * len(mesh.vertices)  # few seams, so few vertices with several places in the tile


def test_crumpled_ground_is_one_chart_with_few_others() -> None:
    """A noisy sheet in which some faces are turned over: they find room between their neighbors."""
    n, rng = 80, np.random.default_rng(0)
    x, y = (a.ravel() for a in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    vertices = np.stack([x, y, np.zeros(n * n)], axis=1) + rng.normal(size=(n * n, 3)) * (rng.random((n * n, 1)) < 0.1) * [0.8, 0.8, 1.5]
    i, j = (a.ravel() for a in np.meshgrid(np.arange(n - 1), np.arange(n - 1), indexing="ij"))
    p = i * n + j
    faces = np.concatenate([np.stack([p, p + n, p + n + 1], axis=1), np.stack([p, p + n + 1, p + 1], axis=1)])
    uvs = by_charts(Mesh(vertices.astype(np.float32), faces.astype(np.int32)))
    count = covered(uvs)
    assert (count > 1).sum() <= 0.0005 * (count > 0).sum()
    assert (signed_areas(uvs) > 0).all()
    assert signed_areas(uvs).sum() > 0.6
    corners = np.unique(np.round(uvs.reshape(-1, 2), 6), axis=0)
    assert len(corners) < 1.05 * len(vertices)


def test_texels_are_spread_evenly_over_the_surface() -> None:
    mesh = torus(96)
    density = signed_areas(by_charts(mesh)) / areas(mesh.vertices, mesh.faces)
    low, high = np.quantile(density, [0.02, 0.98])
    assert high / low < 1.5


def test_waves_are_unrolled_not_squeezed() -> None:
    n = 70
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(0, 6 * np.pi, n), np.linspace(0, 10, n), indexing="ij"))
    i, j = (a.ravel() for a in np.meshgrid(np.arange(n - 1), np.arange(n - 1), indexing="ij"))
    p = i * n + j
    faces = np.concatenate([np.stack([p, p + n, p + n + 1], axis=1), np.stack([p, p + n + 1, p + 1], axis=1)])
    mesh = Mesh(np.stack([x, y, 1.4 * np.sin(x)], axis=1).astype(np.float32), faces.astype(np.int32))
    density = signed_areas(by_charts(mesh)) / areas(mesh.vertices, mesh.faces)
    low, high = np.quantile(density, [0.02, 0.98])
    assert high / low < 1.5  # laid down along one direction, the slopes would have half as many as the crests


def test_charts_keep_their_distance() -> None:
    mesh = torus(64)
    uvs = by_charts(mesh, 4)
    assert uvs.min() * SIZE >= 3.9
    assert (1 - uvs.max()) * SIZE >= 3.9


def test_what_photos_see_gets_more_texels_but_not_everything() -> None:
    mesh = torus(48)
    settings = TextureSettings(size_px=SIZE)
    area = areas(mesh.vertices, mesh.faces)
    density = {
        name: signed_areas(unwrap(mesh, settings, cameras=cameras).uvs) / area
        for name, cameras in (("all alike", None), ("from the right", camera_at(4.0)), ("from the left", camera_at(-4.0)))
    }
    middle = mesh.vertices[mesh.faces].mean(axis=1)
    right, left = middle[:, 0] > 1.2, middle[:, 0] < -1.2
    ratio = {name: np.median(d[right]) / np.median(d[left]) for name, d in density.items()}
    assert ratio["all alike"] == pytest.approx(1.0, abs=0.3)
    assert 3.0 < ratio["from the right"] < 20.0
    assert 3.0 < 1.0 / ratio["from the left"] < 20.0


def test_pixels_are_counted_where_nothing_hides_a_face() -> None:
    square = np.array([[0, -1, -1], [0, 1, -1], [0, 1, 1], [0, -1, 1]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    mesh = Mesh(np.concatenate([square, square - [1, 0, 0]]).astype(np.float32), np.concatenate([faces, faces + 4]))
    pixels = photo_pixels(mesh, camera_at(5.0))
    assert pixels[:2] == pytest.approx([(2 * 400 / 5) ** 2 / 2] * 2, rel=0.03)
    assert pixels[2:] == pytest.approx([0, 0])


def test_the_walls_of_a_box_are_charts_of_their_own_and_keep_their_shapes() -> None:
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 2) for z in (0, 3)], np.float32)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([half for a, b, c, d in quads for half in ((a, b, c), (a, c, d))], np.int32)
    flat, chart = flat_charts(Mesh(corners, faces), SIZE)
    assert len(np.unique(chart)) == 6
    lengths = [np.linalg.norm(np.roll(at, -1, axis=1) - at, axis=2) for at in (corners[faces].astype(float), flat)]
    assert np.allclose(*lengths, atol=1e-6)


def test_faces_of_smooth_bodies_keep_their_shapes() -> None:
    """Also where the mesh is uneven: evening out noise may not pull vertices sideways."""
    mesh = torus(128)
    pulled = mesh.vertices + 0.005 * np.random.default_rng(0).normal(size=(len(mesh.vertices), 3))
    ring = pulled * [1, 1, 0] / np.linalg.norm(pulled[:, :2], axis=1, keepdims=True)  # the nearest point of the ring's core
    out = (pulled - ring) / np.linalg.norm(pulled - ring, axis=1, keepdims=True)
    mesh = replace(mesh, vertices=(ring + 0.4 * out).astype(np.float32))
    flat, _ = flat_charts(mesh, SIZE)
    lengths = [np.linalg.norm(np.roll(at, -1, axis=1) - at, axis=2) for at in (mesh.vertices[mesh.faces].astype(float), flat)]
    change = np.log(lengths[1] / lengths[0])
    assert np.quantile(np.abs(change - np.median(change)), 0.95) < 0.1


def test_a_mesh_that_has_uvs_keeps_them_and_vertex_colors_need_none() -> None:
    mesh = torus(8)
    given = replace(mesh, uvs=np.random.default_rng(0).random((len(mesh.faces), 3, 2)).astype(np.float32))
    assert unwrap(given, TextureSettings()) is given
    assert unwrap(mesh, TextureSettings(colors="vertices")).uvs is None


def test_degenerate_faces_are_unwrapped_with_the_rest() -> None:
    mesh = torus(32)
    faces = np.concatenate([mesh.faces, [[0, 0, 1], [5, 5, 5]]]).astype(np.int32)
    uvs = by_charts(replace(mesh, faces=faces))
    assert np.isfinite(uvs).all()


@pytest.mark.parametrize("flattened", [[1, 0, 0], [0, 0, 0]], ids=["a line", "a point"])
def test_a_mesh_without_area_is_unwrapped_all_the_same(flattened: list[int]) -> None:
    mesh = torus(16)
    uvs = by_charts(replace(mesh, vertices=mesh.vertices * np.float32(flattened)))
    assert np.isfinite(uvs).all() and uvs.min() >= 0 and uvs.max() <= 1


def test_a_long_ribbon_across_its_box_needs_little_memory() -> None:
    along, across = np.array([1.0, 1.0, 0.0]), np.array([-0.001, 0.001, 0.0])
    i = np.arange(200)
    vertices = np.concatenate([i[:, None] * along, i[:, None] * along + across])
    faces = np.concatenate([np.stack([i, i + 1, i + 201], 1), np.stack([i, i + 201, i + 200], 1)])[np.r_[0:199, 200:399]]
    uvs = by_charts(Mesh(vertices.astype(np.float32), faces.astype(np.int32)))
    assert np.ptp(uvs.reshape(-1, 2), axis=0).max() > 0.9


def test_dust_that_cannot_be_packed_is_a_clear_error() -> None:
    rng = np.random.default_rng(0)
    corners = rng.normal(size=(9000, 1, 3)) + 0.01 * rng.normal(size=(9000, 3, 3))
    dust = Mesh(corners.reshape(-1, 3).astype(np.float32), np.arange(27_000, dtype=np.int32).reshape(-1, 3))
    with pytest.raises(ReifyError, match="larger texture"):
        unwrap(dust, TextureSettings(size_px=128))


def test_a_million_loose_triangles_are_refused_at_once() -> None:
    dust = np.random.default_rng(0).normal(size=(3_000_000, 3)).astype(np.float32)
    with pytest.raises(ReifyError, match="1000000 pieces, too many"):
        unwrap(Mesh(dust, np.arange(3_000_000, dtype=np.int32).reshape(-1, 3)), TextureSettings(), job=Job())


def test_uvs_outside_the_tile_are_made_anew_and_that_is_told() -> None:
    mesh = torus(16)
    outside = np.full((len(mesh.faces), 3, 2), 1.5, np.float32)
    for uvs in (outside, np.full_like(outside, np.nan)):
        job = Job()
        made = unwrap(replace(mesh, uvs=uvs), TextureSettings(), job=job)
        assert made.uvs is not None and made.uvs.min() >= 0 and made.uvs.max() <= 1
        assert "outside the texture" in job.report.warnings[0]


def test_positions_that_are_no_numbers_are_a_clear_error() -> None:
    mesh = torus(16)
    mesh.vertices[5] = np.nan
    with pytest.raises(ReifyError, match="no numbers"):
        unwrap(mesh, TextureSettings(), job=Job())


def test_an_empty_mesh_is_a_clear_error() -> None:
    with pytest.raises(ReifyError, match="no faces"):
        unwrap(Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)), TextureSettings())
