"""The last bundle adjustment of structure from motion: robust, with the lenses' parameters that the photos can tell.

Belongs to the child process. Least squares is drawn by the few matches that are wrong by pixels. With Cauchy's loss at the scale of the
errors themselves, fountain-P11's rotations come 0.04 degrees from the truth instead of 0.3.

A second radial term that only the middle of the pictures tells of runs wild at their rims, and the principal point looks like a turn of all
cameras, so that errors of another kind easily outweigh what little the photos tell of it. Either is freed only where nearly every photo by
itself is explained better. Tangential distortion and unequal focal lengths look like a shifted principal point, and lenses of today have
neither to speak of: they aren't sought.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pycolmap

from ..values import Array

FEWEST_FOR_LENS = 8  # photos with the same lens
LARGEST_SHIFT = 0.05  # of the principal point, as a share of the picture
RAYLEIGH_MEDIAN = 1.1774  # of the length of an error, in standard deviations of its two coordinates
LEAST_SCALE_PX = 0.01  # of the loss: rendered pictures may have next to no errors
MOST_VOTING = 60  # photos of a large model; the adjustment of all costs more than the vote of more is worth
MOST_ITERATIONS = 40  # of an adjustment; with 100 the rotations of fountain-P11 are the same to 0.0001 degrees
STUDENT_T = 4.5  # least mean gain of a photo, in standard errors of this mean: one in 500 by chance with 8 photos, in 10,000 with 20


def refine(model: Any, threads: int) -> Any:
    """The model adjusted robustly, and its lenses with what the photos tell beyond focal length and one radial term."""
    images_of = Counter(model.image(image_id).camera_id for image_id in model.reg_image_ids())
    shared = {camera_id for camera_id, images in images_of.items() if images >= FEWEST_FOR_LENS}
    # The tails are heavy: the root mean square is more than twice what the median tells. So the scale is Cauchy's own, of most likelihood,
    # and not the 2.4 times larger one that would be efficient for normal errors.
    scale_px = max(float(np.median(np.sqrt(np.concatenate(_squared_errors(model))))) / RAYLEIGH_MEDIAN, LEAST_SCALE_PX)
    plain = pycolmap.Reconstruction(model)
    _adjust(plain, scale_px, threads)
    voting = _some(plain)
    best = _freed(voting, shared, scale_px, threads)
    if best is voting or voting is plain:
        return plain if best is voting else best
    for camera_id, camera in best.cameras.items():
        plain.camera(camera_id).model, plain.camera(camera_id).params = camera.model, camera.params
    _adjust(plain, scale_px, threads, principal_point=bool(_shifts(best).max() > 0))
    return plain


def _some(model: Any) -> Any:
    """The model itself, or with MOST_VOTING evenly chosen photos of it only."""
    image_ids = sorted(model.reg_image_ids())
    if len(image_ids) <= MOST_VOTING:
        return model
    chosen = set(np.array(image_ids)[np.linspace(0, len(image_ids) - 1, MOST_VOTING).astype(int)].tolist())
    some = pycolmap.Reconstruction(model)
    for image_id in image_ids:
        if image_id not in chosen:
            some.deregister_frame(some.image(image_id).frame_id)
    return some


def _freed(plain: Any, shared: set[int], scale_px: float, threads: int) -> Any:
    """The model with what the photos tell of its lenses; the same object where that is nothing more."""
    best = plain
    if shared:
        radial = pycolmap.Reconstruction(plain)
        for camera_id in shared:
            camera = radial.camera(camera_id)
            camera.params = [*camera.params, 0.0]
            camera.model = pycolmap.CameraModelId.RADIAL
        _adjust(radial, scale_px, threads)
        best = radial if _is_told(plain, radial, scale_px) else plain
    if shared != {plain.image(image_id).camera_id for image_id in plain.reg_image_ids()}:
        return best
    shifted = pycolmap.Reconstruction(best)
    _adjust(shifted, scale_px, threads, principal_point=True)
    return shifted if _shifts(shifted).max() <= LARGEST_SHIFT and _is_told(best, shifted, scale_px) else best


def _is_told(before: Any, after: Any, scale_px: float) -> bool:
    """Whether the photos explain each by itself that `after` is better."""
    return gain_in_standard_errors(_costs(before, scale_px), _costs(after, scale_px)) >= STUDENT_T


def gain_in_standard_errors(before: Array, after: Array) -> float:
    """Student's t of the paired differences of costs [C], each photo's mean; 0 where nothing differs."""
    gain = before - after
    error = float(gain.std(ddof=1)) / np.sqrt(len(gain))
    return float(gain.mean()) / error if error > 0 else 0.0


def _adjust(model: Any, scale_px: float, threads: int, principal_point: bool = False) -> None:
    options = pycolmap.BundleAdjustmentOptions()
    solver = {"loss_function_scale": scale_px, "solver_options": {"num_threads": threads, "max_num_iterations": MOST_ITERATIONS}}
    options.mergedict({"refine_principal_point": principal_point, "print_summary": False, "ceres": solver})
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    pycolmap.bundle_adjustment(model, options)
    model.update_point_3d_errors()


def _squared_errors(model: Any) -> list[Array]:
    """Squared reprojection errors of each placed photo's observations."""
    errors = []
    for image_id in sorted(model.reg_image_ids()):
        image = model.image(image_id)
        observed = [point for point in image.points2D if point.has_point3D()]
        xyz = np.array([model.point3D(point.point3D_id).xyz for point in observed]).reshape(-1, 3)
        cam_from_world = image.cam_from_world().matrix()
        seen = model.camera(image.camera_id).img_from_cam(xyz @ cam_from_world[:, :3].T + cam_from_world[:, 3])
        errors.append(np.square(seen - np.array([point.xy for point in observed]).reshape(-1, 2)).sum(axis=1))
    return errors


def _costs(model: Any, scale_px: float) -> Array:
    """Mean robust cost of each placed photo's observations."""
    return np.array([np.log1p(squared / scale_px**2).mean() for squared in _squared_errors(model) if len(squared)])


def _shifts(model: Any) -> Array:
    cameras = [model.camera(model.image(image_id).camera_id) for image_id in model.reg_image_ids()]
    return np.abs([[camera.principal_point_x / camera.width - 0.5, camera.principal_point_y / camera.height - 0.5] for camera in cameras])
