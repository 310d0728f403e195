"""A sentence becomes a `Parse`: entities with attributes, relations between them, a style, and what was asked to be absent.

Chunking in three steps: words to tokens by the closed classes of `words`, tokens to noun phrases and relations (`phrases`), and
relations to the phrases on both of their sides (here). The grammar is that of descriptions, not of English: verbs carry nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import ReifyError
from . import lexicon
from .meaning import Meaning
from .parsed import Entity, Parse, Relation
from .phrases import Phrase, phrases_of, tokens_of
from .words import COLLECTIVES, CONTAINERS, FOREIGN, LIQUIDS, PARTS, PORTIONS, SIZES

LONGEST = 600  # characters
FILLING = 6  # things that a basket of apples holds where no number is said
SUPPORTS = ("on", "in", "with")  # relations whose subject is carried by the object, or the other way round
ASIDE = ("beside", "left of", "right of", "behind", "in front of")
SITTABLE = ("sofa", "chair", "armchair", "bench", "stool", "couch")
SMALLER = 0.5  # of two things' largest sides: below it the first one may stand on the second


@dataclass
class _Reading:
    """What has been read of a sentence so far."""

    things: Mapping[str, float]
    meaning: Meaning | None = None
    entities: list[Entity] = field(default_factory=list)
    relations: list[tuple[str, list[int], list[int]]] = field(default_factory=list)  # kind, subjects, objects
    style: str = ""
    absent: list[str] = field(default_factory=list)
    group: list[int] = field(default_factory=list)  # entities joined by "and" that a following relation has as subjects
    fronted: bool = False  # the clause's relation stood before its subject
    negated: bool = False
    holder: int | None = None  # entity whose parts are being told: "with a red roof and a blue door"
    joined: bool = True  # "and", a comma or the beginning stands before the next phrase


def parse(sentence: str, things: Mapping[str, float], meaning: Meaning | None = None) -> Parse:
    """Read a sentence; `things` are the known nouns with their largest sides in meters.

    With a `meaning`, nouns that name none of them through WordNet become the thing that means nearly the same. Raises ReifyError where
    it is too long or names nothing.
    """
    if len(sentence) > LONGEST:
        raise ReifyError(f"The sentence has {len(sentence)} characters.", f"Write at most {LONGEST}.")
    if _language(sentence):
        raise ReifyError("The sentence isn't in English.", "Write it in English, such as: a red apple on a wooden table.")
    reading = _Reading(things, meaning)
    phrases, ignored = phrases_of(sentence, things)
    for place, phrase in enumerate(phrases):
        _take(reading, phrase, phrases[place + 1] if place + 1 < len(phrases) else None)
    _close(reading)
    if not reading.entities:
        raise ReifyError("The sentence names nothing that could be made.", "Name a thing, such as: a red apple on a wooden table.")
    return Parse(sentence, tuple(reading.entities), _joined(reading), reading.style, tuple(reading.absent), ignored)


def unknown(found: Parse, things: Mapping[str, float], meaning: Meaning | None = None) -> tuple[str, ...]:
    """A sentence for each entity that there is no such thing for."""
    said = []
    for entity in found.entities:
        if not entity.known:
            near = meaning.nearest(entity.noun) if meaning else lexicon.nearest(entity.noun, things)
            said.append(f"I have no {entity.noun}; nearest are {', '.join(near)}." if near else f"I have no {entity.noun}.")
    return tuple(dict.fromkeys(said))


def real_size(sentence: str, things: Mapping[str, float]) -> float:
    """The largest side in meters of the one thing that a sentence names; 0 where it names several, or one that isn't known."""
    try:
        found = parse(sentence, things)
    except ReifyError:
        return 0.0
    whole = found.entities[0] if len(found.entities) == 1 else None
    if whole is None or whole.count > 1 or not whole.known:
        return 0.0
    return whole.length_m[1] if whole.length_m else things[whole.noun] * SIZES.get(whole.size, 1.0)


