"""TRELLIS: names and shapes of the published checkpoints, numbers of tiny ones against the original, from the picture to the decoders.

`data/networks/trellis.safetensors` was written by the original, microsoft/TRELLIS 6b0d647 with facebookresearch/dinov2 b8931f7, at the
sizes of TINY with random weights in half precision: its arrays (a file's name before theirs), a picture, and what became of it. Its
convolutions and attention of sparse tensors ran through dense grids and window by window, since the packages that it takes them from are
compiled ones; what its decoders' channels become afterwards was left out. `data/manifests/trellis.json` holds types and shapes of the
original at its published configurations.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.mesh.analyze import analyze
from reify.backend.networks.library.entry import File
from reify.backend.networks.library.places import sha256_of
from reify.backend.networks.structured import StructuredSettings
from reify.backend.values import Picture

from .care import check_care

torch = pytest.importorskip("torch")

DATA = Path(__file__).resolve().parents[1] / "data"
SEED = 11
NETWORKS = {"ss_flow": "StructureFlow", "ss_dec": "StructureDecoder", "slat_flow": "LatentFlow"}
DECODERS = {"slat_dec_mesh": "MeshDecoder", "slat_dec_gs": "GaussianDecoder"}


@pytest.fixture(scope="module")
def original():
    from safetensors.torch import load_file

    return load_file(DATA / "networks" / "trellis.safetensors")


@pytest.fixture(scope="module")
def tiny():
    from reify.backend.networks.parts.vision import Size
    from reify.backend.networks.trellis import Shape

    eye = Size(24, 2, 2, 14, 5)
    return Shape(eye, 4, 4, 32, 2, 2, 16, (16, 8, 8), 32, 2, 2, 4, 4, 3)


@pytest.fixture(scope="module")
def networks(original, tiny):
    """The tiny networks by their files' names, in float32."""
    from reify.backend.networks import trellis
    from reify.backend.networks.parts.vision import DINOV2_REGISTERS, VisionTransformer, from_dinov2

    made = {}
    for name, kind in {**NETWORKS, **DECODERS}.items():
        shape = replace(tiny, decoder_width=64) if name == "slat_dec_mesh" else tiny
        made[name] = getattr(trellis, kind)(shape)
        made[name].load_state_dict(trellis.ours(_published(original, name)))
    made["eye"] = VisionTransformer(tiny.eye, DINOV2_REGISTERS)
    made["eye"].load_state_dict(from_dinov2(_published(original, "eye")))
    return {name: network.eval().requires_grad_(False) for name, network in made.items()}


@pytest.fixture(scope="module")
def picture(original) -> Picture:
    rgba = original["rgba"].numpy()
    return Picture("spots", np.ascontiguousarray(rgba[..., :3]), rgba[..., 3].astype(np.float32) / 255)


@pytest.fixture(scope="module")
def generator():
    return lambda: torch.Generator().manual_seed(SEED)


def _published(original, name: str):
    return {each.removeprefix(f"{name}."): array for each, array in original.items() if each.startswith(f"{name}.")}


def _quiet(fraction: float) -> None:
    pass


def _euler():
    from reify.backend.networks.parts.samplers import Euler

    return Euler(steps=5, guidance=5.0, interval=(0.5, 1.0), rescale=3.0)


@pytest.mark.parametrize("name", [*NETWORKS, *DECODERS])
def test_names_and_shapes_are_those_of_the_published_checkpoint(name: str) -> None:
    from reify.backend.networks import trellis

    published = json.loads((DATA / "manifests" / "trellis.json").read_text("utf-8"))
    (about,) = (arrays for file, arrays in published.items() if file.startswith(name))
    arrays = {each: torch.empty(shape, dtype=getattr(torch, kind), device="meta") for each, (kind, *shape) in about.items()}
    mapped = {each: (tuple(array.shape), array.dtype) for each, array in trellis.ours(arrays).items()}
    with torch.device("meta"):
        made = getattr(trellis, {**NETWORKS, **DECODERS}[name])()
    assert {each: shape for each, (shape, _) in mapped.items()} == {each: tuple(array.shape) for each, array in made.state_dict().items()}
    assert {kind for _, kind in mapped.values()} == {torch.float32, torch.float16}


