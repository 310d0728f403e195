"""The loop: pictures in, the field asked at points near the surface and anywhere, cross entropy of being inside.

The learning rate falls over the time that there is, so that more time makes a better miniature and less still makes one.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...backend.networks.triposr import RADIUS
from .networks import Miniature, fresh
from .samples import CELLS, Samples

BATCH, POINTS = 8, 256
RATE, DECAY, WARM = 2e-3, 0.02, 0.05  # learning rate, weight decay, share of the time in which the rate rises
COLOR_WEIGHT = 1.0  # of the squared error of colors
MEMORY = 0.98  # of the running mean of weights, which is what is kept
KEEP_EVERY_S = 60.0


def train(name: str, samples: Samples, seconds: float, checkpoint: Path) -> Miniature:
    """A network of `networks.NAMES`, trained for that long in all; goes on from `checkpoint` where there is one."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    network, mean = fresh(name), fresh(name)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    mean.load_state_dict(network.state_dict())
    spent, step, shown = 0.0, 0, 0.0
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        spent, step = kept["spent"], kept["step"]
        network.load_state_dict(kept["network"])
        mean.load_state_dict(kept["mean"])
        optimizer.load_state_dict(kept["optimizer"])
    started, kept_at, grids = time.monotonic() - spent, spent, samples.grids().reshape(len(samples.names), -1)
    while (spent := time.monotonic() - started) < seconds:
        for group in optimizer.param_groups:
            group["lr"] = RATE * _pace(spent / seconds)
        with torch.autocast("cpu", torch.bfloat16):
            loss = _loss(network, *batch_of(samples, grids, rng))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        _follow(mean, network, min(MEMORY, step / (step + 10)))
        shown += (loss.item() - shown) * max(0.02, 1 / step)
        if step % 50 == 0:
            print(f"{name}: step {step}, {spent:.0f} s, loss {shown:.4f}", flush=True)
        if spent - kept_at > KEEP_EVERY_S:
            states = {"network": network.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({"spent": spent, "step": step, **states}, checkpoint)
            kept_at = spent
    return mean.eval()


def _pace(share: float) -> float:
    return min(share / WARM, 1.0) * (0.5 + 0.5 * math.cos(math.pi * share)) + 1e-3


def _follow(mean: torch.nn.Module, network: torch.nn.Module, memory: float) -> None:
    with torch.no_grad():
        torch._foreach_lerp_(list(mean.parameters()), list(network.parameters()), 1 - memory)


def batch_of(samples: Samples, grids: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pictures [B,3,S,S], points [B,P,3], whether these are inside [B,P], and the surface's colors [B,P/2,3] at the first half of them.

    Every second sample is its mirror image.
    """
    rows = rng.integers(len(grids), size=BATCH)
    picks = rng.integers(samples.near.shape[1], size=(BATCH, POINTS // 2))
    near = samples.near[rows[:, None], picks]
    anywhere = rng.integers(CELLS**3, size=near.shape)
    cells = np.concatenate([near, anywhere], axis=1)
    inside = grids[rows[:, None], cells]
    places = np.stack(np.unravel_index(cells, (CELLS,) * 3), axis=-1) + 0.5
    points = torch.from_numpy((places / CELLS * 2 - 1) * RADIUS).float()
    colors = torch.from_numpy(samples.rgba[rows, :, :, :3]).permute(0, 3, 1, 2).float() / 255
    mirrored = torch.from_numpy(rng.random(BATCH) < 0.5)
    points[..., 1] *= torch.where(mirrored, -1.0, 1.0)[:, None]  # the model's Y is across the picture
    colors = torch.where(mirrored[:, None, None, None], colors.flip(3), colors)
    srgb = torch.from_numpy(samples.near_srgb[rows[:, None], picks]).float() / 255
    return colors, points, torch.from_numpy(inside).float(), srgb


def _loss(network: Miniature, colors: Tensor, points: Tensor, inside: Tensor, srgb: Tensor) -> Tensor:
    logits, found = network.asked(network.seen(colors), points)
    loss = F.binary_cross_entropy_with_logits(logits.float(), inside)
    if found is None:
        return loss
    return loss + COLOR_WEIGHT * F.mse_loss(found[:, : srgb.shape[1]].float(), srgb)
