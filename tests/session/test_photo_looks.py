"""The look at photos before the start, as the panel asks for it."""

from __future__ import annotations

import pytest
from reify.tests.capture.test_quality import photos, wall  # noqa: F401

pytestmark = pytest.mark.blender


def test_a_look_gives_names_small_pictures_and_what_to_do(wall, tmp_path):  # noqa: F811
    from PIL import ImageFilter
    from reify.session import photo_looks

    folder = photos(wall, tmp_path / "wall", p2=lambda picture: picture.filter(ImageFilter.GaussianBlur(2.0)))
    found = photo_looks.look((folder,))
    assert found.names[found.weak[0]] == "p2.png" and len(found.paths) == 9 and len(found.weak) == 1
    assert all(max(picture.shape[:2]) == 96 for picture in found.thumbnails)
    assert found.sentences == ("Photos that are blurred: 1 of 9 (p2.png). Take them again with a shorter exposure, or leave them out.",)


def test_panels_ask_without_a_thread_in_background_and_get_what_is_known(registered, tmp_path):
    from reify.session import photo_looks

    assert photo_looks.of((tmp_path,)) is None
    photo_looks.show((tmp_path,), photo_looks.Overview())
    assert photo_looks.is_known((tmp_path,)) and not photo_looks.is_known((tmp_path / "other",))
