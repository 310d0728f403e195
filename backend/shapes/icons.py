"""Things that are drawn: vector icons with open licenses, each layer of which is a closed body.

`icons.xz` holds their meshes. `python -m reify.tools.icons` makes it of the icon sets and of the table here.
"""

from __future__ import annotations

import io
import lzma
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..reading import own_file
from ..values import Array
from .solids import Shell, Slot, projected

FILE = Path(__file__).parent / "icons.xz"
LEVELS = 16383  # of coordinates in the file, along the longest side


@dataclass(frozen=True)
class IconSet:
    """Where icons are from."""

    title: str
    author: str
    license: str
    url: str
    package: str  # of npm


SETS = {
    "fluent": IconSet(
        "Fluent Emoji Flat",
        "Microsoft Corporation",
        "MIT",
        "https://github.com/microsoft/fluentui-emoji",
        "@iconify-json/fluent-emoji-flat",
    ),
    "noto": IconSet("Noto Emoji", "Google Inc", "Apache-2.0", "https://github.com/googlefonts/noto-emoji", "@iconify-json/noto"),
}


@dataclass(frozen=True)
class Icon:
    """How an icon becomes a thing."""

    name: str  # in its set
    size_m: float  # the longest side of its box
    template: str = "skin"  # a material of `assembly.dress`
    thickness: float = 0.8  # 1 makes a ball of a disc
    turn: float = 0.0  # degrees clockwise before anything else
    lies: bool = False  # the picture is what is seen from above
    back: bool = True  # details are on the back, too
    set: str = "fluent"


def _animal(name: str, size_m: float, thickness: float = 0.8, **more: object) -> Icon:
    return Icon(name, size_m, "skin", thickness, **more)  # type: ignore[arg-type]


def _worn(name: str, size_m: float, thickness: float = 0.5, template: str = "cloth", **more: object) -> Icon:
    return Icon(name, size_m, template, thickness, **more)  # type: ignore[arg-type]


def _flat(name: str, size_m: float, thickness: float = 0.25, template: str = "paint", **more: object) -> Icon:
    return Icon(name, size_m, template, thickness, lies=True, **more)  # type: ignore[arg-type]


