"""WordNet's nouns of physical things: is this a noun, which known thing does it name, and which are nearest.

`lexicon.txt.gz` is made by tools/lexicon.py of WordNet 3.0 (its license stands in the first line).
"""

from __future__ import annotations

import difflib
import gzip
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..reading import own_file

FILE = Path(__file__).parent / "lexicon.txt.gz"
SENSES = 3  # of a word that `nearest` looks at, the most frequent first
GENERATIONS = 5  # of hypernyms up to a known thing: "oak" to "tree" takes 1, "poodle" to "dog" 1, "sloop" to "boat" 4
NEAREST = 3  # things that are offered in the place of an unknown one
FARTHEST = 7  # steps between two nouns through their common hypernym that are still near: "violin" to "drum"
UNJOINED = 99  # steps between nouns that nothing joins
SPELLING = 0.8  # least `difflib` ratio of what may be a misspelling
BROAD = ("grass", "plate", "pot", "cake", "picture", "hill", "star", "fountain", "bike", "top", "shell", "stone", "ring", "glass", "wall")
UNLIKE = ("submarine", "helmet", "scooter", "coffee", "iceberg", "bird", "toilet")  # look like nothing that WordNet has them under
HOMONYMS = (  # ends of compounds that may mean something else: a baseball bat is no animal
    *("bat", "plane", "seal", "lock", "nail", "spring", "bow", "slide", "stool", "calf", "ram", "monitor", "drum", "cap", "hook", "mouse"),
    *(
        "column",
        "train",
        "top",
        "fan",
        "chain",
        "leaf",
        "gear",
        "ring",
        "grass",
        "star",
        "bed",
        "well",
        "gate",
        "key",
        "shelf",
        "island",
        "pen",
    ),
)
LIKE_PEOPLE = ("statue", "doll", "robot")  # what is offered in the place of people
IRREGULAR = {
    **{"knives": "knife", "leaves": "leaf", "shelves": "shelf", "wolves": "wolf", "loaves": "loaf", "scarves": "scarf", "mice": "mouse"},
    **{"geese": "goose", "feet": "foot", "teeth": "tooth", "men": "man", "women": "woman", "children": "child", "people": "person"},
    **{"dice": "dice", "cacti": "cactus", "stairs": "staircase", "oxen": "ox", "fungi": "fungus", "halves": "half", "axes": "axe"},
}
ALIKE = ("glasses", "scissors", "pliers", "headphones", "grass", "glass", "dress", "compass", "cactus", "bus", "octopus", "chess", "fish")


@dataclass(frozen=True)
class Lexicon:
    """Synsets as parallel tuples, parents before children."""

    words: tuple[tuple[str, ...], ...]
    parent: tuple[int, ...]  # -1 for a root
    senses: dict[str, tuple[int, ...]]  # word -> its synsets, the most frequent first


@cache
def lexicon(path: Path = FILE) -> Lexicon:
    """The lexicon, read once (about 0.15 s); raises ReifyError where its file is damaged."""
    words, parent = [], []
    senses: dict[str, list[tuple[int, int]]] = {}
    with own_file(path) as content:
        for number, line in enumerate(gzip.decompress(content).decode().split("\n")[1:]):
            names, _, above = line.partition("\t")
            pairs = [name.rsplit(":", 1) for name in names.split(",")]
            words.append(tuple(word for word, _ in pairs))
            parent.append(int(above))
            for word, sense in pairs:
                senses.setdefault(word, []).append((int(sense), number))
    ordered = {word: tuple(number for _, number in sorted(found)) for word, found in senses.items()}
    return Lexicon(tuple(words), tuple(parent), ordered)


def is_noun(word: str) -> bool:
    """True for a word, or words with spaces, that WordNet has as a physical thing, singular or plural."""
    return singular(word) in lexicon().senses


def singular(word: str) -> str:
    """The singular of a noun: of "teddy bears" it is "teddy bear"; a word that is no plural as it is."""
    *before, last = word.split(" ")
    return " ".join([*before, _singular(last)])


