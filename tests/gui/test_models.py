"""The Models panel in a real Blender with a window."""

from __future__ import annotations

import hashlib
import json
import threading
import time

import pytest

from ..networks.library.entries import content
from ..networks.library.server import Served, serving
from .test_window import warnings_in

pytestmark = [pytest.mark.gui, pytest.mark.slow]

NAME = "model.safetensors"


def until_resumed(served: Served) -> None:
    """Let the second half come once it is asked for by itself."""
    while not any(wanted for _path, wanted, _token in served.asked):
        time.sleep(0.1)
    assert served.slowly is not None
    served.slowly.set()


def test_weights_are_got_by_their_license_card_canceled_resumed_and_imported(blender) -> None:
    published = content(1 << 20)
    folder = blender.folder / "studio"
    folder.mkdir()
    (folder / NAME).write_bytes(published)
    with serving(Served({"/tiny": published}, slowly=threading.Event(), patience_s=90.0)) as served:
        threading.Thread(target=until_resumed, args=(served,), daemon=True).start()
        about = {"name": NAME, "bytes": len(published), "sha256": hashlib.sha256(published).hexdigest()}
        about |= {"address": f"{served.address}/tiny", "folder": blender.inside(folder)}
        (blender.folder / "entry.json").write_text(json.dumps(about))
        outcome = blender.play("models", timeout=900, compare=False)
    assert "hasn't been accepted" in outcome["refused"]
    assert outcome["canceled"] == "canceled" and 0 < outcome["loaded_bytes"] < len(published)
    assert served.asked[-1][1] == f"bytes={outcome['loaded_bytes']}-", "it began anew"
    assert outcome["here"] and outcome["removed"] and outcome["imported"]
    assert not warnings_in(outcome["output"])
