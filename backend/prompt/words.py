"""The closed classes of words: colors, materials, sizes, ages, styles, numbers, relations, and what carries no meaning here."""

from __future__ import annotations

COLORS: dict[str, tuple[int, int, int]] = {  # sRGB
    **{"red": (190, 28, 30), "green": (52, 128, 54), "blue": (36, 84, 178), "yellow": (236, 192, 40), "orange": (232, 120, 28)},
    **{"purple": (112, 52, 140), "pink": (238, 146, 176), "brown": (112, 72, 42), "black": (24, 24, 26), "white": (240, 238, 232)},
    **{"gray": (128, 128, 128), "cyan": (42, 178, 196), "turquoise": (52, 184, 170), "magenta": (196, 40, 140), "beige": (222, 204, 172)},
    **{"violet": (112, 60, 168), "crimson": (160, 16, 44), "navy": (22, 36, 84), "teal": (20, 112, 112), "olive": (112, 112, 40)},
    **{"maroon": (108, 22, 30), "lime": (146, 204, 46), "cream": (244, 232, 204), "scarlet": (210, 34, 24), "indigo": (60, 40, 130)},
    **{"tan": (200, 164, 116), "lavender": (186, 164, 220), "mint": (160, 220, 188), "peach": (248, 190, 152), "coral": (240, 112, 92)},
}
COLOR_ALIASES = {"grey": "gray", "golden": "gold", "lilac": "lavender", "ruby": "crimson", "emerald": "green", "azure": "blue"}
SHADES = {"dark": 0.45, "deep": 0.6, "light": 1.6, "pale": 1.8, "bright": 1.2}  # factor on linear color

MATERIALS = {  # word -> template; scene/ has a node material for each template
    **{word: "wood" for word in ("wood", "wooden", "oak", "pine", "walnut", "mahogany", "timber", "bamboo", "teak", "birch")},
    **{word: "metal" for word in ("metal", "metallic", "steel", "iron", "aluminum", "aluminium", "tin", "chrome", "metallic")},
    **{word: "gold" for word in ("gold", "golden")},
    **{word: "silver" for word in ("silver",)},
    **{word: "copper" for word in ("copper", "bronze", "brass")},
    **{word: "glass" for word in ("glass", "crystal", "glassy", "transparent")},
    **{word: "stone" for word in ("stone", "granite", "rock", "concrete", "cobblestone", "sandstone")},
    **{word: "marble" for word in ("marble",)},
    **{word: "brick" for word in ("brick",)},
    **{word: "clay" for word in ("clay", "terracotta", "earthen")},
    **{word: "ceramic" for word in ("ceramic", "porcelain", "china")},
    **{word: "cloth" for word in ("cloth", "fabric", "woolen", "wool", "cotton", "linen", "velvet", "silk", "knitted", "textile")},
    **{word: "leather" for word in ("leather",)},
    **{word: "plastic" for word in ("plastic", "rubber")},
    **{word: "paper" for word in ("paper", "cardboard")},
    **{word: "ice" for word in ("ice", "icy", "frozen")},
    **{word: "snow" for word in ("snowy",)},
    **{word: "moss" for word in ("mossy", "overgrown")},
    **{word: "straw" for word in ("straw", "wicker", "woven", "thatched")},
}

