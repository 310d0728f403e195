import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend import device
from reify.backend.errors import ReifyError
from reify.backend.formats import decoding, images
from reify.backend.formats.depth import read_depth

# Red above left, green above right, blue below left, black below right: every turn and mirroring of it is another picture.
QUARTERS = np.zeros((48, 64, 3), np.uint8)
QUARTERS[:24, :32] = 250, 0, 0
QUARTERS[:24, 32:] = 0, 200, 0
QUARTERS[24:, :32] = 0, 0, 150


def corners(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    return pixels[
        [height // 4, height // 4, 3 * height // 4, 3 * height // 4], [width // 4, 3 * width // 4, width // 4, 3 * width // 4]
    ].astype(int)


def png_of_16_bit(pixels: np.ndarray) -> bytes:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def save_tiff(path: Path, pixels: np.ndarray, **options: object) -> None:
    pytest.importorskip("tifffile").imwrite(path, pixels, **options)


def save_exr(path: Path, name: str, pixels: np.ndarray) -> None:
    OpenEXR = pytest.importorskip("OpenEXR")
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, {name: pixels}).write(str(path))


LINEAR = np.where(QUARTERS <= 10, QUARTERS / 255 / 12.92, ((QUARTERS / 255 + 0.055) / 1.055) ** 2.4)
OPAQUE = np.full((48, 64, 1), 255, np.uint8)

SAVED = {
    "a.jpg": lambda p: Image.fromarray(QUARTERS).save(p, quality=95),
    "cmyk.jpg": lambda p: Image.fromarray(QUARTERS).convert("CMYK").save(p, quality=95),
    "a.png": lambda p: Image.fromarray(QUARTERS).save(p),
    "palette.png": lambda p: Image.fromarray(QUARTERS).quantize(8).save(p),
    "16 bit.png": lambda p: p.write_bytes(png_of_16_bit(QUARTERS.astype(np.uint16) * 257)),
    "a.webp": lambda p: Image.fromarray(QUARTERS).save(p, lossless=True),
    "a.bmp": lambda p: Image.fromarray(QUARTERS).save(p),
    "lzw.tif": lambda p: Image.fromarray(QUARTERS).save(p, compression="tiff_lzw"),
    "16 bit.tif": lambda p: save_tiff(p, QUARTERS.astype(np.uint16) * 257),
    "16 bit deflated.tif": lambda p: save_tiff(p, QUARTERS.astype(np.uint16) * 257, compression="zlib"),
    "float.tif": lambda p: save_tiff(p, LINEAR.astype(np.float32), photometric="rgb"),
    "half.exr": lambda p: save_exr(p, "RGB", LINEAR.astype(np.float16)),
    "float.exr": lambda p: save_exr(p, "RGB", LINEAR.astype(np.float32)),
    "opaque.exr": lambda p: save_exr(p, "RGBA", np.dstack([LINEAR, np.ones((48, 64))]).astype(np.float32)),
    "layer.exr": lambda p: save_exr(p, "ViewLayer.Combined", np.dstack([LINEAR, np.ones((48, 64))]).astype(np.float32)),
}


@pytest.mark.parametrize("name", list(SAVED))
def test_every_format_gives_the_same_8_bit_srgb(tmp_path, name):
    SAVED[name](tmp_path / name)
    info, pixels = images.probe(tmp_path / name), images.read_image(tmp_path / name)
    assert (info.width, info.height, info.has_alpha) == (64, 48, False)
    assert pixels.dtype == np.uint8 and pixels.shape[:2] == (48, 64)
    assert np.abs(corners(pixels[..., :3]) - corners(QUARTERS)).max() <= 4
    assert images.read_image(tmp_path / name, 32).shape[:2] == (24, 32)


@pytest.mark.parametrize("mode", ["L", "1", "I;16"])
def test_gray_pictures_become_rgb(tmp_path, mode):
    gray = np.linspace(0, 255, 64).astype(np.uint8)[None].repeat(48, 0)
    image = Image.fromarray(gray.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(gray).convert(mode)
    image.save(tmp_path / "gray.png")
    pixels = images.read_image(tmp_path / "gray.png")
    assert pixels.shape == (48, 64, 3) and (pixels[..., 0] == pixels[..., 2]).all()
    assert mode == "1" or np.array_equal(pixels[..., 0], gray)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright_whatever_way_the_camera_was_held(tmp_path, orientation):
    stored_of_upright = {1: 0, 2: 0, 3: 2, 4: 2, 5: 3, 6: 1, 7: 1, 8: 3}[orientation]
    stored = np.rot90(QUARTERS, stored_of_upright)
    stored = stored[:, ::-1] if orientation in (2, 4, 5, 7) else stored
    exif = Image.Exif()
    exif[decoding.ORIENTATION_TAG] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.jpg", quality=95, exif=exif)
    info, pixels = images.probe(tmp_path / "a.jpg"), images.read_image(tmp_path / "a.jpg")
    assert (info.width, info.height, info.orientation) == (64, 48, orientation) and pixels.shape == QUARTERS.shape
    assert np.abs(corners(pixels) - corners(QUARTERS)).max() <= 4


def test_transparency_is_kept_straight_and_told_from_an_alpha_that_is_opaque(tmp_path):
    cut_out = np.dstack([QUARTERS, np.full((48, 64), 255, np.uint8)])
    Image.fromarray(cut_out).save(tmp_path / "opaque.png")
    cut_out[:, 32:, 3] = 0
    Image.fromarray(cut_out).save(tmp_path / "cut.png")
    assert not images.probe(tmp_path / "opaque.png").has_alpha and images.probe(tmp_path / "cut.png").has_alpha
    pixels = images.read_image(tmp_path / "cut.png")
    assert np.array_equal(pixels, cut_out)
    halved = np.dstack([LINEAR * 0.5, np.full((48, 64), 0.5)]).astype(np.float32)  # EXR holds premultiplied colors
    save_exr(tmp_path / "half.exr", "RGBA", halved)
    pixels = images.read_image(tmp_path / "half.exr")
    assert np.abs(corners(pixels[..., :3]) - corners(QUARTERS)).max() <= 1 and (pixels[..., 3] == 128).all()


def test_colors_of_transparent_pixels_do_not_bleed_when_scaled():
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:, :20] = 200, 100, 50, 255
    pixels[:, 20:, 1] = 255  # bright green, and invisible
    small = images.resize(pixels, 5)
    visible = small[..., 3] > 8
    assert np.abs(small[visible][:, :3].astype(int) - [200, 100, 50]).max() <= 3


def test_a_large_transparent_picture_is_scaled_without_bleeding_too(tmp_path):
    pixels = np.zeros((1200, 1200, 4), np.uint8)
    pixels[:, :601] = 200, 100, 50, 255
    pixels[:, 601:, 1] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    small = images.read_image(tmp_path / "a.png", 50)
    assert small.shape == (50, 50, 4)
    assert np.abs(small[small[..., 3] > 64][:, :3].astype(int) - [200, 100, 50]).max() <= 3


def test_scaling_averages_instead_of_picking():
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(images.resize(stripes, 100)[5:-5, 5:-5].astype(int) - 127).max() <= 2


def test_pictures_are_never_scaled_up():
    assert images.resize(QUARTERS, 1000) is QUARTERS
    assert images.scaled_size(300, 200, 0) == (300, 200) and images.scaled_size(300, 200, 150) == (150, 100)
    assert images.scaled_size(5000, 3, 100) == (100, 1)


@pytest.mark.parametrize(("suffix", "part"), [(".jpg", 0.5), (".jpg", 0.99), (".png", 0.6), (".webp", 0.5), (".tif", 0.5), (".exr", 0.5)])
def test_a_truncated_picture_is_refused_by_name(tmp_path, suffix, part):
    path = tmp_path / f"cut off{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    if suffix == ".exr":
        save_exr(path, "RGB", noise.astype(np.float32))
    else:
        Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    for read in (images.probe, images.read_image):
        with pytest.raises(ReifyError, match="cut off"):
            read(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".exr", ".webp"])
