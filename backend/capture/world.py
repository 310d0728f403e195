"""The world as artists expect it: Z up, centered on the subject, whose radius is about 1.

One rule for solved and for given cameras. Up comes from the cameras, since people hold them level, some turned by a quarter, and from the
ground where the sparse points show one that agrees. Where the cameras were held at all angles it comes from the circle that the photos
were taken on, or from the ground alone, or is doubtful. The center is where the cameras look. The radius is that of the points around
there, without the ground, that all cameras can see; without points, it is that of the sphere that all cameras see in full. The front, -Y,
is the side that the cameras stand on, or else what the first photo shows. Two exceptions: a given world that stands upright already isn't
turned, and a metric one isn't scaled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..geometry.vectors import rejections
from ..jobs.job import Job
from ..values import Array, Cameras, Capture, Points

HELD_LEVEL_DEG, LEVEL_SHARE = 10.0, 2 / 3  # tilt of an axis up to which it counts as level, and the share of cameras that tells up
TURN_TRIALS, FALSE_ALARMS = 200, 0.01  # pairs of cameras that up is sought from where many are turned, and ups that chance may find so
LEVEL_DEG = 30.0  # between a given world's Z and the cameras' up, for that world to count as upright
MOST_RISE = 0.2  # third by second principal deviation of the cameras' places, up to which they stand on a circle: a walk goes up and down
CLEAR, FAINT = 0.3, 0.05  # mean cosines between that circle's axis and the pictures' up, or the views: a sign that is told, one that isn't
GROUND_TILT_DEG = 15.0  # between the ground and the cameras' up
# Thickness of the ground as a share of the subject's radius, and the least share of the points around the subject that lie in it:
# a table, or else a lawn or a bed.
GROUNDS = ((0.02, 0.15), (0.06, 0.25))
BELOW_GROUND_SHARE = 0.08
TRIALS = 600
REFINED = 10  # of the trials, those with the most points
REFITS = 30
# Length of the cameras' mean level offset from the center, as a share of their distance: where they stand all around the subject, and
# where on one side of it. It is 0.5 for an arc of 215 degrees and 0.25 for one of 285.
ALL_AROUND_TO_ONE_SIDED = (0.25, 0.5)
MOST_POINTS = 6000  # looked at for the ground
LEAST_RADIUS = 0.2  # of the visible sphere


@dataclass(frozen=True, eq=False)
class Frame:
    """A world in terms of the one that cameras and points came in."""

    world_from_source: Array  # [4,4] similarity
    up: str  # where the vertical comes from, for the report
    ground_z: float | None  # height of the ground in the new world
    doubtful: bool = False  # neither cameras nor ground tell up


def normalize_world(capture: Capture, *, given: bool, job: Job) -> Capture:
    """The capture in an upright, centered and scaled world; `given` cameras keep an orientation that is upright already."""
    assert capture.cameras is not None
    frame = find_frame(capture.cameras, capture.points, keep_upright=given, keep_scale=capture.metric)
    scale = float(np.cbrt(np.linalg.det(frame.world_from_source[:3, :3])))
    ground = "" if frame.ground_z is None else f"; the ground is at z = {frame.ground_z:.2f}"
    if frame.doubtful:
        job.warn(
            "Which way is up is doubtful: the photos were held at all angles, and no ground shows. "
            "Stand Up, among the result's Placement, turns it onto its base, and Set Ground by three clicks; or take most photos upright."
        )
    size = "meters" if capture.metric else f"scaled by {scale:.4g} to a radius of 1"
    job.record_choice("world", f"up {frame.up}; {size}{ground}")
    return transform_capture(capture, frame.world_from_source)


def transform_capture(capture: Capture, world_from_source: Array) -> Capture:
    """The capture moved by a similarity [4,4]; poses stay rigid, so that lengths in camera space are scaled as well."""
    cameras, points = capture.cameras, capture.points
    before = np.eye(4) if capture.world_from_source is None else capture.world_from_source
    return replace(
        capture,
        cameras=None if cameras is None else transform_cameras(cameras, world_from_source),
        points=None if points is None else _transform_points(points, world_from_source),
        world_from_source=world_from_source @ before,
    )


def transform_cameras(cameras: Cameras, world_from_source: Array) -> Cameras:
    """The cameras in a world moved by a similarity [4,4]."""
    scale, rotation = _scale_and_rotation(world_from_source)
    moved = np.tile(np.eye(4), (len(cameras), 1, 1))
    moved[:, :3, :3] = cameras.cam_from_world[:, :3, :3] @ rotation.T
    moved[:, :3, 3] = scale * cameras.cam_from_world[:, :3, 3] - moved[:, :3, :3] @ world_from_source[:3, 3]
    return replace(cameras, cam_from_world=moved)


def _transform_points(points: Points, world_from_source: Array) -> Points:
    xyz = points.xyz @ world_from_source[:3, :3].T + world_from_source[:3, 3]
    normals = None if points.normals is None else (points.normals @ _scale_and_rotation(world_from_source)[1].T).astype(np.float32)
    return replace(points, xyz=xyz.astype(np.float32), normals=normals)


def _scale_and_rotation(similarity: Array) -> tuple[float, Array]:
    scale = float(np.cbrt(np.linalg.det(similarity[:3, :3])))
    return scale, similarity[:3, :3] / scale


def find_frame(cameras: Cameras, points: Points | None, *, keep_upright: bool, keep_scale: bool) -> Frame:
    """The similarity into our world, see the module's docstring."""
    xyz = np.zeros((0, 3)) if points is None else np.asarray(points.xyz, np.float64)
    up, reason, doubtful = find_up(cameras)
    center = find_center(cameras, xyz)
    radius = find_radius(cameras, xyz, center)
    ground = find_ground(cameras, xyz, center, radius, None if doubtful else up)
    if ground is not None:  # it isn't part of the subject
        radius = find_radius(cameras, xyz[xyz @ ground[0] > ground[1] + GROUNDS[-1][0] * radius], center)
    if keep_upright and up[2] > np.cos(np.radians(LEVEL_DEG)):
        rotation, reason, doubtful = np.eye(3), "as given", False
    else:
        if ground is not None:
            up, reason = ground[0], "from the ground" if doubtful else f"{reason} and from the ground"
        rotation = _turned_to_front(cameras, center, up)
    scale = 1.0 if keep_scale else 1.0 / radius
    similarity = np.eye(4)
    similarity[:3, :3] = scale * rotation
    similarity[:3, 3] = -scale * rotation @ center
    ground_z = None if ground is None else float(scale * (ground[1] - ground[0] @ center))
    return Frame(similarity, reason, ground_z, doubtful and ground is None)