SIZES = {  # factor on the catalogue's size
    **{"tiny": 0.4, "miniature": 0.4, "mini": 0.5, "little": 0.65, "small": 0.65, "big": 1.5, "large": 1.5, "huge": 2.2, "giant": 3.0},
    **{"gigantic": 3.0, "enormous": 2.5, "massive": 2.2, "oversized": 1.8},
}
STRETCHES = {  # factors along x, y, z
    **{"tall": (1, 1, 1.5), "high": (1, 1, 1.5), "low": (1, 1, 0.65), "short": (0.85, 0.85, 0.65), "wide": (1.5, 1, 1)},
    **{"narrow": (0.65, 1, 1), "long": (1.6, 1, 1), "thin": (0.7, 0.7, 1), "slim": (0.7, 0.7, 1), "thick": (1.35, 1.35, 1)},
    **{"fat": (1.4, 1.4, 1), "flat": (1, 1, 0.4)},
}
TRAITS = {  # word -> what it says
    **{word: "old" for word in ("old", "ancient", "worn", "weathered", "rusty", "dusty", "antique", "vintage", "battered", "mossy")},
    **{word: "new" for word in ("new", "modern", "shiny", "polished")},
    **{word: "round" for word in ("round", "circular")},
    **{word: "square" for word in ("square", "rectangular")},
    **{word: "open" for word in ("open",)},
    **{word: "broken" for word in ("broken", "ruined", "cracked")},
    **{word: "striped" for word in ("striped", "checkered", "patterned")},
    **{word: "glowing" for word in ("glowing", "lit", "burning", "luminous")},
}
STYLES = {
    **{"realistic": "realistic", "photorealistic": "realistic", "toy": "toy", "low poly": "low poly", "lowpoly": "low poly"},
    **{"voxel": "voxel", "minecraft": "voxel", "blocky": "voxel", "cartoon": "toon", "toon": "toon", "cartoonish": "toon", "comic": "toon"},
    **{"wireframe": "wireframe", "claymation": "clay"},
}

NUMBERS = {
    **{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10},
    **{
        "eleven": 11,
        "twelve": 12,
        "dozen": 12,
        "a dozen": 12,
        "half a dozen": 6,
        "twenty": 20,
        "hundred": 100,
        "a single": 1,
        "another": 1,
    },
    **{"a pair of": 2, "pair of": 2, "a couple of": 2, "both": 2, "a few": 3, "few": 3, "some": 3, "several": 4, "many": 7, "lots of": 7},
    **{"a lot of": 7, "a dozen of": 12, "dozens of": 24, "the two": 2, "the three": 3, "a handful of": 5, "countless": 24},
}
MOST = 100  # things of one kind
PLURAL = 3  # things that a plural without a number stands for
DEFINITE = ("the", "this", "that", "these", "those", "its", "his", "her", "their", "my", "your", "our")
PRONOUNS = ("it", "them", "him", "her", "which", "whom")

ARRANGEMENTS = {
    **{"row": "row", "line": "row", "rows": "row", "stack": "stack", "pile": "stack", "heap": "stack", "circle": "ring", "ring": "ring"},
    **{"group": "group", "bunch": "group", "cluster": "group", "set": "group", "bouquet": "group", "pack": "group", "herd": "group"},
    **{"flock": "group", "collection": "group"},
}
COLLECTIVES = {"forest": ("tree", 9), "wood": ("tree", 9), "orchard": ("tree", 6), "woods": ("tree", 9), "fleet": ("ship", 4)}
LIQUIDS = ("water", "milk", "coffee", "tea", "wine", "beer", "juice", "soup", "tea", "honey", "oil", "paint", "lemonade", "cocoa")
PORTIONS = (
    "picture",
    "image",
    "scene",
    "model",
    "drawing",
    "slice",
    "piece",
    "bar",
    "loaf",
    "chunk",
    "block",
    "lump",
    "kind",
    "sort",
    "sheet",
    "head",
    "ear",
)
CONTAINERS = (
    "cup",
    "mug",
    "glass",
    "bowl",
    "bottle",
    "jar",
    "jug",
    "bucket",
    "basket",
    "box",
    "crate",
    "bag",
    "plate",
    "pot",
    "barrel",
    "vase",
)

