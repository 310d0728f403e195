"""Everything that reads what others may have written: a sound file of each kind, and what reads it.

A reader may return, or raise one of the errors that its callers expect; everything else is a fault.
"""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from reify.backend import orders
from reify.backend.capture import listing, roles, video
from reify.backend.capture.masks import read_mask
from reify.backend.capture.used import digests_of
from reify.backend.errors import ReifyError
from reify.backend.formats import cameras, images, obj, svg
from reify.backend.formats import splat_files as splats_of
from reify.backend.formats.depth import read_depth
from reify.backend.formats.given import read_given
from reify.backend.formats.mesh_ply import read_mesh_ply
from reify.backend.formats.passes import read_passes
from reify.backend.formats.posed import Finders, resolve
from reify.backend.formats.splat_ply import read_harmonics
from reify.backend.jobs import store
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.forecast import Expected, Timing
from reify.backend.jobs.ledger import Ledger
from reify.backend.jobs.timings import keep_timing, timings_of
from reify.backend.methods import method_called
from reify.backend.orders import Order
from reify.backend.reading import parse_json
from reify.backend.settings import values, with_values
from reify.backend.values import Photo, Points, Splats
from reify.tests.capture import layouts

from .models import MODELS
from .reader import Reader, written

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (24, 32, 3)).astype(np.uint8)
XYZ = RNG.normal(size=(40, 3)).astype(np.float32)


def _splats() -> Splats:
    count = len(XYZ)
    sh = RNG.normal(size=(count, 4, 3)).astype(np.float32)
    quats = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))
    return Splats(XYZ, quats, np.full((count, 3), -3, np.float32), np.zeros(count, np.float32), sh)


def _splat_file(ending: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        splats_of.write_splats(_splats(), folder / f"a{ending}")
        return folder / f"a{ending}"

    return make


def _picture(name: str, pixels: np.ndarray = RGB, **options: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        Image.fromarray(pixels).save(folder / name, **options)
        return folder / name

    return make


def _tiff(folder: Path) -> Path:
    import tifffile

    tifffile.imwrite(folder / "a.tif", RGB.astype(np.uint16) * 257, compression="zlib", photometric="rgb")
    return folder / "a.tif"


def _exr(folder: Path) -> Path:
    import OpenEXR

    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, {"RGB": RGB / np.float32(255)}).write(
        str(folder / "a.exr")
    )
    return folder / "a.exr"


def _render(folder: Path) -> Path:
    """The passes of a view layer, as Blender writes them."""
    import OpenEXR

    names = ("Combined.R", "Combined.G", "Combined.B", "Combined.A", "Depth.Z")
    channels = {f"View Layer.{name}": RGB[..., 0] / np.float32(255) for name in names}
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels).write(str(folder / "a.exr"))
    return folder / "a.exr"


def _read_picture(path: Path) -> None:
    images.probe(path)
    images.read_image(path, 16)


def _read_drawing(path: Path) -> None:
    svg.LONG_SIDE_PX = 128  # the same work on fewer pixels
    images.read_image(path, 64)
    svg.shapes_in(path, (64, 32))


def _camera_file(write: Callable[[Path], None], name: str) -> Reader:
    def make(folder: Path) -> Path:
        write(folder / "capture")
        return next(path for path in sorted(folder.rglob("*")) if path.name.lower() == name.lower())

    def read(path: Path) -> None:
        for found in cameras.camera_files_in(path.parent):
            described = found.format.describe(found.path)
            described.points()
            resolve(described, Finders.below(path.parent, described.folders))

    return Reader(make, read)


def _polycam(folder: Path) -> Path:
    layouts.polycam(folder)
    return sorted(folder.rglob("corrected_cameras/*.json"))[0]


def _read_polycam(path: Path) -> None:
    from reify.backend.formats import polycam

    polycam.describe(path.parent)


def _las(folder: Path) -> Path:
    import laspy

    scan = laspy.LasData(laspy.LasHeader(point_format=3, version="1.2"))
    scan.x, scan.y, scan.z = XYZ.T.astype(np.float64)
    scan.write(str(folder / "a.las"))
    return folder / "a.las"


def _mask(folder: Path) -> Path:
    return _picture("a.png", RGB[..., 0])(folder)


def _read_mask(path: Path) -> None:
    read_mask(Photo(path.with_name("photo.png"), "photo.png", 32, 24, mask=path), (32, 24))


def _film(folder: Path) -> Path:
    layouts.video(folder / "a.mp4", [layouts.see(pose)[0] for pose in layouts.world_from_cam()[:3]])
    return folder / "a.mp4"


def _read_film(path: Path) -> None:
    video.pick_frames(path, path.parent / "frames", 2, lambda *_: None)


