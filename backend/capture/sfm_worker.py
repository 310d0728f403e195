"""The child process in which pycolmap runs: features, pairs, matches, cameras; `python -m backend.capture.sfm_worker REQUEST`.

REQUEST is a JSON file that `sfm.py` writes. Standard output gets one JSON object per line that says how far it is; the solved model
goes to the file that the request names. The process ends when its standard input closes, so that it never outlives Blender.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

from ..values import Array
from .sfm_added import add_keypoints, add_matches, added_pairs
from .sfm_database import describe_photos, known_cameras
from .sfm_evidence import gather
from .sfm_pairs import COARSE_FEATURES, Pair, all_pairs, neighbors, similar_pairs, similarities
from .sfm_refine import refine

POLL_S = 0.25
PAIRS_A_TRANSACTION = 20  # small, so that the progress moves and little is lost with a kill
SEED = 1


def main(request_file: str) -> None:
    """Do what the request says."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    for level in (pycolmap.logging.INFO, pycolmap.logging.WARNING, pycolmap.logging.ERROR):
        pycolmap.logging.set_log_destination(level, "")  # else it writes into files among the temporary ones, too, which stay there
    pycolmap.logging.minloglevel = int(pycolmap.logging.WARNING)
    pycolmap.set_random_seed(SEED)
    database = Path(request["database"])
    if request["matches"]:
        add_matches(database, request)
        _verify(database, request)
    else:
        describe_photos(database, request)
        _extract(database, request)
        pairs = _choose_pairs(database, request)
        _match(database, pairs, request)
    models = _refine(_map(database, request), request)
    _write(database, models, request)


def _end_with_parent() -> None:
    os.read(0, 1)  # unbuffered: a lock on sys.stdin would be in the way at the end. Nothing is ever sent.
    os._exit(3)


def _say(step: str, done: int, total: int, **more: Any) -> None:
    print(json.dumps({"step": step, "done": done, "total": total, **more}), flush=True)


