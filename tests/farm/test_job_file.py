"""Jobs as JSON files, through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from reify import cli
from reify.farm.job_file import read_order

Captures = Callable[..., Path]


def test_a_saved_job_does_what_the_flags_would_have_done(captures: Captures, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fox, job = captures(fox=("a.jpg",)) / "fox", tmp_path / "fuchs 🦊.json"
    flags = ["run", "photos", str(fox), "-o", str(tmp_path / "out.ply"), "--preset", "Many", "--round", "--seed", "7", "--name", "Fox"]
    assert cli.main(flags) == cli.DONE
    expected = json.loads(capsys.readouterr().out)
    (tmp_path / "out.ply").unlink()
    assert cli.main([*flags, "--save-job", str(job)]) == cli.DONE
    assert not (tmp_path / "out.ply").exists() and not capsys.readouterr().out
    assert cli.main(["run", str(job)]) == cli.DONE
    printed = json.loads(capsys.readouterr().out)
    same = ("method", "settings", "seed", "inputs", "metrics", "versions")
    assert {key: printed[key] for key in same} == {key: expected[key] for key in same}
    assert b"element vertex 50" in (tmp_path / "out.ply").read_bytes()[:400]


def test_a_job_written_by_hand_counts_paths_from_its_own_folder(captures: Captures, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = captures(fox=("a.jpg",))
    job = folder / "job.json"
    job.write_text('{"method": "photos", "inputs": ["fox"], "outputs": ["fox.ply"], "settings": {"number": 5}}')
    monkeypatch.chdir("/")
    order = read_order(job)
    assert order.sources == (folder / "fox",) and order.outputs == (folder / "fox.ply",)
    assert cli.main(["run", str(job)]) == cli.DONE
    assert b"element vertex 5\n" in (folder / "fox.ply").read_bytes()[:400]


GOOD = '"inputs": ["fox"], "outputs": ["fox.ply"]'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "isn't valid JSON: Expecting property name enclosed in double quotes in line 1, column 2"),
        ("[1]", "holds no job"),
        (f"{{{GOOD}}}", "doesn't say its method"),
        ('{"method": "photos", "inputs": [], "outputs": ["a.ply"]}', "doesn't say its inputs"),
        (f'{{"method": "lines", {GOOD}}}', "no method called 'lines'"),
        (f'{{"method": "photos", {GOOD}, "preset": "None"}}', "no preset called 'None'"),
        (f'{{"method": "photos", {GOOD}, "settings": {{"sharp": 1}}}}', "no setting called 'sharp'"),
        (f'{{"method": "photos", {GOOD}, "settings": {{"number": 1000}}}}', "from 1 to 100"),
        (f'{{"method": "photos", {GOOD}, "settings": {{"number": "few"}}}}', "'few', which is no int"),
        (f'{{"method": "photos", {GOOD}, "seed": "x"}}', "It must be a whole number"),
        ('{"method": "photos", "inputs": "fox", "outputs": ["a.ply"]}', "It must be a list of paths"),
        (f'{{"method": "photos", {GOOD}, "sead": 3}}', "unknown entry 'sead'"),
        ('{"method": "photos", "inputs": ["fox"], "outputs": ["fox.xyz"]}', "an ending that Reify can't write"),
        ('{"method": "photos", "inputs": ["fox"], "outputs": ["fox.glb"]}', "Dots makes no mesh"),
    ],
)
def test_a_job_that_cannot_be_done_gets_a_sentence(text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "job.json").write_text(text)
    assert cli.main(["run", str(tmp_path / "job.json")]) == cli.BAD_INPUT
    shown = capsys.readouterr()
    assert said in shown.err and "Traceback" not in shown.err and not shown.out
    assert [path.name for path in tmp_path.iterdir()] == ["job.json"]


def test_a_job_file_that_is_not_there_or_is_no_text_gets_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", str(tmp_path / "none.json")]) == cli.BAD_INPUT
    assert "none.json can't be read: No such file" in capsys.readouterr().err
    (tmp_path / "picture.json").write_bytes(b"\xff\xd8\xff")
    assert cli.main(["run", str(tmp_path / "picture.json")]) == cli.BAD_INPUT
    assert "isn't a text file" in capsys.readouterr().err
