"""What the tests of several engines ask: do pictures, depth, normals and gradients agree with the float64 twin?"""

from __future__ import annotations

import numpy as np

BACKGROUND = (0.2, 0.5, 0.9)


def rendered(splats, cameras, background=BACKGROUND, geometric=True):
    """A CPU engine, the frame and the camera's row, after a rendering."""
    from reify.backend.splats.cpu.engine import CpuEngine, Frame, sized
    from reify.backend.splats.cpu.layout import camera_row

    engine = CpuEngine(splats, len(splats), splats.sh_degree, 2)
    frame = Frame(*(int(v) for v in cameras.size_px[0]))
    camera = sized(camera_row(cameras, 0), frame)
    engine.render(frame, camera, np.array(background, np.float32), engine.bases, geometric)
    return engine, frame, camera


def by_name(rows, bases):
    """Parameter rows' gradients by the names of the twin's parameters."""
    from reify.backend.splats.cpu import layout
    from reify.backend.splats.cpu.engine import sh_of

    return {
        "means": rows[:, layout.MEAN : layout.MEAN + 3],
        "quats": rows[:, layout.QUATERNION : layout.QUATERNION + 4],
        "log_scales": rows[:, layout.LOG_SCALE : layout.LOG_SCALE + 3],
        "opacity_logits": rows[:, layout.OPACITY],
        "sh": sh_of(rows, bases),
    }


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


def assert_geometry(splats, cameras, render):
    """A CPU engine's picture, depth, normals, and gradients under random cotangents are those of `render`, a function of the twin's."""
    import torch
    from reify.backend.splats import twin

    engine, frame, camera = rendered(splats, cameras)
    size = (frame.height, frame.width)
    rng = np.random.default_rng(5)
    v_picture, v_alpha, v_sums = (rng.normal(size=shape).astype(np.float32) for shape in ((*size, 3), size, (5, *size)))
    found = by_name(engine.gradients(frame, camera, engine.bases, v_picture, v_alpha, v_sums), engine.bases)
    engine.close()
    parameters = twin.parameters_of(splats)
    picture, alpha, sums = render(
        parameters, cameras, 0, background=BACKGROUND, antialiased=splats.antialiased, middle=float(engine._middle)
    )
    loss = (picture * torch.tensor(v_picture)).sum() + (alpha * torch.tensor(v_alpha)).sum() + (sums * torch.tensor(v_sums)).sum()
    loss.backward()
    assert_picture(frame.picture(frame.image), picture, 1e-4, 0.998)
    assert_picture(1 - frame.single(frame.transmittance), alpha, 1e-4, 0.998)
    assert_picture(frame.geometry[:5], sums, 1e-4, 0.998)
    assert_gradients(found, parameters)