def test_the_picture_is_prepared_as_the_original_does(original, picture: Picture) -> None:
    from reify.backend.networks import trellis

    assert np.array_equal(trellis.squared(picture, 70), original["squared"].numpy())


def test_numbers_agree_with_the_original_from_the_picture_to_the_latents(original, networks, picture: Picture, generator, tiny) -> None:
    from reify.backend.networks import trellis

    tokens = trellis.seen(picture, networks["eye"], _quiet)
    assert np.abs(tokens - original["tokens"].numpy()).max() < 1e-4
    noise = generator()
    structure = trellis.structure_latents([tokens], networks["ss_flow"], noise, tiny.coarse, _euler(), _quiet)
    assert np.abs(structure - original["structure"].numpy()).max() < 1e-4 < 1e-3 * structure.std()
    places = trellis.places_of(structure, networks["ss_dec"])
    assert np.array_equal(places, original["places"].numpy())
    latents = trellis.latents_at(places, [tokens], networks["slat_flow"], noise, _euler(), _quiet)
    assert np.abs(latents - original["latents"].numpy()).max() < 1e-4 < 1e-3 * latents.std()


def test_several_pictures_take_turns_as_in_the_original(original, networks, picture: Picture, generator, tiny) -> None:
    from reify.backend.networks import trellis

    tokens = trellis.seen(picture, networks["eye"], _quiet)
    square = trellis.squared(picture, 70)[:, ::-1]
    turned = Picture("turned", np.ascontiguousarray(square), np.zeros(square.shape[:2], np.float32))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trellis, "squared", lambda given, side: given.srgb)
        both = [tokens, trellis.seen(turned, networks["eye"], _quiet)]
    structure = trellis.structure_latents(both, networks["ss_flow"], generator(), tiny.coarse, _euler(), _quiet)
    assert np.abs(structure - original["structure_turns"].numpy()).max() < 1e-4
    assert np.abs(structure - original["structure"].numpy()).max() > 0.1


def test_decoders_agree_with_the_original(original, networks) -> None:
    from reify.backend.networks import trellis

    voxels = trellis.voxels_at(original["places"].numpy(), torch.device("cpu"))
    with torch.inference_mode():
        cubes, places = networks["slat_dec_mesh"](original["latents"], voxels, _quiet)
    assert torch.equal(places[::16].int(), original["cube_places"])
    assert (cubes[::16] - original["cubes"]).abs().max() < 1e-4 < 1e-4 * cubes.std()


def test_gaussians_are_those_of_the_original_at_the_published_scales(original, networks) -> None:
    from reify.backend.networks import trellis

    places = original["places"].numpy()
    voxels, decoder = trellis.voxels_at(places, torch.device("cpu")), networks["slat_dec_gs"]
    with torch.inference_mode():
        numbers = decoder(original["latents"], voxels, _quiet).numpy()
    splats = trellis.splats_of(numbers, places, decoder.perturbation.numpy(), 16)
    given = {each: array.numpy().astype(np.float64) for each, array in _published(original, "gaussians").items()}
    assert np.abs(splats.means - (given["means"] - 0.5)).max() < 1e-5
    assert np.abs(splats.sh[:, 0] - given["dc"][:, 0]).max() < 1e-4
    turned = given["quats"] + [1, 0, 0, 0]
    assert np.abs(splats.quats - turned / np.linalg.norm(turned, axis=1, keepdims=True)).max() < 1e-4
    assert np.abs(splats.opacity_logits - given["opacities"][:, 0] - np.log(0.1 / 0.9)).max() < 1e-4
    raw = given["scales"] + np.log(np.expm1(0.004))
    assert np.abs(np.exp(splats.log_scales) - np.sqrt(np.log1p(np.exp(raw)) ** 2 + 0.0009**2)).max() < 1e-5


