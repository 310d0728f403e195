"""Files by the names that other programs wrote: one look-up for pictures of camera files, for masks and for depth maps.

A name fits a file by its last parts: with the same letters first, then in another case or Unicode form, with another ending, and at last
with other separators or leading zeros. Folders of another computer, drive letters, backslashes and URL escapes are no trouble. Where
several files fit equally well, the folder decides that serves most of the names; what it can't decide is left out and named.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ..reading import is_file
from . import endings
from .confined import is_inside, is_network
from .text import printable, readings

SAME, SAME_NAME, OTHER_ENDING, LOOSE = 4, 3, 2, 1  # how well a file's own name fits, the best first
ENDINGS = frozenset((*endings.PICTURES, *endings.RAW, *endings.UNREAD_PICTURES, *endings.DEPTH))
NAMED = 3  # examples in a sentence


@dataclass(frozen=True)
class Located:
    """The files that names stand for."""

    paths: tuple[Path | None, ...]  # one for each name
    missing: tuple[str, ...] = ()  # names that no file fits
    unclear: tuple[str, ...] = ()  # names that several files fit, or that share one
    outside: tuple[str, ...] = ()  # of those missing, the ones that lead out of the places that names may lead to
    similar: tuple[str, ...] = ()  # names that aren't quite their file's: "IMG_1.JPG is images/IMG_1.jpg"

    @property
    def count(self) -> int:
        """How many were found."""
        return sum(path is not None for path in self.paths)

    def notes(self) -> Iterator[str]:
        """What a user should know about it, in a sentence each."""
        if self.outside:
            yield (
                f"Skipped: {len(self.outside)} of {len(self.paths)} pictures that lie outside of the capture's folder"
                f" ({examples(self.outside)}). Choose their folder, too, or switch Outside Paths on."
            )
        if missing := [name for name in self.missing if name not in set(self.outside)]:
            yield f"Skipped: {len(missing)} of {len(self.paths)} pictures that don't exist ({examples(missing)})."
        if self.unclear:
            yield f"Skipped: {len(self.unclear)} of {len(self.paths)} pictures whose names fit several files ({examples(self.unclear)})."


class Finder:
    """Looks names up among files; `folders` are the ones that relative names may count from, the likeliest first.

    Absolute names are followed `within` these places, and elsewhere only where `outside` allows it; to other computers never.
    """

    def __init__(self, files: Iterable[Path], folders: Sequence[Path] = (), within: Sequence[Path] = (), outside: bool = False) -> None:
        self.folders = tuple(dict.fromkeys(folders))
        self.within, self.outside = tuple(within), outside
        self._rank = {folder: number for number, folder in enumerate(self.folders)}
        self._files: list[Path] = []
        self._parts: list[tuple[str, ...]] = []
        self._by_key: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
        for path in dict.fromkeys(files):
            self._add(path)

    def _add(self, path: Path) -> None:
        number = len(self._files)
        self._files.append(path)
        self._parts.append(tuple(normal(part) for part in path.parts))
        for level, key in _keys(path.name):
            self._by_key[level, key].append(number)

    def find(self, names: Sequence[str]) -> Located:
        """The file of each name."""
        fits = [
            [(path, len(_parts_of(name)), SAME)] if path else self._fits(name) for name, path in zip(names, self._exact(names), strict=True)
        ]
        homes = Counter(home for found in fits for home in {_home(path, tail) for path, tail, _ in found})
        paths: list[Path | None] = []
        unclear: list[str] = []
        for name, found in zip(names, fits, strict=True):
            best = _best(found, homes, self._rank)
            paths.append(best[0] if len(best) == 1 else None)
            if len(best) > 1:
                unclear.append(f"{printable(name)}: {' or '.join(_short(path) for path in best[:2])}")
        unclear += _settle_shared(names, paths, fits)
        lost = {text.partition(": ")[0] for text in unclear}
        given = list(zip(names, paths, strict=True))
        missing = [name for name, path in given if path is None and printable(name) not in lost]
        return Located(
            paths=tuple(paths),
            missing=tuple(map(printable, missing)),
            outside=tuple(printable(name) for name in missing if _is_absolute(name) and not self._may_follow(name)),
            unclear=tuple(unclear),
            similar=tuple(f"{printable(name)} is {_short(path)}" for name, path in given if path is not None and not _ends_as(path, name)),
        )

    def _exact(self, names: Sequence[str]) -> list[Path | None]:
        """Names as they stand, from that folder which has most of them; absolute ones where they exist."""
        if not names:
            return []
        clean = ["/".join(_parts_of(name)) for name in names]
        hits = [[_file_at(folder, name) for name in clean] for folder in self.folders]
        best = max(hits, key=lambda found: sum(path is not None for path in found), default=[None] * len(names))
        return [path or (_file_at(Path(), name) if self._may_follow(name) else None) for name, path in zip(names, best, strict=True)]

    def _may_follow(self, name: str) -> bool:
        path = Path(name)
        return path.is_absolute() and not is_network(name) and (self.outside or is_inside(path, self.within))

    def _fits(self, name: str) -> list[tuple[Path, int, int]]:
        """Files that fit a name best, each with the number of parts that agree and the level at which the last one does."""
        for reading in dict.fromkeys((*readings(name), *map(unquote, readings(name)))):
            parts = _parts_of(reading)
            if not parts:
                continue
            scored = []
            seen: set[int] = set()
            for level, key in _keys(parts[-1]):
                for number in self._by_key.get((level, key), ()):
                    if number not in seen:
                        seen.add(number)
                        scored.append((self._files[number], _tail(self._parts[number], parts), level))
            if scored:
                most = max((tail, level) for _, tail, level in scored)
                return [fit for fit in scored if fit[1:] == most]
        return []


def normal(part: str) -> str:
    """A name as it is compared: composed (NFC), without regard to case, quotes and spaces around it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", part).casefold()).strip().strip("\"'")


