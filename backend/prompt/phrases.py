"""Words to phrases: noun phrases with their attributes, relations, and the few words that change what follows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache

from . import lexicon, words
from .parsed import Entity
from .words import ARRANGEMENTS, CONTRASTS, DEFINITE, FILLERS, NEGATIONS, NUMBERS, PASSIVE, PRONOUNS, RELATIONS

LONGEST_PHRASE = 5  # words
SHORTEST_MISSPELLED = 4  # letters of a word that is looked up as a misspelling
VERBAL = ("ing", "ed", "ly")  # verbs and adverbs that carry nothing aren't misspelled things
COPULAS = ("is", "are", "was", "were")
AXES = {"tall": "z", "high": "z", "wide": "x", "long": "x", "deep": "y"}
DIGITS = 9  # of a count that are read
LENGTHS_M = (1e-3, 1e4)  # the least and the greatest that a thing can be given
UNITS_M = {
    "m": 1.0,
    "meter": 1.0,
    "metre": 1.0,
    "meters": 1.0,
    "metres": 1.0,
    "cm": 0.01,
    "centimeters": 0.01,
    "feet": 0.3048,
    "foot": 0.3048,
}
OF_STYLES = ("style", "look", "scene", "rendering", "version", "art", "game")  # what a word of style may stand before


@dataclass(frozen=True)
class Phrase:
    """One piece of a sentence."""

    kind: str  # noun, pronoun, relation, attributes, style, some of, of, and, no, but, stop
    word: str = ""  # head noun, relation or style
    entity: Entity = Entity("", "")  # with the attributes that were said
    definite: bool = False  # "the"
    opened: bool = False  # a determiner or number stands before it
    negated: bool = False


def phrases_of(sentence: str, things: Collection[str]) -> tuple[list[Phrase], tuple[str, ...]]:
    """The phrases of a sentence, and the words that carry nothing here."""
    tokens = [_spelled(token, things) for token in tokens_of(sentence.lower().replace("side by side", "in a row"))]
    found: list[Phrase] = []
    ignored: list[str] = []
    place = 0
    while place < len(tokens):
        taken, phrase = _at(tokens, place, things, found)
        if phrase is None and tokens[place] not in FILLERS:
            ignored.append(tokens[place])
        if phrase is not None:
            found.append(phrase)
        place += taken
    return _with_borrowed(found), tuple(ignored)


def tokens_of(sentence: str) -> list[str]:
    """Words in lower case, numbers and marks."""
    return re.findall(r"\d+(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)?|[.,;!?:]", sentence.lower().replace("-", " ").replace("’", "'"))


def _spelled(token: str, things: Collection[str]) -> str:
    """The word that a word nobody knows was meant to be: the nearest of things and attributes, where one is near; else itself."""
    if len(token) < SHORTEST_MISSPELLED or token in _vocabulary() or _is_thing(token, things) or lexicon.is_noun(token):
        return token
    if token.endswith(VERBAL) or "'" in token:
        return token
    meant = (*(thing for thing in things if " " not in thing), *words.COLORS, *words.MATERIALS, *words.SIZES)
    plural = token.endswith("s")
    near = difflib.get_close_matches(token, [word for word in meant if word[0] == token[0]], 1, lexicon.SPELLING)
    if not near and plural:
        near = [
            f"{word}s"
            for word in difflib.get_close_matches(token[:-1], [word for word in meant if word[0] == token[0]], 1, lexicon.SPELLING)
        ]
    return near[0] if near else token


@cache
def _vocabulary() -> frozenset[str]:
    """Every word of the closed classes."""
    tables: tuple[Collection[str], ...] = (
        *(words.COLORS, words.COLOR_ALIASES, words.SHADES, words.MATERIALS, words.SIZES, words.STRETCHES, words.TRAITS, words.STYLES),
        *(NUMBERS, DEFINITE, PRONOUNS, ARRANGEMENTS, RELATIONS, PASSIVE, NEGATIONS, CONTRASTS, words.PARTS, FILLERS, AXES, UNITS_M),
        *(words.LIQUIDS, words.PORTIONS, words.CONTAINERS, words.COLLECTIVES, COPULAS),
    )
    return frozenset(word for table in tables for phrase in table for word in phrase.split(" "))


def _at(tokens: list[str], place: int, things: Collection[str], before: list[Phrase]) -> tuple[int, Phrase | None]:
    """The number of tokens that the phrase at `place` takes, and the phrase; None where it carries nothing."""
    if tokens[place] in ".;!?:":
        return 1, Phrase("stop")
    if tokens[place] in (",", "and", "&", "plus", "or"):
        return 1, Phrase("and", tokens[place])
    if (arranged := _arranged(tokens, place)) and before and before[-1].kind in ("noun", "attributes"):
        return arranged
    for length, text in _from(tokens, place):
        if text in PASSIVE:
            return length, Phrase("relation", "surrounded")
        if text in NEGATIONS:
            return length, Phrase("no")
        if text in RELATIONS and not (text in ("near", "at", "before") and place == 0 and length == 1):
            return _relation(tokens, place, length, text)
    if tokens[place] in CONTRASTS:
        return 1, Phrase("but")
    if tokens[place] in ("not", "isn't", "aren't"):
        taken, phrase = _noun_phrase(tokens, place + 1, things) if place + 1 < len(tokens) else (0, None)
        return 1 + taken, None if phrase is None else replace(phrase, negated=True)
    if tokens[place] == "of":
        return _of(tokens, place, things, before)
    if style := _style(tokens, place, before):
        return style
    if tokens[place] in PRONOUNS and not (tokens[place] == "her" and place + 1 < len(tokens) and lexicon.is_noun(tokens[place + 1])):
        return 1, Phrase("pronoun", tokens[place]) if before and before[-1].kind == "relation" else None
    return _noun_phrase(tokens, place, things)


def _relation(tokens: list[str], place: int, length: int, text: str) -> tuple[int, Phrase | None]:
    rest = tokens[place + length : place + length + 2]
    if RELATIONS[text] == "with" and rest[:1] in (["no"], ["neither"]):
        return length + 1, Phrase("no")
    if text in ("in", "on") and rest and (_is_attribute(rest[0]) or rest[0] in ("style",)) and not _continues(tokens, place + length):
        return length, None  # "in red", "in clay": attributes follow
    return length, Phrase("relation", RELATIONS[text])


def _continues(tokens: list[str], place: int) -> bool:
    """True where a noun phrase begins here whose head is no attribute."""
    end = place
    while end < len(tokens) and _is_attribute(tokens[end]):
        end += 1
    return end < len(tokens) and lexicon.is_noun(tokens[end]) and tokens[end] not in FILLERS and tokens[end] not in RELATIONS


def _arranged(tokens: list[str], place: int) -> tuple[int, Phrase] | None:
    """How several things stand to each other, behind them: "in a row", "in a circle"."""
    introduced = tokens[place] == "in" and tokens[place + 1 : place + 2] in (["a"], ["one"], ["the"])
    word = " ".join(tokens[place + 2 : place + 3])
    if not introduced or word not in ARRANGEMENTS or tokens[place + 3 : place + 4] == ["of"]:
        return None
    return 3, Phrase("attributes", entity=Entity("", "", arrangement=ARRANGEMENTS[word]))


def _style(tokens: list[str], place: int, before: list[Phrase]) -> tuple[int, Phrase] | None:
    """A style of the whole scene: "…, low poly", "in a voxel style", "as a cartoon"; beside a noun it is that thing's."""
    start = place + (tokens[place] in ("a", "as", "the"))
    if tokens[start : start + 2] == ["style", "of"]:
        start += 2 + (tokens[start + 2 : start + 3] in (["a"], ["an"], ["the"]))
    for length, text in _from(tokens, start, 2):
        if text in words.STYLES:
            behind = tokens[start + length : start + length + 1]
            alone = not behind or behind[0] in (",", ".", "and", *OF_STYLES)
            if alone and (not before or before[-1].kind != "no"):
                extra = bool(behind) and behind[0] in OF_STYLES
                return start - place + length + extra, Phrase("style", words.STYLES[text])
    if tokens[place : place + 2] in (["clay", "style"], ["old", "style"], ["toy", "style"]):
        return 2, Phrase("style", tokens[place])
    return None


