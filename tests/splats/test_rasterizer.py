"""The CPU kernels against the float64 twin."""

from __future__ import annotations

import numpy as np
import pytest

from .agreement import BACKGROUND, assert_gradients, assert_picture, by_name, drawn

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("antialiased", [False, True])
def test_pictures_and_gradients_agree_with_the_float64_twin(degree, antialiased, make_splats, make_cameras):
    from reify.backend.splats import twin

    splats = make_splats(300, seed=degree + 10, degree=degree, antialiased=antialiased)
    cameras = make_cameras(75, 53)
    rng = np.random.default_rng(7)
    v_picture, v_alpha = rng.normal(size=(53, 75, 3)).astype(np.float32), rng.normal(size=(53, 75)).astype(np.float32)
    rasterizer, drawing, _comparison = drawn(splats, cameras, geometric=False)
    found = by_name(rasterizer.gradients(drawing, v_picture, v_alpha), rasterizer.bases)
    rasterizer.close()
    parameters = twin.parameters_of(splats)
    picture, alpha = twin.render(parameters, cameras, 0, background=BACKGROUND, antialiased=antialiased)
    (picture * torch.tensor(v_picture)).sum().add((alpha * torch.tensor(v_alpha)).sum()).backward()
    assert_picture(drawing.frame.picture(drawing.frame.image), picture)
    assert_picture(drawing.frame.alpha, alpha)
    assert_gradients(found, parameters)
