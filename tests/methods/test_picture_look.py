from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.bodies.from_pictures import Settings
from reify.backend.methods import _picture_look
from reify.backend.methods._picture_look import Looker

from ..pictures.shapes import butterfly, disc, pictured, rectangle
from .test_image import write

AUTO = Settings()


def test_a_look_shows_what_is_cut_away_and_says_which_method_and_why(tmp_path: Path) -> None:
    look = Looker().look([write(tmp_path, pictured(butterfly()))], AUTO)
    assert look.reason == "Inflate, because the outline is free and has 2 holes."
    assert "transparency" in look.notes[0]
    inside, outside = butterfly() > 0.99, butterfly() < 0.01
    assert (look.overlay[inside] == pictured(butterfly()).srgb[inside]).all()
    assert (look.overlay[outside].astype(int)[:, 0] >= 100).all()
    assert 500 < len(look.mesh.faces) < 8000 and not look.problem


def test_what_a_setting_does_not_touch_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, looker, done = write(tmp_path, pictured(butterfly())), Looker(), []
    for name in ("read_picture", "found_in", "finished", "chosen_for"):
        whole = getattr(_picture_look, name)
        monkeypatch.setattr(_picture_look, name, lambda *given, name=name, whole=whole: (done.append(name), whole(*given))[1])
    looker.look([path], AUTO)
    assert done == ["read_picture", "found_in", "finished", "chosen_for"]
    done.clear()
    thin = looker.look([path], replace(AUTO, inflate=replace(AUTO.inflate, thickness=0.2)))
    assert not done and np.ptp(thin.mesh.vertices[:, 1]) < 0.2
    grown = looker.look([path], replace(AUTO, cutout=replace(AUTO.cutout, grow_px=-3.0)))
    assert done == ["finished", "chosen_for"] and "cut-out" in grown.notes[0].lower()


def test_pixels_of_settings_are_those_of_the_whole_picture(tmp_path: Path) -> None:
    path = write(tmp_path, pictured(disc(1000, 400)))
    shrunk = replace(AUTO, cutout=replace(AUTO.cutout, grow_px=-200.0))
    wide, narrow = (np.ptp(Looker(200).look([path], settings).mesh.uvs[..., 0]) for settings in (AUTO, shrunk))
    assert Looker(200).look([path], shrunk).overlay[100, 50, 0] > 100 > Looker(200).look([path], AUTO).overlay[100, 50, 0]
    assert narrow == pytest.approx(wide, abs=0.1)  # the texture is cut to the subject
    box = replace(AUTO, cutout=replace(AUTO.cutout, by="grabcut", box="500 0 1000 1000"))
    assert (Looker(200).look([path], box).overlay[:, :98, 0] > 80).all()


def test_the_views_of_a_turnaround_are_looked_at_together_and_other_pictures_one_by_one(tmp_path: Path) -> None:
    side = write(tmp_path, pictured(rectangle(160, 240, 60, 30)), "hero_side.png")
    front = write(tmp_path, pictured(rectangle(160, 240, 40, 30)), "hero_front.png")
    together = Looker().look([side, front], replace(AUTO, method="turnaround"))
    assert together.overlay.shape == (240, 320, 3)
    assert np.ptp(together.mesh.vertices, axis=0) == pytest.approx([80 / 180, 40 / 180, 1.0], abs=0.05)
    assert Looker().look([side, front], replace(AUTO, method="inflate")).overlay.shape == (240, 160, 3)
    assert "needs a side or a top view" in Looker().look([front], replace(AUTO, method="turnaround")).problem


def test_what_is_wrong_with_a_picture_is_a_sentence_and_the_next_one_is_looked_at(tmp_path: Path) -> None:
    looker = Looker()
    (tmp_path / "broken.png").write_bytes(b"nothing")
    Image.new("RGB", (50, 50), "white").save(tmp_path / "white.png")
    for name, said in (("broken.png", "broken.png"), ("gone.png", "gone.png"), ("white.png", "Nothing is left of white")):
        look = looker.look([tmp_path / name], AUTO)
        assert said in look.problem and look.mesh is None
    assert looker.look([write(tmp_path, pictured(disc()))], AUTO).mesh is not None


def test_a_picture_that_was_painted_over_is_read_again(tmp_path: Path) -> None:
    looker, path = Looker(), write(tmp_path, pictured(disc()))
    first = looker.look([path], AUTO).overlay
    write(tmp_path, pictured(rectangle()))
    path.touch()
    assert looker.look([path], AUTO).overlay.shape != first.shape