def _of(tokens: list[str], place: int, things: Collection[str], before: list[Phrase]) -> tuple[int, Phrase | None]:
    taken, phrase = _noun_phrase(tokens, place + 1, things) if place + 1 < len(tokens) else (0, None)
    if phrase is None or not before or before[-1].kind != "noun":
        return 1, None
    if phrase.kind == "attributes" or phrase.word in words.MATERIALS and tokens[place - 1] not in words.PORTIONS:
        material = phrase.entity.material or words.MATERIALS.get(phrase.word, "")
        return 1 + taken, Phrase("attributes", entity=replace(phrase.entity, material=material))
    return 1 + taken, replace(phrase, kind="of")


def _noun_phrase(tokens: list[str], place: int, things: Collection[str]) -> tuple[int, Phrase | None]:
    """Determiner, number, attributes and head; attributes alone where no noun follows."""
    start, entity, definite, counted = place, Entity("", ""), False, False
    heads: list[tuple[int, str]] = []  # where each noun of a compound ends, the last one being the head
    pending = ""  # an attribute that may be the head itself: "an orange", "a glass"
    while place < len(tokens):
        length, text = next(((n, t) for n, t in _from(tokens, place) if t in NUMBERS or _is_thing(t, things)), (1, tokens[place]))
        opens = text in NUMBERS or text in DEFINITE or text[0].isdecimal()
        if _ends(tokens, place) or (opens and (heads or pending or (counted and text in ("a", "an")))):
            break
        if measured := _measured(tokens, place):
            entity, place = replace(entity, length_m=measured[1]), place + measured[0]
            continue
        if text in NUMBERS or text.isdecimal():
            count = min(int(text[:DIGITS]) if text.isdecimal() else NUMBERS[text], words.MOST)
            counted, definite = True, definite or text.startswith("the ")
            entity, place = replace(entity, count=max(1, count)), place + length
            after = tokens[place : place + 2]
            if text not in ("a", "an") and after[:1] == ["of"] and after[1:] and after[1] in (*PRONOUNS, *DEFINITE):
                return _some_of(tokens, place, start, entity)
            continue
        if text in DEFINITE:
            definite, place = True, place + 1
            continue
        if text in ARRANGEMENTS and tokens[place + 1 : place + 2] == ["of"]:
            entity, place, counted = replace(entity, arrangement=ARRANGEMENTS[text]), place + 2, False
            continue
        if text == "toy" and tokens[place + 1 : place + 2] and lexicon.is_noun(tokens[place + 1]):
            entity, place = replace(entity, style="toy"), place + 1
            continue
        described = _attributed(entity, tokens, place) if length == 1 else None
        if described is not None:
            taken, changed = described
            both = taken == 1 and (text in things or text in words.LIQUIDS)
            predicate = any(token in COPULAS for token in tokens[start:place]) and not (counted or definite)
            if both and not predicate and not _noun_follows(tokens, place + 1, things):
                heads.append((place, text))
                place += 1
                break
            entity, place, pending = changed, place + taken, text
            continue
        if _is_thing(text, things) or (lexicon.is_noun(text) and text not in FILLERS):
            heads.append((place, text))
            place += length
            continue
        if text in FILLERS:
            if heads:
                break
            place += 1
            continue
        if _noun_follows(tokens, place + 1, things):  # an adjective that means nothing here
            place += 1
            continue
        if heads or not (counted or definite):  # a word that nobody knows is a noun only behind "a", "the" or a number
            place += 1
            break
        heads.append((place, text))
        place += 1
        break
    if heads:
        for _place, other in heads[:-1]:
            if other in words.MATERIALS:
                entity = replace(entity, material=words.MATERIALS[other])
        word = "glass" if heads[-1][1] == "glasses" and counted and entity.count > 1 else heads[-1][1]
        if not counted and entity.arrangement == "":
            entity = replace(entity, count=words.PLURAL if _plural(word, things) and not definite else 1)
        elif not counted:
            entity = replace(entity, count=5)
        return max(1, place - start), Phrase("noun", word, entity, definite, counted or definite)
    return max(1, place - start), Phrase("attributes", entity=entity, opened=counted or definite) if pending or entity.length_m else None


