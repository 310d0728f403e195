from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from reify.backend.geometry.axes import looking_at
from reify.backend.splats.transform import transformed
from reify.backend.values import Cameras, Splats
from reify.tests.scene import samples
from reify.tests.scene.viewport.subject import bumpy_ball

pytest.importorskip("numba")

WIDTH, HEIGHT = 150, 100
FIELDS = ("means", "quats", "log_scales", "opacity_logits", "sh")


@pytest.fixture(scope="module")
def rasterizer():
    from reify.backend.splats.rasterizers import of_scene

    made = of_scene()
    yield made
    made.close()


@pytest.fixture(scope="module")
def ball() -> Splats:
    return bumpy_ball(3000)


def view(**changes):
    from reify.backend.splats.view import View

    pose = looking_at(np.array([[1.5, -3.5, 1.0]]), np.zeros(3))[0]
    return dataclasses.replace(View(pose, (130.0, 131.0), (77.0, 49.0), WIDTH, HEIGHT), **changes)


def instance(splats: Splats, matrix: np.ndarray | None = None):
    from reify.backend.splats.scene_rows import Instance, rows_from

    return Instance(rows_from(splats), np.eye(4) if matrix is None else matrix)


def picture_of(picture, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Premultiplied red, green, blue and alpha [H,W,4], first row at the top."""
    whole = np.zeros((height, width, 2))
    rows, columns = picture.packed.shape[:2]
    whole[picture.bottom_px : picture.bottom_px + rows, picture.left_px : picture.left_px + columns] = picture.packed
    values = whole[::-1].astype(np.int64)
    return np.stack([values[..., 0] // 4096, values[..., 0] % 4096, values[..., 1] // 4096, values[..., 1] % 4096], axis=-1) / 4095


def trained(splats: Splats, seen=None, step: int = 1) -> np.ndarray:
    """What training's rasterizer gives for the same view."""
    from reify.backend.splats.render import rasterize

    seen = seen or view()
    (fx, fy), (cx, cy) = seen.focal_px, seen.principal_px
    K = np.array([[[fx / step, 0, cx / step], [0, fy / step, cy / step], [0, 0, 1]]])
    size = np.array([[-(-seen.width // step), -(-seen.height // step)]])
    found = rasterize(splats, Cameras(seen.cam_from_world[None], K, size, np.zeros((1, 8))), 0, geometry=False)
    return np.concatenate((np.clip(found.rgb, 0, 1), found.alpha[..., None]), axis=2)


def joined(*clouds: Splats) -> Splats:
    return dataclasses.replace(clouds[0], **{f: np.concatenate([getattr(cloud, f) for cloud in clouds]) for f in FIELDS})


def turned() -> np.ndarray:
    angle, matrix = 1.1, np.eye(4)
    matrix[:3, :3] = 1.3 * np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    matrix[:3, 3] = 0.2, 0.1, -0.3
    return matrix


def test_what_is_seen_is_what_training_renders(rasterizer, ball):
    np.testing.assert_allclose(picture_of(rasterizer.draw([instance(ball)], view())), trained(ball), atol=1e-3)


@pytest.fixture(scope="module")
def discs() -> Splats:
    from reify.backend.splats.surfels import flattened

    ball = bumpy_ball(3000, seed=3)
    return dataclasses.replace(ball, means=ball.means * 1.1, log_scales=flattened(ball.log_scales), surfels=True)


def test_surfels_are_seen_as_training_renders_surfels(rasterizer, discs):
    np.testing.assert_allclose(picture_of(rasterizer.draw([instance(discs)], view())), trained(discs), atol=1e-3)
    far = view(depth=np.ones((HEIGHT, WIDTH), np.float32), far=1e6)
    np.testing.assert_allclose(picture_of(rasterizer.draw([instance(discs)], far)), trained(discs), atol=1e-3)


def test_a_surfel_between_two_splats_is_blended_between_them(rasterizer):
    ahead = view(cam_from_world=looking_at(np.array([[0.0, -4.0, 0.0]]), np.zeros(3))[0], principal_px=(75.5, 50.5))
    near, far = samples.splat((0, -1, 0), 0.8, 0.3, 0.0), samples.splat((0, 1, 0), 0.3, 0.3, 1.0)
    turn = np.array([[0.5**0.5, 0.5**0.5, 0, 0]], np.float32)  # its plane across the view
    disc = dataclasses.replace(samples.splat((0, 0, 0), 0.5, 0.3, -1.0), quats=turn, surfels=True)
    found = picture_of(rasterizer.draw([instance(disc), instance(far), instance(near)], ahead))[50, 75]
    weights, left = [], 1.0
    for logit in (0.0, -1.0, 1.0):
        weights.append(left / (1 + np.exp(-logit)))
        left -= weights[-1]
    assert found[0] == pytest.approx(np.dot(weights, (0.8, 0.5, 0.3)), abs=2e-3)
    assert found[3] == pytest.approx(1 - left, abs=2e-3)


@pytest.mark.parametrize("step", [2, 3])
def test_a_coarser_picture_is_what_training_renders_at_its_size(rasterizer, ball, step):
    found = rasterizer.draw([instance(ball)], view(), step)
    np.testing.assert_allclose(picture_of(found, -(-WIDTH // step), -(-HEIGHT // step)), trained(ball, step=step), atol=1e-3)


def test_depths_that_are_all_far_change_nothing(rasterizer, ball):
    far = view(depth=np.ones((HEIGHT, WIDTH), np.float32), far=1e6)
    np.testing.assert_allclose(picture_of(rasterizer.draw([instance(ball)], far)), trained(ball), atol=1e-3)


def test_a_moved_turned_and_scaled_object_is_seen_as_its_splats_moved_with_their_colors(rasterizer, ball):
    found = picture_of(rasterizer.draw([instance(ball, turned())], view()))
    np.testing.assert_allclose(found, trained(transformed(ball, turned())), atol=3e-3)


def test_an_uneven_scale_stretches_splats(rasterizer):
    one = samples.splat((0, 0, 0), 0.5, 0.2)
    stretched = dataclasses.replace(one, log_scales=np.log(np.array([[0.6, 0.2, 0.1]], np.float32)))
    found = picture_of(rasterizer.draw([instance(one, np.diag([3.0, 1.0, 0.5, 1.0]))], view()))
    np.testing.assert_allclose(found, trained(stretched), atol=1e-3)


def test_a_mirrored_object_is_seen_mirrored(rasterizer):
    left = samples.splat((-0.5, 0, 0), 0.7, 0.2)
    right = samples.splat((0.5, 0, 0), 0.7, 0.2)
    found = picture_of(rasterizer.draw([instance(left, np.diag([-1.0, 1.0, 1.0, 1.0]))], view()))
    np.testing.assert_allclose(found, trained(right), atol=1e-3)


def test_clouds_that_lie_in_each_other_are_sorted_together(rasterizer, ball):
    inside = dataclasses.replace(bumpy_ball(2000, seed=5), means=bumpy_ball(2000, seed=5).means * 0.95)
    found = picture_of(rasterizer.draw([instance(ball), instance(inside)], view()))
    np.testing.assert_allclose(found, trained(joined(ball, inside)), atol=2e-3)
    one_after_the_other = picture_of(rasterizer.draw([instance(ball)], view()))
    assert np.abs(found - one_after_the_other).max() > 0.1


def test_a_surface_hides_the_splats_behind_it_and_no_others(rasterizer):
    near, far = samples.splat((0, -1, 0), 0.8, 0.3, 0.0), samples.splat((0, 1, 0), 0.3, 0.3, 3.0)
    ahead = view(cam_from_world=looking_at(np.array([[0.0, -4.0, 0.0]]), np.zeros(3))[0], principal_px=(75.0, 50.0), far=100.0)
    # A projection whose depth buffer holds (d - 1) / 9 at depth d: the wall, 4 away, covers the right half.
    depth = np.ones((HEIGHT, WIDTH), np.float32)
    depth[:, WIDTH // 2 :] = 1 / 3
    walled = dataclasses.replace(ahead, depth=depth, depth_terms=(-2 / 9, -11 / 9, 0.0, 1.0))
    found = picture_of(rasterizer.draw([instance(joined(near, far))], walled))
    both, alone = trained(joined(near, far), ahead), trained(near, ahead)
    np.testing.assert_allclose(found[:, : WIDTH // 2], both[:, : WIDTH // 2], atol=1e-3)
    np.testing.assert_allclose(found[:, WIDTH // 2 :], alone[:, WIDTH // 2 :], atol=1e-3)


def test_a_large_flat_splat_ends_where_it_passes_through_a_wall(rasterizer):
    floor = dataclasses.replace(samples.splat((0, 0, -0.5), 0.6, 1.0, 6.0), log_scales=np.log(np.array([[2.0, 2.0, 0.001]], np.float32)))
    ahead = view(cam_from_world=looking_at(np.array([[0.0, -4.0, 1.0]]), np.zeros(3))[0], principal_px=(75.0, 50.0), far=100.0)
    center = float((ahead.cam_from_world @ (0, 0, -0.5, 1))[2])
    depth = np.full((HEIGHT, WIDTH), (center - 1) / 9, np.float32)  # a wall across the view through the splat's center
    found = picture_of(rasterizer.draw([instance(floor)], dataclasses.replace(ahead, depth=depth, depth_terms=(-2 / 9, -11 / 9, 0.0, 1.0))))
    whole = trained(floor, ahead)
    row = int(round(float(ahead.principal_px[1] + ahead.focal_px[1] * (ahead.cam_from_world @ (0, 0, -0.5, 1))[1] / center)))
    assert found[row + 4 : row + 20, 75, 3] == pytest.approx(whole[row + 4 : row + 20, 75, 3], abs=1e-3)  # nearer, lower
    assert found[: row - 4, 75, 3].max() == 0 and whole[row - 8 : row - 4, 75, 3].min() > 0.2  # farther, higher


def test_splats_before_the_near_end_and_beyond_a_clipping_plane_are_not_seen(rasterizer):
    near, far = samples.splat((0, -1, 0), 0.8, 0.3), samples.splat((0, 1, 0), 0.3, 0.3)
    both = instance(joined(near, far))
    np.testing.assert_allclose(picture_of(rasterizer.draw([both], view(near=4.0))), trained(far), atol=1e-3)
    plane = np.array([0.0, -1.0, 0.0, 0.0])  # keeps y < 0
    np.testing.assert_allclose(picture_of(rasterizer.draw([both], view(clip_planes=(plane,)))), trained(near), atol=1e-3)


def test_a_share_of_the_splats_is_that_of_the_most_important_ones(rasterizer):
    large, faint = samples.splat((0, 0, 0), 0.8, 0.4), samples.splat((0.3, 0, 0), 0.1, 0.05, -2.0)
    found = rasterizer.draw([instance(joined(faint, large))], view(), share=0.5)
    assert found.drawn == 1
    np.testing.assert_allclose(picture_of(found), trained(large), atol=1e-3)


def test_nothing_in_view_is_an_empty_picture(rasterizer, ball):
    behind = np.eye(4)
    behind[:3, 3] = view().cam_from_world[2, :3] * -50
    for instances in ([], [instance(ball, behind)]):
        assert picture_of(rasterizer.draw(instances, view())).max() == 0


@pytest.mark.parametrize("surfels", [False, True])
def test_what_is_measured_has_the_colors_and_the_surface_that_training_renders(rasterizer, ball, surfels):
    from reify.backend.splats.render import rasterize

    splats, seen = dataclasses.replace(ball, surfels=surfels), view()
    (found,) = rasterizer.measure([instance(splats)], seen, None)
    (fx, fy), (cx, cy) = seen.focal_px, seen.principal_px
    K = np.array([[[fx, 0, cx], [0, fy, cy], [0, 0, 1]]])
    expected = rasterize(splats, Cameras(seen.cam_from_world[None], K, np.array([[WIDTH, HEIGHT]]), np.zeros((1, 8))), 0)
    np.testing.assert_allclose(found[..., :3], expected.rgb, atol=1e-4)
    np.testing.assert_allclose(found[..., 3], expected.alpha, atol=1e-4)
    apart = np.abs(found[..., 4] - expected.depth) > 1e-3
    assert (found[..., 4] > 0).mean() > 0.15 and apart.mean() < 2e-3  # which splat is the thirtieth per cent may be a matter of rounding


def test_each_limit_gives_what_lies_before_it(rasterizer, ball):
    near, far = samples.splat((0, -1, 0), 0.8, 0.3, 0.0), samples.splat((0, 1, 0), 0.3, 0.3, 3.0)
    ahead = view(cam_from_world=looking_at(np.array([[0.0, -4.0, 0.0]]), np.zeros(3))[0], principal_px=(75.0, 50.0))
    wall = np.full((HEIGHT, WIDTH), np.inf, np.float32)
    wall[:, : WIDTH // 2] = 4.0
    free, cut = rasterizer.measure([instance(far), instance(near)], ahead, None, wall)
    (alone,) = rasterizer.measure([instance(near)], ahead, None)
    np.testing.assert_allclose(cut[:, WIDTH // 2 :], free[:, WIDTH // 2 :])
    np.testing.assert_allclose(cut[:, : WIDTH // 2], alone[:, : WIDTH // 2], atol=1e-6)
    assert np.abs(cut - free)[..., :4].max() > 0.1
