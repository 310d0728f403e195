"""A folder of captures, through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from reify import cli
from reify.backend import methods
from reify.backend.formats.splat_ply import read_splat_ply
from reify.backend.jobs.job import Job
from reify.backend.values import Photos, Result
from reify.tests.farm.conftest import Settings, some_splats

Captures = Callable[..., Path]


def batch(folder: Path, *flags: str) -> int:
    return cli.main(["batch", str(folder), "-o", str(folder.parent / "out"), "--write", "splats.ply", *flags])


def states(folder: Path) -> dict[str, str]:
    summary = json.loads((folder.parent / "out" / "batch.json").read_text())
    return {capture["name"]: capture["state"] for capture in summary["captures"]}


def test_each_folder_is_a_capture_and_one_that_fails_does_not_stop_the_rest(captures: Captures, capsys: pytest.CaptureFixture[str]) -> None:
    folder = captures(a=("1.jpg",), b=(), c=("1.jpg",))
    (folder / "notes.txt").write_text("not a capture")
    assert batch(folder) == cli.BAD_INPUT
    shown = capsys.readouterr()
    summary = json.loads(shown.out)
    assert summary == json.loads((folder.parent / "out" / "batch.json").read_text())
    assert (summary["done"], summary["kept"], summary["failed"]) == (2, 0, 1)
    assert states(folder) == {"a": "done", "b": "failed", "c": "done"}
    assert summary["captures"][1]["error"] == "b holds no photos. Choose another folder."
    assert summary["captures"][0]["metrics"] == {"splats": 3.0}
    assert "Capture 3 of 3: c" in shown.err
    assert sorted(path.name for path in (folder.parent / "out" / "c").iterdir()) == ["report.json", "splats.ply"]


def test_a_second_batch_keeps_what_is_finished_and_makes_what_changed(captures: Captures, capsys: pytest.CaptureFixture[str]) -> None:
    folder = captures(a=("1.jpg",), b=(), c=("1.jpg",))
    batch(folder)
    (folder / "b" / "1.jpg").write_bytes(b"now there is one")
    assert batch(folder) == cli.DONE
    assert states(folder) == {"a": "kept", "b": "done", "c": "kept"}
    (folder / "c" / "2.jpg").write_bytes(b"one more")
    (folder.parent / "out" / "b" / "splats.ply").unlink()
    assert batch(folder) == cli.DONE
    assert states(folder) == {"a": "kept", "b": "done", "c": "done"}
    assert batch(folder, "--number", "4") == cli.DONE
    assert states(folder) == {"a": "done", "b": "done", "c": "done"}


def test_a_capture_that_is_made_anew_and_fails_is_not_taken_for_finished(captures: Captures) -> None:
    folder = captures(a=("1.jpg",))
    assert batch(folder) == cli.DONE
    (folder / "a" / "fault.jpg").touch()
    assert batch(folder) == cli.UNEXPECTED
    (folder / "a" / "fault.jpg").unlink()
    assert batch(folder) == cli.DONE
    assert states(folder) == {"a": "done"}


def test_a_fault_of_the_program_in_one_capture_is_told_by_the_exit_code(captures: Captures) -> None:
    folder = captures(a=("fault.jpg",), b=("1.jpg",))
    assert batch(folder) == cli.UNEXPECTED
    assert states(folder) == {"a": "failed", "b": "done"}


def test_a_canceled_batch_stops_there_and_goes_on_the_next_time(captures: Captures) -> None:
    folder = captures(a=("1.jpg",), b=("cancel.jpg",), c=("1.jpg",))
    assert batch(folder) == cli.CANCELLED
    assert states(folder) == {"a": "done", "b": "canceled"}
    (folder / "b" / "cancel.jpg").rename(folder / "b" / "1.jpg")
    assert batch(folder) == cli.DONE
    assert states(folder) == {"a": "kept", "b": "done", "c": "done"}


@pytest.mark.parametrize(
    ("make", "flags", "said"),
    [
        (lambda folder: None, [], "captures can't be read"),
        (lambda folder: folder.mkdir(), [], "holds no folders"),
        (lambda folder: (folder / "a").mkdir(parents=True), ["--number", "1000"], "from 1 to 100"),
        (lambda folder: (folder / "a").mkdir(parents=True), ["--write", "../x.ply"], "is no file name"),
        (lambda folder: (folder / "a").mkdir(parents=True), ["--write", "x.abc"], "an ending that Reify can't write"),
        (lambda folder: (folder / "a").mkdir(parents=True), ["--write", "x.stl"], "Dots makes no mesh"),
    ],
)
def test_a_batch_that_cannot_start_gets_a_sentence(
    make: Callable[[Path], None], flags: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "captures")
    assert batch(tmp_path / "captures", *flags) == cli.BAD_INPUT
    assert said in capsys.readouterr().err


def test_where_each_picture_makes_a_result_each_is_a_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def one_by_one(sources: Sequence[Path], settings: Settings) -> tuple[Photos, ...]:
        files = [file for source in sources for file in (sorted(source.iterdir()) if source.is_dir() else (source,))]
        return (Photos(tuple(files)),) if settings.number == 7 else tuple(Photos((file,)) for file in files)

    def run(inputs: Photos, settings: Settings, job: Job) -> Result:
        return Result(inputs.name, job.report, splats=job.stage("Counting", some_splats, len(inputs.sources)))

    ours = replace(methods.all_methods()["photos"], run=run, split=one_by_one)
    for module in (methods, cli):
        monkeypatch.setattr(module, "all_methods", lambda: {"photos": ours})
    folder = tmp_path / "captures"
    for name in ("a/front.png", "a/side.png", "b/front.png"):
        (folder / "views" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "views" / name).write_bytes(name.encode())
    for name in ("a.png", "b.png", "b.jpg"):
        (folder / "drawings").mkdir(exist_ok=True)
        (folder / "drawings" / name).write_bytes(name.encode())
    assert batch(folder / "drawings") == cli.DONE
    assert states(folder / "drawings") == {"a": "done", "b.jpg": "done", "b.png": "done"}
    assert batch(folder / "views", "--number", "7") == cli.DONE
    assert states(folder / "views") == {"a": "done", "b": "done"}
    assert len(read_splat_ply(folder / "out" / "a" / "splats.ply")) == 2
    assert batch(folder / "views", "--number", "7") == cli.DONE
    assert states(folder / "views") == {"a": "kept", "b": "kept"}
