"""Point clouds of laser scanners and as text."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.formats.given import read_given
from reify.backend.values import Points
from reify.tests.formats.tables import BALL, SRGB

PLACE = np.array([500123.25, 4649776.5, 312.0])
BYTES = np.round(255 * SRGB).astype(int)


def write(path, rows, separator=" ", header="", decimal="."):
    lines = [separator.join(str(value).replace(".", decimal) for value in row) for row in rows]
    path.write_text(header + "\n".join(lines) + "\n")
    return path


def rows_of(*blocks):
    return [[value for block in blocks for value in np.atleast_1d(block[i]).tolist()] for i in range(len(BALL))]


def read(path):
    return read_given(path, (Points,))


@pytest.mark.parametrize("separator", [" ", ",", ";", "\t", ", "])
@pytest.mark.parametrize("name", ["a.xyz", "a.txt", "a.csv"])
def test_positions_and_colors_are_read_with_any_separator(tmp_path, separator, name):
    points = read(write(tmp_path / name, rows_of(BALL, BYTES), separator)).value
    assert np.allclose(points.xyz, BALL, atol=1e-6) and np.array_equal(points.rgb, BYTES) and points.normals is None


def test_decimal_commas_are_read(tmp_path):
    assert np.allclose(read(write(tmp_path / "a.csv", rows_of(BALL), ";", decimal=",")).value.xyz, BALL, atol=1e-6)


@pytest.mark.parametrize(
    ("blocks", "colored", "turned"),
    [
        ((BALL,), False, False), ((BALL, BALL), False, True), ((BALL, SRGB), True, False), ((BALL, BYTES), True, False),
        ((BALL, BYTES, BALL), True, True), ((BALL, BALL, BYTES), True, True), ((BALL, 2000 * np.ones(len(BALL)), BYTES), True, False),
        ((BALL, -500 * np.ones(len(BALL)), BYTES), True, False), ((BALL, 0.5 * np.ones(len(BALL))), False, False),
    ],
)  # fmt: skip
def test_columns_without_names_are_told_by_their_values(tmp_path, blocks, colored, turned):
    points = read(write(tmp_path / "a.xyz", rows_of(*blocks))).value
    assert (points.rgb is not None) == colored and (points.normals is not None) == turned
    assert not colored or np.abs(points.rgb.astype(int) - BYTES).max() <= 1
    assert not turned or np.allclose(points.normals, BALL, atol=1e-5)


@pytest.mark.parametrize(
    "header", ["X,Y,Z,R,G,B\n", "# x y z red green blue\n", "//Easting Northing Height R G B\n", '"x";"y";"z";"r";"g";"b"\n']
)
def test_a_line_of_names_says_what_the_columns_are(tmp_path, header):
    separator = "," if "," in header else ";" if ";" in header else " "
    points = read(write(tmp_path / "a.txt", rows_of(BALL, BYTES), separator, header)).value
    assert np.array_equal(points.rgb, BYTES)


def test_names_may_change_the_order(tmp_path):
    points = read(write(tmp_path / "a.csv", rows_of(BYTES, BALL), ",", "red,green,blue,x,y,z\n")).value
    assert np.allclose(points.xyz, BALL, atol=1e-6) and np.array_equal(points.rgb, BYTES)


def test_a_count_on_top_and_broken_lines_cost_nothing(tmp_path):
    path = write(tmp_path / "a.pts", rows_of(BALL, BYTES), header=f"{len(BALL)}\n\n# a comment\n")
    path.write_text(path.read_text() + "1.0 2.0 3.0\n1.0 2.0 3.0 x y z\nnan 0 0 1 1 1\n")
    given = read(path)
    assert len(given.value) == len(BALL)
    assert "2 lines of a.pts" in given.warnings[0] and "1 of" in given.warnings[1]


def test_large_coordinates_of_text_are_centered(tmp_path):
    given = read(write(tmp_path / "a.xyz", rows_of(BALL + PLACE)))
    assert np.abs(given.value.xyz + given.offset - (BALL + PLACE)).max() < 1e-6


@pytest.mark.parametrize("content", ["", "no numbers\n", "1 2\n3 4\n", "1 2 3 a\n1 2 3 b\n"])
def test_text_without_points_is_refused(tmp_path, content):
    (tmp_path / "a.xyz").write_text(content)
    with pytest.raises(ReifyError, match="holds no points"):
        read(tmp_path / "a.xyz")


@pytest.mark.parametrize("ending", [".las", ".laz"])
@pytest.mark.parametrize("white", [255, 65535])
def test_laser_scans_are_read_with_their_colors_and_without_noise(tmp_path, ending, white):
    laspy = pytest.importorskip("laspy")
    pytest.importorskip("lazrs")
    header = laspy.LasHeader(point_format=3, version="1.2")
    header.offsets, header.scales = np.floor(PLACE), np.full(3, 0.0001)
    scan = laspy.LasData(header)
    scan.x, scan.y, scan.z = (BALL + PLACE).T
    scan.red, scan.green, scan.blue = np.round(white * SRGB).astype(np.uint16).T
    scan.classification = np.where(np.arange(len(BALL)) < 3, 7, 2).astype(np.uint8)
    scan.write(str(tmp_path / f"a{ending}"))
    given = read(tmp_path / f"a{ending}")
    assert np.abs(given.value.xyz + given.offset - (BALL + PLACE)[3:]).max() < 1e-4
    assert np.abs(given.value.rgb.astype(int) - BYTES[3:]).max() <= 1
    assert given.warnings == (f"3 points of a{ending} are marked as noise or withheld, and were left out.",)


@pytest.mark.parametrize("ending", [".las", ".laz"])
def test_a_damaged_laser_scan_is_refused_by_name(tmp_path, ending):
    (tmp_path / f"a{ending}").write_bytes(b"LASF" + bytes(100))
    with pytest.raises(ReifyError, match=f"a{ending}"):
        read(tmp_path / f"a{ending}")
