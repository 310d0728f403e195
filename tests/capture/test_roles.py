"""What the files of a folder are: photos, or something that lies among photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.capture import roles
from reify.backend.formats import images


def folder_of(root: Path, names: list[str]) -> roles.Contents:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return roles.sort_out(root)


def names(paths: tuple[Path, ...], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


PAIRS = [
    ("color_000001.png", "depth_000001.png", "depths"),
    ("rgb_000001.png", "depthColorized_000001.png", "depths"),
    ("0.png", "0.depth.png", "depths"),
    ("IMG_1.jpg", "IMG_1_depth.png", "depths"),
    ("r_0.png", "r_0_depth_0001.png", "depths"),
    ("images/0.jpg", "depth/0.png", "depths"),
    ("images/0.jpg", "Depth Maps/0.png", "depths"),
    ("images/0.jpg", "confidence/0.png", "confidences"),
    ("0.jpg", "0_conf.png", "confidences"),
    ("IMG_1.jpg", "IMG_1.jpg.mask.png", "masks"),
    ("IMG_1.jpg", "IMG_1.mask.png", "masks"),
    ("IMG_1.jpg", "IMG_1_mask.JPG", "masks"),
    ("IMG_1.JPG", "IMG_1-Mask.png", "masks"),
    ("0001.jpg", "mask_0001.png", "masks"),
    ("image_0001.jpg", "mask_0001.png", "masks"),
    ("0.jpg", "dynamic_mask_0.png", "masks"),
    ("images/0.jpg", "Masks/0.png", "masks"),
    ("images/0.jpg", "images/masks/0.png", "masks"),
    ("IMG_1.jpg", "IMG_1_alpha.png", "masks"),
    ("rgb/0.jpg", "seg/0.png", "masks"),
]


@pytest.mark.parametrize(("photo", "other", "kind"), PAIRS, ids=[other for _, other, _ in PAIRS])
def test_what_belongs_to_a_photo_is_told_from_it(tmp_path, photo, other, kind):
    contents = folder_of(tmp_path, [photo, other])
    assert names(contents.photos, tmp_path) == [photo] and names(getattr(contents, kind), tmp_path) == [other]


@pytest.mark.parametrize(
    "name",
    ["gas_mask.jpg", "depth_of_field.jpg", "normal day.jpg", "preview/a.jpg", "normal/b.jpg", "ir/c.jpg", "mask.jpg", "confident.jpg"],
)
def test_a_photo_that_is_only_called_so_stays_one(tmp_path, name):
    assert names(folder_of(tmp_path, [name, "IMG_1.jpg"]).photos, tmp_path) == sorted([name, "IMG_1.jpg"], key=roles.natural_key)


def test_normal_maps_and_previews_in_their_folders_are_told_by_the_names_they_share(tmp_path):
    photos = [f"images/{i}.jpg" for i in range(4)]
    contents = folder_of(tmp_path, [*photos, *(f"normals/{i}.png" for i in range(4)), *(f"thumbs/{i}.jpg" for i in range(4))])
    assert names(contents.photos, tmp_path) == photos
    assert {what: len(files) for what, files in contents.left_out.items()} == {roles.NORMALS: 4, roles.PREVIEWS: 4}


@pytest.mark.parametrize("copies", ["images_2", "images_8", "images_small", "dense/0/images", "undistorted/images", "corrected_images"])
def test_copies_in_another_size_or_form_are_left_out(tmp_path, copies):
    photos = [f"images/{i}.jpg" for i in range(4)]
    contents = folder_of(tmp_path, [*photos, *(f"{copies}/{i}.jpg" for i in range(4))])
    assert names(contents.photos, tmp_path) == photos and len(contents.left_out[roles.COPIES]) == 4
    assert len(contents.pictures) == 8, "a camera file may name either"


def test_cameras_of_a_rig_with_the_same_names_are_no_copies(tmp_path):
    photos = [f"{cam}/{i}.jpg" for cam in ("cam_1", "cam_2", "left", "right") for i in range(3)]
    assert names(folder_of(tmp_path, photos).photos, tmp_path) == photos


def test_a_few_pictures_beside_the_folder_of_photos_are_left_out_and_many_are_not(tmp_path):
    inside = [f"images/{i}.jpg" for i in range(6)]
    contents = folder_of(tmp_path / "a", [*inside, "preview.jpg", "notes.png"])
    assert names(contents.photos, tmp_path / "a") == inside
    assert len(contents.left_out[roles.STRAY]) + len(contents.left_out[roles.PREVIEWS]) == 2
    contents = folder_of(tmp_path / "b", [*inside, *(f"IMG_{i}.jpg" for i in range(6))])
    assert len(contents.photos) == 12


def test_one_thumbnail_on_top_of_deeper_folders_is_no_photo(tmp_path):
    photos = [f"keyframes/images/{i}.jpg" for i in range(5)]
    assert names(folder_of(tmp_path, [*photos, "thumbnail.jpg"]).photos, tmp_path) == photos


def test_films_of_live_photos_are_told_from_videos(tmp_path):
    contents = folder_of(tmp_path, ["IMG_1.HEIC", "IMG_1.MOV", "IMG_2.jpg", "img_2.mov", "walk.mov"])
    assert names(contents.videos, tmp_path) == ["walk.mov"] and len(contents.left_out[roles.LIVE]) == 2


def test_raw_and_heic_beside_their_jpegs_are_left_out_and_alone_are_told(tmp_path, monkeypatch):
    files = ["a.jpg", "a.NEF", "b.jpg", "b.heic", "c.CR3", "d.heic"]
    for readable in (False, True):
        monkeypatch.setattr(images, "reads_raw", lambda readable=readable: readable)
        monkeypatch.setattr(images, "reads_heif", lambda readable=readable: readable)
        contents = folder_of(tmp_path, files)
        assert len(contents.left_out[roles.TWINS]) == 2
        assert names(contents.photos if readable else contents.unread, tmp_path) == [
            *(["a.jpg", "b.jpg"] if readable else []),
            "c.CR3",
            "d.heic",
        ]


def test_hidden_files_and_those_of_systems_and_file_servers_are_never_looked_at(tmp_path):
    kept = [".hidden/b.jpg", "__MACOSX/c.jpg", "@eaDir/a.jpg/SYNOFILE_THUMB_M.jpg", "#recycle/d.jpg", "$RECYCLE.BIN/e.jpg"]
    contents = folder_of(tmp_path, ["a.jpg", "._a.jpg", *kept, "readme.txt"])
    assert names(contents.photos, tmp_path) == ["a.jpg"] and names(contents.left_out[roles.OTHERS], tmp_path) == ["readme.txt"]


def test_depth_in_a_folder_of_any_name_is_told_by_its_pixels(tmp_path):
    for i in range(3):
        for place in ("a", "b"):
            (tmp_path / place).mkdir(exist_ok=True)
        Image.fromarray(np.full((6, 8, 3), i, np.uint8)).save(tmp_path / f"a/{i}.png")
        Image.fromarray(np.full((6, 8), 900 + i, np.uint16)).save(tmp_path / f"b/{i}.png")
    contents = roles.sort_out(tmp_path)
    assert len(contents.photos) == 3 and names(contents.depths, tmp_path) == ["b/0.png", "b/1.png", "b/2.png"]


def test_gray_photos_of_16_bits_stay_photos(tmp_path):
    for i in range(3):
        Image.fromarray(np.full((6, 8), 900 + i, np.uint16)).save(tmp_path / f"{i}.png")
    assert len(roles.sort_out(tmp_path).photos) == 3


def test_exr_files_without_colors_are_depth(tmp_path):
    exr = pytest.importorskip("OpenEXR")
    header = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}
    plane = np.ones((4, 4), np.float32)
    exr.File(header, {"Z": plane}).write(str(tmp_path / "z.exr"))
    exr.File(header, {"R": plane, "G": plane, "B": plane}).write(str(tmp_path / "rgb.exr"))
    contents = roles.sort_out(tmp_path)
    assert names(contents.photos, tmp_path) == ["rgb.exr"] and names(contents.depths, tmp_path) == ["z.exr"]
