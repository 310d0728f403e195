"""What other programs call their columns, and what ranges their colors have."""

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.formats.columns import colors_of
from reify.backend.formats.given import read_given
from reify.backend.formats.points_ply import read_points_ply
from reify.backend.formats.splat_ply import is_antialiased, read_all
from reify.backend.values import SH_C0, Points, Splats
from reify.tests.formats.tables import BALL, SRGB, splat_columns, write

NAMES = [
    ("red", "green", "blue"), ("diffuse_red", "diffuse_green", "diffuse_blue"), ("r", "g", "b"), ("Red", "Green", "Blue"),
    ("scalar_red", "scalar_green", "scalar_blue"), ("color_r", "color_g", "color_b"),
]  # fmt: skip


def cloud(path, names=NAMES[0], kind="uchar", white=255.0, order="<"):
    columns = dict(zip("xyz", BALL.T, strict=True)) | dict(zip(names, white * SRGB.T, strict=True))
    return write(path, columns, {name: kind for name in names}, order=order)


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("order", "<>")
def test_colors_are_found_by_any_usual_name(tmp_path, names, order):
    points = read_points_ply(cloud(tmp_path / "a.ply", names, order=order))
    assert np.abs(points.rgb / 255 - SRGB).max() < 0.005


@pytest.mark.parametrize(
    ("kind", "white"),
    [
        ("uchar", 255), ("ushort", 65535), ("ushort", 255), ("int", 255), ("uint", 65535), ("short", 255),
        ("float", 1), ("float", 255), ("float", 65535), ("double", 1), ("double", 255),
    ],
)  # fmt: skip
def test_colors_are_scaled_by_their_type_and_range(tmp_path, kind, white):
    points = read_points_ply(cloud(tmp_path / "a.ply", kind=kind, white=white))
    assert np.abs(points.rgb / 255 - SRGB).max() < 0.006


def test_float_colors_that_overshoot_white_a_little_are_clipped_not_darkened():
    colors = colors_of({"red": np.array([0.5, 1.02]), "green": np.array([0.5, -0.01]), "blue": np.array([0.5, np.nan])})
    assert np.allclose(colors, [[0.5, 0.5, 0.5], [1, 0, 0]])


@pytest.mark.parametrize("kind", [np.uint32, np.float32])
def test_colors_packed_into_one_number_are_unpacked(kind):
    packed = np.array([0x00C8503C, 0xFF0000FF], np.uint32).view(kind)
    assert np.array_equal(np.rint(255 * colors_of({"rgb": packed})), [[200, 80, 60], [0, 0, 255]])


def test_normals_have_length_one_and_empty_ones_are_none(tmp_path):
    columns = dict(zip("xyz", BALL.T, strict=True))
    filled = write(tmp_path / "a.ply", columns | dict(zip(("normal_x", "normal_y", "normal_z"), 3 * BALL.T, strict=True)), {})
    assert np.allclose(read_points_ply(filled).normals, BALL, atol=1e-6)
    empty = write(tmp_path / "b.ply", columns | {name: np.zeros(len(BALL)) for name in ("nx", "ny", "nz")}, {})
    assert read_points_ply(empty).normals is None


def test_broken_points_are_left_out_and_counted(tmp_path):
    xyz = BALL.copy()
    xyz[3, 1], xyz[7, 0] = np.nan, -np.inf
    given = read_given(write(tmp_path / "a.ply", dict(zip("xyz", xyz.T, strict=True)), {}), (Points,))
    assert len(given.value) == len(BALL) - 2 and given.value.xyz.dtype == np.float32
    assert given.warnings[0].startswith(f"2 of {len(BALL)} points in a.ply are broken")


@pytest.mark.parametrize("count", [0, 1])
def test_no_sound_point_is_an_error(tmp_path, count):
    path = write(tmp_path / "a.ply", dict(zip("xyz", np.full((3, count), np.nan), strict=True)), {})
    with pytest.raises(ReifyError, match="holds no points"):
        read_given(path, (Points,))


@pytest.mark.parametrize("kinds", [(Points,), (Splats, Points)])
def test_large_coordinates_come_centered_with_their_offset(tmp_path, kinds):
    place = np.array([500123.25, 4649776.5, 312.0])
    columns = splat_columns(BALL + place) if Splats in kinds else dict(zip("xyz", (BALL + place).T, strict=True))
    given = read_given(write(tmp_path / "utm.ply", columns, dict.fromkeys("xyz", "double")), kinds)
    xyz = given.value.means if isinstance(given.value, Splats) else given.value.xyz
    assert xyz.dtype == np.float32 and np.abs(xyz + given.offset - (BALL + place)).max() < 1e-6 and not given.warnings


