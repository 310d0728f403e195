"""Boxes around subjects, as settings write them: "10 20, 300 400" is left, top, right and bottom in pixels."""

from __future__ import annotations

from ..errors import ReifyError

Box = tuple[int, int, int, int]


def sides_of(text: str) -> tuple[float, float, float, float]:
    """Left, top, right and bottom as they are written; raises ReifyError where the text isn't a box."""
    try:
        left, top, right, bottom = (float(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise ReifyError(f"{text!r} isn't a box.", "Write left, top, right and bottom in pixels: 10 20 300 400.") from None
    return left, top, right, bottom


def box_of(text: str, shape: tuple[int, ...]) -> Box:
    """The box inside a picture of `shape`, most of the picture where the text is empty; raises ReifyError where it holds nothing."""
    height, width = shape[:2]
    if not text.strip():
        inset = max(1, round(0.04 * min(shape[:2])))
        return inset, inset, width - inset, height - inset
    left, top, right, bottom = (round(side) for side in sides_of(text))
    box = max(0, left), max(0, top), min(width, right), min(height, bottom)
    if box[2] - box[0] < 2 or box[3] - box[1] < 2:
        raise ReifyError(f"The box {text!r} holds nothing of a picture of {width} x {height} pixels.", "Draw it around the subject.")
    return box
