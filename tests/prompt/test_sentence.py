"""Sentences are read as `tests/data/sentences.txt` says; what can't be made is said with what comes nearest."""

from __future__ import annotations

from pathlib import Path

import pytest
from reify.backend.errors import ReifyError
from reify.backend.prompt import lexicon, sentence
from reify.backend.shapes import catalogue

THINGS = catalogue.sizes()
FILE = Path(__file__).parents[1] / "data" / "sentences.txt"


def cases() -> list[tuple[str, list[str]]]:
    paragraphs = FILE.read_text(encoding="utf-8").split("\n\n")[1:]
    return [(lines[0], [line.strip() for line in lines[1:]]) for lines in (p.strip("\n").split("\n") for p in paragraphs) if lines[0]]


def read(text: str) -> list[str]:
    try:
        found = sentence.parse(text, THINGS)
    except ReifyError as error:
        return [f"! {error.what}"]
    return [*sentence.outline(found), *(f"? {said}" for said in sentence.unknown(found, THINGS))]


def test_there_are_ninety_sentences() -> None:
    assert len(cases()) >= 90


@pytest.mark.parametrize(("text", "expected"), cases(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_sentence_is_read_right(text: str, expected: list[str]) -> None:
    assert read(text) == expected


def test_case_and_punctuation_change_nothing() -> None:
    assert read("a RED apple, on a wooden   table!") == read("A red apple on a wooden table")


def test_a_sentence_that_is_too_long_is_refused_with_its_length() -> None:
    with pytest.raises(ReifyError, match="700 characters"):
        sentence.parse("apple " * 116 + "pear", THINGS)


@pytest.mark.parametrize("text", ["", "   ", ".,;", "and and and", "the of with", "1", "on on on", "not", "no", "three of", "of of", "it"])
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(ReifyError, match="names nothing"):
        sentence.parse(text, THINGS)


@pytest.mark.parametrize(
    ("word", "thing"),
    [
        ("couch", "couch"),
        ("apples", "apple"),
        ("knives", "knife"),
        ("elm", "tree"),
        ("mandolin", ""),
        ("poodle", "dog"),
        ("cottontail", "rabbit"),
        ("sedan", "car"),
    ],
)
def test_a_noun_names_the_thing_that_wordnet_leads_to(word: str, thing: str) -> None:
    assert lexicon.thing_called(word, THINGS) == thing


def test_what_is_misspelled_is_offered_first() -> None:
    assert lexicon.nearest("tabel", THINGS)[0] == "table"
    assert lexicon.nearest("mandolin", THINGS)[0] in ("harp", "banjo", "guitar", "violin")


@pytest.mark.parametrize(
    ("plural", "singular"), [("glasses", "glasses"), ("boxes", "box"), ("leaves", "leaf"), ("bus", "bus"), ("teddy bears", "teddy bear")]
)
def test_plurals_are_known(plural: str, singular: str) -> None:
    assert lexicon.singular(plural) == singular
