"""Shap-E: names and shapes of the published checkpoints, numbers of tiny ones against the original, from words and pictures to meshes.

`data/networks/shap_e.safetensors` was written by the original, openai/shap-e 5013101, with random weights: arrays ("w.", the network, "."),
what CLIP is to have said, and what became of it; samples were drawn in double precision. `data/manifests/shap_e.json` holds names and
shapes of the original at its published sizes, each behind its file's name: those of the transmitter that make fields of latents. CLIP's are
tested by `test_clip`, and its tiny files come from `tiny_point_e`.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job, Progress
from reify.backend.mesh.analyze import analyze
from reify.backend.networks.implicit import ImplicitSettings
from reify.backend.networks.library.catalog import SHAP_E, SHAP_E_TEXT
from reify.backend.networks.library.places import sha256_of
from reify.backend.values import Picture, Sentence

from . import tiny_point_e as tiny

torch = pytest.importorskip("torch")

FEW = ImplicitSettings(steps=8, guidance=2.0, cells=32)
BASES = {"text": "text_cond.pt", "image": "image_cond.pt"}
GUIDANCE = {"text": 5.0, "image": 3.0}


@pytest.fixture(scope="module")
def original():
    from safetensors.torch import load_file

    return load_file(tiny.DATA / "networks" / "shap_e.safetensors")


@pytest.fixture(scope="module")
def networks(original):
    from reify.backend.networks.shap_e import ShapE, ours

    made = {}
    for base in BASES:
        made[base] = ShapE(_shape(base))
        made[base].load_state_dict(ours(tiny.named(original, base), tiny.named(original, "transmitter"), tiny.HEADS))
    return {base: network.eval().requires_grad_(False) for base, network in made.items()}


def _shape(base: str):
    from reify.backend.networks.shap_e import Shape

    return Shape(base == "image", 32, 2, tiny.HEADS, 12, 16, 24, 8)


def _seen(original, base: str):
    return original["grid"] if base == "image" else original["vector"]


@pytest.mark.parametrize("base", BASES.values())
def test_names_and_shapes_are_those_of_the_published_checkpoint(base: str) -> None:
    from reify.backend.networks.shap_e import SHAPES, ShapE, names_of_fields, ours

    published = json.loads((tiny.DATA / "manifests" / "shap_e.json").read_text("utf-8"))
    files = {}
    with torch.device("meta"):
        for file in (base, "transmitter.pt"):
            files[file] = {name.partition("/")[2]: torch.empty(size) for name, size in published.items() if name.startswith(f"{file}/")}
        made = ShapE(SHAPES[base])
        mapped = {name: tuple(array.shape) for name, array in ours(files[base], files["transmitter.pt"], 16).items()}
    assert mapped == {name: tuple(array.shape) for name, array in made.state_dict().items()}
    assert files["transmitter.pt"].keys() - names_of_fields().keys() == {"renderer.void.background"}
    entry = SHAP_E if base == "image_cond.pt" else SHAP_E_TEXT
    assert sum(each.numel() for each in made.parameters()) == entry.parameters
    of_file = sum(4 * int(np.prod(size)) for name, size in published.items() if name.startswith(f"{base}/"))
    assert 0 < entry.files[0].bytes - of_file < 200_000


def test_numbers_agree_with_the_original_for_the_denoisers_and_the_field(original, networks) -> None:
    from reify.backend.networks import shap_e

    for base, network in networks.items():
        seen = _seen(original, base)
        with torch.inference_mode():
            said = network.latents(original["noisy"], original["times"], seen.expand(2, *seen.shape[1:]))
        assert (said - original[f"{base}_out"]).abs().max() < 1e-4 < 1e-3 * said.std()
    network = networks["text"]
    made = shap_e.field_of(original["latents_text"], network)
    with torch.inference_mode():
        distances, colors = shap_e.at(original["places"], made, network)
    assert (distances - original["distances"]).abs().max() < 1e-4 < 1e-3 * distances.std()
    assert (colors - original["colors"]).abs().max() < 1e-4 < 1e-3 * colors.std()


@pytest.mark.parametrize("base", BASES)
def test_latents_of_a_text_and_of_a_picture_are_those_of_the_original(original, networks, base: str) -> None:
    from reify.backend.networks.shap_e import SAMPLER, latents_of

    doubled, heard = deepcopy(networks[base]).double(), []  # guidance and the first steps amplify what is rounded
    sampler = replace(SAMPLER, steps=6)
    found = latents_of(_seen(original, base).double(), doubled, GUIDANCE[base], 5, heard.append, sampler)
    assert (found - original[f"latents_{base}"]).abs().max() < 1e-4 < 1e-3 * found.std()
    assert heard == sorted(heard) and heard[-1] < 1.0


@pytest.fixture
def given(original, networks, tmp_path: Path) -> Path:
    """A folder with tiny checkpoints in the published layout, whose field is 0 somewhere in the cube."""
    from reify.backend.networks import shap_e

    folder = tmp_path / "given"
    folder.mkdir()
    tiny.write_checkpoints(tiny.original(), folder, 0.0)
    made = shap_e.field_of(original["latents_text"], networks["text"])
    with torch.inference_mode():
        level = shap_e.at(original["places"], made, networks["text"])[0].clamp(-0.999, 0.999).atanh().median()
    transmitter = tiny.named(original, "transmitter")
    transmitter["renderer.nerstf.mlp.6.bias"] = transmitter["renderer.nerstf.mlp.6.bias"].clone()
    transmitter["renderer.nerstf.mlp.6.bias"][0] -= level
    torch.save({**transmitter, "encoder.something.weight": torch.zeros(3)}, folder / "transmitter.pt")
    for base, name in BASES.items():
        torch.save(tiny.named(original, base), folder / name)
    return folder


@pytest.fixture
def small(given: Path, monkeypatch: pytest.MonkeyPatch):
    """Entries of these files, and the networks at their sizes."""
    from reify.backend.methods import image, text
    from reify.backend.networks import implicit, shap_e

    entries = tiny.made_small(tiny.original(), given, monkeypatch)
    for base, name in BASES.items():
        monkeypatch.setitem(shap_e.SHAPES, name, _shape(base))
    for name, entry in (("SHAP_E", SHAP_E), ("SHAP_E_TEXT", SHAP_E_TEXT)):
        files = [replace(file, sha256=sha256_of(given / file.name)) for file in entry.files]
        entries[name] = replace(entry, files=tuple(files))
        for module in (image, text, implicit):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, entries[name])
    return entries


def test_a_checkpoint_in_the_published_layout_makes_a_mesh_of_a_sentence(small, given: Path, tmp_path: Path) -> None:
    from reify.backend.methods import text
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    settings = text.Settings(text="a shark", model="shap-e", size_m=2.0, faces=2000, shap_e=FEW)
    with pytest.raises(ReifyError) as refused:
        text.METHOD.perform(Sentence(), settings, Job(environment))
    assert refused.value.what.endswith("needs the weights clip (0.0 GB, MIT), shap-e-text (2.8 GB, MIT).")
    for name in ("CLIP", "SHAP_E_TEXT"):
        keeping.import_from(small[name], given, environment, job=Job())
    result = text.METHOD.perform(Sentence(), settings, Job(environment, seed=3))
    assert result.report.licenses == {"clip": "MIT", "shap-e-text": "MIT"} and not result.report.warnings
    _check(result.mesh, 2.0)


def test_a_checkpoint_in_the_published_layout_makes_a_mesh_of_a_picture(small, given: Path, tmp_path: Path) -> None:
    from reify.backend.methods import image
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    srgb = tiny.original()["picture"].numpy()
    picture = Picture("spots", np.ascontiguousarray(srgb), np.ones(srgb.shape[:2], np.float32))
    for name in ("CLIP", "SHAP_E"):
        keeping.import_from(small[name], given, environment, job=Job())
    settings = image.Settings(method="shap-e", size_m=2.0, faces=2000, shap_e=FEW)
    _check(image._learned(picture, settings, "shap-e", Job(environment)), 2.0)


def test_a_file_of_another_hash_or_another_network_is_told(small, given: Path, tmp_path: Path) -> None:
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    (given / "text_cond.pt").write_bytes((given / "image_cond.pt").read_bytes())
    with pytest.raises(ReifyError, match=r"isn't text_cond\.pt: its SHA-256 is another one"):
        keeping.import_from(small["SHAP_E_TEXT"], given, environment, job=Job())
    files = (replace(small["SHAP_E_TEXT"].files[0], sha256=sha256_of(given / "text_cond.pt")), small["SHAP_E_TEXT"].files[1])
    with pytest.raises(ReifyError, match="it isn't Shap-E"):
        keeping.import_from(replace(small["SHAP_E_TEXT"], files=files), given, environment, job=Job())


def test_making_the_object_can_be_canceled_between_two_steps(original, small, given: Path, tmp_path: Path) -> None:
    from reify.backend.networks import implicit
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    keeping.import_from(small["SHAP_E_TEXT"], given, environment, job=Job())
    job = Job(environment, lambda event: job.cancel() if isinstance(event, Progress) and event.fraction > 0.3 else None)
    with pytest.raises(Cancelled):
        implicit.latents_of_seen(original["vector"].numpy(), FEW, 0, job=job)


def _check(mesh, size_m: float) -> None:
    found = analyze(mesh)
    assert found.non_manifold_edges == 0 and found.flipped_edges == 0
    assert mesh.vertex_srgb is not None and mesh.vertex_srgb.std() > 0.01
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert abs(low[2]) < 0.1 * size_m and max(high[0] - low[0], high[2] - low[2]) == pytest.approx(size_m, rel=0.1)
