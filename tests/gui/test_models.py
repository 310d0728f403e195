"""The Models panel in a real Blender with a window, and variants of a picture."""

from __future__ import annotations

import hashlib
import json
import threading

import numpy as np
import pytest

from ..networks.library.entries import content
from ..networks.library.server import Served, serving
from .test_window import warnings_in

pytestmark = [pytest.mark.gui, pytest.mark.slow]

NAME = "model.safetensors"


def test_weights_are_got_by_their_license_card_canceled_resumed_and_imported_and_variants_stand_side_by_side(blender) -> None:
    from PIL import Image

    published = content(1 << 20)
    folder = blender.folder / "studio"
    for made in (folder, blender.folder / "Pictures"):
        made.mkdir()
    (folder / NAME).write_bytes(published)
    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(blender.folder / "Pictures" / "figure.png")
    with serving(Served({"/tiny": published}, slowly=threading.Event())) as served:
        about = {"name": NAME, "bytes": len(published), "sha256": hashlib.sha256(published).hexdigest()}
        about |= {"address": f"{served.address}/tiny", "folder": blender.inside(folder)}
        (blender.folder / "entry.json").write_text(json.dumps(about))
        outcome = blender.play("models", timeout=900, compare=False)
    assert "hasn't been accepted" in outcome["refused"]
    assert outcome["canceled"] == "canceled" and 0 < outcome["loaded_bytes"] < len(published)
    assert served.asked[-1][1] == f"bytes={outcome['loaded_bytes']}-", "it began anew"
    assert outcome["here"] and outcome["removed"] and outcome["imported"]
    assert outcome["seeds"] == [3, 4, 5, 6] and len(outcome["meshes"]) == 4
    gaps = np.diff(outcome["places"])
    assert (gaps > 0.9 * max(outcome["widths"])).all(), "they stand in each other"
    assert not warnings_in(outcome["output"])
