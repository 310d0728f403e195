"""Depth Anything v2: names and shapes of the published checkpoint, numbers of a tiny one against the original, from picture to disparity.

`data/networks/depth_anything.safetensors` was written by the original, DepthAnything/Depth-Anything-V2 a561b84, at the sizes of `tiny`
with random weights: its arrays ("w." before their names), a picture, and what became of it. `data/manifests/depth_anything.json` holds
the names and shapes of the original's small network.
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
from reify.backend.networks.library.catalog import DEPTH_ANYTHING
from reify.backend.values import Pictures

torch = pytest.importorskip("torch")

DATA = Path(__file__).resolve().parents[1] / "data"
LEAST_PX = 56  # of the tiny one's pictures


@pytest.fixture(scope="module")
def original():
    from safetensors.torch import load_file

    return load_file(DATA / "networks" / "depth_anything.safetensors")


@pytest.fixture(scope="module")
def tiny():
    from reify.backend.networks.depth_anything import Shape
    from reify.backend.networks.parts.vision import Size

    return Shape(Size(16, 4, 2, 14, 4), (0, 1, 2, 3), (6, 8, 10, 12), 8)


@pytest.fixture(scope="module")
def network(original, tiny):
    from reify.backend.networks import depth_anything

    made = depth_anything.DepthAnything(tiny)
    published = {name.removeprefix("w."): array for name, array in original.items() if name.startswith("w.")}
    made.load_state_dict(depth_anything.ours(published))
    return made.eval()


def test_names_and_shapes_are_those_of_the_published_checkpoint() -> None:
    from reify.backend.networks import depth_anything

    shapes = json.loads((DATA / "manifests" / "depth_anything.json").read_text("utf-8"))
    with torch.device("meta"):
        mapped = depth_anything.ours({name: torch.empty(shape) for name, shape in shapes.items()})
        made = depth_anything.DepthAnything()
    assert {name: array.shape for name, array in mapped.items()} == {name: array.shape for name, array in made.state_dict().items()}
    assert sum(each.numel() for each in made.parameters()) == DEPTH_ANYTHING.parameters
    whole = sum(4 * int(np.prod(shape)) for shape in shapes.values())
    assert 0 < DEPTH_ANYTHING.bytes - whole < 200_000  # what a checkpoint adds to its arrays


@pytest.mark.parametrize(
    ("size", "scaled"),  # width and height, and what the original makes of them
    [
        ((1920, 1080), (924, 518)),
        ((1080, 1920), (518, 924)),
        ((518, 518), (518, 518)),
        ((100, 333), (518, 1722)),
        ((400, 300), (686, 518)),
        ((777, 1000), (518, 672)),
        ((1000, 519), (994, 518)),
    ],
)
def test_pictures_are_scaled_to_the_original_s_sizes(size: tuple[int, int], scaled: tuple[int, int]) -> None:
    from reify.backend.networks.depth_anything import prepared

    assert tuple(prepared(np.zeros((size[1], size[0], 3), np.uint8), 14).shape[:1:-1]) == scaled


def test_numbers_agree_with_the_original_from_the_picture_to_the_disparity(original, network) -> None:
    from reify.backend.networks import depth_anything
    from reify.backend.networks.parts import vision

    srgb = original["rgb"].numpy()
    mean, spread = (torch.tensor(each)[:, None, None] for each in (vision.MEAN, vision.SPREAD))
    prepared = (depth_anything.prepared(srgb, 14, LEAST_PX) - mean) / spread
    assert (prepared - original["prepared"]).abs().max() < 1e-4
    found = depth_anything.disparity(srgb, network, least_px=LEAST_PX)
    whole = torch.nn.functional.interpolate(torch.from_numpy(found)[None, None], srgb.shape[:2], mode="bilinear", align_corners=True)[0, 0]
    assert (whole - original["disparity"]).abs().max() < 1e-4 < 0.01 * found.std()


def test_a_checkpoint_in_the_published_layout_becomes_a_relief_of_what_isn_t_transparent(
    original, tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image
    from reify.backend.methods import image
    from reify.backend.networks import depth, depth_anything
    from reify.backend.networks.library import catalog, keeping, places
    from reify.backend.networks.library.entry import File

    checkpoint = tmp_path / "given" / DEPTH_ANYTHING.files[0].name
    checkpoint.parent.mkdir()
    torch.save({name.removeprefix("w."): array for name, array in original.items() if name.startswith("w.")}, checkpoint)
    file = File(checkpoint.name, checkpoint.stat().st_size, places.sha256_of(checkpoint), DEPTH_ANYTHING.files[0].mirrors)
    entry = dataclasses.replace(DEPTH_ANYTHING, files=(file,))
    full = depth_anything.DepthAnything
    monkeypatch.setattr(depth_anything, "DepthAnything", lambda: full(tiny))
    for module in (catalog, image, depth):
        monkeypatch.setattr(module, "DEPTH_ANYTHING", entry)
    monkeypatch.setitem(image.NETWORKS, "depth_anything", ((entry,), *image.NETWORKS["depth_anything"][1:]))
    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    alpha = np.zeros((45, 80, 1), np.uint8)
    alpha[5:40, 10:60] = 255
    Image.fromarray(np.dstack([original["rgb"].numpy(), alpha])).save(tmp_path / "scene.png")
    settings = image.Settings(method="depth_anything", size_m=2.0, faces=1000)
    with pytest.raises(ReifyError, match="depth_anything.*Apache-2.0") as refusal:
        image.METHOD.perform(Pictures((tmp_path / "scene.png",)), settings, Job(environment))
    assert "reify models get depth_anything" in refusal.value.fix
    keeping.import_from(entry, checkpoint.parent, environment, job=Job())
    mesh = image.METHOD.perform(Pictures((tmp_path / "scene.png",)), settings, Job(environment)).mesh
    assert mesh is not None and mesh.uvs is not None
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert low[2] == pytest.approx(0.0, abs=1e-6) and (high - low)[[0, 2]].max() == pytest.approx(2.0, rel=1e-5)
    assert mesh.textures["base_color"].shape[:2] == (45, 66)  # the subject's, with a margin
    Image.fromarray(original["rgb"].numpy()).save(tmp_path / "opaque.png")
    whole = image.METHOD.perform(Pictures((tmp_path / "opaque.png",)), settings, Job(environment)).mesh
    assert whole is not None and whole.textures["base_color"].shape[:2] == (45, 80)