def test_a_decoder_that_is_silent_makes_its_voxels_solid_and_its_gaussians_small_and_faint() -> None:
    from reify.backend.networks import trellis
    from reify.backend.surface.flexible import Cubes, flexible_surface

    places = np.argwhere(np.ones((4, 4, 4), bool)) + 3
    mesh = flexible_surface(Cubes(places, **trellis.cubes_of(np.zeros((64, trellis.CUBE), np.float32), 16)))
    assert analyze(mesh).non_manifold_edges == 0 and analyze(mesh).boundary_edges == 0
    assert np.allclose([mesh.vertices.min(), mesh.vertices.max()], [3, 7], atol=0.2) and np.allclose(mesh.vertex_srgb, 0.5)
    splats = trellis.splats_of(np.zeros((64, 28), np.float32), places, np.zeros((2, 3)), 16)
    assert np.allclose(splats.means[::2], (places + 0.5) / 16 - 0.5) and np.allclose(splats.quats, [1, 0, 0, 0])
    assert np.allclose(np.exp(splats.log_scales), 0.0041, atol=1e-5) and np.allclose(1 + np.exp(-splats.opacity_logits), 10)


def test_numbers_of_cubes_have_their_published_order() -> None:
    from reify.backend.networks import trellis
    from reify.backend.surface.marching import EDGES

    said = trellis.cubes_of(np.arange(trellis.CUBE, dtype=np.float32)[None] / 100, 256)
    assert np.allclose(said["distances"], np.arange(8) / 100 - 1 / 256)
    assert np.allclose(np.arctanh(2 * said["moves"].ravel()), np.arange(8, 32) / 100)
    published = ((0, 1), (1, 5), (4, 5), (0, 4), (2, 3), (3, 7), (6, 7), (2, 6), (0, 2), (1, 3), (5, 7), (4, 6))
    numbers = 100 * np.arctanh((said["edge_weights"][0] - 1) / 0.99) - 32
    for (corner, axis), number in zip(EDGES, numbers.round().astype(int), strict=True):
        assert published[number] == (corner, corner | 1 << axis)
    assert np.allclose(np.arctanh((said["corner_weights"] - 1) / 0.99), np.arange(44, 52) / 100)
    assert np.allclose(said["fold_weights"], 0.99 / (1 + np.exp(-0.52)) + 0.005)
    assert np.allclose(said["colors"][0, 1], 1 / (1 + np.exp(-np.arange(59, 62) / 100)))


@pytest.fixture
def given(original, tmp_path: Path) -> Path:
    """A folder with tiny checkpoints in the published layout: the flows' and decoders' files, and DINOv2's."""
    from reify.backend.networks.library.catalog import DINOV2_LARGE, TRELLIS
    from safetensors.torch import save_file

    folder = tmp_path / "given"
    folder.mkdir()
    for file in TRELLIS.files:
        (name,) = (each for each in {**NETWORKS, **DECODERS} if file.name.startswith(each))
        save_file(_published(original, name), folder / file.name)
    torch.save(_published(original, "eye"), folder / DINOV2_LARGE.files[0].name)
    return folder


@pytest.fixture
def small(given: Path, tiny, monkeypatch: pytest.MonkeyPatch):
    """Entries of these files, and the networks at their sizes."""
    from reify.backend.methods import image
    from reify.backend.networks import dinov2, structured, trellis
    from reify.backend.networks.library.catalog import DINOV2_LARGE, TRELLIS
    from reify.backend.networks.parts.vision import DINOV2_REGISTERS, VisionTransformer

    entries = {}
    for name, entry in (("TRELLIS", TRELLIS), ("DINOV2_LARGE", DINOV2_LARGE)):
        paths = [given / file.name for file in entry.files]
        files = [File(path.name, path.stat().st_size, sha256_of(path), ()) for path in paths]
        entries[name] = replace(entry, files=tuple(files))
        for module in (image, structured):
            monkeypatch.setattr(module, name, entries[name])
    monkeypatch.setattr(trellis, "Shape", lambda: tiny)
    for kind in NETWORKS.values():
        full = getattr(trellis, kind)
        monkeypatch.setattr(trellis, kind, lambda full=full: full(tiny))
    mesh_decoder = trellis.MeshDecoder
    monkeypatch.setattr(trellis, "MeshDecoder", lambda: mesh_decoder(replace(tiny, decoder_width=64)))
    monkeypatch.setattr(dinov2, "large", lambda: VisionTransformer(tiny.eye, DINOV2_REGISTERS))
    return entries


