"""MiniLM: names and shapes of the published file, tokens and vectors against transformers, and which nouns it takes for things.

`data/networks/minilm.safetensors` was written by transformers 4.57.6 with the published weights: texts as JSON, their tokens one after the
other, and their unit vectors. `data/manifests/minilm.json` holds the names and shapes of the published file.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from reify.backend.assembly.assemble import assemble
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.networks.library.catalog import MINILM
from reify.backend.prompt import meaning, sentence
from reify.backend.shapes import catalogue

from .real import environment_with

torch = pytest.importorskip("torch")

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="module")
def original():
    from safetensors.numpy import load_file

    return load_file(DATA / "networks" / "minilm.safetensors")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return environment_with(MINILM, tmp_path_factory.mktemp("minilm"))


@pytest.fixture(scope="module")
def known(environment: Environment) -> meaning.Meaning:
    found = meaning.meaning_of(catalogue.sizes(), Job(environment))
    assert found is not None
    return found


def test_names_and_shapes_are_those_of_the_published_file() -> None:
    from reify.backend.networks import minilm

    published = json.loads((DATA / "manifests" / "minilm.json").read_text("utf-8"))
    mapped = {minilm.ours(name): tuple(shape) for name, shape in published.items() if not name.startswith(minilm.UNUSED)}
    with torch.device("meta"):
        made = minilm.MiniLM()
    assert mapped == {name: tuple(array.shape) for name, array in made.named_parameters()}
    assert sum(each.numel() for each in made.parameters()) == MINILM.parameters


def test_tokens_and_vectors_are_those_of_transformers(original, known: meaning.Meaning, environment: Environment) -> None:
    from reify.backend.networks import minilm, running
    from reify.backend.networks.library.keeping import CONVERTED
    from reify.backend.networks.library.places import need
    from reify.backend.networks.parts.language import word_pieces

    network = running.built(minilm.MiniLM, need(MINILM, environment).files[CONVERTED], torch.device("cpu"))
    pieces, texts = minilm.pieces_of(network), json.loads(original["texts"].tobytes())
    read = [word_pieces(text, pieces, network.shape.longest) for text in texts]
    assert [len(row) for row in read] == original["lengths"].tolist()
    assert sum(read, []) == original["tokens"].tolist()
    assert np.abs(minilm.vectors_of(texts, network, pieces) - original["vectors"]).max() < 1e-5


@pytest.mark.parametrize(("noun", "thing"), [("motor scooter", "scooter"), ("cabinet", "cupboard"), ("cello", "")])
def test_a_noun_is_taken_for_what_means_nearly_the_same(known: meaning.Meaning, noun: str, thing: str) -> None:
    assert known.thing_called(noun) == thing


@pytest.mark.parametrize("noun", ["wine", "bus station", "coffee", "flibbertigibbet", "cello", "submarine"])
def test_what_is_only_said_together_or_means_something_else_is_not(known: meaning.Meaning, noun: str) -> None:
    assert known.thing_called(noun) == ""


def test_a_sentence_is_read_with_it_and_what_stays_unknown_is_said(known: meaning.Meaning) -> None:
    things = catalogue.sizes()
    found = sentence.parse("a cello on a table", things, known)
    assert [entity.known for entity in found.entities] == [False, True]
    (said,) = sentence.unknown(found, things, known)
    assert said.startswith("I have no cello; nearest are ") or said == "I have no cello."


def test_what_a_noun_was_taken_for_stands_in_the_report(environment: Environment) -> None:
    job = Job(environment)
    scene = assemble("a red cabinet beside a house", "", 0, job=job)
    assert [part.noun for part in scene.parts] == ["cupboard", "house"]
    assert job.report.choices["cabinet"] == "cupboard, which means nearly the same: a similarity of 0.74 by MiniLM"


def test_without_weights_sentences_are_read_as_before(tmp_path: Path) -> None:
    assert meaning.meaning_of(catalogue.sizes(), Job(Environment(user_folder=tmp_path))) is None
    assert meaning.meaning_of(catalogue.sizes(), Job()) is None
