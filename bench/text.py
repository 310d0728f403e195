"""From Text: sentences that become the scenes they describe, how long the slowest takes, and which common nouns there are things for."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from ..backend.assembly.assemble import assemble
from ..backend.errors import ReifyError
from ..backend.jobs.environment import Environment
from ..backend.jobs.job import Job
from ..backend.networks.library.catalog import CLIP, MINILM, POINT_E_TEXT
from ..backend.prompt import lexicon, meaning, sentence
from ..backend.shapes import catalogue
from ._proofs import proven_by_tests

SENTENCES = Path(__file__).parents[1] / "tests" / "data" / "sentences.txt"
NOUNS = Path(os.environ.get("REIFY_DATA", Path(__file__).parents[2] / "shared" / "data")).parent / "nouns.txt"
TEXT_MODELS = {"minilm": (MINILM,), "point-e": (CLIP, POINT_E_TEXT)}  # what sentences are read or made with, by their entries


def run(emit: Callable[..., None]) -> None:
    """Emit sentences_right, assemble_seconds_max, nouns_covered, meaning_recall, meaning_false and text_models_proven.

    A sentence is right where it is read as its file says, and every claim of it holds in the scene, or it is refused as the file says.
    """
    paragraphs = [text.split("\n") for text in SENTENCES.read_text(encoding="utf-8").split("\n\n")[1:] if text.strip()]
    right, slowest = 0, (0.0, "")
    for text, *expected in paragraphs:
        started = time.perf_counter()
        right += _is_right(text, [line.strip() for line in expected if line.strip()])
        slowest = max(slowest, (time.perf_counter() - started, text))
    emit("sentences_right", right, "sentences", of=len(paragraphs))
    emit("assemble_seconds_max", round(slowest[0], 2), "s", sentence=slowest[1])
    if NOUNS.is_file():
        nouns = [line.strip() for line in NOUNS.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
        missing = [noun for noun in nouns if not lexicon.thing_called(noun, catalogue.sizes())]
        emit("nouns_covered", len(nouns) - len(missing), "nouns", of=len(nouns), missing=missing)
    _meaning(emit)
    proven = [name for name, entries in TEXT_MODELS.items() if all(map(proven_by_tests, entries))]
    emit("text_models_proven", len(proven), "models", of=len(TEXT_MODELS), models=proven)


def _meaning(emit: Callable[..., None]) -> None:
    """Emit meaning_recall and meaning_false: how ALIKE, the least similarity that MiniLM's vectors are believed at, was chosen.

    Recall is measured with WordNet's synonyms of things, which it would find without; what is right is made by the same generator. False
    are nouns drawn from WordNet that name no thing but are taken for one, and made-up words.
    """
    folder = os.environ.get("REIFY_TEST_WEIGHTS", Path.home() / ".cache" / "reify-tests")
    things = catalogue.sizes()
    found = meaning.meaning_of(things, Job(Environment(user_folder=Path(folder), device="cpu")))
    if found is None:
        emit("meaning_recall", 0.0, "share", needs=f"{MINILM.title} in {folder}")
        return
    rng, senses = random.Random(0), lexicon.lexicon().senses
    nouns = [noun for noun in senses if noun.islower() and not lexicon.thing_called(noun, things)]
    strangers = rng.sample(nouns, 400)
    made_up = ["".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(rng.randint(2, 4))) for _ in range(200)]
    synonyms = [
        (word, thing)
        for thing in found.things
        for synset in senses.get(thing, ())[:1]
        for word in lexicon.lexicon().words[synset]
        if word not in things and senses[word][0] == synset
    ]
    best: dict[str, tuple[str, float]] = {}
    for group in ([word for word, _ in synonyms], strangers, made_up):
        cosines = found.likeness(group)
        best |= {noun: (found.things[row.argmax()], float(row.max())) for noun, row in zip(group, cosines, strict=True)}
    for least in (0.55, 0.6, 0.65, 0.7, 0.75, 0.8):
        taken = {noun: thing for noun, (thing, cosine) in best.items() if cosine >= least and meaning.accepts(noun, thing, 1.0)}
        right = sum(_alike(taken[word], thing) for word, thing in synonyms if word in taken)
        believed = sum(word in taken for word, _ in synonyms)
        emit("meaning_recall", round(right / len(synonyms), 3), "share", at=least, precision=round(right / max(1, believed), 3))
        false = sum(noun in taken for noun in strangers) / len(strangers)
        emit("meaning_false", round(false, 3), "share", at=least, made_up=sum(noun in taken for noun in made_up) / len(made_up))


def _alike(one: str, other: str) -> bool:
    return catalogue.thing(one).make is catalogue.thing(other).make


def _is_right(text: str, expected: list[str]) -> bool:
    things = catalogue.sizes()
    try:
        found = sentence.parse(text, things)
        read = [*sentence.outline(found), *(f"? {said}" for said in sentence.unknown(found, things))]
        return read == expected and all(assemble(text, "", 0, job=Job()).claims.values())
    except ReifyError as error:
        return expected == [f"! {error.what}"] or (expected[-1] == f"? {error.what}" and read == expected)
