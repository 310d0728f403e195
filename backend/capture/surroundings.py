"""What reading a capture looks at beside its sources, and what is redone when it changes: masks, and pictures that camera files name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..formats import colmap
from .listing import MASK_FOLDERS, PICTURE_FOLDERS
from .posed import MODEL_PLACES

UP = 3  # folders above a COLMAP model in which its pictures may lie


def surroundings(sources: Sequence[Path]) -> tuple[str, ...]:
    """Paths, sizes and times of the files outside the sources that `read_photos` may look at, in order."""
    found = {path for source in sources for path in _beside(source.expanduser().absolute())}
    return tuple(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in sorted(found))


def _beside(source: Path) -> Iterator[Path]:
    folder = source if source.is_dir() else source.parent
    for above in (folder, folder.parent):
        for name in MASK_FOLDERS:
            yield from _files(above / name)
    if source.is_file():
        yield from folder.glob("*_mask.png")
        if source.suffix.lower() == ".json":
            yield from _files(folder)
    models = [folder] if source.is_file() else [source / place for place in MODEL_PLACES]
    for model in filter(colmap.is_model, models):
        for place in (model, *model.parents[:UP]):
            yield from (path for path in place.iterdir() if path.is_file())
            for name in PICTURE_FOLDERS:
                yield from _files(place / name)


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file())
