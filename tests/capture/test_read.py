import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.capture.lenses import project
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.errors import ReifyError
from reify.backend.formats.colmap import write_colmap
from reify.backend.formats.decoding import ORIENTATION_TAG
from reify.backend.formats.posed import pinhole_matrix
from reify.backend.formats.transforms import write_transforms
from reify.backend.geometry import axes
from reify.backend.jobs import store
from reify.backend.jobs.job import Job
from reify.backend.values import Cameras, Capture, Photos, Points


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (32, 24), **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, **options)
    return path


def pictures(folder: Path, names: list[str]) -> Path:
    for i, name in enumerate(names):
        picture(folder / name, i)
    return folder


def read(*sources: Path, job: Job | None = None, name: str = "", **settings: object) -> Capture:
    return (job or Job()).stage("Reading photos", read_photos, Photos(sources, name), CaptureSettings(**settings))


def ring(count: int, size: tuple[int, int] = (32, 24)) -> Cameras:
    """Upright cameras around the z axis that look at the origin."""
    angles = np.arange(count) * 2 * np.pi / count
    poses = np.tile(np.eye(4), (count, 1, 1))
    for pose, angle in zip(poses, angles, strict=True):
        back = np.array([np.cos(angle), np.sin(angle), 0.0])
        pose[:3, :3] = np.column_stack([np.cross([0, 0, 1.0], back), [0, 0, 1.0], back])
        pose[:3, 3] = 4 * back
    K = pinhole_matrix(size[0] * 1.1, size[0] * 1.2, size[0] * 0.45, size[1] * 0.55)
    return Cameras(axes.cam_from_world_of_opengl(poses), np.array([K] * count), np.array([size] * count), np.zeros((count, 8)))


def names_of(capture: Capture) -> list[str]:
    return [photo.name for photo in capture.photos]


class TestFolders:
    def test_photos_come_in_natural_order_from_subfolders_too(self, tmp_path):
        pictures(tmp_path / "vase", ["b/10.jpg", "b/9.JPG", "a.png", "C.jpg", ".hidden.jpg", ".trash/1.jpg"])
        (tmp_path / "vase/readme.md").write_text("about the vase")
        capture = read(tmp_path / "vase")
        assert names_of(capture) == ["a.png", "b/9.JPG", "b/10.jpg", "C.jpg"]
        assert capture.name == "vase" and capture.cameras is None and not capture.ordered

    def test_the_images_folder_of_a_capture_is_read_without_its_smaller_copies(self, tmp_path):
        for folder in ("images", "images_2", "images_4"):
            pictures(tmp_path / "garden" / folder, ["a.jpg", "b.jpg", "c.jpg"])
        for source in (tmp_path / "garden", tmp_path / "garden/images"):
            capture = read(source)
            assert names_of(capture) == ["a.jpg", "b.jpg", "c.jpg"] and capture.name == "garden"

    def test_spaces_accents_and_emoji_are_no_trouble(self, tmp_path):
        folder = pictures(tmp_path / "Meine Füchse 🦊 (1)", ["ä 1.jpg", "ä 2.jpg", "ä 3.jpg", "日本.png"])
        assert names_of(read(folder)) == ["ä 1.jpg", "ä 2.jpg", "ä 3.jpg", "日本.png"]

    def test_a_capture_survives_the_cache(self, tmp_path):
        capture = read(pictures(tmp_path / "ä", [f"{i:03d}.jpg" for i in range(9)]))
        store.save(capture, tmp_path / "kept")
        again = store.load(tmp_path / "kept")
        assert again.photos == capture.photos and again.test == capture.test and again.ordered

    @pytest.mark.parametrize(
        ("names", "ordered"),
        [
            (["0001.jpg", "0005.jpg", "0009.jpg"], True),
            (["frame_001.png", "frame_002.png", "frame_003.png"], True),
            (["r_1.png", "r_2.png", "r_10.png"], False),
            (["20240212_003919.jpg", "20240212_003921.jpg", "20240212_003925.jpg"], False),
            (["left_01.jpg", "right_01.jpg", "right_02.jpg"], False),
            (["front.jpg", "side.jpg", "top.jpg"], False),
        ],
    )
    def test_numbered_frames_are_told_from_other_photos(self, tmp_path, names, ordered):
        capture = read(pictures(tmp_path, names))
        assert capture.ordered == ordered
        assert all((photo.frame is not None) == ordered and bool(photo.device) == ordered for photo in capture.photos)

    def test_photos_of_a_camera_are_not_taken_for_frames(self, tmp_path):
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "NIKON", "D3200"
        for i in range(3):
            picture(tmp_path / f"DSC_{i:04d}.jpg", i, exif=exif)
        assert not read(tmp_path).ordered

    def test_every_eighth_photo_is_held_out_unless_there_are_few(self, tmp_path):
        pictures(tmp_path, [f"{i:02d}.jpg" for i in range(20)])
        assert read(tmp_path).test == (4, 12)
        assert read(tmp_path, hold_out=5).test == (2, 7, 12, 17)
        assert read(tmp_path, hold_out=0).test == ()
        for i in range(7, 20):
            (tmp_path / f"{i:02d}.jpg").unlink()
        assert read(tmp_path).test == ()

    def test_a_list_of_files_is_read_in_its_own_order(self, tmp_path):
        files = [picture(tmp_path / place / "a.jpg", i) for i, place in enumerate(("x", "y", "z"))]
        capture = read(*reversed(files))
        assert names_of(capture) == ["z/a.jpg", "y/a.jpg", "x/a.jpg"]

    def test_several_folders_are_joined_under_unique_names(self, tmp_path):
        folders = [pictures(tmp_path / name, ["a.jpg", "b.jpg"]) for name in ("x", "y")]
        picture(folders[1] / "a.jpg", 7)
        assert len(set(names_of(read(*folders)))) == 4


