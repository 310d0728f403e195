"""Which noun is made by which generator, and how large it really is.

Sizes are those of common things in catalogues and encyclopedias: a dining table is 1.4 m long, a mug 12 cm wide with its handle.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from . import buildings as b
from . import furniture as f
from . import household as h
from . import nature as n
from . import outdoors as o
from . import props as p
from . import vehicles as v
from . import vessels as c
from .icons import ICONS, SETS, drawn
from .solids import Shell, moved, scaled


@dataclass(frozen=True)
class Source:
    """Whose shape a thing has."""

    title: str
    author: str
    license: str
    url: str = ""


GENERATED = Source("Reify's generators", "Reify", "GPL-3.0-or-later")


@dataclass(frozen=True)
class Thing:
    """How a noun is made."""

    make: Callable[..., Shell]
    size_m: float  # the longest side of its box
    options: Mapping[str, Any] = field(default_factory=dict)
    place: str = "ground"  # where it belongs when nothing is said: "ground", "sky", "ceiling", "wall"
    open: bool = False  # something can be put into it from above
    opened: Mapping[str, Any] = field(default_factory=dict)  # further options where something is put into it
    source: Source = GENERATED


def _t(make: Callable[..., Shell], size_m: float, place: str = "ground", open: bool = False, **options: Any) -> Thing:
    return Thing(make, size_m, options, place, open)


def _drawn() -> dict[str, Thing]:
    """What there are icons of; a generator of the same noun goes before."""
    made = {}
    for noun, icon in ICONS.items():
        of = SETS[icon.set]
        made[noun] = Thing(drawn, icon.size_m, {"noun": noun}, source=Source(f"{of.title}'s {icon.name}", of.author, of.license, of.url))
    return made


THINGS: dict[str, Thing] = _drawn() | {
    "table": _t(f.table, 1.4),
    "coffee table": _t(f.table, 1.0, width=1.0, depth=0.6, height=0.42),
    "desk": _t(f.table, 1.3, width=1.3, depth=0.65, drawers=3),
    "chair": _t(f.chair, 0.9),
    "armchair": _t(f.sofa, 0.98, seats=1),
    "sofa": _t(f.sofa, 2.24, seats=3),
    "stool": _t(f.stool, 0.48),
    "bench": _t(f.bench, 1.6),
    "bed": _t(f.bed, 2.1),
    "bookshelf": _t(f.shelf, 1.9),
    "shelf": _t(f.shelf, 1.2, height=1.2, boards=3, books=False),
    "cupboard": _t(f.cabinet, 1.1, width=1.1, doors=2, drawers=2),
    "wardrobe": _t(f.cabinet, 2.0, width=1.2, height=2.0, depth=0.58),
    "nightstand": _t(f.cabinet, 0.55, width=0.45, height=0.55, depth=0.4, doors=0, drawers=2),
    "dresser": _t(f.cabinet, 0.95, width=0.95, height=0.85, doors=0, drawers=4),
    "drawer": _t(f.cabinet, 0.6, width=0.5, height=0.6, doors=0, drawers=3),
    "lamp": _t(f.lamp, 0.5),
    "floor lamp": _t(f.lamp, 1.6, height=1.6, floor=True),
    "chandelier": _t(f.chandelier, 0.8, "ceiling"),
    "candle": _t(f.candle, 0.24),
    "picture frame": _t(f.frame, 0.8),
    "picture": _t(f.frame, 0.8),
    "painting": _t(f.frame, 0.8),
    "mirror": _t(f.frame, 1.6, width=0.7, height=1.6, mirror=True),
    "rug": _t(f.rug, 2.0),
    "cushion": _t(f.cushion, 0.45),
    "clock": _t(f.clock, 0.33),
    "book": _t(f.book, 0.23),
    "television": _t(f.screen, 1.1),
    "monitor": _t(f.screen, 0.6),
    "computer": _t(f.screen, 0.6),
    "laptop": _t(f.screen, 0.33, laptop=True),
    "door": _t(b.door, 2.14),
    "window": _t(b.window, 1.35),
    "staircase": _t(b.stairs, 2.74),
    "ladder": _t(b.ladder, 3.0),
    "fence": _t(b.fence, 2.5),
    "gate": _t(b.fence, 1.3, width=1.2, gate=True),
    "wall": _t(b.wall, 3.06),
    "brick wall": _t(b.wall, 3.06, stone=False),
    "house": _t(b.house, 9.0, floors=2),
    "cabin": _t(b.house, 6.5, width=5.0, depth=5.0, kind="cabin"),
    "cottage": _t(b.house, 7.8),
    "barn": _t(b.house, 12.0, width=9.0, depth=10.0, kind="barn"),
    "church": _t(b.house, 18.0, width=7.0, depth=11.0, floors=2, kind="church"),
    "tower": _t(b.tower, 13.0),
    "castle": _t(b.castle, 28.0),
    "lighthouse": _t(b.lighthouse, 18.0),
    "windmill": _t(b.windmill, 12.3),
    "skyscraper": _t(b.skyscraper, 82.0),
    "tent": _t(b.tent, 3.2),
    "bridge": _t(b.bridge, 10.0),
    "well": _t(b.well, 2.4),
    "road": _t(b.road, 12.0),
    "fountain": _t(b.fountain, 3.5),
    "streetlight": _t(b.streetlight, 3.8),
    "tombstone": _t(b.gravestone, 0.95),
    "mailbox": _t(b.mailbox, 1.27),
    "sign": _t(b.sign, 1.94),
    "statue": _t(b.statue, 2.5),
    "fireplace": _t(b.fireplace, 1.8),
    "bottle": _t(c.bottle, 0.3),
    "vase": _t(c.vase, 0.3, open=True),
    "mug": _t(c.cup, 0.12, open=True),
    "cup": _t(c.cup, 0.16, open=True, height=0.062, radius=0.038, saucer=True),
    "glass": _t(c.drink, 0.12, open=True),
    "wine glass": _t(c.drink, 0.21, open=True, stem=True),
    "bowl": _t(c.bowl, 0.24, open=True),
    "plate": _t(c.plate, 0.26),
    "jar": _t(c.jar, 0.166),
    "jug": _t(c.jug, 0.24, open=True),
    "teapot": _t(c.teapot, 0.26),
    "kettle": _t(c.teapot, 0.28, kettle=True),
    "bucket": _t(c.bucket, 0.33, open=True),
    "basket": _t(c.basket, 0.4, open=True),
    "barrel": _t(c.barrel, 0.9),
    "frying pan": _t(c.pan, 0.43, open=True),
    "saucepan": _t(c.pan, 0.36, open=True, deep=True),
    "fork": _t(c.cutlery, 0.2),
    "knife": _t(c.cutlery, 0.22, kind="knife"),
    "spoon": _t(c.cutlery, 0.19, kind="spoon"),
    "apple": _t(c.fruit, 0.085),
    "pear": _t(c.fruit, 0.11, kind="pear"),
    "orange": _t(c.fruit, 0.08, kind="orange"),
    "lemon": _t(c.fruit, 0.075, kind="lemon"),
    "tomato": _t(c.fruit, 0.07, kind="tomato"),
    "cherry": _t(c.fruit, 0.045, kind="cherry"),
    "onion": _t(c.fruit, 0.085, kind="onion"),
    "potato": _t(c.fruit, 0.09, kind="potato"),
    "egg": _t(c.fruit, 0.06, kind="egg"),
    "watermelon": _t(c.fruit, 0.3, kind="watermelon"),
    "pumpkin": _t(c.fruit, 0.35, kind="pumpkin"),
    "banana": _t(c.banana, 0.2),
    "carrot": _t(c.carrot, 0.24),
    "bread": _t(c.bread, 0.28),
    "cheese": _t(c.cheese, 0.15),
    "cake": _t(c.cake, 0.26),
    "donut": _t(c.donut, 0.1),
    "burger": _t(c.burger, 0.125),
    "pizza": _t(c.pizza, 0.31),
    "ice cream": _t(c.icecream, 0.2),
    "tree": _t(n.tree, 6.0),
    "pine": _t(n.pine, 8.0),
    "pine tree": _t(n.pine, 8.0),
    "palm": _t(n.palm, 7.0),
    "palm tree": _t(n.palm, 7.0),
    "bush": _t(n.bush, 1.3),
    "flower": _t(n.flower, 0.45),
    "rose": _t(n.flower, 0.5, kind="rose"),
    "tulip": _t(n.flower, 0.4, kind="tulip"),
    "sunflower": _t(n.flower, 1.5, kind="sunflower", height=0.75),
    "cactus": _t(n.cactus, 1.7),
    "grass": _t(n.grass, 0.32),
    "mushroom": _t(n.mushroom, 0.19),
    "rock": _t(n.rock, 0.6),
    "stone": _t(n.rock, 0.3),
    "boulder": _t(n.rock, 1.6),
    "log": _t(n.log, 1.2),
    "stump": _t(n.log, 0.9, stump=True),
    "cloud": _t(n.cloud, 6.0, "sky"),
    "hill": _t(n.hill, 30.0),
    "mountain": _t(n.hill, 120.0, kind="mountain"),
    "volcano": _t(n.hill, 120.0, kind="volcano"),
    "island": _t(n.hill, 25.0, kind="island"),
    "snowman": _t(n.snowman, 1.65),
    "moon": _t(n.sphere, 3.0, "sky"),
    "sun": _t(n.sphere, 4.0, "sky", kind="sun"),
    "planet": _t(n.sphere, 6.0, "sky", kind="planet"),
    "star": _t(n.star, 1.0, "sky"),
    "wheel": _t(v.wheel, 0.66),
    "tire": _t(v.wheel, 0.66),
    "car": _t(v.car, 4.3),
    "taxi": _t(v.car, 4.4, kind="taxi"),
    "van": _t(v.car, 4.8, kind="van"),
    "truck": _t(v.truck, 6.6),
    "bus": _t(v.truck, 10.0, kind="bus"),
    "tractor": _t(v.tractor, 3.4),
    "cart": _t(v.cart, 2.8),
    "wagon": _t(v.cart, 3.2, wagon=True),
    "train": _t(v.train, 9.0),
    "locomotive": _t(v.train, 9.0),
    "boat": _t(v.boat, 3.8, open=True),
    "sailboat": _t(v.boat, 4.8, kind="sailboat"),
    "ship": _t(v.boat, 40.0, kind="ship"),
    "airplane": _t(v.airplane, 9.2),
    "helicopter": _t(v.helicopter, 9.5),
    "rocket": _t(v.rocket, 12.0),
    "balloon": _t(v.balloon, 1.2, hot_air=False),
    "hot air balloon": _t(v.balloon, 18.0),
    "bicycle": _t(v.bicycle, 1.75),
    "crate": _t(p.crate, 0.6),
    "chest": _t(p.chest, 0.8),
    "treasure chest": _t(p.chest, 0.9, treasure=True),
    "box": Thing(p.package, 0.4, open=True, opened={"open_": True}),
    "gift": _t(p.package, 0.33, gift=True),
    "suitcase": _t(p.suitcase, 0.64),
    "sword": _t(p.sword, 0.95),
    "dagger": _t(p.sword, 0.35, kind="dagger"),
    "shield": _t(p.shield, 0.84),
    "hammer": _t(p.tool, 0.32),
    "axe": _t(p.tool, 0.7, kind="axe"),
    "pickaxe": _t(p.tool, 0.85, kind="pickaxe"),
    "shovel": _t(p.tool, 1.4, kind="shovel"),
    "rake": _t(p.tool, 1.5, kind="rake"),
    "hoe": _t(p.tool, 1.4, kind="hoe"),
    "broom": _t(p.tool, 1.5, kind="broom"),
    "spear": _t(p.tool, 1.9, kind="spear"),
    "key": _t(p.key, 0.1),
    "coin": _t(p.coin, 0.025),
    "crown": _t(p.crown, 0.2),
    "gem": _t(p.gem, 0.03),
    "crystal": _t(p.gem, 0.05),
    "ring": _t(p.finger_ring, 0.027),
    "trophy": _t(p.trophy, 0.32),
    "scroll": _t(p.scroll, 0.3),
    "lantern": _t(p.lantern, 0.35),
    "umbrella": _t(p.umbrella, 1.05),
    "hat": _t(p.hat, 0.31),
    "top hat": _t(p.hat, 0.3, top=True),
    "ball": _t(p.sports_ball, 0.22),
    "football": _t(p.sports_ball, 0.22, kind="football"),
    "basketball": _t(p.sports_ball, 0.24, kind="basketball"),
    "baseball": _t(p.sports_ball, 0.074, kind="baseball"),
    "tennis ball": _t(p.sports_ball, 0.067, kind="tennis"),
    "bowling ball": _t(p.sports_ball, 0.216, kind="bowling"),
    "bowling pin": _t(p.pin, 0.38),
    "dice": _t(p.die, 0.02),
    "pencil": _t(p.pencil, 0.19),
    "lightbulb": _t(p.lightbulb, 0.11),
    "flashlight": _t(p.flashlight, 0.17),
    "flag": _t(p.flag, 2.5),
    "anchor": _t(p.anchor, 1.2),
    "cannon": _t(p.cannon, 1.8),
    "bomb": _t(p.bomb, 0.37),
    "potion": _t(p.potion, 0.18),
    "globe": _t(p.globe, 0.41),
    "drum": _t(p.drum, 0.41),
    "robot": _t(p.robot, 0.3),
    "top": _t(p.top, 0.09),
    "chess piece": _t(p.chess, 0.062),
    "gear": _t(p.gear, 0.24),
    "magnet": _t(p.magnet, 0.14),
    "hourglass": _t(p.hourglass, 0.21),
    "refrigerator": _t(h.refrigerator, 1.75),
    "stove": _t(h.stove, 0.9),
    "oven": _t(h.stove, 0.9),
    "washing machine": _t(h.washer, 0.85),
    "bathtub": _t(h.bathtub, 1.7),
    "bell": _t(h.bell, 0.24),
    "arrow": _t(h.arrow, 0.77),
    "wand": _t(h.wand, 0.36),
    "medal": _t(h.medal, 0.15),
    "phone": _t(h.phone, 0.15),
    "camera": _t(h.camera, 0.14),
    "radio": _t(h.radio, 0.34),
    "paper": _t(h.sheet, 0.297),
    "newspaper": _t(h.sheet, 0.42, kind="newspaper"),
    "map": _t(h.sheet, 0.5, kind="map"),
    "envelope": _t(h.sheet, 0.22, kind="envelope"),
    "calendar": _t(h.sheet, 0.3, kind="calendar"),
    "ruler": _t(h.ruler, 0.3),
    "pen": _t(h.pen, 0.15),
    "brush": _t(h.pen, 0.23, brush=True),
    "battery": _t(h.battery, 0.036),
    "lock": _t(h.lock, 0.085),
    "nail": _t(h.nail, 0.06),
    "screw": _t(h.nail, 0.046, screw=True),
    "rainbow": _t(h.rainbow, 8.0),
    "traffic light": _t(h.traffic_light, 3.03),
    "kite": _t(h.kite, 1.5),
    "lake": _t(o.water, 30.0, open=True),
    "pond": _t(o.water, 7.0, open=True, reeds=14),
    "puddle": _t(o.water, 1.2, open=True, stones=0),
    "pool": _t(o.pool, 9.0, open=True),
    "river": _t(o.river, 20.0),
    "iceberg": _t(o.iceberg, 20.0),
    "pedestal": _t(o.pedestal, 1.0),
    "column": _t(o.column, 3.2),
    "swing": _t(o.swing, 2.6),
    "slide": _t(o.slide, 3.4),
    "seesaw": _t(o.seesaw, 2.8),
    "bus stop": _t(o.bus_stop, 3.4),
    "playground": _t(o.playground, 8.0),
    "curtain": _t(h.curtain, 2.4),
    "sink": _t(h.sink, 0.95, open=True),
    "piano": _t(h.piano, 1.5),
    "rope": _t(h.rope, 0.4),
    "spring": _t(h.coil, 0.12),
    "mop": _t(h.mop, 1.4),
    "belt": _t(h.belt, 0.32),
    "necklace": _t(h.necklace, 0.22),
    "milk": _t(c.drink, 0.14, filled=(244, 240, 230)),
    "golf club": _t(h.golf_club, 1.0),
    "dart": _t(h.dart, 0.16),
    "drill": _t(h.drill, 0.25),
    "fan": _t(h.fan, 0.5),
}
SYNONYMS = {  # common words that WordNet leads elsewhere, or nowhere
    **{"couch": "sofa", "settee": "sofa", "bookcase": "bookshelf", "tv": "television", "plane": "airplane", "bike": "bicycle"},
    **{
        "present": "gift",
        "package": "box",
        "carton": "box",
        "street lamp": "streetlight",
        "lamp post": "streetlight",
        "lamppost": "streetlight",
    },
    **{
        "street light": "streetlight",
        "gravestone": "tombstone",
        "spaceship": "rocket",
        "teacup": "cup",
        "pot": "saucepan",
        "pan": "frying pan",
    },
    **{
        "hamburger": "burger",
        "doughnut": "donut",
        "loaf": "bread",
        "stairs": "staircase",
        "light bulb": "lightbulb",
        "torch": "flashlight",
    },
    **{"carpet": "rug", "pillow": "cushion", "diamond": "gem", "ruby": "gem", "emerald": "gem", "jewel": "gem", "toadstool": "mushroom"},
    **{
        "fir": "pine",
        "spruce": "pine",
        "fir tree": "pine",
        "christmas tree": "pine",
        "oak": "tree",
        "shrub": "bush",
        "melon": "watermelon",
    },
    **{"die": "dice", "postbox": "mailbox", "signpost": "sign", "hut": "cabin", "shed": "cabin", "soccer ball": "football"},
    **{
        "lorry": "truck",
        "fridge": "refrigerator",
        "letter": "envelope",
        "telephone": "phone",
        "smartphone": "phone",
        "padlock": "lock",
        "automobile": "car",
        "steam engine": "train",
        "rowboat": "boat",
        "sailing boat": "sailboat",
        "yacht": "sailboat",
    },
    **{
        "puppy": "dog",
        "kitten": "cat",
        "lamb": "sheep",
        "bull": "cow",
        "calf": "cow",
        "hen": "chicken",
        "rooster": "chicken",
        "foal": "horse",
    },
    **{"trousers": "jeans", "pants": "jeans", "jacket": "coat", "blouse": "shirt", "t shirt": "shirt", "handbag": "bag", "trout": "fish"},
    **{"salmon": "fish", "tyrannosaurus": "dinosaur", "ufo": "flying saucer", "motorbike": "motorcycle", "fire engine": "fire truck"},
    **{"headphone": "headphones", "spectacles": "glasses", "snooker ball": "ball", "electric guitar": "guitar", "target": "dartboard"},
    **{"treasure": "treasure chest", "lectern": "desk", "pebble": "stone"},
}


@cache
def sizes() -> dict[str, float]:
    """Every noun that there is a generator for, with its longest side in meters."""
    return {
        **{noun: thing.size_m for noun, thing in THINGS.items()},
        **{word: THINGS[noun].size_m for word, noun in SYNONYMS.items() if noun in THINGS},
    }


def thing(noun: str) -> Thing:
    """How a noun of `sizes` is made."""
    return THINGS[SYNONYMS.get(noun, noun) if noun not in THINGS else noun]


def build(noun: str, seed: int = 0, **options: Any) -> Shell:
    """The thing at its real size, standing on z = 0 with the middle of its box on the Z axis; the same for the same seed."""
    of = thing(noun)
    rng = np.random.default_rng([seed, zlib.crc32(noun.encode())])
    made = of.make(rng, **{**of.options, **options})
    made = scaled(made, of.size_m / float((made.high - made.low).max()))
    middle = (made.low + made.high) / 2
    return moved(made, -middle[0], -middle[1], -made.low[2])


def with_slots(shell: Shell, changes: Callable[[Any], Any]) -> Shell:
    """The shell with each slot as `changes` makes it."""
    return replace(shell, slots=tuple(changes(slot) for slot in shell.slots))
