"""The CPU kernels against the float64 twin."""

from __future__ import annotations

import numpy as np
import pytest

from .agreement import BACKGROUND, assert_gradients, assert_picture, by_name, rendered

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("antialiased", [False, True])
def test_pictures_and_gradients_agree_with_the_float64_twin(degree, antialiased, make_splats, make_cameras):
    from reify.backend.splats import twin

    splats = make_splats(300, seed=degree + 10, degree=degree, antialiased=antialiased)
    cameras = make_cameras(75, 53)
    rng = np.random.default_rng(7)
    v_picture, v_alpha = rng.normal(size=(53, 75, 3)).astype(np.float32), rng.normal(size=(53, 75)).astype(np.float32)
    engine, frame, camera = rendered(splats, cameras, geometric=False)
    found = by_name(engine.gradients(frame, camera, engine.bases, v_picture, v_alpha), engine.bases)
    engine.close()
    parameters = twin.parameters_of(splats)
    picture, alpha = twin.render(parameters, cameras, 0, background=BACKGROUND, antialiased=antialiased)
    (picture * torch.tensor(v_picture)).sum().add((alpha * torch.tensor(v_alpha)).sum()).backward()
    assert_picture(frame.picture(frame.image), picture)
    assert_picture(1 - frame.single(frame.transmittance), alpha)
    assert_gradients(found, parameters)
