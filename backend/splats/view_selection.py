"""View selection for multi-view losses, and the last depth of each training view (Chen et al., "PGSR", 2024, section 3.3)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..values import Cameras
from .initialize import focus_of

Array = Any
MOST_NEIGHBORS = 4
# Triangulation angle in degrees: below the first a neighbor isn't used; up to the second its score rises linearly, beyond it falls as a
# Gaussian of that width.
LEAST_ANGLE, BEST_ANGLE, WIDTH = 3.0, 15.0, 20.0
LEAST_SCORE = 0.1  # of a neighbor, at most 1
PROBES = 5  # rays along each side of a picture


def neighbors_of(cameras: Cameras, indices: tuple[int, ...]) -> list[list[int]]:
    """For each of the cameras `indices` the places in `indices` of its best neighbors, up to MOST_NEIGHBORS.

    By the cameras alone: a grid of rays is cast to the depth of the common focus; a neighbor's score is the fraction of ray ends inside its
    picture times a weight of the mean triangulation angle there.
    """
    focus, extent = focus_of(cameras)
    found = []
    for index in indices:
        scores = _scores(cameras, index, np.asarray(indices), focus, extent)
        best = np.argsort(-scores, kind="stable")[:MOST_NEIGHBORS]
        found.append([int(place) for place in best if scores[place] >= LEAST_SCORE])
    return found


def _scores(cameras: Cameras, index: int, others: Array, focus: Array, extent: float) -> Array:
    pose, k, (width, height) = cameras.cam_from_world[index], cameras.K[index], cameras.size_px[index]
    depth = float(pose[2, :3] @ focus + pose[2, 3])
    depth = depth if depth > 0.1 * extent else extent
    x, y = np.meshgrid((np.arange(PROBES) + 0.5) / PROBES * width, (np.arange(PROBES) + 0.5) / PROBES * height)
    rays = np.stack([(x - k[0, 2]) / k[0, 0], (y - k[1, 2]) / k[1, 1], np.ones_like(x)], axis=-1).reshape(-1, 3)
    ends = (rays * depth - pose[:3, 3]) @ pose[:3, :3]
    poses = cameras.cam_from_world[others]
    local = np.einsum("oij,pj->opi", poses[:, :3, :3], ends) + poses[:, None, :3, 3]
    ahead = local[..., 2] > 1e-6 * extent
    projected = np.einsum("oij,opj->opi", cameras.K[others], local)[..., :2] / np.where(ahead, local[..., 2], 1)[..., None]
    inside = ahead & (projected >= 0).all(axis=2) & (projected < cameras.size_px[others][:, None]).all(axis=2)
    here, there = ends - cameras.centers[index], ends - cameras.centers[others][:, None]
    cosine = (here * there).sum(axis=2) / (np.linalg.norm(here, axis=1) * np.maximum(np.linalg.norm(there, axis=2), 1e-12))
    angles = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    angle = (angles * inside).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    suited = np.where(angle < LEAST_ANGLE, 0.0, np.minimum(angle / BEST_ANGLE, 1.0))
    return inside.mean(axis=1) * suited * np.exp(-((np.maximum(angle - BEST_ANGLE, 0) / WIDTH) ** 2))


class DepthMemory:
    """The last expected depth of each training view, within a limit of memory; views beyond it aren't used as neighbors."""

    def __init__(self, neighbors: list[list[int]], room_bytes: int) -> None:
        self._neighbors, self._room = neighbors, room_bytes
        self.known: dict[int, Array] = {}

    def keep(self, place: int, depth: Array) -> None:
        """Remember a view's depth [H,W] float32."""
        before = self.known[place].nbytes if place in self.known else 0
        if depth.nbytes - before <= self._room:
            self._room -= depth.nbytes - before
            self.known[place] = depth

    def neighbor(self, place: int, rng: np.random.Generator) -> tuple[int, Array] | None:
        """One of a view's neighbors whose depth is known, and that depth; None where there isn't any."""
        candidates = [other for other in self._neighbors[place] if other in self.known]
        if not candidates:
            return None
        chosen = candidates[rng.integers(len(candidates))]
        return chosen, self.known[chosen]
