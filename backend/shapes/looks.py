"""The slots that generators share: what a part is usually made of, and its color."""

from __future__ import annotations

from .solids import Slot

WOOD = Slot("body", "wood", (150, 98, 56))
DARK_WOOD = Slot("body", "wood", (96, 60, 36))
LEGS = Slot("legs", "wood", (120, 76, 44))
METAL = Slot("body", "metal", (150, 152, 156))
STEEL = Slot("blade", "metal", (196, 200, 206))
DARK = Slot("detail", "metal", (52, 54, 58), main=False)
GOLD = Slot("body", "gold", (216, 166, 60))
BRASS = Slot("trim", "gold", (204, 160, 72), main=False)
STONE = Slot("body", "stone", (142, 138, 130))
BRICK = Slot("wall", "brick", (160, 82, 62))
PLASTER = Slot("wall", "stone", (226, 214, 190))
ROOF = Slot("roof", "clay", (158, 68, 48), main=False)
GLASS = Slot("body", "glass", (214, 232, 236))
PANE = Slot("window", "glass", (126, 166, 188), main=False)
DOOR = Slot("door", "wood", (92, 58, 38), main=False)
HANDLE = Slot("handle", "wood", (118, 76, 44), main=False)
CERAMIC = Slot("body", "ceramic", (226, 222, 212))
CLAY = Slot("body", "clay", (176, 104, 72))
CLOTH = Slot("seat", "cloth", (92, 112, 132))
SHEET = Slot("cover", "cloth", (112, 134, 166))
PILLOW = Slot("pillow", "cloth", (236, 232, 224), main=False)
LEAVES = Slot("leaves", "leaf", (72, 122, 52))
TRUNK = Slot("trunk", "wood", (104, 74, 50), main=False)
SOIL = Slot("soil", "stone", (86, 66, 50), main=False)
GRASS = Slot("ground", "leaf", (104, 146, 64))
SNOW = Slot("snow", "snow", (240, 244, 248), main=False)
PAPER = Slot("pages", "paper", (238, 230, 208), main=False)
PAINT = Slot("body", "paint", (184, 44, 40))
RUBBER = Slot("tires", "plastic", (34, 34, 36), main=False)
HUB = Slot("wheels", "metal", (170, 172, 176), main=False)
LIGHT = Slot("light", "light", (255, 222, 158), main=False)
WHITE = Slot("body", "plastic", (232, 230, 226))
BLACK = Slot("body", "plastic", (40, 40, 44))
STEM = Slot("stem", "leaf", (70, 110, 48), main=False)
WATER = Slot("water", "glass", (72, 132, 160), main=False)


def skin(red: int, green: int, blue: int) -> Slot:
    """The surface of fruit, bread and animals."""
    return Slot("body", "skin", (red, green, blue))


def detail(part: str, template: str, red: int, green: int, blue: int) -> Slot:
    """A part that keeps its own color."""
    return Slot(part, template, (red, green, blue), main=False)
