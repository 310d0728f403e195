"""Splats to Blender and back: a point cloud with the attributes that Blender 5.3 calls Gaussian splats, and nodes that draw it.

position        FLOAT_VECTOR
radiance:base   FLOAT4 (FLOAT_COLOR before 5.2)   raw SH DC red, green, blue; opacity 0 to 1
scale           FLOAT_VECTOR                      standard deviations, not logarithms
rotation        QUATERNION                        w x y z, unit
radiance:sh_k   FLOAT_VECTOR, k = 0 …             higher SH bands, in the 3DGS order
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np

from ..backend.errors import ReifyError
from ..backend.values import Array, Splats
from . import attributes, compat, splat_nodes
from .slices import Slices, whole

VIEWPORT_SPLATS = 150_000  # about 3 million triangles; more are thinned out while one works
VIEWPORT_LARGEST = 0.08  # of the distance that half of the splats lie within: what is larger is background

SAMPLE = 100_000  # splats that tell how large the subject is
BLOCK = 8192  # splats whose harmonics are gathered at a time, so that they stay in the cache
BANDS = 3  # of them gathered in one pass over all splats
SHAPE = ("position", "scale", "rotation")


def splats_object(name: str, splats: Splats) -> bpy.types.Object:
    """A new object that holds and draws `splats`, not yet in any collection."""
    return whole(splats_in_slices(name, splats))


def splats_in_slices(name: str, splats: Splats) -> Slices[bpy.types.Object]:
    """The same, in slices of some ten milliseconds for 200,000 splats."""
    made = compat.point_cloud_object(name, splats.means)
    cloud: Any = made.data
    yield
    yield from _written(cloud, splats, with_sh=True)
    compat.make_native_splats(cloud)
    cloud["antialiased"], cloud["surfels"] = splats.antialiased, splats.surfels
    low_pass = not (splats.antialiased or splats.surfels)
    splat_nodes.draw_as_splats(made, min(1.0, VIEWPORT_SPLATS / max(1, len(splats))), _largest(splats), low_pass)
    made.visible_shadow = False
    return made


def _largest(splats: Splats) -> float:
    if len(splats) < 100:  # too few to tell what is background
        return 0.0
    some = splats.means[:: -(-len(splats) // SAMPLE)]
    return VIEWPORT_LARGEST * float(np.median(np.linalg.norm(some - np.median(some, axis=0), axis=1)))


def write_splats(cloud: Any, splats: Splats, with_sh: bool = True) -> None:
    """Set the attributes of a point cloud of as many points."""
    whole(_written(cloud, splats, with_sh))


def _written(cloud: Any, splats: Splats, with_sh: bool) -> Slices[None]:
    opacity = 1 / (1 + np.exp(-np.clip(splats.opacity_logits, -30, 30)))
    attributes.write(cloud, "position", "FLOAT_VECTOR", splats.means)
    attributes.write(cloud, "radiance:base", compat.float4_type(), np.column_stack((splats.sh[:, 0], opacity)))
    attributes.write(cloud, "scale", "FLOAT_VECTOR", np.exp(splats.log_scales))
    attributes.write(cloud, "rotation", "QUATERNION", splats.quats)
    yield
    if with_sh:
        bands: Array = np.empty((BANDS, len(splats), 3), np.float32)  # used again and again: fresh memory costs as much as the copy
        for first in range(1, splats.sh.shape[1], BANDS):
            for block in range(0, len(splats), BLOCK):
                rows = slice(block, block + BLOCK)
                for band, values in zip(bands, splats.sh[rows, first : first + BANDS].transpose(1, 0, 2), strict=False):
                    band[rows] = values
            for k in range(first, min(first + BANDS, splats.sh.shape[1])):
                attributes.write(cloud, f"radiance:sh_{k - 1}", "FLOAT_VECTOR", bands[k - first])
            yield


def upgrade() -> None:
    """Bring splats of a file that an older Reify, or an older Blender, has saved up to date."""
    splat_nodes.upgrade()
    data: Any
    for data in bpy.data.pointclouds:
        if data.library is None and "antialiased" in data and holds_splats(data):
            compat.make_native_splats(data)


def holds_splats(data: Any) -> bool:
    """Whether a point cloud has what makes its points splats."""
    return all(name in data.attributes for name in (*SHAPE, "radiance:base"))


def read_splats(source: bpy.types.Object) -> Splats:
    """The splats of an object, in its own space; raises ReifyError where it holds none."""
    cloud: Any = source.data
    if source.type != "POINTCLOUD" or not holds_splats(cloud):
        raise ReifyError(f"{source.name} holds no splats.", "Select an object that Reify made from photos, or that was imported as splats.")
    return splats_of(read_arrays(cloud), bool(cloud.get("antialiased", False)), bool(cloud.get("surfels", False)))


def read_arrays(data: Any) -> dict[str, Array]:
    """Copies of the attributes of a point cloud that make its points splats, by name."""
    kept = (attribute.name for attribute in data.attributes)
    return {name: attributes.read(data, name) for name in kept if name in SHAPE or name.startswith("radiance:")}


def splats_of(arrays: Mapping[str, Array], antialiased: bool, surfels: bool) -> Splats:
    """Splats from a point cloud's attributes by name; needs no Blender."""
    base = arrays["radiance:base"]
    bands = [base[:, :3]]
    while f"radiance:sh_{len(bands) - 1}" in arrays:
        bands.append(arrays[f"radiance:sh_{len(bands) - 1}"])
    sh: Array = np.empty((len(base), len(bands), 3), np.float32)
    for first in range(0, len(base), BLOCK):
        for k, band in enumerate(bands):
            sh[first : first + BLOCK, k] = band[first : first + BLOCK]
    opacity = np.clip(base[:, 3], 1e-7, 1 - 1e-7)
    return Splats(
        means=arrays["position"],
        quats=arrays["rotation"],
        log_scales=np.log(np.maximum(arrays["scale"], 1e-12)),
        opacity_logits=np.log(opacity / (1 - opacity)),
        sh=sh,
        antialiased=antialiased,
        surfels=surfels,
    )
