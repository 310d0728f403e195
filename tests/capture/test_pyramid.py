from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.capture import pyramid
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.capture.views import load_views
from reify.backend.formats import images
from reify.backend.formats.images import write_png
from reify.backend.formats.posed import pinhole_matrix
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.values import Capture, Photos
from reify.tests.capture.test_views import BARREL, capture_of

SIZE = (120, 160)


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    """Six photos with transparency and a mask of what is known, and a lens."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (*SIZE, 4), np.uint8) for _ in range(6)]
    found = capture_of(tmp_path, pictures, pinhole_matrix(150, 160, 88, 64), BARREL)
    mask = np.full(SIZE, 255, np.uint8)
    mask[30:60] = 0
    write_png(tmp_path / "mask.png", mask)
    return replace(found, photos=tuple(replace(photo, mask=tmp_path / "mask.png", mask_is_subject=False) for photo in found.photos))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(Environment(cache=Cache(tmp_path / "cache")))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were decoded."""
    names: list[str] = []
    real = images.read_at_least

    def counting(path: Path, *rest: object, **more: object) -> np.ndarray:
        names.append(path.name)
        return real(path, *rest, **more)

    monkeypatch.setattr(images, "read_at_least", counting)
    return names


def planes_of(capture: Capture, side_px: int, job: Job | None = None) -> list[np.ndarray]:
    views = load_views(capture, side_px, job=job)
    return [plane for planes in (views.rgb, views.alpha, views.weight) for plane in planes]


def test_a_photo_and_its_mask_are_decoded_once_for_all_sizes_of_a_job(capture: Capture, job: Job, read: list[str]) -> None:
    job.picture_sides_px = (100, 80, 40)
    for side_px in (80, 40, 100, 80):
        planes_of(capture, side_px, job)
    assert sorted(read) == sorted([photo.path.name for photo in capture.photos] + 6 * ["mask.png"])
    planes_of(capture, 40, Job(job.environment))
    assert len(read) == 12


def test_a_level_is_the_same_from_the_photo_from_the_cache_and_whatever_else_is_made_along(capture: Capture, job: Job) -> None:
    alone = planes_of(capture, 80)
    job.picture_sides_px = (0, 100, 40)
    for kept in (planes_of(capture, 80, job), planes_of(capture, 80, job)):
        assert all(np.array_equal(a, b) for a, b in zip(alone, kept, strict=True))
    assert {plane.dtype for plane in alone} == {np.dtype(np.uint8)}


def test_another_camera_or_mask_or_a_changed_photo_is_another_level(capture: Capture, job: Job, read: list[str]) -> None:
    planes_of(capture, 80, job)
    assert capture.cameras is not None
    turned = replace(capture, cameras=replace(capture.cameras, distortion=2 * capture.cameras.distortion))
    assert not np.array_equal(planes_of(turned, 80, job)[0], planes_of(capture, 80, job)[0])
    unmasked = replace(capture, photos=tuple(replace(photo, mask=None) for photo in capture.photos))
    planes_of(unmasked, 80, job)
    count = len(read)
    write_png(capture.photos[0].path, np.zeros((*SIZE, 4), np.uint8))
    assert not planes_of(capture, 80, job)[0].any()
    assert read[count:] == [capture.photos[0].path.name, "mask.png"]


def test_a_damaged_level_is_made_again(capture: Capture, job: Job) -> None:
    before = planes_of(capture, 80, job)
    assert job.environment.cache is not None
    for file in job.environment.cache.pictures.rglob("*.zip"):
        file.write_bytes(file.read_bytes()[:50])
    assert all(np.array_equal(a, b) for a, b in zip(before, planes_of(capture, 80, job), strict=True))


def test_prepared_photos_leave_a_full_cache_before_any_stage_does(capture: Capture, job: Job) -> None:
    cache = job.environment.cache
    assert cache is not None
    stage = cache.folder / "stage-0"
    stage.mkdir(parents=True)
    (stage / "value.json").write_bytes(bytes(10_000))
    planes_of(capture, 80, job)
    planes_of(capture, 40, job)
    assert cache.size() > 60_000
    cache.limit_bytes = 10_000
    cache.prune()
    assert not list(cache.pictures.rglob("*.zip")) and stage.is_dir()


def test_where_the_disk_refuses_photos_are_read_from_their_files(capture: Capture, job: Job) -> None:
    assert job.environment.cache is not None
    job.environment.cache.pictures.parent.mkdir(parents=True, exist_ok=True)
    job.environment.cache.pictures.write_text("a file where the folder should be")
    kept = planes_of(capture, 80, job)
    assert all(np.array_equal(a, b) for a, b in zip(planes_of(capture, 80), kept, strict=True))


@pytest.mark.parametrize(("name", "side_px"), [("fox", 560), ("snowmiku", 640)])
def test_a_level_of_a_real_photo_is_what_undoing_its_lens_at_twice_the_size_gives_within_rounding(
    data: Path, name: str, side_px: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = read_photos(Photos((data / name,)), CaptureSettings(), job=Job())
    level = load_views(capture, side_px, only=[0])
    monkeypatch.setattr(pyramid, "BASE_PX", 0)
    direct = load_views(capture, side_px, only=[0])
    error = np.abs(level.rgb[0].astype(float) - direct.rgb[0])
    assert error.mean() < 0.5 and np.quantile(error, 0.99) <= 3
    if level.weight[0] is not None:
        assert (np.abs(level.weight[0].astype(int) - direct.weight[0]) > 2).mean() < 0.01
