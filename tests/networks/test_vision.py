"""Vision transformers: names and shapes of published checkpoints, numbers of tiny ones against the original.

`data/networks/dinov2.safetensors` was written by the original, facebookresearch/dinov2 b8931f7, at the sizes of TINY with random weights,
without registers ("plain") and with them, the weights else the same ("w." before their names). `data/manifests/dinov2.json` holds the
names and shapes of the original at its published sizes.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="module")
def original():
    from safetensors.torch import load_file

    return load_file(DATA / "networks" / "dinov2.safetensors")


@pytest.fixture(scope="module")
def networks(original):
    from reify.backend.networks.parts import vision

    tiny = vision.Size(16, 3, 2, 14, 4)
    weights = {name.removeprefix("w."): array for name, array in original.items() if name.startswith("w.")}
    made = {}
    for kind, training in (("plain", vision.DINOV2), ("registers", vision.DINOV2_REGISTERS)):
        made[kind] = vision.VisionTransformer(tiny, training).eval()
        held = {name: array for name, array in weights.items() if kind == "registers" or name != "register_tokens"}
        made[kind].load_state_dict(vision.from_dinov2(held))
    return made


@pytest.mark.parametrize("published", ["dinov2_vits14", "dinov2_vitb14", "dinov2_vitl14_reg"])
def test_names_and_shapes_are_those_of_the_published_checkpoints(published: str) -> None:
    from reify.backend.networks.parts import vision

    size = {"s": vision.VIT_SMALL_14, "b": vision.VIT_BASE_14, "l": vision.VIT_LARGE_14}[published[10]]
    training = vision.DINOV2_REGISTERS if published.endswith("reg") else vision.DINOV2
    shapes = json.loads((DATA / "manifests" / "dinov2.json").read_text("utf-8"))[published]
    with torch.device("meta"):
        mapped = vision.from_dinov2({name: torch.empty(shape) for name, shape in shapes.items()})
        made = vision.VisionTransformer(size, training)
    assert {name: array.shape for name, array in mapped.items()} == {name: array.shape for name, array in made.state_dict().items()}


@pytest.mark.parametrize("kind", ["plain", "registers"])
def test_tokens_agree_with_the_original_on_a_picture_of_another_size_than_in_training(original, networks, kind: str) -> None:
    network = networks[kind]
    with torch.inference_mode():
        normalized = network(original["colors"])
        first, last = network.after(original["colors"], [0, 2])
    assert (normalized - original[f"{kind}.normalized"]).abs().max() < 1e-4
    assert (network.patches_of(first) - original[f"{kind}.first"]).abs().max() < 1e-4
    assert (network.patches_of(last) - original[f"{kind}.last"]).abs().max() < 1e-4
    assert (first[:, :1] - last[:, :1]).abs().max() > 0.1


@pytest.mark.parametrize("kind", ["plain", "registers"])
def test_tokens_agree_with_the_original_at_the_size_of_training(original, networks, kind: str) -> None:
    with torch.inference_mode():
        (last,) = networks[kind].after(original["colors.native"], [2])
    assert (last - original[f"{kind}.native"]).abs().max() < 1e-4


def test_the_two_ways_of_scaling_positions_differ(networks) -> None:
    plain, registers = (network._positions(3, 6)[:, 1:] for network in networks.values())
    assert (plain - registers).abs().max() > 0.01
