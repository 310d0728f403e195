"""The mask pictures of photos: whose they are, and what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..formats import images
from ..formats.names import Finder, stem_of
from ..values import Array, Photo
from . import roles

SAME_SHAPE = 0.02  # of a side, up to which a mask is the photo scaled; a wider one is of a cropped or of another picture
TURNED = 5  # EXIF's orientations from here on change width and height
DYNAMIC = "dynamic_mask"  # instant-ngp's: what isn't black moves and is to be ignored


@dataclass(frozen=True)
class Masks:
    """Which masks count, and what black means in them; None leaves it to where the mask comes from."""

    wanted: bool = True
    black_is_empty: bool | None = None


@dataclass(frozen=True)
class Assigned:
    """Whose the masks of a folder are."""

    of_photo: Mapping[Path, Path] = field(default_factory=dict)
    unused: tuple[str, ...] = ()  # masks that belong to no photo, or to several, as a user reads it


def assign(masks: Sequence[Path], photos: Sequence[Path], root: Path) -> Assigned:
    """The photo of each mask, by the name that the mask has without its decoration, or in its folder of masks."""
    finder = Finder(photos, [root])
    # What lies beside its photo is nearer to it than what lies in a folder of masks.
    ordered = sorted(masks, key=lambda mask: roles.mask_tail(mask, root) is not None)
    located = finder.find([_photo_name(mask, root) for mask in ordered])
    keys = Counter(roles.without_color_word(photo.stem) for photo in photos)
    by_number = {key: photo for photo in photos if keys[key := roles.without_color_word(photo.stem)] == 1}
    of_photo: dict[Path, Path] = {}
    unused = []
    for mask, found in zip(ordered, located.paths, strict=True):
        photo = found or by_number.get(roles.without_color_word(Path(_photo_name(mask, root)).name))
        if photo is None or photo in of_photo:
            unused.append(mask.relative_to(root).as_posix())
        else:
            of_photo[photo] = mask
    return Assigned(of_photo, tuple(unused))


def is_dynamic(mask: Path) -> bool:
    """True where a mask hides what isn't black."""
    found = roles.decoration(mask.stem)
    return (found is not None and found[1] == DYNAMIC) or any(part.lower() == f"{DYNAMIC}s" for part in mask.parts[:-1])


def with_mask(photo: Photo, mask: Path | None, masks: Masks, given: bool = False) -> Photo:
    """The photo with its mask; one that a camera file names (`given`) hides, it doesn't say that nothing is there."""
    if mask is None or not masks.wanted:
        return photo
    hides = is_dynamic(mask)
    is_subject = masks.black_is_empty if masks.black_is_empty is not None else not (given or hides)
    return replace(photo, mask=mask, mask_is_subject=is_subject, mask_is_inverted=hides)


def without_misfits(photos: Sequence[Photo]) -> tuple[tuple[Photo, ...], tuple[str, ...]]:
    """The photos without masks that can't be read or have another shape than their photo, and these masks with the reason.

    A mask may be of another size, and turned by a right angle as the photo's stored pixels are.
    """
    kept, misfits = [], []
    for photo in photos:
        problem = _problem_of(photo)
        kept.append(replace(photo, mask=None) if problem else photo)
        if problem:
            misfits.append(problem)
    return tuple(kept), tuple(misfits)


def read_mask(photo: Photo, size_px: tuple[int, int]) -> Array | None:
    """A photo's mask picture at a size (width, height), upright as the photo is: [H,W] uint8, 0 is masked away; None where it has none.

    The photo's own transparency isn't looked at. Raises ReifyError where the mask can't be read.
    """
    if photo.mask is None:
        return None
    # Averaging first is much quicker; but whatever isn't quite black in an inverted mask must stay so in its full size.
    side_px = 0 if photo.mask_is_inverted else max(size_px)
    pixels = images.read_image(photo.mask, side_px)
    if _lies(pixels, photo):  # it was made from the stored pixels of a photo that EXIF turns
        pixels = images.read_image(photo.mask, side_px, turn=images.probe(photo.path).orientation)
    mask = np.maximum(np.maximum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])  # ten times as fast as max(axis=2)
    if pixels.shape[2] == 4 and mask.min() == mask.max():  # all of one color: its transparency is what masks
        mask = pixels[..., 3]
    if photo.mask_is_inverted:
        mask = np.where(mask > 0, np.uint8(0), np.uint8(255))
    return images.resize_to(np.ascontiguousarray(mask), size_px)


def kept_pixels(photo: Photo, pixels: Array) -> Array | None:
    """What of a photo's pixels [H,W,3 or 4], at any size, is neither transparent nor masked away: [H,W] bool; None where all is kept."""
    keep = None
    if pixels.shape[2] == 4 and photo.has_alpha:
        keep = pixels[..., 3] >= 128
    mask = read_mask(photo, (pixels.shape[1], pixels.shape[0]))
    if mask is not None:
        keep = (mask >= 128) if keep is None else keep & (mask >= 128)
    return keep


def _photo_name(mask: Path, root: Path) -> str:
    """What the mask's photo is called, with or without its ending, from the root."""
    place = roles.mask_tail(mask, root) or mask.relative_to(root)
    found = roles.decoration(place.stem)
    name = found[2] if found is not None and found[0] == roles.MASKS else stem_of(place.name)
    return place.with_name(name).as_posix()


def _problem_of(photo: Photo) -> str:
    """What keeps a photo's mask from being used; "" where nothing does."""
    if photo.mask is None:
        return ""
    try:
        info = images.probe(photo.mask)
    except ReifyError:
        return f"{photo.mask.name} can't be read"
    sides = (info.width, info.height)
    turned = images.probe(photo.path).orientation >= TURNED
    if any(_of_one_shape(each, (photo.width, photo.height)) for each in (sides, sides[::-1])[: 1 + turned]):
        return ""
    return f"{photo.mask.name} is {info.width} x {info.height}, its photo {photo.width} x {photo.height}"


def _of_one_shape(mask_px: tuple[int, int], photo_px: tuple[int, int]) -> bool:
    """True where one is the other scaled; a small mask's sides are rounded to whole pixels."""
    scale = max(mask / photo for mask, photo in zip(mask_px, photo_px, strict=True))
    return all(abs(photo * scale - mask) <= 1 + SAME_SHAPE * mask for mask, photo in zip(mask_px, photo_px, strict=True))


def _lies(pixels: Array, photo: Photo) -> bool:
    height, width = pixels.shape[:2]
    return (width - height) * (photo.width - photo.height) < 0
