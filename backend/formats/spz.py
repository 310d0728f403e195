"""SPZ, the format of Niantic: each attribute of all splats in turn, quantized; packed by gzip (versions 1 to 3) or zstd (version 4).

Positions are 24-bit fixed point (float16 in version 1), opacity a byte, colors a byte as 127.5 + 0.15 * 255 * SH, logarithms of scales
a byte in steps of 1/16 from -10 on, quaternions x y z a byte each, or from version 3 on the three smallest components of x y z w by
sign and 9 bits; SH a byte each, coefficient by coefficient, as 128 + 128 * SH. Axes are right, up and back.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..values import Array, Splats
from .limits import check_expansion, check_rows, damaged, no_splats
from .splat_bytes import HALF_ROOT, from_smallest_three, logits_of_bytes, opacity_bytes, smallest_three, to_bytes
from .splat_rows import SplatRows, blocks

MAGIC = b"NGSP"
GZIP = b"\x1f\x8b"
HEAD = struct.Struct("<4sIIBBBB")  # magic, version, count, SH degree, bits behind the point, flags, streams (version 4)
INDEX_AT = 16  # version 4: where the offset of the index of streams stands, uint32
HEAD_4 = 32  # bytes of the whole header of version 4
ANTIALIASED = 1  # of the flags
WRITTEN_VERSION = 3
MOST_FRACTION_BITS = 16  # positions to 128 units in steps of 15 millionths; larger scenes get fewer
PACKING = 4  # zlib's level: 6 takes four times as long for 1 % less
STEP_BITS = (3, 4)  # low bits that SH of degree 1, and of higher ones, are rounded to; fewer bits pack better
COLOR_SCALE = 0.15
NINE_BITS = 511
PIECE = 1 << 20  # bytes of a stream at a time
ORDER = ("positions", "opacities", "colors", "scales", "quats", "sh")


def is_spz(head: bytes, path: Path) -> bool:
    """Whether a file begins as SPZ does, whatever its name."""
    if not head.startswith(GZIP):
        return head.startswith(MAGIC)
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(head, len(MAGIC)) == MAGIC
    except zlib.error:
        return False


def read_spz(path: Path) -> tuple[Splats, int]:
    """The sound splats of a file of versions 1 to 4, with Y up, and how many broken ones it holds.

    Raises ReifyError where it is damaged or empty, or of version 4 where no package unpacks zstd.
    """
    with path.open("rb") as stream:
        return read_stream(stream, path.stat().st_size, path)


def read_stream(stream: BinaryIO, size: int, path: Path) -> tuple[Splats, int]:
    """The same of a stream of `size` bytes that is, or is a part of, the file at `path`."""
    first = stream.read(HEAD_4)
    stream.seek(0)
    packed = first.startswith(GZIP)
    read = _gunzipped(stream, path) if packed else stream.read
    head = read(HEAD.size)
    if len(head) < HEAD.size or not head.startswith(MAGIC):
        raise damaged(path)
    _, version, count, degree, fraction_bits, flags, streams = HEAD.unpack(head)
    if not 1 <= version <= 4:
        raise ReifyError(f"{path.name} is an SPZ file of version {version}, which isn't known.", "Export it as .ply.")
    if degree > 4 or fraction_bits > 23:
        raise damaged(path)
    sizes = _plane_bytes(version, degree)
    if packed or version == 4:
        check_expansion(path, count * sum(sizes.values()), size)
    else:
        check_rows(path, count, sum(sizes.values()), size)
    if version == 4:
        read = _zstd_planes(stream, path, first, [each * count for each in sizes.values() if each], (streams, size))
    planes = {name: _plane(read, path, count * each) for name, each in sizes.items()}
    rows = SplatRows(count, degree)
    for part in blocks(count):
        block = {name: planes[name][part.start * each : part.stop * each] for name, each in sizes.items()}
        rows.add(*_unpacked(block, version, fraction_bits))
    if rows.broken == count:
        raise no_splats(path, rows.broken)
    return rows.splats(antialiased=bool(flags & ANTIALIASED)), rows.broken


def _plane_bytes(version: int, degree: int) -> dict[str, int]:
    sizes = (6 if version == 1 else 9, 1, 3, 3, 3 if version < 3 else 4, 3 * ((degree + 1) ** 2 - 1))
    return dict(zip(ORDER, sizes, strict=True))


def _plane(read: Callable[[int], bytes], path: Path, size: int) -> Array:
    plane = np.frombuffer(read(size), np.uint8)
    if len(plane) != size:
        raise damaged(path)
    return plane


def _gunzipped(stream: BinaryIO, path: Path) -> Callable[[int], bytes]:
    """A function that reads so many unpacked bytes, or as many as there are."""
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def read(size: int) -> bytes:
        found = bytearray()
        try:
            while len(found) < size and not unpacker.eof and (some := unpacker.unconsumed_tail or stream.read(PIECE)):
                found += unpacker.decompress(some, size - len(found))
        except zlib.error as error:
            raise damaged(path) from error
        return bytes(found)

    return read


def _zstd_planes(stream: BinaryIO, path: Path, head: bytes, sizes: list[int], claimed: tuple[int, int]) -> Callable[[int], bytes]:
    """A function that reads the next stream, whose size must be the one asked for."""
    zstandard = _zstandard(path)
    streams, size_of_file = claimed
    (at,) = struct.unpack_from("<I", head, INDEX_AT) if len(head) == HEAD_4 else (0,)
    if at < HEAD_4 or streams != len(sizes):
        raise damaged(path)
    stream.seek(at)
    index = np.frombuffer(stream.read(16 * streams), "<u8")
    if len(index) != 2 * streams or index[1::2].tolist() != sizes:
        raise damaged(path)
    check_rows(path, 1, sum(index[::2].tolist()), size_of_file - stream.tell())
    packed = iter(index[::2].tolist())

    def read(size: int) -> bytes:
        if size == 0:
            return b""
        data = stream.read(next(packed))
        try:
            if zstandard.frame_content_size(data) not in (size, -1):
                raise damaged(path)
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        except zstandard.ZstdError as error:
            raise damaged(path) from error

    return read


def _zstandard(path: Path) -> Any:
    try:
        import zstandard
    except ImportError as error:
        what = f"{path.name} is an SPZ file of version 4, which needs the Python package zstandard."
        raise ReifyError(what, "Use Blender's own Python, which has it, or export SPZ of version 3.") from error
    return zstandard


def _unpacked(planes: dict[str, Array], version: int, fraction_bits: int) -> tuple[Array, ...]:
    """Means, quaternions, logarithms of scales, logits and SH of planes [n * bytes] uint8."""
    stored = planes["positions"]
    if version == 1:
        means = stored.view("<f2").astype(np.float32).reshape(-1, 3)
    else:
        wide = np.zeros((len(stored) // 3, 4), np.uint8)
        wide[:, 1:] = stored.reshape(-1, 3)  # in the upper bytes, so that the shift back keeps the sign
        means = ((wide.view("<i4") >> 8) / np.float32(1 << fraction_bits)).reshape(-1, 3)
    sides = planes["quats"].reshape(len(means), -1)
    if version < 3:
        xyz = sides.astype(np.float32) / np.float32(127.5) - 1
        xyzw = np.column_stack([xyz, np.sqrt(np.maximum(0, 1 - np.square(xyz).sum(axis=1)))])
    else:
        packed = sides.reshape(-1).view("<u4")
        fields = packed[:, None] >> np.array([20, 10, 0], np.uint32)
        signed = np.where(fields & 512, -1, 1) * (fields & NINE_BITS) * (HALF_ROOT / NINE_BITS)
        xyzw = from_smallest_three((packed >> 30).astype(np.int64), signed.astype(np.float32))
    base = ((planes["colors"].astype(np.float32) / 255 - 0.5) / COLOR_SCALE).reshape(-1, 1, 3)
    rest = ((planes["sh"].astype(np.float32) - 128) / 128).reshape(len(means), -1, 3)
    log_scales = (planes["scales"].astype(np.float32) / 16 - 10).reshape(-1, 3)
    return means, xyzw[:, [3, 0, 1, 2]], log_scales, logits_of_bytes(planes["opacities"]), np.concatenate([base, rest], axis=1)


def write_spz(splats: Splats, path: Path) -> None:
    """Write splats with Y up as version 3, which every reader knows; raises ReifyError where the disk refuses."""
    largest = max(float(np.abs(splats.means).max()), 1e-6)
    fraction_bits = int(np.clip(np.floor(np.log2((2**23 - 1) / largest)), 0, MOST_FRACTION_BITS))
    head = HEAD.pack(MAGIC, WRITTEN_VERSION, len(splats), splats.sh_degree, fraction_bits, ANTIALIASED * splats.antialiased, 0)
    with writing(path) as partial, partial.open("wb") as stream:
        for piece in _gzipped(_pieces(head, splats, fraction_bits)):
            stream.write(piece)


def _pieces(head: bytes, splats: Splats, fraction_bits: int) -> Iterator[bytes]:
    yield head
    for name in ORDER:
        for part in blocks(len(splats)):
            yield _packed(name, splats, part, fraction_bits)


def _packed(name: str, splats: Splats, part: slice, fraction_bits: int) -> bytes:
    if name == "positions":
        fixed = np.rint(splats.means[part].astype(np.float64) * (1 << fraction_bits)).clip(-(2**23), 2**23 - 1).astype("<i4")
        return fixed.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
    if name == "opacities":
        return opacity_bytes(splats.opacity_logits[part]).tobytes()
    if name == "colors":
        return to_bytes(splats.sh[part, 0] * (COLOR_SCALE * 255) + 127.5).tobytes()
    if name == "scales":
        return to_bytes((splats.log_scales[part] + 10) * 16).tobytes()
    if name == "quats":
        largest, sides = smallest_three(splats.quats[part][:, [1, 2, 3, 0]])
        fields = (sides < 0).astype(np.uint32) << 9 | np.rint(np.abs(sides) / HALF_ROOT * NINE_BITS).clip(0, NINE_BITS).astype(np.uint32)
        return (largest.astype("<u4") << 30 | fields[:, 0] << 20 | fields[:, 1] << 10 | fields[:, 2]).tobytes()
    fixed = np.rint(splats.sh[part, 1:] * np.float32(128)).clip(-128, 127).astype(np.int16) + np.int16(128)
    rounded = np.full((fixed.shape[1], 1), STEP_BITS[1], np.int16)
    rounded[:3] = STEP_BITS[0]
    half = np.int16(1) << (rounded - 1)
    return np.minimum((fixed + half) >> rounded << rounded, 255).astype(np.uint8).tobytes()


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """One gzip stream of pieces that are packed side by side; each ends on a byte, as those of pigz do."""
    yield GZIP + b"\x08\0\0\0\0\0\0\xff"
    threads = os.cpu_count() or 1
    check, size = 0, 0
    with ThreadPoolExecutor(threads) as pool:
        while some := list(islice(pieces, 2 * threads)):
            packed = pool.map(_deflated, some)
            for piece in some:
                check, size = zlib.crc32(piece, check), size + len(piece)
            yield from packed
    yield zlib.compressobj(wbits=-zlib.MAX_WBITS).flush() + struct.pack("<II", check, size & 0xFFFFFFFF)


def _deflated(piece: bytes) -> bytes:
    packer = zlib.compressobj(PACKING, wbits=-zlib.MAX_WBITS)
    return packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
