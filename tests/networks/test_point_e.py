"""Point-E: names and shapes of the published checkpoints, numbers of tiny ones against the original, from words and pictures to meshes.

`data/manifests/point_e.json` holds the names and shapes of the original, openai/point-e fc8a607, at its published sizes, each behind its
file's name; `tiny_point_e` says what the numbers come from.
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
from reify.backend.jobs.job import Job, Warn
from reify.backend.mesh.analyze import analyze
from reify.backend.networks.library.catalog import POINT_E, POINT_E_TEXT
from reify.backend.networks.points import PointSettings
from reify.backend.values import Picture, Sentence

from . import tiny_point_e as tiny

torch = pytest.importorskip("torch")

PARTS = {"upsample": "upsample", "distance": "sdf"}
FEW = PointSettings(steps=8, guidance=2.0, cells=24)
SENTENCE = "A Red motorcycle, it's 3.5 m long!"


@pytest.fixture(scope="module")
def original():
    return tiny.original()


@pytest.fixture(scope="module")
def by_text(original):
    return _tiny(original, "textvec")


@pytest.fixture(scope="module")
def by_picture(original):
    return _tiny(original, "base")


@pytest.fixture
def given(original, by_text, tmp_path: Path) -> Path:
    """A folder with tiny checkpoints in the published layout, whose distances are 0 somewhere in the cube."""
    folder = tmp_path / "given"
    folder.mkdir()
    with torch.inference_mode():
        features = by_text.distance.encoded(original["points_text"][None, :, :3])
        level = float(by_text.distance.at(torch.rand(1, 500, 3) - 0.5, features).median())
    tiny.write_checkpoints(original, folder, level)
    return folder


@pytest.fixture
def picture(original) -> Picture:
    srgb = original["picture"].numpy()
    coverage = np.zeros(srgb.shape[:2], np.float32)
    coverage[8:40, 12:50] = 1
    return Picture("spots", np.ascontiguousarray(srgb), coverage)


def _tiny(original, base: str):
    from reify.backend.networks.point_e import PointE, ours

    made = PointE(tiny.tiny_shape(base == "base"))
    arrays = {
        f"{part}.{name}": array
        for part, file in {"base": base, **PARTS}.items()
        for name, array in ours(tiny.named(original, file), tiny.HEADS).items()
    }
    made.load_state_dict(arrays)
    return made.eval()


@pytest.mark.parametrize("base", ["base_40m_textvec.pt", "base_40m.pt", "base_300m.pt", "base_1b.pt"])
def test_names_and_shapes_are_those_of_the_published_checkpoint(base: str) -> None:
    from reify.backend.networks.point_e import SHAPES, PointE, ours

    published = json.loads((tiny.DATA / "manifests" / "point_e.json").read_text("utf-8"))
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


def test_numbers_agree_with_the_original_for_each_network(original, by_text, by_picture) -> None:
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


def test_points_of_a_text_and_of_a_picture_are_those_of_the_original(original, by_text, by_picture) -> None:
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


def test_a_checkpoint_in_the_published_layout_makes_a_mesh_of_a_sentence(
    original, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reify.backend.methods import text
    from reify.backend.networks import points
    from reify.backend.networks.library import keeping

    entries = tiny.made_small(original, given, monkeypatch)
    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    settings = text.Settings(text=SENTENCE, model="point-e", faces=2000, point_e=FEW)
    with pytest.raises(ReifyError) as refused:
        text.METHOD.perform(Sentence(), settings, Job(environment))
    assert refused.value.what == "From Text needs the weights clip (0.0 GB, MIT), point-e-text (0.0 GB, MIT)."
    assert refused.value.fix == (
        "Get CLIP ViT-L/14 in Reify's Models panel, or by `reify models get clip`. "
        "Get Point-E for text in Reify's Models panel, or by `reify models get point-e-text`."
    )
    told: list[object] = []
    for entry in (entries["CLIP"], entries["POINT_E_TEXT"]):
        keeping.import_from(entry, given, environment, job=Job(listener=told.append))
    assert [event.text for event in told if isinstance(event, Warn)] == [
        "The publisher of base_40m_textvec.pt, upsample_40m.pt, sdf.pt names no SHA-256: "
        "the names and shapes of the arrays are right, and that is all."
    ]
    seen = points.seen_in_sentence(SENTENCE, job=Job(environment))
    assert np.abs(seen - original["vector"].numpy()).max() < 1e-5
    result = text.METHOD.perform(Sentence(), settings, Job(environment, seed=3))
    assert result.report.licenses == {"clip": "MIT", "point-e-text": "MIT"}
    _check(result.mesh, 3.5)
    again, other = (points.points_of_seen(seen, FEW, seed, job=Job(environment)) for seed in (3, 4))
    assert again.shape == (64, 6) and np.abs(again - other).max() > 0.1


def test_a_checkpoint_in_the_published_layout_makes_a_mesh_of_a_picture(
    original, given: Path, picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reify.backend.methods import image
    from reify.backend.networks.library import keeping

    entries = tiny.made_small(original, given, monkeypatch)
    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    settings = image.Settings(method="point-e", size_m=2.0, faces=2000, point_e=FEW)
    with pytest.raises(ReifyError, match=r"weights of Point-E aren't there\. Get Point-E in Reify's Models panel"):
        image._learned(picture, settings, "point-e", Job(environment))
    for entry in (entries["CLIP"], entries["POINT_E"]):
        keeping.import_from(entry, given, environment, job=Job())
    _check(image._learned(picture, settings, "point-e", Job(environment)), 2.0)


def test_the_subject_of_a_picture_is_shown_to_clip_in_the_middle_of_a_white_square(picture: Picture) -> None:
    from reify.backend.networks.points import FILLED, _on_white

    shown = _on_white(picture)
    assert shown.shape == (round(38 / FILLED), round(38 / FILLED), 3)
    rows, columns = np.nonzero((shown != 255).any(axis=2))
    assert rows.max() - rows.min() == 31 and abs(rows.min() + rows.max() + 1 - len(shown)) <= 1
    assert columns.max() - columns.min() == 37 and abs(columns.min() + columns.max() + 1 - len(shown)) <= 1


def test_files_of_another_network_are_told(original, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reify.backend.networks.library import keeping

    entries = tiny.made_small(original, given, monkeypatch)
    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    (given / "sdf.pt").write_bytes((given / "upsample_40m.pt").read_bytes())
    with pytest.raises(ReifyError, match="it isn't Point-E"):
        keeping.import_from(entries["POINT_E"], given, environment, job=Job())
    (given / "sdf.pt").write_bytes(b"no arrays")
    with pytest.raises(ReifyError, match=r"sdf\.pt is damaged"):
        keeping.import_from(entries["POINT_E"], given, environment, job=Job())


def test_making_points_can_be_canceled_between_two_steps(original, given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reify.backend.jobs.job import Progress
    from reify.backend.networks import points
    from reify.backend.networks.library import keeping

    entries = tiny.made_small(original, given, monkeypatch)
    environment = Environment(user_folder=tmp_path / "user", device="cpu")
    keeping.import_from(entries["POINT_E_TEXT"], given, environment, job=Job())
    job = Job(environment, lambda event: job.cancel() if isinstance(event, Progress) and event.fraction > 0.3 else None)
    with pytest.raises(Cancelled):
        points.points_of_seen(original["vector"].numpy(), FEW, 0, job=job)


def _check(mesh, size_m: float) -> None:
    found = analyze(mesh)
    assert found.non_manifold_edges == 0 and found.flipped_edges == 0
    assert mesh.vertex_srgb is not None and mesh.vertex_srgb.std() > 0.01
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert abs(low[2]) < 0.1 * size_m and max(high[0] - low[0], high[2] - low[2]) == pytest.approx(size_m, rel=0.1)
