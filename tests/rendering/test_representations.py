"""Splats, their float64 twin, a mesh and a field stand behind one protocol: the same code renders, scores and fits each of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.rendering.fitting import take_step
from reify.backend.rendering.losses import GEOMETRY, Photometric
from reify.backend.rendering.protocol import Step
from reify.backend.rendering.targets import Target
from reify.backend.values import Mesh

from .representations import ColoredMesh, field

torch = pytest.importorskip("torch")
SIZE = 28, 24


def _splats(make_splats):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    return CpuRasterizer(make_splats(60, size=0.12), 60, 1, 1)


def _surfels(make_splats):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    return CpuRasterizer(make_splats(60, size=0.12, surfels=True), 60, 1, 1)


def _twin(make_splats):
    from reify.backend.splats import twin

    return twin.renderable(make_splats(40, size=0.12))


def _twin_of_surfels(make_splats):
    from reify.backend.splats import twin

    return twin.renderable(make_splats(40, size=0.12, surfels=True))


def _mesh(make_splats):
    corners = np.array([[x, y, z] for x in (-0.6, 0.6) for y in (-0.6, 0.6) for z in (-0.6, 0.6)], np.float32)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([f for a, b, c, d in quads for f in ((a, b, c), (a, c, d))], np.int32)
    return ColoredMesh(Mesh(corners, faces), np.random.default_rng(0).random((8, 3)))


def _field(make_splats):
    return field()


@pytest.fixture(params=[_splats, _surfels, _twin, _twin_of_surfels, _mesh, _field])
def renderable(request, make_splats):
    """Whatever stands behind the protocol."""
    return request.param(make_splats)


def _like(plane, seed):
    """Random numbers in an array of the same kind."""
    values = np.random.default_rng(seed).normal(size=tuple(plane.shape))
    return torch.tensor(values, dtype=plane.dtype) if isinstance(plane, torch.Tensor) else values.astype(plane.dtype)


def test_buffers_are_consistent_whatever_is_rendered(renderable, make_cameras):
    cameras, background = make_cameras(*SIZE, (0.0, 0.5)), (0.25, 0.5, 1.0)
    views, _tape = renderable.render(cameras, background)
    plain, _tape = renderable.render(cameras, background, geometry=False)
    for view, without in zip(views, plain, strict=True):
        rgb, alpha, depth, normal = (np.asarray(plane) for plane in (view.rgb, view.alpha, view.depth, view.normal))
        assert (rgb.shape, alpha.shape, depth.shape, normal.shape) == ((24, 28, 3), (24, 28), (24, 28), (24, 28, 3))
        assert without.depth is None and without.normal is None
        assert np.asarray(without.rgb) == pytest.approx(rgb, abs=1e-5)
        assert alpha.min() >= 0 and alpha.max() <= 1 + 1e-6 and alpha.max() > 0.5
        assert (np.linalg.norm(normal, axis=2) <= alpha + 1e-5).all()
        covered = alpha > 0.5
        assert 1.0 < (depth / np.maximum(alpha, 1e-6))[covered].mean() < 3.5
        empty = alpha == 0
        assert np.allclose(rgb[empty], background, atol=1e-6)


def test_gradients_are_the_slopes_of_finite_differences(renderable, make_cameras):
    cameras, start = make_cameras(*SIZE, (0.0, 0.5)), renderable.named_parameters()
    if any("float32" in str(value.dtype) for value in start.values()):
        pytest.skip("float32 has too few digits; its gradients are compared with the twin's")
    views, tape = renderable.render(cameras)
    planes = ("rgb", "alpha", "depth", "normal")
    cotangents = {f"v_{name}": [_like(getattr(view, name), 7 * i + len(name)) for i, view in enumerate(views)] for name in planes}
    gradients = renderable.pull_back(tape, **cotangents).parameters

    def loss(parameters):
        renderable.assign(parameters)
        shown, _tape = renderable.render(cameras)
        pairs = ((getattr(view, name), cotangents[f"v_{name}"][i]) for i, view in enumerate(shown) for name in planes)
        return sum(float((np.asarray(plane) * np.asarray(v)).sum()) for plane, v in pairs)

    for seed, name in enumerate(start):
        direction, gradient = _like(start[name], 100 + seed), np.asarray(gradients[name])
        ahead, behind = (loss({**start, name: start[name] + sign * 1e-6 * direction}) for sign in (1, -1))
        slope = float((gradient * np.asarray(direction)).sum())
        assert slope == pytest.approx((ahead - behind) / 2e-6, rel=0.02, abs=0.003 * np.linalg.norm(gradient)), name


def test_every_representation_learns_from_photos_of_two_views_at_once(renderable, make_cameras):
    cameras = make_cameras(*SIZE, (0.0, 0.5))
    start = renderable.named_parameters()
    color = next(name for name in ("sh", "color", "vertex_srgb") if name in start)
    shown, _tape = renderable.render(cameras, geometry=False)
    photos = [np.round(255 * np.clip(np.asarray(view.rgb), 0, 1)).astype(np.uint8) for view in shown]
    targets = [Target(cameras.take([i]), photo) for i, photo in enumerate(photos)]
    renderable.assign({**start, color: 0.3 * start[color]})
    step = Step(rates={color: 0.05}, losses=(Photometric(),))
    figures = [take_step(renderable, targets, dataclasses.replace(step, count=count)) for count in range(1, 31)]
    assert figures[-1].loss < 0.4 * figures[0].loss and figures[-1].square < 0.3 * figures[0].square
    for name, value in renderable.named_parameters().items():
        assert np.array_equal(np.asarray(value), np.asarray(start[name])) == (name != color)


def test_a_loss_on_depth_and_normals_reaches_what_has_a_shape(renderable, make_cameras):
    from reify.backend.rendering.torch_loss import TorchLoss

    if isinstance(renderable, ColoredMesh):
        pytest.skip("its shape isn't fitted")
    cameras = make_cameras(*SIZE)

    def nearer(buffers, targets):
        return buffers[0].depth.sum() / buffers[0].alpha.sum() + 0.01 * buffers[0].normal.square().mean()

    shape = "density" if "density" in renderable.named_parameters() else "means"
    step = Step(rates={shape: 0.02}, losses=(TorchLoss("nearer", 1.0, nearer, frozenset({GEOMETRY})),))
    figures = [take_step(renderable, [Target(cameras)], dataclasses.replace(step, count=count)) for count in range(1, 21)]
    assert figures[-1].loss < figures[0].loss - 0.05
    assert np.isnan(figures[0].square)