class TestMasks:
    def test_masks_beside_photos_are_found_and_not_taken_for_photos(self, tmp_path):
        pictures(tmp_path / "images", ["a.jpg", "b.jpg", "c.jpg", "gas_mask.jpg"])
        pictures(tmp_path / "masks", ["a.png", "b.jpg.png"])
        picture(tmp_path / "images/c_mask.png")
        capture = read(tmp_path)
        assert {photo.name: photo.mask and photo.mask.relative_to(tmp_path).as_posix() for photo in capture.photos} == {
            "a.jpg": "masks/a.png",
            "b.jpg": "masks/b.jpg.png",
            "c.jpg": "images/c_mask.png",
            "gas_mask.jpg": None,
        }
        assert all(photo.mask_is_subject for photo in capture.photos)
        assert not any(photo.mask and photo.mask_is_subject for photo in read(tmp_path, masks="ignore").photos)
        assert not any(photo.mask for photo in read(tmp_path, masks="off").photos)

    def test_masks_inside_the_folder_and_for_subfolders_are_found(self, tmp_path):
        pictures(tmp_path / "set", ["left/a.jpg", "right/a.jpg", "b.jpg", "masks/left/a.png", "masks/b.png"])
        assert {photo.name: bool(photo.mask) for photo in read(tmp_path / "set").photos} == {
            "b.jpg": True,
            "left/a.jpg": True,
            "right/a.jpg": False,
        }

    def test_transparency_counts_unless_it_is_switched_off(self, tmp_path):
        for i in range(3):
            pixels = np.random.default_rng(i).integers(0, 256, (24, 32, 4), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        assert all(photo.has_alpha for photo in read(tmp_path).photos)
        assert not any(photo.has_alpha for photo in read(tmp_path, masks="off").photos)


class TestBadInput:
    def test_an_empty_folder(self, tmp_path):
        with pytest.raises(ReifyError, match="no photos"):
            read(tmp_path)

    def test_nothing(self):
        with pytest.raises(ReifyError, match="No photos"):
            read()

    def test_one_photo(self, tmp_path):
        with pytest.raises(ReifyError, match="Only one photo"):
            read(picture(tmp_path / "a.jpg"))

    def test_300_copies_of_one_photo(self, tmp_path):
        picture(tmp_path / "0.jpg")
        for i in range(1, 300):
            shutil.copy(tmp_path / "0.jpg", tmp_path / f"{i}.jpg")
        with pytest.raises(ReifyError, match="Only one photo.*299 photos.*copy"):
            read(tmp_path)

    def test_a_few_copies_are_left_out_with_a_warning(self, tmp_path):
        pictures(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
        shutil.copy(tmp_path / "b.jpg", tmp_path / "copy of b.jpg")
        job = Job()
        capture = read(tmp_path, job=job)
        assert names_of(capture) == ["a.jpg", "b.jpg", "c.jpg"]
        assert "copy of b.jpg" in capture.warnings[0] and job.report.warnings == capture.warnings

    def test_a_truncated_photo_and_a_text_file_named_jpg_are_skipped_by_name(self, tmp_path):
        pictures(tmp_path, ["a.jpg", "b.jpg", "c.jpg", "cut.jpg"])
        (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:500])
        (tmp_path / "notes.jpg").write_text("these are notes")
        (tmp_path / "empty.png").write_bytes(b"")
        capture = read(tmp_path)
        assert names_of(capture) == ["a.jpg", "b.jpg", "c.jpg"]
        for name in ("cut.jpg", "notes.jpg", "empty.png"):
            assert sum(name in warning for warning in capture.warnings) == 1

    def test_hundreds_of_broken_photos_make_no_hundreds_of_warnings(self, tmp_path):
        pictures(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
        for i in range(200):
            (tmp_path / f"{i}.png").write_text(f"number {i}")
        warnings = read(tmp_path).warnings
        assert len(warnings) == 11 and "190 more" in warnings[-1]

    def test_raw_and_heic_photos_are_named(self, tmp_path):
        pictures(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
        (tmp_path / "IMG_1.HEIC").write_bytes(b"heic")
        assert "IMG_1.HEIC" in read(tmp_path).warnings[0]

    def test_mixed_sizes_and_a_portrait_photo_with_exif_rotation(self, tmp_path):
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = 6
        picture(tmp_path / "a.jpg", 0, (40, 30))
        picture(tmp_path / "b.jpg", 1, (30, 40))
        picture(tmp_path / "c.jpg", 2, (40, 30), exif=exif)
        assert [(photo.width, photo.height) for photo in read(tmp_path).photos] == [(40, 30), (30, 40), (30, 40)]

    def test_places_that_do_not_exist_and_files_of_other_kinds(self, tmp_path):
        with pytest.raises(ReifyError, match="doesn't exist"):
            read(tmp_path / "nowhere")
        (tmp_path / "a.docx").write_text("words")
        with pytest.raises(ReifyError, match="a.docx"):
            read(tmp_path / "a.docx")
        with pytest.raises(ReifyError, match="doesn't exist"):
            read(tmp_path / "a.jpg")

    @pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs a Unix to give up permissions")
    def test_a_folder_without_permission(self, tmp_path):
        folder = pictures(tmp_path / "locked", ["a.jpg"])
        folder.chmod(0)
        user = os.geteuid()
        try:
            if user == 0:
                os.seteuid(65534)  # nobody; root may read everything
            with pytest.raises(ReifyError, match="permission.*locked"):
                read(folder)
        finally:
            os.seteuid(user)
            folder.chmod(0o700)

    def test_gps_is_never_stored(self, tmp_path):
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Phone", "Secret"
        exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)})
        for i in range(3):
            picture(tmp_path / f"{i}.jpg", i, exif=exif)
        capture = read(tmp_path)
        store.save(capture, tmp_path / "kept")
        assert "Secret" in capture.photos[0].device
        assert "48" not in str(capture.photos) and "29.6" not in (tmp_path / "kept/value.json").read_text()


