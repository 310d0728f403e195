"""Front projection: the picture as the texture of a body made from it, with colors for its back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..formats.images import resize, resize_to
from ..geometry import masks
from ..settings import option
from ..values import Array, Mesh, Picture

MARGIN_PX = 8  # of the picture around the subject
SOFT_SIDE_PX = 512  # longer side of the copy in which the two below are measured
RIM_PX, RIM_BLUR_PX = 4.0, 3.0  # width of the blurred rim, and standard deviation of the blur


@dataclass(frozen=True)
class ProjectionSettings:
    """How the picture is laid onto the body."""

    back: str = option(
        "extended",
        "What the back shows where no picture of it is given",
        choices={
            "extended": "The colors of the outline, carried on over the back",
            "mirrored": "The picture again, as if seen through the body",
            "plain": "One color, the subject's mean",
        },
    )


def projected(
    mesh: Mesh,
    pictured_px: Array,
    is_back: Array,
    picture: Picture,
    settings: ProjectionSettings,
    normals: Array | None = None,
    soft_rim: bool = True,
    back: Picture | None = None,
) -> Mesh:
    """`mesh` with UVs and a base color; `pictured_px` [F,3,2] are the corners' positions in the picture, `is_back` [F] bool the back faces.

    `normals` [H,W,3] uint8 is a tangent-space normal map of the picture's front, which becomes the texture "normal".
    `soft_rim` is for bodies whose sides are steep there. A picture of the subject's `back` is fitted to the front's outline, and
    decides instead of the settings.
    """
    box = masks.bounds(picture.coverage > 0.05, MARGIN_PX)
    srgb, coverage = picture.srgb[box], picture.coverage[box]
    front = bled(srgb, coverage)
    if soft_rim:
        front = with_soft_rim(front, coverage)
    panels, shown = [front], "drawn" if back is not None else settings.back
    if not is_back.any():
        shown = "mirrored"  # which needs no room for a back
    if shown == "drawn" and back is not None:
        panels.append(_behind(back, coverage))
    elif shown == "extended":
        panels.append(filled_from_outline(front, coverage))
    elif shown == "plain":
        mean = np.average(srgb.reshape(-1, 3), axis=0, weights=coverage.ravel() + 1e-9)
        panels.append(np.full_like(front[:, :16], np.round(mean)))
    texture = np.concatenate(panels, axis=1)
    height, width = texture.shape[:2]
    x, y = pictured_px[..., 0] - box[1].start, pictured_px[..., 1] - box[0].start
    if shown in ("drawn", "extended"):
        x = x + np.where(is_back, front.shape[1], 0)[:, None]
    elif shown == "plain":
        x = np.where(is_back[:, None], front.shape[1] + 8.0, x)
    uvs = np.stack([np.clip(x / width, 0.0, 1.0), np.clip(1.0 - y / height, 0.0, 1.0)], axis=-1).astype(np.float32)
    textures = {"base_color": texture}
    if normals is not None:
        flat = np.full_like(texture, (128, 128, 255))
        flat[:, : front.shape[1]] = normals[box]
        textures["normal"] = flat
    return replace(mesh, uvs=uvs, textures=textures)


def _behind(back: Picture, coverage: Array) -> Array:
    """The back [H,W,3] uint8 as if seen through the body from the front, whose subject has the `coverage` [H,W]."""
    place, (height, width) = masks.bounds(coverage > 0.5), coverage.shape
    cut = masks.bounds(back.coverage > 0.5)
    seen = with_soft_rim(bled(back.srgb[cut], back.coverage[cut]), back.coverage[cut])[:, ::-1]
    fitted = resize_to(np.ascontiguousarray(seen), (place[1].stop - place[1].start, place[0].stop - place[0].start))
    return np.pad(fitted, ((place[0].start, height - place[0].stop), (place[1].start, width - place[1].stop), (0, 0)), mode="edge")


def bled(srgb: Array, coverage: Array) -> Array:
    """The picture [H,W,3] uint8 with the subject's colors extended over its edge and the background."""
    from scipy.ndimage import distance_transform_edt, maximum_filter

    # The outermost pixels are mixed with the background, and cover most of a body's steep sides.
    inner = distance_transform_edt(coverage >= 0.95)
    # Thin parts have no pixel far from the edge or fully covered: there local maxima of distance or coverage have to do.
    sure = (inner > 1.0) | ((inner > 0) & (inner >= maximum_filter(inner, 3)))
    sure |= (coverage > 0.3) & (coverage >= maximum_filter(coverage, 3)) & (maximum_filter(coverage, 7) < 0.95)
    if sure.all() or not sure.any():
        return srgb
    rows, columns = distance_transform_edt(~sure, return_distances=False, return_indices=True)
    return srgb[rows, columns]


def with_soft_rim(srgb: Array, coverage: Array) -> Array:
    """The picture [H,W,3] uint8 with a rim of the subject blurred, except on thin parts.

    Front projection stretches these few pixels over a body's steep sides, where sharp ones would make stripes.
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter, maximum_filter

    small = resize(srgb, SOFT_SIDE_PX)
    depth = distance_transform_edt(resize(np.round(coverage * 255).astype(np.uint8), SOFT_SIDE_PX) > 127)
    thickness = maximum_filter(depth, round(4 * RIM_PX) + 1)
    share = np.clip((RIM_PX - depth) / (RIM_PX - 1.0), 0.0, 1.0) * np.clip(thickness / RIM_PX - 1.0, 0.0, 1.0)
    blurred = np.stack([gaussian_filter(small[..., c].astype(np.float32), RIM_BLUR_PX, mode="nearest") for c in range(3)], axis=-1)
    size_px = (srgb.shape[1], srgb.shape[0])
    shares = resize_to(np.round(255 * share).astype(np.uint8), size_px)[..., None] / np.float32(255)
    soft = resize_to(np.round(blurred).astype(np.uint8), size_px)
    return (srgb + shares * (soft.astype(np.float32) - srgb) + 0.5).astype(np.uint8)


def filled_from_outline(srgb: Array, coverage: Array) -> Array:
    """The subject [H,W,3] uint8 filled smoothly with the colors of its outline."""
    from scipy.ndimage import binary_erosion, distance_transform_edt, gaussian_filter

    inside = coverage > 0.5
    depth = max(2, round(0.012 * max(coverage.shape)))
    rim = inside & ~binary_erosion(inside, iterations=depth)
    if not rim.any():
        return srgb
    distances, (rows, columns) = distance_transform_edt(~rim, return_indices=True)
    filled = srgb[rows, columns].astype(np.float32)
    # A blur that grows with the distance from the outline, composed of octaves.
    result = filled.copy()
    sigma = 2.0
    while sigma < distances[inside].max() + 2.0:
        blurred = np.stack([gaussian_filter(filled[..., c], sigma, mode="nearest") for c in range(3)], axis=-1)
        share = np.clip(distances / sigma - 0.5, 0.0, 1.0)[..., None]
        result += share * (blurred - result)
        sigma *= 2.5
    return np.clip(result + 0.5, 0, 255).astype(np.uint8)
