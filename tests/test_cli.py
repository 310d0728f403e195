"""The command line and the Python API, driven by a small method of the tests' own."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from reify import api, cli
from reify.backend import methods
from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.methods import Method
from reify.backend.settings import group, option
from reify.backend.values import Photos, Result, Splats

pytest.importorskip("safetensors")  # for the cache of stages


@dataclass(frozen=True)
class Count:
    number: int = option(3, "How many splats", low=1, high=100)
    round: bool = option(False, "Whether they are round")


@dataclass(frozen=True)
class Settings:
    count: Count = group(Count, "Count")


def some_splats(count: int, *, job: Job) -> Splats:
    job.progress(0.5, "halfway", psnr=20.0)
    rows = np.ones((count, 1), np.float32)
    return Splats(rows * [1, 2, 3], rows * [1, 0, 0, 0], rows * [-3, -3, -3], rows[:, 0], np.ones((count, 1, 3), np.float32))


def run(photos: Photos, settings: Settings, job: Job) -> Result:
    if not photos.sources[0].exists():
        raise ReifyError(f"{photos.sources[0].name} isn't there.", "Choose another folder.")
    splats = job.stage("Counting", some_splats, settings.count.number)
    job.metric("splats", len(splats))
    return Result(photos.name or photos.sources[0].name, job.report, splats=splats)


def one_by_one(sources: Sequence[Path], settings: Settings) -> tuple[Photos, ...]:
    return tuple(Photos((source,)) for source in sources)


@pytest.fixture(autouse=True)
def _only_our_method(monkeypatch: pytest.MonkeyPatch) -> None:
    presets = {"Few": {}, "Many": {"count.number": 50}}
    ours = Method("dots", "Dots", "Make some splats", (Photos,), ("splats",), Settings, run, presets, ("Counting",), split=one_by_one)
    for module in (methods, cli):
        monkeypatch.setattr(module, "all_methods", lambda: {"dots": ours, "photos": replace(ours, id="photos")})


def test_a_run_writes_what_the_endings_ask_for_and_prints_one_json_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ply, report = tmp_path / "out.ply", tmp_path / "out.json"
    assert cli.main(["run", "dots", str(tmp_path), "-o", str(ply), "-o", str(report), "--preset", "Many", "--count-round"]) == cli.DONE
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(report.read_text())
    assert printed["metrics"]["splats"] == 50 and printed["settings"] == {"count.number": 50, "count.round": True}
    assert b"element vertex 50" in ply.read_bytes()[:400]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "out.ply"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "-o", "out.ply"], "nowhere isn't there."),
        ([".", "-o", "out.xyz"], "ending"),
        ([".", "-o", "missing/out.ply"], "Choose another folder"),
        ([".", "-o", "out.ply", "--count-number", "1000"], "Choose a value from 1 to 100."),
        ([".", "-o", "out.ply", "-o", "out.glb"], "Dots makes no mesh, which out.glb would hold.\nChoose one of: .blend .ply"),
        ([".", "-o", "out.png"], "Dots makes no comparison"),
    ],
)
def test_bad_input_gets_a_sentence_and_exit_code_3(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "dots", *arguments]) == cli.BAD_INPUT
    shown = capsys.readouterr()
    assert said in shown.err and "Traceback" not in shown.err and not shown.out
    assert "done in" not in shown.err and list(tmp_path.iterdir()) == []


def test_of_several_inputs_each_gets_its_files_and_one_that_fails_does_not_stop_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    sources = [str(tmp_path / name) for name in ("a", "missing", "b")]
    assert cli.main(["run", "dots", *sources, "-o", str(tmp_path / "out.ply")]) == cli.BAD_INPUT
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 2 and "missing isn't there." in shown.err
    assert sorted(path.name for path in tmp_path.glob("*.ply")) == ["out-a.ply", "out-b.ply"]


def test_a_wrong_flag_gets_usage_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "dots", ".", "-o", "a.ply", "--nonsense"]) == cli.USAGE
    assert "--nonsense" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_named_before_anything_is_computed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o500)
    assert cli.main(["run", "dots", ".", "-o", str(tmp_path / "out.ply")]) == cli.BAD_INPUT
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full to play a full disk")
def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = api.make("dots", tmp_path, keep=False)
    real_open = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: real_open(Path("/dev/full") if "out" in self.name else self, *a, **k))
    with pytest.raises(ReifyError, match="disk is full: .*out.ply") as caught:
        api.write(result, tmp_path / "out.ply")
    assert caught.value.fix
    assert not (tmp_path / "out.ply").exists()


def test_the_api_takes_settings_by_path_and_names_unknown_ones(tmp_path: Path) -> None:
    assert len(api.make("dots", tmp_path, settings={"count.number": 7}).splats) == 7
    assert len(api.make("dots", tmp_path, preset="Many").splats) == 50
    with pytest.raises(ReifyError, match="no setting called"):
        api.make("dots", tmp_path, settings={"number": 7})
    with pytest.raises(ReifyError, match="no preset called"):
        api.make("dots", tmp_path, preset="None")
    with pytest.raises(ReifyError, match="no method called"):
        api.make("lines", tmp_path)
    with pytest.raises(TypeError, match="no argument called 'presets'"):
        api.make("dots", tmp_path, presets="Many")  # type: ignore[call-arg]


def test_the_api_makes_one_result_of_each_source_as_the_command_line_does(tmp_path: Path) -> None:
    sources = [tmp_path / "a", tmp_path / "b"]
    for source in sources:
        source.mkdir()
    with pytest.raises(ReifyError, match="makes 2 results of these.*Call make_all"):
        api.make("dots", *sources, keep=False)
    assert [result.name for result in api.make_all("dots", *sources, keep=False)] == ["a", "b"]


def test_a_second_run_takes_the_finished_stage_from_the_cache(tmp_path: Path) -> None:
    api.make("dots", tmp_path, settings={"count.number": 9})
    assert api.make("dots", tmp_path, settings={"count.number": 9}).report.cached == ("Counting",)
    assert api.make("dots", tmp_path, settings={"count.number": 10}).report.cached == ()
    assert api.make("dots", tmp_path, settings={"count.number": 9}, keep=False).report.cached == ()
