"""PLY files made by hand, for the tests of what other programs write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from reify.backend.values import SH_C0

TYPES = {"float": "f4", "double": "f8", "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"}
BALL = (lambda v: v / np.linalg.norm(v, axis=1, keepdims=True))(np.random.default_rng(0).normal(size=(300, 3)))
SRGB = (BALL + 1) / 2


def write(path: Path, columns: dict[str, np.ndarray], types: dict[str, str], comments: Sequence[str] = (), order: str = "<") -> Path:
    """A binary file of vertices with these columns, of the types "float", "uchar" …; those that `types` doesn't name are floats."""
    kinds = {name: types.get(name, "float") for name in columns}
    rows = np.empty(len(next(iter(columns.values()))), [(name, order + TYPES[kind]) for name, kind in kinds.items()])
    for name, column in columns.items():
        rows[name] = column
    encoding = "binary_little_endian" if order == "<" else "binary_big_endian"
    lines = ["ply", f"format {encoding} 1.0", *(f"comment {comment}" for comment in comments), f"element vertex {len(rows)}"]
    lines += [f"property {kind} {name}" for name, kind in kinds.items()] + ["end_header", ""]
    path.write_bytes("\n".join(lines).encode() + rows.tobytes())
    return path


def splat_columns(xyz: np.ndarray = BALL) -> dict[str, np.ndarray]:
    """The columns of small, nearly opaque splats of degree 0."""
    count = len(xyz)
    columns = dict(zip("xyz", xyz.T.copy(), strict=True))
    columns |= {f"f_dc_{i}": (SRGB[:count, i] - 0.5) / SH_C0 for i in range(3)}
    columns |= {"opacity": np.full(count, 4.0), **{f"scale_{i}": np.full(count, -3.0) for i in range(3)}}
    return columns | {f"rot_{i}": np.full(count, float(i == 0)) for i in range(4)}
