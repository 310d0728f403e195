"""CLIP: names and shapes of the published file, tokens and numbers of a tiny one against transformers, and the file's own layout."""

from __future__ import annotations

import json

import numpy as np
import pytest
from reify.backend.networks.library.catalog import CLIP

from . import tiny_point_e as tiny

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def original():
    return tiny.original()


@pytest.fixture(scope="module")
def network(original, tmp_path_factory: pytest.TempPathFactory):
    from reify.backend.networks import clip

    folder = tmp_path_factory.mktemp("clip")
    tiny.write_checkpoints(original, folder, 0.0)
    with pytest.MonkeyPatch.context() as patch:
        tiny.made_small(original, folder, patch)
        arrays = clip.convert({file.name: folder / file.name for file in CLIP.files})
        made = clip.Clip()
    made.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    return made.eval().requires_grad_(False)


def test_names_and_shapes_are_those_of_the_published_checkpoint() -> None:
    from reify.backend.networks.clip import UNUSED, Clip, ours

    published = json.loads((tiny.DATA / "manifests" / "clip.json").read_text("utf-8"))
    mapped = {ours(name): tuple(shape) for name, shape in published.items() if not name.endswith(UNUSED)}
    with torch.device("meta"):
        made = Clip()
    assert mapped == {name: tuple(array.shape) for name, array in made.named_parameters()}
    assert sum(each.numel() for each in made.parameters()) == CLIP.parameters


def test_tokens_are_those_of_the_original(original, network) -> None:
    from reify.backend.networks.parts.language import byte_pairs, merges_of

    merges = merges_of(bytes(network.vocabulary.numpy()).decode())
    texts = json.loads(bytes(original["texts"].numpy()))
    found = [byte_pairs(text, merges, network.shape.longest) for text in texts]
    assert [len(each) for each in found] == original["lengths"].tolist()
    assert sum(found, []) == original["tokens"].tolist()


def test_numbers_agree_with_the_original_for_a_text_and_a_picture(original, network) -> None:
    from reify.backend.networks.clip import grid_of_picture, vector_of_text

    vector = vector_of_text(json.loads(bytes(original["texts"].numpy()))[0], network)
    assert (vector - original["vector"]).abs().max() < 1e-5 < 0.01 * original["vector"].std()
    grid = grid_of_picture(original["picture"].numpy(), network)[0]
    assert (grid - original["grid"]).abs().max() < 1e-4 < 0.01 * original["grid"].std()


def test_a_checkpoint_in_the_published_layout_is_told_from_another(original, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reify.backend.networks import clip

    tiny.write_checkpoints(original, tmp_path, 0.0)
    full = clip.Clip
    tiny.made_small(original, tmp_path, monkeypatch)
    files = {file.name: tmp_path / file.name for file in CLIP.files}
    assert clip.convert(files).keys() == clip.Clip().state_dict().keys()
    monkeypatch.setattr(clip, "Clip", lambda: full(tiny.clip_shape(1)))
    with pytest.raises(ValueError, match="it isn't CLIP"):
        clip.convert(files)
    files["bpe_simple_vocab_16e6.txt.gz"].write_bytes(b"no vocabulary")
    with pytest.raises(ValueError, match="the vocabulary is damaged"):
        clip.convert(files)
