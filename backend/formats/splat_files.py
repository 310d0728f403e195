"""Files of splats: the one table of formats that importing, exporting, dropping, the API, the command line, the docs and the tests read.

Splats come out of here with Z up, and go in so; `up` names the axis that points up in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..geometry import axes
from ..geometry.turning import turned
from ..values import Array, Splats
from . import compressed_ply, gltf_splats, ksplat, ply, sog, splat_ply, splat_rgba, spz, usd_splats

# Rotations to Z up, by the axis that points up; structure from motion looks along Z with Y down.
Z_UP_FROM = {"z": np.eye(3), "y": axes.Z_UP_FROM_Y_UP[:3, :3], "-y": axes.Z_UP_FROM_Y_DOWN[:3, :3]}
UP_TITLES = {"z": "Z up", "y": "Y up", "-y": "Y down"}
HEAD = 512  # bytes that tell what a file is

Read = Callable[[Path], tuple[Splats, int]]  # the sound splats in the file's axes, and the number of broken ones
Write = Callable[[Splats, Path, str, Array | None], None]  # the splats in the file's axes, path, axis that points up, offset or None


@dataclass(frozen=True)
class SplatFormat:
    """A format of splat files: how it is recognized, read and written, and what it holds."""

    id: str
    title: str
    endings: tuple[str, ...]  # of names, the first one is written; lower case
    up: str  # the axis that points up where a file doesn't say: "z", "y" or "-y"
    read: Read
    write: Write
    is_one: Callable[[bytes, Path], bool]  # by the first bytes and the name
    up_of: Callable[[Path], str] = lambda path: ""  # what a file says of that axis, "" for nothing
    degree: int = 4  # of the highest SH it holds
    holds_large: bool = False  # positions of 64 bits
    is_shared: bool = False  # most files with these endings hold other things
    sorts: bool = False  # splats are written along a Z-order curve
    packages: tuple[str, ...] = ()  # that it needs besides numpy


def _plain(write: Callable[[Splats, Path], None]) -> Write:
    return lambda splats, path, up, offset: write(splats, path)


def _ends(*endings: str) -> Callable[[bytes, Path], bool]:
    return lambda head, path: path.name.lower().endswith(endings)


def _is_packed(head: bytes, path: Path) -> bool:
    return head.startswith(b"ply") and "packed_position" in ply.vertex_columns(path)


FORMATS = (
    SplatFormat(
        "compressed_ply", "Compressed PLY (PlayCanvas)", (".compressed.ply",), "-y",
        read=compressed_ply.read_compressed_ply,
        write=lambda splats, path, up, offset: compressed_ply.write_compressed_ply(splats, path, up),
        is_one=_is_packed, up_of=splat_ply.up_of, degree=3, sorts=True,
    ),
    SplatFormat(
        "ply", "PLY (3DGS, 2DGS)", (".ply",), "-y",
        read=splat_ply.read_all, write=splat_ply.write_splat_ply,
        is_one=lambda head, path: head.startswith(b"ply"), up_of=splat_ply.up_of, holds_large=True,
    ),
    SplatFormat(
        "spz", "SPZ (Niantic)", (".spz",), "y",
        read=spz.read_spz, write=_plain(spz.write_spz), is_one=spz.is_spz,
    ),
    SplatFormat(
        "sog", "SOG (PlayCanvas)", (".sog", "meta.json"), "-y",
        read=sog.read_sog, write=_plain(sog.write_sog), is_one=sog.is_sog, degree=3, sorts=True, packages=("PIL",),
    ),
    SplatFormat(
        "gltf", "glTF (KHR_gaussian_splatting)", (".glb", ".gltf"), "y",
        read=gltf_splats.read_gltf_splats, write=_plain(gltf_splats.write_gltf_splats), is_one=gltf_splats.is_gltf,
        degree=3, is_shared=True,
    ),
    SplatFormat(
        "usd", "USD (ParticleField3DGaussianSplat)", usd_splats.ENDINGS, "z",
        read=usd_splats.read_usd_splats, write=lambda splats, path, up, offset: usd_splats.write_usd_splats(splats, path, up),
        is_one=usd_splats.is_usd, up_of=usd_splats.up_of_usd, is_shared=True, packages=("pxr",),
    ),
    SplatFormat(
        "ksplat", ".ksplat (GaussianSplats3D)", (".ksplat",), "-y",
        read=ksplat.read_ksplat, write=_plain(ksplat.write_ksplat), is_one=_ends(".ksplat"), degree=2,
    ),
    SplatFormat(
        "splat", ".splat (antimatter15)", (".splat",), "-y",
        read=splat_rgba.read_splat, write=_plain(splat_rgba.write_splat), is_one=_ends(".splat"), degree=0,
    ),
)  # fmt: skip
LONGEST_FIRST = tuple(sorted((ending for one in FORMATS for ending in one.endings), key=len, reverse=True))


def _last(endings: Iterable[str]) -> tuple[str, ...]:
    """From the last point on, as pathlib and Blender know endings; whole names stay whole."""
    return tuple(dict.fromkeys(f".{each.rpartition('.')[2]}" if each.startswith(".") else each for each in endings))


ENDINGS = _last(ending for one in FORMATS for ending in one.endings)
DROPPED = tuple(each for each in _last(each for one in FORMATS if not one.is_shared for each in one.endings) if each.startswith("."))


def format_of(path: Path) -> SplatFormat:
    """The format of a file by what is in it, so that one with another's ending opens; raises ReifyError where it is none of them."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror or error}.", "Check the path.") from error
    found = next((one for one in FORMATS if one.is_one(head, path)), None)
    if found is None:
        raise ReifyError(f"{path.name} is no file of splats that Reify knows.", f"Choose one of: {' '.join(ENDINGS)}.")
    return found


