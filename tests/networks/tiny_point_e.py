"""Point-E and CLIP at the sizes of `data/networks/point_e.safetensors`, and checkpoints of them in the published layout.

That file was written by the originals, openai/point-e fc8a607, and transformers 4.57.6 for CLIP, with random weights: arrays ("w.", the
network, "."), texts as JSON with their tokens and the pairs of the published vocabulary that they take, a picture, and what became of them.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reify.backend.networks.library.catalog import CLIP, POINT_E, POINT_E_TEXT
from reify.backend.networks.library.entry import Entry, File
from reify.backend.networks.library.places import sha256_of

DATA = Path(__file__).resolve().parents[1] / "data"
HEADS = 2
WORDS = 49_408


def original() -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(DATA / "networks" / "point_e.safetensors")


def named(original: dict[str, Any], part: str) -> dict[str, Any]:
    """The original's arrays of one of its networks."""
    return {name.removeprefix(f"w.{part}."): array for name, array in original.items() if name.startswith(f"w.{part}.")}


def published_clip(original: dict[str, Any]) -> dict[str, Any]:
    """CLIP's arrays as its file has them, with all words."""
    import torch

    arrays = named(original, "clip")
    name = "text_model.embeddings.token_embedding.weight"
    words = torch.zeros(WORDS, arrays[name].shape[1])
    words[original["clip_rows"].long()] = arrays[name]
    return {**arrays, name: words}


def vocabulary(original: dict[str, Any]) -> str:
    """The pairs that the texts take at their places, and between them pairs that no text has."""
    from reify.backend.networks.parts.language import MERGES

    lines = [f"␀{number} ␀" for number in range(MERGES)]
    for rank, first, second in json.loads(bytes(original["merges"].numpy())):
        lines[rank] = f"{first} {second}"
    return "\n".join(["a heading", *lines])


def clip_shape(letters: int):
    from reify.backend.networks.clip import Shape

    return Shape(12, WORDS, 77, 16, 2, 2, 28, 14, 16, 2, 2, letters=letters)


def tiny_shape(by_grid: bool):
    from reify.backend.networks.point_e import Shape

    return Shape(by_grid, 32, 2, HEADS, 12, 16, 4, 24, 40, 32, 2, HEADS, 16, 2, 2, HEADS)


def write_checkpoints(original: dict[str, Any], folder: Path, level: float) -> None:
    """All files in the published layout; `level` is what is taken off the distances."""
    import torch
    from safetensors.torch import save_file

    save_file({name: array.contiguous() for name, array in published_clip(original).items()}, folder / "model.safetensors")
    (folder / "bpe_simple_vocab_16e6.txt.gz").write_bytes(gzip.compress((vocabulary(original) + "\nand more").encode()))
    distance = named(original, "sdf")
    distance["output_proj.bias"] = distance["output_proj.bias"] - level
    for name, arrays in (
        ("base_40m_textvec.pt", named(original, "textvec")),
        ("base_40m.pt", named(original, "base")),
        ("upsample_40m.pt", named(original, "upsample")),
        ("sdf.pt", distance),
    ):
        torch.save(arrays, folder / name)


def made_small(original: dict[str, Any], folder: Path, patch: pytest.MonkeyPatch) -> dict[str, Entry]:
    """Entries of the files in `folder`, which the methods take from here on, with networks of these sizes."""
    from reify.backend.methods import image, text
    from reify.backend.networks import clip, point_e, points, seeing

    full, shape = clip.Clip, clip_shape(len(vocabulary(original).encode()))
    patch.setattr(clip, "Clip", lambda: full(shape))
    for name, by_grid in (("base_40m_textvec.pt", False), ("base_40m.pt", True)):
        patch.setitem(point_e.SHAPES, name, tiny_shape(by_grid))
    entries = {}
    for name, entry in (("CLIP", CLIP), ("POINT_E", POINT_E), ("POINT_E_TEXT", POINT_E_TEXT)):
        files = [replace(file, sha256=_hash(folder, file), bytes=(folder / file.name).stat().st_size) for file in entry.files]
        entries[name] = replace(entry, files=tuple(files))
        for module in (image, text, points, seeing):
            if hasattr(module, name):
                patch.setattr(module, name, entries[name])
    return entries


def _hash(folder: Path, file: File) -> str:
    return sha256_of(folder / file.name) if file.sha256 else ""
