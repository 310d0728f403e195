"""What the tests of several rasterizers ask: do pictures, depth, normals and gradients agree with the float64 twin?"""

from __future__ import annotations

import dataclasses

import numpy as np

BACKGROUND = (0.2, 0.5, 0.9)


def drawn(splats, cameras, background=BACKGROUND, geometric=True):
    """A CPU rasterizer, and what it has drawn of the first camera."""
    from reify.backend.splats.cpu.comparison import Comparison
    from reify.backend.splats.cpu.rasterizer import CpuRasterizer

    rasterizer = CpuRasterizer(splats, len(splats), splats.sh_degree, 2)
    _buffers, tape = rasterizer.render(cameras.take([0]), background, geometry=geometric)
    (drawing,) = tape.drawings
    return rasterizer, drawing, Comparison(drawing.frame)


def by_name(rows, bases):
    """Gradients of parameter rows by the names of the twin's parameters."""
    from reify.backend.splats import layout

    return layout.named(rows, bases)


def assert_gradients(found, parameters):
    """Each to 1e-3 of the length of what autograd left in the twin's parameters."""
    for name, gradient in found.items():
        expected = parameters[name].grad.numpy()
        error = np.linalg.norm(gradient - expected) / max(np.linalg.norm(expected), 1e-12)
        assert error < 1e-3, f"{name}: {error}"


def assert_picture(found, expected, most=1e-5, share=0.999):
    """But for a pixel or two, where a splat is just above the cut at 1/255 in one precision and just below in the other."""
    error = np.abs(found - expected.detach().numpy())
    assert np.quantile(error, share) < most and error.max() < 0.02


def as_facing_surfels(splats, cameras):
    """Splats as discs, without those that the camera sees from their very edge: there float32 has few digits left for the gradients."""
    import torch
    from reify.backend.splats import twin

    log_scales = splats.log_scales.copy()
    log_scales[:, 2] = -12
    pose = cameras.cam_from_world[0]
    local = splats.means @ pose[:3, :3].T + pose[:3, 3]
    normals = pose[:3, :3] @ twin.rotations(torch.tensor(splats.quats, dtype=torch.float64)).numpy()[:, :, 2:]
    facing = np.abs((normals[:, :, 0] * local).sum(axis=1)) / np.linalg.norm(local, axis=1)
    return dataclasses.replace(splats, log_scales=log_scales, surfels=True).take(facing > 0.05)


def shown_by_cpu(splats, cameras, v_picture, v_alpha, v_sums):
    """Picture [H,W,3], alpha [H,W], planes of geometry [5,H,W], the middle of their depths, and gradients of the parameters."""
    rasterizer, drawing, _comparison = drawn(splats, cameras)
    rows = rasterizer.gradients(drawing, v_picture, v_alpha, v_sums)
    rasterizer.close()
    frame = drawing.frame
    return frame.picture(frame.image), frame.alpha, frame.geometry[:5], float(drawing.lists.middle), rows


def assert_geometry(splats, cameras, render, show=shown_by_cpu):
    """What a rasterizer shows, with gradients under random cotangents, is what `render`, a function of the twin's, says."""
    import torch
    from reify.backend.splats import twin

    width, height = (int(v) for v in cameras.size_px[0])
    rng = np.random.default_rng(5)
    shapes = ((height, width, 3), (height, width), (5, height, width))
    v_picture, v_alpha, v_sums = cotangents = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    found_picture, found_alpha, found_sums, middle, rows = show(splats, cameras, *cotangents)
    parameters = twin.parameters_of(splats)
    picture, alpha, sums = render(parameters, cameras, 0, background=BACKGROUND, antialiased=splats.antialiased, middle=middle)
    loss = (picture * torch.tensor(v_picture)).sum() + (alpha * torch.tensor(v_alpha)).sum() + (sums * torch.tensor(v_sums)).sum()
    loss.backward()
    assert_picture(found_picture, picture, 1e-4, 0.998)
    assert_picture(found_alpha, alpha, 1e-4, 0.998)
    assert_picture(found_sums, sums, 1e-4, 0.998)
    assert_gradients(by_name(rows, (splats.sh_degree + 1) ** 2), parameters)