def test_large_coordinates_in_32_bits_are_said_to_be_rounded(tmp_path):
    given = read_given(write(tmp_path / "utm.ply", dict(zip("xyz", (BALL + 4.6e6).T, strict=True)), {}), (Points,))
    assert given.offset is not None and "rounds them to 0.5" in given.warnings[0]


@pytest.mark.parametrize(
    ("column", "value"),
    [("x", np.nan), ("z", np.inf), ("scale_1", np.inf), ("scale_1", np.nan), ("rot_2", np.nan), ("opacity", np.nan), ("f_dc_0", -np.inf)],
)
def test_a_broken_splat_is_left_out_and_counted(tmp_path, column, value):
    columns = splat_columns()
    columns[column][5] = value
    given = read_given(write(tmp_path / "a.ply", columns, {}), (Splats,))
    assert len(given.value) == len(BALL) - 1 and given.warnings[0].startswith(f"1 of {len(BALL)} splats in a.ply are broken")
    assert all(np.isfinite(getattr(given.value, name)).all() for name in ("means", "quats", "log_scales", "opacity_logits", "sh"))


@pytest.mark.parametrize(("column", "value"), [("opacity", np.inf), ("opacity", -np.inf), ("scale_1", -np.inf)])
def test_infinities_that_mean_something_are_kept_as_large_numbers(tmp_path, column, value):
    columns = splat_columns()
    columns[column][5] = value
    splats, broken = read_all(write(tmp_path / "a.ply", columns, {}))
    assert broken == 0 and np.isfinite(splats.opacity_logits).all() and np.isfinite(splats.log_scales).all()
    assert np.sign(splats.opacity_logits[5]) == (np.sign(value) if column == "opacity" else 1)


def test_a_file_of_no_splats_or_of_broken_ones_alone_is_an_error(tmp_path):
    with pytest.raises(ReifyError, match="it is empty"):
        read_all(write(tmp_path / "a.ply", splat_columns(BALL[:0]), {}))
    with pytest.raises(ReifyError, match="All 2 splats"):
        read_all(write(tmp_path / "b.ply", splat_columns(np.full((2, 3), np.nan)), {}))


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize(("kind", "white"), [("uchar", 255), ("float", 1), ("float", 255), ("ushort", 65535)])
def test_splats_with_a_plain_color_in_place_of_harmonics_have_that_color(tmp_path, names, kind, white):
    columns = {name: column for name, column in splat_columns().items() if not name.startswith("f_dc")}
    columns |= dict(zip(names, white * SRGB.T, strict=True))
    splats, _ = read_all(write(tmp_path / "a.ply", columns, {name: kind for name in names}))
    assert splats.sh.shape == (len(BALL), 1, 3) and np.abs(0.5 + SH_C0 * splats.sh[:, 0] - SRGB).max() < 0.005


@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize("name", ["scale_0", "scale"])
def test_splats_of_one_scale_are_balls(tmp_path, name, turned):
    left_out = ("scale",) if turned else ("scale", "rot")
    columns = {key: column for key, column in splat_columns().items() if not key.startswith(left_out)} | {name: np.full(len(BALL), -2.0)}
    splats, _ = read_all(write(tmp_path / "a.ply", columns, {}))
    assert not splats.surfels and (splats.log_scales == -2).all() and (splats.quats == [1, 0, 0, 0]).all()


def test_mip_splattings_3d_filter_widens_splats_and_makes_them_fainter(tmp_path):
    columns = splat_columns() | {"filter_3D": np.full(len(BALL), 0.1)}
    splats, _ = read_all(write(tmp_path / "a.ply", columns, {}))
    square = np.exp(-6.0)
    assert np.allclose(np.exp(2 * splats.log_scales), square + 0.01, rtol=1e-4) and splats.antialiased
    opacity = 1 / (1 + np.exp(-4.0)) * (square / (square + 0.01)) ** 1.5
    assert np.allclose(1 / (1 + np.exp(-splats.opacity_logits)), opacity, rtol=1e-4)


@pytest.mark.parametrize(
    ("comments", "expected"),
    [
        (["antialiased"], True), (["antialiased 1"], True), (["Antialiased: true"], True), (["antialiased=0"], False),
        (["Exported from Brush", "SplatRenderMode: mip"], True), (["SplatRenderMode: default"], False), (["anti-aliased yes"], True),
        (["rasterize_mode: antialiased"], True), (["rasterize_mode: classic"], False), (["not antialiased at all"], False), ([], False),
        (["mip-splatting"], True), ([""], False),
    ],
)  # fmt: skip
def test_other_programs_words_for_antialiasing_are_understood(comments, expected):
    assert is_antialiased(tuple(comments)) == expected