def outline(found: Parse) -> tuple[str, ...]:
    """The parse in lines: an entity each with its attributes, a relation each, then the style and what must be absent."""
    names = labels(found)
    lines = []
    for name, entity in zip(names, found.entities, strict=True):
        length = f"{entity.length_m[1]:g} m along {entity.length_m[0]}" if entity.length_m else ""
        said = [f"x{entity.count}" if entity.count > 1 else "", entity.arrangement, entity.size, entity.stretch, length, *entity.traits]
        said += [entity.color, entity.accent and f"and {entity.accent}", entity.material, entity.style]
        said += [f"not {word}" for word in entity.avoid] + [f"{slot} {value}" for slot, value in entity.parts]
        said += [] if entity.known else ["unknown"]
        attributes = ", ".join(filter(None, said))
        lines.append(f"{name}: {attributes}" if attributes else name)
    for relation in found.relations:
        lines.append(f"{names[relation.subject]} {relation.kind} {' and '.join(names[i] for i in relation.objects)}")
    return (*lines, *([f"style {found.style}"] if found.style else []), *(f"no {noun}" for noun in found.absent))


def labels(found: Parse) -> tuple[str, ...]:
    """A name for each entity: its noun, numbered where there are several of it."""
    nouns = [entity.noun for entity in found.entities]
    return tuple(noun if nouns.count(noun) == 1 else f"{noun} {nouns[: i + 1].count(noun)}" for i, noun in enumerate(nouns))


def _language(sentence: str) -> str:
    """The language of a sentence that isn't English; empty for English and where it can't be told."""
    tokens = tokens_of(sentence)
    if any(token in ("a", "an", "the", "of", "with", "on", "under", "beside", "and") for token in tokens):
        return ""
    counts = {language: sum(token in words for token in tokens) for language, words in FOREIGN.items()}
    language = max(counts, key=lambda name: counts[name])
    return language if counts[language] >= 2 else ""


def _take(reading: _Reading, phrase: Phrase, following: Phrase | None) -> None:
    if phrase.kind == "stop":
        _close(reading)
        reading.group, reading.fronted, reading.negated, reading.joined, reading.holder = [], False, False, True, None
    elif phrase.kind == "and":
        reading.joined = True
        if reading.relations and reading.relations[-1][1] and not reading.relations[-1][2]:
            _close(reading)  # "a dog underneath and …"
        if phrase.word == "," and following is not None and following.opened:
            reading.negated = False  # "no trees, a house"
    elif phrase.kind == "but":
        reading.negated = False
    elif phrase.kind == "no":
        reading.negated = True
    elif phrase.kind == "style":
        reading.style = phrase.word
        if reading.relations and not reading.relations[-1][2]:
            reading.relations.pop()  # "in a voxel style"
    elif phrase.kind == "relation":
        _open(reading, phrase)
    elif phrase.kind == "attributes":
        _describe(reading, phrase)
    elif phrase.kind == "some of":
        _split(reading, phrase)
    elif phrase.kind == "of":
        _content(reading, phrase)
    else:
        _mention(reading, phrase)
    if phrase.kind not in ("and", "stop"):
        reading.joined = False
    if phrase.kind in ("and", "stop") and following is not None and following.kind != "noun":
        reading.negated = reading.negated and following.kind == "and"


def _open(reading: _Reading, phrase: Phrase) -> None:
    """A relation begins: its subjects are the group before it, or follow it where it opens the clause."""
    _close(reading)
    reading.negated, reading.holder = phrase.negated, None
    reading.relations.append((phrase.word, [] if not reading.group else list(reading.group), []))
    reading.fronted = not reading.group


def _close(reading: _Reading) -> None:
    """A relation without an object, at the end of its clause: "books with a candle on top" is a candle on the books."""
    if not reading.relations or reading.relations[-1][2] or not reading.relations[-1][1] or not reading.relations[-1][0]:
        return
    kind, subjects, _ = reading.relations.pop()
    for place, (other, holders, held) in enumerate(reading.relations):
        if other == "with" and held == subjects:
            reading.relations[place] = (kind, subjects, holders)
            return
    before = [i for i in range(min(subjects)) if i not in subjects]
    if before:
        reading.relations.append((kind, subjects[-1:], before[-1:]))
    elif len(subjects) > 1:
        reading.relations.append((kind, subjects[-1:], subjects[:1]))


