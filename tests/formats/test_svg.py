"""SVG drawings as pictures, and their shapes as parts."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.formats import images, svg
from reify.backend.jobs.job import Job
from reify.backend.pictures.cutout import CutoutSettings, cut_out, smaller
from reify.backend.pictures.regions import regions_of_parts

pytest.importorskip("resvg_py")

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50">'
DRAWING = f"""<?xml version="1.0"?>
{HEAD}<style>.skin {{ fill: #e0b080 }} /* a face */ .line {{ fill: none; stroke: black; stroke-width: 4 }}</style>
<defs><circle id="eye" r="3"/><linearGradient id="g"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient></defs>
<circle class="skin" cx="25" cy="25" r="20"/>
<use href="#eye" x="18" y="20"/>
<g fill="url(#g)" opacity="0.6"><rect x="60" y="5" width="30" height="40"/></g>
<path class="line" d="M 15 33 L 35 33"/>
<rect width="100" height="50" fill="green" opacity="0"/>
</svg>"""


def test_a_drawing_is_a_picture_with_transparency(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(DRAWING)
    info, pixels = images.probe(tmp_path / "a.svg"), images.read_image(tmp_path / "a.svg", 200)
    assert (info.width, info.height, info.has_alpha) == (svg.LONG_SIDE_PX, svg.LONG_SIDE_PX // 2, True)
    assert pixels.shape == (100, 200, 4) and pixels[50, 110, 3] == 0
    assert np.abs(pixels[80, 50].astype(int) - [0xE0, 0xB0, 0x80, 255]).max() <= 1
    (tmp_path / "a.svgz").write_bytes(gzip.compress(DRAWING.encode()))
    assert np.array_equal(images.read_image(tmp_path / "a.svgz", 200), pixels)


def test_each_shape_is_a_part_whatever_paints_it(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text(DRAWING)
    parts = svg.shapes_in(tmp_path / "a.svg", (200, 100))
    places = {"face": (80, 50), "eye": (40, 36), "panel": (50, 150), "mouth": (66, 50), "nothing": (50, 110)}
    found = {name: int(parts[place]) for name, place in places.items()}
    assert found == {"face": 0, "eye": 1, "panel": 2, "mouth": 3, "nothing": -1}
    assert set(np.unique(parts)) == {-1, 0, 1, 2, 3}  # nothing of what is transparent, or of the outline's inside


def test_layers_are_made_of_the_shapes(tmp_path: Path) -> None:
    same = "".join(f'<rect x="{x}" y="10" width="20" height="30" fill="#c04030"/>' for x in (10, 30, 50))
    (tmp_path / "a.svg").write_text(f"{HEAD}{same}</svg>")
    picture = cut_out(tmp_path / "a.svg", CutoutSettings(), job=Job())
    assert len(np.unique(regions_of_parts(smaller(picture, 200)))) == 3 + 1  # though all have one color


@pytest.mark.parametrize("content", ["", "<svg", "just text", HEAD])
def test_what_is_no_drawing_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "notes.svg").write_text(content)
    with pytest.raises(ReifyError, match="notes"):
        images.read_image(tmp_path / "notes.svg")


@pytest.mark.parametrize("size", ['width="200000" height="100000"', 'viewBox="0 0 1 1000000"', 'width="1e30" height="1e30"', ""])
def test_a_drawing_of_any_size_is_drawn_at_the_size_of_a_picture(tmp_path: Path, size: str) -> None:
    (tmp_path / "a.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><rect width="200000" height="100000" fill="red"/></svg>'
    )
    assert max(images.read_image(tmp_path / "a.svg").shape[:2]) == svg.LONG_SIDE_PX


def test_a_packed_drawing_that_unpacks_to_hundreds_of_megabytes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.svgz").write_bytes(gzip.compress(b" " * (svg.LARGEST + 1)))
    with pytest.raises(ReifyError, match="unpacks to more than"):
        images.read_image(tmp_path / "a.svgz")


@pytest.mark.parametrize(
    "effect",
    [
        '<feTurbulence numOctaves="1000000" baseFrequency="0.00001"/>',
        f'<feConvolveMatrix order="60" kernelMatrix="{" ".join(["1"] * 3600)}"/>',
    ],
)
def test_an_effect_that_would_take_hours_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effect: str) -> None:
    monkeypatch.setattr(svg, "LONGEST_S", 1.0)
    (tmp_path / "a.svg").write_text(f'{HEAD}<filter id="f">{effect}</filter><rect width="100" height="50" filter="url(#f)"/></svg>')
    with pytest.raises(ReifyError, match="effects of a.svg take too long"):
        images.read_image(tmp_path / "a.svg", 64)


def test_a_drawing_with_an_effect_is_drawn_as_one_without(tmp_path: Path) -> None:
    filtered = ' filter="url(#f)"'
    body = '<rect x="10" y="10" width="50" height="30" fill="red"{}/></svg>'
    (tmp_path / "plain.svg").write_text(HEAD + body.format(""))
    (tmp_path / "moved.svg").write_text(f'{HEAD}<filter id="f"><feOffset dx="0"/></filter>{body.format(filtered)}')
    assert np.array_equal(images.read_image(tmp_path / "moved.svg", 200), images.read_image(tmp_path / "plain.svg", 200))
    (tmp_path / "moved.svg").write_text(f'{HEAD}<filter id="f"><feOffset dx="0"/></filter>{body.format("")[:-6]}')
    with pytest.raises(ReifyError, match="damaged or cut off"):
        images.read_image(tmp_path / "moved.svg", 200)
