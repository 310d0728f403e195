"""SOG, the format of PlayCanvas: lossless WebP pictures of quantized attributes, a pixel a splat, and meta.json, in one zip or a folder.

Positions are 16 bits a coordinate between extremes of sign(x) ln(1 + |x|), their lower and upper bytes in two pictures; quaternions the
three smallest components and 252 + the index of the largest; logarithms of scales and SH of degree 0 numbers of a codebook of 256
values, the latter with the opacity as alpha; SH above degree 0 the number of a row in a palette, whose values are of a codebook, too.
Files of version 1 have extremes instead of codebooks, and the logit of the opacity.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..reading import parse_json
from ..values import Array, Splats
from .codebooks import codebook_of, nearest_of, palette_of
from .compressed_ply import morton_order
from .limits import check_expansion, damaged, no_splats
from .splat_bytes import HALF_ROOT, from_smallest_three, logits_of_bytes, opacity_bytes, smallest_three
from .splat_rows import SplatRows, blocks

META = "meta.json"
LARGEST_META = 1 << 20  # bytes
FIRST_TAG = 252  # of a quaternion's largest component
IN_ROW = 64  # entries of the palette in each row of its picture
LARGEST_PALETTE = 65536
SPLATS_FOR_ENTRY = 16  # how many splats share an entry of the palette, until it is as large as it may be
SMALLEST_PALETTE = 1024
COEFFICIENTS = (0, 3, 8, 15)  # of SH above degree 0, by degree
PACKING = {"lossless": True, "exact": True, "method": 0, "quality": 50}  # exact: Pillow else clears colors where alpha is 0

Load = Callable[[str], bytes]


def read_sog(path: Path) -> tuple[Splats, int]:
    """The sound splats of a .sog file, or of the meta.json among its pictures, in its axes, and how many broken ones it holds.

    Raises ReifyError where it is damaged or empty, or where Pillow is missing.
    """
    with _opened(path) as load:
        try:
            meta = parse_json(load(META))
            return _read(meta, load, path)
        except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
            raise damaged(path) from error


def _read(meta: Any, load: Load, path: Path) -> tuple[Splats, int]:
    first = "version" not in meta
    if not first and meta["version"] != 2:
        raise ReifyError(f"{path.name} is a SOG file of version {meta['version']}, which isn't known.", "Export it as .ply or .spz.")
    count = int(meta["means"]["shape"][0] if first else meta["count"])
    if count <= 0:
        raise no_splats(path)
    lower, upper, scales, quats, base = (
        _picture(load, _name(meta[group], number), path).reshape(-1, 4)
        for group, number in (("means", 0), ("means", 1), ("scales", 0), ("quats", 0), ("sh0", 0))
    )
    rest = _palette(meta["shN"], load, path, first) if meta.get("shN") else None
    pixels = [lower, upper, scales, quats, base, *((rest[1],) if rest else ())]
    if any(len(each) < count for each in pixels):
        raise damaged(path)
    low, high = _numbers(meta["means"]["mins"], 3), _numbers(meta["means"]["maxs"], 3)
    rows = SplatRows(count, 0 if rest is None else COEFFICIENTS.index(rest[0].shape[1]))
    for part in blocks(count):
        fixed = lower[part, :3] | upper[part, :3].astype(np.uint16) << 8
        shape, (color, logits) = _decoded(meta["scales"], scales[part], first), _colors(meta["sh0"], base[part], first)
        sh = color[:, None]
        if rest is not None:
            number = np.minimum(rest[1][part, 0] | rest[1][part, 1].astype(np.int64) << 8, len(rest[0]) - 1)
            sh = np.concatenate([sh, rest[0][number]], axis=1)
        spread = low + (high - low) * (fixed / np.float32(65535))
        with np.errstate(over="ignore"):
            means = np.sign(spread) * np.expm1(np.abs(spread))
        tags = quats[part, 3]
        sides = (quats[part, :3] / np.float32(127.5) - 1) * HALF_ROOT
        turns = from_smallest_three(np.maximum(tags, FIRST_TAG).astype(np.int64) - FIRST_TAG, sides)
        turns[tags < FIRST_TAG] = (1.0, 0.0, 0.0, 0.0)
        rows.add(means, turns, shape, logits, sh)
    if rows.broken == count:
        raise no_splats(path, rows.broken)
    return rows.splats(antialiased=bool(meta.get("antialias", False))), rows.broken


def _numbers(values: Any, count: int) -> Array:
    found = np.asarray(values, np.float32).reshape(-1)
    if len(found) < count:
        raise ValueError("too few numbers")
    return found[:count]


def _name(group: Any, number: int) -> str:
    name = group["files"][number]
    if not isinstance(name, str) or PurePosixPath(name).name != name or name.startswith("."):
        raise ValueError("no plain name of a file")
    return name


def _decoded(group: Any, stored: Array, first: bool) -> Array:
    """Values [n,3] float32 of numbers [n,4] by a codebook, or in version 1 between extremes."""
    if first:
        low, high = _numbers(group["mins"], 3), _numbers(group["maxs"], 3)
        return low + (high - low) * (stored[:, :3] / np.float32(255))
    return _numbers(group["codebook"], 256)[stored[:, :3]]


def _colors(group: Any, stored: Array, first: bool) -> tuple[Array, Array]:
    """SH of degree 0 [n,3] and logits of opacities [n]."""
    if not first:
        return _decoded(group, stored, first), logits_of_bytes(stored[:, 3])
    low, high = _numbers(group["mins"], 4), _numbers(group["maxs"], 4)
    values = low + (high - low) * (stored / np.float32(255))
    return values[:, :3], values[:, 3]


def _palette(group: Any, load: Load, path: Path, first: bool) -> tuple[Array, Array]:
    """The rows [P,K-1,3] of the palette, and the picture [pixels,4] of the splats' numbers."""
    colors = _picture(load, _name(group, 0), path)
    across = colors.shape[1] // IN_ROW
    if across * IN_ROW != colors.shape[1] or across not in COEFFICIENTS[1:]:
        raise ValueError("no width of a palette")
    stored = colors[:, :, :3].reshape(-1, across, 3)
    if first:
        low, high = float(group["mins"]), float(group["maxs"])
        values = low + (high - low) * (stored / np.float32(255))
    else:
        values = _numbers(group["codebook"], 256)[stored]
    return values.astype(np.float32), _picture(load, _name(group, 1), path).reshape(-1, 4)


