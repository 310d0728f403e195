"""TripoSR: names and shapes of the published checkpoint, numbers of a tiny one against the original, from picture to mesh.

`data/networks/triposr.safetensors` was written by the original, VAST-AI-Research/TripoSR d26e331 with transformers 4.35.2, at the sizes
of TINY with random weights: its arrays ("w." before their names), a picture, and what became of it. `data/manifests/triposr.json` holds
the names and shapes of the original at its published sizes.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from reify.backend.errors import ReifyError
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.networks.library.catalog import TRIPOSR
from reify.backend.networks.reconstruction import LearnedSettings
from reify.backend.values import Picture

from .care import check_care

torch = pytest.importorskip("torch")

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="module")
def original():
    from safetensors.torch import load_file

    return load_file(DATA / "networks" / "triposr.safetensors")


@pytest.fixture(scope="module")
def tiny():
    from reify.backend.networks.triposr import Shape

    return Shape(64, 16, 24, 2, 3, 3, 4, 32, 2, 2, 6, 16, 3)


@pytest.fixture(scope="module")
def network(original, tiny):
    from reify.backend.networks import triposr

    made = triposr.TripoSR(tiny)
    made.load_state_dict(_ours(original))
    return made.eval()


@pytest.fixture(scope="module")
def picture(original) -> Picture:
    rgba = original["rgba"].numpy()
    return Picture("spots", np.ascontiguousarray(rgba[..., :3]), rgba[..., 3].astype(np.float32) / 255)


def _ours(original):
    from reify.backend.networks import triposr

    named = {name.removeprefix("w."): array for name, array in original.items() if name.startswith("w.")}
    return {triposr.ours(name): array for name, array in named.items() if not name.startswith(triposr.UNUSED)}


def test_names_and_shapes_are_those_of_the_published_checkpoint() -> None:
    from reify.backend.networks import triposr

    published = json.loads((DATA / "manifests" / "triposr.json").read_text("utf-8"))
    mapped = {triposr.ours(name): tuple(shape) for name, shape in published.items() if not name.startswith(triposr.UNUSED)}
    with torch.device("meta"):
        made = triposr.TripoSR()
    assert mapped == {name: tuple(array.shape) for name, array in made.state_dict().items()}
    assert sum(each.numel() for each in made.parameters()) == TRIPOSR.parameters
    whole = sum(4 * int(np.prod(shape)) for shape in published.values())
    assert 0 < TRIPOSR.bytes - whole < 200_000  # what a checkpoint adds to its arrays


def test_the_picture_is_prepared_as_the_original_does(original, picture: Picture) -> None:
    from reify.backend.networks import triposr

    assert np.array_equal(triposr.squared(picture), original["squared"].numpy())


def test_numbers_agree_with_the_original_from_the_picture_to_the_field(original, network, picture: Picture) -> None:
    from reify.backend.networks import triposr

    planes = triposr.planes_of(picture, network)
    assert np.abs(planes - original["planes"].numpy()).max() < 1e-4 < 0.1 * planes.std()
    with torch.inference_mode():
        log_density, colors = network.at(torch.from_numpy(planes), original["points"])
    assert (log_density.exp() - original["density"][:, 0]).abs().max() < 1e-4 < 0.01 * original["density"].std()
    assert (colors - original["color"]).abs().max() < 1e-4 < 0.01 * original["color"].std()


def test_a_checkpoint_in_the_published_layout_becomes_a_mesh_that_stands_on_the_floor(
    original, tiny, picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reify.backend.methods import image
    from reify.backend.networks import reconstruction, triposr
    from reify.backend.networks.library import catalog, keeping, places
    from reify.backend.networks.library.entry import File

    checkpoint = tmp_path / "given" / "model.ckpt"
    checkpoint.parent.mkdir()
    named = {name.removeprefix("w."): array for name, array in original.items() if name.startswith("w.")}
    torch.save(named, checkpoint)
    file = File("model.ckpt", checkpoint.stat().st_size, places.sha256_of(checkpoint), TRIPOSR.files[0].mirrors)
    entry = dataclasses.replace(TRIPOSR, files=(file,))
    full = triposr.TripoSR
    monkeypatch.setattr(triposr, "TripoSR", lambda: full(tiny))
    monkeypatch.setattr(triposr, "LEVEL", float(original["density"].median()))
    for module in (catalog, image, reconstruction):
        monkeypatch.setattr(module, "TRIPOSR", entry)
    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    with pytest.raises(ReifyError, match=r"weights of TripoSR aren't there\. Get TripoSR in Reify's Models panel"):
        image._learned(picture, image.Settings(), "triposr", Job(environment))
    keeping.import_from(entry, checkpoint.parent, environment, job=Job())
    settings = image.Settings(triposr=LearnedSettings(cells=48), size_m=2.0)
    mesh = image._learned(picture, settings, "triposr", Job(environment))
    check_care(mesh, 2.0, settings.faces)
