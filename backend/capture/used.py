"""What of the sources counts for a result: the files that a reader may look at, by their contents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..formats import endings
from ..jobs import store
from ..reading import exists, is_folder, walk

ENDINGS = (*endings.DRAWINGS, *endings.UNREAD_PICTURES, *endings.VIDEOS, *endings.UNREAD_VIDEOS, *endings.CAMERAS, *endings.CLOUDS)
UNNAMED = ("metadata",)  # of Record3D, which has no ending


def used_files(folder: Path, check: Callable[[], None] = lambda: None) -> list[Path]:
    """The visible, regular files in a folder and those below it that some reader knows by their endings; raises OSError."""
    found = []
    for place, folders, names in walk(folder, check):
        folders[:] = [name for name in folders if not endings.is_hidden(name)]
        found += [place / name for name in names if not endings.is_hidden(name) and _is_used(name)]
    return found


def digests_of(sources: Sequence[Path], check: Callable[[], None] = lambda: None) -> dict[str, str]:
    """A digest of each source that exists, by its path: of a file's bytes, or of the files in a folder that `used_files` finds.

    `check` is called again and again, and may raise. A file that can't be read counts by its name.
    """
    return {str(source): _digest(source, check) for source in sources if exists(source)}


def _digest(source: Path, check: Callable[[], None]) -> str:
    if not is_folder(source):
        return store.digest(source)
    found = []
    for path in used_files(source, check):
        try:
            found.append(f"{path.relative_to(source).as_posix()} {store.file_digest(path, check)}")
        except OSError:
            found.append(path.relative_to(source).as_posix())
    return store.digest(source, sorted(found))


def _is_used(name: str) -> bool:
    return endings.has(Path(name), (*ENDINGS, *endings.DEPTH)) or name.lower() in UNNAMED