RELATIONS = {
    **{"on": "on", "on top of": "on", "atop": "on", "upon": "on", "onto": "on"},
    **{"under": "under", "below": "under", "beneath": "under", "underneath": "under"},
    **{"above": "above", "over": "above", "in": "in", "inside": "in", "into": "in", "inside of": "in", "within": "in"},
    **{
        "beside": "beside",
        "next to": "beside",
        "near": "beside",
        "by": "beside",
        "at": "beside",
        "alongside": "beside",
        "close to": "beside",
    },
    **{"against": "beside", "nearby": "beside", "adjacent to": "beside"},
    **{"left of": "left of", "to the left of": "left of", "on the left of": "left of", "on the left side of": "left of"},
    **{"right of": "right of", "to the right of": "right of", "on the right of": "right of", "on the right side of": "right of"},
    **{"behind": "behind", "in back of": "behind", "in front of": "in front of", "before": "in front of", "opposite": "in front of"},
    **{"around": "around", "surrounding": "around", "all around": "around", "surround": "around", "encircle": "around"},
    **{
        "between": "between",
        "in between": "between",
        "amid": "between",
        "with": "with",
        "and with": "with",
        "having": "with",
        "has": "with",
    },
    **{"among": "around", "holding": "with", "containing": "with", "wearing": "with", "carrying": "with", "on top": "on", "riding": "on"},
    **{"leaning on": "beside", "leaning against": "beside", "leans on": "beside", "leans against": "beside", "at the foot of": "beside"},
    **{"in the middle of": "on", "in the center of": "on", "on the edge of": "on", "at the edge of": "beside", "chasing": "behind"},
    **{"on the roof of": "on", "on the top of": "on", "on the side of": "beside", "at the bottom of": "under", "at the top of": "on"},
}
PASSIVE = {"surrounded by": "around"}  # the object stands around the subject
CONTRASTS = ("but", "just", "only", "instead", "rather")  # a negation reaches no further
NEGATIONS = ("no", "without", "nor", "without any", "without a", "without an", "but no", "and no", "not a", "not any")
FOREIGN = {  # words of other languages that English hasn't, by which a sentence is known for one of theirs
    "German": (
        *(
            "ein",
            "eine",
            "einem",
            "einen",
            "einer",
            "der",
            "das",
            "dem",
            "und",
            "auf",
            "mit",
            "neben",
            "unter",
            "zwei",
            "drei",
            "vor",
            "hinter",
        ),
        *("ohne", "zwischen", "im", "aus", "roter", "rote", "großer", "kleiner", "kleines", "ist", "vier", "den", "sieben"),
    ),
    "French": ("un", "une", "le", "la", "les", "des", "sur", "avec", "sous", "dans", "deux", "trois", "et", "rouge", "sans", "à"),
    "Spanish": ("un", "una", "el", "la", "los", "las", "sobre", "con", "bajo", "dos", "tres", "y", "rojo", "roja", "sin", "en", "mesa"),
    "Italian": ("un", "una", "il", "la", "sul", "sulla", "con", "sotto", "due", "tre", "rosso", "rossa", "di", "senza", "mela"),
}
PARTS = {  # word -> the slot that it colors
    **{"roof": "roof", "roofs": "roof", "wall": "wall", "walls": "wall", "door": "door", "doors": "door", "window": "window"},
    **{"windows": "window", "leg": "legs", "legs": "legs", "seat": "seat", "handle": "handle", "handles": "handle", "lid": "lid"},
    **{"trunk": "trunk", "leaf": "leaves", "leaves": "leaves", "wheel": "wheels", "wheels": "wheels", "shade": "shade", "cap": "cap"},
    **{"cushion": "seat", "cushions": "seat", "cover": "cover", "sail": "sail", "sails": "sail", "blade": "blade", "stem": "stem"},
    **{"petals": "petals", "blanket": "cover", "pages": "pages", "frame": "frame", "drawers": "drawer", "chimney": "chimney"},
}
FILLERS = frozenset(
    (
        *(
            "there",
            "is",
            "are",
            "was",
            "were",
            "be",
            "being",
            "been",
            "stands",
            "stand",
            "standing",
            "sits",
            "sit",
            "sitting",
            "lies",
            "lie",
        ),
        *(
            "lying",
            "rests",
            "rest",
            "resting",
            "hangs",
            "hang",
            "hanging",
            "placed",
            "put",
            "leans",
            "leaning",
            "i",
            "want",
            "would",
            "like",
        ),
        *("need", "please", "make", "me", "create", "generate", "show", "draw", "build", "give", "us", "scene", "of", "picture", "image"),
        *("made", "out", "painted", "colored", "coloured", "color", "colour", "style", "look", "looking", "looks", "and", "or", "also"),
        *("then", "just", "very", "really", "quite", "rather", "beautiful", "nice", "pretty", "cozy", "cosy", "lovely", "lonely", "simple"),
        *("elegant", "cute", "fancy", "rustic", "that", "which", "who", "so", "but", "too", "all", "each", "model", "render", "object"),
        *(
            "floats",
            "floating",
            "hovering",
            "full",
            "parked",
            "growing",
            "grows",
            "grow",
            "rising",
            "filled",
            "decorated",
            "covered",
            "flying",
        ),
    )
)
