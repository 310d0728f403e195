import errno
import struct
from pathlib import Path

import numpy as np
import pytest
from reify.backend import files
from reify.backend.errors import ReifyError
from reify.backend.formats.columns import THINNEST_LOG_SCALE
from reify.backend.formats.splat_ply import read_splat_ply, write_splat_ply
from reify.backend.values import Splats


def some_splats(count: int, degree: int, **flags: bool) -> Splats:
    rng = np.random.default_rng(degree)
    quats = rng.normal(size=(count, 4))
    return Splats(
        means=rng.normal(size=(count, 3)).astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=rng.normal(size=(count, 3)).astype(np.float32),
        opacity_logits=rng.normal(size=count).astype(np.float32),
        sh=rng.normal(size=(count, (degree + 1) ** 2, 3)).astype(np.float32),
        **flags,
    )


def handmade(names: list[str], rows: np.ndarray, encoding: str = "binary_little_endian") -> bytes:
    header = ["ply", f"format {encoding} 1.0", f"element vertex {len(rows)}", *(f"property float {n}" for n in names), "end_header", ""]
    body = {
        "binary_little_endian": lambda: rows.astype("<f4").tobytes(),
        "binary_big_endian": lambda: rows.astype(">f4").tobytes(),
        "ascii": lambda: "\n".join(" ".join(map(str, row)) for row in rows.tolist()).encode(),
    }[encoding]()
    return "\n".join(header).encode() + body


MINIMAL = [*"xyz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "rot_0", "rot_1", "rot_2", "rot_3"]


@pytest.mark.parametrize("degree", range(5))
@pytest.mark.parametrize("count", [1, 37])
def test_splats_come_back_as_they_went(tmp_path, degree, count):
    splats = some_splats(count, degree, antialiased=degree == 2, surfels=degree == 3)
    write_splat_ply(splats, tmp_path / "splats.ply")
    again = read_splat_ply(tmp_path / "splats.ply")
    for name in ("means", "log_scales", "opacity_logits", "sh"):
        assert np.array_equal(getattr(again, name), getattr(splats, name)), name
    assert np.allclose(again.quats, splats.quats, atol=1e-6)
    assert (again.sh_degree, again.antialiased, again.surfels) == (degree, degree == 2, degree == 3)


def test_the_layout_is_the_one_that_other_programs_expect(tmp_path):
    splats = some_splats(2, 3)
    write_splat_ply(splats, tmp_path / "splats.ply")
    header, _, body = (tmp_path / "splats.ply").read_bytes().partition(b"end_header\n")
    names = [line.split()[2] for line in header.decode().splitlines() if line.startswith("property float")]
    rest = [f"f_rest_{i}" for i in range(45)]
    assert names == [
        *"xyz",
        "nx",
        "ny",
        "nz",
        "f_dc_0",
        "f_dc_1",
        "f_dc_2",
        *rest,
        "opacity",
        "scale_0",
        "scale_1",
        "scale_2",
        *MINIMAL[-4:],
    ]
    row = dict(zip(names, struct.unpack_from("<62f", body), strict=True))
    # f_rest is channel-major: 15 coefficients of red, then of green, then of blue.
    assert row["f_rest_0"] == splats.sh[0, 1, 0] and row["f_rest_15"] == splats.sh[0, 1, 1] and row["f_rest_44"] == splats.sh[0, 15, 2]
    assert row["rot_0"] == splats.quats[0, 0] and row["scale_1"] == splats.log_scales[0, 1] and row["nx"] == 0


@pytest.mark.parametrize("encoding", ["binary_little_endian", "binary_big_endian", "ascii"])
def test_a_2dgs_file_with_two_scales_and_no_normals_becomes_surfels(tmp_path, encoding):
    rows = np.arange(26, dtype=np.float64).reshape(2, 13) / 8
    (tmp_path / "surfels.ply").write_bytes(handmade(MINIMAL, rows, encoding))
    splats = read_splat_ply(tmp_path / "surfels.ply")
    assert splats.surfels and splats.sh_degree == 0
    assert np.allclose(splats.log_scales, np.column_stack([rows[:, 7:9], [THINNEST_LOG_SCALE] * 2]))
    assert np.allclose(np.linalg.norm(splats.quats, axis=1), 1.0)
    assert np.allclose(splats.opacity_logits, rows[:, 6])


def test_a_rotation_of_length_zero_becomes_no_rotation(tmp_path):
    rows = np.zeros((1, 13))
    (tmp_path / "splats.ply").write_bytes(handmade(MINIMAL, rows))
    assert read_splat_ply(tmp_path / "splats.ply").quats.tolist() == [[1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no PLY file"),
        (b"solid stl", "no PLY file"),
        (handmade(MINIMAL, np.zeros((9, 13)))[:-1], "cut off"),
        (handmade(MINIMAL, np.zeros((9, 13)))[:90], "cut off"),
        (handmade([*MINIMAL, "x"], np.zeros((9, 14))), "cut off"),
        (handmade([*MINIMAL, "f_rest_x"], np.zeros((9, 14)))[:-4], "cut off"),
        (handmade(["x", "y", "z"], np.zeros((9, 3))), "no splats"),
        (handmade([*MINIMAL, "f_rest_0"], np.zeros((9, 14))), "SH"),
        (b"ply\nformat binary_little_endian 1.0\nelement vertex many\nend_header\n", "cut off"),
        (b"ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nend_header\n1\nnothing\n", "cut off"),
    ],
)
def test_other_files_are_refused_with_a_reason(tmp_path, content, says):
    (tmp_path / "bad.ply").write_bytes(content)
    with pytest.raises(ReifyError, match=says):
        read_splat_ply(tmp_path / "bad.ply")


def test_a_missing_file_is_named():
    with pytest.raises(ReifyError, match="nowhere"):
        read_splat_ply(Path("/nowhere/splats.ply"))


def test_a_full_disk_is_said_and_leaves_the_old_file_and_no_half_one(tmp_path, monkeypatch):
    write_splat_ply(some_splats(3, 0), tmp_path / "splats.ply")
    before = (tmp_path / "splats.ply").read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", refuse)
    with pytest.raises(ReifyError, match="disk is full"):
        write_splat_ply(some_splats(5, 0), tmp_path / "splats.ply")
    assert (tmp_path / "splats.ply").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["splats.ply"]


def test_a_folder_that_is_a_file_is_said(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(ReifyError, match="can't be written"):
        write_splat_ply(some_splats(1, 0), tmp_path / "taken" / "splats.ply")


def test_a_folder_without_permission_is_said(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(ReifyError, match="no permission"):
        write_splat_ply(some_splats(1, 0), tmp_path / "splats.ply")
