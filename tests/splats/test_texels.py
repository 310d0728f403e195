"""Splats as a graphics card's shaders read them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reify.backend.splats import texels
from reify.backend.splats.scene_rows import Instance, rows_from
from reify.tests.scene.viewport.subject import bumpy_ball
from reify.tests.splats.test_scene_rasterizer import picture_of, view


def test_the_order_is_from_far_to_near_over_all_clouds_together() -> None:
    rows = [rows_from(bumpy_ball(count, seed)) for seed, count in enumerate((500, 300))]
    moved = np.eye(4)
    moved[:3, 3] = 0.3, 0.0, 0.2
    instances = [Instance(rows[0], np.eye(4)), Instance(rows[1], moved), Instance(rows[0], moved)]
    order = texels.Sorter().draw(instances, view())
    splats, places = order.packed.reshape(-1, 2)[: order.drawn].astype(int).T
    means = np.concatenate([cloud.parameters[:, :3] for cloud in rows])[splats]
    matrices = np.stack([view().cam_from_world @ instance.world_from_object for instance in instances])[places]
    depths = np.einsum("ni,ni->n", matrices[:, 2, :3], means) + matrices[:, 2, 3]
    assert order.drawn == 1300
    assert np.all(np.diff(depths) <= 1e-5)
    assert np.bincount(places).tolist() == [500, 300, 500]


def test_a_share_keeps_the_most_important_of_each_cloud() -> None:
    rows = rows_from(bumpy_ball(1000))
    order = texels.Sorter().draw([Instance(rows, np.eye(4))], view(), share=0.25)
    assert sorted(order.packed.reshape(-1, 2)[: order.drawn, 0]) == list(range(250))


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_texels_hold_every_parameter_of_every_cloud(degree: int) -> None:
    splats = [replace(ball, sh=ball.sh[:, : (degree + 1) ** 2]) for ball in (bumpy_ball(700), bumpy_ball(50, seed=1))]
    rows = [rows_from(cloud) for cloud in splats]
    found = texels.texels_of(rows)
    base = found.base.reshape(-1, 4)[: 750 * texels.BASE].reshape(750, texels.BASE, 4)
    wanted = np.concatenate([cloud.parameters for cloud in rows])
    assert np.array_equal(base[:, 0, :3], wanted[:, :3])
    assert len(found.bands) == degree
    for first, cloud in zip((0, 700), rows, strict=True):
        sh = texels_sh(cloud)
        for band, number in zip(found.bands, range(1, degree + 1), strict=True):
            width = texels.BANDS[number - 1]
            here = band.reshape(-1, 4)[: 750 * width].reshape(750, width, 4)[first : first + len(cloud), :, :3]
            assert np.array_equal(here, sh[:, number**2 : (number + 1) ** 2])


def texels_sh(cloud) -> np.ndarray:
    from reify.backend.splats.layout import sh_of

    return sh_of(cloud.parameters, cloud.bases)


def test_the_formula_of_the_cards_test_picture_is_what_the_rasterizer_draws() -> None:
    pytest.importorskip("bpy")
    pytest.importorskip("numba")
    from reify.backend.splats.rasterizers import of_scene
    from reify.scene.viewport import card_check

    seen = card_check._view()
    rasterizer = of_scene()
    found = rasterizer.draw([Instance(rows_from(card_check._splats()), np.eye(4))], seen)
    rasterizer.close()
    whole = picture_of(found, card_check.SIZE_PX, card_check.SIZE_PX)[::-1]
    assert whole[..., 3].max() > 0.9
    assert np.abs(whole - card_check.expected(seen)).max() < card_check.MOST_DIFFERENCE / 4
