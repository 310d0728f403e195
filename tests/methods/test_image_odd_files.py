"""Every odd file that artists have gives a sensible mesh, where it must with a warning, or one clear sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.bodies.from_pictures import Settings
from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.methods.image import METHOD
from reify.backend.pictures.cutout import CutoutSettings
from reify.backend.values import Mesh, Pictures

from ..bodies.solids import assert_closed
from ..pictures.shapes import disc

SIZE, RED = 160, (200, 40, 40)


def made(path: Path, **changes) -> tuple[Mesh, Job]:
    job = Job()
    settings = replace(Settings(method="inflate", faces=1500), **changes)
    return METHOD.perform(Pictures((path,)), settings, job).mesh, job


def assert_a_ball(mesh: Mesh) -> None:
    assert_closed(mesh.vertices, mesh.faces, euler=2)
    assert np.ptp(mesh.vertices, axis=0) == pytest.approx([1.0, 1.0, 1.0], abs=0.03)


def on(background: tuple[int, int, int], size: int = SIZE) -> Image.Image:
    share = disc(size, 0.4 * size)[..., None]
    return Image.fromarray((np.array(background) + share * (np.array(RED, float) - background)).astype(np.uint8))


def with_alpha(size: int = SIZE) -> Image.Image:
    image = Image.new("RGBA", (size, size), RED)
    image.putalpha(Image.fromarray(np.round(disc(size, 0.4 * size) * 255).astype(np.uint8)))
    return image


def color(mesh: Mesh) -> tuple[int, ...]:
    texture = mesh.textures["base_color"]
    return tuple(int(value) for value in texture[len(texture) // 2, texture.shape[1] // 4])


@pytest.mark.parametrize(
    "save",
    [
        pytest.param(lambda path: with_alpha().save(path.with_suffix(".png")), id="alpha"),
        pytest.param(lambda path: on((128, 128, 128)).save(path.with_suffix(".png")), id="gray background"),
        pytest.param(lambda path: on((255, 255, 255)).quantize(64).save(path.with_suffix(".png")), id="palette"),
        pytest.param(lambda path: with_alpha().quantize(16).save(path.with_suffix(".png")), id="palette with transparency"),
        pytest.param(lambda path: on((250, 250, 250)).convert("CMYK").save(path.with_suffix(".jpg"), quality=95), id="CMYK JPEG"),
        pytest.param(lambda path: on((255, 255, 255)).save(path.with_suffix(".webp"), lossless=True), id="WebP"),
    ],
)  # fmt: skip
def test_files_of_every_kind_give_a_ball_in_their_color(save, tmp_path: Path) -> None:
    save(tmp_path / "odd")
    mesh, _ = made(next(tmp_path.iterdir()))
    assert_a_ball(mesh)
    assert np.abs(np.array(color(mesh)) - RED).max() < 30


def test_premultiplied_colors_leave_no_dark_rim(tmp_path: Path) -> None:
    pixels = np.asarray(with_alpha()).astype(float)
    pixels[..., :3] *= pixels[..., 3:] / 255
    Image.fromarray(np.round(pixels).astype(np.uint8)).save(tmp_path / "odd.png")
    mesh, job = made(tmp_path / "odd.png")
    assert_a_ball(mesh)
    assert "premultiplied" in job.report.choices["colors"]
    assert mesh.textures["base_color"].min(axis=(0, 1)) == pytest.approx(RED, abs=8)


def test_16_bit_pictures_are_read(tmp_path: Path) -> None:
    tall = np.round(65535 * (1.0 - 0.8 * disc(SIZE, 0.4 * SIZE))).astype(np.uint16)
    Image.fromarray(tall).save(tmp_path / "odd.png")
    mesh, _ = made(tmp_path / "odd.png")
    assert_a_ball(mesh)
    assert color(mesh) == pytest.approx((51, 51, 51), abs=2)


def test_an_animation_gives_its_first_frame_with_a_warning(tmp_path: Path) -> None:
    frames = [on((255, 255, 255)), Image.new("RGB", (SIZE, SIZE), "white"), Image.new("RGB", (SIZE, SIZE), "black")]
    frames[0].save(tmp_path / "odd.gif", save_all=True, append_images=frames[1:])
    mesh, job = made(tmp_path / "odd.gif")
    assert_a_ball(mesh)
    assert job.report.warnings == ("odd.gif has 3 frames; the first one is used.",)


def test_a_picture_of_20000_pixels_is_scaled_down_with_a_warning(tmp_path: Path) -> None:
    wide = Image.new("L", (20_000, 300), 255)
    wide.paste(40, (500, 50, 19_500, 250))
    wide.save(tmp_path / "odd.png")
    mesh, job = made(tmp_path / "odd.png", method="extrude", faces=3000)
    assert_closed(mesh.vertices, mesh.faces, euler=2)
    assert np.ptp(mesh.vertices[:, 0]) == pytest.approx(1.0, abs=0.01)
    assert "20000 x 300" in job.report.warnings[0]


def test_a_subject_one_pixel_wide_is_a_thread(tmp_path: Path) -> None:
    Image.new("RGBA", (1, 200), (*RED, 255)).save(tmp_path / "odd.png")
    line = Image.new("RGBA", (40, 200), (0, 0, 0, 0))
    line.paste((*RED, 255), (20, 10, 21, 190))
    line.save(tmp_path / "line.png")
    mesh, _ = made(tmp_path / "line.png")
    assert_closed(mesh.vertices, mesh.faces, euler=2)
    assert np.ptp(mesh.vertices, axis=0) == pytest.approx([1 / 180, 1 / 180, 1.0], abs=0.01)
    with pytest.raises(ReifyError, match="Nothing is left of odd"):
        made(tmp_path / "odd.png")
    mesh, _ = made(tmp_path / "odd.png", cutout=CutoutSettings(by="whole"))
    assert_closed(mesh.vertices, mesh.faces, euler=2)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (Image.new("RGBA", (50, 50), (255, 0, 0, 0)), "transparent everywhere"),
        (Image.new("RGB", (50, 50), "white"), "Nothing is left of odd"),
        (Image.new("L", (50, 50), 0), "Nothing is left of odd"),
        (Image.new("RGB", (2, 1), "red"), "2 x 1 pixels small"),
    ],
    ids=["empty mask", "all white", "all black", "tiny"],
)
def test_pictures_without_a_subject_are_said_to_be_so_with_a_way_out(image: Image.Image, said: str, tmp_path: Path) -> None:
    image.save(tmp_path / "odd.png")
    with pytest.raises(ReifyError, match=said) as caught:
        made(tmp_path / "odd.png")
    assert caught.value.fix.endswith(".") and "\n" not in str(caught.value)


def test_files_that_are_broken_or_no_pictures_are_named(tmp_path: Path) -> None:
    on((255, 255, 255)).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    broken = whole[:40] + bytes(60) + whole[100:]
    for name, content in (("cut.png", whole[: len(whole) // 2]), ("broken.png", broken), ("words.jpg", b"words"), ("empty.png", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ReifyError, match=name):
            made(tmp_path / name)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ReifyError, match="holds no pictures"):
        METHOD.shares([tmp_path / "folder"], Settings())


def test_ten_thousand_specks_around_a_subject_are_dropped(tmp_path: Path) -> None:
    pixels = np.asarray(on((255, 255, 255), 600)).copy()
    specks = np.random.default_rng(0).integers(0, 600, (10_000, 2))
    outside = disc(600, 290)[specks[:, 0], specks[:, 1]] < 0.01
    pixels[specks[outside, 0], specks[outside, 1]] = 0
    Image.fromarray(pixels).save(tmp_path / "odd.png")
    mesh, job = made(tmp_path / "odd.png")
    assert_a_ball(mesh)
    assert "specks and pinholes dropped" in job.report.choices["parts"]


def test_a_folder_stands_for_the_pictures_in_it(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg"):
        on((255, 255, 255)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    assert [share[0].name for share in METHOD.shares([tmp_path], Settings())] == ["a.jpg", "b.png"]
