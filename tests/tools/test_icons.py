"""Drawings become things: a shape each, closed, details on what lies below them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from reify.backend.shapes.icons import LEVELS, Icon

pytest.importorskip("resvg_py")
pytest.importorskip("scipy")

FACE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><g fill="none"><circle cx="16" cy="16" r="12" fill="#FFB02E"/>'
    '<circle cx="16" cy="16" r="11" fill="#FFB02F"/><circle cx="12" cy="13" r="2.5" fill="#202020"/>'
    '<rect x="20" y="2" width="10" height="6" fill="#C03030"/></g></svg>'
)


def test_shapes_become_closed_bodies_and_an_eye_stands_out_on_both_sides() -> None:
    from reify.tools import icons

    made = icons.thing(FACE, Icon("face", 1.0))
    vertices, faces, slots = made["vertices"].astype(float) / LEVELS, made["faces"].astype(int), made["slots"].tolist()
    directed = Counter(
        edge
        for a, b, c, d in faces.tolist()
        for corners in [(a, b, c) if c == d else (a, b, c, d)]
        for edge in zip(corners, (*corners[1:], corners[0]), strict=True)
    )
    assert all(count == 1 and directed[b, a] == 1 for (a, b), count in directed.items())
    dark = next(number for number, slot in enumerate(slots) if max(slot[1:]) < 60)
    eye, whole = (vertices[np.unique(faces[chosen])] for chosen in (made["slot"] == dark, slice(None)))
    face = vertices[np.unique(faces[made["slot"] == next(i for i, slot in enumerate(slots) if slot[0])])]
    near = face[np.hypot(*(face - eye.mean(axis=0))[:, [0, 2]].T) < 0.1]
    assert eye[:, 1].min() < near[:, 1].min() and eye[:, 1].max() > near[:, 1].max()
    assert eye[:, 2].mean() > 0.5 * whole[:, 2].max()  # above the middle
    assert len(slots) == 3  # the second circle is shading


def test_what_lies_shows_its_picture_from_above() -> None:
    from reify.tools import icons

    vertices = icons.thing(FACE, Icon("face", 1.0, lies=True))["vertices"].astype(float)
    size = np.ptp(vertices, axis=0)
    assert size[2] < 0.9 * min(size[:2])
