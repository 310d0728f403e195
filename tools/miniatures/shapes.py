"""Meshes to learn from, in Blender's axes with their front to -Y, each with the family that it belongs to.

A family is what one generator makes, or a noun where an icon or a file of furniture is the source; furniture whose noun a generator makes
belongs to that generator's family. A sixth of the families, by a hash of their names, is held out.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...backend.assembly.assemble import as_mesh
from ...backend.shapes import catalogue
from ...backend.shapes.icons import drawn
from ...backend.values import Array

FURNITURE = Path("/usr/share/sweethome3d/furniture")  # where Debian's package puts its archives
CATALOG = "PluginFurnitureCatalog.properties"
BLENDER_FROM_FILE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])  # files have Y up, their front to +Z
GRAY = (0.6, 0.6, 0.6)
HELD_OUT = 6  # one family in so many
MOST_BYTES = 500_000  # of a furniture file: larger ones take long and add nothing at this resolution
SYNONYMS = {"shelves": "shelf", "cabinet": "cupboard", "cabinets": "cupboard", "rack": "shelf"}  # of the catalogue's nouns


@dataclass(frozen=True, eq=False)
class Shape:
    """A colored triangle soup."""

    name: str
    family: str
    corners: Array  # [F,3,3] float64
    srgb: Array  # [F,3] float32, 0 to 1


def is_held_out(family: str) -> bool:
    """Whether training doesn't see a family."""
    return zlib.crc32(family.encode()) % HELD_OUT == 0


def generated(noun: str, seed: int) -> Shape:
    """A thing of the catalogue."""
    shell = catalogue.build(noun, seed)
    mesh, slot = as_mesh(shell)
    colors = np.array([found.srgb for found in shell.slots], np.float32) / 255
    return Shape(f"{noun} {seed}", family_of(noun), mesh.vertices[mesh.faces].astype(np.float64), colors[slot])


def family_of(noun: str) -> str:
    """The family of a noun, whether the catalogue has it or not."""
    if noun not in catalogue.sizes():
        return noun
    make = catalogue.thing(noun).make
    found = noun if noun in catalogue.THINGS else catalogue.SYNONYMS[noun]
    return found if make is drawn else f"{make.__module__.rpartition('.')[2]}.{make.__name__}"


def furniture() -> Iterator[Shape]:
    """The furniture that is installed; none where the package isn't."""
    for path in sorted(FURNITURE.glob("*.sh3f")):
        with zipfile.ZipFile(path) as archive:
            entries = _entries(archive.read(CATALOG).decode("latin-1"))
            for number in sorted(entries, key=int):
                shape = _of_entry(archive, entries[number], f"{path.stem} {number}")
                if shape is not None:
                    yield shape


def _entries(properties: str) -> dict[str, dict[str, str]]:
    entries: dict[str, dict[str, str]] = {}
    for key, number, value in re.findall(r"^(\w+)#(\d+)=(.*)$", properties, re.MULTILINE):
        entries.setdefault(number, {})[key] = value.strip()
    return entries


def _of_entry(archive: zipfile.ZipFile, entry: dict[str, str], label: str) -> Shape | None:
    """None for what isn't an OBJ file of triangles in moderate number."""
    file = entry.get("model", "").lstrip("/")
    if not file.endswith(".obj") or file not in archive.namelist() or archive.getinfo(file).file_size > MOST_BYTES:
        return None
    corners, materials = _triangles(archive.read(file).decode("latin-1"))
    if not len(corners):
        return None
    colors = _colors(archive, file)
    corners = corners @ np.array(entry.get("modelRotation", "1 0 0 0 1 0 0 0 1").split(), float).reshape(3, 3).T
    srgb = np.array([colors.get(material, GRAY) for material in materials], np.float32)
    return Shape(f"{entry['name']} ({label})", _furniture_family(entry), corners @ BLENDER_FROM_FILE.T, srgb)


def _furniture_family(entry: dict[str, str]) -> str:
    if entry.get("category") == "Characters":
        return "person"
    words = re.sub(r"[^a-z ]", " ", entry["name"].lower()).split() or ["thing"]
    last = SYNONYMS.get(words[-1], words[-1])
    nouns = (" ".join(words), " ".join(words[-2:]), last, last.removesuffix("s"))
    return family_of(next((noun for noun in nouns if noun in catalogue.sizes()), last.removesuffix("s")))


def _triangles(text: str) -> tuple[Array, list[str]]:
    """Corners [F,3,3] of an OBJ file's faces, and the material of each."""
    vertices, faces, materials, material = [], [], [], ""
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            vertices.append([float(word) for word in words[1:4]])
        elif words[0] == "usemtl":
            material = " ".join(words[1:])
        elif words[0] == "f":
            ring = [int(word.split("/")[0]) for word in words[1:]]
            ring = [index - 1 if index > 0 else len(vertices) + index for index in ring]
            faces += [(ring[0], ring[place], ring[place + 1]) for place in range(1, len(ring) - 1)]
            materials += [material] * (len(ring) - 2)
    if not faces:
        return np.empty((0, 3, 3)), []
    return np.array(vertices, float)[np.array(faces)], materials


def _colors(archive: zipfile.ZipFile, file: str) -> dict[str, tuple[float, ...]]:
    """The sRGB color of each material beside an OBJ file: its diffuse one, or the mean of its picture."""
    found: dict[str, tuple[float, ...]] = {}
    library = file.removesuffix(".obj") + ".mtl"
    if library not in archive.namelist():
        return found
    name = ""
    for line in archive.read(library).decode("latin-1").splitlines():
        words = line.split()
        if words[:1] == ["newmtl"]:
            name = " ".join(words[1:])
        elif words[:1] == ["Kd"]:
            found[name] = tuple(float(word) for word in words[1:4])
        elif words[:1] == ["map_Kd"] and (mean := _mean_color(archive, f"{file.rpartition('/')[0]}/{words[-1]}")):
            found[name] = mean
    return found


def _mean_color(archive: zipfile.ZipFile, file: str) -> tuple[float, ...] | None:
    from PIL import Image

    if file not in archive.namelist():
        return None
    with archive.open(file) as stream, Image.open(stream) as picture:
        return tuple(float(part) / 255 for part in np.asarray(picture.convert("RGB").resize((8, 8))).mean(axis=(0, 1)))
