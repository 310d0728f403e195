"""Drawings as people photograph them: figures on paper of many kinds, under light of many kinds."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from reify.backend.values import Array

WIDTH, HEIGHT = 360, 480
HEAD, BODY, LEGS = (114, 48, 246, 180), (132, 180, 228, 336), ((132, 336, 174, 432), (186, 336, 228, 432))
FILLS = ((230, 180, 140), (60, 80, 200), (40, 40, 40))
PALE = ((250, 222, 185), (190, 220, 250), (250, 240, 150))


def figure(kind: str) -> tuple[Array, Array]:
    """A figure as RGBA [H,W,4] float, "filled", "pale", drawn by "pencil" or so "with gaps", and what belongs to it [H,W] bool."""
    scale = 3
    drawn = Image.new("RGBA", (WIDTH * scale, HEIGHT * scale), (0, 0, 0, 0))
    whole = Image.new("L", drawn.size, 0)
    pen, truth = ImageDraw.Draw(drawn), ImageDraw.Draw(whole)
    colors = PALE if kind == "pale" else FILLS
    for box, color, shape in (
        (HEAD, colors[0], "ellipse"),
        (BODY, colors[1], "rectangle"),
        *((leg, colors[2], "rectangle") for leg in LEGS),
    ):
        place = [scale * value for value in box]
        getattr(truth, shape)(place, fill=255)
        look = {"fill": (*color, 255)} if kind in ("filled", "pale") else {"outline": (80, 80, 80, 255), "width": 3 * scale}
        getattr(pen, shape)(place, **look)
    if kind == "with gaps":
        for box in ((240, 110, 252, 116), (126, 250, 140, 257), (170, 400, 180, 404)):
            pen.rectangle([scale * value for value in box], fill=(0, 0, 0, 0))
    small = drawn.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return np.asarray(small).astype(float), np.asarray(whole.resize((WIDTH, HEIGHT), Image.Resampling.BOX)) > 127


def paper(kind: str) -> Array:
    """Bare paper [H,W,3] float: "plain", "lined", with a "margin", "squared" or "brown"."""
    rng = np.random.default_rng(1)
    sheet = np.full((HEIGHT, WIDTH, 3), 250.0)
    if kind == "brown":
        grain = Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)).filter(ImageFilter.GaussianBlur(1.2))
        sheet[:] = (190, 150, 105)
        sheet += (np.asarray(grain).astype(float) - 127)[..., None] * 0.35
    if kind in ("lined", "margin"):
        for row in range(25, HEIGHT, 20):
            sheet[row : row + 2] = (150, 180, 220)
    if kind == "margin":
        sheet[:, 54:56] = (220, 120, 120)
    if kind == "squared":
        sheet[::13], sheet[:, ::13] = (180, 200, 225), (180, 200, 225)
    return sheet


def light(kind: str, width: int, height: int) -> Array:
    """Brightness [H,W] of "even" or "dim" light, a "lamp", a soft "shadow" over a corner, or that of a "hand"."""
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    return {
        "even": np.ones((height, width)),
        "dim": np.full((height, width), 0.8),
        "lamp": 0.5 + 0.5 * np.exp(-((x - 0.3) ** 2 + (y - 0.3) ** 2) * 2),
        "shadow": 1 - 0.45 * np.clip((0.75 * x + 1.3 * y - 0.75) / 0.6, 0, 1),
        "hand": 1 - 0.4 / (1 + np.exp((np.hypot((x - 1) / 0.5, (y - 1) / 0.6) - 1) * 25)),
    }[kind]


def photographed(drawing: str, sheet: str, lit: str, turned_deg: float = 0.0, table: str = "") -> tuple[Array, Array]:
    """A photo [H,W,3] uint8 of a drawing, and what belongs to its figure [H,W] bool.

    The paper is turned against the photo, and lies on a `table` that is "wooden", "dark" or "white" where one is named.
    """
    shape, truth = figure(drawing)
    cover = shape[..., 3:] / 255
    picture = np.dstack([paper(sheet) * (1 - cover) + shape[..., :3] * cover, 255.0 * truth])
    if table:
        picture = _on_table(picture, turned_deg, table)
    elif turned_deg:
        margin = 120
        wide = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge" if sheet == "plain" else "wrap")
        picture = _turned(wide, turned_deg)[margin:-margin, margin:-margin]
    height, width = picture.shape[:2]
    colors = picture[..., :3] * light(lit, width, height)[..., None] * [1, 0.97, 0.92]
    colors += np.random.default_rng(2).normal(0, 3, colors.shape)
    photo = Image.fromarray(colors.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=88)
    return np.asarray(Image.open(stream)), picture[..., 3] > 127


def _turned(picture: Array, degrees: float) -> Array:
    planes = [Image.fromarray(plane.astype(np.float32)) for plane in np.moveaxis(picture, 2, 0)]
    return np.stack([np.asarray(plane.rotate(degrees, Image.Resampling.BICUBIC)) for plane in planes], axis=-1)


def _on_table(picture: Array, turned_deg: float, table: str) -> Array:
    height, width = 620, 540
    y, x = np.mgrid[:height, :width]
    grain = np.random.default_rng(3).integers(0, 256, (height // 3, 10), dtype=np.uint8)
    grain = np.asarray(Image.fromarray(grain).resize((width, height), Image.Resampling.BICUBIC)).astype(float)
    wood = np.stack([120 + 0.3 * grain + 8 * np.sin(x / 9 + grain / 20), 80 + 0.22 * grain, 45 + 0.15 * grain], axis=-1)
    below = {"wooden": wood, "dark": np.full((height, width, 3), 44.0), "white": np.full((height, width, 3), 235.0)}[table]
    placed = np.zeros((height, width, 5))
    top, left = (height - HEIGHT) // 2, (width - WIDTH) // 2
    placed[top : top + HEIGHT, left : left + WIDTH] = np.dstack([picture, np.full((HEIGHT, WIDTH), 1.0)])
    placed = _turned(placed, turned_deg)
    cover = placed[..., 4:].clip(0, 1)
    return np.dstack([below * (1 - cover) + placed[..., :3] * (cover > 0.5), placed[..., 3]])
