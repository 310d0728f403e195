"""Numba kernel that orients normals along a minimum spanning tree; imported on first use."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def orient(first, second, alike, parent, sign):
    """Join points along the edges `first` to `second` [E] in their order, leaving out those that close a loop (Kruskal).

    `alike` [E] says whether the normals at the ends point the same way. `parent` [N] ends as the part that each point belongs to,
    `sign` [N] as 1 or -1: how its normal has to be turned to agree with that of the part's root.
    """
    size = np.ones(len(parent), np.int64)
    for e in range(len(first)):
        a, b = _root(first[e], parent, sign), _root(second[e], parent, sign)
        if a == b:
            continue
        turn = sign[first[e]] * sign[second[e]] * (1 if alike[e] else -1)
        if size[a] < size[b]:
            a, b = b, a
        parent[b], sign[b] = a, turn
        size[a] += size[b]
    for n in range(len(parent)):
        _root(n, parent, sign)


@njit(cache=True, nogil=True)
def _root(n, parent, sign):
    """The root of a point's part, to which the point and all between are linked directly."""
    root, total = n, sign[n]
    while parent[root] != root:
        root = parent[root]
        total *= sign[root]
    while parent[n] != root and n != root:
        after, own = parent[n], sign[n]
        parent[n], sign[n] = root, total
        total *= own
        n = after
    return root
