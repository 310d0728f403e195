"""Sentences become scenes in which what they claim is so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from reify.backend.assembly import heights, layout
from reify.backend.assembly.assemble import assemble
from reify.backend.assembly.voxels import voxelized
from reify.backend.errors import ReifyError
from reify.backend.jobs.job import Job
from reify.backend.values import Mesh, Part, Scene

PARAGRAPHS = (Path(__file__).parents[1] / "data" / "sentences.txt").read_text(encoding="utf-8").split("\n\n")[1:]
FILE = [paragraph.split("\n") for paragraph in PARAGRAPHS if paragraph.strip()]
MADE = [lines[0] for lines in FILE if not lines[1].lstrip().startswith("!")]
TINY = 1e-6


def scene_of(text: str, seed: int = 0, style: str = "") -> Scene:
    return assemble(text, style, seed, job=Job())


def part(scene: Scene, name: str) -> Part:
    return next(part for part in scene.parts if part.name == name)


def box(found: Part, instance: int = 0) -> tuple[np.ndarray, np.ndarray]:
    matrix = found.world_from_part[instance]
    points = found.mesh.vertices @ matrix[:3, :3].T + matrix[:3, 3]
    return points.min(axis=0), points.max(axis=0)


@pytest.mark.parametrize("text", MADE)
def test_what_a_sentence_claims_is_so(text: str) -> None:
    try:
        claims = scene_of(text).claims
    except ReifyError as error:
        assert error.what.startswith("I have no")
        return
    assert [claim for claim, right in claims.items() if not right] == []
    assert {"nothing overlaps", "nothing floats"} <= set(claims)


def test_most_sentences_are_made() -> None:
    assert len(MADE) >= 56


def test_an_apple_on_a_table_touches_its_top() -> None:
    scene = scene_of("a red apple on a wooden table")
    (apple_low, _), (table_low, table_high) = box(part(scene, "apple")), box(part(scene, "table"))
    assert apple_low[2] == pytest.approx(table_high[2], abs=1e-3)
    assert (apple_low[:2] > table_low[:2]).all()
    assert part(scene, "apple").parent == "table"


def test_things_have_their_real_sizes() -> None:
    scene = scene_of("an apple on a table beside a huge chair")
    sizes = {found.name: float(np.ptp(box(found), axis=0).max()) for found in scene.parts}
    assert sizes["apple"] == pytest.approx(0.085, rel=0.25)
    assert sizes["table"] == pytest.approx(1.4)
    assert sizes["chair"] == pytest.approx(0.9 * 2.2)


def test_chairs_around_a_table_look_at_it() -> None:
    scene = scene_of("four chairs around a round table")
    for matrix in part(scene, "chair").world_from_part:
        ahead = -matrix[:2, 1]  # things face -Y
        assert ahead @ (-matrix[:2, 3]) > 0.95 * np.linalg.norm(matrix[:2, 3])


@pytest.mark.parametrize(("side", "axis", "sign"), [("left of", 0, -1), ("right of", 0, 1), ("behind", 1, 1), ("in front of", 1, -1)])
def test_sides_are_those_of_a_viewer_who_looks_along_y(side: str, axis: int, sign: int) -> None:
    scene = scene_of(f"a chair {side} a table")
    assert sign * part(scene, "chair").world_from_part[0][axis, 3] > 0.3


def test_a_small_thing_under_a_table_fits_below_its_top() -> None:
    low, high = box(part(scene_of("a ball under a table"), "ball"))
    assert low[2] == pytest.approx(0.0, abs=TINY)
    assert high[2] < 0.7


def test_what_is_in_a_basket_lies_within_it() -> None:
    scene = scene_of("three oranges in a basket")
    low, high = box(part(scene, "basket"))
    for i in range(3):
        own_low, own_high = box(part(scene, "orange"), i)
        assert (own_low[:2] >= low[:2]).all() and (own_high[:2] <= high[:2]).all()
        assert own_low[2] < high[2] / 2


def test_colors_and_materials_are_those_of_the_sentence() -> None:
    scene = scene_of("a house with a blue roof beside a gold statue and a table that is not red")
    roof = next(material for material in part(scene, "house").materials if material.part == "roof")
    assert roof.srgb == (36, 84, 178)
    assert {material.template for material in part(scene, "statue").materials} == {"gold"}


def test_the_same_seed_makes_the_same_scene_and_another_one_a_variant() -> None:
    first, again, other = (part(scene_of("a tree beside a house", seed), "tree") for seed in (1, 1, 2))
    assert np.array_equal(first.world_from_part, again.world_from_part)
    assert np.array_equal(first.mesh.vertices, again.mesh.vertices)
    assert first.mesh.vertices.shape != other.mesh.vertices.shape or not np.allclose(first.mesh.vertices, other.mesh.vertices)


def test_what_there_is_no_thing_for_is_left_out_and_said() -> None:
    job = Job()
    scene = assemble("a flibbertigibbet on a table", "", 0, job=job)
    assert [found.name for found in scene.parts] == ["table"]
    assert any("flibbertigibbet" in warning for warning in job.report.warnings)


def test_a_sentence_of_unknown_things_alone_is_refused_with_what_is_near() -> None:
    with pytest.raises(ReifyError, match="I have no mandolin; nearest are harp"):
        scene_of("a mandolin")


def test_too_many_things_are_refused() -> None:
    with pytest.raises(ReifyError, match="at most|asks for"):
        scene_of("a hundred apples and a hundred pears")


def test_a_heap_in_a_bowl_does_not_stand_in_itself() -> None:
    scene = scene_of("a bowl of six apples")
    centers = part(scene, "apple").world_from_part[:, :3, 3]
    apart = np.linalg.norm(centers[:, None] - centers[None], axis=2)[np.triu_indices(6, 1)]
    assert apart.min() > 0.05


def test_a_castle_on_a_hill_stands_on_level_ground_that_is_wide_enough() -> None:
    scene = scene_of("a castle on a hill")
    (castle_low, castle_high), (hill_low, hill_high) = box(part(scene, "castle")), box(part(scene, "hill"))
    assert (hill_high - hill_low)[0] > 2 * (castle_high - castle_low)[0]
    assert castle_low[2] > 0.5 * hill_high[2]


def test_circular_relations_end() -> None:
    scene = scene_of("a chair left of a table. The table is left of the chair.")
    assert not all(scene.claims.values())


def test_voxels_are_closed_and_stand_on_the_floor() -> None:
    found = part(scene_of("a mushroom", style="voxel"), "mushroom")
    directed = Counter((int(a), int(b)) for face in found.mesh.faces for a, b in zip(face, np.roll(face, -1), strict=True))
    assert all(directed[a, b] == directed[b, a] for a, b in directed)
    assert found.mesh.vertices[:, 2].min() == pytest.approx(0.0, abs=TINY)
    assert len(found.mesh.faces) == len(found.material_of_face)
    assert len({found.materials[i].part for i in np.unique(found.material_of_face)}) > 1


def test_a_voxel_has_the_material_of_the_faces_inside() -> None:
    square = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)], np.float32)
    faces = np.array([(0, 1, 2), (0, 2, 3), (4, 5, 6), (4, 6, 7)], np.int32)
    mesh, material = voxelized(Mesh(square, faces), np.array([0, 0, 1, 1]))
    height = mesh.vertices[mesh.faces].mean(axis=1)[:, 2]
    assert set(material[height < 0.3]) == {0} and set(material[height > 0.7]) == {1}


def test_an_envelope_is_the_highest_surface_and_unknown_beside_it() -> None:
    vertices = np.array([(0, 0, 0), (2, 0, 0), (0, 2, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1)], float)
    over = heights.envelope(vertices, np.array([(0, 1, 2), (3, 4, 5)]))
    assert over.window(np.array([0.2, 0.2]), np.array([0.22, 0.22]))[0, 0] == pytest.approx(1.0)
    assert over.window(np.array([1.2, 0.2]), np.array([1.22, 0.22]))[0, 0] == pytest.approx(0.0)
    assert np.isnan(over.window(np.array([1.8, 1.8]), np.array([1.85, 1.85]))).all()


def test_boxes_that_only_touch_do_not_overlap() -> None:
    from reify.backend.shapes.looks import WOOD
    from reify.backend.shapes.solids import box as solid

    cube = solid((1, 1, 1), WOOD)
    first, second = (layout.Placed(0, cube, np.array([x, 0.0, 0.0])) for x in (0.0, 1.0))
    assert not layout.overlaps(first, second)
    second.position = np.array([0.9, 0.0, 0.0])
    assert layout.overlaps(first, second)
