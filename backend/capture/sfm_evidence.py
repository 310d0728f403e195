"""Gathers what speaks for and against solved cameras, from COLMAP's database and model; belongs to the child process.

`trust` says what the arrays are and judges them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pycolmap

from ..values import Array
from .trust import EPIPOLAR_PX, STILL_PX, sampson_distances, turn_angle_deg

MOST_MEASURED = 300  # pairs at odds with the cameras whose rotation is estimated anew, a few milliseconds each
MOST_POINTS = 20_000  # whose angles are looked at
SEED = 1


def gather(database: Any, model: Any) -> dict[str, Array]:
    """The fields of `trust.Evidence` by name, for a solved model and the database that it was made from."""
    photos = sorted(model.reg_image_ids())
    placed = set(photos)
    images = {photo: model.image(photo) for photo in photos}
    cameras = {photo: model.camera(images[photo].camera_id) for photo in photos}
    xy = {photo: database.read_keypoints(photo)[:, :2].astype(np.float64) for photo in photos}
    rays = {photo: cameras[photo].cam_from_img(xy[photo]) for photo in photos}
    rows: list[tuple[float, ...]] = []
    at_odds: list[tuple[int, int, int, Array, Array]] = []
    for pair_id, geometry in zip(*database.read_two_view_geometries(), strict=True):
        a, b = pycolmap.pair_id_to_image_pair(pair_id)
        if a not in placed or b not in placed or len(geometry.inlier_matches) == 0:
            continue
        matches = np.asarray(database.read_matches(a, b))
        verified = _among(np.asarray(geometry.inlier_matches), matches)  # guided matching adds what a wrong geometry would find as well
        if len(verified) == 0:
            continue
        b_from_a = (images[b].cam_from_world() * images[a].cam_from_world().inverse()).matrix()
        focal_px = 0.5 * (cameras[a].mean_focal_length() + cameras[b].mean_focal_length())
        distance = focal_px * sampson_distances(b_from_a, rays[a][verified[:, 0]], rays[b][verified[:, 1]])
        fitting = int(np.count_nonzero(distance <= EPIPOLAR_PX))
        from_px = xy[a][matches[:, 0]]
        still = np.linalg.norm(from_px - xy[b][matches[:, 1]], axis=1) < STILL_PX
        moved = np.linalg.norm(xy[a][verified[:, 0]] - xy[b][verified[:, 1]], axis=1) >= STILL_PX
        spread = from_px[still].std(axis=0) / (cameras[a].width, cameras[a].height) if still.any() else np.zeros(2)
        if fitting < len(verified) / 2:
            at_odds.append((len(rows), a, b, verified, b_from_a))
        rows.append(
            (a - 1, b - 1, len(matches), len(verified), fitting, still.sum(), moved.sum(), turn_angle_deg(b_from_a[:, :3]), *spread)
        )
    table = np.array(rows, np.float64).reshape(-1, 10)
    off_deg = np.full(len(table), np.nan)
    for row, a, b, verified, b_from_a in at_odds[:: max(1, len(at_odds) // MOST_MEASURED)]:
        measured = _measured_rotation(cameras[a], xy[a], cameras[b], xy[b], verified)
        if measured is not None:
            off_deg[row] = turn_angle_deg(measured @ b_from_a[:, :3].T)
    counted = dict(zip(("matched", "verified", "fitting", "still", "moving"), table[:, 2:7].T.astype(np.int64), strict=True))
    return {
        "pair": table[:, :2].astype(np.int64),
        **counted,
        "turn_deg": table[:, 7],
        "still_spread": table[:, 8:],
        "measured_off_deg": off_deg,
        "points_seen": np.array([images[photo].num_points3D for photo in photos], np.int64),
        "angle_deg": _angles(model, photos),
    }


def _among(some: Array, matches: Array) -> Array:
    """The rows of `some` [M,2] that are in `matches` [N,2]."""
    some_keys, keys = (rows[:, 0].astype(np.int64) << 32 | rows[:, 1].astype(np.int64) for rows in (some, matches))
    return some[np.isin(some_keys, keys)]


def _measured_rotation(camera_a: Any, a_px: Array, camera_b: Any, b_px: Array, verified: Array) -> Array | None:
    """The rotation [3,3] from a to b that their verified matches alone give, with the solved lenses."""
    options = pycolmap.TwoViewGeometryOptions()
    options.mergedict({"compute_relative_pose": True, "ransac": {"random_seed": SEED}})
    geometry = pycolmap.estimate_calibrated_two_view_geometry(camera_a, a_px, camera_b, b_px, verified.astype(np.uint32), options)
    return None if geometry.cam2_from_cam1 is None else geometry.cam2_from_cam1.rotation.matrix()


def _angles(model: Any, photos: list[int]) -> Array:
    """For each photo the median, over the points that it sees, of the largest angle in degrees to the ray of another photo."""
    center = {photo: model.image(photo).projection_center() for photo in photos}
    angles: dict[int, list[float]] = {photo: [] for photo in photos}
    points = list(model.points3D.values())
    for point in points[:: -(-len(points) // MOST_POINTS) or 1]:
        seen_by = sorted({element.image_id for element in point.track.elements})
        rays = np.array([center[photo] for photo in seen_by]) - point.xyz
        rays /= np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-12)
        widest = np.degrees(np.arccos(np.clip((rays @ rays.T).min(axis=1), -1.0, 1.0)))
        for photo, angle in zip(seen_by, widest.tolist(), strict=True):
            angles[photo].append(angle)
    return np.array([float(np.median(found)) if (found := angles[photo]) else 0.0 for photo in photos])