def find_up(cameras: Cameras) -> tuple[Array, str, bool]:
    """Unit vector away from the ground, where it comes from, and whether it is doubtful because the cameras were held at all angles.

    A level camera's x axis is horizontal whatever its pitch, so up is what all of them are perpendicular to; where they don't tell
    (a row of cameras that look the same way), it is what is up in the pictures. Pictures that lie on their side show in a ring of
    cameras whose x axes are all parallel; they were taken from above rather than from below.
    """
    right, down, forward = (cameras.cam_from_world[:, row, :3] for row in range(3))
    if (axis := _axis_of_a_ring(right, forward)) is not None:
        looks_down = np.mean(forward @ axis)
        return axis if looks_down <= 0 else -axis, "from the ring of cameras, whose pictures lie on their side", False
    mean_up = -down.mean(axis=0)
    up = mean_up / max(float(np.linalg.norm(mean_up)), 1e-9)
    for _ in range(20):
        weight = 1.0 / np.maximum(np.abs(right @ up), 0.03)  # least absolute deviations: a few tilted cameras don't count
        spread = (right * weight[:, None]).T @ right / weight.sum()
        up = np.linalg.solve(spread + 0.02 * np.eye(3), mean_up)
        up /= np.linalg.norm(up)
    if np.mean(_held_level(right, up)) >= LEVEL_SHARE:
        return up, "from the cameras", False
    turned = _up_of_turned(right, down)
    if _beyond_chance(_held_level(right, turned) | _held_level(down, turned)):
        return (turned if turned @ mean_up >= 0 else -turned), "from the cameras, many of them turned by a quarter", False
    if (axis := _axis_of_a_walk(cameras)) is not None:
        # Pictures tell the sign where they agree, else more photos are taken from above than from below.
        told = float(mean_up @ axis)
        sign = told if abs(told) > CLEAR else -float(np.mean(forward @ axis))
        return (axis if sign >= 0 else -axis), "from the circle that the photos were taken on", abs(sign) < FAINT
    return up, "from the pictures", True