@pytest.mark.parametrize("content", [b"", b"just text, whatever the name says\n", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused_by_name(tmp_path, suffix, content):
    (tmp_path / f"notes{suffix}").write_bytes(content)
    for read in (images.probe, images.read_image):
        with pytest.raises(ReifyError, match="notes"):
            read(tmp_path / f"notes{suffix}")


def test_missing_files_are_named(tmp_path):
    for suffix in (".jpg", ".exr", ".tif"):
        with pytest.raises(ReifyError, match="doesn't exist"):
            images.read_image(tmp_path / f"a{suffix}")


def test_a_photo_of_100_megapixels_is_scaled_without_holding_it_whole(tmp_path):
    Image.new("RGB", (12000, 8400), (10, 120, 230)).save(tmp_path / "large.jpg", quality=50)
    pytest.importorskip("resource", reason="needs a Unix to ask for the memory used")
    script = """
import pathlib, resource, sys
import numpy, PIL.Image, PIL.JpegImagePlugin
from reify.backend.formats import decoding, images
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
images.probe(pathlib.Path(sys.argv[1])), images.read_image(pathlib.Path(sys.argv[1]), 1000)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print((after - before) * (1 if sys.platform == "darwin" else 1024))
"""
    run = subprocess.run([sys.executable, "-c", script, tmp_path / "large.jpg"], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 60e6  # in full it would be 300 MB
    info, pixels = images.probe(tmp_path / "large.jpg"), images.read_image(tmp_path / "large.jpg", 1000)
    assert (info.width, info.height) == (12000, 8400) and pixels.shape == (700, 1000, 3)
    assert np.abs(pixels.astype(int) - [10, 120, 230]).max() <= 3


def test_a_header_of_absurd_size_is_refused(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ReifyError, match="megapixels"):
        images.probe(tmp_path / "a.png")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in SAVED if not name.endswith(".exr")])  # OpenEXR prints each error to the terminal
def test_damaged_bytes_give_a_picture_or_a_reason(tmp_path, name):
    SAVED[name](tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(40):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[rng.integers(0, rng.choice([64, 400, len(damaged)]), 3) % len(damaged)] = rng.integers(0, 256, 3)
        (tmp_path / name).write_bytes(damaged.tobytes())
        for read in (images.probe, images.read_image):
            try:
                read(tmp_path / name)
            except ReifyError as error:
                assert name in error.what or "megapixels" in error.what


def test_png_and_jpeg_are_written_whole_or_not_at_all(tmp_path):
    images.write_png(tmp_path / "new folder" / "a.png", QUARTERS)
    assert np.array_equal(images.read_image(tmp_path / "new folder" / "a.png"), QUARTERS)
    images.write_jpeg(tmp_path / "a.jpg", QUARTERS)
    assert np.abs(corners(images.read_image(tmp_path / "a.jpg")) - corners(QUARTERS)).max() <= 3
    (tmp_path / "b.png").mkdir()
    with pytest.raises(ReifyError, match="can't be written"):
        images.write_png(tmp_path / "b.png", QUARTERS)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("long_side_px", [0, 20])
@pytest.mark.parametrize("name", [*SAVED, "odd.tif", "cut.png"])
def test_strips_give_the_same_picture_as_the_whole(tmp_path, monkeypatch, name, long_side_px):
    rng = np.random.default_rng(1)
    more = {
        "odd.tif": lambda p: Image.fromarray(np.outer(np.arange(47), np.arange(61) * 25).astype(np.int32)).save(p),
        "cut.png": lambda p: Image.fromarray(rng.integers(0, 256, (47, 61, 4)).astype(np.uint8)).save(p),
    }
    {**SAVED, **more}[name](tmp_path / name)
    whole = images.read_image(tmp_path / name, long_side_px)
    monkeypatch.setattr(decoding, "STRIP_PIXELS", 64 * 5)
    assert np.array_equal(images.read_image(tmp_path / name, long_side_px), whole)


def bomb(path: Path) -> None:
    """A small file whose header says that it is 400 megapixels large."""
    side = 20_000
    if path.suffix == ".npy":
        np.lib.format.open_memmap(path, "w+", np.float32, (side, side)).flush()
    elif path.suffix == ".tif":
        save_tiff(path, np.zeros((8, 8, 3), np.uint16), photometric="rgb")
        with pytest.importorskip("tifffile").TiffFile(path, mode="r+") as file:
            for name in ("ImageWidth", "ImageLength"):
                file.pages[0].tags[name].overwrite(side)
    else:
        Image.new("RGB", (8, 8)).save(path)
        data = bytearray(path.read_bytes())
        data[16:24] = struct.pack(">II", side, side)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        path.write_bytes(data)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.npy"])
def test_a_small_file_that_would_fill_the_memory_is_refused_before_it_does(tmp_path, monkeypatch, name):
    bomb(tmp_path / name)
    monkeypatch.setattr(device, "free_memory", lambda: 2 << 30)
    for read in [lambda path: read_depth(path, 1.0)] if name == "a.npy" else [images.read_image, lambda path: images.read_image(path, 64)]:
        with pytest.raises(ReifyError, match="GB of memory"):
            read(tmp_path / name)


def test_what_reading_takes_stays_within_what_is_asked_for(tmp_path):
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process its own peak of memory")
    Image.fromarray(np.zeros((6000, 8000, 3), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((6000, 8000, 4), np.uint8)).save(tmp_path / "b.png")
    save_tiff(tmp_path / "c.tif", np.zeros((6000, 8000, 3), np.uint16), compression="zlib", photometric="rgb")
    script = """
import pathlib, re, sys, numpy, tifffile
import PIL.Image, PIL.PngImagePlugin, PIL.TiffImagePlugin, PIL.ImageCms
from reify.backend import device
from reify.backend.formats import decoding, images
asked = 0
def remember(path, needed):
    global asked
    asked = max(asked, needed)
decoding.require_memory = remember
peak = lambda: int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1]) * 1024
before = peak()
images.read_image(pathlib.Path(sys.argv[1]))
print((peak() - before) / asked)
"""
    for name in ("a.png", "b.png", "c.tif"):
        run = subprocess.run([sys.executable, "-c", script, tmp_path / name], capture_output=True, text=True, check=True)
        assert 0.4 < float(run.stdout) < 1.34, name
