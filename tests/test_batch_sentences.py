"""A file of sentences: a folder for each line, kept the next time, and one that can't be made doesn't stop the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from reify import cli


def batch(folder: Path, text: str, *flags: str) -> int:
    (folder / "sentences.txt").write_text(text, encoding="utf-8")
    return cli.main(["batch", "text", str(folder / "sentences.txt"), "-o", str(folder / "out"), "--write", "said.json", *flags])


def summary(folder: Path) -> dict[str, object]:
    return json.loads((folder / "out" / "batch.json").read_text())


def test_each_line_becomes_a_folder_and_is_kept_the_next_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "# block-outs\na red apple on a table\n\nein Apfel auf dem Tisch\ntwo cats: beside a tree\n"
    assert batch(tmp_path, text) == cli.BAD_INPUT
    found = summary(tmp_path)
    assert (found["done"], found["failed"], found["kept"]) == (2, 1, 0)
    assert [one["name"] for one in found["captures"]] == [
        "1 a red apple on a table",
        "2 ein Apfel auf dem Tisch",
        "3 two cats beside a tree",
    ]
    assert "English" in found["captures"][1]["error"]
    report = json.loads((tmp_path / "out" / "3 two cats beside a tree" / "report.json").read_text())
    assert report["settings"]["text"] == "two cats: beside a tree" and report["metrics"]["things"] == 3
    batch(tmp_path, text)
    assert summary(tmp_path)["kept"] == 2
    batch(tmp_path, text, "--seed", "1")
    assert summary(tmp_path)["kept"] == 0
    capsys.readouterr()


@pytest.mark.parametrize(("text", "said"), [("# nothing\n\n", "holds no sentences")])
def test_a_file_without_sentences_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    assert batch(tmp_path, text) == cli.BAD_INPUT
    assert said in capsys.readouterr().err


def test_a_file_that_is_missing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["batch", "text", str(tmp_path / "none.txt"), "-o", str(tmp_path / "out")]) == cli.BAD_INPUT
    assert "can't be read as text" in capsys.readouterr().err
