from __future__ import annotations

import numpy as np
from reify.backend.geometry import topology

# Two triangles that share an edge, and one on its own.
FACES = np.array([[0, 1, 2], [2, 1, 3], [4, 5, 6]], np.int32)


def test_parts_are_what_shares_vertices() -> None:
    part = topology.parts(FACES, 8)
    assert part[0] == part[1] != part[2]
    assert sorted(set(part)) == [0, 1]


def test_adjacency_has_a_one_for_each_edge_however_many_faces_it_has() -> None:
    graph = topology.adjacency(FACES.ravel(), FACES[:, [1, 2, 0]].ravel(), 8).toarray()
    assert np.array_equal(graph, graph.T) and graph.max() == 1.0
    assert graph[1, 2] == 1.0 and graph[0, 3] == 0.0
    assert graph.sum() == 2 * (5 + 3)


def test_equal_rows_get_the_number_of_the_first_of_them() -> None:
    first, number = topology.first_of_equal(np.array([[2.0, 1], [0, 5], [2, 1], [0, 4]]))
    assert np.array_equal(first, [0, 1, 3]) and np.array_equal(number, [0, 1, 0, 2])


def test_a_strip_with_one_face_turned_over_is_wound_alike_again() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 2, 0]], float)
    faces = np.array([[0, 1, 2], [2, 1, 3], [3, 2, 4]], np.int32)
    assert not topology.pair_half_edges(vertices, faces).opposed.all()
    wound, turned = topology.wind_consistently(faces, topology.pair_half_edges(vertices, faces))
    assert turned == 1 and topology.pair_half_edges(vertices, wound).opposed.all()


def test_two_cones_that_touch_at_their_tips_get_a_tip_each() -> None:
    rim = np.arange(1, 5)
    lower = np.stack([np.zeros(4, int), rim, np.roll(rim, -1)], axis=1)
    faces = np.concatenate([lower, np.where(lower == 0, 0, lower + 4)]).astype(np.int32)
    separate, old = topology.separate_fans(np.random.default_rng(0).normal(size=(9, 3)), faces)
    assert (old == 0).sum() == 2 and len(old) == 10
    assert np.array_equal(old[separate], faces)


def test_the_rims_of_a_surface_that_is_not_manifold_end() -> None:
    """Two triangles that share a corner: the rim that starts at one leads on around the other."""
    vertices = np.random.default_rng(0).random((5, 3))
    faces = np.array([[0, 1, 2], [2, 3, 4]], np.int32)
    for order in ([0, 1], [1, 0]):
        loops = topology.boundary_loops(faces[order], topology.pair_half_edges(vertices, faces[order]))
        assert all(len(loop) == 3 for loop in loops)
