"""The example in the manual runs as it stands there."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "rasterizer.md"


def test_the_example_of_a_loss_from_outside_fits_splats(make_splats, make_cameras):
    from reify.backend.splats.render import rasterize

    (example,) = re.findall(r"```python\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    truth, cameras = make_splats(150, size=0.1), make_cameras(48, 40, (0.0, 0.5))
    photos = [torch.tensor(rasterize(truth, cameras, i, geometry=False).rgb) for i in range(2)]
    splats = dataclasses.replace(truth, sh=np.zeros_like(truth.sh))
    names = {"torch": torch, "splats": splats, "cameras": cameras, "photos": photos}
    exec(example, names)  # what the manual shows
    start = [torch.tensor(rasterize(splats, cameras, i, geometry=False).rgb) for i in range(2)]
    before = sum(float((one - photo).abs().mean()) for one, photo in zip(start, photos, strict=True))
    assert float(names["loss"].detach()) < 0.7 * before
