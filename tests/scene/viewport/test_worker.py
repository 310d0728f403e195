from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from reify.tests.scene.viewport.subject import bumpy_ball

pytest.importorskip("numba")
pytestmark = pytest.mark.blender


@pytest.fixture
def wish():
    pytest.importorskip("bpy")
    from reify.scene.viewport.clouds import Cloud, Shown
    from reify.scene.viewport.worker import Wish
    from reify.tests.splats.test_scene_rasterizer import view

    splats = bumpy_ball(500)
    opacity = 1 / (1 + np.exp(-splats.opacity_logits))
    arrays = {"position": splats.means, "rotation": splats.quats, "scale": np.exp(splats.log_scales)}
    arrays["radiance:base"] = np.column_stack((splats.sh[:, 0], opacity))
    shown = (Shown(Cloud(arrays, 500, False, False), "S", np.eye(4)),)
    return lambda step: Wish(shown, view(), step, 1.0)


def test_only_the_newest_wish_of_a_screen_is_drawn_and_every_screen_gets_its_turn(wish):
    from reify.backend.splats.rasterizers import of_scene
    from reify.scene.viewport.worker import Worker

    worker = Worker(of_scene)
    tickets = [worker.ask(screen, wish(step)) for step in (4, 3, 2) for screen in "ab"]
    last = {"a": tickets[-2], "b": tickets[-1]}
    found, end = {}, time.monotonic() + 60
    while {screen: ticket for screen, (ticket, _wish, _picture) in found.items()} != last:
        assert time.monotonic() < end, worker.problem
        found |= {screen: taken for screen in worker.ready() if (taken := worker.take(screen))}
        time.sleep(0.01)
    assert all(wish.step == 2 for _ticket, wish, _picture in found.values())
    assert worker.works and worker.take("a") is None
    worker.end()


def test_what_cannot_be_drawn_is_said_and_the_next_picture_drawn(wish):
    from reify.backend.splats.rasterizers import of_scene
    from reify.scene.viewport.worker import Worker

    worker = Worker(of_scene)
    worker.ask("a", wish(0))
    end = time.monotonic() + 60
    while not worker.problem:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert "ZeroDivisionError" in worker.problem
    worker.ask("a", wish(1))
    while worker.take("a") is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert not worker.problem
    worker.end()


def test_ending_leaves_no_thread(wish):
    from reify.backend.splats.rasterizers import of_scene
    from reify.scene.viewport.worker import Worker

    before = set(threading.enumerate())
    worker = Worker(of_scene)
    worker.ask("a", wish(2))
    worker.end()
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(5)
    assert not any(thread.is_alive() for thread in left)
