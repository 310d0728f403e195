"""Job files of earlier versions can be carried out."""

from __future__ import annotations

import pytest
from reify.backend import orders
from reify.backend import settings as settings_of
from reify.farm.job_file import read_order

INPUTS = {"photos": "fox", "image": "mug.png", "mesh": "ball.glb", "surface": "splats.ply"}


@pytest.mark.parametrize("method", INPUTS)
def test_a_job_file_orders_what_it_did(method: str, files, wanted) -> None:
    order = read_order(files / "jobs" / f"{method}.json")
    found, settings = orders.resolved(order)
    assert found.id == method
    assert settings_of.values(settings) == settings_of.values(wanted[method])
    assert ([path.name for path in order.sources], [path.name for path in order.outputs]) == ([INPUTS[method]], ["out.glb"])
    assert (order.seed, order.name) == (3, "Mine")
