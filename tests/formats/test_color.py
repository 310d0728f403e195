"""Colors of any space, depth and transparency as straight 8-bit sRGB."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms
from reify.backend.formats import color, images
from reify.tests.formats import profiles

ORANGE = (200, 80, 60)
IN_P3, IN_ADOBE = (218, 67, 47), (230, 79, 56)  # what (200, 80, 60) there is in sRGB, by LittleCMS


def saved(path, pixel=ORANGE, mode="RGB", **options):
    Image.new(mode, (64, 64), pixel).save(path, **options)
    return path


def pixel_of(path, long_side_px=0):
    return images.read_image(path, long_side_px)[10, 10].astype(int)


@pytest.mark.parametrize(("primaries", "expected"), [(profiles.DISPLAY_P3, IN_P3), (profiles.ADOBE_RGB, IN_ADOBE)])
@pytest.mark.parametrize(
    ("suffix", "options"),
    [(".jpg", {"quality": 98, "subsampling": 0}), (".png", {}), (".tif", {}), (".webp", {"lossless": True}), (".avif", {"quality": 100})],
)
def test_an_embedded_profile_is_obeyed(tmp_path, primaries, expected, suffix, options):
    path = saved(tmp_path / f"a{suffix}", icc_profile=profiles.icc(primaries), **options)
    assert np.abs(pixel_of(path) - expected).max() <= 4 and np.abs(pixel_of(path, 16) - expected).max() <= 4


def test_a_profile_counts_beside_transparency(tmp_path):
    path = saved(tmp_path / "a.png", (*ORANGE, 100), "RGBA", icc_profile=profiles.icc(profiles.DISPLAY_P3))
    assert np.abs(pixel_of(path) - [*IN_P3, 100]).max() <= 1


def test_a_profile_of_a_16_bit_tiff_is_obeyed(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    pixels = np.full((20, 20, 3), ORANGE, np.uint16) * 257
    profile = profiles.icc(profiles.DISPLAY_P3)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extratags=[(34675, 7, len(profile), profile, True)])
    assert np.abs(pixel_of(tmp_path / "a.tif") - IN_P3).max() <= 2


def test_an_srgb_profile_changes_nothing(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(images.read_image(tmp_path / "a.png"), noise)


def test_a_gray_profile_is_obeyed(tmp_path):
    path = saved(tmp_path / "a.png", 128, "L", icc_profile=profiles.icc(gamma=1.0))
    assert np.abs(pixel_of(path) - 188).max() <= 1


def test_a_profile_of_lab_pictures_is_their_own(tmp_path):
    lab = ImageCms.profileToProfile(
        Image.new("RGB", (32, 32), ORANGE), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    lab.save(tmp_path / "a.tif")
    assert np.abs(pixel_of(tmp_path / "a.tif") - ORANGE).max() <= 3


@pytest.mark.parametrize("profile", [b"no profile", profiles.icc(gamma=1.0)])
def test_a_damaged_or_unfitting_profile_costs_nothing(tmp_path, profile):
    assert np.array_equal(pixel_of(saved(tmp_path / "a.png", icc_profile=profile)), ORANGE)


def test_cameras_adobe_rgb_without_a_profile_is_known_by_exif(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 0xFFFF
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    path = saved(tmp_path / "a.jpg", exif=exif, quality=98, subsampling=0)
    assert np.abs(pixel_of(path) - IN_ADOBE).max() <= 4


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (b"gAMA", struct.pack(">I", 45455), ORANGE),
        (b"gAMA", struct.pack(">I", 100000), (229, 151, 132)),  # linear light
        (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000), ORANGE),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000), (216, 69, 50)),  # Display P3
        (b"cICP", bytes([12, 13, 0, 1]), (216, 69, 50)),
        (b"cICP", bytes([1, 13, 0, 1]), ORANGE),
        (b"sRGB", b"\0", ORANGE),
    ],
)
def test_chunks_of_a_png_say_what_its_colors_are(tmp_path, name, content, expected):
    samples = np.full((20, 20, 3), ORANGE)
    (tmp_path / "a.png").write_bytes(profiles.png(samples, 8, (name, content)))
    assert np.abs(pixel_of(tmp_path / "a.png") - expected).max() <= 1


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_gray_of_a_png_is_transparent_at_any_depth(tmp_path, depth):
    key, shown = (0, 1) if depth == 1 else (2**depth - 1, 2 ** (depth - 1))
    samples = np.full((20, 24), shown)
    samples[:8] = key
    (tmp_path / "a.png").write_bytes(profiles.png(samples, depth, (b"tRNS", struct.pack(">H", key))))
    pixels = images.read_image(tmp_path / "a.png")
    assert images.probe(tmp_path / "a.png").has_alpha and pixels.shape == (20, 24, 4)
    assert (pixels[:8, :, 3] == 0).all() and (pixels[8:, :, 3] == 255).all()
    assert np.abs(pixels[10, 10, :3].astype(int) - round(255 * shown / (2**depth - 1))).max() <= 1


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_color_of_a_png_is_transparent(tmp_path, depth):
    scale = 1 if depth == 8 else 257
    samples = np.full((20, 24, 3), ORANGE) * scale
    samples[:8] = np.array([1, 2, 250]) * scale
    key = struct.pack(">3H", *(np.array([1, 2, 250]) * scale).tolist())
    (tmp_path / "a.png").write_bytes(profiles.png(samples, depth, (b"tRNS", key)))
    pixels = images.read_image(tmp_path / "a.png")
    assert images.probe(tmp_path / "a.png").has_alpha
    assert (pixels[:8, :, 3] == 0).all() and (pixels[8:] == [*ORANGE, 255]).all()


def test_a_transparent_color_that_no_pixel_has_leaves_all_opaque(tmp_path):
    (tmp_path / "a.png").write_bytes(profiles.png(np.full((20, 24), 7), 8, (b"tRNS", struct.pack(">H", 9))))
    assert not images.probe(tmp_path / "a.png").has_alpha


@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_a_palettes_transparent_entry_is_transparent(tmp_path, suffix):
    pixels = np.zeros((20, 20), np.uint8)
    pixels[:8] = 1
    image = Image.fromarray(pixels, "P")
    image.putpalette([*ORANGE, 0, 255, 0])
    image.save(tmp_path / f"a{suffix}", transparency=1)
    found = images.read_image(tmp_path / f"a{suffix}")
    assert (found[:8, :, 3] == 0).all() and np.array_equal(found[10, 10], [*ORANGE, 255])


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_tiffs_associated_alpha_is_divided_out(tmp_path, kind):
    tifffile = pytest.importorskip("tifffile")
    scale = 1 if kind == np.uint8 else 257
    pixels = np.zeros((20, 20, 4), kind)
    pixels[:] = np.array([100, 40, 30, 128]) * scale
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", extrasamples=["assocalpha"])
    assert np.abs(pixel_of(tmp_path / "a.tif") - [*ORANGE, 128]).max() <= 1


def test_an_exr_of_wide_primaries_is_converted(tmp_path):
    OpenEXR = pytest.importorskip("OpenEXR")
    linear = color.srgb_from(color.BT2020)
    wanted = color.linear_of_srgb(np.array(ORANGE) / 255)
    pixels = np.tile(np.linalg.solve(linear, wanted), (16, 16, 1)).astype(np.float32)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    header["chromaticities"] = tuple(np.ravel(color.PRIMARIES[color.BT2020]).tolist())
    OpenEXR.File(header, {"RGB": pixels}).write(str(tmp_path / "a.exr"))
    assert np.abs(pixel_of(tmp_path / "a.exr") - ORANGE).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("depth", [8, 16])
def test_a_tiff_is_turned_once_and_says_so(tmp_path, orientation, depth):
    tifffile = pytest.importorskip("tifffile")
    upright = np.zeros((20, 32, 3), np.uint8)
    upright[:10, :16], upright[:10, 16:], upright[10:, :16] = (250, 0, 0), (0, 200, 0), (0, 0, 150)
    turned = np.rot90(upright, {1: 0, 2: 0, 3: 2, 4: 2, 5: 3, 6: 1, 7: 1, 8: 3}[orientation])
    stored = np.ascontiguousarray(turned[:, ::-1] if orientation in (2, 4, 5, 7) else turned)
    samples = stored if depth == 8 else stored.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    info = images.probe(tmp_path / "a.tif")
    assert (info.width, info.height, info.orientation) == (32, 20, orientation)
    assert np.array_equal(images.read_image(tmp_path / "a.tif"), upright)
    assert np.array_equal(images.read_image(tmp_path / "a.tif", turn=1), stored)


def test_heic_is_read_with_its_profile(tmp_path):
    pytest.importorskip("pi_heif")
    encoder = pytest.importorskip("pillow_heif")
    encoder.register_heif_opener()
    path = saved(tmp_path / "IMG_1.HEIC", quality=100, icc_profile=profiles.icc(profiles.DISPLAY_P3))
    path.rename(tmp_path / "renamed.jpg")
    assert np.abs(pixel_of(tmp_path / "renamed.jpg") - IN_P3).max() <= 4


@pytest.mark.parametrize("preview_px", [(128, 96), (32, 24)])
def test_camera_raw_is_read_by_a_preview_that_is_large_enough_or_developed(tmp_path, preview_px):
    pytest.importorskip("rawpy")
    preview = io.BytesIO()
    Image.new("RGB", preview_px, ORANGE).save(preview, "JPEG", quality=95, subsampling=0)
    (tmp_path / "a.dng").write_bytes(dng(preview.getvalue(), preview_px, np.full((96, 128), 20000, np.uint16), orientation=6))
    info = images.probe(tmp_path / "a.dng")
    assert (info.width, info.height, info.orientation) == (96, 128, 6)
    assert images.read_image(tmp_path / "a.dng").shape == (128, 96, 3)
    assert (np.abs(pixel_of(tmp_path / "a.dng") - ORANGE).max() <= 3) == (preview_px == (128, 96))


def dng(preview: bytes, preview_px: tuple[int, int], mosaic: np.ndarray, orientation: int) -> bytes:
    """The least that a DNG file has: a JPEG preview, and beside it the mosaic of red, green and blue."""
    kinds = {"B": 1, "s": 2, "H": 3, "I": 4, "i": 10}
    height, width = mosaic.shape
    matrix = [number for row in np.eye(3, dtype=int).tolist() for value in row for number in (value, 1)]
    model = b"Reify Test\0"

    def directory(entries: list[tuple[int, str, list[int] | bytes]], at: int) -> bytes:
        table, beside = struct.pack("<H", len(entries)), b""
        end = at + 2 + 12 * len(entries) + 4
        for tag, kind, values in sorted(entries, key=lambda entry: entry[0]):
            content = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{kind}", *values)
            count = len(values) // 2 if kind == "i" else len(values)
            table += struct.pack("<HHI", tag, kinds[kind], count)
            table += content.ljust(4, b"\0") if len(content) <= 4 else struct.pack("<I", end + len(beside))
            beside += content if len(content) > 4 else b""
        return table + bytes(4) + beside

    data = preview + mosaic.astype("<u2").tobytes()
    first, second = 8 + len(data), 8 + len(data) + 1000
    shown = [
        (254, "I", [1]), (256, "I", [preview_px[0]]), (257, "I", [preview_px[1]]), (258, "H", [8, 8, 8]), (259, "H", [7]), (262, "H", [6]),
        (271, "s", model), (272, "s", model), (273, "I", [8]), (274, "H", [orientation]), (277, "H", [3]), (278, "I", [preview_px[1]]),
        (279, "I", [len(preview)]), (330, "I", [second]), (50706, "B", [1, 4, 0, 0]), (50708, "s", model), (50721, "i", matrix),
        (50778, "H", [21]),
    ]  # fmt: skip
    raw = [
        (254, "I", [0]), (256, "I", [width]), (257, "I", [height]), (258, "H", [16]), (259, "H", [1]), (262, "H", [32803]),
        (273, "I", [8 + len(preview)]), (277, "H", [1]), (278, "I", [height]), (279, "I", [mosaic.nbytes]), (33421, "H", [2, 2]),
        (33422, "B", [0, 1, 1, 2]), (50717, "I", [65535]),
    ]  # fmt: skip
    return b"II*\0" + struct.pack("<I", first) + data + directory(shown, first).ljust(1000, b"\0") + directory(raw, second)
