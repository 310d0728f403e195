"""`reify convert`, and the same from Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reify import api, cli
from reify.backend.errors import ReifyError
from reify.backend.formats.given import read_splats
from reify.backend.formats.points_ply import read_points_ply
from reify.backend.formats.splat_files import FORMATS, write_splats
from reify.backend.formats.splat_levels import importance, level_path, levels
from reify.tests.formats.tables import BALL, splat_columns, write
from reify.tests.formats.test_splat_files import sample


def test_a_file_is_converted_by_the_endings_and_stands_upright_in_both(tmp_path, capsys):
    splats = sample(3)
    write_splats(splats, tmp_path / "a.ply")
    assert cli.main(["convert", str(tmp_path / "a.ply"), str(tmp_path / "b.glb")]) == 0
    assert cli.main(["convert", str(tmp_path / "b.glb"), str(tmp_path / "c.ply"), "--up-to", "z"]) == 0
    again = read_splats(tmp_path / "c.ply").value
    assert np.allclose(again.means, splats.means, atol=1e-6) and np.allclose(again.sh, splats.sh, atol=1e-5)
    assert capsys.readouterr().out.split() == [str(tmp_path / "b.glb"), str(tmp_path / "c.ply")]


def test_many_files_go_into_a_folder_in_the_format_that_is_named(tmp_path, capsys):
    for name in ("a.ply", "b.splat"):
        write_splats(sample(0), tmp_path / name)
    sources = [str(tmp_path / "a.ply"), str(tmp_path / "b.splat")]
    assert cli.main(["convert", *sources, str(tmp_path / "out")]) == 3 and "Name a folder and --to" in capsys.readouterr().err
    assert cli.main(["convert", *sources, str(tmp_path / "out"), "--to", ".spz"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.spz", "b.spz"]


def test_what_a_format_can_t_hold_is_said(tmp_path, capsys):
    write_splats(sample(4), tmp_path / "a.ply")
    assert cli.main(["convert", str(tmp_path / "a.ply"), str(tmp_path / "a.splat")]) == 0
    assert "degree 0 at most" in capsys.readouterr().err
    assert cli.main(["convert", str(tmp_path / "a.ply"), str(tmp_path / "a.stl")]) == 3
    assert ".spz" in capsys.readouterr().err


def test_a_file_isn_t_converted_into_itself(tmp_path):
    write_splats(sample(0), tmp_path / "a.ply")
    with pytest.raises(ReifyError, match="a.ply is an input"):
        api.convert(tmp_path / "a.ply", tmp_path / "a.ply")


def test_levels_keep_their_share_of_the_splats_that_are_seen_most(tmp_path):
    splats = sample(1, 200)
    found = list(levels(splats, 3, 0.25))
    assert [len(each) for each in found] == [200, 50, 12]
    assert importance(found[2]).min() >= np.sort(importance(splats))[-12] - 1e-6
    write_splats(splats, tmp_path / "a.ply")
    api.convert(tmp_path / "a.ply", tmp_path / "b.compressed.ply", levels=2, share=0.1)
    assert len(read_splats(tmp_path / "b_LOD1.compressed.ply").value) == 20
    assert level_path(Path("x/fox.spz"), 2) == Path("x/fox_LOD2.spz") and level_path(Path("fox.spz"), 0) == Path("fox.spz")


def test_points_become_a_ply_file_and_nothing_else(tmp_path):
    np.savetxt(tmp_path / "scan.xyz", np.column_stack([BALL, np.round(255 * (BALL + 1) / 2)]))
    api.convert(tmp_path / "scan.xyz", tmp_path / "scan.ply")
    points = read_points_ply(tmp_path / "scan.ply")
    assert np.allclose(points.xyz, BALL, atol=1e-6) and points.rgb is not None
    with pytest.raises(ReifyError, match=r"scan.spz can't hold.*\.ply"):
        api.convert(tmp_path / "scan.xyz", tmp_path / "scan.spz")


def test_large_coordinates_stay_in_ply_and_are_said_to_be_lost_elsewhere(tmp_path):
    place = np.array([500123.25, 4649776.5, 312.0])
    source = write(tmp_path / "utm.ply", splat_columns(BALL + place), dict.fromkeys("xyz", "double"))
    assert api.convert(source, tmp_path / "again.ply") == ()
    again = read_splats(tmp_path / "again.ply")
    assert np.abs(again.value.means + again.offset - BALL - place).max() < 1e-4
    (said,) = api.convert(source, tmp_path / "again.spz")
    assert "taken off" in said
    assert np.abs(read_splats(tmp_path / "again.spz").value.means).max() < 20


def test_the_command_line_s_help_names_every_format(capsys):
    assert cli.main(["convert", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(one.endings[0] in shown for one in FORMATS)
