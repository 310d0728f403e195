"""Training for surfaces, on a patterned ball whose depth and normals are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.formats.splat_ply import read_splat_ply, write_splat_ply
from reify.backend.jobs.job import Job
from reify.backend.splats.initialize import splats_at
from reify.backend.splats.render import rasterize
from reify.backend.splats.settings import TrainingSettings
from reify.backend.splats.train import train
from reify.backend.values import Views

RADIUS = 0.5
COMPARED = TrainingSettings(seconds=0, steps=240, sh_degree=1, max_splats=900, aim="surface")
SETTINGS = dataclasses.replace(COMPARED, photo_agreement_weight=0, depth_agreement_weight=0)


@pytest.fixture(scope="module")
def ball(make_cameras):
    """A ball's pictures with alpha from twelve cameras, and splats around its surface to begin with."""
    cameras = make_cameras(80, 64, 12)
    pictures, alphas = [], []
    for index in range(12):
        _depth, normal, hit = _truth(cameras, index)
        color = 0.5 + 0.4 * np.sin(normal * RADIUS * (15, 12, 9) + (0, 1, 2))
        pictures.append(np.round(255 * color).astype(np.uint8))
        alphas.append(np.where(hit, 255, 0).astype(np.uint8))
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(600, 3))
    direction *= RADIUS * rng.uniform(0.9, 1.1, (600, 1)) / np.linalg.norm(direction, axis=1, keepdims=True)
    start = splats_at(direction, np.full((600, 3), 0.5), sh_degree=1, antialiased=False)
    return Views(pictures, alphas, [None] * 12, cameras, tuple(str(i) for i in range(12))), start


def _truth(cameras, index):
    """Depth [H,W], normal [H,W,3] in the world and hits [H,W] of the ball."""
    width, height = cameras.size_px[index]
    k, pose = cameras.K[index], cameras.cam_from_world[index]
    x = (np.arange(width) + 0.5 - k[0, 2]) / k[0, 0]
    y = (np.arange(height) + 0.5 - k[1, 2]) / k[1, 1]
    rays = np.stack([*np.meshgrid(x, y), np.ones((height, width))], axis=-1)
    center = pose[:3, 3]
    a, b, c = (rays**2).sum(axis=-1), rays @ center, center @ center - RADIUS**2
    inside = b * b - a * c
    depth = (b - np.sqrt(np.maximum(inside, 0))) / a
    normal = (depth[..., None] * rays - center) @ pose[:3, :3] / RADIUS
    return depth, normal, inside > 0


def _trained(ball, settings=SETTINGS, job=None):
    views, start = ball
    return (job or Job()).stage("Training", lambda job: train(views, range(1, 12), start, settings, job=job))


def _errors(splats, views):
    """Mean angle in degrees and mean depth error in radii, of the held-out view within the outline."""
    picture = rasterize(splats, views.cameras, 0)
    depth, normal, hit = _truth(views.cameras, 0)
    sure = hit & (picture.alpha > 0.9) & ((normal * normal).sum(axis=-1) > 0)
    cosine = (picture.normal * normal).sum(axis=-1)[sure]
    return np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean(), np.abs(picture.depth - depth)[sure].mean() / RADIUS


def test_training_for_surfaces_turns_and_pulls_discs_onto_the_surface(ball):
    views, _start = ball
    plain = _trained(ball, dataclasses.replace(SETTINGS, normal_weight=0, distortion_weight=0))
    drawn = _trained(ball)
    assert drawn.surfels and len(drawn) > 100
    angle, depth = _errors(drawn, views)
    plain_angle, plain_depth = _errors(plain, views)
    assert angle < 0.85 * plain_angle and depth < 1.25 * plain_depth
    assert depth < 0.1


def test_discs_come_back_from_a_file_as_they_were(ball, tmp_path):
    splats = _trained(ball, dataclasses.replace(SETTINGS, steps=60))
    write_splat_ply(splats, tmp_path / "discs.ply")
    again = read_splat_ply(tmp_path / "discs.ply")
    cameras = ball[0].cameras
    assert again.surfels
    assert (np.exp(again.log_scales[:, 2]) < 0.002 * np.exp(again.log_scales[:, :2]).min(axis=1)).all()
    one, other = rasterize(splats, cameras, 0), rasterize(again, cameras, 0)
    assert np.abs(one.rgb - other.rgb).max() < 1e-4 and np.abs(one.depth - other.depth).max() < 1e-3


def test_training_for_surfaces_repeats_bit_by_bit(ball):
    settings = dataclasses.replace(COMPARED, steps=130)
    one, other = _trained(ball, settings), _trained(ball, settings)
    assert np.array_equal(one.means, other.means) and np.array_equal(one.quats, other.quats)


def test_comparing_neighboring_photos_moves_the_surface_to_where_it_is(ball):
    views, _start = ball
    alone = _errors(_trained(ball), views)[1]
    compared = _errors(_trained(ball, COMPARED), views)[1]
    assert compared < 0.9 * alone


def test_photos_are_not_compared_while_cameras_are_corrected(ball):
    job = Job()
    settings = dataclasses.replace(COMPARED, steps=3, refine_cameras=True)
    _trained(ball, settings, job)
    assert any("aren't compared" in warning for warning in job.report.warnings)
