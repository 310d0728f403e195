from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.pictures.read import LONG_SIDE_PX, read_picture

from .shapes import disc


def rgba(size: int = 64) -> np.ndarray:
    """A disc with colors that run to the right, straight alpha."""
    alpha = np.round(disc(size, 0.4 * size) * 255).astype(np.uint8)
    ramp = np.broadcast_to(np.linspace(60, 250, size)[None, :], (size, size))
    return np.dstack([ramp, ramp[::-1], np.full_like(ramp, 200), alpha]).astype(np.uint8)


def saved(image: Image.Image, path: Path, **options) -> Path:
    image.save(path, **options)
    return path


def test_a_png_with_alpha_is_read_as_it_is(tmp_path: Path) -> None:
    srgb, alpha = read_picture(saved(Image.fromarray(rgba()), tmp_path / "a.png"), Job())
    assert (srgb == rgba()[..., :3]).all() and (alpha == rgba()[..., 3]).all()


def test_a_palette_with_a_transparent_color_is_read(tmp_path: Path) -> None:
    indexed = Image.fromarray((disc(64, 25) > 0.5).astype(np.uint8), "P")
    indexed.putpalette([0, 255, 0, 200, 30, 30])
    srgb, alpha = read_picture(saved(indexed, tmp_path / "a.png", transparency=0), Job())
    assert (alpha == (disc(64, 25) > 0.5) * 255).all()
    assert tuple(srgb[32, 32]) == (200, 30, 30)


def test_premultiplied_colors_become_straight_and_the_report_says_so(tmp_path: Path) -> None:
    straight = rgba(200)
    multiplied = straight.copy()
    multiplied[..., :3] = np.round(straight[..., :3] * (straight[..., 3:] / 255.0))
    job = Job()
    srgb, alpha = read_picture(saved(Image.fromarray(multiplied), tmp_path / "a.png"), job)
    edge = (alpha > 100) & (alpha < 250)
    assert np.abs(srgb[edge].astype(int) - straight[..., :3][edge]).max() <= 3
    assert "premultiplied" in job.report.choices["colors"]


def test_straight_colors_are_left_alone(tmp_path: Path) -> None:
    job = Job()
    read_picture(saved(Image.fromarray(rgba(200)), tmp_path / "a.png"), job)
    assert "colors" not in job.report.choices


def test_cmyk_and_16_bit_pictures_are_read(tmp_path: Path) -> None:
    cmyk, alpha = read_picture(saved(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), tmp_path / "a.jpg"), Job())
    assert alpha is None and cmyk[10, 10, 0] > 200 and cmyk[10, 10, 1] < 60
    deep, _ = read_picture(saved(Image.fromarray(np.full((20, 20), 0x8000, np.uint16)), tmp_path / "b.png"), Job())
    assert tuple(deep[10, 10]) == (128, 128, 128)


def test_the_first_frame_of_an_animation_is_taken_with_a_warning(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "blue", "green")]
    path = saved(frames[0], tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    job = Job()
    srgb, _ = read_picture(path, job)
    assert tuple(srgb[8, 8]) == (255, 0, 0)
    assert "3 frames" in job.report.warnings[0]


def test_a_huge_picture_is_scaled_down_with_a_warning(tmp_path: Path) -> None:
    job = Job()
    srgb, _ = read_picture(saved(Image.new("RGB", (20_000, 40), "white"), tmp_path / "a.png"), job)
    assert srgb.shape[:2] == (8, LONG_SIDE_PX)
    assert "20000 x 40" in job.report.warnings[0]


def test_what_is_no_picture_is_named_in_a_sentence(tmp_path: Path) -> None:
    whole = saved(Image.fromarray(rgba(200)), tmp_path / "a.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "broken.png").write_bytes(whole[:40] + bytes(60) + whole[100:])
    (tmp_path / "text.png").write_text("not a picture")
    for name in ("cut.png", "broken.png", "text.png", "missing.png"):
        with pytest.raises(ReifyError, match=name.split(".")[0]):
            read_picture(tmp_path / name, Job())
    with pytest.raises(ReifyError, match="folder"):
        read_picture(tmp_path, Job())
    with pytest.raises(ReifyError, match="small"):
        read_picture(saved(Image.new("RGB", (2, 1)), tmp_path / "tiny.png"), Job())
