"""Panoramas (equirectangular, all around) to perspective views of one rig, which everything after takes for photos.

A picture is one where its XMP says so (GPano, as phones and 360° cameras write it) or where it looks like one: twice as wide as high,
its left side goes on at its right, and it is stretched towards its upper and lower edge. The views look to the six sides of a cube and
overlap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .. import device
from ..errors import ReifyError
from ..formats import images
from ..formats.posed import pinhole_matrix
from ..geometry import quaternions
from ..values import Array, Cameras, Capture, Photo
from .listing import Progress
from .masks import read_mask

UNCUT = "panorama"  # `Photo.rig` of a picture that is known to be one
FIELD_DEG = 100.0  # of a view; more than 90, so that what lies at the edge of one is inside another
MOST_PX = 3000  # of a view
FACES = {"front": (0, 0), "right": (90, 0), "back": (180, 0), "left": (270, 0), "up": (0, 90), "down": (0, -90)}  # yaw, pitch in degrees
SHAPE = 0.01  # relative difference from 2 : 1
LOOKED_AT_PX = (512, 256)
MOST_LOOKED_AT = 12
STRETCHED = 0.55  # gradients across, against those down and those in the middle; 0.3 to 0.4 in panoramas, 0.7 and more in photos
INFORMATIVE = 0.1  # share of the middle's gradients below which a band shows nothing
SEAM_STEP = 2.5  # across the seam, as a multiple of the usual step between columns
PADDING = 3  # columns repeated at both sides, for the look-up between pixels
XMP_BYTES = 1 << 18


@dataclass(frozen=True)
class Area:
    """The part of the full sphere that a picture shows, in pixels of the full panorama."""

    full_px: tuple[int, int]  # width and height
    left_top: tuple[int, int]


def areas_of(photos: Sequence[Photo]) -> list[Area | None]:
    """What each photo shows of the sphere, None where it is no panorama; pictures of one size are all taken for what most of them are."""
    said = [_said(photo.path) for photo in photos]
    unsaid = [i for i, photo in enumerate(photos) if said[i] is None and _is_twice_as_wide(photo)]
    sizes = {(photos[i].width, photos[i].height) for i in unsaid if photos[i].rig != UNCUT}
    around = {size for size in sizes if _look_all_around([photos[i].path for i in unsaid if (photos[i].width, photos[i].height) == size])}
    out = list(said)
    for i, photo in enumerate(photos):
        if said[i] is None and (photo.rig == UNCUT or (i in set(unsaid) and (photo.width, photo.height) in around)):
            out[i] = Area((photo.width, photo.height), (0, 0))
    return out


def closes(rgb: Array) -> tuple[float, float]:
    """How badly a picture [H,W,3] uint8 fits a panorama at its sides and at its poles: up to 1 each, where it may be one.

    Towards the poles an equirectangular picture is stretched across by 1 / cos(latitude), so gradients along rows fall against those along
    columns, to 0.16 in the outer tenths; in other pictures they don't. Where nothing is to be seen in both, it isn't taken for one.
    """
    values = images.resize_to(np.ascontiguousarray(rgb), LOOKED_AT_PX).astype(np.float32)
    across = np.abs(np.diff(values, axis=1)).mean(axis=(1, 2))[:-1]
    down = np.abs(np.diff(values, axis=0)).mean(axis=(1, 2))
    rows = len(down)
    middle = slice(rows // 4, -rows // 4)
    stretched = []
    for band in (slice(0, rows // 10), slice(-rows // 10, None)):
        if down[band].mean() > INFORMATIVE * down[middle].mean():
            stretched.append(across[band].mean() / down[band].mean() / (across[middle].mean() / down[middle].mean()))
    step = float(np.median(np.abs(np.diff(values, axis=1)).mean(axis=(0, 2))))
    seam = float(np.abs(values[:, 0] - values[:, -1]).mean())
    return seam / (SEAM_STEP * step + 2.0), max(stretched, default=np.inf) / STRETCHED


def cut(capture: Capture, areas: Sequence[Area | None], folder: Path, progress: Progress, warn: Callable[[str], None]) -> Capture:
    """The capture with views, written to `folder`, in place of the photos that have an area; known cameras turn along.

    Panoramas that can't be decoded are left out with a warning.
    """
    count = sum(area is not None for area in areas)
    photos: list[Photo] = []
    source: list[int] = []
    done = 0
    for index, (photo, area) in enumerate(zip(capture.photos, areas, strict=True)):
        if area is None:
            photos.append(photo)
            source.append(index)
            continue
        progress(done / count, f"cutting panorama {done + 1} of {count}")
        done += 1
        try:
            pixels = images.read_image(photo.path)
            mask = read_mask(photo, (pixels.shape[1], pixels.shape[0]))
        except ReifyError as error:
            warn(f"Skipped: {error.what}")
            continue
        views = _views_of(photo, pixels if mask is None else np.dstack([pixels, mask]), pixels.shape[2], area, folder / f"{index:05d}")
        photos += views
        source += [index] * len(views)
    cameras = None if capture.cameras is None else _turned(capture.cameras, photos, source)
    held_out = set(capture.test)
    test = tuple(new for new, old in enumerate(source) if old in held_out)
    return replace(capture, photos=tuple(photos), cameras=cameras, test=test)


def cam_from_rig(yaw_deg: float, pitch_deg: float) -> Array:
    """The rotation [3,3] of a view whose axis is turned to the right by yaw and up by pitch from the panorama's middle."""
    (sin_y, cos_y), (sin_p, cos_p) = ((np.sin(angle), np.cos(angle)) for angle in np.radians([yaw_deg, pitch_deg]))
    rig_from_level = np.array([[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]])
    level_from_cam = np.array([[1, 0, 0], [0, cos_p, -sin_p], [0, sin_p, cos_p]])
    return (rig_from_level @ level_from_cam).T


