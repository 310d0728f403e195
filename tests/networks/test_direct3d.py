"""Direct3D: names and shapes of the original at full size, numbers of a tiny one against it from the picture to the field.

`data/networks/direct3d.safetensors` was written by the original, DreamTechAI/Direct3D e786532 with diffusers 0.30.3 and transformers
4.40.2, with random weights: its arrays ("w.", the part, "."), its configuration, a picture, and what became of it; CLIP's arrays are those
of `tiny_point_e`. Two things of the original weren't run: the file that looks up planes, since its code comes from elsewhere under
another license (planes over x and y, x and z, z and y were looked up by torch's own function), and the sampler of the
published configuration, which couldn't be had: the paper's DDIM took its place. `data/manifests/direct3d.json` holds the names and
shapes of the original at sizes assumed after the paper, since the published configuration couldn't be read: another one that names other
sizes is followed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.mesh.analyze import analyze
from reify.backend.networks.library.entry import Entry
from reify.backend.networks.library.places import sha256_of
from reify.backend.networks.occupancy import OccupancySettings
from reify.backend.values import Picture

from . import tiny_point_e

torch = pytest.importorskip("torch")

DATA = Path(__file__).resolve().parents[1] / "data"
SEED = 11
FEW = OccupancySettings(steps=6, cells=32)


@pytest.fixture(scope="module")
def original():
    from safetensors.torch import load_file

    return load_file(DATA / "networks" / "direct3d.safetensors")


@pytest.fixture(scope="module")
def configuration(original) -> str:
    return bytes(original["config"].numpy()).decode()


@pytest.fixture(scope="module")
def networks(original, configuration):
    """The denoiser and the decoder, tiny, in float32."""
    from reify.backend.networks import direct3d

    shape = direct3d.shape_of(configuration)
    arrays = direct3d.renamed({part: _published(original, part) for part in ("vae", "dit")})
    made = {"denoiser": direct3d.Denoiser(shape), "decoder": direct3d.Decoder(shape)}
    for name, network in made.items():
        network.load_state_dict({each.removeprefix(f"{name}."): array for each, array in arrays.items() if each.startswith(name)})
        network.eval().requires_grad_(False)
    return made


@pytest.fixture(scope="module")
def eyes(original):
    """CLIP's and DINOv2's, tiny."""
    from reify.backend.networks import clip

    eye = clip.Eye(tiny_point_e.clip_shape(1))
    named = {clip.ours(name): array for name, array in tiny_point_e.named(tiny_point_e.original(), "clip").items()}
    eye.load_state_dict({name.removeprefix("eye."): array for name, array in named.items() if name.startswith("eye.")})
    dino = _small_dino()
    from reify.backend.networks.parts.vision import from_dinov2

    dino.load_state_dict(from_dinov2(_published(original, "eye")))
    return eye.eval(), dino.eval()


@pytest.fixture(scope="module")
def picture(original) -> Picture:
    rgba = original["rgba"].numpy()
    return Picture("spots", np.ascontiguousarray(rgba[..., :3]), rgba[..., 3].astype(np.float32) / 255)


def _published(original, part: str):
    return {name.removeprefix(f"w.{part}."): array for name, array in original.items() if name.startswith(f"w.{part}.")}


def _small_dino():
    from reify.backend.networks.parts.vision import DINOV2, Size, VisionTransformer

    return VisionTransformer(Size(24, 2, 2, 14, 5), DINOV2)


def _quiet(fraction: float) -> None:
    pass


def test_names_and_shapes_are_those_of_the_original_at_full_size() -> None:
    from reify.backend.networks import dinov2, direct3d
    from reify.backend.networks.library.catalog import DINOV2_LARGE_PLAIN, DIRECT3D
    from reify.backend.networks.occupancy import OCCUPANCY_PEAK_BYTES

    published = json.loads((DATA / "manifests" / "direct3d.json").read_text("utf-8"))
    parts: dict[str, dict[str, object]] = {"vae": {}, "dit": {}}
    for name, shape in published.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = torch.empty(shape, device="meta")
    mapped = {name: tuple(array.shape) for name, array in direct3d.renamed(parts).items()}
    with torch.device("meta"):
        made = {"denoiser": direct3d.Denoiser(), "decoder": direct3d.Decoder()}
        eye = dinov2.large_plain()
    assert mapped == {f"{part}.{name}": tuple(a.shape) for part, each in made.items() for name, a in each.state_dict().items()}
    counts = [sum(each.numel() for each in network.parameters()) for network in made.values()]
    assert counts == [stage.parameters for stage in DIRECT3D.stages] and sum(counts) == DIRECT3D.parameters
    assert sum(each.numel() for each in eye.parameters()) == DINOV2_LARGE_PLAIN.parameters
    whole = sum(4 * int(np.prod(shape)) for shape in published.values())
    assert 0 < DIRECT3D.bytes - whole < 200_000 and 4 * max(counts) < OCCUPANCY_PEAK_BYTES


def test_the_picture_is_prepared_as_the_original_does(original, picture: Picture) -> None:
    from reify.backend.networks import direct3d

    assert np.array_equal(direct3d.squared(picture), original["squared"].numpy())
    with pytest.raises(ReifyError, match="no subject"):
        direct3d.squared(replace(picture, coverage=np.zeros_like(picture.coverage)))


def test_numbers_agree_with_the_original_from_the_picture_to_the_field(original, networks, eyes, picture: Picture) -> None:
    from reify.backend.networks import direct3d

    shape = networks["denoiser"].shape
    semantic = direct3d.seen_by_clip(picture, eyes[0], shape.clip_px)
    pixels = direct3d.seen_by_dino(picture, eyes[1], shape.dino_px, _quiet)
    assert np.abs(semantic - original["semantic"].numpy()).max() < 1e-4 < 1e-3 * semantic.std()
    assert np.abs(pixels - original["pixels"].numpy()).max() < 1e-4 < 1e-3 * pixels.std()
    for guidance, name in ((4.0, "latents"), (0.0, "unguided")):
        latents = direct3d.latents_of(semantic, pixels, networks["denoiser"], SEED, 6, guidance, _quiet)
        assert np.abs(latents - original[name].numpy()).max() < 1e-4 < 1e-3 * latents.std()
    planes = direct3d.planes_of(original["latents"].numpy(), networks["decoder"], _quiet)
    assert (planes - original["planes"]).abs().max() < 1e-4 < 1e-3 * planes.std()
    with torch.inference_mode():
        logits = networks["decoder"].at(planes, original["points"])
    assert (logits - original["logits"]).abs().max() < 1e-4 < 1e-3 * logits.std()


def test_another_seed_is_another_object(original, networks) -> None:
    from reify.backend.networks import direct3d

    given = (original["semantic"].numpy(), original["pixels"].numpy(), networks["denoiser"])
    first, again, other = (direct3d.latents_of(*given, seed, 4, 4.0, _quiet) for seed in (3, 3, 4))
    assert np.array_equal(first, again) and np.abs(first - other).max() > 0.1


def test_a_field_whose_planes_hold_a_slope_each_is_that_of_a_box() -> None:
    """Planes of (column, row) that hold |a| and |b| of their axes, under layers that take the largest: a box of three half edges."""
    from reify.backend.networks import direct3d

    shape = direct3d.Shape(planes=2, field_depth=3, width=16, heads=2, depth=1, inside=32, widths=(32,))
    decoder = direct3d.Decoder(shape)
    side, half = 64, (0.5, 0.7, 0.3)
    middles = (torch.arange(side) + 0.5) / side * 2 - 1
    columns, rows = middles.abs().expand(side, side), middles.abs()[:, None].expand(side, side)
    planes = torch.stack([torch.stack([columns / half[a], rows / half[b]]) for a, b in ((0, 1), (0, 2), (2, 1))])
    with torch.no_grad():
        for layer in decoder.field:
            layer.weight.zero_(), layer.bias.zero_()
        for axis, channels in enumerate(((0, 2), (1, 5), (3, 4))):  # of x, y, z: each is in two of the planes
            decoder.field[0].weight[axis, list(channels)] = 0.5
        first, last = decoder.field[1].weight, decoder.field[2]
        first[0, 0], first[0, 1], first[1, 1], first[2, 2] = 1, -1, 1, 1  # max(x, y) = relu(x - y) + y
        last.weight[0, :2], last.bias[0] = -1, 1
        points = torch.rand(500, 3, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9
        scaled = points.abs() / torch.tensor(half)
        found = decoder.at(planes, points)
        assert (found - (1 - scaled[:, :2].amax(dim=1))).abs().max() < 0.05
        last.weight[0, :2], last.weight[0, 2] = 0, -1
        assert (decoder.at(planes, points) - (1 - scaled[:, 2])).abs().max() < 0.05


def test_samplers_agree_with_diffusers_or_are_refused(original) -> None:
    from reify.backend.networks.parts.samplers import Schedule, undiffused

    cases = json.loads(bytes(original["ddim_cases"].numpy()))
    for number, case in enumerate(cases[:-1]):
        found = undiffused(lambda x, time: torch.tanh(x) * (1 + time / 2000), original["ddim_noise"], Schedule.named(case), 7, _quiet)
        assert (found - original[f"ddim_{number}"]).abs().max() < 1e-4 * original[f"ddim_{number}"].std()
    for refused in (cases[-1], {"beta_schedule": "squaredcos_cap_v2"}, {"prediction_type": "score"}):
        with pytest.raises(ValueError, match="isn't known"):
            Schedule.named(refused)


def test_a_configuration_says_the_sizes_and_another_network_is_refused(configuration: str) -> None:
    from reify.backend.networks.direct3d import Shape, shape_of
    from reify.backend.networks.parts.samplers import Schedule

    shape = shape_of(configuration)
    assert (shape.side, shape.latents, shape.widths, shape.width, shape.bias) == (4, 4, (32, 64), 16, True)
    assert (shape.clip_px, shape.scale, shape.schedule.prediction_type) == (28, 0.5, "v_prediction")
    assert shape_of("scheduler:\n  target: diffusers.DDIMScheduler\n") == Shape(schedule=Schedule())
    for text, said in (
        (configuration.replace("DDIMScheduler", "UniPCMultistepScheduler"), "sampler diffusers.UniPCMultistepScheduler isn't known"),
        (configuration.replace("latent_dim: 4", "final_activation: tanh"), "layers that aren't known"),
        ("vae: 3\nscheduler:\n", "isn't Direct3D's"),
        ("what is this", "configuration can't be read"),
    ):
        with pytest.raises(ValueError, match=said):
            shape_of(text)


@pytest.fixture
def given(original, configuration: str, tmp_path: Path) -> Path:
    """A folder with tiny checkpoints in the published layout: Direct3D's, CLIP's and DINOv2's."""
    folder = tmp_path / "given"
    folder.mkdir()
    tiny_point_e.write_checkpoints(tiny_point_e.original(), folder, 0.0)
    (folder / "config.yaml").write_text(configuration)
    torch.save({part: _published(original, part) for part in ("vae", "dit")}, folder / "model.ckpt")
    torch.save(_published(original, "eye"), folder / "dinov2_vitl14_pretrain.pth")
    return folder


