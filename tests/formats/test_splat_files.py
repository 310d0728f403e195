"""Every format of the table: what comes back, which way up, and what becomes of files that are damaged or lie."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.formats import compressed_ply, spz
from reify.backend.formats.given import read_given, read_splats
from reify.backend.formats.splat_files import ENDINGS, FORMATS, UP_TITLES, Z_UP_FROM, SplatFormat, format_of, read_file, write_splats
from reify.backend.geometry.turning import turned
from reify.backend.values import SH_C0, Points, Splats
from reify.tests.formats.test_splat_ply import some_splats

FOREIGN = Path(os.environ.get("REIFY_FOREIGN_SPLATS", Path(__file__).resolve().parents[3] / "shared" / "data" / "splats"))
# What quantization may take: positions as a share of the extent, logarithms of scales, angles in degrees, opacity, colors, and SH above
# degree 0 as the root of the mean square.
EXACT = (0.0, 1e-5, 1e-4, 1e-6, 1e-6, 1e-6)
TOLERANCES = {
    "ply": EXACT,
    "splat": (0.0, 1e-5, 1.0, 0.5 / 255, 0.6 / 255, 0.0),
    "ksplat": (0.0, 1e-5, 1e-4, 0.5 / 255, 0.6 / 255, 1e-6),
    "spz": (1e-4, 1 / 32 + 1e-5, 0.25, 0.51 / 255, 0.02, 0.045),
    "compressed_ply": (1e-2, 0.02, 0.25, 0.51 / 255, 0.01, 0.012),
    "gltf": (0.0, 1e-5, 1e-4, 1e-6, 1e-6, 1e-6),
    "usd": (0.0, 1e-5, 1e-4, 1e-6, 1e-6, 1e-6),
    "sog": (1e-3, 0.3, 1.0, 0.51 / 255, 0.02, 0.3),
}
by_format = pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.id)


def sample(degree: int = 3, count: int = 600) -> Splats:
    splats = some_splats(count, degree)
    return replace(splats, sh=(0.25 * splats.sh).clip(-0.9, 0.9), log_scales=(splats.log_scales - 3).astype(np.float32))


def matched(splats: Splats, again: Splats) -> Splats:
    """`again` in the order of `splats`: some formats sort them."""
    from scipy.spatial import cKDTree

    index = cKDTree(again.means).query(splats.means)[1]
    assert len(set(index)) == len(splats)
    return again.take(index)


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    apart = np.minimum(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1))
    return np.degrees(4 * np.arcsin(apart.clip(0, 2) / 2))


def written(one: SplatFormat, folder: Path, splats: Splats | None = None, **how: str) -> Path:
    if "pxr" in one.packages:
        pytest.importorskip("bpy")
        from reify.scene import compat

        compat.expose_usd()
    for package in one.packages:
        pytest.importorskip(package)
    path = folder / f"scan{one.endings[0]}"
    write_splats(sample() if splats is None else splats, path, **how)
    return path


@by_format
@pytest.mark.parametrize("degree", range(5))
def test_splats_come_back_within_what_the_format_can_tell_apart(tmp_path, one, degree):
    splats = sample(degree)
    path = written(one, tmp_path, splats)
    given = read_splats(path)
    again = matched(splats, given.value)
    assert again.sh_degree == min(degree, one.degree) and not given.warnings and format_of(path) is one
    position, shape, angle, opacity, color, sh = TOLERANCES[one.id]
    assert np.abs(again.means - splats.means).max() <= position * np.ptp(splats.means) + 1e-6
    assert np.abs(again.log_scales - splats.log_scales).max() <= shape
    assert degrees_between(again.quats, splats.quats).max() <= angle
    a, b = (1 / (1 + np.exp(-each.opacity_logits)) for each in (again, splats))
    assert np.abs(a - b).max() <= opacity + 1e-6
    assert SH_C0 * np.abs(again.sh[:, 0] - splats.sh[:, 0]).max() <= color
    kept = again.sh.shape[1]
    assert kept == 1 or np.sqrt(np.square(again.sh[:, 1:] - splats.sh[:, 1:kept]).mean()) <= sh + 1e-6


@by_format
@pytest.mark.parametrize("up", UP_TITLES)
def test_what_is_on_top_is_on_top_in_the_file_and_again_when_it_is_read(tmp_path, one, up):
    splats = sample(2)
    path = written(one, tmp_path, splats, up=up)
    in_file = matched(turned(splats, Z_UP_FROM[up].T), read_file(path)[0])
    axis, sign = "xyz".index(up[-1]), -1 if up[0] == "-" else 1
    assert sign * in_file.means[:, axis] == pytest.approx(splats.means[:, 2], abs=0.1)
    assert in_file.means[:, 0] == pytest.approx(splats.means[:, 0], abs=0.1)  # not mirrored: x stays, the third axis follows
    again = matched(splats, read_splats(path, up).value)
    assert np.abs(again.means - splats.means).max() < 0.1
    assert np.abs(again.sh - splats.sh[:, : again.sh.shape[1]]).max() < 0.4


@by_format
def test_the_axis_that_is_up_needn_t_be_told_where_a_file_was_written_as_its_format_has_it(tmp_path, one):
    splats = sample(1)
    assert np.abs(matched(splats, read_splats(written(one, tmp_path, splats)).value).means - splats.means).max() < 0.1


def test_a_ply_file_of_ours_says_which_axis_is_up(tmp_path):
    splats = sample(0)
    for up in UP_TITLES:
        write_splats(splats, tmp_path / "a.ply", up)
        assert np.array_equal(read_splats(tmp_path / "a.ply").value.means, splats.means)


@by_format
def test_a_file_with_another_ending_is_what_is_in_it(tmp_path, one):
    if one.id == "ksplat":
        pytest.skip("it begins as anything may")
    assert format_of(written(one, tmp_path).rename(tmp_path / "renamed.splat")) is one


@by_format
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.95, 0.999])
def test_a_file_that_is_cut_off_is_said_to_be(tmp_path, one, share):
    path = written(one, tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert_refused_or_read(path)


@by_format
def test_a_file_with_changed_bytes_is_read_or_refused(tmp_path, one):
    if one.id == "usd":
        pytest.skip("OpenUSD itself parses these")
    content = written(one, tmp_path).read_bytes()
    rng = np.random.default_rng(1)
    for trial in range(60):
        bytes_ = bytearray(content)
        where = rng.integers(0, min(len(content), 120 if trial % 2 else len(content)), 3)
        for at in where:
            bytes_[at] = rng.integers(0, 256)
        path = tmp_path / f"changed{one.endings[0]}"
        path.write_bytes(bytes_)
        assert_refused_or_read(path)


def assert_refused_or_read(path: Path) -> None:
    """Read the file, or be refused with a sentence, in a second and 64 MB."""
    tracemalloc.start()
    started = time.process_time()
    try:
        read_splats(path)
    except ReifyError as error:
        assert path.name in error.what and error.fix
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert time.process_time() - started < 1 and peak < 64e6, (peak, path)


def spz_head(version: int, count: int, degree: int = 3) -> bytes:
    return spz.HEAD.pack(spz.MAGIC, version, count, degree, 12, 0, 6)


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


HOSTILE = {
    "billions.ply": b"ply\nformat binary_little_endian 1.0\nelement vertex 4000000000\n"
    + b"".join(f"property float {name}\n".encode() for name in ("x", "y", "z", "opacity", "f_dc_0", "f_dc_1", "f_dc_2", "scale_0"))
    + b"end_header\n",
    "negative.ply": b"ply\nformat ascii 1.0\nelement vertex -3\nproperty float x\nend_header\n",
    "chunks.ply": b"ply\nformat binary_little_endian 1.0\nelement chunk 99999999\nproperty float min_x\nelement vertex 999999999\n"
    b"property uint packed_position\nend_header\n",
    "lists.ply": b"ply\nformat binary_little_endian 1.0\nelement face 2147483647\nproperty list uchar int i\n"
    b"element vertex 9\nproperty float x\n"
    b"property float opacity\nproperty float scale_0\nend_header\n" + bytes(2000),
    "bomb.spz": gzip.compress(spz_head(3, 40_000_000) + bytes(100_000)),
    "zeros.spz": gzip.compress(spz_head(3, 1000) + bytes(10)),
    "zstd.spz": spz_head(4, 4_000_000_000) + struct.pack("<I12x", 32) + bytes(96),
    "raw.spz": spz_head(2, 4_000_000_000) + bytes(96),
    "sections.ksplat": struct.pack("<BB2x4IH", 0, 1, 4_000_000_000, 1, 1, 1, 0).ljust(4096, b"\0"),
    "capacity.ksplat": struct.pack("<BB2x4IH", 0, 1, 1, 1, 9, 9, 1).ljust(4096, b"\0")
    + struct.pack("<4IfHxxII2IH", 9, 4_000_000_000, 256, 4_000_000_000, 5.0, 12, 0, 0, 0, 4_000_000_000, 2).ljust(1024, b"\0"),
    "buckets.ksplat": struct.pack("<BB2x4IH", 0, 1, 1, 1, 9, 9, 1).ljust(4096, b"\0")
    + struct.pack("<4IfHxxII2IH", 9, 9, 256, 0, 5.0, 12, 0, 0, 4_000_000_000, 0, 0).ljust(1024, b"\0") + bytes(9 * 24),
    "odd.splat": bytes(33),
    "empty.splat": b"",
    "none.sog": zipped({"meta.json": b"{}"}),
    "deep.sog": zipped({"meta.json": b"[" * 100_000}),
    "bomb.sog": zipped({"meta.json": b" " * 200_000_000}),
    "huge.sog": zipped({"meta.json": b'{"version": 2, "count": 1e300}'}),
    "way.sog": zipped({"meta.json": b'{"version": 2, "count": 4, "means": {"files": ["../../etc/passwd", "x"], "mins": [], "maxs": []}}'}),
    "no.sog": b"PK\x03\x04" + bytes(300),
    "text.spz": b"<!doctype html><title>404</title>",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_files_that_claim_more_than_they_hold_end_in_a_sentence_at_once(tmp_path, name):
    if name.endswith(".sog"):
        pytest.importorskip("PIL")
    (tmp_path / name).write_bytes(HOSTILE[name])
    with pytest.raises(ReifyError, match=name):
        read_splats(tmp_path / name)
    assert_refused_or_read(tmp_path / name)


def test_splats_that_aren_t_numbers_are_left_out_and_counted(tmp_path):
    splats = sample(0, 40)
    splats.means[3] = np.nan
    splats.log_scales[5] = np.inf
    for ending, broken in ((".ply", 2), (".splat", 2), (".ksplat", 2)):
        path = tmp_path / f"a{ending}"
        next(one for one in FORMATS if ending in one.endings).write(splats, path, "z", None)
        given = read_splats(path, "z")
        assert len(given.value) == 40 - broken and f"{broken} of 40 splats" in given.warnings[0]


def test_what_is_no_file_of_splats_is_told_what_would_be(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ReifyError, match=r"notes.txt is no file of splats.*\.spz"):
        read_splats(tmp_path / "notes.txt")
    with pytest.raises(ReifyError, match=r"can't be written as \.stl"):
        write_splats(sample(), tmp_path / "a.stl")
    with pytest.raises(ReifyError, match="no splats to write"):
        write_splats(sample().take(np.zeros(0, int)), tmp_path / "a.ply")


def test_sh_that_a_format_can_t_hold_are_said_to_be_missing(tmp_path):
    assert write_splats(sample(4), tmp_path / "a.ply") == ()
    assert write_splats(sample(4), tmp_path / "a.spz") == ()
    (lost,) = write_splats(sample(4), tmp_path / "a.compressed.ply")
    assert "degree 3 at most" in lost and "degree 4" in lost


def test_a_compressed_ply_file_is_read_as_splats_and_never_as_points(tmp_path):
    write_splats(sample(1), tmp_path / "a.compressed.ply")
    assert isinstance(read_given(tmp_path / "a.compressed.ply", (Splats, Points)).value, Splats)


def test_chunks_of_one_splat_and_of_equal_ones_lose_nothing(tmp_path):
    one = sample(0, 1)
    many = one.take(np.zeros(257, int))
    for splats in (one, many):
        compressed_ply.write_compressed_ply(splats, tmp_path / "a.ply")
        again = compressed_ply.read_compressed_ply(tmp_path / "a.ply")[0]
        assert len(again) == len(splats) and np.abs(again.means - splats.means).max() == 0


def test_sog_is_written_beside_its_meta_file_and_read_from_there(tmp_path):
    pytest.importorskip("PIL")
    splats = sample(2)
    write_splats(splats, tmp_path / "out" / "meta.json")
    assert len(list((tmp_path / "out").iterdir())) == 8
    again = matched(splats, read_splats(tmp_path / "out" / "meta.json").value)
    assert np.abs(again.means - splats.means).max() < 1e-3


def gltf(path: Path, change: Callable[[dict], None]) -> Path:
    """A .gltf of two splats with its .bin, whose JSON was changed."""
    write_splats(sample(1, 2), path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def test_splats_of_gltf_stand_where_their_node_does(tmp_path):
    splats = turned(sample(1, 2), Z_UP_FROM["y"].T)  # as they are in the file

    def move(content: dict) -> None:
        content["nodes"] = [
            {"translation": [1, 2, 3], "scale": [2, 2, 2], "children": [1]},
            {"mesh": 0, "rotation": [0, 0.5**0.5, 0, 0.5**0.5]},
        ]

    found = read_file(gltf(tmp_path / "a.gltf", move))[0]
    quarter = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    expected = turned(splats, quarter)
    assert np.allclose(found.means, 2 * expected.means + [1, 2, 3], atol=1e-5)
    assert np.allclose(found.log_scales, splats.log_scales + np.log(2), atol=1e-5) and np.allclose(found.sh, expected.sh, atol=1e-5)
    assert degrees_between(found.quats, expected.quats).max() < 0.01


def test_spz_inside_of_gltf_is_read(tmp_path):
    write_splats(sample(2, 5), tmp_path / "a.spz")
    packed = (tmp_path / "a.spz").read_bytes()

    def pack(content: dict) -> None:
        uri = "data:application/octet-stream;base64," + base64.b64encode(packed).decode()
        content["buffers"] = [{"byteLength": len(packed), "uri": uri}]
        content["bufferViews"] = [{"buffer": 0, "byteLength": len(packed)}]
        inside = {"extensions": {"KHR_gaussian_splatting_compression_spz_2": {"bufferView": 0}}}
        content["meshes"][0]["primitives"][0]["extensions"] = {"KHR_gaussian_splatting": inside}

    assert np.array_equal(read_file(gltf(tmp_path / "b.gltf", pack))[0].means, read_file(tmp_path / "a.spz")[0].means)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c["accessors"][0].update(count=10**12), "damaged"),
        (lambda c: c["accessors"][0].update(byteOffset=-8), "damaged"),
        (lambda c: c["bufferViews"][0].update(byteLength=10**12), "damaged"),
        (lambda c: c["bufferViews"][0].update(byteStride=0), "damaged"),
        (lambda c: c["buffers"][0].update(uri="../../etc/passwd"), "isn't beside it"),
        (lambda c: c["buffers"][0].update(uri="https://example.org/a.bin"), "isn't beside it"),
        (lambda c: c["nodes"][0].update(children=[0]), "damaged"),
        (lambda c: c["nodes"][0].update(scale=[1, 2, 1]), "stretches"),
        (lambda c: c["meshes"][0]["primitives"][0]["extensions"].clear(), "holds no splats"),
        (lambda c: c["meshes"][0]["primitives"][0]["attributes"].pop("KHR_gaussian_splatting:SCALE"), "damaged"),
        (
            lambda c: c["meshes"][0]["primitives"][0]["extensions"]["KHR_gaussian_splatting"].update(colorSpace="lin_rec709_display"),
            "linear",
        ),
    ],
)
def test_gltf_that_contradicts_itself_is_refused(tmp_path, change, says):
    path = gltf(tmp_path / "a.gltf", change)
    with pytest.raises(ReifyError, match=says):
        read_splats(path)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_spz_of_every_version_is_read(tmp_path, version):
    """Two splats packed by hand, after the format's description."""
    if version == 4:
        pytest.importorskip("zstandard")
    fixed = (np.array([[1, -2, 3], [-0.5, 0.25, 0]]) * 4096).astype(int)
    positions = b"".join(int(v).to_bytes(3, "little", signed=True) for v in fixed.ravel())
    if version == 1:
        positions = (fixed / 4096).astype("<f2").tobytes()
    half = int(round(511 * 0.5 / 2**-0.5))
    quats = bytes([255, 128, 128, 128, 128, 255]) if version < 3 else struct.pack("<II", 3 << 30 | 511 << 20, 1 << 30 | 511 << 10 | 1 << 9)
    planes = [positions, bytes([255, 128]), bytes([127, 165, 0, 255, 128, 128]), bytes([160, 144, 128, 96, 96, 96]), quats]
    planes.append(bytes([128, 192, 64, 128, 128, 128, 128, 128, 0] * 2))
    head = spz.HEAD.pack(spz.MAGIC, version, 2, 1, 12, 1, 6 if version == 4 else 0)
    path = tmp_path / "two.spz"
    if version < 4:
        path.write_bytes(gzip.compress(head + b"".join(planes)))
    else:
        import zstandard

        packed = [zstandard.ZstdCompressor().compress(plane) for plane in planes]
        index = b"".join(struct.pack("<QQ", len(data), len(plane)) for data, plane in zip(packed, planes, strict=True))
        path.write_bytes(head + struct.pack("<I12x", 32) + index + b"".join(packed))
    splats, broken, _ = read_file(path)
    assert (len(splats), broken, splats.sh_degree, splats.antialiased) == (2, 0, 1, True) and half
    assert np.allclose(splats.means, [[1, -2, 3], [-0.5, 0.25, 0]])
    assert np.allclose(splats.log_scales, [[0, -1, -2], [-4, -4, -4]])
    assert np.allclose(splats.sh[0, 1:], [[0, 0.5, -0.5], [0, 0, 0], [0, 0, -1]])
    assert splats.opacity_logits[0] > 6 and abs(splats.opacity_logits[1]) < 0.01
    turns = [[0, 1, 0, 0], [0, 0, 0, 1]] if version < 3 else [[0.5**0.5, 0.5**0.5, 0, 0], [0, 0, 0.5**0.5, 0.5**0.5]]
    assert degrees_between(splats.quats, np.array(turns)).max() < 6 if version < 3 else True


def test_files_that_other_programs_wrote_are_read():
    """Those in the folder REIFY_FOREIGN_SPLATS."""
    if not FOREIGN.is_dir():
        pytest.skip(f"there are no files of other programs at {FOREIGN}")
    files = [path for path in sorted(FOREIGN.rglob("*")) if path.name.lower().endswith(ENDINGS) and path.stat().st_size]
    for path in files:
        splats = read_splats(path).value
        assert len(splats) and np.isfinite(splats.means).all(), path
    assert files
