"""Splats in glTF 2.0 by the extension KHR_gaussian_splatting: points whose attributes are floats, in a .glb or beside a .gltf.

Rotations are x y z w, scales standard deviations, opacities 0 to 1, SH an attribute for each coefficient, in the order and with the signs
of 3DGS. Y is up. What KHR_gaussian_splatting_compression_spz holds is SPZ. Names of the extension's drafts are read, too.
"""

from __future__ import annotations

import base64
import io
import json
import math
import struct
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ReifyError
from ..files import writing
from ..geometry import quaternions
from ..reading import parse_json
from ..values import SH_C0, Array, Splats
from . import spz
from .color import linear_of_srgb
from .confined import file_inside
from .limits import check_rows, damaged, no_splats
from .scene_nodes import joined, moved
from .splat_bytes import opacity_bytes, to_bytes
from .splat_rgba import log_scales_of
from .splat_rows import SplatRows, blocks

EXTENSION = "KHR_gaussian_splatting"
PACKED = ("KHR_gaussian_splatting_compression_spz_2", "KHR_gaussian_splatting_compression_spz", "KHR_spz_gaussian_splats_compression")
COLORS = "srgb_rec709_display"
MAGIC, JSON_CHUNK, BIN_CHUNK = b"glTF", b"JSON", b"BIN\0"
LARGEST_JSON = 32 << 20  # bytes
LARGEST_GLB = 2**32 - 1  # bytes, which the header can say
DEEPEST = 64  # nodes that hang on each other
TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
FLOAT, UNSIGNED_BYTE, ARRAY_BUFFER, POINTS = 5126, 5121, 34962, 0


def read_gltf_splats(path: Path) -> tuple[Splats, int]:
    """The sound splats of all nodes of a file, with Y up, and how many broken ones it holds.

    Raises ReifyError where it is damaged, or holds no splats, or such as are stretched or have colors in linear light.
    """
    try:
        content, binary = _parsed(path)
        parts = [
            (moved(splats, matrix, path), broken)
            for mesh, matrix in _meshes(content)
            for primitive in content["meshes"][mesh]["primitives"]
            if EXTENSION in primitive.get("extensions", {})
            for splats, broken in (_primitive(content, primitive, binary, path),)
        ]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, struct.error) as error:
        raise damaged(path) from error
    broken = sum(count for _, count in parts)
    if not parts:
        raise ReifyError(f"{path.name} holds no splats.", "Import it by File › Import › glTF, or choose a file with splats.")
    if not any(len(splats) for splats, _ in parts):
        raise no_splats(path, broken)
    return joined([splats for splats, _ in parts]), broken


