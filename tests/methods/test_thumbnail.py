"""The small pictures of results show them upright and in their colors."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.methods._thumbnail import PAPER, thumbnail
from reify.backend.values import Mesh, Report, Result

RED, BLUE = (0.9, 0.1, 0.1), (0.1, 0.1, 0.9)


def board(textured: bool) -> Mesh:
    """An upright board that faces the camera's side (-y), red in its upper half and blue in its lower one."""
    corners = np.array([(-1, 0, -1), (1, 0, -1), (-1, 0, 0), (1, 0, 0), (-1, 0, 0), (1, 0, 0), (-1, 0, 1), (1, 0, 1)], np.float32)
    faces = np.array([(0, 1, 3), (0, 3, 2), (4, 5, 7), (4, 7, 6)], np.int32)
    if not textured:
        return Mesh(corners, faces, vertex_srgb=np.array([BLUE] * 4 + [RED] * 4, np.float32))
    texture = np.zeros((2, 2, 3), np.uint8)
    texture[0], texture[1] = [int(255 * c) for c in RED], [int(255 * c) for c in BLUE]
    uvs = ((corners[:, [0, 2]] + 1) / 2)[faces].astype(np.float32)
    return Mesh(corners, faces, uvs=np.clip(uvs, 0.01, 0.99), textures={"base_color": texture})


@pytest.mark.parametrize("textured", [False, True])
def test_a_mesh_is_seen_upright_in_its_colors(textured):
    picture = thumbnail(Result("board", Report(), mesh=board(textured)), 64).astype(float)
    shown = np.abs(picture / 255 - PAPER).max(axis=2) > 0.1
    rows = np.flatnonzero(shown.any(axis=1))
    upper, lower = picture[rows[4]][shown[rows[4]]].mean(axis=0), picture[rows[-5]][shown[rows[-5]]].mean(axis=0)
    assert upper[0] > 2 * upper[2] and lower[2] > 2 * lower[0]
    assert 0.15 < shown.mean() < 0.9


def test_what_cannot_be_seen_has_no_picture():
    assert thumbnail(Result("nothing", Report())) is None
    flat = Mesh(np.zeros((3, 3), np.float32), np.array([(0, 1, 2)], np.int32))
    assert (thumbnail(Result("flat", Report(), mesh=flat), 16) == np.round(255 * np.array(PAPER))).all()
