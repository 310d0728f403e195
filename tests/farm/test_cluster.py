"""A batch on a Ray cluster of two workers on this machine; one of them is killed while it works."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from reify import cli
from reify.backend.errors import ReifyError
from reify.backend.methods import all_methods
from reify.backend.orders import Order
from reify.farm.batch import Outcome, orders
from reify.farm.cluster import on_cluster, share

Captures = Callable[..., Path]


def test_a_capture_takes_a_card_and_its_cores_or_a_whole_machine() -> None:
    assert share([{"CPU": 64, "GPU": 4}, {"CPU": 16, "GPU": 2}, {"CPU": 8}]) == {"num_gpus": 1, "num_cpus": 8}
    assert share([{"CPU": 16}, {"CPU": 64}, {}]) == {"num_cpus": 16}
    assert share([{}]) == {"num_cpus": 1}


def test_without_ray_there_is_a_sentence(captures: Captures, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    folder = captures(a=("1.jpg",))
    assert cli.main(["batch", str(folder), "-o", str(folder.parent / "out"), "--address", "auto"]) == cli.BAD_INPUT
    assert "The package ray isn't installed" in capsys.readouterr().err


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    pytest.importorskip("ray", reason="ray isn't installed")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1, include_dashboard=False)
    cluster.wait_for_nodes()
    yield cluster.address
    cluster.shutdown()


def test_a_worker_that_is_killed_in_mid_run_loses_nothing(address: str, tmp_path: Path) -> None:
    def work(order: Order, keep: bool) -> Outcome:
        import os
        import time
        from pathlib import Path

        report = order.outputs[-1]
        (report.parent / f"{order.name}.{os.getpid()}.pid").write_text(os.environ["REIFY_CACHE"])
        if order.name == "b" and not (report.parent / "killed").exists():
            time.sleep(60)
        if order.name == "c":
            return Outcome(order.name, "failed", str(report.parent), error="c holds no photos.")
        Path(report).write_text("{}")
        return Outcome(order.name, "done", str(report.parent))

    killed: list[int] = []

    def kill_b() -> None:
        while not (found := list(tmp_path.glob("b.*.pid"))):
            time.sleep(0.05)
        (tmp_path / "killed").touch()
        killed.append(int(found[0].name.split(".")[1]))
        os.kill(killed[0], signal.SIGKILL)

    threading.Thread(target=kill_b, daemon=True).start()
    orders = [Order("photos", (tmp_path,), (tmp_path / f"{name}.json",), name=name) for name in "abcd"]
    said: list[str] = []
    outcomes = list(on_cluster(orders, address, cache=tmp_path / "cache", keep=True, say=said.append, work=work))
    assert {outcome.name: outcome.state for outcome in outcomes} == {"a": "done", "b": "done", "c": "failed", "d": "done"}
    assert killed and len(list(tmp_path.glob("b.*.pid"))) == 2
    assert len(list(tmp_path.glob("c.*.pid"))) == 1
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["a.json", "b.json", "d.json"]
    assert next(tmp_path.glob("a.*.pid")).read_text() == str(tmp_path / "cache")
    assert "Capture 4 of 4" in said[-1]


def test_a_machine_of_the_cluster_makes_captures_with_reify_itself(address: str, tmp_path: Path) -> None:
    (tmp_path / "captures" / "empty").mkdir(parents=True)
    settings = all_methods()["photos"].preset("Preview")
    todo = orders(tmp_path / "captures", tmp_path / "out", settings=settings, files=["scene.blend"])
    (outcome,) = on_cluster(todo, address, cache=tmp_path / "cache", keep=True, say=print)
    assert outcome.state == "failed" and outcome.expected
    assert "empty" in outcome.error and "photo" in outcome.error


def test_an_address_without_a_cluster_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray isn't installed")
    with pytest.raises(ReifyError, match="no Ray cluster at 127.0.0.1:9"):
        list(on_cluster([], "127.0.0.1:9", cache=tmp_path, keep=True, say=print))
