"""One look-up finds pictures by the names that other programs wrote, and says what it can't tell."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from reify.backend.formats.names import Finder


def finder(root: Path, names: list[str], folders: tuple[str, ...] = ("",)) -> Finder:
    paths = []
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode(errors="surrogateescape"))
        paths.append(path)
    return Finder(paths, [root / folder for folder in folders])


def found(root: Path, files: list[str], names: list[str], folders: tuple[str, ...] = ("",)) -> list[str | None]:
    located = finder(root, files, folders).find(names)
    return [path and path.relative_to(root).as_posix() for path in located.paths]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("images/IMG_1.jpg", "images/IMG_1.jpg"),
        ("IMG_1.JPG", "images/IMG_1.jpg"),
        ("IMG_1.jpeg", "images/img_1.PNG"),
        ("images/0", "images/0.JPG"),
        ("cam0\\0.jpg", "images/cam0/0.jpg"),
        ("C:\\Users\\me\\scan\\0.jpg", "pictures/0.jpg"),
        ("\\\\server\\share\\0.jpg", "pictures/0.jpg"),
        ("/home/someone/scan/0.jpg", "images/0.jpg"),
        ("file:///home/someone/scan/0.jpg", "images/0.jpg"),
        ("../images/0.jpg", "images/0.jpg"),
        ("./images/./0.jpg", "DJI_001/0.jpg"),
        ("sub/0.jpg", "images/0.jpg"),
        ("0.jpg", "images/deep/er/0.jpg"),
        ("images/my%20photo%20%C3%BC.jpg", "images/my photo ü.jpg"),
        (unicodedata.normalize("NFC", "images/ü.jpg"), unicodedata.normalize("NFD", "images/ü.jpg")),
        (unicodedata.normalize("NFD", "Žluťoučký kůň.png"), unicodedata.normalize("NFC", "IMAGES/žluťoučký KŮŇ.PNG")),
        ("STRASSE.jpg", "straße.jpg"),
        (" images/0.jpg ", "images/0.jpg"),
        ('"images/0.jpg"', "images/0.jpg"),
        ("my photo-1.jpg", "my_photo_1.jpg"),
        ("frame_00007.png", "frame_7.png"),
        ("7.png", "rgb/000007.jpg"),
        ("IMG_1.tif", "IMG_1.CR3"),
        ("照片0.jpg".encode("gbk").decode("utf-8", "surrogateescape"), "照片0.jpg"),
        ("写真.jpg".encode("cp932").decode("utf-8", "surrogateescape"), "写真.jpg"),
        ("Füße.jpg".encode("cp1252").decode("utf-8", "surrogateescape"), "images/Füße.jpg"),
    ],
)
def test_a_name_that_nearly_fits_finds_its_file(tmp_path, name, file):
    assert found(tmp_path, [file, "images/another.jpg", "notes 1.jpg"], [name]) == [file]


def test_the_file_of_that_very_name_is_preferred_to_one_that_nearly_has_it(tmp_path):
    files = ["a/IMG_1.jpg", "a/img_1.JPG", "a/IMG_1.png", "b/IMG_1.jpg"]
    assert found(tmp_path, files, ["a/IMG_1.jpg", "a/img_1.JPG", "a/IMG_1.png"]) == files[:3]
    assert found(tmp_path, ["x/IMG_1.jpg", "x/IMG_1.png"], ["IMG_1.JPG"]) == ["x/IMG_1.jpg"]


def test_the_longest_common_path_decides(tmp_path):
    files = ["images/left/0.jpg", "images/right/0.jpg"]
    assert found(tmp_path, files, ["D:/scan/right/0.JPG", "D:/scan/left/0.JPG"]) == files[::-1]


def test_the_folder_that_serves_most_names_is_the_one_that_is_meant(tmp_path):
    files = [f"{folder}/{i}.jpg" for folder in ("images", "edited") for i in range(5)]
    assert found(tmp_path, [*files, "images/5.jpg"], [f"{i}.jpg" for i in range(6)], ()) == [f"images/{i}.jpg" for i in range(6)]
    # Of equals, the likelier folder.
    assert found(tmp_path, files, ["0.jpg", "1.jpg"], ("", "edited")) == ["edited/0.jpg", "edited/1.jpg"]


def test_what_several_files_fit_is_left_out_and_both_are_named(tmp_path):
    located = finder(tmp_path, ["a/0.jpg", "b/0.jpg", "a/1.jpg", "b/1.jpg"]).find(["0.JPG", "1.JPG"])
    assert located.paths == (None, None) and located.count == 0 and located.missing == ()
    assert "a/0.jpg or b/0.jpg" in located.unclear[0]
    assert list(located.notes()) == [
        "Skipped: 2 of 2 pictures whose names fit several files (0.JPG: a/0.jpg or b/0.jpg, 1.JPG: a/1.jpg or b/1.jpg)."
    ]


def test_two_names_never_share_a_file(tmp_path):
    located = finder(tmp_path, ["images/0.jpg", "images/1.jpg"]).find(["cam0/0.jpg", "cam1/0.jpg", "cam0/1.jpg"])
    assert [path and path.name for path in located.paths] == [None, None, "1.jpg"] and len(located.unclear) == 2
    # Where one of them fits better, it gets it.
    located = finder(tmp_path, ["images/0.jpg"]).find(["images/0.jpg", "thumbs/0.jpg"])
    assert [path and path.name for path in located.paths] == ["0.jpg", None]


def test_missing_ones_are_named_once_and_shown_in_the_likeliest_encoding(tmp_path):
    wanted = ["0.jpg", *(f"gone {i}.jpg" for i in range(5)), "照.jpg".encode("gbk").decode("utf-8", "surrogateescape")]
    located = finder(tmp_path, ["0.jpg"]).find(wanted)
    assert located.missing == (*(f"gone {i}.jpg" for i in range(5)), "照.jpg")
    assert list(located.notes()) == ["Skipped: 6 of 7 pictures that don't exist (gone 0.jpg, gone 1.jpg, gone 2.jpg …)."]


def test_names_that_are_none_find_nothing(tmp_path):
    assert found(tmp_path, ["images/0.jpg"], ["", "/", ".", "images/", "a\0b", "..", "x" * 5000]) == [None] * 7
    assert finder(tmp_path, []).find([]).paths == ()


def test_files_found_by_another_name_are_told(tmp_path):
    located = finder(tmp_path, ["images/0.jpg", "images/1.JPG"]).find(["images/0.jpg", "images/1.jpg"])
    assert located.similar == ("images/1.jpg is images/1.JPG",)
