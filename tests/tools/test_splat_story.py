"""The page about another program's splats: its pictures are made by the clicks that it names."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.values import SH_C0, Cameras, Splats
from reify.tools import splat_story


def egg_on_a_plate() -> Splats:
    rng = np.random.default_rng(0)
    egg = rng.normal(size=(1500, 3))
    egg = egg / np.linalg.norm(egg, axis=1)[:, None] * (0.4, 0.4, 0.6) + (0, 0, 0.65)
    plate = np.column_stack((rng.uniform(-2, 2, (3000, 2)), rng.normal(0, 0.004, 3000)))
    srgb = np.concatenate((np.tile([0.9, 0.5, 0.2], (1500, 1)), np.tile([0.4, 0.5, 0.3], (3000, 1))))
    return Splats(
        means=np.concatenate((egg, plate)).astype(np.float32),
        quats=np.tile(np.float32([1, 0, 0, 0]), (4500, 1)),
        log_scales=np.full((4500, 3), np.log(0.05), np.float32),
        opacity_logits=np.full(4500, 1.5, np.float32),
        sh=((srgb - 0.5) / SH_C0)[:, None].astype(np.float32),
    )


def test_splats_that_were_split_look_as_before():
    pytest.importorskip("numba")
    from reify.backend.geometry.axes import looking_at
    from reify.backend.splats.render import rasterize

    splats = egg_on_a_plate()
    parts = splat_story.split(splats, 90_000)
    assert len(parts) == 90_000
    K = np.array([[[160, 0, 80], [0, 160, 60], [0, 0, 1.0]]])
    cameras = Cameras(looking_at(np.array([[0.5, -4.0, 2.0]]), np.zeros(3)), K, np.array([[160, 120]]), np.zeros((1, 8)))
    before, after = (rasterize(each, cameras, 0, geometry=False).rgb for each in (splats, parts))
    assert -10 * np.log10(((before - after) ** 2).mean()) > 22


@pytest.mark.blender
def test_every_click_of_the_page_works_on_a_file_and_makes_its_picture(registered, tmp_path):
    pytest.importorskip("bpy")
    pytest.importorskip("scipy")
    from PIL import Image
    from reify.backend.formats.splat_ply import write_splat_ply
    from reify.backend.splats.transform import transformed

    away = np.eye(4)
    away[:3, :3] = 3.7 * np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    write_splat_ply(transformed(egg_on_a_plate(), away), tmp_path / "other.ply", up="-y")
    made = splat_story.tell(tmp_path / "other.ply", tmp_path / "pictures", (96, 64), 1)
    assert [path.name for path in made] == [f"other-splats-{name}.jpg" for name in ("arrived", "standing", "subject", "rendered")]
    arrived, subject = (np.asarray(Image.open(made[number]), int) for number in (0, 2))
    green = [(picture[..., 1] > picture[..., 0] + 16).mean() for picture in (arrived, subject)]
    assert green[0] > 0.1 and green[1] < 0.05
    assert Image.open(made[3]).size == (96, 64)