ICONS: dict[str, Icon] = {
    **{"cat": _animal("cat", 0.45), "dog": _animal("dog", 0.7), "horse": _animal("horse", 2.3), "cow": _animal("cow", 2.4)},
    **{"pig": _animal("pig", 1.3, 1.0), "sheep": _animal("ewe", 1.3), "goat": _animal("goat", 1.2), "ram": _animal("ram", 1.3)},
    **{"chicken": _animal("rooster", 0.45), "duck": _animal("duck", 0.5), "turkey": _animal("turkey", 0.9), "swan": _animal("swan", 1.1)},
    **{"rabbit": _animal("rabbit", 0.35), "mouse": _animal("mouse", 0.14), "elephant": _animal("elephant", 4.0, 1.0)},
    **{"tiger": _animal("tiger", 2.2), "deer": _animal("deer", 1.9), "monkey": _animal("monkey", 0.8), "camel": _animal("camel", 2.8)},
    **{"giraffe": _animal("giraffe", 4.8), "zebra": _animal("zebra", 2.2), "hippopotamus": _animal("hippopotamus", 3.2, 1.0)},
    **{"rhinoceros": _animal("rhinoceros", 3.4, 1.0), "gorilla": _animal("gorilla", 1.6), "kangaroo": _animal("kangaroo", 1.5)},
    **{"hedgehog": _animal("hedgehog", 0.22, 1.0), "beaver": _animal("beaver", 0.8), "otter": _animal("otter", 0.9)},
    **{"chipmunk": _animal("chipmunk", 0.2), "bat": _animal("bat", 0.3, 0.3), "crocodile": _animal("crocodile", 3.5, lies=True)},
    **{"lizard": _animal("lizard", 0.25, 0.6, lies=True), "snake": _animal("snake", 0.8, lies=True), "turtle": _animal("turtle", 0.4, 1.0)},
    **{
        "whale": _animal("whale", 12.0, 1.0),
        "dolphin": _animal("dolphin", 2.2),
        "shark": _animal("shark", 4.0),
        "seal": _animal("seal", 1.6),
    },
    **{
        "fish": _animal("fish", 0.35),
        "octopus": _animal("octopus", 0.7, 1.0),
        "squid": _animal("squid", 0.6),
        "crab": _animal("crab", 0.2),
    },
    **{"lobster": _animal("lobster", 0.4, lies=True), "shrimp": _animal("shrimp", 0.1), "snail": _animal("snail", 0.07)},
    **{"butterfly": _animal("butterfly", 0.09, 0.15), "bee": _animal("honeybee", 0.03), "spider": _animal("spider", 0.06, lies=True)},
    **{"beetle": _animal("beetle", 0.05, lies=True), "ant": _animal("ant", 0.02), "scorpion": _animal("scorpion", 0.12, lies=True)},
    **{"bird": _animal("bird", 0.22), "owl": _animal("owl", 0.4), "penguin": _animal("penguin", 0.8), "eagle": _animal("eagle", 0.9)},
    **{"parrot": _animal("parrot", 0.4), "peacock": _animal("peacock", 1.5), "flamingo": _animal("flamingo", 1.3)},
    **{"dinosaur": _animal("t-rex", 6.0), "sauropod": _animal("sauropod", 12.0), "dragon": _animal("dragon", 4.0)},
    **{"teddy bear": _worn("teddy-bear", 0.4, 0.9), "backpack": _worn("backpack", 0.5, 0.6, back=False), "bag": _worn("handbag", 0.4, 0.5)},
    **{"briefcase": _worn("briefcase", 0.42, 0.3, "leather"), "purse": _worn("purse", 0.2, 0.4, "leather")},
    **{"helmet": _worn("rescue-workers-helmet", 0.3, 0.9, "plastic")},
    **{"boot": _worn("hiking-boot", 0.3, 0.6, "leather"), "shoe": _worn("mans-shoe", 0.3, 0.6, "leather")},
    **{"sneaker": _worn("running-shoe", 0.3, 0.6, turn=-28), "sock": _worn("socks", 0.3, 0.35), "glove": _worn("gloves", 0.25, 0.4)},
    **{"scarf": _worn("scarf", 0.4), "shirt": _worn("t-shirt", 0.7, 0.4), "dress": _worn("dress", 1.1, 0.6), "coat": _worn("coat", 1.1)},
    **{"kimono": _worn("kimono", 1.3, 0.4), "jeans": _worn("jeans", 1.05, 0.5), "cap": _worn("billed-cap", 0.28, 0.9)},
    **{"watch": _flat("watch", 0.24, 0.3, "metal"), "glasses": _worn("glasses", 0.15, 0.3, "plastic")},
    **{"strawberry": Icon("strawberry", 0.04, thickness=1.0), "grape": Icon("grapes", 0.18, thickness=1.0)},
    **{"pineapple": Icon("pineapple", 0.3, thickness=1.0, turn=38), "corn": Icon("ear-of-corn", 0.22, thickness=1.0, turn=-38)},
    **{"mango": Icon("mango", 0.13), "peach": Icon("peach", 0.08, thickness=1.0), "kiwi": Icon("kiwi-fruit", 0.06)},
    **{
        "avocado": Icon("avocado", 0.11),
        "eggplant": Icon("eggplant", 0.22, thickness=1.0),
        "broccoli": Icon("broccoli", 0.18, thickness=1.0),
    },
    **{"garlic": Icon("garlic", 0.06, thickness=1.0), "pepper": Icon("bell-pepper", 0.1, thickness=1.0), "coconut": Icon("coconut", 0.13)},
    **{"chili": Icon("hot-pepper", 0.1, thickness=1.0), "peanut": Icon("peanuts", 0.04, thickness=1.0)},
    **{"sandwich": Icon("sandwich", 0.14), "hot dog": Icon("hot-dog", 0.18, turn=45), "taco": Icon("taco", 0.16)},
    **{
        "cookie": _flat("cookie", 0.07, 0.3, "skin"),
        "candy": Icon("candy", 0.05, "plastic", turn=45),
        "pretzel": _flat("pretzel", 0.12, 0.5, "skin"),
    },
    **{"chocolate": _flat("chocolate-bar", 0.16, 0.15, "skin"), "croissant": Icon("croissant", 0.15), "bagel": Icon("bagel", 0.1)},
    **{
        "pancake": Icon("pancakes", 0.15, thickness=1.0),
        "cupcake": Icon("cupcake", 0.09, thickness=1.0),
        "pie": _flat("pie", 0.25, 0.4, "skin"),
    },
    **{"lollipop": Icon("lollipop", 0.17, "plastic", 0.4, turn=45), "popcorn": Icon("popcorn", 0.2), "fries": Icon("french-fries", 0.16)},
    **{"beer": Icon("beer-mug", 0.18, "plastic", 1.0)},
    **{"leaf": _flat("maple-leaf", 0.14, 0.1, "leaf"), "snowflake": Icon("snowflake", 0.3, "ice", 0.35)},
    **{"toilet": Icon("toilet", 0.75, "ceramic", 1.0), "shower": Icon("shower", 0.25, "metal", 0.8)},
    **{"motorcycle": Icon("motorcycle", 2.1, "paint", 0.5), "scooter": Icon("motor-scooter", 1.7, "paint", 0.5)},
    **{"kick scooter": Icon("kick-scooter", 1.0, "metal"), "parachute": Icon("parachute", 7.0, "cloth", 0.8)},
    **{"factory": Icon("factory", 40.0, "stone", 0.8), "ferris wheel": Icon("ferris-wheel", 40.0, "paint", 0.25)},
    **{"ambulance": Icon("ambulance", 5.5, "paint", 0.8), "fire truck": Icon("fire-engine", 8.0, "paint", 0.7)},
    **{"police car": Icon("police-car", 4.5, "paint", 0.8), "speedboat": Icon("speedboat", 6.0, "paint", 0.7)},
    **{"flying saucer": Icon("flying-saucer", 8.0, "metal", 0.9), "sled": Icon("sled", 1.1, "wood", 0.5)},
    **{"saw": _flat("carpentry-saw", 0.5, 0.2, "metal", turn=-40), "screwdriver": _flat("screwdriver", 0.22, 0.9, "plastic", turn=45)},
    **{
        "wrench": _flat("wrench", 0.22, 0.3, "metal", turn=45),
        "hook": Icon("hook", 0.12, "metal"),
        "scissors": _flat("scissors", 0.2, 0.2, "metal"),
    },
    **{
        "chain": Icon("chains", 0.6, "metal"),
        "compass": _flat("compass", 0.08, 0.25, "metal"),
        "telescope": Icon("telescope", 1.4, "metal", 0.9),
    },
    **{"microscope": Icon("microscope", 0.4, "metal"), "bow": Icon("bow-and-arrow", 1.3, "wood", 0.9, turn=45)},
    **{"syringe": _flat("syringe", 0.14, 0.9, "plastic", turn=45), "stethoscope": _flat("stethoscope", 0.5, 0.4, "plastic")},
    **{
        "thermometer": _flat("thermometer", 0.2, 0.6, "plastic", turn=45),
        "fire extinguisher": Icon("fire-extinguisher", 0.55, "paint", 1.0),
    },
    **{"shopping cart": Icon("shopping-cart", 1.0, "metal", 0.6), "guitar": Icon("guitar", 1.0, "wood", 0.25, turn=-45)},
    **{"violin": Icon("violin", 0.6, "wood", 0.35, turn=-45), "banjo": Icon("banjo", 0.95, "wood", 0.3, turn=-45)},
    **{"trumpet": _flat("trumpet", 0.5, 0.8, "gold", turn=45), "saxophone": Icon("saxophone", 0.7, "gold", 0.9)},
    **{"harp": Icon("harp", 1.7, "wood", 0.5, set="noto")},
    **{"maraca": Icon("maracas", 0.25, "paint", 1.0), "microphone": Icon("microphone", 0.26, "metal", 1.0, turn=-45)},
    **{"keyboard": _flat("keyboard", 0.44, 0.1, "plastic"), "printer": Icon("printer", 0.45, "plastic", 0.8)},
    **{"joystick": Icon("joystick", 0.2, "plastic", 1.0), "headphones": Icon("headphone", 0.2, "plastic", 0.9)},
    **{"tennis racket": _flat("tennis", 0.7, 0.3, "plastic", turn=-45), "dartboard": Icon("direct-hit", 0.5, "paint", 0.2, set="noto")},
    **{"puzzle": _flat("puzzle-piece", 0.04, 0.25, "paper"), "doll": Icon("nesting-dolls", 0.15, "paint", 1.0)},
    **{"palette": _flat("artist-palette", 0.4, 0.1, "wood"), "boxing glove": _worn("boxing-glove", 0.3, 0.8, "leather")},
    **{
        "ice skate": _worn("ice-skate", 0.32, 0.5, "leather"),
        "ski": Icon("skis", 1.7, "paint", 0.4),
        "hand fan": Icon("folding-hand-fan", 0.3, "paper", 0.15),
    },
    # Of these the sets have the heads alone.
    **{
        "lion": _animal("lion", 0.6, 0.9),
        "bear": _animal("bear", 0.6, 1.0),
        "panda": _animal("panda", 0.5, 1.0),
        "fox": _animal("fox", 0.3),
    },
    **{
        "wolf": _animal("wolf", 0.4),
        "frog": _animal("frog", 0.08, 1.0),
        "koala": _animal("koala", 0.3),
        "unicorn": _animal("unicorn", 0.8),
    },
}


