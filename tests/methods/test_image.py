from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reify.backend.bodies.from_pictures import Settings, preview_mesh
from reify.backend.bodies.turnaround import TurnaroundSettings
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.cache import Cache
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.methods.image import METHOD, one_by_one, seen_from
from reify.backend.values import Mesh, Picture, Pictures

from ..bodies.solids import assert_closed, polygons_are_quads_mostly
from ..pictures.shapes import butterfly, disc, pictured, rectangle

ONE_PICTURE = ("inflate", "layers", "lathe", "extrude", "relief")


def write(folder: Path, picture: Picture, name: str = "drawn.png") -> Path:
    pixels = np.dstack([picture.srgb, np.round(picture.coverage * 255).astype(np.uint8)])
    Image.fromarray(pixels).save(folder / name)
    return folder / name


def made(*sources: Path, job: Job | None = None, **changes) -> Mesh:
    return METHOD.perform(Pictures(sources), replace(Settings(faces=4000), **changes), job or Job()).mesh


@pytest.mark.parametrize("method", ONE_PICTURE)
def test_every_method_makes_a_closed_textured_mesh_that_stands_on_the_floor(method: str, tmp_path: Path) -> None:
    mesh = made(write(tmp_path, pictured(disc())), method=method, size_m=2.0)
    assert_closed(mesh.vertices, mesh.faces, euler=2 if method != "layers" else 2 * _parts(mesh))
    assert mesh.vertices[:, 2].min() == pytest.approx(0.0, abs=1e-5)
    assert np.ptp(mesh.vertices, axis=0)[[0, 2]].max() == pytest.approx(2.0, rel=0.01)
    assert mesh.vertices[:, 0].min() == pytest.approx(-mesh.vertices[:, 0].max(), abs=0.02)
    assert mesh.uvs.min() >= 0.0 and mesh.uvs.max() <= 1.0
    assert mesh.textures["base_color"].dtype == np.uint8
    assert ("normal" in mesh.textures) == (method == "relief")
    assert polygons_are_quads_mostly(mesh)
    assert 2500 < len(mesh.faces) - mesh.quads < 6500


def test_two_pictures_are_a_turnaround(tmp_path: Path) -> None:
    job = Job()
    side = write(tmp_path, pictured(rectangle(160, 240, 60, 30)), "hero_side.png")
    front = write(tmp_path, pictured(rectangle(160, 240, 40, 30)), "hero_front.png")
    mesh = made(side, front, job=job)
    assert np.ptp(mesh.vertices, axis=0) == pytest.approx([80 / 180, 40 / 180, 1.0], abs=0.03)  # front is told by its name
    assert job.report.choices["method"].startswith("turnaround, because 2 views")
    assert_closed(mesh.vertices, mesh.faces, 2)


def test_a_file_named_back_is_the_back(tmp_path: Path) -> None:
    shape = rectangle(160, 240, 40, 30)
    views = {view: pictured(shape) for view in ("back", "front", "side")}
    views["back"].srgb[:, :80], views["back"].srgb[:, 80:] = (255, 0, 0), (0, 0, 255)
    paths = [write(tmp_path, view, f"hero_{name}.png") for name, view in views.items()]
    turned = made(*paths, method="turnaround", turnaround=TurnaroundSettings(roundness=0.0))
    inflated = made(*paths[:2])
    for mesh in (turned, inflated):
        middle, texture, uv = mesh.vertices[mesh.faces].mean(axis=1), mesh.textures["base_color"], mesh.uvs.mean(axis=1)
        colors = texture[((1 - uv[:, 1]) * texture.shape[0]).astype(int), (uv[:, 0] * texture.shape[1]).astype(int)].astype(int)
        behind = middle[:, 1] > 0.9 * middle[:, 1].max()
        left = middle[:, 0] < -0.05
        # What is on the left of the back's picture is on the right of the front's.
        assert (colors[behind & left] == (0, 0, 255)).all(axis=1).mean() > 0.9
        assert (colors[behind & (middle[:, 0] > 0.05)] == (255, 0, 0)).all(axis=1).mean() > 0.9
        assert (colors[middle[:, 1] < 0.9 * middle[:, 1].min()][:, 2] < 250).all()
    assert seen_from([Path("top.png"), Path("front.png")], Settings()) == {"front": Path("front.png"), "top": Path("top.png")}


def test_auto_says_what_it_chose_and_why(tmp_path: Path) -> None:
    job = Job()
    made(write(tmp_path, pictured(butterfly())), job=job)
    assert job.report.choices["method"] == "inflate, because the outline is free and has 2 holes"
    assert job.report.metrics["faces"] > 1000


