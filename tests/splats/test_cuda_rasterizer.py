"""The CUDA rasterizer against the float64 twin and the CPU rasterizer: on a card, and the same kernels on the CPU."""

from __future__ import annotations

import contextlib
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from .agreement import BACKGROUND, as_facing_surfels, assert_geometry, assert_gradients, assert_picture, by_name
from .cuda_host import card_kernels, host_kernels  # noqa: F401

torch = pytest.importorskip("torch")


@pytest.fixture(params=["host", "card"])
def make_rasterizer(request):
    """The function that makes a rasterizer of splats."""
    from reify.backend.splats.cuda.rasterizer import CudaRasterizer

    launch = request.getfixturevalue("host_kernels") if request.param == "host" else card_kernels()
    place = "cpu" if request.param == "host" else "cuda"
    return lambda splats, capacity=0: CudaRasterizer(splats, capacity, splats.sh_degree, launch, device=place)


def _target(cameras, *, masks=True, seed=3, index=0):
    from reify.backend.rendering.targets import Target

    width, height = (int(v) for v in cameras.size_px[0])
    rng = np.random.default_rng(seed)
    rgb = np.kron(rng.integers(0, 255, (-(-height // 8), -(-width // 8), 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    rgb = np.ascontiguousarray(rgb[:height, :width])
    alpha, weight = np.full((height, width), 255, np.uint8), np.full((height, width), 255, np.uint8)
    alpha[:8], weight[:, :8] = 60, 0
    return Target(cameras.take([index]), rgb, alpha if masks else None, weight if masks else None)


def _step(rasterizer, count=1, losses=(), **more):
    from reify.backend.rendering.losses import Photometric
    from reify.backend.splats.step import SplatStep

    rates = {"means": 1e-3, "opacity_logits": 1e-2, "quats": 2e-3, "log_scales": 2e-3, "sh": 1e-3}
    return SplatStep(rates=rates, losses=(Photometric(), *losses), bases=rasterizer.bases, count=count, **more)


def _regularizers():
    from reify.backend.rendering.losses import Anisotropy, OpacityDecay, ScaleDecay

    return OpacityDecay(1e-4), ScaleDecay(1e-4), Anisotropy(1e-3)


def _shape_losses(cameras):
    """A step's losses on depth and normals, alone and beside a neighboring view."""
    from reify.backend.rendering.losses import DepthDistortion, MultiviewGeometric, MultiviewPhotometric, NormalConsistency
    from reify.backend.splats.step import Neighbor

    width, height = cameras.size_px[1]
    losses = DepthDistortion(0.5), NormalConsistency(0.1), MultiviewPhotometric(0.3), MultiviewGeometric(0.1)
    neighbor = Neighbor(_target(cameras, index=1), np.full((height, width), 2.5, np.float32))
    return {"losses": losses, "neighbor": neighbor, "keep_depth": True}


@pytest.mark.parametrize(("degree", "antialiased"), [(0, True), (1, False), (2, False), (3, False), (3, True)])
def test_pictures_and_gradients_agree_with_the_float64_twin(degree, antialiased, make_rasterizer, make_splats, make_cameras):
    from reify.backend.splats import twin
    from reify.backend.splats.layout import camera_row

    splats = make_splats(300, seed=degree + 10, degree=degree, antialiased=antialiased)
    cameras = make_cameras(53, 37)
    rng = np.random.default_rng(7)
    v_picture, v_alpha = rng.normal(size=(3, 37, 53)).astype(np.float32), rng.normal(size=(37, 53)).astype(np.float32)
    rasterizer = make_rasterizer(splats)
    view = rasterizer.draw(camera_row(cameras, 0), np.array(BACKGROUND, np.float32), rasterizer.bases)
    place = view.image.device
    rows = rasterizer.gradients(view, torch.tensor(v_picture, device=place), torch.tensor(v_alpha, device=place)).cpu().numpy()
    parameters = twin.parameters_of(splats)
    picture, alpha = twin.render(parameters, cameras, 0, background=BACKGROUND, antialiased=antialiased)
    (picture * torch.tensor(v_picture).permute(1, 2, 0)).sum().add((alpha * torch.tensor(v_alpha)).sum()).backward()
    assert_picture(view.image.permute(1, 2, 0).cpu().numpy(), picture)
    assert_picture(1 - view.transmittance.cpu().numpy(), alpha)
    assert_gradients(by_name(rows, rasterizer.bases), parameters)


@pytest.mark.parametrize(("surfels", "antialiased"), [(False, False), (False, True), (True, False), (True, True)])
def test_depth_normals_and_their_gradients_agree_with_the_float64_twin(surfels, antialiased, make_rasterizer, make_splats, make_cameras):
    from reify.backend.splats import twin
    from reify.backend.splats.layout import camera_row

    def show(splats, cameras, v_picture, v_alpha, v_sums):
        rasterizer = make_rasterizer(splats)
        view = rasterizer.draw(camera_row(cameras, 0), np.array(BACKGROUND, np.float32), rasterizer.bases, geometric=True)
        back = [torch.tensor(v, device=view.image.device) for v in (np.ascontiguousarray(v_picture.transpose(2, 0, 1)), v_alpha, v_sums)]
        rows, picture = rasterizer.gradients(view, *back), view.image.permute(1, 2, 0)
        return *(v.cpu().numpy() for v in (picture, 1 - view.transmittance, view.geometry[:5])), view.middle, rows.cpu().numpy()

    cameras = make_cameras(53, 37)
    splats = make_splats(300, seed=3, degree=1, antialiased=antialiased, size=0.05 if antialiased else 0.08)
    if surfels:
        splats = as_facing_surfels(splats, cameras)
    assert_geometry(splats, cameras, twin.render_surfels if surfels else twin.render_planes, show)


@pytest.mark.parametrize(
    ("surfels", "shapes", "masks"),
    [(False, False, False), (False, False, True), (False, True, True), (True, False, True), (True, True, True)],
)
def test_whole_steps_are_those_of_the_cpu_rasterizer(surfels, shapes, masks, make_rasterizer, make_splats, make_cameras, monkeypatch):
    from reify.backend.splats.cpu import multiview
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    monkeypatch.setattr(multiview, "PIXELS", 200)  # so that neighbors are compared at every other pixel, as in large pictures
    cameras = make_cameras(40, 32, 120)
    splats = make_splats(80, seed=5, size=0.12)
    if surfels:
        splats = as_facing_surfels(splats, cameras)
    count = len(splats)
    ours, cpu = make_rasterizer(splats), CpuRasterizer(splats, count, 3, 1)
    for rasterizer in (ours, cpu):
        with rasterizer.edited():
            rasterizer.moments[:count, 1] = 1e-6  # so that a step follows the gradient's size and not only its sign
    target = _target(cameras, masks=masks)
    exposure = np.array([1.2, 0.9, 1.1, 0.05, -0.1, 0.02], np.float32)
    more = {"noise": 5.0, "absolute": masks and not shapes, **(_shape_losses(cameras) if shapes else {})}
    more["losses"] = (*_regularizers(), *more.get("losses", ()))
    for turn in range(1, 4):
        step = _step(ours, turn, seed=(7 << 32) + turn, background=(0.3, 0.6, 0.1), exposure=exposure, camera_gradient=True, **more)
        found, expected = ours.step(target, step), cpu.step(target, step)
        assert (found.visible, found.entries) == (expected.visible, expected.entries)
        assert (found.loss, found.square) == pytest.approx((expected.loss, expected.square), rel=1e-5)
        for name in ("v_exposure", "v_camera"):
            a, b = getattr(found, name), getattr(expected, name)
            assert np.linalg.norm(a - b) < 1e-3 * np.linalg.norm(b), name
        if shapes:
            assert (expected.depth > 0).mean() > 0.1
            assert np.abs(found.depth - expected.depth).max() < 1e-4
    with ours.edited():
        for name in ("parameters", "moments", "stats"):
            a, b = getattr(ours, name)[:count], getattr(cpu, name)[:count]
            change = b - (CpuRasterizer(splats, count, 3, 1).parameters if name == "parameters" else 0)
            assert np.linalg.norm(a - b) < 2e-3 * np.linalg.norm(change), name
    cpu.close()


def test_lists_longer_than_a_block_and_opaque_pixels_agree_with_the_cpu_rasterizer(make_rasterizer, make_splats, make_cameras, monkeypatch):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer
    from reify.backend.splats.cuda import rasterizer as module

    monkeypatch.setattr(module, "SHORT_TILES", 0)  # as in pictures of more than 8 million pixels
    splats = dataclasses.replace(make_splats(900, seed=2, degree=0, size=0.25), opacity_logits=np.full(900, 0.5, np.float32))
    ours, cpu = make_rasterizer(splats), CpuRasterizer(splats, 900, 0, 1)
    target = _target(make_cameras(20, 17), masks=False)
    found, expected = ours.step(target, _step(ours)), cpu.step(target, _step(cpu))
    assert found.entries > 2 * 256 * 2
    assert found.loss == pytest.approx(expected.loss, rel=1e-4)
    with ours.edited():
        a, b = ours.moments[:, 0], cpu.moments[:, 0]
        assert np.linalg.norm(a - b) < 1e-3 * np.linalg.norm(b)
    cpu.close()


@pytest.mark.parametrize("surfels", [False, True])
def test_the_strongest_weights_are_those_of_the_cpu_rasterizer(surfels, make_rasterizer, make_splats, make_cameras):
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    splats = dataclasses.replace(make_splats(100, seed=8, degree=0), surfels=surfels)
    cpu = CpuRasterizer(splats, 100, 0, 1)
    target = _target(make_cameras(40, 32))
    assert make_rasterizer(splats).strongest_weights(target) == pytest.approx(cpu.strongest_weights(target), abs=1e-4)
    cpu.close()


@pytest.mark.parametrize("surfels", [False, True])
def test_a_step_that_sees_no_splat_changes_none(surfels, make_rasterizer, make_splats, make_cameras):
    faint = {"opacity_logits": np.full(10, -20, np.float32), "surfels": surfels}
    rasterizer, cameras = make_rasterizer(dataclasses.replace(make_splats(10, degree=0), **faint)), make_cameras(20, 17, 120)
    before = rasterizer.splats()
    figures = rasterizer.step(_target(cameras), _step(rasterizer, **_shape_losses(cameras) if surfels else {}))
    assert (figures.visible, figures.entries) == (0, 0) and np.isfinite(figures.loss)
    np.testing.assert_array_equal(rasterizer.splats().means, before.means)


@pytest.mark.parametrize("column", [0, 3, 4, 8, 11, 16])
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("surfels", [False, True])
def test_a_broken_splat_leaves_the_others_and_the_picture_alone(surfels, column, value, make_rasterizer, make_splats, make_cameras):
    rasterizer = make_rasterizer(dataclasses.replace(make_splats(12, degree=1), surfels=surfels))
    cameras = make_cameras(20, 17, 120)
    with rasterizer.edited():
        rasterizer.parameters[5, column] = value
    figures = rasterizer.step(_target(cameras), _step(rasterizer, **_shape_losses(cameras)))
    assert np.isfinite(figures.loss)
    with rasterizer.edited():
        assert np.isfinite(np.delete(rasterizer.parameters[:12], 5, axis=0)).all()


def test_the_same_step_gives_the_same_bits(make_rasterizer, make_splats, make_cameras):
    rows = []
    for _ in range(2):
        rasterizer = make_rasterizer(make_splats(60, seed=4))
        rasterizer.step(_target(make_cameras(40, 32)), _step(rasterizer, noise=5.0, seed=9))
        with rasterizer.edited():
            rows.append(rasterizer.parameters.copy())
    np.testing.assert_array_equal(*rows)
    assert not np.array_equal(rows[0], make_rasterizer(make_splats(60, seed=4)).parameters)


@pytest.mark.parametrize(("surfels", "shapes"), [(False, False), (False, True), (True, False), (True, True)])
def test_neither_the_order_of_threads_nor_what_was_in_memory_before_matters(
    surfels,
    shapes,
    host_kernels,  # noqa: F811
    make_splats,
    make_cameras,
    monkeypatch,
):
    from reify.backend.splats.cuda.rasterizer import CudaRasterizer
    from reify.backend.splats.cuda.view import Launcher

    def spoiled(self, *shape, kind=torch.float32):
        return torch.full(shape, float("nan") if kind.is_floating_point else 77, dtype=kind)

    rows, cameras = [], make_cameras(40, 32, 120)
    splats = dataclasses.replace(make_splats(200, seed=4, size=0.2), surfels=surfels)
    for odd in (False, True):
        if odd:
            monkeypatch.setattr(Launcher, "new", spoiled)
        rasterizer, more = CudaRasterizer(splats, 0, 3, host_kernels, device="cpu"), _shape_losses(cameras) if shapes else {}
        target, step = _target(cameras), _step(rasterizer, noise=5.0, seed=9, absolute=True, camera_gradient=True, **more)
        with host_kernels.backwards() if odd else contextlib.nullcontext():
            figures = rasterizer.step(target, step)
        with rasterizer.edited():
            rows.append((rasterizer.parameters.copy(), rasterizer.moments.copy(), rasterizer.stats.copy(), figures.v_camera, figures.loss))
    for a, b in zip(*rows, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def driver(host_kernels, monkeypatch):  # noqa: F811
    """`cuda.driver` with a library in the graphics driver's place that runs the kernels on the CPU."""
    from reify.backend.splats.cuda import driver as module

    stream = SimpleNamespace(cuda_stream=0x123456789A)
    cuda = SimpleNamespace(get_device_capability=lambda: (8, 9), current_stream=lambda: stream)
    monkeypatch.setattr(module, "torch", SimpleNamespace(zeros=lambda *_, device: None, cuda=cuda, Tensor=torch.Tensor))
    monkeypatch.setattr(module.ctypes, "CDLL", lambda name: host_kernels.driver)
    monkeypatch.setattr(module, "compiled", lambda text, capability: b"ELF" if capability == 89 else b"")
    return module


def test_the_driver_gets_the_arguments_that_the_kernels_want(driver, host_kernels, make_splats, make_cameras):  # noqa: F811
    from reify.backend.splats.cuda.rasterizer import CudaRasterizer

    rows = []
    for launch in (host_kernels, driver.Kernels()):
        rasterizer = CudaRasterizer(make_splats(60, seed=4), 0, 3, launch, device="cpu")
        rasterizer.step(_target(make_cameras(40, 32)), _step(rasterizer, noise=5.0, seed=9, camera_gradient=True))
        with rasterizer.edited():
            rows.append(rasterizer.parameters.copy())
    np.testing.assert_array_equal(*rows)


def test_what_the_driver_refuses_comes_with_its_words(driver, monkeypatch):
    from reify.backend.splats.cuda.nvrtc import Unusable

    monkeypatch.setattr(driver, "compiled", lambda text, capability: b"nothing")
    with pytest.raises(Unusable, match="bad image"):
        driver.Kernels()


def test_a_photo_goes_to_the_card_once_and_leaves_with_its_target(make_rasterizer, make_splats, make_cameras):
    rasterizer = make_rasterizer(make_splats(5, degree=0))
    target = _target(make_cameras(20, 17))
    rasterizer.step(target, _step(rasterizer))
    kept = rasterizer._photos.of(dataclasses.replace(target))
    assert kept is rasterizer._photos.of(target)
    del target
    assert not rasterizer._photos._kept


@pytest.mark.parametrize("surfels", [False, True])
def test_the_check_passes_a_rasterizer_that_is_right_and_fails_one_that_is_not(surfels, make_rasterizer):
    from reify.backend.splats.cuda.check import disagreement

    assert disagreement(lambda splats, capacity, sh_degree: make_rasterizer(splats, capacity), surfels) == ""

    def spoiled(splats, capacity, sh_degree):
        rasterizer = make_rasterizer(splats, capacity)
        launch = rasterizer._launcher._launch

        def wrong(name, grid, block, *arguments):
            launch(name, grid, block, *arguments)
            if "blend_back" in name:
                arguments[-1].mul_(1.02)

        rasterizer._launcher._launch = wrong
        return rasterizer

    assert "gradient" in disagreement(spoiled, surfels)


def test_a_full_or_failing_card_ends_a_step_with_a_sentence_for_the_user(make_rasterizer, make_splats, make_cameras, monkeypatch):
    from reify.backend.errors import ReifyError

    rasterizer, target = make_rasterizer(make_splats(5, degree=0)), _target(make_cameras(20, 17))

    def raising(error):
        def draw(*arguments):
            raise error

        return draw

    for error, words in (
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "memory is full."),
        (
            RuntimeError("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might"),
            "illegal memory access was encountered.",
        ),
    ):
        monkeypatch.setattr(rasterizer, "draw", raising(error))
        with pytest.raises(ReifyError) as caught:
            rasterizer.step(target, _step(rasterizer))
        assert caught.value.what.endswith(words) and caught.value.fix
    monkeypatch.setattr(rasterizer, "draw", raising(RuntimeError("a mistake of ours")))
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        rasterizer.step(target, _step(rasterizer))


def test_the_check_tells_what_the_driver_said():
    from reify.backend.splats.cuda.check import disagreement

    def failing(*scene):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    assert "illegal memory access" in disagreement(failing)