def _held_level(axes: Array, up: Array) -> Array:
    return np.abs(axes @ up) < np.sin(np.radians(HELD_LEVEL_DEG))


def _beyond_chance(level: Array) -> bool:
    """Whether more cameras [C] have a level axis than the best of TURN_TRIALS directions, each through two of them, finds by chance."""
    from scipy.stats import binom

    chance = 2 * np.sin(np.radians(HELD_LEVEL_DEG))  # of one of two axes, in all directions
    return bool(level.mean() >= LEVEL_SHARE and TURN_TRIALS * binom.sf(level.sum() - 3, len(level) - 2, chance) < FALSE_ALARMS)


def _up_of_turned(right: Array, down: Array) -> Array:
    """The direction [3] that most cameras have their horizontal or their vertical axis across, by RANSAC over pairs of these axes."""
    random = np.random.default_rng(0)
    axes = np.concatenate([right, down])
    trials = np.cross(*axes[random.integers(len(axes), size=(2, TURN_TRIALS))])
    length = np.linalg.norm(trials, axis=1)
    trials = trials[length > 0.2] / length[length > 0.2, None]  # axes nearly parallel tell nothing
    if len(trials) == 0:
        return -down[0]
    level = _held_level(right, trials.T) | _held_level(down, trials.T)
    up = trials[level.sum(axis=0).argmax()]
    for _ in range(REFINED):
        across = np.concatenate([right[_held_level(right, up)], down[_held_level(down, up) & ~_held_level(right, up)]])
        up = np.linalg.svd(across, full_matrices=False)[2][-1] if len(across) >= 3 else up
    return up


def _axis_of_a_ring(right: Array, forward: Array) -> Array | None:
    values, vectors = np.linalg.eigh(right.T @ right / len(right))
    axis = vectors[:, 2]
    if len(right) < 4 or values[2] < 0.7:  # cos² of the cameras' height above the ring's plane, up to 33°
        return None
    angles = np.sort(np.arctan2(forward @ vectors[:, 0], forward @ vectors[:, 1]))
    largest_gap = np.diff(np.append(angles, angles[0] + 2 * np.pi)).max()
    return axis if largest_gap < np.radians(170) and np.all(np.abs(right @ axis) > 0.5) else None


def _axis_of_a_walk(cameras: Cameras) -> Array | None:
    """The axis [3] of the circle that cameras stand on and look into: a walk around a subject is level, however cameras are held."""
    middle = cameras.centers.mean(axis=0)
    away = cameras.centers - middle
    deviations, axes = np.linalg.svd(away, full_matrices=False)[1:]
    if len(away) < 8 or deviations[2] > MOST_RISE * deviations[1]:
        return None
    angles = np.sort(np.arctan2(away @ axes[1], away @ axes[0]))
    largest_gap = np.diff(np.append(angles, angles[0] + 2 * np.pi)).max()
    inward = -(away * cameras.forward).sum(axis=1) / np.maximum(np.linalg.norm(away, axis=1), 1e-12)
    return axes[2] if largest_gap < np.radians(90) and np.median(inward) > 0.7 else None


