"""Main memory that a photo run takes at its peak, from its settings; measured with 50 photos of 0.7 megapixels, and with 8 small ones.

A stage's arrays go when it ends, but the allocator keeps most of their room, so that texturing stands on what the surface took.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..jobs.needs import Memory
from ..splats.schedule import BYTES_OF_A_SPLAT, useful_splats
from ..texture.from_photos import peak_bytes as texture_bytes

if TYPE_CHECKING:
    from .photos import Settings

LIBRARIES = 130e6  # bytes of code and compiled kernels
BYTES_A_VOXEL = 90  # of fusing: distances and weights twice, and the mesh before it is made smaller
BYTES_A_DEPTH = 10  # of a pixel of a depth picture, with its weight and normal's angle
BYTES_A_COLOR = 3  # of a pixel of a photo that is kept
BYTES_A_TRAINED, BYTES_OF_A_STEP = 11, 120  # of a pixel of a training photo in its sizes, and of one that is rendered
KEPT = 0.85  # share of what the surface took that the allocator still has while the texture is made
MOST_PICTURES = 1.5e9  # bytes; more aren't kept


def memory_of(settings: Settings, photos: float, megapixels: float) -> Memory:
    """The estimate, with the setting that it grows with most."""
    training, surface, texture = settings.training, settings.surface, settings.texture

    def pixels(long_side_px: int) -> float:
        return min(megapixels * 1e6, 0.7 * long_side_px**2)

    trained = pixels(training.long_side_px)
    steps = min(training.steps, training.seconds / (0.025 + 0.085e-6 * trained)) if training.seconds > 0 else training.steps
    splats = training.max_splats or useful_splats(steps, trained)
    pictures = min(BYTES_A_TRAINED * trained * photos, MOST_PICTURES)
    in_training = pictures + BYTES_OF_A_STEP * trained + BYTES_OF_A_SPLAT * splats
    voxels = BYTES_A_VOXEL * 1e6 * surface.max_voxels
    in_fusing = min(BYTES_A_COLOR * trained * photos, MOST_PICTURES) + BYTES_A_DEPTH * pixels(surface.long_side_px) * photos + voxels
    texels = texture_bytes(texture)
    in_texturing = KEPT * in_fusing + min(BYTES_A_COLOR * pixels(texture.long_side_px) * photos, MOST_PICTURES) + texels
    most = LIBRARIES + max(in_training, in_fusing, in_texturing)
    shares = {"texture.size_px": texels, "surface.max_voxels": voxels}
    if in_training > max(in_fusing, in_texturing):
        shares = {"training.long_side_px": in_training}
    return Memory(math.ceil(most), max(shares, key=lambda path: shares[path]))