class TestGivenCameras:
    def test_a_colmap_model_beside_its_images_brings_cameras_and_points(self, tmp_path):
        names = [f"cam {i}/ä.jpg" for i in range(9)]
        pictures(tmp_path / "room/images", names)
        points = Points(np.eye(3, dtype=np.float32), np.full((3, 3), 9, np.uint8))
        write_colmap(ring(9), names, tmp_path / "room/sparse/0", points)
        for source in ("room", "room/sparse/0", "room/sparse", "room/sparse/0/images.bin"):
            capture = read(tmp_path / source)
            assert names_of(capture) == names and capture.name == "room" and capture.test == (4,)
            assert np.allclose(capture.cameras.cam_from_world, ring(9).cam_from_world)
            assert np.allclose(capture.points.xyz, np.eye(3), atol=1e-6)
        unposed = read(tmp_path / "room", use_given_cameras=False)
        assert unposed.cameras is None and unposed.points is None and names_of(unposed) == names and unposed.test == (4,)

    def test_a_transforms_json_is_read_from_its_folder_or_by_itself(self, tmp_path):
        names = [f"images/{i}.png" for i in range(9)]
        pictures(tmp_path / "fox", names)
        picture(tmp_path / "fox/images/not posed.png", 77)
        write_transforms(ring(9), names, tmp_path / "fox/transforms.json", test=[0, 8])
        for source in ("fox", "fox/transforms.json"):
            capture = read(tmp_path / source)
            assert names_of(capture) == names and capture.name == "fox" and capture.test == (0, 8) and not capture.ordered
            assert np.allclose(capture.cameras.centers, ring(9).centers)

    def test_the_split_follows_its_photos_when_others_are_missing_or_broken(self, tmp_path):
        names = [f"images/{i}.png" for i in range(9)]
        pictures(tmp_path, names)
        write_transforms(ring(9), names, tmp_path / "transforms.json", test=[3, 8])
        (tmp_path / "images/1.png").unlink()
        (tmp_path / "images/4.png").write_text("broken")
        capture = read(tmp_path)
        assert names_of(capture) == [names[i] for i in (0, 2, 3, 5, 6, 7, 8)]
        assert [names_of(capture)[i] for i in capture.test] == [names[3], names[8]]
        assert np.allclose(capture.cameras.centers, ring(9).centers[[0, 2, 3, 5, 6, 7, 8]])
        assert any("images/1.png" in warning for warning in capture.warnings) and any("4.png" in warning for warning in capture.warnings)

    def test_cameras_fit_pictures_that_were_scaled(self, tmp_path):
        names = [f"{i}.png" for i in range(3)]
        pictures(tmp_path, names)
        write_transforms(ring(3, (320, 240)), names, tmp_path / "transforms.json")
        cameras = read(tmp_path).cameras
        assert np.allclose(cameras.K, ring(3, (32, 24)).K) and cameras.size_px.tolist() == [[32, 24]] * 3

    @pytest.mark.parametrize("declared_upright", [False, True])
    def test_a_portrait_photo_with_exif_rotation_keeps_its_camera_upright(self, tmp_path, declared_upright):
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = 6  # stored lying on its left side, to be turned clockwise
        upright = ring(3, (24, 32))
        stored = upright if declared_upright else axes.turn_cameras(upright, np.ones(3, int))
        for i in range(3):
            picture(tmp_path / f"{i}.jpg", i, (32, 24), exif=exif)
        write_transforms(stored, [f"{i}.jpg" for i in range(3)], tmp_path / "transforms.json")
        capture = read(tmp_path)
        assert capture.cameras.size_px.tolist() == [[24, 32]] * 3
        assert np.allclose(capture.cameras.cam_from_world, upright.cam_from_world) and np.allclose(capture.cameras.K, upright.K)
        ((_, above), (_, below)), _ = project(capture.cameras, 0, np.array([[0, 0, 0.5], [0, 0, -0.5]]))
        assert above < below

    def test_masks_of_a_transforms_json_hide_what_is_to_be_ignored(self, tmp_path):
        names = [f"{i}.png" for i in range(3)]
        pictures(tmp_path, names)
        picture(tmp_path / "hide/1.png")
        write_transforms(ring(3), names, tmp_path / "transforms.json")
        text = (tmp_path / "transforms.json").read_text().replace('"file_path": "1.png"', '"file_path": "1.png", "mask_path": "hide/1.png"')
        (tmp_path / "transforms.json").write_text(text)
        photo = read(tmp_path).photos[1]
        assert photo.mask == tmp_path / "hide/1.png" and not photo.mask_is_subject
        assert read(tmp_path, masks="subject").photos[1].mask_is_subject
        assert read(tmp_path, masks="off").photos[1].mask is None

    def test_a_picture_of_another_shape_than_its_camera_is_warned_of(self, tmp_path):
        pictures(tmp_path, ["0.png", "1.png", "2.png"])
        write_transforms(ring(3, (40, 24)), ["0.png", "1.png", "2.png"], tmp_path / "transforms.json")
        assert "cropped" in read(tmp_path).warnings[0]

    def test_cameras_of_two_sources_are_not_mixed(self, tmp_path):
        for name in ("a", "b"):
            pictures(tmp_path / name, [f"{name}{i}.png" for i in range(3)])
            write_transforms(ring(3), [f"{name}{i}.png" for i in range(3)], tmp_path / name / "transforms.json")
        capture = read(tmp_path / "a", tmp_path / "b")
        assert capture.cameras is None and len(capture.photos) == 6 and "given cameras" in capture.warnings[0]

    def test_a_corrupt_model_beside_sound_photos_is_told_and_doesnt_cost_them(self, tmp_path):
        pictures(tmp_path / "images", ["a.jpg", "b.jpg", "c.jpg"])
        (tmp_path / "sparse/0").mkdir(parents=True)
        for name in ("cameras.bin", "images.bin", "points3D.bin"):
            (tmp_path / "sparse/0" / name).write_bytes(b"\x01\x02\x03")
        job = Job()
        capture = read(tmp_path, job=job)
        assert names_of(capture) == ["a.jpg", "b.jpg", "c.jpg"] and capture.cameras is None
        assert "COLMAP model in sparse/0 is damaged" in capture.warnings[0] and "found from the photos" in job.report.choices["cameras"]
        with pytest.raises(ReifyError, match="COLMAP model.*damaged"):
            read(tmp_path / "sparse/0")
