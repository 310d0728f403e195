"""Whatever a file holds, reading it ends in a value or in an error that callers expect: soon, in bounded memory, and without a trace."""

from __future__ import annotations

import os
from typing import Any

import pytest
from reify.backend.formats import cameras, endings, splat_files
from reify.tests.hostile.campaign import attack, campaign
from reify.tests.hostile.mutations import mutated
from reify.tests.hostile.readers import READERS

COUNT = int(os.environ.get("REIFY_HOSTILE_COUNT", "200"))  # mutations of each file


@pytest.fixture(scope="session")
def faults() -> list[dict[str, Any]]:
    return campaign(COUNT)


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_gives_a_value_or_a_reason(faults: list[dict[str, Any]], name: str) -> None:
    own = [fault for fault in faults if fault["reader"] == name]
    assert not own, own[:3]


def test_a_seed_gives_the_same_damage_again() -> None:
    data = bytes(range(256)) * 4
    assert [mutated(data, seed) for seed in range(50)] == [mutated(data, seed) for seed in range(50)]
    assert len({mutated(data, seed) for seed in range(200)} - {data}) > 190


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        ("raise KeyError('a')", "traceback"),
        ("bytearray(2 << 30)", "memory"),
        ("[None for _ in range(400_000_000)]", "memory"),
        ("open('/tmp/reify-outside', 'w')", "outside"),
        ("__import__('pathlib').Path('/tmp/reify-outside').unlink(missing_ok=True)", "outside"),
        ("__import__('subprocess').run(['true'])", "outside"),
        ("__import__('os').abort()", "crash"),
    ],
)
def test_each_kind_of_harm_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path, harm: str, kind: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nfrom reify.tests.hostile import readers\n"
        "def make(folder):\n    (folder / 'a').write_bytes(b'sound')\n    return folder / 'a'\n"
        f"def read(path):\n    if path.read_bytes() != b'sound':\n        {harm}\n"
        "readers.READERS['harm'] = readers.Reader(make, read)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    assert {fault["kind"] for fault in attack(["harm"], 2)} == {kind}


def test_every_format_has_its_attack() -> None:
    written = {ending for one in splat_files.FORMATS if "pxr" not in one.packages for ending in one.endings}
    assert {f"splats {ending}" for ending in written} <= set(READERS)
    assert len(cameras.FORMATS) == len({"transforms.json", "COLMAP images.bin", "Polycam", "Record3D", "Stray Scanner", "Metashape",
                                        "RealityScan", "Bundler", "cameras.json"} & set(READERS))  # fmt: skip
    assert set(endings.SCANS) == {".las", ".laz"}