@contextlib.contextmanager
def _watching(step: str, total: int, path: Path, count: Callable[[Any], int]) -> Iterator[None]:
    """Say how far a step is, by what `count` finds in the database.

    Through pycolmap itself: a second SQLite in the process, Python's, would take back the locks of the first when it closes its
    file, and the shared memory under both would go.
    """
    ended = threading.Event()
    database = pycolmap.Database.open(path)

    def watch() -> None:
        while not ended.wait(POLL_S):
            with contextlib.suppress(RuntimeError):  # pycolmap is just writing; the next poll sees it
                _say(step, min(count(database), total), total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        database.close()


def _extract(database: Path, request: dict[str, Any]) -> None:
    options = pycolmap.FeatureExtractionOptions()
    options.mergedict({"num_threads": request["threads"], "use_gpu": False, "sift": request["features"]})
    reader = pycolmap.ImageReaderOptions()
    if request["masks"]:
        reader.mask_path = request["masks"]
    names = [image["name"] for image in request["images"]]
    numbers = range(1, len(names) + 1)
    with _watching("features", len(names), database, lambda opened: sum(map(opened.exists_descriptors, numbers))):
        pycolmap.extract_features(
            database, request["pictures"], image_names=names, camera_mode=pycolmap.CameraMode.PER_IMAGE, reader_options=reader,
            extraction_options=options, device=pycolmap.Device.cpu,
        )  # fmt: skip


def _verify(path: Path, request: dict[str, Any]) -> None:
    names = [image["name"] for image in request["images"]]
    pairs = added_pairs(request)
    listing = path.with_suffix(".pairs.txt")
    listing.write_text("".join(f"{names[one]} {names[two]}\n" for one, two in pairs), encoding="utf-8")
    verification = pycolmap.TwoViewGeometryOptions()
    verification.mergedict({"ransac": {"random_seed": SEED}, **request["verification"]})

    def verified(database: Any) -> int:
        return sum(database.exists_two_view_geometry(one + 1, two + 1) for one, two in pairs)

    with _watching("matching", len(pairs), path, verified):
        pycolmap.verify_matches(path, listing, verification)


def _choose_pairs(path: Path, request: dict[str, Any]) -> list[Pair]:
    count = len(request["images"])
    pairing = request["pairing"]
    if pairing["all"]:
        return all_pairs(count)
    database = pycolmap.Database.open(path)
    coarse = [_largest_features(database, number + 1) for number in range(count)]
    database.close()
    chosen = similar_pairs(coarse, pairing["partners"], progress=lambda photo: _say("pairs", photo, count))
    with_all = {(min(a, b), max(a, b)) for a in pairing["with_all"] for b in range(count) if a != b}
    return sorted({*chosen, *neighbors(count, pairing["overlap"]), *with_all})


def _largest_features(database: Any, image_id: int) -> Array:
    keypoints = database.read_keypoints(image_id)
    if len(keypoints) == 0:
        return np.zeros((0, 128), np.uint8)
    # Columns 2 to 5 are the affine shape; its determinant is the area.
    area = np.abs(keypoints[:, 2] * keypoints[:, 5] - keypoints[:, 3] * keypoints[:, 4])
    return np.asarray(database.read_descriptors(image_id).data)[np.argsort(-area, kind="stable")[:COARSE_FEATURES]]


def _match(database: Path, pairs: list[Pair], request: dict[str, Any]) -> None:
    names = [image["name"] for image in request["images"]]
    listing = database.with_suffix(".pairs.txt")
    listing.write_text("".join(f"{names[a]} {names[b]}\n" for a, b in pairs), encoding="utf-8")
    matching = pycolmap.FeatureMatchingOptions()
    matching.mergedict({"num_threads": request["threads"], "use_gpu": False, **request["matching"]})
    matching.mergedict({"rig_verification": bool(known_cameras(request)), "skip_image_pairs_in_same_frame": True})
    pairing = pycolmap.ImportedPairingOptions()
    pairing.mergedict({"match_list_path": str(listing), "block_size": PAIRS_A_TRANSACTION})
    verification = pycolmap.TwoViewGeometryOptions()
    verification.mergedict({"ransac": {"random_seed": SEED}, **request["verification"]})
    with _watching("matching", len(pairs), database, lambda opened: opened.num_verified_image_pairs()):
        pycolmap.match_image_pairs(database, matching, pairing, verification, pycolmap.Device.cpu)


def _map(database: Path, request: dict[str, Any]) -> list[Any]:
    folder = database.with_suffix(".models")
    folder.mkdir(exist_ok=True)
    best = database.with_suffix(".best")
    total = len(request["images"])
    options = pycolmap.GlobalPipelineOptions() if request["mapper"] == "global" else pycolmap.IncrementalPipelineOptions()
    options.mergedict({"num_threads": request["placing_threads"], "random_seed": SEED, **request["mapping"]})
    known = known_cameras(request)
    if known and isinstance(options, pycolmap.GlobalPipelineOptions):
        adjusting = {"refine_focal_length": False, "refine_extra_params": False, "refine_sensor_from_rig": False}
        options.mergedict({"mapper": {"refine_sensor_from_rig": False, "bundle_adjustment": adjusting}})
    elif known and isinstance(options, pycolmap.IncrementalPipelineOptions):
        options.mergedict({"ba_refine_sensor_from_rig": False})
        options.constant_cameras = known
    placed = 0

    def another() -> None:
        nonlocal placed
        placed += 1
        _say("placing", min(placed, total), total)

    if isinstance(options, pycolmap.GlobalPipelineOptions):
        _say("placing", 0, total)
        models = pycolmap.global_mapping(database, request["pictures"], folder, options)
    else:
        base = _base(database, request) if request["continued"] else ""
        models = pycolmap.incremental_mapping(
            database, request["pictures"], folder, options, base, initial_image_pair_callback=another, next_image_callback=another
        )
    ordered = sorted(models.values(), key=lambda model: (-model.num_reg_images(), -model.num_points3D()))
    if ordered:
        best.mkdir(exist_ok=True)
        ordered[0].write(best)
    return ordered


def _base(database: Path, request: dict[str, Any]) -> Path:
    """The model that is continued: that of the same matches, or of those that learned ones were added to."""
    if not request["matches"]:
        return database.with_suffix(".best")
    started = database.with_suffix(".started")
    options = pycolmap.IncrementalPipelineOptions()
    options.mergedict({"num_threads": request["placing_threads"], "random_seed": SEED})
    with_added = add_keypoints(Path(request["base"]).with_suffix(".best"), database, started)
    # What was added has no points yet, and only points can place more photos.
    pycolmap.triangulate_points(with_added, database, request["pictures"], started, clear_points=False, options=options)
    return started


def _refine(models: list[Any], request: dict[str, Any]) -> list[Any]:
    """The models, the first with all that its photos tell of their lenses; those that are known stay."""
    if not models or known_cameras(request):
        return models
    _say("refining", models[0].num_reg_images(), len(request["images"]))
    return [refine(models[0], request["placing_threads"]), *models[1:]]


def _write(path: Path, models: list[Any], request: dict[str, Any]) -> None:
    database = pycolmap.Database.open(path)
    count = len(request["images"])
    features = np.array([database.num_keypoints_for_image(number + 1) for number in range(count)])
    partners, inliers = _partners(database, count)
    evidence = gather(database, models[0]) if models else {}
    complete = bool(models) and models[0].num_reg_images() == count
    likeness = {} if complete or request["matches"] else {"likeness": _likeness(database, count)}
    database.close()
    arrays = likeness | {"features": features, "partners": partners, "inliers": inliers, "model_of": np.full(count, -1)}
    for number, model in reversed(list(enumerate(models))):
        arrays["model_of"][[image_id - 1 for image_id in model.reg_image_ids()]] = number
    if models:
        arrays |= _cameras(models[0]) | _points(models[0]) | {f"evidence_{name}": array for name, array in evidence.items()}
        arrays["reprojection_error_px"] = np.array(models[0].compute_mean_reprojection_error())
    partial = Path(request["model"] + ".partial.npz")
    np.savez(partial, **arrays)
    os.replace(partial, request["model"])


def _partners(database: Any, count: int) -> tuple[Array, Array]:
    partners, inliers = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for pair_id, number in zip(*database.read_two_view_geometry_num_inliers(), strict=True):
        if number > 0:
            both = np.array(pycolmap.pair_id_to_image_pair(pair_id)) - 1
            partners[both] += 1
            inliers[both] += number
    return partners, inliers


def _likeness(database: Any, count: int) -> Array:
    """[C,C] float32: verified matches, a tenth of the others, and where there are neither the cosine of VLAD descriptors."""
    likeness = similarities([_largest_features(database, number + 1) for number in range(count)])
    for ids, numbers, weight in (
        (*database.read_two_view_geometry_num_inliers(), 1.0),
        (*database.read_num_matches(), 0.1),
    ):
        for pair_id, number in zip(ids, numbers, strict=True):
            one, two = np.array(pycolmap.pair_id_to_image_pair(pair_id)) - 1
            likeness[[one, two], [two, one]] += weight * number
    return likeness


def _cameras(model: Any) -> dict[str, Array]:
    ids = sorted(model.reg_image_ids())
    cam_from_world = np.tile(np.eye(4), (len(ids), 1, 1))
    K, distortion = np.zeros((len(ids), 3, 3)), np.zeros((len(ids), 8))
    for row, image_id in enumerate(ids):
        image = model.image(image_id)
        camera = model.camera(image.camera_id)
        cam_from_world[row, :3] = image.cam_from_world().matrix()
        K[row] = camera.calibration_matrix()
        coefficients = camera.params[camera.extra_params_idxs()]
        distortion[row, : len(coefficients)] = coefficients
    return {"photos": np.array(ids) - 1, "cam_from_world": cam_from_world, "K": K, "distortion": distortion}


def _points(model: Any) -> dict[str, Array]:
    points = list(model.points3D.values())
    return {
        "xyz": np.array([point.xyz for point in points]).reshape(-1, 3),
        "rgb": np.array([point.color for point in points], np.uint8).reshape(-1, 3),
        "error_px": np.array([point.error for point in points]),
        "track_length": np.array([point.track.length() for point in points]),
    }


if __name__ == "__main__":
    main(sys.argv[1])