def stem_of(name: str) -> str:
    """A file's name without the ending of a picture; other dots belong to the name."""
    head, dot, tail = name.rpartition(".")
    return head if dot and head and f".{tail.lower()}" in ENDINGS else name


def examples(names: Sequence[str]) -> str:
    """The first names, and … where there are more."""
    return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")


def _keys(name: str) -> Iterator[tuple[int, str]]:
    same = normal(name)
    stem = stem_of(same)
    yield SAME, name
    yield SAME_NAME, same
    yield OTHER_ENDING, stem
    yield LOOSE, re.sub(r"0*(\d+)", r"\1", re.sub(r"[\s_\-.()+]+", " ", stem).strip())


def _parts_of(name: str) -> tuple[str, ...]:
    """The parts of a name from any system: without drive, server, scheme and dots."""
    plain = re.sub(r"^(file:/+|\\\\\?\\)", "/", name.strip().strip("\"'")).replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if parts and re.fullmatch(r"[A-Za-z]:", parts[0]):
        parts = parts[1:]
    resolved: list[str] = []
    for part in parts:
        if part == "..":
            resolved = resolved[:-1]
        else:
            resolved.append(part)
    return tuple(resolved)


def _is_absolute(name: str) -> bool:
    return Path(name).is_absolute() or is_network(name)


def _file_at(folder: Path, name: str) -> Path | None:
    return folder / name if name and is_file(folder / name) else None


def _tail(have: tuple[str, ...], wanted: tuple[str, ...]) -> int:
    """How many parts agree, counted from the end; the last one, the file's own, is known to."""
    count = 1
    while count < min(len(have), len(wanted)) and have[-1 - count] == normal(wanted[-1 - count]):
        count += 1
    return count


def _home(path: Path, tail: int) -> Path:
    return path.parents[min(tail, len(path.parents)) - 1]


def _best(found: Sequence[tuple[Path, int, int]], homes: Counter[Path], rank: dict[Path, int]) -> list[Path]:
    if not found:
        return []

    def merit(fit: tuple[Path, int, int]) -> tuple[int, int]:
        home = _home(fit[0], fit[1])
        return homes[home], -rank.get(home, len(rank))

    most = max(map(merit, found))
    return [fit[0] for fit in found if merit(fit) == most]


def _settle_shared(names: Sequence[str], paths: list[Path | None], fits: Sequence[Sequence[tuple[Path, int, int]]]) -> list[str]:
    """Leave a file that several names lead to with the one that fits it best; which of them that is must be clear."""
    claims: defaultdict[Path, list[int]] = defaultdict(list)
    for number, path in enumerate(paths):
        if path is not None:
            claims[path].append(number)
    unclear = []
    for path, numbers in claims.items():
        merits = [next(fit[1:] for fit in fits[number] if fit[0] == path) for number in numbers]
        best = [number for number, merit in zip(numbers, merits, strict=True) if merit == max(merits)]
        same = len({_parts_of(names[number]) for number in best}) == 1
        for number in numbers:
            if number != best[0] or not same:
                paths[number] = None
                unclear.append(f"{printable(names[number])}: {_short(path)} is claimed twice")
    return unclear


def _ends_as(path: Path, name: str) -> bool:
    parts = _parts_of(name)
    return path.parts[-len(parts) :] == parts


def _short(path: Path) -> str:
    return "/".join(path.parts[-2:])
