from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.errors import ReifyError
from reify.backend.pictures.outline import mirror_axis, outline_of, proposed
from reify.backend.pictures.regions import regions_by_color, regions_painted
from reify.backend.values import Picture

from .shapes import butterfly, coverage_of, disc, grid, pictured, rectangle, ring


def flat(coverage: np.ndarray, *colors: tuple[int, int, int]) -> Picture:
    """Vertical bands of flat colors."""
    height, width = coverage.shape
    bands = np.array(colors, np.uint8)[np.arange(width) * len(colors) // width]
    return Picture("flat", np.broadcast_to(bands, (height, width, 3)).copy(), coverage)


def photo(coverage: np.ndarray) -> Picture:
    """Every pixel another color."""
    return Picture("photo", np.random.default_rng(0).integers(0, 255, (*coverage.shape, 3), dtype=np.uint8), coverage)


def letter_l() -> np.ndarray:
    x, y = grid(200, 200)
    return coverage_of(((x > 40) & (x < 80) & (y > 20) & (y < 180)) | ((x > 40) & (x < 150) & (y > 140) & (y < 180)))


def bean() -> np.ndarray:
    x, y = grid(200, 200)
    return coverage_of((np.hypot(x - 80, y - 70) < 45) | (np.hypot(x - 120, y - 125) < 55) | (np.hypot(x - 50, y - 140) < 20))


@pytest.mark.parametrize("middle", [60.0, 71.25, 90.5])
def test_the_mirror_axis_is_found_to_a_fraction_of_a_pixel(middle: float) -> None:
    x, y = grid(150, 150)
    axis = mirror_axis(coverage_of((np.abs(x - middle) < 20 + 0.1 * y) & (y > 20) & (y < 130)))
    assert axis.point_px[0] == pytest.approx(middle, abs=0.3)
    assert axis.overlap > 0.98 and axis.angle == 0.0


def test_parts_holes_and_straightness_are_seen() -> None:
    outline = outline_of(photo(butterfly()))
    assert (outline.parts, outline.holes) == (1, 2)
    assert outline_of(flat(letter_l(), (0, 0, 0))).straightness > 0.5 > outline_of(photo(disc())).straightness


@pytest.mark.parametrize(
    ("picture", "method", "because"),
    [
        (photo(disc()), "lathe", "symmetric"),
        (photo(rectangle()), "lathe", "symmetric"),
        (photo(bean()), "inflate", "free"),
        (photo(ring()), "inflate", "hole"),
        (flat(letter_l(), (20, 20, 20)), "extrude", "straight"),
        (flat(bean(), (250, 60, 60), (60, 250, 60), (60, 60, 250)), "layers", "flat colors"),
        (photo(np.ones((80, 80), np.float32)), "relief", "whole picture"),
    ],
)
def test_a_method_is_proposed_with_a_reason(picture: Picture, method: str, because: str) -> None:
    chosen, why = proposed(outline_of(picture))
    assert chosen == method and because in why


def test_regions_follow_flat_colors() -> None:
    picture = flat(disc(), (250, 60, 60), (60, 250, 60), (60, 60, 250))
    regions = regions_by_color(picture, 3)
    assert set(np.unique(regions)) == {-1, 0, 1, 2}
    assert len({regions[100, 40], regions[100, 100], regions[100, 160]}) == 3
    assert ((regions >= 0) == (disc() > 0.5)).all()


def test_small_regions_join_a_neighbor() -> None:
    picture = flat(disc(), (250, 60, 60), (60, 250, 60))
    picture.srgb[100:103, 50:53] = (60, 60, 250)
    assert regions_by_color(picture, 3).max() + 1 == 2


def test_painted_regions_may_have_soft_brushes(tmp_path: Path) -> None:
    painted = np.zeros((100, 100, 3), np.uint8)
    painted[:, :48], painted[:, 48:52], painted[:, 52:] = (255, 0, 0), (128, 0, 128), (0, 0, 255)
    Image.fromarray(painted).save(tmp_path / "parts.png")
    regions = regions_painted(tmp_path / "parts.png", pictured(disc()))
    assert regions.max() + 1 in (2, 3)
    assert regions[100, 60] != regions[100, 140]
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)).save(tmp_path / "noise.png")
    with pytest.raises(ReifyError, match="colors"):
        regions_painted(tmp_path / "noise.png", pictured(disc()))