def _mention(reading: _Reading, phrase: Phrase) -> None:
    if reading.negated:
        reading.absent.append(lexicon.thing_called(phrase.word, reading.things) or lexicon.singular(phrase.word))
        return
    pending = bool(reading.relations) and not reading.relations[-1][2] and (reading.relations[-1][1] or reading.fronted)
    kind, subjects, _objects = reading.relations[-1] if reading.relations else ("", [], [])
    opened = subjects[-1] if kind == "with" and subjects and pending else None
    holder = opened if opened is not None else reading.holder if reading.joined else None
    if holder is not None and phrase.word in PARTS and _described(phrase):
        slot, value = PARTS[phrase.word], phrase.entity.material or phrase.entity.color
        reading.entities[holder] = replace(reading.entities[holder], parts=(*reading.entities[holder].parts, (slot, value)))
        if opened is not None:
            reading.relations.pop()
        reading.group, reading.holder = [holder], holder
        return
    if pending and phrase.kind == "pronoun" and not reading.fronted and len(subjects) > 1:
        # "Two tables and a chair beside them": what stands last beside the others.
        reading.relations[-1][2].extend(subjects[:-1])
        subjects[:] = subjects[-1:]
        return
    index = _entity(reading, phrase)
    if pending:
        kind, subjects, objects = reading.relations[-1]
        objects.append(index)
        if phrase.kind != "pronoun":
            _attach(reading, kind, subjects, index)
        reading.group = [] if reading.fronted else [index]
        return
    kind, subjects, objects = reading.relations[-1] if reading.relations else ("", [], [])
    if objects and reading.fronted and kind == "between" and reading.joined and not subjects and _total(reading, objects) < 2:
        objects.append(index)
        return
    if objects and not reading.joined and not reading.fronted and reading.group == objects[-1:]:
        # "… and beside it a well": a phrase right behind the object is the subject, and the relation had opened a clause.
        subjects[:], reading.fronted, reading.group = [index], True, [index]
        return
    if objects and reading.fronted:
        subjects.append(index)
        reading.group = [*reading.group, index]
        return
    if objects and kind == "between" and reading.joined and _total(reading, objects) < 2:
        objects.append(index)
        return
    if objects and kind == "with" and reading.joined and index not in objects:
        objects.append(index)
        reading.group = [index]
        return
    if objects or not reading.joined:
        reading.group = [index]
    else:
        reading.group = [*reading.group, index]
    if objects:
        reading.relations.append(("", [], []))  # nothing that follows belongs to the relation before


def _attach(reading: _Reading, kind: str, subjects: list[int], index: int) -> None:
    """A cup on a table beside a book: a small thing stands beside the cup, a large one beside the table."""
    before = reading.relations[-2] if len(reading.relations) > 1 else None
    if before is not None and before[0] == "with" and before[1] and subjects == before[2][-1:]:
        subjects[:] = before[1]  # a vase with tulips on a nightstand
        return
    if kind not in ASIDE or before is None or before[0] not in ("on", "in") or subjects != before[2][-1:] or not before[1]:
        return
    if reading.entities[subjects[0]].noun in SITTABLE:
        return  # what stands beside a cat on a sofa stands beside the sofa
    size, support = (reading.things.get(reading.entities[i].noun, 1.0) for i in (index, subjects[0]))
    if size <= SMALLER * support:
        subjects[:] = before[1]


def _total(reading: _Reading, objects: list[int]) -> int:
    return sum(reading.entities[i].count for i in objects)


def _described(phrase: Phrase) -> bool:
    return bool(phrase.entity.color or phrase.entity.material)


def _entity(reading: _Reading, phrase: Phrase) -> int:
    """The index of the entity that a phrase names: one that was named before, or a new one."""
    entities = reading.entities
    if phrase.kind == "pronoun" and entities:
        busy = reading.group if len(reading.group) < len(entities) else []
        subjects = reading.relations[-1][1] if reading.relations else []
        if len(reading.relations) > 1 and reading.relations[-2][0] == "with" and subjects == reading.relations[-2][2][-1:]:
            return reading.relations[-2][1][0] if reading.relations[-2][1] else subjects[0]
        return max((i for i in range(len(entities)) if i not in busy and i not in subjects), default=len(entities) - 1)
    noun, count = phrase.word, phrase.entity.count
    if noun in COLLECTIVES and not lexicon.is_plural(noun):
        noun, count = COLLECTIVES[noun]
        phrase = replace(phrase, entity=replace(phrase.entity, arrangement="group"))
    known = _thing(reading, noun)
    noun = known or lexicon.singular(noun)
    if phrase.definite:
        same = [i for i, entity in enumerate(entities) if entity.noun == noun]
        if same:
            return same[-1]
    entities.append(replace(phrase.entity, noun=noun, word=phrase.word, known=bool(known), count=count))
    return len(entities) - 1


