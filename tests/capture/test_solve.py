from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reify.backend.capture import sfm
from reify.backend.capture import solve as solve_module
from reify.backend.capture.read import CaptureSettings, read_photos
from reify.backend.capture.sfm_ladder import rungs
from reify.backend.capture.sfm_pictures import write_pictures
from reify.backend.capture.solve import CameraSettings, solve_cameras
from reify.backend.capture.trust import Doubt, Verdict
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.formats.images import read_image, write_jpeg, write_png
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job, Progress
from reify.backend.metrics.cameras import camera_errors, rotation_angles_deg
from reify.backend.values import Array, Cameras, Capture, Photo, Photos
from scipy import ndimage

QUICK = CameraSettings(features=1000)
WIDTH, HEIGHT, FOCAL_PX = 320, 240, 290.0
K = np.array([[FOCAL_PX, 0, WIDTH / 2], [0, FOCAL_PX, HEIGHT / 2], [0, 0, 1.0]])


def noise(seed: int) -> Array:
    """A texture with detail at every scale, so that features are found from near and far."""
    random = np.random.default_rng(seed)
    layers = [ndimage.zoom(random.normal(size=(size, size)), 512 / size, order=1) * size**-0.4 for size in (8, 32, 128, 256)]
    total = np.sum(layers, axis=0)
    return np.clip(128 + 60 * (total - total.mean()) / total.std(), 0, 255)


TEXTURES = [noise(seed) for seed in range(3)]


def photograph(cam_from_world: Array) -> Array:
    """The corner of a room: the floor z = 0 and the walls y = 2 and x = -2, each with a texture of its own; [H,W,3] uint8."""
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    rays = np.stack([(x - K[0, 2]) / FOCAL_PX, (y - K[1, 2]) / FOCAL_PX, np.ones_like(x)], axis=-1) @ cam_from_world[:3, :3]
    origin = -cam_from_world[:3, :3].T @ cam_from_world[:3, 3]
    planes = ((2, 0.0, (0, 1)), (1, 2.0, (0, 2)), (0, -2.0, (1, 2)))
    nearest, gray = np.full(x.shape, np.inf), np.zeros_like(x)
    for (axis, offset, across), texture in zip(planes, TEXTURES, strict=True):
        distance = (offset - origin[axis]) / rays[..., axis]
        u, v = (80.0 * (origin[a] + distance * rays[..., a]) + 256 for a in across)
        seen = ndimage.map_coordinates(texture, [v, u], order=1, mode="wrap")
        hit = (distance > 0) & (distance < nearest)
        nearest, gray = np.where(hit, distance, nearest), np.where(hit, seen, gray)
    return np.repeat(gray[..., None], 3, axis=2).astype(np.uint8)


def true_cameras(count: int = 12) -> Cameras:
    angle = np.radians(np.linspace(-30, 30, count))
    centers = np.stack([3.0 * np.sin(angle) + 0.8, -3.0 * np.cos(angle) + 0.5, 1.4 + 0.3 * np.cos(5 * angle)], axis=1)
    forward = np.array([-0.5, 1.0, 0.6]) - centers
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    right = np.cross(forward, [0, 0, 1.0])
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    pose = np.tile(np.eye(4), (count, 1, 1))
    pose[:, :3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:, :3, 3] = -np.einsum("cij,cj->ci", pose[:, :3, :3], centers)
    return Cameras(pose, np.tile(K, (count, 1, 1)), np.tile([WIDTH, HEIGHT], (count, 1)), np.zeros((count, 8)))


def capture_of(folder: Path, pictures: list[Array]) -> Capture:
    folder.mkdir(parents=True, exist_ok=True)
    photos = []
    for index, pixels in enumerate(pictures):
        path = folder / f"{index:02d} é 📷.png"
        write_png(path, pixels)
        photos.append(Photo(path, path.name, pixels.shape[1], pixels.shape[0], has_alpha=pixels.shape[2] == 4))
    return Capture("room", tuple(photos))


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Capture:
    return capture_of(tmp_path_factory.mktemp("room"), [photograph(pose) for pose in true_cameras().cam_from_world])


def solve(capture: Capture, settings: CameraSettings | None = None, job: Job | None = None) -> tuple[Capture, Job]:
    job = job or Job()
    return job.stage("Finding cameras", solve_cameras, capture, settings or QUICK), job