@cache
def stored(path: Path = FILE) -> dict[str, Array]:
    """What a file holds, by noun and name: "cat/vertices" and the others of `packed`; raises ReifyError where it is damaged."""
    with own_file(path) as content, np.load(io.BytesIO(lzma.decompress(content))) as file:
        read = {name: file[name] for name in file.files}
        for name in [name for name in read if name.endswith("/vertices")]:
            read[name] = np.cumsum(read[name].T, axis=0, dtype=np.int32)
        for name in [name for name in read if name.endswith("/faces")]:
            from_first = read[name].T.astype(np.int32)
            first = np.cumsum(from_first[:, :1], axis=0)
            read[name] = np.concatenate((first, first + from_first[:, 1:]), axis=1)
    return read


def drawn(rng: np.random.Generator, *, noun: str) -> Shell:
    """The thing of an icon, standing with its front toward -Y, or lying; each a little taller or thicker than another."""
    arrays = stored()
    vertices = arrays[f"{noun}/vertices"].astype(np.float64) / LEVELS * (1.0, *rng.uniform(0.94, 1.06, 2))
    faces = arrays[f"{noun}/faces"].astype(np.int32)
    slots = []
    for number, (main, red, green, blue) in enumerate(arrays[f"{noun}/slots"].tolist()):
        part = "body" if main else f"detail {number}"
        slots.append(Slot(part, ICONS[noun].template, (red, green, blue), bool(main)))
    return Shell(vertices, faces, projected(vertices, faces), arrays[f"{noun}/slot"].astype(np.int32), tuple(slots))


def packed(things: dict[str, dict[str, Array]]) -> bytes:
    """The bytes of the file that holds, for each noun, vertices [V,3] in LEVELS, faces [F,4], slot [F], slots [S,4] (main, sRGB).

    Vertices are stored as steps from each to the next and corners as steps from the first one's, which packs to two thirds.
    """
    arrays = {}
    for noun, of in sorted(things.items()):
        vertices, faces = of["vertices"].astype(np.int32), of["faces"].astype(np.int32)
        steps = np.column_stack((np.diff(faces[:, 0], prepend=0), faces[:, 1:] - faces[:, :1]))
        arrays[f"{noun}/vertices"] = np.diff(vertices, axis=0, prepend=0).T.astype(np.int16)
        arrays[f"{noun}/faces"] = steps.T.astype(np.int16 if np.abs(steps).max(initial=0) < 32768 else np.int32)
        arrays[f"{noun}/slot"], arrays[f"{noun}/slots"] = of["slot"].astype(np.uint8), of["slots"].astype(np.uint8)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return lzma.compress(stream.getvalue(), preset=9)