def _thing(reading: _Reading, noun: str) -> str:
    """The thing that a noun names, empty where there is none."""
    named = lexicon.thing_called(noun, reading.things)
    return named or (reading.meaning.thing_called(lexicon.singular(noun)) if reading.meaning else "")


def _describe(reading: _Reading, phrase: Phrase) -> None:
    """Attributes that follow their noun: "the table is red", "made of gold", "not red"."""
    if not reading.entities:
        return
    index = reading.group[-1] if reading.group else len(reading.entities) - 1
    entity, said = reading.entities[index], phrase.entity
    if phrase.negated or reading.negated:
        reading.entities[index] = replace(entity, avoid=(*entity.avoid, *filter(None, (said.color, said.material))))
        reading.negated = False
        return
    changes = {name: getattr(said, name) for name in ("color", "accent", "material", "size", "stretch", "length_m", "style", "arrangement")}
    changes = {name: value for name, value in changes.items() if value}
    reading.entities[index] = replace(entity, traits=tuple(dict.fromkeys((*entity.traits, *said.traits))), **changes)


def _split(reading: _Reading, phrase: Phrase) -> None:
    """Five apples, three of them green: the entity becomes two."""
    noun = lexicon.thing_called(phrase.word, reading.things)
    same = [i for i, entity in enumerate(reading.entities) if entity.count > phrase.entity.count and noun in ("", entity.noun)]
    if not same:
        return
    whole = reading.entities[same[-1]]
    reading.entities[same[-1]] = replace(whole, count=whole.count - phrase.entity.count)
    reading.entities.append(replace(whole, count=phrase.entity.count))
    new = len(reading.entities) - 1
    for _kind, subjects, _objects in reading.relations:
        if same[-1] in subjects:
            subjects.append(new)
    reading.group = [new]


def _content(reading: _Reading, phrase: Phrase) -> None:
    """A cup of coffee, a basket of apples, a slice of cake: what stands behind "of" fills, or is, what stands before."""
    index = len(reading.entities) - 1
    noun = lexicon.singular(phrase.word)
    if index < 0:
        return
    holder = reading.entities[index]
    if holder.word in PORTIONS:
        known = _thing(reading, noun)
        reading.entities[index] = replace(holder, noun=known or noun, word=phrase.word, known=bool(known))
    elif noun in LIQUIDS:
        reading.entities[index] = replace(holder, parts=(*holder.parts, ("content", noun)))
    elif holder.noun in CONTAINERS or lexicon.singular(holder.word) in CONTAINERS:
        if not phrase.opened and phrase.entity.count > 1:
            phrase = replace(phrase, entity=replace(phrase.entity, count=FILLING))
        inside = _entity(reading, phrase)
        reading.relations.insert(max(len(reading.relations) - 1, 0), ("in", [inside], [index]))


def _joined(reading: _Reading) -> tuple[Relation, ...]:
    """A relation for each subject, each once; "with" where another relation says more is left out, "surrounded by" turned round."""
    made: list[Relation] = []
    for kind, subjects, objects in reading.relations:
        for subject in subjects:
            others = tuple(i for i in dict.fromkeys(objects) if i != subject)
            if kind and others:
                groups = kind == "in" and all(reading.entities[i].arrangement == "group" for i in others)  # in a forest
                around = [Relation("around", i, (subject,)) for i in others]
                made += around if kind == "surrounded" or groups else [Relation(kind, subject, others)]
    stronger = {(relation.subject, i) for relation in made if relation.kind != "with" for i in relation.objects}
    kept = []
    for relation in dict.fromkeys(made):
        if relation.kind == "with":
            left = tuple(i for i in relation.objects if (i, relation.subject) not in stronger and (relation.subject, i) not in stronger)
            if left:
                kept.append(replace(relation, objects=left))
        else:
            kept.append(relation)
    return tuple(kept)
