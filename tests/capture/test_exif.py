from pathlib import Path

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from reify.backend.capture.exif import read_device


def photo(
    folder: Path, details: dict[int, object], make: str = "NIKON", model: str = "D3200", size: tuple[int, int] = (3000, 2000)
) -> Path:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = make, model
    exif.get_ifd(0x8769).update(details)
    Image.new("L", size).save(folder / "a.jpg", exif=exif)
    return folder / "a.jpg"


@pytest.mark.parametrize(("size", "expected"), [((3600, 2400), 5000.0), ((2400, 3600), 5000.0), ((360, 240), 500.0)])
def test_the_35mm_equivalent_refers_to_the_diagonal(tmp_path, size, expected):
    focal_px, _ = read_device(photo(tmp_path, {0xA405: 50}, size=size))
    assert focal_px == pytest.approx(expected, rel=1e-4)


def test_a_sensor_of_four_by_three_has_the_equivalent_on_its_diagonal_too(tmp_path):
    focal_px, _ = read_device(photo(tmp_path, {0xA405: 26}, size=(4000, 3000)))
    assert focal_px == pytest.approx(26 / 43.2666 * 5000, rel=1e-4)


@pytest.mark.parametrize(("unit", "resolution"), [(2, 25.4 * 200), (3, 10 * 200), (4, 200), (None, 25.4 * 200)])
def test_the_focal_plane_tells_the_focal_length_where_the_equivalent_is_missing(tmp_path, unit, resolution):
    details = {0x920A: IFDRational(40), 0xA20E: IFDRational(resolution), 0xA002: 6000} | ({0xA210: unit} if unit else {})
    focal_px, _ = read_device(photo(tmp_path, details))
    assert focal_px == pytest.approx(40 * 200 / 2)  # the photo has half the width that the camera wrote


def test_the_device_tells_cameras_lenses_and_zoom_settings_apart(tmp_path):
    def device(lens: str, focal_mm: float, model: str = "D3200") -> str:
        return read_device(photo(tmp_path, {0xA434: lens, 0x920A: IFDRational(focal_mm)}, model=model, size=(30, 20)))[1]

    assert device("18-55", 18.0) == device("18-55", 18.0) == "NIKON D3200 18-55 18 mm"
    assert len({device("18-55", 18.0), device("18-55", 24.0), device("35 DX", 18.0), device("18-55", 18.0, "D90")}) == 4


@pytest.mark.parametrize(
    "details", [{}, {0xA405: 0}, {0xA405: 60000}, {0x920A: IFDRational(0, 0)}, {0x920A: IFDRational(40), 0xA20E: IFDRational(0)}]
)
def test_nonsense_is_no_focal_length(tmp_path, details):
    assert read_device(photo(tmp_path, details))[0] is None


def test_pictures_without_exif_or_with_a_broken_one_have_no_device(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "plain.png")
    Image.new("RGB", (30, 20)).save(tmp_path / "broken.jpg", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff nonsense")
    (tmp_path / "a.exr").write_bytes(b"not looked into")
    for name in ("plain.png", "broken.jpg", "a.exr"):
        assert read_device(tmp_path / name) == (None, "")
