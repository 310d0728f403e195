"""docs/formats.md: what each format of splats holds and what is lost in it, found out by writing a small cloud and reading it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from ..backend.formats.compressed_ply import morton_order
from ..backend.formats.given import read_splats
from ..backend.formats.splat_files import FORMATS, UP_TITLES, Z_UP_FROM, SplatFormat, write_splats
from ..backend.geometry.turning import turned
from ..backend.values import SH_C0, Array, Splats

COUNT = 8000
COLUMNS = (
    "format", "endings", "read", "written", "SH degree", "up", "bytes a splat", "position, of the extent", "angle", "scale", "opacity",
    "color", "SH",
)  # fmt: skip
PACKAGES = {"PIL": "Pillow, of the engine", "pxr": "Blender's USD"}
READ = {"spz": "versions 1 to 4", "ksplat": "all levels", "sog": "versions 1 and 2, unbundled", "ply": "binary, ASCII, 2DGS, balls"}
WRITTEN = {"spz": "version 3", "ksplat": "uncompressed", "sog": "version 2, unbundled"}
HEAD = """\
# Formats of splats

Made by `python3 dev.py docs`, which writes a small cloud in each format and reads it again; don't edit this page.

*File › Import › Gaussian Splats* takes all of them, many files at once, and dropping a file on the viewport those whose endings mean
splats alone. *File › Export › Gaussian Splats* and the panel's **Export Splats** write them. Without a window:

    reify convert garden.ply garden.spz
    reify convert garden.ply garden.sog --levels 3 --share 0.25
    reify convert a.ply b.splat c.ksplat OUT --to .spz --up-from=-y
    reify run photos ~/captures/fox -o fox.spz

What a file is shows by what is in it, so one with another's ending opens, too. What is damaged, cut off, or claims more than it holds is
refused before memory is taken for it.

"""
TAIL = """
Errors are the roots of the mean squares of what comes back: of positions as a share of the extent, of angles in degrees, of scales in
per cent, of opacities and colors in steps of 255, of SH above degree 0 as they are (the cloud's have a root mean square of {sh}).
A dash is less than a thousandth.

## Which axis is up

Reify's world, as Blender's, has Z up. Files are turned, view-dependent color included: by **Up** in the importer, else by what the
file says (USD does, and so do PLY files of Reify), else as files of their format usually stand, which the table names. Splats of
structure from motion have Y down. The exporter does the same the other way round; `--up-from` and `--up-to` do on the command line.
Large coordinates, as of surveyors, have Z up, and only PLY can hold them: other files stand near the origin.

## What needs what

All but SOG and USD are read and written with numpy alone, so by the zip without an engine, too; SPZ of version 4 needs the Python package
zstandard, which Blender has. In glTF, splats that KHR_gaussian_splatting_compression_spz packs are read. Colors in linear light
aren't. What a format can't hold, such as SH of high degrees, is said when it is written.

Point clouds (`.las .laz .xyz .pts .asc .csv .ply`) come in by *File › Import › Point Cloud*, and `reify convert` writes them as `.ply`.

**Levels** writes files of ever fewer splats, `garden.spz`, `garden_LOD1.spz` and so on: those whose opacity times area is largest.
"""


def cloud(count: int = COUNT) -> Splats:
    """Splats as they lie on a ball, a few of them far away: mostly flat, SH smaller in higher degrees."""
    rng = np.random.default_rng(4)
    place = rng.normal(size=(count, 3))
    place /= np.linalg.norm(place, axis=1, keepdims=True)
    place[: count // 50] *= 20
    quats = rng.normal(size=(count, 4))
    sh = rng.normal(size=(count, 16, 3)) * np.repeat([0.6, 0.12, 0.06, 0.04], (1, 3, 5, 7))[:, None]
    return Splats(
        means=place.astype(np.float32),
        quats=(quats / np.linalg.norm(quats, axis=1, keepdims=True)).astype(np.float32),
        log_scales=(rng.normal(size=(count, 3)) * 0.6 - [4, 4, 6]).astype(np.float32),
        opacity_logits=(2 * rng.normal(size=count)).astype(np.float32),
        sh=sh.astype(np.float32),
    )


def page() -> str:
    """The page as Markdown."""
    splats = cloud()
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(_row(one, splats) for one in FORMATS)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return HEAD + table + "\n" + TAIL.format(sh=f"{_rms(splats.sh[:, 1:]):.2f}")


def _row(one: SplatFormat, splats: Splats) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(prefix="reify-formats-") as folder:
        path = Path(folder) / f"cloud{one.endings[0]}"
        write_splats(splats, path)
        read = read_splats(path).value
        assert isinstance(read, Splats)
        size, again = path.stat().st_size / len(splats), _matched(one, splats, read)
    needs = "".join(f" (needs {PACKAGES[package]})" for package in one.packages)
    functions = again.sh.shape[1]
    apart = np.minimum(*(np.linalg.norm(again.quats + sign * splats.quats, axis=1) for sign in (1, -1)))
    opacities = [1 / (1 + np.exp(-each.opacity_logits)) for each in (again, splats)]
    errors = (
        _rms(again.means - splats.means) / float(np.ptp(splats.means)),
        _rms(np.degrees(4 * np.arcsin(apart / 2))),
        100 * _rms(again.log_scales - splats.log_scales),
        255 * _rms(opacities[0] - opacities[1]),
        255 * SH_C0 * _rms(again.sh[:, 0] - splats.sh[:, 0]),
    )
    sh = _shown(_rms(again.sh[:, 1:] - splats.sh[:, 1:functions])) if functions > 1 else "not held"
    return (
        one.title, " ".join(f"`{ending}`" for ending in one.endings), READ.get(one.id, "yes") + needs, WRITTEN.get(one.id, "yes"),
        str(one.degree), UP_TITLES[one.up], f"{size:.0f}", *map(_shown, errors), sh,
    )  # fmt: skip


def _matched(one: SplatFormat, splats: Splats, again: Splats) -> Splats:
    """`again` in the order of `splats`."""
    if not one.sorts:
        return again
    order = morton_order(turned(splats, Z_UP_FROM[one.up].T).means)
    return again.take(np.argsort(order))


def _rms(differences: Array) -> float:
    return float(np.sqrt(np.square(differences, dtype=np.float64).mean()))


def _shown(error: float) -> str:
    return "–" if error < 1e-3 else f"{error:.1g}" if error < 10 else f"{error:.0f}"