def _parsed(path: Path) -> tuple[dict[str, Any], Array]:
    """The JSON and the bytes behind it."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(20)
        if not head.startswith(MAGIC):
            if size > LARGEST_JSON:
                raise damaged(path)
            return parse_json(path.read_bytes()), np.empty(0, np.uint8)
        _, version, total, length, kind = struct.unpack("<4sIII4s", head)
        if version != 2 or kind != JSON_CHUNK or length > min(size - 20, LARGEST_JSON) or total > size:
            raise damaged(path)
        content = parse_json(stream.read(length))
        head, start = stream.read(8), stream.tell()
    length, kind = struct.unpack("<I4s", head) if len(head) == 8 else (0, BIN_CHUNK)
    check_rows(path, 1, length, size - start)
    return content, np.memmap(path, np.uint8, "r", start, (length,)) if length and kind == BIN_CHUNK else np.empty(0, np.uint8)


def _meshes(content: dict[str, Any]) -> Iterator[tuple[int, Array]]:
    """The numbers of meshes in the scene, and the matrices [4,4] that their nodes have in the world."""
    nodes = content.get("nodes", [])
    scene = content["scenes"][content.get("scene", 0)]["nodes"] if content.get("scenes") else range(len(nodes))
    waiting = [(number, np.eye(4), 0) for number in scene]
    seen = set()
    while waiting:
        number, above, depth = waiting.pop(0)
        if number in seen or depth > DEEPEST:
            raise ValueError("nodes in a circle")
        seen.add(number)
        node = nodes[number]
        matrix = above @ _matrix(node)
        waiting += [(child, matrix, depth + 1) for child in node.get("children", ())]
        if "mesh" in node:
            yield node["mesh"], matrix


def _matrix(node: dict[str, Any]) -> Array:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    matrix = np.eye(4)
    x, y, z, w = (float(value) for value in node.get("rotation", (0, 0, 0, 1)))
    scale = np.array(node.get("scale", (1, 1, 1)), np.float64)
    matrix[:3, :3] = quaternions.to_matrices(np.array([[w, x, y, z]]))[0] * scale
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _primitive(content: dict[str, Any], primitive: dict[str, Any], binary: Array, path: Path) -> tuple[Splats, int]:
    extension = primitive["extensions"][EXTENSION]
    if "lin" in str(extension.get("colorSpace", COLORS)).partition("_")[0]:
        raise ReifyError(f"{path.name} holds colors in linear light, which Reify's splats don't have.", f"Export it with {COLORS}.")
    everywhere = {**primitive["extensions"], **extension.get("extensions", {})}
    packed = next((everywhere[name] for name in PACKED if name in everywhere), None)
    if packed is not None:
        data = _view(content, packed["bufferView"], binary, path).tobytes()
        return spz.read_stream(io.BytesIO(data), len(data), path)
    attributes = primitive["attributes"]
    names = [f"{EXTENSION}:SH_DEGREE_{ell}_COEF_{n}" for ell in range(4) for n in range(2 * ell + 1)]
    names = names[: next((i for i, name in enumerate(names) if name not in attributes), len(names))]
    degree = math.isqrt(len(names)) - 1 if names else 0
    column = {name: _accessor(content, number, binary, path) for name, number in attributes.items()}
    means = column["POSITION"]
    turns, scales = (column.get(f"{EXTENSION}:{name}", column.get(f"_{name}")) for name in ("ROTATION", "SCALE"))
    opacity = column.get(f"{EXTENSION}:OPACITY", column.get("_OPACITY"))
    if turns is None or scales is None or (opacity is None and "COLOR_0" not in column):
        raise ValueError("attributes are missing")
    rows = SplatRows(len(means), degree)
    for part in blocks(len(means)):
        if names:
            sh = np.stack([column[name][part] for name in names[: (degree + 1) ** 2]], axis=1)
        else:
            sh = ((column["COLOR_0"][part, :3] - 0.5) / SH_C0)[:, None]
        alpha = np.clip(column["COLOR_0"][part, 3] if opacity is None else opacity[part, 0], 1e-7, 1 - 1e-7)
        logits = np.log(alpha / (1 - alpha))
        rows.add(means[part], turns[part][:, [3, 0, 1, 2]], log_scales_of(scales[part]), logits, sh)
    return rows.splats(), rows.broken


class _Column:
    """An accessor whose rows are decoded where they are asked for."""

    def __init__(self, rows: Array, largest: float) -> None:
        self._rows, self._largest = rows, largest

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Array:
        values = self._rows[index].astype(np.float32)
        return np.maximum(values / np.float32(self._largest), -1) if self._largest else values


def _accessor(content: dict[str, Any], number: int, binary: Array, path: Path) -> _Column:
    accessor = content["accessors"][number]
    kind, width, count = np.dtype(TYPES[accessor["componentType"]]), WIDTHS[accessor["type"]], int(accessor["count"])
    if "sparse" in accessor or "bufferView" not in accessor:
        raise ValueError("a sparse accessor")
    view = content["bufferViews"][accessor["bufferView"]]
    data = _view(content, accessor["bufferView"], binary, path)
    start, size = int(accessor.get("byteOffset", 0)), kind.itemsize * width
    stride = int(view.get("byteStride", size))
    if count < 0 or start < 0 or stride < size or (count and start + stride * (count - 1) + size > len(data)):
        raise damaged(path)
    rows: Array = np.ndarray((count, width), kind, data, start, (stride, kind.itemsize)) if count else np.empty((0, width), kind)
    return _Column(rows, float(np.iinfo(kind).max) if accessor.get("normalized") and kind.kind != "f" else 0.0)


def _view(content: dict[str, Any], number: int, binary: Array, path: Path) -> Array:
    view = content["bufferViews"][number]
    buffer = content["buffers"][view["buffer"]]
    data = binary if "uri" not in buffer else _fetched(buffer["uri"], path)
    start, length = int(view.get("byteOffset", 0)), int(view["byteLength"])
    if start < 0 or length < 0 or start + length > len(data):
        raise damaged(path)
    return data[start : start + length]


def _fetched(uri: str, path: Path) -> Array:
    """The bytes of a buffer in the JSON itself, or in a file beside it."""
    if uri.startswith("data:"):
        return np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    name = urllib.parse.unquote(uri)
    place = file_inside(name, path.parent)
    if place is None:
        raise ReifyError(f"{path.name} needs {name}, which isn't beside it.", "Copy both into one folder.")
    return np.memmap(place, np.uint8, "r") if place.stat().st_size else np.empty(0, np.uint8)


def is_gltf(head: bytes, path: Path) -> bool:
    """Whether a file is glTF, binary or not; whether it holds splats, reading it tells."""
    return head.startswith(MAGIC) or (path.suffix.lower() == ".gltf" and head.lstrip().startswith(b"{"))


def write_gltf_splats(splats: Splats, path: Path) -> None:
    """Write splats of SH degree 3 at most, with Y up, as .glb, or as .gltf with a .bin beside it; raises ReifyError where it can't be."""
    count = len(splats)
    columns = _columns(splats)
    sizes = [count * _bytes(kind, width) for _, kind, width, _ in columns]
    starts = [sum(sizes[:i]) for i in range(len(sizes))]  # each is a multiple of 4
    content = {
        "asset": {"version": "2.0", "generator": "Reify"},
        "extensionsUsed": [EXTENSION],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": path.stem}],
        "buffers": [{"byteLength": sum(sizes)}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": start, "byteLength": size, "target": ARRAY_BUFFER}
            for start, size in zip(starts, sizes, strict=True)
        ],
        "accessors": [
            {"bufferView": i, "componentType": kind, "count": count, "type": width, **({"normalized": True} if kind != FLOAT else {})}
            for i, (_, kind, width, _) in enumerate(columns)
        ],
        "meshes": [{"primitives": [{
            "mode": POINTS,
            "attributes": {name: i for i, (name, *_) in enumerate(columns)},
            "extensions": {EXTENSION: {
                "kernel": "ellipse", "colorSpace": COLORS, "projection": "perspective", "sortingMethod": "cameraDistance",
            }},
        }]}],
    }  # fmt: skip
    content["accessors"][0] |= {"min": splats.means.min(axis=0).tolist(), "max": splats.means.max(axis=0).tolist()}  # type: ignore[index]
    if path.suffix.lower() == ".gltf":
        beside = path.with_suffix(".bin")
        content["buffers"][0]["uri"] = urllib.parse.quote(beside.name)  # type: ignore[index]
        with writing(beside) as partial, partial.open("wb") as stream:
            _write_columns(stream, columns, count)
        with writing(path) as partial:
            partial.write_text(json.dumps(content), encoding="utf-8")
        return
    text = json.dumps(content, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + sum(sizes)
    if total > LARGEST_GLB:
        raise ReifyError(f"{count} splats are too many for one .glb file.", "Export .gltf, or fewer splats.")
    with writing(path) as partial, partial.open("wb") as stream:
        stream.write(struct.pack("<4sII", MAGIC, 2, total) + struct.pack("<I4s", len(text), JSON_CHUNK) + text)
        stream.write(struct.pack("<I4s", sum(sizes), BIN_CHUNK))
        _write_columns(stream, columns, count)


def _bytes(kind: int, width: str) -> int:
    return np.dtype(TYPES[kind]).itemsize * WIDTHS[width]


def _columns(splats: Splats) -> list[tuple[str, int, str, Any]]:
    """Name, type of components, width, and what gives the values of a slice, for each attribute."""

    def sh(k: int) -> Any:
        return lambda part: splats.sh[part, k]

    def fallback(part: slice) -> Array:  # for viewers that know no splats; colors of vertices are linear in glTF
        linear = linear_of_srgb(np.clip(0.5 + SH_C0 * splats.sh[part, 0], 0, 1))
        return np.column_stack([to_bytes(255 * linear), opacity_bytes(splats.opacity_logits[part])])

    found: list[tuple[str, int, str, Any]] = [
        ("POSITION", FLOAT, "VEC3", lambda part: splats.means[part]),
        ("COLOR_0", UNSIGNED_BYTE, "VEC4", fallback),
        (f"{EXTENSION}:ROTATION", FLOAT, "VEC4", lambda part: splats.quats[part][:, [1, 2, 3, 0]]),
        (f"{EXTENSION}:SCALE", FLOAT, "VEC3", lambda part: np.exp(splats.log_scales[part])),
        (f"{EXTENSION}:OPACITY", FLOAT, "SCALAR", lambda part: 1 / (1 + np.exp(-splats.opacity_logits[part]))),
    ]
    for ell in range(splats.sh_degree + 1):
        found += [(f"{EXTENSION}:SH_DEGREE_{ell}_COEF_{n}", FLOAT, "VEC3", sh(ell * ell + n)) for n in range(2 * ell + 1)]
    return found


def _write_columns(stream: Any, columns: list[tuple[str, int, str, Any]], count: int) -> None:
    for _, kind, _, values in columns:
        for part in blocks(count):
            stream.write(np.ascontiguousarray(values(part), TYPES[kind]).data)