def format_named(path: Path) -> SplatFormat:
    """The format that a file of this name is written in; raises ReifyError for an ending that none has."""
    found = next((one for one in FORMATS if path.name.lower().endswith(one.endings)), None)
    if found is None:
        raise ReifyError(f"Splats can't be written as {path.suffix or path.name}.", f"Choose one of: {' '.join(ENDINGS)}.")
    return found


def read_file(path: Path) -> tuple[Splats, int, str]:
    """The sound splats of a file in its axes and precision, how many broken ones it holds, and the axis that it says points up.

    Raises ReifyError where it is damaged, empty or no file of splats.
    """
    one = format_of(path)
    try:
        said = one.up_of(path)
        splats, broken = one.read(path)
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror or error}.", "Check the path.") from error
    return splats, broken, said if said in Z_UP_FROM else ""


def write_splats(splats: Splats, path: Path, up: str = "", offset: Array | None = None) -> tuple[str, ...]:
    """Write splats, whose Z points up, in the format of the path's ending; returns what that can't hold, a sentence each.

    `up` is the axis that is to point up in the file, "" for the one that its format has up. Where an `offset` [3] is added to the
    positions again, as only PLY can hold it, that one is Z. Raises ReifyError where it can't be written.
    """
    one = format_named(path)
    if offset is not None and not one.holds_large:
        raise ReifyError(f"{one.title} files can't hold large coordinates.", "Export PLY instead.")
    if len(splats) == 0:
        raise ReifyError("There are no splats to write.", "Choose an object that has some.")
    up = up or ("z" if offset is not None else one.up)
    if offset is not None:
        offset = Z_UP_FROM[up].T @ offset
    lost: tuple[str, ...] = ()
    if splats.sh_degree > one.degree:
        lost = (f"{one.title} files hold SH of degree {one.degree} at most: {path.name} lacks those of degree {one.degree + 1} and above.",)
        splats = replace(splats, sh=splats.sh[:, : (one.degree + 1) ** 2])
    one.write(turned(splats, Z_UP_FROM[up].T), path, up, offset)
    return lost
