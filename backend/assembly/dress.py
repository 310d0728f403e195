"""Materials: what the sentence says of a thing's color and material, over what its generator gives it."""

from __future__ import annotations

from ..prompt.parsed import Entity
from ..prompt.words import COLORS, SHADES
from ..shapes.solids import Slot
from ..values import Material

COLOR_OF = {  # sRGB of a material that is named without a color
    **{"wood": (150, 98, 56), "metal": (160, 163, 168), "gold": (220, 168, 58), "silver": (206, 208, 212), "copper": (190, 110, 70)},
    **{"glass": (212, 232, 236), "stone": (142, 138, 130), "marble": (226, 222, 214), "brick": (160, 82, 62), "clay": (184, 108, 76)},
    **{"ceramic": (230, 226, 216), "cloth": (120, 132, 152), "leather": (122, 72, 44), "plastic": (206, 60, 54), "paper": (226, 214, 184)},
    **{"ice": (190, 224, 240), "snow": (240, 244, 248), "moss": (96, 124, 60), "straw": (200, 160, 96)},
}
LIQUID_OF = {
    **{"coffee": (52, 30, 18), "tea": (150, 84, 34), "wine": (92, 14, 32), "milk": (244, 240, 230), "beer": (214, 150, 44)},
    **{"juice": (238, 160, 40), "soup": (206, 110, 44), "water": (150, 190, 210), "honey": (216, 140, 30), "oil": (206, 176, 60)},
}


def srgb_of(color: str) -> tuple[int, int, int]:
    """The sRGB of a color's words: "red", "dark green"."""
    shade, _, name = color.rpartition(" ")
    factor = SHADES.get(shade, 1.0) ** (1 / 2.2)
    return tuple(min(255, round(value * factor)) for value in COLORS[name])  # type: ignore[return-value]


def material(slot: Slot, entity: Entity) -> Material:
    """What a slot of the entity is made of."""
    template, srgb = slot.template, slot.srgb
    told = dict(entity.parts).get(slot.part, "")
    named, color = (told if told in COLOR_OF else "", told if told and told not in COLOR_OF else "")
    if not told and slot.main:
        named, color = entity.material, entity.color
    if named:
        template, srgb = named, COLOR_OF[named]
    if color:
        srgb = srgb_of(color)
    elif slot.main and not named and slot.part == "body" and _is_avoided(template, srgb, entity.avoid):
        srgb = next(COLORS[other] for other in ("green", "yellow", "blue") if other not in entity.avoid)
    if (
        slot.part == "body"
        and template == "glass"
        and (content := dict(entity.parts).get("content")) in LIQUID_OF
        and entity.noun == "bottle"
    ):
        srgb = LIQUID_OF[content]
    accent = srgb_of(entity.accent) if entity.accent and slot.main else None
    return Material(template, srgb, slot.part, entity.traits, accent)


def is_of(found: Material, color: str, named: str) -> bool:
    """Whether a material has the color and the template that were asked for, either one empty where it wasn't."""
    return (not color or found.srgb == srgb_of(color)) and (not named or found.template == named)


def _is_avoided(template: str, srgb: tuple[int, int, int], avoid: tuple[str, ...]) -> bool:
    """Whether this is, or comes nearest to, a color or material that must not be."""
    nearest = min(COLORS, key=lambda name: sum((a - b) ** 2 for a, b in zip(COLORS[name], srgb, strict=True)))
    family = {"crimson": "red", "scarlet": "red", "maroon": "red"}
    return template in avoid or nearest in avoid or family.get(nearest, "") in avoid
