"""Splats as a differentiable function of torch: losses from outside, gradients against the float64 twin."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ..splats.cuda_host import host_kernels  # noqa: F401

torch = pytest.importorskip("torch")
BACKGROUND = (0.2, 0.5, 0.9)


@pytest.fixture
def rasterizer(make_splats):
    """Small splats on the CPU."""
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    made = CpuRasterizer(make_splats(40), 40, 1, 1)
    yield made
    made.close()


def test_a_loss_written_outside_fits_2000_splats_over_two_views_at_once(make_splats, make_cameras):
    from reify.backend.rendering.autograd import leaves, render
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer
    from reify.backend.splats.render import rasterize

    truth, cameras = make_splats(2000, seed=1, size=0.05), make_cameras(96, 80, (0.0, 0.5))
    photos = [torch.tensor(rasterize(truth, cameras, i, geometry=False).rgb) for i in range(2)]
    start = dataclasses.replace(truth, sh=np.zeros_like(truth.sh), opacity_logits=np.zeros_like(truth.opacity_logits))
    rasterizer = CpuRasterizer(start, len(start), 1, 2, training=False)
    parameters = leaves(rasterizer)
    optimizer = torch.optim.Adam(
        [{"params": [parameters["sh"], parameters["opacity_logits"]], "lr": 0.05}, {"params": [parameters["means"]], "lr": 1e-4}]
    )
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        views = render(renderable=rasterizer, parameters=parameters, cameras=cameras, geometry=False)
        # Both views at once: their errors are multiplied, so that neither has a gradient without the other.
        loss = (1 + (views[0].rgb - photos[0]).abs().mean()) * (1 + (views[1].rgb - photos[1]).abs().mean()) - 1
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    rasterizer.close()
    assert losses[-1] < 0.25 * losses[0]


@pytest.mark.parametrize("surfels", [False, True])
@pytest.mark.parametrize("kind", ["cpu", "own kernels on the host"])
def test_gradients_under_random_cotangents_are_those_of_the_twin(kind, surfels, make_splats, make_cameras, request):
    from reify.backend.rendering.autograd import leaves, render
    from reify.backend.splats import twin
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer
    from reify.backend.splats.cuda.rasterizer import CudaRasterizer

    splats, cameras = make_splats(200, seed=3, surfels=surfels), make_cameras(53, 37, (0.0, 0.4))
    if kind == "cpu":
        rasterizer = CpuRasterizer(splats, len(splats), 1, 2)
    else:
        rasterizer = CudaRasterizer(splats, len(splats), 1, request.getfixturevalue("host_kernels"), device="cpu")
    rng = np.random.default_rng(5)
    shapes = ((37, 53, 3), (37, 53), (37, 53), (37, 53, 3))
    cotangents = [[rng.normal(size=shape).astype(np.float32) for shape in shapes] for _ in range(2)]
    found, values = [], []
    for renderable in (rasterizer, twin.renderable(splats)):
        parameters = leaves(renderable)
        views = render(renderable=renderable, parameters=parameters, cameras=cameras, background=BACKGROUND)
        planes = [(view.rgb, view.alpha, view.depth, view.normal) for view in views]
        sum(
            (p * torch.tensor(v)).sum() for view, given in zip(planes, cotangents, strict=True) for p, v in zip(view, given, strict=True)
        ).backward()
        found.append({name: leaf.grad.numpy() for name, leaf in parameters.items()})
        values.append(planes)
    rasterizer.close()
    for ours, exact in zip(*values, strict=True):
        for one, other in zip(ours, exact, strict=True):
            assert np.quantile((one.detach() - other.detach()).abs().numpy(), 0.995) < 1e-4
    for name, expected in found[1].items():
        assert np.linalg.norm(found[0][name] - expected) < 1e-3 * np.linalg.norm(expected), name


def test_gradients_of_tapes_that_are_alive_at_once_add_up(rasterizer, make_cameras):
    cameras = make_cameras(40, 32, (0.0, 0.4, 0.8))
    v_rgb = [np.random.default_rng(i).normal(size=(32, 40, 3)).astype(np.float32) for i in range(3)]
    _buffers, together = rasterizer.render(cameras, geometry=False)
    whole = rasterizer.pull_back(together, v_rgb)
    tapes = [rasterizer.render(cameras.take([i]), geometry=False)[1] for i in range(3)]
    one, other, third = (rasterizer.pull_back(tape, [v]) for tape, v in zip(tapes, v_rgb, strict=True))
    for name, value in (one + other + third).parameters.items():
        assert value == pytest.approx(whole.parameters[name], rel=1e-5, abs=1e-6), name


def test_only_parameters_that_require_gradients_receive_some(rasterizer, make_cameras):
    from reify.backend.rendering.autograd import leaves, render

    parameters = leaves(rasterizer)
    for name in ("means", "sh"):
        parameters[name] = parameters[name].detach().double().requires_grad_(name == "sh")
    (view,) = render(renderable=rasterizer, parameters=parameters, cameras=make_cameras(40, 32), geometry=False)
    view.rgb.mean().backward()
    assert view.depth is None and view.normal is None
    assert parameters["means"].grad is None and parameters["sh"].grad.abs().sum() > 0
    assert parameters["sh"].grad.dtype == torch.float64


def test_the_renderable_takes_over_the_parameters_that_it_is_given(rasterizer, make_cameras):
    from reify.backend.rendering.autograd import leaves, render

    parameters = {name: leaf.detach() for name, leaf in leaves(rasterizer).items()}
    (before,) = render(renderable=rasterizer, parameters=parameters, cameras=make_cameras(40, 32))
    (after,) = render(
        renderable=rasterizer, parameters={**parameters, "opacity_logits": parameters["opacity_logits"] - 20}, cameras=make_cameras(40, 32)
    )
    assert before.alpha.max() > 0.5 and after.alpha.max() == 0
    assert rasterizer.named_parameters()["opacity_logits"] == pytest.approx(parameters["opacity_logits"].numpy() - 20)


def test_parameters_of_other_names_or_shapes_are_refused(rasterizer, make_cameras):
    from reify.backend.rendering.autograd import leaves, render

    parameters = leaves(rasterizer)
    for wrong in ({**parameters, "extra": torch.zeros(3)}, {**parameters, "means": torch.zeros(39, 3)}):
        with pytest.raises(ValueError, match="expected"):
            render(renderable=rasterizer, parameters=wrong, cameras=make_cameras(40, 32))


def test_pulling_back_after_the_parameters_have_changed_is_an_error(rasterizer, make_cameras):
    from reify.backend.rendering.autograd import leaves, render

    parameters = leaves(rasterizer)
    (view,) = render(renderable=rasterizer, parameters=parameters, cameras=make_cameras(40, 32))
    with rasterizer.edited():
        rasterizer.parameters[:, 0] += 1
    with pytest.raises(RuntimeError, match="changed since"):
        view.rgb.mean().backward()


def test_cameras_with_lens_distortion_are_refused(rasterizer, make_cameras):
    distorted = dataclasses.replace(make_cameras(40, 32), distortion=np.full((1, 8), 0.01))
    with pytest.raises(ValueError, match="pinhole"):
        rasterizer.render(distorted)
