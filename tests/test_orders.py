"""Orders: the same from Python, the command line, batches and the panel, refused alike, and kept as JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from reify import api, cli
from reify.backend import methods, orders
from reify.backend.errors import ReifyError
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.ledger import Kept
from reify.backend.jobs.needs import Memory, Needs, Weights
from reify.backend.methods import Method, all_methods
from reify.backend.orders import FromObject, Order, Target
from reify.backend.values import Given, Photos, Points
from reify.tests.farm.conftest import Settings, run

PRESETS = {"Few": {}, "Many": {"number": 50}}
DOTS = Method("photos", "Dots", "Make some splats", (Photos,), ("splats",), Settings, run, PRESETS, ("Counting",))
REFUSED = "Dots needs packages that aren't installed: nowhere_to_be_found."


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch):
    """Makes a method the only one that there is."""

    def replaced(method: Method) -> None:
        for module in (methods, cli):
            monkeypatch.setattr(module, "all_methods", lambda: {"photos": method})

    return replaced


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    (tmp_path / "captures" / "fox").mkdir(parents=True)
    (tmp_path / "captures" / "fox" / "a.jpg").write_bytes(b"a")
    return tmp_path / "captures" / "fox"


def test_python_the_command_line_and_a_batch_run_the_same_job(offer, fox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("safetensors")
    offer(DOTS)
    made = api.make("photos", fox, preset="Many", settings={"round": True}, seed=7)
    flags = ["--preset", "Many", "--round", "--seed", "7"]
    assert cli.main(["run", "photos", str(fox), "-o", str(tmp_path / "a.json"), *flags]) == cli.DONE
    assert cli.main(["batch", str(fox.parent), "-o", str(tmp_path / "out"), "--write", "a.ply", *flags]) == cli.DONE
    written = [json.loads(path.read_text()) for path in (tmp_path / "a.json", tmp_path / "out" / "fox" / "report.json")]
    reports = [api.report_json(made.report), *written]
    same = ("method", "settings", "seed", "inputs", "metrics", "versions")
    first, *others = ({key: report[key] for key in same} for report in json.loads(json.dumps(reports)))
    assert others == [first, first]
    assert first["seed"] == 7 and first["settings"] == {"number": 50, "round": True}
    assert [report["cached"] for report in written] == [["Counting"], ["Counting"]], "the same stage was computed again"


def test_what_is_missing_is_said_by_all_of_them_before_anything_is_computed(
    offer, fox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(dataclasses.replace(DOTS, needs=Needs(packages=("nowhere_to_be_found",)), run=lambda *_: pytest.fail("it was started")))
    with pytest.raises(ReifyError, match=REFUSED):
        api.make("photos", fox)
    assert cli.main(["run", "photos", str(fox), "-o", str(tmp_path / "a.ply")]) == cli.BAD_INPUT
    assert REFUSED in capsys.readouterr().err
    assert cli.main(["batch", str(fox.parent), "-o", str(tmp_path / "out")]) == cli.BAD_INPUT
    assert REFUSED in capsys.readouterr().err and not (tmp_path / "out" / "batch.json").exists()


@pytest.mark.blender
def test_the_panel_says_it_too(offer, registered, fox: Path) -> None:
    import bpy

    offer(dataclasses.replace(DOTS, needs=Needs(packages=("nowhere_to_be_found",))))
    with pytest.raises(RuntimeError, match=REFUSED):
        bpy.ops.reify.create(method="photos", source=str(fox), preset="Few")


def test_memory_and_weights_are_asked_for_before_an_order_starts(offer, tmp_path: Path) -> None:
    offer(dataclasses.replace(DOTS, needs=lambda settings: Needs((), (Weights("net", 1, "MIT"),), Memory(settings.number << 30, "number"))))
    there = Environment(memory_bytes=20 << 30, user_folder=tmp_path)
    order = Order("photos", {"number": 40}, (tmp_path,))
    with pytest.raises(ReifyError, match="weights net"):
        orders.check(order, there)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "net").touch()
    if (free := Environment().free_memory()) > 20 << 30:
        pytest.skip(f"{free >> 30} GB are free")
    with pytest.raises(ReifyError, match="needs about 40.0 GB of memory"):
        orders.check(order, there)
    orders.check(dataclasses.replace(order, settings={"number": 1}), there)


def test_an_order_is_the_same_after_json_but_for_what_another_session_cannot_know() -> None:
    of = FromObject(7, "Ball", "/scene.blend", beside=True)
    order = Order(
        "mesh", {"faces": 100}, (Path("/captures/ball.glb"),), 3, "Ball", outputs=(Path("/out.glb"),), target=Target("Scene", "fox", of)
    )
    again = orders.from_plain(json.loads(json.dumps(orders.plain(order))))
    assert again == dataclasses.replace(order, target=Target("Scene", "fox", dataclasses.replace(of, uid=0)))
    assert orders.from_plain(orders.plain(dataclasses.replace(order, target=None))).target is None


SOUND = {"method": "mesh", "settings": {}, "sources": ["/a.glb"], "seed": 0, "name": "a", "outputs": [], "target": None}


@pytest.mark.parametrize(
    "stored",
    [
        {},
        [],
        {"method": "mesh"},
        {"inputs": {"type": "Nothing", "fields": {}}, "place": None},
        {**SOUND, "name": 5},
        {**SOUND, "sources": [5]},
        {**SOUND, "seed": "a"},
        {**SOUND, "settings": []},
        {**SOUND, "target": []},
        {**SOUND, "target": {"scene": "Scene", "of": "Ball"}},
        {**SOUND, "given": {"path": "/etc/passwd"}},
    ],
)
def test_what_is_no_order_raises(stored: Any) -> None:
    with pytest.raises(ValueError):
        orders.from_plain(stored)


def test_sources_that_make_several_results_are_several_orders(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    values = {"method": "inflate"}
    assert [one.sources for one in orders.one_by_one(Order("image", values, (tmp_path,)))] == [(tmp_path / "a.png",), (tmp_path / "b.png",)]
    views = Order("image", {"method": "turnaround"}, (tmp_path / "a.png", tmp_path / "b.png"))
    assert orders.one_by_one(views) == (views,)
    files = Order("mesh", {}, (Path("a.glb"), Path("b.glb")))
    assert [one.sources for one in orders.one_by_one(files)] == [(Path("a.glb"),), (Path("b.glb"),)]


def test_variants_are_an_order_for_each_seed_where_seeds_make_a_difference(tmp_path: Path) -> None:
    pictures = tuple(tmp_path / name for name in ("a.png", "b.png"))
    order = Order("image", {"method": "trellis"}, pictures, 7, variants=3)
    made = [(one.sources[0].name, one.seed, one.variants) for one in orders.one_by_one(order)]
    assert made == [(name, seed, 1) for name in ("a.png", "b.png") for seed in (7, 8, 9)]
    assert orders.from_plain(orders.plain(order)) == order
    for method in ("triposr", "inflate"):
        with pytest.raises(ReifyError, match="makes the same of every seed") as raised:
            orders.one_by_one(dataclasses.replace(order, settings={"method": method}))
        assert "TRELLIS" in raised.value.fix
        assert len(orders.one_by_one(dataclasses.replace(order, settings={"method": method}, variants=1))) == 2
    with pytest.raises(ReifyError, match="0 variants are none"):
        orders.one_by_one(dataclasses.replace(order, variants=0))


def test_variants_come_from_the_command_line_and_a_job_file_and_have_files_of_their_own(
    offer, fox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("safetensors")
    offer(dataclasses.replace(DOTS, varies=lambda settings: settings.round))
    out = tmp_path / "out.json"
    flags = ["run", "photos", str(fox), "-o", str(out), "--seed", "5", "--variants", "3"]
    assert cli.main(flags) == cli.BAD_INPUT and "the same of every seed" in capsys.readouterr().err
    assert cli.main([*flags, "--round"]) == cli.DONE
    written = {path.name: json.loads(path.read_text())["seed"] for path in tmp_path.glob("out*.json")}
    assert written == {"out-fox.json": 5, "out-fox v2.json": 6, "out-fox v3.json": 7}
    assert cli.main([*flags, "--round", "--save-job", str(tmp_path / "job.json")]) == cli.DONE
    assert json.loads((tmp_path / "job.json").read_text())["variants"] == 3
    assert [made.report.seed for made in api.make_all("photos", fox, settings={"round": True}, seed=2, variants=2)] == [2, 3]


def test_an_order_of_an_object_is_possible_as_long_as_what_it_held_is_known(tmp_path: Path) -> None:
    import numpy as np

    order = Order("surface", {})
    assert not order.possible
    assert dataclasses.replace(order, given=Kept(tmp_path)).possible
    with pytest.raises(ReifyError, match="can't be read any more"):
        Kept(tmp_path).load()
    given = Given(Points(np.zeros((3, 3), np.float32)), "dots")
    task = orders.task_of(dataclasses.replace(order, given=given), Environment())
    assert (task.title, task.context.given.name) == (all_methods()["surface"].title, "dots")
