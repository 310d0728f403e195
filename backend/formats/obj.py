"""OBJ files in large coordinates: near copies for importers that narrow positions to 32 bits, and exports moved back."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from ..values import Array
from .confined import file_inside, is_inside
from .offset import offset_of

SAMPLE = 20_000  # positions that say whether the coordinates are large
PICTURES = ("map_", "bump", "disp", "decal", "refl", "norm")  # what begins a line of a material file that names a picture


def near_copy(path: Path, folder: Path) -> tuple[Path, Array | None]:
    """An OBJ file to import in place of `path`, and the offset [3] that was taken off its positions, in the file's axes.

    It is the file itself, and None, where its coordinates aren't large; else a copy in `folder` with its materials. Raises OSError.
    """
    seen = []
    with path.open("rb") as stream:
        for line in stream:
            if line.startswith((b"v ", b"v\t")):
                seen.append(_numbers(line))
                if len(seen) == SAMPLE:
                    break
    offset = offset_of(np.array(seen)) if seen else None
    if offset is None:
        return path, None
    copy = folder / path.name
    _shifted(path, copy, -offset)
    for library in _libraries(path):
        if (found := file_inside(library, path.parent)) is not None and is_inside(folder / library, [folder]):
            _copy_materials(found, folder / library)
    return copy, offset


def move_back(path: Path, offset: Array) -> None:
    """Add `offset` [3], in the file's axes, to the positions of an OBJ file. Raises OSError."""
    moved = path.with_name(path.name + ".moved")
    _shifted(path, moved, offset)
    moved.replace(path)


def _numbers(line: bytes) -> list[float]:
    try:
        numbers = [float(word) for word in line.split()[1:4]]
    except ValueError:
        numbers = []
    return numbers if len(numbers) == 3 else [np.nan] * 3


def _shifted(source: Path, target: Path, by: Array) -> None:
    with source.open("rb") as lines, target.open("wb") as out:
        for line in lines:
            if line.startswith((b"v ", b"v\t")):
                x, y, z = np.array(_numbers(line)) + by
                rest = b" ".join(line.split()[4:])
                out.write(f"v {x:.12g} {y:.12g} {z:.12g} ".encode() + rest + b"\n")
            else:
                out.write(line)


def _libraries(path: Path) -> list[str]:
    with path.open("rb") as stream:
        lines = [line.decode("utf-8", "replace").split(maxsplit=1) for line in stream if line.startswith(b"mtllib")]
    return [words[1].strip() for words in lines if len(words) == 2]


def _copy_materials(source: Path, target: Path) -> None:
    """A material file in another folder, whose pictures are named by their whole path."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    lines = []
    for line in target.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        words = line.split()
        if words and words[0].lower().startswith(PICTURES):
            # Options may stand before the name, which may have spaces.
            names = (" ".join(words[start:]) for start in range(1, len(words)))
            found = next(((name, file) for name in names if (file := file_inside(name, source.parent, [source.parent.parent]))), None)
            line = line if found is None else line.replace(found[0], found[1].absolute().as_posix())
        lines.append(line)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")