def test_a_checkpoint_in_the_published_layout_becomes_a_mesh_that_stands_on_the_floor(
    original, small, given: Path, picture: Picture, tmp_path: Path
) -> None:
    from reify.backend.methods import image
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    settings = image.Settings(size_m=2.0, faces=3000, trellis=StructuredSettings(steps=5))
    with pytest.raises(ReifyError, match=r"weights of TRELLIS aren't there\. Get TRELLIS in Reify's Models panel, or by `reify models get"):
        image._learned(picture, settings, "trellis", Job(environment))
    keeping.import_from(small["TRELLIS"], given, environment, job=Job())
    with pytest.raises(ReifyError, match=r"weights of DINOv2 Large aren't there"):
        image._learned(picture, settings, "trellis", Job(environment))
    keeping.import_from(small["DINOV2_LARGE"], given, environment, job=Job())
    mesh = image._learned(picture, settings, "trellis", Job(environment, seed=SEED))
    check_care(mesh, 2.0, settings.faces)


def test_stages_together_are_the_original_for_a_seed_and_another_seed_is_another_object(
    original, small, given: Path, picture: Picture, tmp_path: Path
) -> None:
    from reify.backend.networks import structured
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    for entry in small.values():
        keeping.import_from(entry, given, environment, job=Job())
    job = Job(environment)
    tokens = structured.tokens_of_picture(picture, job=job)
    settings = StructuredSettings(steps=5)
    places = structured.places_of_tokens(tokens, settings, SEED, job=job)
    assert np.array_equal(places, original["places"].numpy())
    latents = structured.latents_of_tokens(tokens, places, settings, SEED, job=job)
    assert np.abs(latents - original["latents"].numpy()).max() < 1e-4
    other = structured.latents_of_tokens(tokens, places, settings, SEED + 1, job=job)
    assert np.abs(other - latents).max() > 0.1
    assert np.array_equal(structured.latents_of_tokens(tokens, places, settings, SEED, job=job), latents)


@pytest.fixture
def ready(small, given: Path, tmp_path: Path) -> Environment:
    """With the tiny checkpoints imported, and a cache."""
    from reify.backend.networks.library import keeping

    environment = Environment(cache=Cache(tmp_path / "cache"), user_folder=tmp_path / "user", device="cpu")
    for entry in small.values():
        keeping.import_from(entry, given, environment, job=Job())
    return environment


