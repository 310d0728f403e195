"""Texturing a box in a known pattern from renderings of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from reify.backend.errors import ReifyError
from reify.backend.geometry.axes import looking_at
from reify.backend.geometry.raster import interpolate, rasterize_mesh, render_mesh
from reify.backend.jobs.job import Job
from reify.backend.texture import fill
from reify.backend.texture.from_photos import TextureSettings, texture_from_photos
from reify.backend.texture.texels import Layout, Samples, blend, rasterize_uvs, weigh_by_agreement
from reify.backend.texture.unwrap import unwrap
from reify.backend.values import Array, Cameras, Mesh, Views

SETTINGS = TextureSettings(size_px=256)


def pattern(points: Array) -> Array:
    """Smooth colors [N,3], 0 to 1, without any symmetry."""
    x, y, z = points.T
    return np.stack(
        [0.5 + 0.35 * np.sin(3 * x + y), 0.5 + 0.35 * np.sin(2 * y - 2 * z + 1), 0.45 + 0.3 * np.cos(2 * z + x)], axis=1
    ).astype(np.float32)


def ball(n: int = 48) -> Mesh:
    """A sphere of radius 0.8 with the pattern as vertex colors."""
    polar, around = np.linspace(0, np.pi, n + 1), np.linspace(0, 2 * np.pi, 2 * n, endpoint=False)
    p, a = (x.ravel() for x in np.meshgrid(polar, around, indexing="ij"))
    vertices = 0.8 * np.stack([np.sin(p) * np.cos(a), np.sin(p) * np.sin(a), np.cos(p)], axis=1)
    i, j = (x.ravel() for x in np.meshgrid(np.arange(n), np.arange(2 * n), indexing="ij"))
    at = lambda u, v: u * 2 * n + v % (2 * n)  # noqa: E731
    upper = np.stack([at(i, j), at(i + 1, j), at(i + 1, j + 1)], axis=1)[i < n - 1]
    lower = np.stack([at(i, j), at(i + 1, j + 1), at(i, j + 1)], axis=1)[i > 0]
    return Mesh(vertices.astype(np.float32), np.concatenate([upper, lower]).astype(np.int32), vertex_srgb=pattern(vertices))


def orbit(count: int, size_px: int = 160, distance: float = 3.0, above: float = -0.85) -> Cameras:
    """Cameras around the origin, looking at it from heights over `above`."""
    index = np.arange(count) + 0.5
    z, angle = 0.85 - (0.85 - above) * index / count, np.pi * (1 + 5**0.5) * index
    centers = distance * np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1)
    K = np.array([[1.6 * size_px, 0, size_px / 2], [0, 1.6 * size_px, size_px / 2], [0, 0, 1]])
    return Cameras(looking_at(centers, np.zeros(3)), np.tile(K, (count, 1, 1)), np.full((count, 2), size_px), np.zeros((count, 8)))


def photos_of(mesh: Mesh, cameras: Cameras, gains: Array | None = None) -> Views:
    pictures = [render_mesh(mesh, cameras, i, background=(0, 0, 0)) for i in range(len(cameras))]
    if gains is not None:
        pictures = [(p * g).clip(0, 255).astype(np.uint8) for p, g in zip(pictures, gains, strict=True)]
    return Views(pictures, [None] * len(cameras), [None] * len(cameras), cameras)


def bare(mesh: Mesh) -> Mesh:
    return replace(unwrap(mesh, SETTINGS), vertex_srgb=None)


def error_inside(textured: Mesh, truth: Mesh, cameras: Cameras) -> float:
    """Root mean square difference of renderings inside the silhouette, in gray levels."""
    differences = []
    for index in range(len(cameras)):
        inside = rasterize_mesh(truth, cameras, index).hit
        a, b = (render_mesh(m, cameras, index).astype(float)[inside] for m in (textured, truth))
        differences.append(a - b)
    return float(np.sqrt(np.mean(np.concatenate(differences) ** 2)))


def roughness(textured: Mesh, truth: Mesh, cameras: Cameras) -> float:
    """Root mean square of how much more neighboring pixels differ than in the truth, in gray levels."""
    steps = []
    for index in range(len(cameras)):
        inside = rasterize_mesh(truth, cameras, index).hit
        a, b = (render_mesh(m, cameras, index).astype(float) for m in (textured, truth))
        for axis in (0, 1):
            both = np.minimum(np.take(inside, range(1, len(inside)), axis), np.take(inside, range(len(inside) - 1), axis))
            steps.append(np.diff(a - b, axis=axis)[both])
    return float(np.sqrt(np.mean(np.concatenate(steps) ** 2)))


def test_the_pattern_comes_back_from_unseen_directions() -> None:
    truth = ball()
    job = Job()
    textured = texture_from_photos(bare(truth), photos_of(truth, orbit(14)), SETTINGS, job=job)
    assert textured.textures["base_color"].shape == (256, 256, 3)
    assert error_inside(textured, truth, orbit(5, distance=2.5)) < 2.5
    assert job.report.metrics["texture_coverage_percent"] > 99
    assert textured.textures["coverage"].min() == 255 or (textured.textures["coverage"] == 255).mean() > 0.95


def test_photos_of_different_exposure_are_leveled() -> None:
    truth = ball()
    gains = np.where(np.arange(14) % 2, 0.8, 1.15)[:, None, None, None] * np.ones((1, 1, 1, 3))
    views = photos_of(truth, orbit(14), gains)
    mesh = bare(truth)
    leveled = texture_from_photos(mesh, views, SETTINGS, job=Job())
    raw = texture_from_photos(mesh, views, replace(SETTINGS, level_exposure=False, level_seams=False), job=Job())
    assert error_inside(raw, truth, orbit(4)) > 12
    assert error_inside(leveled, truth, orbit(4)) < 7


def test_light_that_differs_across_the_photos_leaves_no_steps() -> None:
    """Each photo is brighter on one side, so that no factor makes them agree: where the best photo changes, steps remain."""
    truth, cameras = ball(), orbit(14)
    views = photos_of(truth, cameras)
    for index, picture in enumerate(views.rgb):
        ramp = np.linspace(0.7, 1.3, picture.shape[1])[None, :, None]
        picture[:] = (picture * (ramp if index % 2 else ramp[:, ::-1])).clip(0, 255)
    mesh = bare(truth)
    leveled, raw = (texture_from_photos(mesh, views, replace(SETTINGS, sharpness=16.0, level_seams=on), job=Job()) for on in (True, False))
    assert roughness(raw, truth, orbit(4)) > 1.25 * roughness(leveled, truth, orbit(4))
    assert error_inside(leveled, truth, orbit(4)) < 1.02 * error_inside(raw, truth, orbit(4))


def test_a_step_between_two_photos_goes_on_both_sides_of_a_uv_seam() -> None:
    """A white wall in two charts; each photo shows one half and a strip of the other, one of them darker."""
    wall = np.array([[-1, 0, -1], [0, 0, -1], [1, 0, -1], [1, 0, 1], [0, 0, 1], [-1, 0, 1]], np.float32)
    faces = np.array([[0, 1, 4], [0, 4, 5], [1, 2, 3], [1, 3, 4]], np.int32)
    uvs = 0.05 + 0.4 * (wall[faces][..., [0, 2]] * [1, 0.5] + [1, 0.5])
    uvs[2:] = uvs[2:, :, ::-1] + [0, 0.1]  # the right half lies elsewhere, turned over
    white = Mesh(wall, faces, uvs.astype(np.float32), vertex_srgb=np.full((6, 3), 0.8, np.float32))
    cameras = orbit(16, distance=4.0)
    cameras = cameras.take(np.flatnonzero(cameras.centers[:, 1] < -2.5)[:2])
    views = photos_of(replace(white, uvs=None), cameras, np.array([0.8, 1.0])[:, None, None, None] * np.ones((1, 1, 1, 3)))
    weight = []
    for index in range(2):
        at = interpolate(rasterize_mesh(white, cameras, index), wall[faces])[..., 0]
        weight.append(np.where(at < 0.1 if index == 0 else at > -0.1, 255, 0).astype(np.uint8))
    both = [
        texture_from_photos(replace(white, vertex_srgb=None), replace(views, weight=weight), settings, job=Job())
        for settings in (replace(SETTINGS, level_exposure=False, level_seams=on, size_px=512) for on in (False, True))
    ]
    raw, leveled = (render_mesh(mesh, cameras, 0).astype(float)[..., 1] for mesh in both)
    place = interpolate(rasterize_mesh(white, cameras, 0), wall[faces])
    middle = rasterize_mesh(white, cameras, 0).hit & (np.abs(place[..., 0]) < 0.5) & (np.abs(place[..., 2]) < 0.8)
    step = [np.abs(np.diff(picture, axis=1))[middle[:, :-1] & middle[:, 1:]].max() for picture in (raw, leveled)]
    assert step[0] > 25 and step[1] < 5, step


def test_islands_go_on_for_16_texels_and_beyond_is_their_mean_color() -> None:
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    layout = rasterize_uvs(Mesh(square, faces, uvs=(0.375 + 0.25 * square[faces][..., :2]).astype(np.float32)), 128)
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[layout.rows, layout.columns, 0] = 2 * layout.columns
    assert (layout.columns.min(), layout.columns.max()) == (48, 79)
    row = fill.fill_margins(picture, layout)[64, :, 0]
    assert row[32:48] == pytest.approx(96, abs=16) and row[80:96] == pytest.approx(158, abs=16)
    assert set(row[:32]) == set(row[96:]) == {127}


def test_what_no_photo_saw_is_guessed_and_marked() -> None:
    truth = ball()
    views = photos_of(truth, orbit(10, above=0.3))
    job = Job()
    with_colors = texture_from_photos(unwrap(truth, SETTINGS), views, SETTINGS, job=job)
    assert 55 < job.report.metrics["texture_coverage_percent"] < 95
    assert (with_colors.textures["coverage"] == 0).mean() > 0.05
    below = orbit(12).take([10, 11])
    assert error_inside(with_colors, truth, below) < 4  # the vertex colors know
    without = texture_from_photos(bare(truth), views, SETTINGS, job=Job())
    assert error_inside(without, truth, below) < 70  # continued from the surroundings: no black, no noise


def test_something_in_front_of_the_subject_is_not_painted_onto_it_where_masked() -> None:
    truth = ball()
    cameras = orbit(14)
    views = photos_of(truth, cameras)
    weight: list[Array | None] = [None] * len(cameras)
    for index in range(0, len(cameras), 2):
        views.rgb[index][60:110, 60:110] = (255, 0, 255)
        weight[index] = np.full((160, 160), 255, np.uint8)
        weight[index][60:110, 60:110] = 0
    textured = texture_from_photos(bare(truth), replace(views, weight=weight), SETTINGS, job=Job())
    assert error_inside(textured, truth, orbit(5)) < 4


def test_a_wall_hides_what_is_behind_it() -> None:
    """Two squares, one behind the other: the far one's color must not show the near one's."""
    square = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]], np.float32)
    vertices = np.concatenate([square, 0.4 * square - np.array([0, 0.6, 0], np.float32)])
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    colors = np.repeat(np.array([[0.2, 0.4, 0.9], [0.9, 0.3, 0.1]], np.float32), 4, axis=0)
    truth = Mesh(vertices, faces, vertex_srgb=colors)
    cameras = orbit(16, distance=4.0)
    cameras = cameras.take(np.flatnonzero(cameras.centers[:, 1] < -1.5))
    textured = texture_from_photos(bare(truth), photos_of(truth, cameras), SETTINGS, job=Job())
    assert error_inside(textured, truth, cameras) < 8


def test_views_are_read_once_each() -> None:
    truth = ball()
    cameras = orbit(6)
    pictures = photos_of(truth, cameras).rgb
    reads: list[int] = []

    class Lazy:
        def __getitem__(self, index: int) -> Array:
            reads.append(index)
            return pictures[index]

    views = Views(Lazy(), [None] * 6, [None] * 6, cameras)  # type: ignore[arg-type]
    texture_from_photos(bare(truth), views, SETTINGS, job=Job())
    assert sorted(reads) == list(range(6))


def test_without_uvs_photos_or_a_view_of_the_mesh_the_error_is_clear() -> None:
    truth = ball()
    views = photos_of(truth, orbit(3))
    with pytest.raises(ReifyError, match="no UVs"):
        texture_from_photos(truth, views, SETTINGS, job=Job())
    with pytest.raises(ReifyError, match="no photos"):
        texture_from_photos(bare(truth), photos_of(truth, orbit(3).take([])), SETTINGS, job=Job())
    broken = bare(truth)
    broken = replace(broken, vertices=np.where(np.arange(len(broken.vertices))[:, None] == 7, np.float32(np.nan), broken.vertices))
    with pytest.raises(ReifyError, match="no numbers"):
        texture_from_photos(broken, views, SETTINGS, job=Job())
    elsewhere = bare(replace(truth, vertices=truth.vertices + np.float32(100)))
    with pytest.raises(ReifyError, match="No photo sees"):
        texture_from_photos(elsewhere, views, SETTINGS, job=Job())
    assert texture_from_photos(truth, views, TextureSettings(colors="vertices"), job=Job()) is truth


def test_what_one_photo_alone_shows_is_in_no_texture() -> None:
    """Something red stands before the ball in every fourth photo, which may well be the best of a place."""
    truth, cameras = ball(), orbit(20)
    views = photos_of(truth, cameras)
    for picture in views.rgb[::4]:
        picture[60:100, 50:90] = (200, 20, 20)
    textured = texture_from_photos(bare(truth), views, SETTINGS, job=Job())
    assert error_inside(textured, truth, orbit(5)) < 3


def test_highlights_that_move_with_the_camera_fade() -> None:
    truth, cameras = ball(), orbit(20)
    views = photos_of(truth, cameras)
    for index, picture in enumerate(views.rgb):
        seen = rasterize_mesh(truth, cameras, index)
        facing = np.zeros((*seen.hit.shape, 3))
        facing[seen.hit] = truth.vertices[truth.faces[seen.face[seen.hit]]].mean(axis=1) / 0.8
        half = np.array([0, 0, 0.6]) - cameras.forward[index]
        shine = np.clip(facing @ (half / np.linalg.norm(half)), 0, 1) ** 60
        picture[:] = np.clip(picture + 150 * shine[..., None], 0, 255)
    textured = texture_from_photos(bare(truth), views, SETTINGS, job=Job())
    shown = [
        np.sqrt(np.mean((render_mesh(truth, cameras, i).astype(float) - p)[rasterize_mesh(truth, cameras, i).hit] ** 2))
        for i, p in enumerate(views.rgb)
    ]
    assert error_inside(textured, truth, cameras) < 0.5 * np.mean(shown)


def test_a_photo_that_disagrees_on_a_patch_loses_all_of_it_and_nothing_beside() -> None:
    layout = Layout(
        64,
        np.repeat(np.arange(64, dtype=np.int32), 64),
        np.tile(np.arange(64, dtype=np.int32), 64),
        np.zeros(4096, np.int32),
        np.zeros((4096, 2), np.float32),
    )
    mesh = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32), uvs=np.array([[[0, 0], [1, 0], [0, 1]]], np.float32))
    samples = Samples.empty(4096, 3)
    samples.quality[:] = (3, 2, 2)
    samples.view[:] = (0, 1, 2)
    samples.color[:] = samples.low[:] = 100
    wrong = (layout.rows < 32) & (layout.columns < 32) & (layout.rows % 4 > 0)  # of photo 0; every fourth row happens to agree
    samples.low[wrong, 0] = 180
    weigh_by_agreement(samples, np.ones((3, 3), np.float32), layout, mesh)
    patch = (layout.rows < 32) & (layout.columns < 32)
    assert (samples.view[patch, 0] != 0).all() and (samples.view[~patch, 0] == 0).all()
    assert (np.diff(samples.quality, axis=1) <= 0).all()


@pytest.mark.parametrize("exponent", range(-46, -28, 3))
def test_weights_at_the_end_of_single_precision_give_no_color_that_is_not_a_number(exponent: int) -> None:
    from reify.backend.texture.seam_kernels import excess

    shared = 10.0 ** (exponent / 2)  # quality of the one photo that shows both texels, beside 1 of the best of each
    quality, view = np.array([[1, shared]] * 2, np.float32), np.array([[0, 1], [2, 1]], np.int32)
    color, links, out = np.full((2, 2, 3), 100, np.uint8), np.full((2, 4), -1, np.int32), np.empty((2, 3), np.float32)
    links[0, 0], links[1, 0] = 1, 0
    excess(0, 2, links, quality, color, view, np.ones((3, 3), np.float32), np.float32(1), np.full((2, 3), 100, np.float32), out)
    assert (np.abs(out) < 1e-3).all()
    layout = Layout(2, np.zeros(2, np.int32), np.arange(2, dtype=np.int32), np.zeros(2, np.int32), np.zeros((2, 2), np.float32))
    mesh = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32), uvs=np.array([[[0, 0], [1, 0], [0, 1]]], np.float32))
    samples = Samples(np.full((2, 2), 10.0**exponent, np.float32), color, color.copy(), view)
    weigh_by_agreement(samples, np.ones((3, 3), np.float32), layout, mesh)
    assert (blend(samples, np.ones((3, 3), np.float32), 1.0)[samples.quality[:, 0] > 0] > 99.9).all()