def _some_of(tokens: list[str], place: int, start: int, entity: Entity) -> tuple[int, Phrase]:
    place += 1
    noun = ""
    if tokens[place] in PRONOUNS or tokens[place] in DEFINITE:
        definite = tokens[place] in DEFINITE and tokens[place] not in PRONOUNS
        place += 1
        if definite and place < len(tokens) and lexicon.is_noun(tokens[place]):
            noun, place = tokens[place], place + 1
    return place - start, Phrase("some of", noun, entity)


def _attributed(entity: Entity, tokens: list[str], place: int) -> tuple[int, Entity] | None:
    """The number of tokens of an attribute, and the entity with it; None where there is none."""
    text = tokens[place]
    following = tokens[place + 1] if place + 1 < len(tokens) else ""
    style = next(((n, t) for n, t in _from(tokens, place, 2) if t in words.STYLES and t != "toy"), None)
    if text in words.SHADES and (following in words.COLORS or following in words.COLOR_ALIASES):
        return 2, _colored(entity, f"{text} {words.COLOR_ALIASES.get(following, following)}")
    if style:
        return style[0], replace(entity, style=words.STYLES[style[1]])
    if text in words.MATERIALS:
        traits = ("old",) if words.MATERIALS[text] == "moss" else ()
        return 1, replace(entity, material=words.MATERIALS[text], traits=tuple(dict.fromkeys((*entity.traits, *traits))))
    color = words.COLOR_ALIASES.get(text, text)
    if color in words.COLORS:
        return 1, _colored(entity, color)
    if text in words.SIZES:
        return 1, replace(entity, size=text)
    if text in words.STRETCHES:
        return 1, replace(entity, stretch=text)
    if text in words.TRAITS:
        return 1, replace(entity, traits=tuple(dict.fromkeys((*entity.traits, words.TRAITS[text]))))
    return None


