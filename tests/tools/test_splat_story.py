"""The page about another program's splats: its pictures are made by the clicks that it names."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.values import SH_C0, Splats
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


def test_splats_of_a_surface_lie_flat_in_it():
    from reify.backend.geometry import quaternions

    normals = np.array([[0, 0, 1], [0, 0, -1], [1, 0, 0], [0.6, 0, 0.8], [0, -0.6, -0.8]])
    made = splat_story.surface_splats(np.zeros((5, 3)), normals, np.full((5, 3), 0.7), 0.1)
    axes = quaternions.to_matrices(made.quats)
    np.testing.assert_allclose(axes[:, :, 2], normals, atol=1e-6)
    assert (made.log_scales.argmin(axis=1) == 2).all()
    np.testing.assert_allclose(0.5 + SH_C0 * made.sh[:, 0], 0.7, atol=1e-6)


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
