"""IoU of held-out shapes by the miniatures, and by what a network has to beat: the mean shape, the nearest neighbor, inflation.

IoU is that of `samples.occupancy` at every second cell along each axis, meaned over shapes. Inflation gets the picture's outline at its
exact place.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from ...backend.bodies.inflation import InflateSettings, inflate
from ...backend.bodies.solid import mesh_of
from ...backend.networks.triposr import BLENDER_FROM_MODEL, FILLED
from ...backend.values import Array
from .networks import Miniature, kept, last_layer, made
from .samples import CELLS, DISTANCE, HALF_VIEW, Samples, camera, centers, occupancy

THRESHOLDS = np.linspace(0.05, 0.6, 12)  # of the mean shape; the best on what is learned from is taken
FEATURES_PX = 16  # of the pictures by which neighbors are found
CHUNK = 1 << 14  # points at once
INFLATED_FACES = 2000
EVERY = 2  # cells
SHIFTS = np.linspace(-2.0, 2.0, 17)  # of logits
SETTLED_BY = 60  # shapes


def loaded(name: str) -> Miniature:
    """A miniature with the weights of the fixture."""
    network = made(name)
    network.load_state_dict({key: value.float() for key, value in load_file(kept(name)).items()})
    return network.eval().requires_grad_(False)


def iou(found: Array, wanted: Array) -> Array:
    """Of grids [N,S,S,S] bool, or of such of every second cell, [N]."""
    found, wanted = (_thinned(grids) for grids in (found, wanted))
    axes = (1, 2, 3)
    return (found & wanted).sum(axis=axes) / np.maximum((found | wanted).sum(axis=axes), 1)


def _thinned(grids: Array) -> Array:
    return grids if grids.shape[1] < CELLS else grids[:, ::EVERY, ::EVERY, ::EVERY]


def by_network(network: Miniature, samples: Samples) -> Array:
    """Every second cell [N,S/2,S/2,S/2] bool that a network fills by the pictures."""
    return logits_of(network, samples) > 0


def settle(network: Miniature, learned: Samples) -> None:
    """Shift the network's answers by what makes the mean IoU of some learned shapes largest."""
    rows = slice(None, None, max(len(learned.names) // SETTLED_BY, 1))
    some = Samples(*(column[rows] for column in vars(learned).values()))
    logits, wanted = logits_of(network, some), some.grids()
    best = max(SHIFTS, key=lambda shift: iou(logits + shift > 0, wanted).mean())
    with torch.no_grad():
        last_layer(network).bias[0] += float(best)


def logits_of(network: Miniature, samples: Samples) -> Array:
    """Logits [N,S/2,S/2,S/2] of every second cell by the pictures."""
    points = torch.from_numpy(_thinned(centers().reshape(1, CELLS, CELLS, CELLS, 3)).reshape(-1, 3)).float()
    grids = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for rgba in samples.rgba:
            code = network.seen(torch.from_numpy(rgba[..., :3]).permute(2, 0, 1)[None].float() / 255)
            logits = [network.asked(code, part[None])[0][0] for part in points.split(CHUNK)]
            grids.append(torch.cat(logits).float().numpy().reshape((CELLS // EVERY,) * 3))
    return np.array(grids)


def by_mean(learned: Samples, count: int) -> Array:
    """The mean shape, `count` times."""
    grids = learned.grids()
    mean = grids.mean(axis=0)
    some = grids[:: max(len(grids) // 200, 1)]
    best = max(THRESHOLDS, key=lambda threshold: iou(np.broadcast_to(mean > threshold, some.shape), some).mean())
    return np.broadcast_to(mean > best, (count, *mean.shape))


def by_neighbor(learned: Samples, samples: Samples) -> Array:
    """Of each sample the learned shape whose picture is nearest: by color and coverage, in squared difference."""
    known = _features(learned)
    nearest = [((known - feature) ** 2).sum(axis=1).argmin() for feature in _features(samples)]
    return learned.grids()[nearest]


def _features(samples: Samples) -> Array:
    pictures = torch.from_numpy(samples.rgba).permute(0, 3, 1, 2).float() / 255
    return F.adaptive_avg_pool2d(pictures, FEATURES_PX).flatten(1).numpy()


def by_inflation(samples: Samples) -> Array:
    """The outlines of the pictures, inflated."""
    right, down, forward = camera(2).cam_from_world[0, :3, :3]
    grids = []
    for rgba in samples.rgba:
        mesh, _, _ = mesh_of(inflate(rgba[..., 3].astype(np.float32) / 255, INFLATED_FACES, InflateSettings()), 2 * FILLED * HALF_VIEW)
        vertices = mesh.vertices.astype(np.float64)
        vertices[:, 2] -= (vertices[:, 2].min() + vertices[:, 2].max()) / 2
        vertices[:, [0, 2]] *= 1 + vertices[:, 1:2] / DISTANCE  # to be seen where its outline is
        placed = vertices @ np.stack([right, forward, -down])
        grids.append(occupancy(placed[mesh.faces] @ BLENDER_FROM_MODEL)[0])
    return np.array(grids)


def baselines(learned: Samples, held_out: Samples) -> dict[str, float]:
    """The mean IoU of each way that needs no network."""
    wanted = held_out.grids()
    ways = {
        "mean": by_mean(learned, len(wanted)),
        "nearest": by_neighbor(learned, held_out),
        "inflation": by_inflation(held_out),
    }
    return {name: float(iou(found, wanted).mean()) for name, found in ways.items()}