def _order(folder: Path) -> Order:
    return Order("photos", values(method_called("photos").settings()), (folder / "fox",), outputs=(folder / "fox.ply",))


def _job_file(folder: Path) -> Path:
    from reify.farm.job_file import write_order

    write_order(_order(folder), folder / "job.json")
    return folder / "job.json"


def _read_job_file(path: Path) -> None:
    from reify.farm.job_file import read_order

    digests_of(read_order(path).sources)


def _batch_report(folder: Path) -> Path:
    report = {"settings": {}, "seed": 0, "inputs": {}, "seconds": {"a": 1.0}, "metrics": {}}
    return written("report.json", json.dumps(report))(folder)


def _read_batch_report(path: Path) -> None:
    from reify.farm.batch import kept

    kept(Order("photos", {}, (), outputs=(path,)))


def _cached(folder: Path) -> Path:
    stage = folder / "stages" / "a-0123"
    store.save({"value": Points(XYZ), "metrics": {}, "choices": {}, "warnings": ()}, stage)
    return stage / "value.json"


def _cached_arrays(folder: Path) -> Path:
    return _cached(folder).with_name("arrays.safetensors")


def _read_cached(path: Path) -> None:
    Cache(path.parent.parent.parent).load(path.parent)


LEDGER = Path(__file__).parents[1] / "data" / "compatibility" / "queue" / "32e08775b043491c85f98eafef3ca8b6.json"


def _ledger(folder: Path) -> Path:
    return written(LEDGER.name, LEDGER.read_bytes())(folder)


def _read_ledger(path: Path) -> None:
    ledger = Ledger(path.parent)
    try:
        for entry in ledger.take_over():
            _restored(entry.order)
    finally:
        ledger.close()


def _timings(folder: Path) -> Path:
    timing = Timing(Expected(1.0), 1.0, 0.0, "kernels", ((0.0, 0.0), (1.0, 1.0)))
    keep_timing("photos", "Reading photos", timing, folder / "timings.json")
    return folder / "timings.json"


def _read_settings(path: Path) -> None:
    try:
        found = parse_json(path.read_bytes())
    except ValueError:
        return
    if isinstance(found, dict):
        with_values(method_called("photos").settings(), found)


def _read_order(path: Path) -> None:
    try:
        stored = parse_json(path.read_bytes())
    except ValueError:
        return
    _restored(stored)


def _restored(stored: Any) -> None:
    """As the queue makes a job of what an earlier session has left; an order that it can't is left out."""
    with contextlib.suppress(ReifyError, ValueError):
        orders.task_of(orders.from_plain(stored), Environment())


def _read_folder(path: Path) -> None:
    contents = roles.sort_out(path.parent)
    listing.distinct(contents.photos, lambda *_: None, lambda _: None)


DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50" width="100" height="50"><style>.a{fill:red}</style>'
    '<g opacity="0.6"><rect class="a" width="40" height="20"/></g><image href="a.png" width="8" height="8"/></svg>'
)
OBJ = "mtllib a.mtl\n" + "".join(f"v {x} {y} 1000000.5\n" for x, y, _ in XYZ) + "f 1 2 3\n"
MESH = (
    "ply\nformat ascii 1.0\ncomment TextureFile a.png\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    "element face 1\nproperty list uchar int vertex_indices\nproperty list uchar float texcoord\nend_header\n"
    "0 0 0\n1 0 0\n0 1 0\n3 0 1 2 6 0 0 1 0 0 1\n"
)
TABLE = "".join(f"{x:.4f} {y:.4f} {z:.4f} 10 20 30\n" for x, y, z in XYZ)


def _near_copy(path: Path) -> None:
    (path.parent / "copies").mkdir(exist_ok=True)
    obj.near_copy(path, path.parent / "copies")


def _points_ply(folder: Path) -> Path:
    from reify.backend.formats.points_ply import write_points_ply

    write_points_ply(Points(XYZ, RNG.integers(0, 256, (len(XYZ), 3)).astype(np.uint8)), folder / "a.ply")
    return folder / "a.ply"


def _read_any(path: Path) -> None:
    read_given(path, (Splats, Points))


