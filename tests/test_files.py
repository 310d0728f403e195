"""Files are written whole or not at all, and whatever ends early never gets its name."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from reify.backend import files, folders, whole
from reify.backend.errors import ReifyError
from reify.backend.files import write_text, writing

limits = pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of files")


def test_what_fails_halfway_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(ZeroDivisionError), writing(tmp_path / "a.txt") as partial:
        partial.write_text("ne")
        raise ZeroDivisionError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]


def test_what_was_written_beside_comes_along(tmp_path: Path) -> None:
    with writing(tmp_path / "a.obj") as partial:
        partial.write_text("mtllib a.mtl\n")
        partial.with_suffix(".mtl").write_text("newmtl a\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mtl", "a.obj"]


def test_nothing_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReifyError, match="came out incomplete"), writing(tmp_path / "a.txt"):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links_where_half_written_files_used_to_stand_lead_nowhere(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"a fox")
    for name in ("a.json.partial", "a.json"):
        (tmp_path / name).symlink_to(photo)
    write_text(tmp_path / "a.json", "{}")
    assert photo.read_bytes() == b"a fox" and (tmp_path / "a.json").read_text() == "{}"


def test_two_may_write_one_file_and_each_writes_it_whole(tmp_path: Path) -> None:
    with writing(tmp_path / "a.txt") as one, writing(tmp_path / "a.txt") as other:
        one.write_text("one" * 1000)
        other.write_text("other")
    assert (tmp_path / "a.txt").read_text() == "one" * 1000


def examples(folder: Path) -> list[Path]:
    """A small file of each kind that Python writes."""
    from reify.backend.formats.images import write_jpeg, write_png
    from reify.backend.formats.ply import write_vertices

    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    write_png(folder / "a.png", picture)
    write_jpeg(folder / "a.jpg", picture)
    write_vertices(folder / "a.ply", {"x": np.arange(5.0, dtype=np.float32), "red": np.arange(5, dtype=np.uint8)}, ("made by a test",))
    write_text(folder / "a.obj", "v 0 0 0\nf 1 1 1\n")
    return sorted(folder.iterdir())


def test_a_file_that_was_cut_off_anywhere_is_not_whole(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    (tmp_path / "made").mkdir()
    for path in examples(tmp_path / "made"):
        whole.check(path)
        content, cut = path.read_bytes(), tmp_path / path.name
        ends = [i for i in range(len(content)) if path.suffix != ".obj" or content[i - 1 : i] != b"\n"]  # text has no other end
        for size in ends:
            cut.write_bytes(content[:size])
            with pytest.raises(ValueError, match="ends early"):
                whole.check(cut)


@limits
@pytest.mark.parametrize("kind", ["png", "jpg", "ply"])
def test_a_disk_that_fills_up_is_said_in_one_sentence_and_leaves_no_file(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("PIL")
    script = f"""
import resource, sys
import numpy as np
from pathlib import Path
from reify.backend.errors import ReifyError
from reify.backend.formats.images import write_jpeg, write_png
from reify.backend.formats.ply import write_vertices

path, picture = Path(sys.argv[1]), np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
write = dict(png=lambda: write_png(path, picture), jpg=lambda: write_jpeg(path, picture),
             ply=lambda: write_vertices(path, dict(x=np.zeros(100_000, np.float32))))["{kind}"]
for size in (200, 5_000, 20_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        write()
    except ReifyError as error:
        print(error.what)
"""
    place = tmp_path / "out"
    place.mkdir()
    done = subprocess.run([sys.executable, "-c", script, str(place / f"a.{kind}")], capture_output=True, text=True)
    said = done.stdout.splitlines()
    assert done.returncode == 0 and len(said) == 3 and all("couldn't be written" in line or "incomplete" in line for line in said), done
    assert not list(place.iterdir())


def test_a_full_disk_is_called_full_even_by_what_does_not_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LEAST_FREE", 1 << 62)
    with pytest.raises(ReifyError, match="The disk is full"), writing(tmp_path / "a.png") as partial:
        partial.write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ReifyError, match="The disk is full"), writing(tmp_path / "a.png"):
        raise OSError("100 requested and 50 written")
    assert not list(tmp_path.iterdir())


KILLED = """
import sys, time
from pathlib import Path
from reify.backend.files import writing
with writing(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    partial.parent.with_suffix(".blend").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    children = [subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "a.txt")], stdout=subprocess.PIPE) for _ in range(2)]
    mine = tmp_path / ".reify-of-mine"
    mine.mkdir()
    try:
        for child in children:
            assert child.stdout is not None and child.stdout.readline() == b"writing\n"
        children[0].kill()
        children[0].wait()
        for path in tmp_path.iterdir():
            os.utime(path, (time.time() - 60,) * 2)
        assert len(list(tmp_path.iterdir())) == 5
        folders.sweep(tmp_path)
        assert len(list(tmp_path.iterdir())) == 3 and mine.is_dir(), "the living one's two, and the user's"
    finally:
        for child in children:
            child.kill()
            child.wait()
    folders.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [mine]


def test_json_of_a_report_comes_back(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "report.json", json.dumps({"psnr": 1.0}))
    assert json.loads((tmp_path / "deep" / "report.json").read_text()) == {"psnr": 1.0}


@pytest.mark.parametrize(
    ("number", "winerror", "said"),
    [
        (errno.EACCES, 5, "another program has it open"),  # replacing an open file
        (errno.EACCES, 32, "another program has it open"),
        (errno.ENOENT, 206, "a longer name than the system takes"),
        (errno.ENAMETOOLONG, None, "a longer name than the system takes"),
        (errno.EACCES, None, "no permission"),
    ],
)
def test_what_windows_refuses_is_said_with_the_way_out(tmp_path: Path, number: int, winerror: int | None, said: str) -> None:
    (tmp_path / "a.ply").write_text("open in a viewer")
    error = OSError(number, "refused")
    error.winerror = winerror  # type: ignore[attr-defined]
    assert said in files.refusal(tmp_path / "a.ply", error).what


def test_a_name_that_is_too_long_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReifyError, match="a longer name than the system takes"):
        files.write_text(tmp_path / ("a" * 300 + ".json"), "{}")
