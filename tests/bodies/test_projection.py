from __future__ import annotations

import numpy as np
import pytest
from reify.backend.bodies.inflation import InflateSettings, inflate
from reify.backend.bodies.projection import ProjectionSettings, bled, projected, with_soft_rim
from reify.backend.bodies.solid import mesh_of
from reify.backend.values import Mesh, Picture

from ..pictures.shapes import disc, pictured


def textured(picture: Picture, **changes: str) -> tuple[Mesh, np.ndarray]:
    mesh, pictured_px, is_back = mesh_of(inflate(picture.coverage, 3000, InflateSettings()), 1.0)
    return projected(mesh, pictured_px, is_back, picture, ProjectionSettings(**changes)), is_back


def colors_of(mesh: Mesh) -> np.ndarray:
    """The texture's color at the middle of every face."""
    texture, uv = mesh.textures["base_color"], mesh.uvs.mean(axis=1)
    return texture[((1 - uv[:, 1]) * texture.shape[0]).astype(int), (uv[:, 0] * texture.shape[1]).astype(int)].astype(float)


@pytest.mark.parametrize("back", ["extended", "mirrored", "plain"])
def test_the_front_shows_the_picture_upright_and_unmirrored(back: str) -> None:
    mesh, is_back = textured(pictured(disc()), back=back)
    colors, middle = colors_of(mesh)[~is_back], mesh.vertices[mesh.faces].mean(axis=1)[~is_back]
    assert np.corrcoef(colors[:, 0], middle[:, 0])[0, 1] > 0.99  # red grows to the right
    assert np.corrcoef(colors[:, 1], -middle[:, 2])[0, 1] > 0.99  # green grows downwards
    assert mesh.uvs.min() >= 0 and mesh.uvs.max() <= 1


def test_a_mirrored_back_shows_the_picture_through_the_body() -> None:
    mesh, is_back = textured(pictured(disc()), back="mirrored")
    colors, middle = colors_of(mesh)[is_back], mesh.vertices[mesh.faces].mean(axis=1)[is_back]
    assert np.corrcoef(colors[:, 0], middle[:, 0])[0, 1] > 0.99


def test_an_extended_back_loses_what_only_the_front_shows() -> None:
    picture = pictured(disc())
    picture.srgb[:] = (200, 150, 100)
    picture.srgb[90:110, 90:110] = 0  # a nose
    mesh, is_back = textured(picture, back="extended")
    assert colors_of(mesh)[is_back].min() > 80
    assert colors_of(mesh)[~is_back].min() < 20


def test_a_plain_back_has_one_color() -> None:
    mesh, is_back = textured(pictured(disc()), back="plain")
    assert np.ptp(colors_of(mesh)[is_back], axis=0).max() == 0


def test_the_background_does_not_shine_through_at_the_edge() -> None:
    srgb = np.full((200, 200, 3), (0, 255, 0), np.uint8)
    srgb[disc() > 0.9] = (180, 20, 20)
    assert (bled(srgb, disc())[..., 1] == 20).all()


def test_a_normal_map_is_laid_out_like_the_colors() -> None:
    picture = pictured(disc())
    mesh, pictured_px, is_back = mesh_of(inflate(picture.coverage, 1000, InflateSettings()), 1.0)
    normals = np.zeros_like(picture.srgb)
    done = projected(mesh, pictured_px, is_back, picture, ProjectionSettings(back="extended"), normals)
    normal, color = done.textures["normal"], done.textures["base_color"]
    assert normal.shape == color.shape
    assert (normal[:, : normal.shape[1] // 2] == 0).all() and (normal[:, normal.shape[1] // 2 :] == (128, 128, 255)).all()


def test_the_rim_is_soft_so_that_steep_sides_have_no_stripes_but_thin_parts_stay_sharp() -> None:
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[::2] = 255
    coverage = disc()
    coverage[:, 185:190] = 1.0  # a thin line
    soft = with_soft_rim(stripes, coverage)
    contrast = np.abs(np.diff(soft[..., 0].astype(int), axis=0))
    assert contrast[95:105, 20].max() < 40  # the disc reaches from 20 to 180
    assert contrast[95:105, 30:170].min() == 255
    assert contrast[95:105, 186:189].min() == 255
