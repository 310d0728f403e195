"""Miniatures: trained weights from the picture to the object in Blender, on shapes whose families training didn't see.

`data/networks/miniature_*.safetensors` are test fixtures, written by `python3 dev.py miniatures`: no models for artists.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.mesh.analyze import analyze
from reify.backend.networks.reconstruction import LearnedSettings

torch = pytest.importorskip("torch")

NAMES = ("triposr", "latent_set")
HELD_OUT = ("bed", "cart", "fire truck", "lighthouse", "robot")  # nouns of families that training didn't see
SEED, TURN = 2000, 25.0
LEAST_IOU = {"triposr": 0.12, "latent_set": 0.22}  # mean over these; trained for a quarter of an hour, neither reaches inflation's yet


@pytest.fixture(scope="module")
def unseen():
    from reify.tools.miniatures import shapes

    found = [shapes.generated(noun, SEED) for noun in HELD_OUT]
    assert all(shapes.is_held_out(shape.family) for shape in found)
    return found


def test_a_miniature_is_small() -> None:
    from reify.tools.miniatures import networks

    for name in NAMES:
        with torch.device("meta"):
            network = networks.made(name)
        assert sum(weight.numel() for weight in network.parameters()) < 3e6
        assert networks.kept(name).stat().st_size < 6e6


def test_furniture_belongs_to_the_family_of_its_noun() -> None:
    from reify.tools.miniatures import shapes

    assert shapes.family_of("couch") == shapes.family_of("sofa") == "furniture.sofa"
    assert shapes._furniture_family({"name": "Glass table", "category": "Office"}) == shapes.family_of("table")
    assert shapes._furniture_family({"name": "TV cabinet", "category": "Living room"}) == shapes.family_of("wardrobe")
    assert shapes._furniture_family({"name": "Sitting male", "category": "Characters"}) == "person"


def test_occupancy_fills_a_box_that_lacks_a_side() -> None:
    from reify.backend.networks.triposr import RADIUS
    from reify.tools.miniatures import samples

    corners = np.array([[x, y, z] for x in (-0.4, 0.4) for y in (-0.3, 0.3) for z in (-0.2, 0.2)])
    sides = [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (1, 3, 7, 5)]
    triangles = np.array([(a, b, c) for a, b, c, d in sides for a, b, c in ((a, b, c), (a, c, d))])
    grid, _, _ = samples.occupancy(corners[triangles])
    places = samples.centers()[grid.reshape(-1)]
    cell = 2 * RADIUS / samples.CELLS
    assert (np.abs(places) < np.array([0.4, 0.3, 0.2]) + cell).all()
    assert np.ptp(places, axis=0) == pytest.approx([0.8, 0.6, 0.4], abs=2 * cell)


def test_the_outline_of_the_occupancy_is_that_of_the_picture(unseen) -> None:
    from reify.backend.networks.triposr import BLENDER_FROM_MODEL
    from reify.tools.miniatures import samples

    rgba, bits, _, _ = samples.sample_of(unseen[0], TURN)
    places = samples.centers()[np.unpackbits(bits).astype(bool)] @ BLENDER_FROM_MODEL.T
    camera = samples.camera(samples.PICTURE_PX)
    seen = places @ camera.cam_from_world[0, :3, :3].T + camera.cam_from_world[0, :3, 3]
    columns, rows = (seen[:, :2] / seen[:, 2:] * camera.K[0, 0, 0] + samples.PICTURE_PX / 2).T
    shown_rows, shown_columns = np.nonzero(rgba[..., 3] > 127)
    for found, shown in ((columns, shown_columns), (rows, shown_rows)):
        assert found.min() == pytest.approx(shown.min(), abs=2.0) and found.max() == pytest.approx(shown.max(), abs=2.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_trained_miniature_fills_unseen_families(name: str, unseen) -> None:
    from reify.tools.miniatures import evaluation, samples

    arrays = [samples.sample_of(shape, TURN) for shape in unseen]
    columns = map(np.stack, zip(*arrays, strict=True))
    held_out = samples.Samples(np.array(HELD_OUT), np.array(HELD_OUT), *columns)
    found = evaluation.by_network(evaluation.loaded(name), held_out)
    assert evaluation.iou(found, held_out.grids()).mean() > LEAST_IOU[name]


def test_a_latent_set_becomes_a_closed_mesh(unseen) -> None:
    from reify.backend.networks.triposr import RADIUS
    from reify.backend.surface.learned import surface_of_field
    from reify.tools.miniatures import evaluation, samples

    network = evaluation.loaded("latent_set")
    rgba = samples.sample_of(unseen[1], TURN)[0]
    with torch.inference_mode():
        latents = network.seen(torch.from_numpy(rgba[..., :3]).permute(2, 0, 1)[None].float() / 255)

    def logits(points):
        with torch.inference_mode():
            return network.asked(latents, torch.from_numpy(np.ascontiguousarray(points)).float()[None])[0][0].numpy()

    mesh = surface_of_field(logits, 1.0, RADIUS, 48, job=Job())
    checked = analyze(mesh)
    assert len(mesh.faces) > 200 and checked.non_manifold_edges == 0 and checked.flipped_edges == 0


def test_from_picture_makes_a_colored_object_in_blender_with_trained_weights(
    unseen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bpy = pytest.importorskip("bpy")
    from reify.backend.formats.images import write_png
    from reify.backend.methods import image
    from reify.backend.values import Pictures
    from reify.scene.commit import commit
    from reify.tools.miniatures import samples

    environment = _with_miniature(tmp_path, monkeypatch)
    corners = samples.framed(unseen[2].corners, TURN)
    write_png(tmp_path / "truck.png", samples.picture_of(corners, unseen[2].srgb))
    settings = image.Settings(method="triposr", triposr=LearnedSettings(cells=64), size_m=2.0, faces=4000)
    result = image.METHOD.perform(Pictures((tmp_path / "truck.png",)), settings, Job(environment))
    made = commit(result)
    (thing,) = (each for each in made.all_objects if each.type == "MESH")
    bpy.context.view_layer.update()
    box = np.array(thing.bound_box) @ np.array(thing.matrix_world)[:3, :3].T
    size = np.ptp(box, axis=0)
    assert len(thing.data.polygons) > 200
    assert max(size[0], size[2]) == pytest.approx(2.0, rel=0.1)
    colors = result.mesh.vertex_srgb if result.mesh.vertex_srgb is not None else result.mesh.textures["base_color"] / 255.0
    red = np.asarray(colors).reshape(-1, 3).mean(axis=0)
    assert red[0] > red[2]  # as the truck is


def _with_miniature(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Where TripoSR's entry stands for the miniature, and its weights were imported."""
    from reify.backend.methods import image
    from reify.backend.networks import reconstruction, triposr
    from reify.backend.networks.library import catalog, keeping, places
    from reify.backend.networks.library.catalog import TRIPOSR
    from reify.backend.networks.library.entry import File
    from reify.tools.miniatures import networks
    from safetensors.torch import load_file

    checkpoint = folder / "given" / "model.ckpt"
    checkpoint.parent.mkdir()
    torch.save({name: array.float() for name, array in load_file(networks.kept("triposr")).items()}, checkpoint)
    file = File("model.ckpt", checkpoint.stat().st_size, places.sha256_of(checkpoint), TRIPOSR.files[0].mirrors)
    entry = dataclasses.replace(TRIPOSR, files=(file,))
    full = triposr.TripoSR
    monkeypatch.setattr(triposr, "TripoSR", lambda: full(networks.TRIPOSR))
    for module in (catalog, image, reconstruction):
        monkeypatch.setattr(module, "TRIPOSR", entry)
    monkeypatch.setitem(image.NETWORKS, "triposr", ((entry,), *image.NETWORKS["triposr"][1:]))
    environment = Environment(user_folder=folder / "user", device="cpu")
    keeping.import_from(entry, checkpoint.parent, environment, job=Job())
    return environment