def find_center(cameras: Cameras, xyz: Array) -> Array:
    """The point [3] that the optical axes pass nearest to, robustly; along the axes where these are nearly parallel, the points' depth."""
    origin, forward = cameras.centers, cameras.forward
    across = rejections(forward)  # [C,3,3], projects onto the plane across the axis
    expected = origin + forward * _subject_depths(cameras, xyz)[:, None]
    extent = float(np.median(np.linalg.norm(expected - np.median(expected, axis=0), axis=1)))
    reach = float(np.median(np.linalg.norm(expected - origin, axis=1)))
    center = np.median(expected, axis=0)
    for _ in range(30):
        off_axis = np.linalg.norm(np.einsum("cij,cj->ci", across, center - origin), axis=1)
        weight = 1.0 / np.maximum(off_axis, 0.05 * max(reach, extent, 1e-9))
        weight /= weight.sum()
        system = np.einsum("c,cij->ij", weight, across) + 0.03 * np.eye(3)
        target = np.einsum("c,cij,cj->i", weight, across, origin) + 0.03 * weight @ expected
        center = np.linalg.solve(system, target)
    return center


def _subject_depths(cameras: Cameras, xyz: Array) -> Array:
    """Depth [C] of the points in the middle of each picture; where there are too few, of the axes' nearest approach."""
    depths = np.full(len(cameras), np.nan)
    for index in range(len(cameras)) if len(xyz) else ():
        in_camera = xyz @ cameras.cam_from_world[index, :3, :3].T + cameras.cam_from_world[index, :3, 3]
        z = in_camera[:, 2]
        x, y = (cameras.K[index] @ (in_camera / np.where(z > 1e-9, z, np.inf)[:, None]).T)[:2] / cameras.size_px[index][:, None]
        middle = (z > 1e-9) & (np.abs(x - 0.5) < 0.2) & (np.abs(y - 0.5) < 0.2)
        if middle.sum() >= 8:
            depths[index] = np.quantile(z[middle], 0.4)  # what is behind the subject is seen as well
    if np.isnan(depths).all():
        depths[:] = _depth_of_nearest_approach(cameras)
    return np.where(np.isnan(depths), np.nanmedian(depths), depths)


def _depth_of_nearest_approach(cameras: Cameras) -> float:
    origin, forward = cameras.centers, cameras.forward
    across = rejections(forward)
    center = np.linalg.lstsq(across.sum(axis=0), np.einsum("cij,cj->i", across, origin), rcond=1e-4)[0]
    depth = float(np.median(np.einsum("ci,ci->c", forward, center - origin)))
    spread = float(np.linalg.norm(origin - origin.mean(axis=0), axis=1).max(initial=0.0))
    return depth if depth > 0 else max(spread, 1.0)


def find_radius(cameras: Cameras, xyz: Array, center: Array) -> float:
    """The subject's radius about `center`: of the points that all cameras can see, or of the sphere that they see in full."""
    distance = np.linalg.norm(cameras.centers - center, axis=1)
    focal_px = np.stack([cameras.K[:, 0, 0], cameras.K[:, 1, 1]], axis=1)
    half_angle = np.arctan(cameras.size_px / (2 * focal_px)).min(axis=1)
    visible = float(np.median(distance * np.sin(half_angle)))
    from_center = np.linalg.norm(xyz - center, axis=1)
    inside = from_center[from_center < visible]
    if len(inside) < 50:
        return visible
    return max(float(np.quantile(inside, 0.95)), LEAST_RADIUS * visible)