def view_size(full_px: tuple[int, int]) -> tuple[int, float]:
    """Side and focal length in pixels of a view with as many pixels per degree as the panorama has at its middle."""
    focal = full_px[0] / (2 * np.pi)
    half = np.tan(np.radians(FIELD_DEG / 2))
    side = min(MOST_PX, max(16, int(round(2 * focal * half))))
    return side, side / (2 * half)


def _is_twice_as_wide(photo: Photo) -> bool:
    return abs(photo.width / (2 * photo.height) - 1) <= SHAPE


def _look_all_around(paths: Sequence[Path]) -> bool:
    """Whether the pictures close at the median: a door frame at the seam or a lamp at the pole of one doesn't count."""
    found = []
    for path in paths[:: max(1, len(paths) // MOST_LOOKED_AT)]:
        try:
            found.append(closes(images.read_image(path, 2 * LOOKED_AT_PX[0])[..., :3]))
        except ReifyError:
            continue
    return bool(found) and bool((np.median(found, axis=0) <= 1.0).all())


def _views_of(photo: Photo, planes: Array, color_channels: int, area: Area, folder: Path) -> list[Photo]:
    """The views of a photo's colors, with its mask as one plane more where it has one."""
    side, focal = view_size(area.full_px)
    # Panoramas of one size share a rig: their views have the same turns and lenses.
    rig = f"panorama {area.full_px[0]}x{area.full_px[1]}"
    views = []
    for name, (yaw, pitch) in FACES.items():
        rotation = cam_from_rig(yaw, pitch)
        seen, known = _look(planes, area, rotation, side, focal)
        channels = seen[..., :color_channels]
        path = folder / f"{name}.{'jpg' if channels.shape[2] == 3 else 'png'}"
        images.write_jpeg(path, channels) if channels.shape[2] == 3 else images.write_png(path, channels)
        view = Photo(
            path=path,
            name=f"{photo.name}/{name}{path.suffix}",
            width=side,
            height=side,
            focal_px=focal,
            device=f"{rig} {name}",
            has_alpha=photo.has_alpha,
            rig=rig,
            shot=photo.name,
            cam_from_rig=tuple(quaternions.from_matrices(rotation[None])[0].tolist()),
        )
        views.append(_with_parts(view, photo, seen[..., -1] if planes.shape[2] > color_channels else None, known))
    return views


def _with_parts(view: Photo, photo: Photo, mask: Array | None, known: Array) -> Photo:
    """The view with its part of the panorama's mask; what a panorama that isn't whole lacks is unknown."""
    lacking = known.min() == 0
    if mask is None and not lacking:
        return view
    path = view.path.with_name(f"{view.path.stem}_mask.png")
    if mask is None:
        images.write_png(path, known)
        return replace(view, mask=path, mask_is_subject=False)
    # `read_mask` has turned an inverted one round already.
    images.write_png(path, np.minimum(mask, known) if lacking else mask)
    return replace(view, mask=path, mask_is_subject=photo.mask_is_subject)


def _look(planes: Array, area: Area, rotation: Array, side: int, focal: float) -> tuple[Array, Array]:
    """What a view sees of a panorama [H,W,N] uint8, [side,side,N], and 255 where the panorama has it, [side,side]."""
    device.prepare_numba()
    from .remap import remap

    x = (np.arange(side) + 0.5 - side / 2) / focal
    rays = np.dstack([*np.meshgrid(x, x), np.ones((side, side))]) @ rotation  # rig_from_cam applied to rows
    longitude = np.arctan2(rays[..., 0], rays[..., 2])
    latitude = np.arctan2(-rays[..., 1], np.hypot(rays[..., 0], rays[..., 2]))
    (width, height), (left, top) = area.full_px, area.left_top
    u = (longitude / (2 * np.pi) + 0.5) * width - left
    v = (0.5 - latitude / np.pi) * height - top
    whole = planes.shape[1] == width
    if whole:
        planes = np.pad(planes, ((0, 0), (PADDING, PADDING), (0, 0)), mode="wrap")
        u = u + PADDING
    elif left:
        u = np.where(u < 0, u + width, u)
    # The poles lie on the outer edges of the first and last row.
    v = np.clip(v, 0, planes.shape[0]) if planes.shape[0] == height else v
    return remap(np.ascontiguousarray(planes), u.astype(np.float32), v.astype(np.float32))


def _turned(cameras: Cameras, photos: Sequence[Photo], source: Sequence[int]) -> Cameras:
    out = cameras.take(source)
    poses, K, size_px = out.cam_from_world.copy(), out.K.copy(), out.size_px.copy()
    for i, photo in enumerate(photos):
        if photo.cam_from_rig is None or photo.focal_px is None:
            continue
        rotation = quaternions.to_matrices(np.array([photo.cam_from_rig]))[0]
        poses[i, :3] = rotation @ poses[i, :3]
        K[i] = pinhole_matrix(photo.focal_px, photo.focal_px, photo.width / 2, photo.height / 2)
        size_px[i] = photo.width, photo.height
    return replace(out, cam_from_world=poses, K=K, size_px=size_px)


def _said(path: Path) -> Area | None:
    """What the XMP of Google's Photo Sphere schema says."""
    try:
        with path.open("rb") as stream:
            head = stream.read(XMP_BYTES)
    except OSError:
        return None
    if not re.search(rb"ProjectionType\W{1,4}equirectangular", head):
        return None
    found = {
        name: re.search(rb"%sPixels\W{1,4}(\d+)" % name.encode(), head)
        for name in ("FullPanoWidth", "FullPanoHeight", "CroppedAreaLeft", "CroppedAreaTop")
    }
    if not all(found.values()):
        return None
    width, height, left, top = (int(match[1]) for match in found.values() if match is not None)
    return Area((width, height), (left, top)) if width > 0 and height > 0 else None