def _picture(load: Load, name: str, path: Path) -> Array:
    """The pixels [H,W,4] uint8 of a picture."""
    from PIL import Image, UnidentifiedImageError

    data = load(name)
    try:
        with Image.open(io.BytesIO(data)) as picture:
            check_expansion(path, 4 * picture.width * picture.height, len(data))
            return np.asarray(picture.convert("RGBA"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise damaged(path) from error


@contextmanager
def _opened(path: Path) -> Iterator[Load]:
    """A function that loads a member by name, of the zip or of the folder that a meta.json stands in."""
    _pillow()
    if path.name.lower() == META:
        yield lambda name: _from_folder(path, name)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            inner = next((name for name in archive.namelist() if PurePosixPath(name).name == META), META)
            folder = inner.removesuffix(META)
            yield lambda name: _from_zip(archive, folder + name, path)
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError, RuntimeError) as error:
        raise damaged(path) from error


def _pillow() -> None:
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise ReifyError("SOG files need the Python package Pillow.", "Install Reify's engine, or take .ply or .spz instead.") from error


def _from_folder(meta: Path, name: str) -> bytes:
    place = meta if name == META else meta.with_name(name)
    if not place.is_file() or (name == META and place.stat().st_size > LARGEST_META):
        raise damaged(meta)
    return place.read_bytes()


def _from_zip(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    member = archive.getinfo(name)
    check_expansion(path, member.file_size, member.compress_size)
    if name.endswith(META) and member.file_size > LARGEST_META:
        raise damaged(path)
    with archive.open(member) as stream:
        return stream.read(member.file_size)


def is_sog(head: bytes, path: Path) -> bool:
    """Whether a file is a zip of SOG, or the meta.json of an unbundled one."""
    if path.name.lower() == META:
        return head.lstrip().startswith(b"{")
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(PurePosixPath(name).name == META for name in archive.namelist())
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return path.name.lower().endswith(".sog")


def write_sog(splats: Splats, path: Path) -> None:
    """Write splats of SH degree 3 at most as version 2: one file, or beside a meta.json; raises ReifyError where it can't be written."""
    _pillow()
    order = morton_order(splats.means)
    pictures, meta = _encoded(splats, order)
    with ThreadPoolExecutor() as pool:
        packed = dict(zip(pictures, pool.map(_webp, pictures.values()), strict=True))
    packed[META] = json.dumps(meta, separators=(",", ":")).encode()
    if path.name.lower() == META:
        for name, data in packed.items():
            with writing(path.with_name(name)) as partial:
                partial.write_bytes(data)
        return
    with writing(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for name, data in packed.items():
            archive.writestr(name, data)


def _encoded(splats: Splats, order: Array) -> tuple[dict[str, Array], dict[str, Any]]:
    """The pictures [H,W,3 or 4] uint8 by name, and what meta.json says."""
    count = len(splats)
    means = splats.means[order].astype(np.float64)
    spread = np.sign(means) * np.log1p(np.abs(means))
    low, high = spread.min(axis=0), spread.max(axis=0)
    fixed = np.rint((spread - low) / np.where(high > low, high - low, 1) * 65535).astype(np.uint16)
    largest, sides = smallest_three(splats.quats[order])
    turns = np.rint((sides / HALF_ROOT + 1) * 127.5).clip(0, 255)
    shapes, colors = codebook_of(splats.log_scales), codebook_of(splats.sh[:, 0])
    base = nearest_of(colors, splats.sh[order, 0])
    pictures = {
        "means_l.webp": _square(fixed & 255), "means_u.webp": _square(fixed >> 8),
        "scales.webp": _square(nearest_of(shapes, splats.log_scales[order])),
        "quats.webp": _square(np.column_stack([turns, largest + FIRST_TAG])),
        "sh0.webp": _square(np.column_stack([base, opacity_bytes(splats.opacity_logits[order])])),
    }  # fmt: skip
    meta: dict[str, Any] = {
        "version": 2,
        "asset": {"generator": "Reify"},
        "count": count,
        "antialias": splats.antialiased,
        "means": {"mins": low.tolist(), "maxs": high.tolist(), "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": shapes.tolist(), "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": colors.tolist(), "files": ["sh0.webp"]},
    }
    if splats.sh_degree:
        size = int(np.clip(count // SPLATS_FOR_ENTRY, SMALLEST_PALETTE, LARGEST_PALETTE))
        palette, number = palette_of(splats.sh[:, 1:].reshape(count, -1), size)
        values = codebook_of(palette)
        shown: Array = np.zeros((-(-len(palette) // IN_ROW) * IN_ROW, palette.shape[1]), np.uint8)
        shown[: len(palette)] = nearest_of(values, palette)
        pictures["shN_centroids.webp"] = shown.reshape(-1, IN_ROW * COEFFICIENTS[splats.sh_degree], 3)
        number = number[order]
        pictures["shN_labels.webp"] = _square(np.column_stack([number & 255, number >> 8, np.zeros(count, np.int64)]))
        files = ["shN_centroids.webp", "shN_labels.webp"]
        meta["shN"] = {"count": len(palette), "bands": splats.sh_degree, "codebook": values.tolist(), "files": files}
    return pictures, meta


def _square(pixels: Array) -> Array:
    """Pixels [N,3 or 4] as a nearly square picture, whose last ones are zero."""
    width = 4 * int(np.ceil(np.sqrt(len(pixels)) / 4))
    picture: Array = np.zeros((-(-len(pixels) // width) * width, pixels.shape[1]), np.uint8)
    picture[: len(pixels)] = pixels
    return picture.reshape(-1, width, pixels.shape[1])


def _webp(picture: Array) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "WEBP", **PACKING)
    return stream.getvalue()
