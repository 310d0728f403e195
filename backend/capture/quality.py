"""Photos looked at before anything is computed of them: blurred, too dark or bright, or like another one, measured against the others.

Nothing is compared with fixed values of brightness or detail, which differ from subject to subject: what the other photos of the same
capture have is the measure, and how much they differ among themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..device import available_threads
from ..errors import ReifyError
from ..formats.images import read_image, resize, resize_to
from ..formats.names import examples
from ..values import Array, Photo
from .masks import kept_pixels

LONG_SIDE_PX = 1024  # about what is trained on: blur that can't be seen at this size does no harm
THUMBNAIL_PX = 96
FEWEST = 5  # photos that tell what is usual
REBLUR_PX = 1.0  # standard deviation of the blur that sharpness is measured by
TILE_PX = 24
RICH_SHARE = 0.2  # of the tiles, those with the strongest edges of a direction, tell how wide edges are
SHARP_SHARE = 0.25  # of these, the sharpest: backgrounds out of focus don't count
FEWEST_TILES = 4
OUTLIER = 3.0  # robust standard deviations from the median
LEAST_SPREAD = 0.1  # of the logarithm, where photos differ by nearly nothing
TWICE = np.log(2.0)  # edges twice as wide show a quarter of the detail
HARMLESS_PX = 1.0  # standard deviation of blur
STOPS = 2.0  # of exposure: a fourth of the light, or four times as much
LAYOUT_PX = 32  # sides of the pictures that are compared
SAME = 0.15  # of the usual difference between a photo and the one that is most like it

BLURRED, DARK, BRIGHT, COPY = "blurred", "too dark", "too bright", "copies of others"
ADVICE = {
    BLURRED: "Take them again with a shorter exposure, or leave them out.",
    DARK: "Take them again with the exposure of the others, or leave them out.",
    BRIGHT: "Take them again with the exposure of the others, or leave them out.",
    COPY: "Leave them out, they show nothing new; move on between photos.",
}


@dataclass(frozen=True, eq=False)
class Look:
    """What a photo is like."""

    blur_px: float  # standard deviation of the blur of its sharpest edges at LONG_SIDE_PX; NaN where it shows none
    stops: float  # logarithm to base 2 of its mean linear brightness
    layout: Array  # [LAYOUT_PX * LAYOUT_PX] float32, gray, of mean 0 and length 1
    thumbnail: Array  # [H,W,3] uint8, at most THUMBNAIL_PX wide and high


def look_at(photos: Sequence[Photo], progress: Callable[[float, str], None] = lambda fraction, text: None) -> list[Look | None]:
    """A look at each photo; None for those that can't be read, which is said elsewhere."""
    found = []
    with ThreadPoolExecutor(available_threads()) as pool:
        try:
            for index, look in enumerate(pool.map(_look, photos)):
                found.append(look)
                progress((index + 1) / len(photos), f"looking at photo {index + 1} of {len(photos)}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def faults(looks: Sequence[Look | None]) -> dict[int, str]:
    """Which photos, by their index, stand out of a capture, and by what: BLURRED, DARK, BRIGHT or COPY; none where they are few."""
    known = [index for index, look in enumerate(looks) if look is not None]
    seen = [look for look in looks if look is not None]
    if len(seen) < FEWEST:
        return {}
    blur, stops = (np.array([getattr(look, name) for look in seen]) for name in ("blur_px", "stops"))
    width = np.log(np.maximum(blur, 1e-3))
    blurred = _far_above(width, TWICE) & (blur > HARMLESS_PX)
    light = stops * np.log(2.0)
    found = {known[int(i)]: COPY for i in _copies(seen, blur)}
    for what, where in (
        (BLURRED, blurred),
        (DARK, _far_above(-light, STOPS * np.log(2.0))),
        (BRIGHT, _far_above(light, STOPS * np.log(2.0))),
    ):
        found |= {known[int(i)]: what for i in np.flatnonzero(where)}
    return dict(sorted(found.items()))


def sentences(found: Sequence[tuple[str, str]], total: int) -> list[str]:
    """What to say of photos by name with their faults, of `total`: one for each fault, with what to do about it."""
    said = []
    for what, advice in ADVICE.items():
        if names := [name for name, fault in found if fault == what]:
            said.append(f"Photos that are {what}: {len(names)} of {total} ({examples(names)}). {advice}")
    return said


def _far_above(values: Array, least: float) -> Array:
    """Where values [N] lie `least`, and OUTLIER times their robust spread, above their median; NaN never does."""
    if not np.isfinite(values).any():
        return np.zeros(len(values), bool)
    away = values - np.nanmedian(values)
    spread = max(LEAST_SPREAD, 1.4826 * float(np.nanmedian(np.abs(away))))
    return np.nan_to_num(away) > max(least, OUTLIER * spread)


def _copies(looks: Sequence[Look], blur: Array) -> list[int]:
    """Of photos that differ by a fraction of what neighbors usually do, all but the sharpest."""
    layouts = np.array([look.layout for look in looks])
    differ = np.sqrt(np.maximum(2.0 - 2.0 * layouts @ layouts.T, 0.0))
    np.fill_diagonal(differ, np.inf)
    near = differ < SAME * float(np.median(differ.min(axis=1)))
    left_out: set[int] = set()
    for index in np.argsort(np.nan_to_num(blur, nan=np.inf), kind="stable"):
        if int(index) not in left_out:
            left_out |= set(np.flatnonzero(near[index]).tolist())
    return sorted(left_out)


def _look(photo: Photo) -> Look | None:
    try:
        pixels = read_image(photo.path, LONG_SIDE_PX)
        keep = kept_pixels(photo, pixels)
    except ReifyError:
        return None
    rgb = pixels[..., :3]
    gray = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    linear = (gray / 255.0) ** 2.2
    shown = keep if keep is not None and keep.any() else np.ones(gray.shape, bool)
    small = resize_to(np.where(shown, gray, gray[shown].mean())[..., None].repeat(3, 2).astype(np.uint8), (LAYOUT_PX, LAYOUT_PX))
    layout = small[..., 0].astype(np.float32).ravel()
    layout -= layout.mean()
    return Look(
        blur_px=blur_px(gray, shown),
        stops=float(np.log2(max(float(linear[shown].mean()), 1e-5))),
        layout=layout / max(float(np.linalg.norm(layout)), 1e-6),
        thumbnail=resize(np.ascontiguousarray(rgb), THUMBNAIL_PX),
    )


def blur_px(gray: Array, shown: Array) -> float:
    """The standard deviation of the blur in gray [H,W] where it is `shown` [H,W], by its sharpest edges and blurriest direction.

    An edge that is blurred by s keeps sqrt(s^2 + r^2) / s of its gradients' energy when it is blurred by r once more (after Zhuo and Sim,
    "Defocus map estimation from a single image", Pattern Recognition 2011, with energies for peaks). NaN where too few edges are shown.
    """
    from scipy.ndimage import gaussian_filter

    again = gaussian_filter(gray, REBLUR_PX)
    whole = _tiles(shown.astype(np.float32)).min(axis=(1, 3)) > 0
    widths = []
    for rows, columns in ((0, 1), (1, 0), (1, 1), (1, -1)):
        before, after = (_energy(picture, rows, columns)[whole] for picture in (gray, again))
        count = int(RICH_SHARE * len(after))
        if count < FEWEST_TILES:
            return float("nan")
        rich = np.argpartition(-after, count - 1)[:count]
        rich = rich[after[rich] > 1.0]  # a gray level
        if len(rich) < FEWEST_TILES:
            continue  # nothing has edges across this direction
        ratio = np.maximum(before[rich] / after[rich], 1.0 + 1e-4)
        widths.append(float(np.quantile(REBLUR_PX / np.sqrt(ratio**2 - 1.0), SHARP_SHARE)))
    return max(widths, default=float("nan"))


def _energy(picture: Array, rows: int, columns: int) -> Array:
    """The mean squared differences of neighbors along a direction in each tile."""
    moved = np.roll(picture, (-rows, -columns), axis=(0, 1))
    return _tiles((moved - picture) ** 2)[:, 1:-1, :, 1:-1].mean(axis=(1, 3))  # what came around lies in the rims


def _tiles(picture: Array) -> Array:
    """[H // T, T, W // T, T] of [H,W]."""
    height, width = (side // TILE_PX * TILE_PX for side in picture.shape)
    return picture[:height, :width].reshape(height // TILE_PX, TILE_PX, width // TILE_PX, TILE_PX)