def _colored(entity: Entity, color: str) -> Entity:
    return replace(entity, accent=color) if entity.color else replace(entity, color=color)


def _measured(tokens: list[str], place: int) -> tuple[int, tuple[str, float]] | None:
    """Of "2 m tall" or "30 cm" the number of tokens, the axis and the length."""
    if not tokens[place][0].isdecimal() or place + 1 >= len(tokens) or tokens[place + 1] not in UNITS_M:
        return None
    length_m = float(tokens[place]) * UNITS_M[tokens[place + 1]]
    if not LENGTHS_M[0] <= length_m <= LENGTHS_M[1]:
        return None
    axis = AXES.get(tokens[place + 2], "") if place + 2 < len(tokens) else ""
    return (3 if axis else 2), (axis or "z", length_m)


def _ends(tokens: list[str], place: int) -> bool:
    text = tokens[place]
    if (
        text in ".,;!?:"
        or text in ("and", "or", "of", "not", "isn't", "&", "plus", *CONTRASTS)
        or text in PRONOUNS
        and text not in DEFINITE
    ):
        return True
    return any(phrase in RELATIONS or phrase in PASSIVE or phrase in NEGATIONS for _n, phrase in _from(tokens, place))


def _noun_follows(tokens: list[str], place: int, things: Collection[str]) -> bool:
    """True where the noun phrase goes on to a noun."""
    while place < len(tokens) and not _ends(tokens, place):
        text = tokens[place]
        if text in FILLERS or text in NUMBERS or text in DEFINITE:
            return False
        if lexicon.is_noun(text) and text not in words.TRAITS and text not in words.SIZES or _is_thing(text, things):
            return True
        place += 1
    return False


def _is_attribute(text: str) -> bool:
    tables: tuple[Collection[str], ...] = (words.COLORS, words.COLOR_ALIASES, words.MATERIALS, words.SIZES, words.SHADES, words.TRAITS)
    return any(text in table for table in tables)


def _is_thing(text: str, things: Collection[str]) -> bool:
    if text in things or lexicon.singular(text) in things or text in words.COLLECTIVES:
        return True
    return " " in text and not _is_attribute(text.split(" ")[0]) and lexicon.is_noun(text)  # "stone wall" is a wall of stone


def _plural(word: str, things: Collection[str]) -> bool:
    return lexicon.is_plural(word) and word not in things and word != "stairs"


def _from(tokens: list[str], place: int, longest: int = LONGEST_PHRASE) -> Iterator[tuple[int, str]]:
    """The texts that begin at `place`, the longest first."""
    for length in range(min(longest, len(tokens) - place), 0, -1):
        yield length, " ".join(tokens[place : place + length])


def _with_borrowed(found: list[Phrase]) -> list[Phrase]:
    """Let "a red and a green apple" be two, "a red and white barn" one with two colors, "an old, wooden door" one with both."""
    made: list[Phrase] = []
    place = 0
    while place < len(found):
        phrase, after = found[place], found[place + 1 : place + 3]
        coordinated = [other.kind for other in after] in (["and", "noun"], ["and", "attributes"])
        if phrase.kind == "attributes" and coordinated and (_opens(found, place) or phrase.opened):
            following = after[1]
            if following.opened and following.kind == "noun":
                made.append(replace(following, entity=replace(phrase.entity, count=phrase.entity.count)))
                place += 1
                continue
            if not following.opened:
                found[place + 2] = replace(following, entity=_both(phrase.entity, following.entity), opened=phrase.opened)
                place += 2
                continue
        made.append(phrase)
        place += 1
    return made


def _both(first: Entity, second: Entity) -> Entity:
    """Attributes of two phrases that describe one thing."""
    one = replace(second, count=first.count, traits=tuple(dict.fromkeys((*first.traits, *second.traits))))
    if first.color:
        one = replace(one, color=first.color, accent=second.color)
    kept = {name: getattr(first, name) for name in ("material", "size", "stretch", "length_m", "style") if getattr(first, name)}
    return replace(one, **kept)


def _opens(found: list[Phrase], place: int) -> bool:
    """True where attributes don't describe a noun before them."""
    return place == 0 or found[place - 1].kind in ("relation", "and", "stop", "no")
