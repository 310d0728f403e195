"""Point-E and CLIP: names and shapes of the published files, numbers of tiny ones against the originals, from words to a mesh.

`data/networks/point_e.safetensors` was written by the original, openai/point-e fc8a607, and transformers 4.57.6 for CLIP, at the sizes of
the fixtures with random weights: its arrays ("w.", the network, "."), texts as JSON with their tokens, a picture, and what became of them.
`data/manifests/point_e.json` holds the names and shapes of the original at its published sizes, each behind its file's name.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from reify.backend.networks.library.catalog import CLIP, POINT_E, POINT_E_TEXT

torch = pytest.importorskip("torch")

DATA = Path(__file__).resolve().parents[1] / "data"
HEADS = 2


@pytest.fixture(scope="module")
def original():
    from safetensors.torch import load_file

    return load_file(DATA / "networks" / "point_e.safetensors")


@pytest.fixture(scope="module")
def clip(original):
    return tiny_clip(original)


@pytest.fixture(scope="module")
def by_text(original):
    return tiny_point_e(original, by_grid=False)


@pytest.fixture(scope="module")
def by_picture(original):
    return tiny_point_e(original, by_grid=True)


def named(original, part: str):
    """The original's arrays of one of its networks."""
    return {name.removeprefix(f"w.{part}."): array for name, array in original.items() if name.startswith(f"w.{part}.")}


def tiny_clip(original):
    from reify.backend.networks.clip import Clip, Shape, ours

    made = Clip(Shape(12, 49_408, 77, 16, 2, 2, 28, 14, 16, 2, 2, letters=1))
    arrays = {ours(name): array for name, array in named(original, "clip").items()}
    words = torch.zeros(49_408, 16)
    words[original["clip_rows"].long()] = arrays["text.words.weight"]
    made.load_state_dict({**arrays, "text.words.weight": words, "vocabulary": made.vocabulary})
    return made.eval()


def tiny_shape(by_grid: bool):
    from reify.backend.networks.point_e import Shape

    return Shape(by_grid, 32, 2, HEADS, 12, 16, 4, 24, 40, 32, 2, HEADS, 16, 2, 2, HEADS)


def tiny_point_e(original, by_grid: bool):
    from reify.backend.networks.point_e import PointE, ours

    made = PointE(tiny_shape(by_grid))
    parts = {"base": "base" if by_grid else "textvec", "upsample": "upsample", "distance": "sdf"}
    arrays = {f"{part}.{name}": array for part, file in parts.items() for name, array in ours(named(original, file), HEADS).items()}
    made.load_state_dict(arrays)
    return made.eval()


def test_names_and_shapes_of_clip_are_those_of_the_published_file() -> None:
    from reify.backend.networks.clip import UNUSED, Clip, ours

    published = json.loads((DATA / "manifests" / "clip.json").read_text("utf-8"))
    mapped = {ours(name): tuple(shape) for name, shape in published.items() if not name.endswith(UNUSED)}
    with torch.device("meta"):
        made = Clip()
    assert mapped == {name: tuple(array.shape) for name, array in made.named_parameters()}
    assert sum(each.numel() for each in made.parameters()) == CLIP.parameters


@pytest.mark.parametrize("base", ["base_40m_textvec.pt", "base_40m.pt", "base_300m.pt", "base_1b.pt"])
def test_names_and_shapes_are_those_of_the_original_at_its_published_sizes(base: str) -> None:
    from reify.backend.networks.point_e import SHAPES, PointE, ours

    published = json.loads((DATA / "manifests" / "point_e.json").read_text("utf-8"))
    shape = SHAPES[base]
    with torch.device("meta"):
        made = PointE(shape)
        mapped = {}
        for part, file, heads in (("base", base, shape.heads), ("upsample", "upsample_40m.pt", 8), ("distance", "sdf.pt", 4)):
            of_file = {name.partition("/")[2]: torch.empty(size) for name, size in published.items() if name.startswith(f"{file}/")}
            mapped |= {f"{part}.{name}": tuple(array.shape) for name, array in ours(of_file, heads).items()}
    assert mapped == {name: tuple(array.shape) for name, array in made.state_dict().items()}
    entry = {"base_40m_textvec.pt": POINT_E_TEXT, "base_40m.pt": POINT_E}.get(base)
    if entry is not None:
        assert sum(each.numel() for each in made.parameters()) == entry.parameters
        assert 0 <= entry.bytes - sum(4 * each.numel() for each in made.parameters()) < 1_000_000


def test_clip_sees_texts_and_pictures_as_the_original_does(original, clip) -> None:
    from reify.backend.networks.clip import grid_of_picture

    count = int(original["lengths"][0])
    with torch.inference_mode():
        vector = torch.nn.functional.normalize(clip.text(original["tokens"][None, :count].long()))
    assert (vector - original["vector"]).abs().max() < 1e-5 < 0.01 * original["vector"].std()
    grid = grid_of_picture(original["picture"].numpy(), clip)[0]
    assert (grid - original["grid"]).abs().max() < 1e-4 < 0.01 * original["grid"].std()


def test_what_networks_say_agrees_with_the_original(original, by_text, by_picture) -> None:
    times, noisy = original["times"], original["noisy"]
    vectors, grids = original["vector"].expand(2, -1), original["grid"][None].expand(2, -1, -1)
    with torch.inference_mode():
        assert (by_text.base(noisy, times, vectors) - original["textvec_out"]).abs().max() < 1e-4
        assert (by_picture.base(noisy, times, grids) - original["base_out"]).abs().max() < 1e-4
        further = by_text.upsample(original["noisy_further"], times, grids, original["low"])
        assert (further - original["upsample_out"]).abs().max() < 1e-4
        features = by_text.distance.encoded(original["points_text"][None, :, :3])
        distances = by_text.distance.at(original["places"][None], features)[0]
        assert (distances - original["distances"]).abs().max() < 1e-4 < 0.01 * original["distances"].std()


def test_points_of_a_text_and_of_a_picture_are_the_original_s(original, by_text, by_picture) -> None:
    from reify.backend.networks.point_e import BASE, SCALES, UPSAMPLE, points_of

    few = (replace(BASE, steps=6), replace(UPSAMPLE, steps=6))
    heard: list[float] = []
    doubled = [deepcopy(each).double() for each in (by_text, by_picture)]  # guidance and the first steps amplify what is rounded
    found = points_of(original["vector"].double(), doubled[0], 3.0, 5, heard.append, *few)
    scale = torch.tensor(SCALES)
    assert ((found - original["points_text"]) * scale).abs().max() < 1e-4
    assert heard == sorted(heard) and heard[-1] < 1.0
    found = points_of(original["grid"][None].double(), doubled[1], 3.0, 5, lambda fraction: None, *few)
    assert ((found - original["points_picture"]) * scale).abs().max() < 1e-4
