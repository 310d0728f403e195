"""Point clouds as text: .xyz, .pts, .asc, .csv and their kin, with whatever columns and separators."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..errors import ReifyError
from ..values import Array

COMMENTS = ("#", "//", ";", "%")
ALIASES = {"easting": "x", "northing": "y", "elevation": "z", "height": "z", "altitude": "z", "r": "red", "g": "green", "b": "blue"}
UNIT = 0.02  # that the length of a normal may be off 1


def read_text(path: Path) -> tuple[dict[str, Array], int]:
    """Columns of a table of numbers, and how many lines are none of it; raises ReifyError where there is none.

    A line of names says what the columns are. Else the first three are positions, and what follows is told by its values: unit
    normals, colors as bytes or as 0 to 1, with an intensity before or behind them.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig", "replace").splitlines()
    except OSError as error:
        raise ReifyError(f"{path} can't be read: {error.strerror or error}.", "Check the path.") from error
    separator = _separator(lines)
    rows = [_split(line, separator) for line in lines if line.strip()]
    numbers = [row for row in rows if len(row) >= 3 and _are_numbers(row[:3])]
    width = int(np.bincount([min(len(row), 64) for row in numbers]).argmax()) if numbers else 0
    whole = [row for row in numbers if len(row) >= width and _are_numbers(row[:width])]
    if not whole:
        raise ReifyError(f"{path.name} holds no points.", "Choose another file.")
    values = np.array([row[:width] for row in whole], dtype=np.float64)
    return _named(values, _names(rows, width)), len(numbers) - len(whole)


def _separator(lines: list[str]) -> str:
    """What stands between numbers: a semicolon or tab where there are any, a comma that isn't a decimal one, else blanks."""
    sample = [line for line in lines[:200] if re.search(r"\d", line)][-50:]
    for candidate in (";", "\t", ","):
        if sample and sum(line.count(candidate) >= 2 for line in sample) > len(sample) / 2:
            return candidate
    return ""


def _split(line: str, separator: str) -> list[str]:
    words = line.strip().strip(separator).split(separator or None)
    # A comma within numbers is a decimal one where something else separates them.
    return [word.strip().replace(",", ".") if separator != "," else word.strip() for word in words]


def _are_numbers(words: list[str]) -> bool:
    try:
        return all(np.isfinite(float(word)) or True for word in words)
    except ValueError:
        return False


def _names(rows: list[list[str]], width: int) -> list[str]:
    """The names of the columns in a line before the numbers; empty where there are none."""
    for row in rows[:20]:
        words = [word.strip("\"'").lower() for word in (row[1:] if row and row[0] in COMMENTS else row)]
        words = [words[0].lstrip("#/;%"), *words[1:]] if words else words
        words = [ALIASES.get(word, word) for word in words]
        if {"x", "y", "z"} <= set(words) and len(words) >= width:
            return words[:width]
    return []


def _named(values: Array, names: list[str]) -> dict[str, Array]:
    if names:
        return {name: values[:, index] for index, name in enumerate(names)}
    table = {name: values[:, index] for index, name in enumerate("xyz")}
    rest = list(range(3, values.shape[1]))
    while len(rest) >= 3:
        three = values[:, rest[:3]]
        if "nx" not in table and _are_normals(three):
            table |= dict(zip(("nx", "ny", "nz"), three.T, strict=True))
        elif (
            "red" not in table
            and _are_colors(three)
            and not (len(rest) == 4 and _are_colors(values[:, rest[1:]]) and _is_intensity(values, rest))
        ):
            table |= dict(zip(("red", "green", "blue"), three.T, strict=True))
        else:
            rest = rest[1:]  # an intensity, a time, a class
            continue
        rest = rest[3:]
    return table


def _is_intensity(values: Array, rest: list[int]) -> bool:
    """Whether the first of four columns is an intensity, as in .pts, rather than the last: it is when only it leaves the bytes' range."""
    first, last = values[:, rest[0]], values[:, rest[3]]
    whole = (first == np.round(first)).all() and (last == np.round(last)).all()
    return bool(first.min() < 0 or first.max() > 255 or (whole and last.max() <= 255 and first.max() > last.max()) or not whole)


def _are_normals(three: Array) -> bool:
    length = np.linalg.norm(three, axis=1)
    return bool((three < 0).any() and (np.abs(length - 1) < UNIT).mean() > 0.95)


def _are_colors(three: Array) -> bool:
    whole = bool((three == np.round(three)).all())
    return bool(three.min() >= 0 and ((whole and three.max() <= 65535) or three.max() <= 1.0))
