"""No output overwrites an input, or another output."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from reify import api
from reify.backend import outputs, reading
from reify.backend.errors import ReifyError
from reify.backend.values import Report, Result


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a mesh, a capture and a folder for results."""
    for name in ("photos/deep", "out", "other"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("bob.obj", "other/bob.obj", "photos/scan.ply", "photos/deep/mesh.glb", "bob_LOD2.glb"):
        (tmp_path / name).write_bytes(b"of the user")
    return tmp_path


@pytest.mark.parametrize(
    ("made", "of", "said"),
    [
        (["bob.obj"], ["bob.obj"], "bob.obj is an input"),
        (["out/../bob.obj"], ["bob.obj"], "bob.obj is an input"),
        (["BOB.obj"], ["bob.obj"], "BOB.obj is an input"),
        (["photos/scan.ply"], ["photos"], "among the inputs"),
        (["photos/deep/mesh.glb"], ["photos"], "among the inputs"),
        (["out/a.glb", "out/a.glb"], ["photos"], "written twice"),
        (["out/a.blend", "out/A.blend"], ["photos"], "written twice"),
        (["bob.glb"], ["bob_LOD2.glb"], "level of detail"),
    ],
)
def test_what_would_overwrite_something_is_refused(place: Path, made: list[str], of: list[str], said: str) -> None:
    with pytest.raises(ReifyError, match=said):
        outputs.check([place / name for name in made], [place / name for name in of])


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_an_input_by_another_name_is_an_input(place: Path) -> None:
    (place / "link.obj").symlink_to(place / "bob.obj")
    (place / "ways").symlink_to(place / "photos", target_is_directory=True)
    with pytest.raises(ReifyError, match="is an input"):
        outputs.check([place / "link.obj"], [place / "bob.obj"])
    with pytest.raises(ReifyError, match="among the inputs"):
        outputs.check([place / "ways" / "deep" / "mesh.glb"], [place / "photos"])


def test_a_scene_may_lie_beside_its_photos_and_files_where_nothing_is_lost(place: Path) -> None:
    (place / "photos" / "scene.blend").touch()
    outputs.check(
        [place / "photos" / "scene.blend", place / "photos" / "new.glb", place / "out" / "a.glb", place / "out" / "a.obj"],
        [place / "photos"],
    )
    outputs.check([place / "bob.glb", place / "bobby_LOD2.glb"], [place / "bob.obj"])
    outputs.check([place / "out" / "all.blend"], [place / "bob.obj", place / "other" / "bob.obj"], ["bob", "bob"])


def test_two_results_of_one_name_are_refused_before_one_overwrites_the_other(place: Path) -> None:
    for names in (["bob", "bob"], ["Bob", "bob"], ["a/b", "a:b"]):
        with pytest.raises(ReifyError, match="Two results would be written to"):
            outputs.check([place / "out" / "all.glb"], [place / "bob.obj", place / "other" / "bob.obj"], names)
    outputs.check([place / "out" / "all.glb"], [place / "bob.obj"], ["bob", "rob"])


def test_from_python_too_nothing_is_written_over_what_a_result_was_made_of(place: Path) -> None:
    result = Result("bob", Report(inputs={str(place / "bob.json"): "ab"}))
    (place / "bob.json").write_bytes(b"of the user")
    with pytest.raises(ReifyError, match="bob.json is an input"):
        api.write(result, place / "bob.json")
    with pytest.raises(ReifyError, match="Two results"):
        api.write([result, Result("bob", Report(inputs={str(place / "other" / "bob.png"): "cd"}))], place / "out" / "bob.json")
    assert (place / "bob.json").read_bytes() == b"of the user" and not list((place / "out").iterdir())


def test_a_name_of_several_parts_stays_in_the_folder(place: Path) -> None:
    assert outputs.path_of(place / "out" / "a.glb", "../../photos\0", several=True).parent == place / "out"


def test_an_output_by_the_name_of_a_device_is_refused_on_windows(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs.check([place / "aux.ply"], [place / "bob.obj"])
    monkeypatch.setattr(outputs, "is_device", lambda name: reading.is_device(name, windows=True))
    with pytest.raises(ReifyError, match="aux.ply is a name that Windows keeps"):
        outputs.check([place / "aux.ply"], [place / "bob.obj"])