@pytest.fixture
def small(original, given: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Entry]:
    """Entries of these files, and the eyes at their sizes."""
    from reify.backend.methods import image
    from reify.backend.networks import dinov2, direct3d, occupancy
    from reify.backend.networks.library import catalog

    entries = {"CLIP": tiny_point_e.made_small(tiny_point_e.original(), given, monkeypatch)["CLIP"]}
    for name in ("DIRECT3D", "DINOV2_LARGE_PLAIN"):
        entry = getattr(catalog, name)
        paths = [given / file.name for file in entry.files]
        files = [
            replace(file, bytes=path.stat().st_size, sha256=sha256_of(path) if file.sha256 else "")
            for file, path in zip(entry.files, paths, strict=True)
        ]
        entries[name] = replace(entry, files=tuple(files))
    for name, entry in entries.items():
        for module in (image, occupancy):
            monkeypatch.setattr(module, name, entry)
    monkeypatch.setattr(dinov2, "large_plain", _small_dino)
    monkeypatch.setattr(direct3d, "LEVEL", float(original["logits"].median()))
    return entries


def test_a_checkpoint_in_the_published_layout_becomes_a_mesh_that_stands_on_the_floor(
    small: dict[str, Entry], given: Path, picture: Picture, tmp_path: Path
) -> None:
    from reify.backend.methods import image
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    settings = image.Settings(method="direct3d", size_m=2.0, faces=3000, direct3d=FEW)
    with pytest.raises(ReifyError, match=r"weights of Direct3D aren't there\. Get Direct3D in Reify's Models panel, or by `reify"):
        image._learned(picture, settings, "direct3d", Job(environment))
    for entry in small.values():
        keeping.import_from(entry, given, environment, job=Job())
    mesh = image._learned(picture, settings, "direct3d", Job(environment, seed=SEED))
    found = analyze(mesh)
    assert found.non_manifold_edges == 0 and found.flipped_edges == 0 and mesh.vertex_srgb is None
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert abs(low[2]) < 0.1 and max(high[0] - low[0], high[2] - low[2]) == pytest.approx(2.0, rel=0.1)