@pytest.fixture(scope="module")
def with_blank(room: Capture) -> Capture:
    blank = capture_of(room.photos[0].path.parent / "blank", [np.full((HEIGHT, WIDTH, 3), 200, np.uint8)])
    return Capture(room.name, (room.photos[0], blank.photos[0], *room.photos[1:]), test=(0, 1, 5))


@pytest.fixture(scope="module")
def solved(with_blank: Capture) -> tuple[Capture, Job]:
    return solve(with_blank, replace(QUICK, retry=False))


def test_rendered_photos_of_a_room_get_their_true_cameras_back(solved: tuple[Capture, Job]) -> None:
    capture, _job = solved
    assert capture.cameras is not None and len(capture.cameras) == 12
    errors = camera_errors(capture.cameras, true_cameras())
    assert errors.position.max() < 0.02
    assert errors.rotation_deg.max() < 0.5
    np.testing.assert_allclose(capture.cameras.K[:, 0, 0], FOCAL_PX, rtol=0.02)


def test_photos_solved_again_by_more_threads_get_the_same_cameras_in_the_same_world(
    with_blank: Capture, solved: tuple[Capture, Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solve_module, "available_threads", lambda: 8)
    again = solve(with_blank, replace(QUICK, retry=False))[0].cameras
    before = solved[0].cameras
    assert again is not None and before is not None
    np.testing.assert_allclose(again.centers, before.centers, atol=0.02)
    turned = again.cam_from_world[:, :3, :3] @ before.cam_from_world[:, :3, :3].transpose(0, 2, 1)
    assert rotation_angles_deg(turned).max() < 0.5
    np.testing.assert_allclose(again.K, before.K, rtol=0.005)


@pytest.mark.parametrize(("count", "threads"), [(100, 1), (101, 8)])
def test_one_thread_places_the_photos_of_a_usual_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, threads: int) -> None:
    requests: list[dict[str, Any]] = []
    monkeypatch.setattr(solve_module, "available_threads", lambda: 8)
    monkeypatch.setattr(solve_module, "run_worker", lambda request, *_others: requests.append(request))
    (tmp_path / "masks").mkdir()
    photos = tuple(Photo(tmp_path / f"{index}.jpg", str(index), WIDTH, HEIGHT) for index in range(count))
    rung = rungs(WIDTH, 1000, every_pair=False)[0]
    solve_module._attempt(Capture("many", photos), np.tile([WIDTH, HEIGHT], (count, 1)), QUICK, rung, tmp_path, Job())
    assert requests[0]["placing_threads"] == threads and requests[0]["threads"] == 8


def test_the_solved_room_stands_upright_on_its_floor(solved: tuple[Capture, Job]) -> None:
    capture, job = solved
    assert capture.cameras is not None
    true_from_solved = camera_errors(capture.cameras, true_cameras()).true_from_solved
    up = true_from_solved[:3, :3] @ [0, 0, 1.0]
    assert np.degrees(np.arccos(up[2] / np.linalg.norm(up))) < 2
    assert "up" in job.report.choices["world"]


def test_sparse_points_lie_on_the_surfaces_of_the_room(solved: tuple[Capture, Job]) -> None:
    capture, _job = solved
    assert capture.cameras is not None and capture.points is not None and len(capture.points) > 200
    true_from_solved = camera_errors(capture.cameras, true_cameras()).true_from_solved
    xyz = capture.points.xyz @ true_from_solved[:3, :3].T + true_from_solved[:3, 3]
    distance = np.abs([xyz[:, 2], xyz[:, 1] - 2, xyz[:, 0] + 2]).min(axis=0)
    assert np.quantile(distance, 0.9) < 0.05
    assert capture.points.rgb is not None and capture.points.rgb.std() > 20


def test_a_photo_without_features_is_left_out_by_name_with_the_reason(solved: tuple[Capture, Job]) -> None:
    capture, job = solved
    (name, reason), *others = capture.unregistered.items()
    assert not others and name.startswith("00") and "texture" in reason
    assert name in job.report.warnings[0]
    assert job.report.choices["photos without a camera"] == f"{name}: {reason}"
    assert job.report.choices["cameras checked"].startswith("sure: ")
    assert [photo.path.parent.name for photo in capture.photos].count("blank") == 0
    assert capture.test == (0, 4)  # photos 0 and 5; photo 1 has gone
    assert job.report.metrics["registered"] == 12 and job.report.metrics["photos"] == 13
    assert 0 < job.report.metrics["reprojection_error_px"] < 1