@pytest.fixture
def looked(ready: Environment, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the networks were called, by their names."""
    from reify.backend.networks import trellis
    from reify.backend.networks.parts.vision import VisionTransformer

    counted: Counter[str] = Counter()

    def counting(kind, name: str) -> None:
        method = getattr(kind, name)

        def called(*inputs, **named):
            counted[kind.__name__] += 1
            return method(*inputs, **named)

        monkeypatch.setattr(kind, name, called)

    counting(VisionTransformer, "after")
    for name in ("StructureFlow", "LatentFlow", "MeshDecoder"):
        counting(type(getattr(trellis, name)()), "forward")
    return counted


def test_a_new_seed_does_not_look_again_and_another_mesh_does_not_sample_again(ready: Environment, looked, picture: Picture) -> None:
    from reify.backend.methods import image

    def made(seed: int, **changes):
        looked.clear()
        settings = replace(image.Settings(size_m=2.0, faces=3000, baked_px=128, trellis=StructuredSettings(steps=5)), **changes)
        return image._learned(picture, settings, "trellis", Job(ready, seed=seed))

    first = made(SEED)
    assert looked["VisionTransformer"] == 1 and looked["MeshDecoder"] == 1
    assert min(looked["StructureFlow"], looked["LatentFlow"]) >= 5
    other = made(SEED + 1)
    assert looked["VisionTransformer"] == 0 and min(looked["StructureFlow"], looked["LatentFlow"]) >= 5
    assert other.vertices.shape != first.vertices.shape or np.abs(other.vertices - first.vertices).max() > 0.01
    for changes in ({"faces": 1000}, {"size_m": 0.3}, {"baked_px": 0}, {}):
        again = made(SEED, **changes)
        assert not looked, changes
    assert np.array_equal(again.vertices, first.vertices)
    made(SEED, trellis=StructuredSettings(steps=6))
    assert looked["VisionTransformer"] == 0 and looked["StructureFlow"] >= 6


def test_little_memory_is_answered_by_smaller_weights_and_the_report_says_so(ready: Environment, picture: Picture) -> None:
    from reify.backend.methods import image

    settings = image.Settings(method="trellis", faces=3000, baked_px=128, trellis=StructuredSettings(steps=5))
    assert "with weights as int8 (slower, and a little less exact), because 0.0 GB are free" in image.planned(
        settings, replace(ready, memory_bytes=1)
    )
    job = Job(replace(ready, cache=None, memory_bytes=1), seed=SEED)
    check_care(image._learned(picture, settings, "trellis", job), 1.0, 3000)
    told = [choice for what, choice in job.report.choices.items() if what.startswith("weights of TRELLIS")]
    assert len(told) == 4 and all(choice.startswith("held as int8") for choice in told)


def test_a_file_with_another_networks_arrays_is_told(small, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reify.backend.networks import structured
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    flow, decoder, *_ = structured.FILES.values()
    (given / flow).write_bytes((given / decoder).read_bytes())
    swapped = [File(file.name, (given / file.name).stat().st_size, sha256_of(given / file.name), ()) for file in small["TRELLIS"].files]
    monkeypatch.setattr(structured, "TRELLIS", replace(small["TRELLIS"], files=tuple(swapped)))
    keeping.import_from(structured.TRELLIS, given, environment, job=Job())
    with pytest.raises(ReifyError, match="doesn't hold the weights of this model"):
        structured.places_of_tokens(np.zeros((30, 24), np.float32), StructuredSettings(steps=4), 0, job=Job(environment))


def test_a_run_can_be_canceled_between_two_networks_runs(small, given: Path, tmp_path: Path) -> None:
    from reify.backend.networks import structured
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    keeping.import_from(small["TRELLIS"], given, environment, job=Job())
    heard = []

    class Told(Job):
        def progress(self, fraction: float, text: str = "", **figures: object) -> None:
            heard.append(fraction)
            if len(heard) == 6:
                raise Cancelled

    with pytest.raises(Cancelled):
        structured.places_of_tokens(np.zeros((30, 24), np.float32), StructuredSettings(steps=50), 0, job=Told(environment))
    assert heard == sorted(heard) and heard[-1] < 0.1


def test_the_entries_are_those_of_the_networks() -> None:
    from reify.backend.networks import dinov2, structured, trellis
    from reify.backend.networks.library.catalog import DINOV2_LARGE, TRELLIS

    published = json.loads((DATA / "manifests" / "trellis.json").read_text("utf-8"))
    width = {"float16": 2, "float32": 4}
    assert {file.name for file in TRELLIS.files} == set(structured.FILES.values())
    for file in TRELLIS.files:
        arrays = published[file.name.removesuffix(".safetensors")].values()
        whole = sum(width[kind] * int(np.prod(shape)) for kind, *shape in arrays)
        assert 0 < file.bytes - whole < 80_000, "what the header of a file takes"
    with torch.device("meta"):
        networks = [getattr(trellis, kind)() for kind in structured.FILES]
        eye = dinov2.large()
    counts = [sum(each.numel() for each in network.parameters()) for network in networks]
    assert counts == [stage.parameters for stage in TRELLIS.stages] and sum(counts) == TRELLIS.parameters
    assert sum(each.numel() for each in eye.parameters()) == DINOV2_LARGE.parameters