SPLATS = {
    f"splats {ending}": Reader(_splat_file(ending), _read_any)
    for one in splats_of.FORMATS
    if "pxr" not in one.packages  # OpenUSD itself parses these files
    for ending in one.endings
}
SPLATS["harmonics beside a .blend"] = Reader(_splat_file(".ply"), read_harmonics)
POINTS = {
    "points PLY": Reader(_points_ply, _read_any),
    "points LAS": Reader(_las, _read_any),
    "points text": Reader(written("a.xyz", TABLE), _read_any),
    "points CSV": Reader(written("a.csv", "x,y,z,r,g,b\n" + TABLE.replace(" ", ",")), _read_any),
    "mesh PLY": Reader(written("a.ply", MESH), read_mesh_ply),
    "OBJ": Reader(written("a.obj", OBJ), _near_copy, (ReifyError, OSError)),
}
CAMERAS = {
    "COLMAP cameras.bin": _camera_file(layouts.colmap, "cameras.bin"),
    "COLMAP images.bin": _camera_file(layouts.colmap, "images.bin"),
    "COLMAP points3D.bin": _camera_file(layouts.colmap, "points3D.bin"),
    "COLMAP cameras.txt": _camera_file(lambda folder: layouts.colmap(folder, text=True), "cameras.txt"),
    "COLMAP images.txt": _camera_file(lambda folder: layouts.colmap(folder, text=True), "images.txt"),
    "COLMAP points3D.txt": _camera_file(lambda folder: layouts.colmap(folder, text=True), "points3D.txt"),
    "transforms.json": _camera_file(layouts.nerfstudio, "transforms.json"),
    "Polycam": Reader(_polycam, _read_polycam),
    "Record3D": _camera_file(layouts.record3d, "metadata.json"),
    "Stray Scanner": _camera_file(layouts.stray_scanner, "odometry.csv"),
    "Metashape": _camera_file(layouts.metashape, "cameras.xml"),
    "RealityScan": _camera_file(layouts.realityscan, "cameras.csv"),
    "Bundler": _camera_file(layouts.bundler, "bundle.out"),
    "cameras.json": _camera_file(layouts.splat_trainer, "cameras.json"),
}
PICTURES = {
    "PNG": Reader(_picture("a.png"), _read_picture),
    "PNG with alpha": Reader(_picture("a.png", np.dstack([RGB, RGB[..., 0]])), _read_picture),
    "EXR of a render": Reader(_render, lambda path: read_passes(path, "View Layer")),
    "PNG of 16 bits": Reader(_picture("a.png", RGB[..., 0].astype(np.uint16) * 257), _read_picture),
    "JPEG": Reader(_picture("a.jpg", quality=90), _read_picture),
    "JPEG, progressive": Reader(_picture("a.jpg", progressive=True), _read_picture),
    "TIFF": Reader(_picture("a.tif", compression="tiff_lzw"), _read_picture),
    "TIFF of 16 bits": Reader(_tiff, _read_picture),
    "WebP": Reader(_picture("a.webp"), _read_picture),
    "BMP": Reader(_picture("a.bmp"), _read_picture),
    "GIF": Reader(_picture("a.gif"), _read_picture),
    "TGA": Reader(_picture("a.tga"), _read_picture),
    "PPM": Reader(_picture("a.ppm"), _read_picture),
    "JPEG 2000": Reader(_picture("a.jp2"), _read_picture),
    "AVIF": Reader(_picture("a.avif"), _read_picture),
    "EXR": Reader(_exr, _read_picture),
    "SVG": Reader(written("a.svg", DRAWING), _read_drawing, (ReifyError, OSError)),
    "SVG, packed": Reader(written("a.svgz", gzip.compress(DRAWING.encode())), _read_drawing, (ReifyError, OSError)),
    "camera RAW": Reader(written("a.dng", b"II*\0\x08\0\0\0" + bytes(200)), _read_picture),
    "mask": Reader(_mask, _read_mask),
    "depth PNG": Reader(_picture("a.png", RGB[..., 0].astype(np.uint16)), lambda path: read_depth(path, 0.001)),
    "depth EXR": Reader(_exr, lambda path: read_depth(path, 0.001)),
    "depth NumPy": Reader(lambda folder: (np.save(folder / "a.npy", XYZ), folder / "a.npy")[1], lambda path: read_depth(path, 0.001)),
    "video": Reader(_film, _read_film),
    "folder": Reader(_picture("a.jpg"), _read_folder),
}
OWN = {
    "job file": Reader(_job_file, _read_job_file),
    "batch report": Reader(_batch_report, _read_batch_report),
    "cached value": Reader(_cached, _read_cached),
    "cached arrays": Reader(_cached_arrays, _read_cached),
    "ledger": Reader(_ledger, _read_ledger),
    "timings": Reader(_timings, lambda path: timings_of("photos", path)),
    "settings": Reader(lambda folder: written("a.json", json.dumps(dict(_order(folder).settings)))(folder), _read_settings),
    "order": Reader(lambda folder: written("a.json", json.dumps(orders.plain(_order(folder))))(folder), _read_order),
}
FAMILIES: dict[str, dict[str, Reader]] = {
    "splats": SPLATS,
    "points": POINTS,
    "cameras": CAMERAS,
    "pictures": PICTURES,
    "own": OWN,
    "models": MODELS,
}
READERS = {name: reader for family in FAMILIES.values() for name, reader in family.items()}