def test_intrinsics_are_those_of_the_full_photo_where_features_came_from_a_smaller_one(room: Capture, tmp_path: Path) -> None:
    large = [np.repeat(np.repeat(read_image(photo.path), 2, axis=0), 2, axis=1) for photo in room.photos]
    capture, _job = solve(capture_of(tmp_path, large), replace(QUICK, long_side_px=WIDTH, upright=False))
    assert capture.cameras is not None
    np.testing.assert_allclose(capture.cameras.K[:, 0, 0], 2 * FOCAL_PX, rtol=0.02)
    np.testing.assert_allclose(capture.cameras.K[:, 0, 2], WIDTH, rtol=0.05)
    np.testing.assert_array_equal(capture.cameras.size_px[0], [2 * WIDTH, 2 * HEIGHT])


def test_given_cameras_are_kept_but_centered_and_scaled(room: Capture) -> None:
    capture, job = solve(Capture("room", room.photos, true_cameras()))
    assert capture.cameras is not None
    errors = camera_errors(capture.cameras, true_cameras())
    assert errors.position.max() < 1e-9
    assert job.report.choices["cameras"] == "as given with the photos"


def test_photos_of_a_white_wall_say_that_there_is_no_texture(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    wall = [random.integers(235, 238, (120, 160, 3)).astype(np.uint8) for _ in range(4)]
    with pytest.raises(ReifyError, match="texture"):
        solve(capture_of(tmp_path, wall))


def test_photos_from_one_place_say_that_the_place_must_change(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    photo = photograph(true_cameras().cam_from_world[0]).astype(np.int64)
    copies = [np.clip(photo + random.integers(-2, 3, photo.shape), 0, 255).astype(np.uint8) for _ in range(5)]
    with pytest.raises(ReifyError, match="same place"):
        solve(capture_of(tmp_path, copies))


def test_two_photos_are_too_few(room: Capture) -> None:
    with pytest.raises(ReifyError, match="3 photos or more"):
        solve(Capture("room", room.photos[:2]))


def test_a_handful_of_photos_without_overlap_is_refused_with_other_ways_to_go(tmp_path: Path) -> None:
    apart = [np.repeat(noise(seed)[:HEIGHT, :WIDTH, None], 3, axis=2).astype(np.uint8) for seed in range(10, 15)]
    with pytest.raises(ReifyError, match="cameras of 5 photos") as caught:
        solve(capture_of(tmp_path, apart), replace(QUICK, retry=False))
    assert all(way in caught.value.fix for way in ("20 to 60 photos", "cameras of these", "From Picture"))


def attempt_with(photos: int, verdict: Verdict | None = None) -> solve_module.Attempt:
    model = sfm.Model(np.arange(photos), *[np.zeros(0)] * 7, 0.5, *[np.zeros(0)] * 4)
    return solve_module.Attempt(model, rungs(WIDTH, 1000, False)[0], verdict)


@pytest.mark.parametrize(("placed", "continued", "with_all"), [(48, True, 2), (30, True, 0), (20, False, 0)])
def test_a_second_attempt_seeks_few_missing_photos_among_all_in_the_model_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, placed: int, continued: bool, with_all: int
) -> None:
    requests: list[dict[str, Any]] = []
    monkeypatch.setattr(solve_module, "run_worker", lambda request, *_others: requests.append(request))
    (tmp_path / "masks").mkdir()
    capture = Capture("many", tuple(Photo(tmp_path / f"{index}.jpg", str(index), WIDTH, HEIGHT) for index in range(50)))
    rung = rungs(WIDTH, 1000, every_pair=False)[1]
    before = attempt_with(placed)
    solve_module._attempt(capture, np.tile([WIDTH, HEIGHT], (50, 1)), QUICK, rung, tmp_path, Job(), "", before)
    assert requests[0]["continued"] == continued and len(requests[0]["pairing"]["with_all"]) == with_all


def test_sure_cameras_of_fewer_photos_are_preferred_to_doubtful_ones_of_somewhat_more() -> None:
    doubt = Verdict((Doubt("why", "what to do"),), refused=False, agreement=0.9)
    sure = Verdict((), refused=False, agreement=1.0)
    better = solve_module.better
    assert better(attempt_with(13, sure), attempt_with(16, doubt)) and not better(attempt_with(16, doubt), attempt_with(13, sure))
    assert better(attempt_with(40, doubt), attempt_with(13, sure)) and better(attempt_with(14, sure), attempt_with(13, sure))
    assert better(attempt_with(3, doubt), attempt_with(2))


def test_what_is_masked_away_gets_no_features_either_way_round(room: Capture, tmp_path: Path) -> None:
    photo = room.photos[0]
    half = np.zeros((HEIGHT, WIDTH), np.uint8)
    half[:, : WIDTH // 2] = 255
    write_png(tmp_path / "mask.png", half)
    masked = [Photo(photo.path, "a", WIDTH, HEIGHT, mask=tmp_path / "mask.png", mask_is_subject=kind) for kind in (True, False)]
    cut_out = capture_of(tmp_path / "rgba", [np.dstack([read_image(photo.path), half])]).photos[0]
    job = Job()
    job.stage("Finding cameras", lambda job: write_pictures([*masked, cut_out, photo], tmp_path / "out", 0, job))
    for index in range(3):
        np.testing.assert_array_equal(read_image(tmp_path / "out" / "masks" / f"{index:05d}.jpg.png")[..., 0], half)
    assert not (tmp_path / "out" / "masks" / "00003.jpg.png").exists()
    xs = np.concatenate([row for row in _keypoints(tmp_path, masked)])[:, 0]
    assert len(xs) > 50 and xs.max() < WIDTH / 2 + 1


KEYPOINTS = """
import json, sys
import numpy as np, pycolmap
from reify.backend.capture import sfm_database, sfm_worker
request, database, out = json.loads(sys.argv[1]), *sys.argv[2:]
sfm_database.describe_photos(database, request)
sfm_worker._extract(database, request)
opened = pycolmap.Database.open(database)
np.savez(out, *[opened.read_keypoints(index + 1) for index in range(len(request["images"]))])
opened.close()
"""


def _keypoints(folder: Path, photos: list[Photo]) -> list[Array]:
    """What is found in each photo; in a process of its own, as importing pycolmap takes away the handler that reports crashes."""
    request = {
        "images": [{"name": f"{index:05d}.jpg", "camera": 0} for index in range(len(photos))],
        "cameras": [{"model": "SIMPLE_RADIAL", "width": WIDTH, "height": HEIGHT, "focal_px": None}],
        "threads": 2,
        "features": {"first_octave": 0},
        "pictures": str(folder / "out" / "pictures"),
        "masks": str(folder / "out" / "masks"),
    }
    out = folder / "keypoints.npz"
    subprocess.run([sys.executable, "-c", KEYPOINTS, json.dumps(request), str(folder / "features.db"), str(out)], check=True)
    with np.load(out) as found:
        return [found[name] for name in found.files]


def test_a_photo_that_exif_turns_is_written_upright(tmp_path: Path) -> None:
    from PIL import Image

    upright = photograph(true_cameras().cam_from_world[0])
    write_jpeg(tmp_path / "turned.jpg", np.rot90(upright))
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(tmp_path / "turned.jpg") as image:
        image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    photo = Photo(tmp_path / "turned.jpg", "turned", WIDTH, HEIGHT)
    Job().stage("Finding cameras", lambda job: write_pictures([photo], tmp_path / "out", 0, job))
    written = read_image(tmp_path / "out" / "pictures" / "00000.jpg").astype(float)
    assert np.abs(written - upright).mean() < 4


def cancelled_in(step: str, capture: Capture, cache: Cache | None = None) -> float:
    """Seconds from the cancel, which comes with the first progress whose text begins with `step`, to the end of the job."""
    at: list[float] = []

    def listen(event: object) -> None:
        if isinstance(event, Progress) and event.text.startswith(step) and not at:
            at.append(time.monotonic())
            job.cancel()

    job = Job(Environment(cache), listener=listen)
    with pytest.raises(Cancelled):
        solve(capture, job=job)
    return time.monotonic() - at[0]


@pytest.mark.parametrize("step", ["preparing", "starting", "features", "matching"])
def test_a_cancel_ends_the_child_within_half_a_second(room: Capture, step: str) -> None:
    before = _children(os.getpid())
    assert cancelled_in(step, room) < 0.5
    assert _children(os.getpid()) <= before


def _children(process: int) -> set[int]:
    listings = (Path("/proc") / str(process) / "task").glob("*/children")
    return {int(child) for listing in listings for child in listing.read_text().split()}


def test_what_was_found_before_a_cancel_is_not_done_again(room: Capture, tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cancelled_in("matching", room, cache)
    texts: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, Progress):
            texts.append(event.text)

    capture, _job = solve(room, job=Job(Environment(cache), listener=listen))
    assert len(capture.photos) == 12
    assert not any(text.startswith(("features of photo 0", "features of photo 1 ")) for text in texts)
    assert not list(tmp_path.rglob("*.db"))  # pictures and database are no part of the value


def test_an_accident_in_the_child_becomes_an_error_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ReifyError, match="KeyError") as caught:
        sfm.run_worker({"database": str(tmp_path / "a.db"), "model": str(tmp_path / "a.npz")}, tmp_path, Job(), lambda *told: None)
    assert "log" in caught.value.fix


@pytest.mark.parametrize(("codes", "placed"), [((-11, 0), True), ((-11, -11), False), ((0xC0000005, 0), True), ((1, 0), False)])
def test_a_child_that_crashes_is_started_once_more_and_said_so(tmp_path: Path, monkeypatch, codes: tuple[int, ...], placed: bool) -> None:
    left = list(codes)

    def ended(request_file: Path, log: Path, job: Job, show: object) -> int:
        log.write_text("the last word")
        return left.pop(0)

    monkeypatch.setattr(sfm, "_run", ended)
    monkeypatch.setattr(sfm, "_read", lambda path: "a model")
    job = Job()
    if placed:
        assert sfm.run_worker({"model": "a.npz"}, tmp_path, job, lambda *told: None) == "a model"
    else:
        with pytest.raises(ReifyError, match="stopped unexpectedly: the last word"):
            sfm.run_worker({"model": "a.npz"}, tmp_path, job, lambda *told: None)
    assert [text for text in job.report.warnings if "started once more" in text] == list(job.report.warnings)
    assert len(job.report.warnings) == (codes[0] != 1)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds the child in /proc")
@pytest.mark.parametrize("step", ["features", "matching"])
def test_the_child_dies_with_its_parent(room: Capture, step: str) -> None:
    code = (
        "import sys; from pathlib import Path; from reify.backend.capture.solve import CameraSettings, solve_cameras;"
        "from reify.backend.jobs.job import Job; from reify.backend.values import Capture, Photo;"
        f"paths = [Path(text) for text in {[str(photo.path) for photo in room.photos]!r}];"
        f"photos = tuple(Photo(path, path.name, {WIDTH}, {HEIGHT}) for path in paths);"
        "job = Job(listener=lambda event: print(getattr(event, 'text', ''), flush=True));"
        "job.stage('Finding cameras', solve_cameras, Capture('room', photos), CameraSettings())"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout is not None
    assert any(line.startswith(step) for line in parent.stdout)
    children = _children(parent.pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert children
    assert _within(5.0, lambda: not any(_alive(child) for child in children))


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if holds():
            return True
        threading.Event().wait(0.05)
    return holds()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("kermit", 10), ("banana", 14), ("strecha_fountain-P11", 11)])
def test_a_real_capture_is_placed(data: Path, name: str, least: int) -> None:
    job = Job()
    capture = read_photos(Photos((data / name / "images",)), CaptureSettings(use_given_cameras=False), job=job)
    placed, job = solve(capture, job=job)
    assert len(placed.photos) >= least
    assert job.report.choices["cameras checked"].startswith("sure: ")
    assert job.report.metrics["reprojection_error_px"] < 1.0


@pytest.mark.slow
def test_rotations_of_the_fountain_are_true_to_a_twentieth_of_a_degree(data: Path) -> None:
    given = read_photos(Photos((data / "strecha_fountain-P11",)), CaptureSettings(), job=Job())
    capture = read_photos(Photos((data / "strecha_fountain-P11",)), CaptureSettings(use_given_cameras=False), job=Job())
    placed, _job = solve(capture, CameraSettings())
    true_index = {photo.path.name: index for index, photo in enumerate(given.photos)}
    assert placed.cameras is not None and given.cameras is not None
    errors = camera_errors(placed.cameras, given.cameras.take([true_index[photo.path.name] for photo in placed.photos]))
    assert errors.rotation_deg.mean() <= 0.05


@pytest.mark.slow
def test_a_head_on_a_turntable_is_doubtful_without_its_masks(data: Path) -> None:
    job = Job()
    capture = read_photos(Photos((data / "ethiopian_head",)), CaptureSettings(masks="off"), job=job)
    some = replace(capture, photos=capture.photos[::2], test=())
    try:
        solve(some, CameraSettings(long_side_px=640), job=job)
        verdict = job.report.choices["cameras checked"]
    except ReifyError as error:
        verdict = str(error)
    assert "turntable" in verdict


def test_the_child_leaves_no_log_among_the_temporary_files(room: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    solve(Capture(room.name, room.photos[:4]))
    assert not [path.name for path in (tmp_path / "tmp").iterdir() if ".log." in path.name]
