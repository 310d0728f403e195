"""From Text: sentences that become the scenes they describe, how long the slowest takes, and which common nouns there are things for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from ..backend.assembly.assemble import assemble
from ..backend.errors import ReifyError
from ..backend.jobs.job import Job
from ..backend.prompt import lexicon, sentence
from ..backend.shapes import catalogue

SENTENCES = Path(__file__).parents[1] / "tests" / "data" / "sentences.txt"
NOUNS = Path(os.environ.get("REIFY_DATA", Path(__file__).parents[2] / "shared" / "data")).parent / "nouns.txt"


def run(emit: Callable[..., None]) -> None:
    """Emit sentences_right, assemble_seconds_max, nouns_covered and text_models_proven.

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
    emit("text_models_proven", 0, "models")


def _is_right(text: str, expected: list[str]) -> bool:
    things = catalogue.sizes()
    try:
        found = sentence.parse(text, things)
        read = [*sentence.outline(found), *(f"? {said}" for said in sentence.unknown(found, things))]
        return read == expected and all(assemble(text, "", 0, job=Job()).claims.values())
    except ReifyError as error:
        return expected == [f"! {error.what}"] or (expected[-1] == f"? {error.what}" and read == expected)