def test_several_pictures_are_several_jobs_except_for_a_turnaround() -> None:
    sources = [Path("a.png"), Path("b.png"), Path("c.png")]
    assert [job.sources for job in one_by_one(sources, Settings())] == [(source,) for source in sources]
    assert [job.sources for job in one_by_one(sources, Settings(method="turnaround"))] == [tuple(sources)]


def test_a_front_and_a_back_of_the_same_name_are_one_job() -> None:
    sheet, other = (Path("hero_front.png"), Path("hero_back.png")), Path("backpack.png")
    for method in ("auto", "inflate"):
        assert [job.sources for job in one_by_one([*sheet, other], Settings(method=method))] == [sheet, (other,)]
    side = Path("hero_side.png")
    assert [job.sources for job in one_by_one([*sheet, side], Settings())] == [(*sheet, side)]
    assert [job.sources for job in one_by_one([*sheet, side], Settings(method="inflate"))] == [sheet, (side,)]


def test_the_wrong_number_of_pictures_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, pictured(disc()))
    for sources, method, said in (
        ((), "auto", "no picture"),
        ((path, path), "inflate", "takes one picture"),
        ((path,), "turnaround", "needs a side or a top view"),
        ((path,) * 5, "turnaround", "two to four views"),
    ):
        with pytest.raises(ReifyError, match=said):
            made(*sources, method=method)


def test_a_preview_is_coarse_and_closed() -> None:
    picture = pictured(butterfly(480))
    for method in ("auto", *ONE_PICTURE):
        mesh = preview_mesh([picture], Settings(method=method, faces=50_000))
        assert len(mesh.faces) < 6000
        directed = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
        assert (np.unique(np.sort(directed, axis=1), axis=0, return_counts=True)[1] == 2).all()
    with pytest.raises(ReifyError, match="Nothing is left"):
        preview_mesh([Picture("empty", picture.srgb, np.zeros_like(picture.coverage))], Settings())


def test_ten_thousand_specks_of_one_size_give_a_mesh_and_a_warning(tmp_path: Path) -> None:
    specks = np.zeros((500, 500), np.float32)
    specks[2::5, 2::5] = specks[3::5, 2::5] = 1.0
    job = Job()
    mesh = made(write(tmp_path, Picture("specks", np.full((500, 500, 3), 90, np.uint8), specks)), job=job)
    assert "10000 parts" in job.report.warnings[0]
    assert len(mesh.vertices) >= 4 * 10_000


def test_a_canceled_job_ends(tmp_path: Path) -> None:
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        made(write(tmp_path, pictured(disc())), job=job)


def test_changing_the_thickness_does_not_cut_out_again(tmp_path: Path) -> None:
    path, cache = write(tmp_path, pictured(disc())), Cache(tmp_path / "cache")
    made(path, job=Job(Environment(cache)), method="inflate")
    job = Job(Environment(cache))
    thin = made(path, job=job, method="inflate", inflate=replace(Settings().inflate, thickness=0.3))
    assert job.report.cached == ("Cutting out",)
    assert "transparency" in job.report.choices["cut-out"]
    assert np.ptp(thin.vertices[:, 1]) == pytest.approx(0.3, abs=0.01)


def test_a_large_picture_keeps_the_size_of_its_texture(tmp_path: Path) -> None:
    large = Picture("large", *(np.kron(a, np.ones((11, 11, 1)[: a.ndim])) for a in (pictured(disc()).srgb, disc())))
    mesh = made(write(tmp_path, Picture("large", large.srgb.astype(np.uint8), large.coverage.astype(np.float32))), method="inflate")
    assert mesh.textures["base_color"].shape[0] > 1750
    assert mesh.uvs.min() >= 0.0 and mesh.uvs.max() <= 1.0 and np.ptp(mesh.uvs[..., 0]) > 0.95


def test_every_picture_of_the_collection_becomes_a_mesh_with_its_outline(data: Path) -> None:
    for path in sorted((data / "single_images").glob("*.png")):
        mesh = made(path, faces=8000)
        directed = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
        assert (np.unique(np.sort(directed, axis=1), axis=0, return_counts=True)[1] == 2).all(), path.name
        assert 6000 < len(mesh.faces) - mesh.quads < 12_000, path.name


def _parts(mesh: Mesh) -> int:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]]])
    size = len(mesh.vertices)
    return connected_components(coo_matrix((np.ones(len(edges)), edges.T), shape=(size, size)))[0]


@pytest.mark.parametrize("flag", ["--method", "--model"])
def test_a_network_is_chosen_as_a_method_or_as_a_model(flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from reify import cli

    picture = tmp_path / "bear.png"
    picture.write_bytes(b"")
    assert cli.main(["run", "image", str(picture), flag, "direct3d", "-o", str(tmp_path / "bear.glb")]) == cli.BAD_INPUT
    assert "From Picture needs" in capsys.readouterr().err
