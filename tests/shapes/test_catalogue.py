"""Everything in the catalogue can be made: closed, of quads, at its size, on the floor, with UVs in meters."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from reify.backend.shapes import catalogue, icons, solids

NOUNS = sorted(catalogue.THINGS)


def open_edges(shell: solids.Shell) -> int:
    """Directed edges that aren't met by exactly one face of the other direction."""
    directed: Counter[tuple[int, int]] = Counter()
    for a, b, c, d in shell.faces.tolist():
        corners = (a, b, c) if c == d else (a, b, c, d)
        directed.update(zip(corners, (*corners[1:], corners[0]), strict=True))
    return sum(count != 1 or directed[b, a] != 1 for (a, b), count in directed.items())


@pytest.mark.parametrize("noun", NOUNS)
def test_a_thing_is_closed_and_stands_on_the_floor_at_its_size(noun: str) -> None:
    made = catalogue.build(noun, seed=3)
    assert open_edges(made) == 0
    assert solids.volume(made) > 0
    assert np.isfinite(made.vertices).all() and np.isfinite(made.uvs).all()
    assert float((made.high - made.low).max()) == pytest.approx(catalogue.THINGS[noun].size_m)
    assert made.low[2] == pytest.approx(0.0, abs=1e-9)
    assert np.allclose((made.low + made.high)[:2], 0, atol=1e-9)


@pytest.mark.parametrize("noun", NOUNS)
def test_most_faces_of_a_thing_are_quads_and_none_is_degenerate(noun: str) -> None:
    made = catalogue.build(noun)
    corners = made.vertices[made.faces]
    area = np.linalg.norm(np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]), axis=1)
    area += np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    assert (made.faces[:, 2] != made.faces[:, 3]).mean() > 0.5 or noun in ("gem", "star", "crystal")
    assert (area > 1e-12 * catalogue.THINGS[noun].size_m ** 2).all()


def test_there_are_at_least_forty_families() -> None:
    assert len({thing.make for thing in catalogue.THINGS.values()}) >= 100


def test_the_same_seed_makes_the_same_thing_and_another_seed_another() -> None:
    first, again, other = (catalogue.build("tree", seed=seed).vertices for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert first.shape != other.shape or not np.allclose(first, other)


def test_synonyms_lead_to_things() -> None:
    assert set(catalogue.SYNONYMS.values()) <= set(catalogue.THINGS)
    assert catalogue.thing("couch") is catalogue.THINGS["sofa"]


def test_every_icon_is_in_the_file_and_says_whose_it_is() -> None:
    stored = {name.partition("/")[0] for name in icons.stored()}
    assert stored == set(icons.ICONS)
    assert icons.FILE.stat().st_size < 3_000_000
    for noun, icon in icons.ICONS.items():
        source = catalogue.thing(noun).source
        assert source is catalogue.GENERATED or (icon.name in source.title and source.license in ("MIT", "Apache-2.0"))
    for key in icons.SETS:
        assert (icons.FILE.parent / "licenses" / f"{key}.txt").is_file()


def test_a_thing_that_is_drawn_takes_the_color_of_the_sentence_where_most_of_it_is() -> None:
    cat = catalogue.build("cat")
    main = [number for number, slot in enumerate(cat.slots) if slot.main]
    assert np.isin(cat.slot, main).mean() > 0.3
    assert {cat.slots[number].part for number in main} == {"body"}