def is_plural(word: str) -> bool:
    """True for "apples" and "mice", False for "glass"."""
    return singular(word) != word


def thing_called(word: str, things: Collection[str]) -> str:
    """The one of `things` that a noun names: itself, a synonym, or the nearest hypernym; empty where none does.

    Both are taken in their most frequent sense, and things of BROAD names don't stand for their hyponyms: a helmet is no plate.
    """
    noun = singular(word)
    for form in (word, noun):
        if form in things:
            return form
    senses = lexicon().senses
    if noun in UNLIKE or noun not in senses:
        return ""
    for distance, ancestor in enumerate(_upwards(senses[noun][0])):
        if distance > GENERATIONS:
            break
        for name in lexicon().words[ancestor]:
            if name in things and name not in BROAD and senses[name][0] == ancestor:
                return name
    return _head(noun, things) or ("tree" if "tree" in things and _is_wood(noun) else "")


def _head(noun: str, things: Collection[str]) -> str:
    """The thing that ends a compound, where WordNet has that word above it in whatever sense: a coffee mug is a mug, a sea lion no lion."""
    *before, head = noun.split(" ")
    if not before or head not in things or head in HOMONYMS:
        return ""
    above = list(_upwards(lexicon().parent[lexicon().senses[noun][0]]))
    words = [lexicon().words[ancestor] for ancestor in above]
    return head if any(head in names for names in words[:GENERATIONS]) and not any("person" in names for names in words) else ""


def _is_wood(noun: str) -> bool:
    """Whether a word means a wood first and its tree second, such as "cypress"."""
    first, *others = lexicon().senses[noun]
    trees = any("tree" in lexicon().words[above] for other in others[:1] for above in _upwards(other))
    return trees and any("wood" in lexicon().words[above] for above in _upwards(first))


def nearest(word: str, things: Collection[str]) -> tuple[str, ...]:
    """Up to three of `things` that come nearest to a noun that names none: by spelling first, then by their common hypernyms."""
    noun = singular(word)
    found = difflib.get_close_matches(noun, sorted(things), NEAREST, SPELLING)
    synsets = lexicon().senses.get(noun, ())[:SENSES]
    if synsets and any("person" in lexicon().words[above] for above in _upwards(synsets[0])):
        return tuple(thing for thing in LIKE_PEOPLE if thing in things)
    steps = steps_to(noun, things)
    near = sorted((steps[thing], thing) for thing in things)
    found += [thing for count, thing in near[:NEAREST] if count <= FARTHEST and thing not in found]
    return tuple(found[:NEAREST])


def steps_to(noun: str, things: Collection[str]) -> dict[str, int]:
    """Steps from a noun to each of `things` through their nearest common hypernym, UNJOINED where they have none."""
    ways = [list(_upwards(synset)) for synset in lexicon().senses.get(noun, ())[:SENSES]]

    def steps(thing: str) -> int:
        least = UNJOINED
        for synset in lexicon().senses.get(thing, ())[:1]:
            for down, ancestor in enumerate(_upwards(synset)):
                if lexicon().parent[ancestor] >= 0:  # all things are things
                    least = min([least, *(down + way.index(ancestor) for way in ways if ancestor in way)])
        return least

    return {thing: steps(thing) for thing in things}


def _upwards(synset: int) -> Iterator[int]:
    while synset >= 0:
        yield synset
        synset = lexicon().parent[synset]


def _singular(word: str) -> str:
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word in ALIKE or not word.endswith("s") or word.endswith("ss") or len(word) < 4:
        return word
    known = lexicon().senses
    for ending, replaced in (("ies", "y"), ("ies", "ie"), ("s", ""), ("es", ""), ("ves", "f"), ("ves", "fe")):
        form = word.removesuffix(ending) + replaced
        if word.endswith(ending) and form in known:
            return form
    return word if word in known or word.endswith("us") else word.removesuffix("s")