def find_ground(cameras: Cameras, xyz: Array, center: Array, radius: float, up: Array | None) -> tuple[Array, float] | None:
    """The plane n · x = d that the subject stands on, as (n [3] unit, d), where enough points lie in it and few below.

    RANSAC (Fischler and Bolles 1981) over planes that are nearly perpendicular to `up`, or over all that the cameras stand above and don't
    look straight at where that is None.
    """
    near = xyz[np.linalg.norm(xyz - center, axis=1) < 2.5 * radius]
    if len(near) < 100:
        return None
    random = np.random.default_rng(0)
    near = near[random.permutation(len(near))[:MOST_POINTS]]
    a, b, c = near[random.integers(len(near), size=(3, TRIALS))]
    normals = np.cross(b - a, c - a)
    length = np.linalg.norm(normals, axis=1)
    normals = normals / np.maximum(length, 1e-12)[:, None]
    normals[(normals @ up if up is not None else normals @ cameras.centers.mean(axis=0) - np.einsum("ti,ti->t", normals, a)) < 0] *= -1
    level = _may_be_ground(normals, cameras, up) & (length > 0)
    normals, offsets = normals[level], np.einsum("ti,ti->t", normals, a)[level]
    if len(normals) == 0:
        return None
    for thickness, least_share in GROUNDS:
        tolerance = thickness * radius
        share = _ground_share(near @ normals.T - offsets, tolerance)
        if share.max() < least_share:
            continue
        # The trials' best depends on chance; what it and the next ones converge to hardly does.
        best = [trial for trial in np.argsort(-share, kind="stable")[:REFINED] if share[trial] > 0]
        planes = [_fitted_plane(near, normals[trial], offsets[trial], tolerance) for trial in best]
        planes = [(n, d) for n, d in planes if _may_be_ground(n[None], cameras, up)[0] and np.mean(cameras.centers @ n > d) > 0.9]
        if planes:
            return max(planes, key=lambda plane: float(_ground_share(near @ plane[0] - plane[1], tolerance)))
    return None


def _may_be_ground(normals: Array, cameras: Cameras, up: Array | None) -> Array:
    """Which planes [T] with unit normals toward the cameras are level; without `up`, which the cameras look at from all around."""
    if up is not None:
        return normals @ up > np.cos(np.radians(GROUND_TILT_DEG))
    along = cameras.forward.mean(axis=0)  # short where they look at something from all around, and then across its ground
    return np.abs(normals @ along) < np.cos(np.radians(LEVEL_DEG))


def _ground_share(heights: Array, tolerance: float) -> Array:
    below = (heights < -2.5 * tolerance).mean(axis=0)
    return np.where(below < BELOW_GROUND_SHARE, (np.abs(heights) < tolerance).mean(axis=0), 0.0)


def _fitted_plane(points: Array, normal: Array, offset: float, tolerance: float) -> tuple[Array, float]:
    up, inside = normal, np.zeros(len(points), bool)
    for _ in range(REFITS):
        before, inside = inside, np.abs(points @ normal - offset) < tolerance
        if np.array_equal(inside, before):
            break
        middle = points[inside].mean(axis=0)
        fitted = np.linalg.svd(points[inside] - middle, full_matrices=False)[2][2]
        normal = fitted if fitted @ up > 0 else -fitted
        offset = float(normal @ middle)
    return normal, offset


def _turned_to_front(cameras: Cameras, center: Array, up: Array) -> Array:
    """The rotation [3,3] that takes `up` to Z and what is before the subject to -Y.

    That is the side that the cameras stand on or, where they stand all around, the one that the first photo shows. What is neither
    gets a direction in between, so that a photo more or less can't turn the world to a quite different side.
    """
    across = rejections(up)
    offsets = cameras.centers - center
    to_cameras = across @ offsets.mean(axis=0) / max(float(np.linalg.norm(offsets, axis=1).mean()), 1e-300)
    one_sided = float(np.linalg.norm(to_cameras))
    right, _down, forward = cameras.cam_from_world[0, :3, :3]
    back = across @ -forward
    to_first = back + (1.0 - np.linalg.norm(back)) * np.cross(right, up)  # from straight above, the front is at the lower edge
    share = np.interp(one_sided, ALL_AROUND_TO_ONE_SIDED, (0.0, 1.0))
    front = share * to_cameras / max(one_sided, 1e-300) + (1.0 - share) * to_first / np.linalg.norm(to_first)
    front /= np.linalg.norm(front)
    return np.stack([np.cross(up, front), -front, up])