@pytest.mark.blender
def test_the_command_line_says_what_is_missing_and_then_makes_an_asset(
    original, small: dict[str, Entry], given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import bpy
    from PIL import Image
    from reify import cli
    from reify.backend.device import user_data_folder
    from reify.backend.methods import image
    from reify.backend.networks.library import keeping

    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    drawn, blend = tmp_path / "spots.png", tmp_path / "spots.blend"
    Image.fromarray(original["rgba"].numpy()).save(drawn)
    few = ("--direct3d-steps", "6", "--direct3d-cells", "32", "--faces", "3000")
    command = ["run", "image", str(drawn), "--method", "direct3d", *few, "-o", str(blend)]
    assert cli.main(command) != cli.DONE and not blend.exists()
    said = capsys.readouterr().err
    assert "direct3d (2.7 GB, Apache-2.0)" in said and "`reify models get direct3d`" in said
    monkeypatch.setitem(image.NETWORKS, "direct3d", (tuple(small.values()), image.MESHES, 0))
    environment = Environment(user_folder=user_data_folder())
    for entry in small.values():
        keeping.import_from(entry, given, environment, job=Job())
    assert cli.main(command) == cli.DONE
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert [len(each.data.polygons) > 100 for each in bpy.data.objects if each.type == "MESH"] == [True]


def test_files_of_another_network_are_told(small: dict[str, Entry], given: Path, tmp_path: Path) -> None:
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    config = given / "config.yaml"
    config.write_text(config.read_text().replace("num_layers: 2", "num_layers: 3"))
    with pytest.raises(ReifyError, match="at the sizes of its configuration"):
        keeping.import_from(small["DIRECT3D"], given, environment, job=Job())
    torch.save({"vae": {}}, given / "model.ckpt")
    with pytest.raises(ReifyError, match="lacks the autoencoder or the transformer"):
        keeping.import_from(small["DIRECT3D"], given, environment, job=Job())
    torch.save({"vae": 3}, given / "model.ckpt")
    with pytest.raises(ReifyError, match="something else than networks by name"):
        keeping.import_from(small["DIRECT3D"], given, environment, job=Job())


def test_denoising_can_be_canceled_between_two_steps(original, small: dict[str, Entry], given: Path, tmp_path: Path) -> None:
    from reify.backend.networks import occupancy
    from reify.backend.networks.library import keeping

    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    keeping.import_from(small["DIRECT3D"], given, environment, job=Job())
    heard = []

    class Told(Job):
        def progress(self, fraction: float, text: str = "", **figures: object) -> None:
            heard.append(fraction)
            if len(heard) == 5:
                raise Cancelled

    seen = (original["semantic"].numpy(), original["pixels"].numpy())
    with pytest.raises(Cancelled):
        occupancy.triplane_of_seen(*seen, OccupancySettings(steps=50), 0, job=Told(environment))
    assert heard == sorted(heard) and heard[-1] < 0.2
