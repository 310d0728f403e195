"""The plain torch twin of the losses on depth and normals, and between neighboring views: the reference of the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..values import Cameras

if TYPE_CHECKING:
    import torch

Array = Any


def geometry_losses(alpha: torch.Tensor, sums: torch.Tensor, k: Array, middle: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Distortion and normal consistency summed over all pixels, as in `cpu/geometry.py`, from what `render_surfels` returns."""
    import torch

    distortion = (alpha * sums[1] - sums[0] ** 2).sum()
    height, width = alpha.shape
    solid = alpha > 0.5
    depth = middle + sums[0] / torch.where(solid, alpha, torch.ones_like(alpha))
    x = (torch.arange(width, dtype=alpha.dtype) + 0.5 - k[0, 2]) / k[0, 0]
    y = (torch.arange(height, dtype=alpha.dtype) + 0.5 - k[1, 2]) / k[1, 1]
    rays = torch.stack([x.expand(height, width), y[:, None].expand(height, width), torch.ones(height, width, dtype=alpha.dtype)], dim=-1)
    points = depth[..., None] * rays
    across, down = points[1:-1, 2:] - points[1:-1, :-2], points[2:, 1:-1] - points[:-2, 1:-1]
    normal = torch.nn.functional.normalize(torch.linalg.cross(down, across), dim=-1)
    inner = rays[1:-1, 1:-1]
    counts = solid[1:-1, 1:-1] & solid[1:-1, 2:] & solid[1:-1, :-2] & solid[2:, 1:-1] & solid[:-2, 1:-1]
    counts &= -(normal * inner).sum(dim=-1) >= 0.1 * torch.linalg.norm(inner, dim=-1)
    agreement = (normal * sums[2:, 1:-1, 1:-1].permute(1, 2, 0)).sum(dim=-1)
    return distortion, torch.where(counts, alpha[1:-1, 1:-1] - agreement, torch.zeros_like(agreement)).sum()


def agreement_losses(
    alpha: torch.Tensor,
    sums: torch.Tensor,
    grays: tuple[torch.Tensor, torch.Tensor],
    other_depth: torch.Tensor,
    cameras: Cameras,
    middle: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Photometric and geometric loss between the first two cameras, summed over all pixels, as in `cpu/multiview.py`.

    `alpha` [H,W] and `sums` [5,H,W] are what `render_surfels` returns for the first, `other_depth` [H,W] is the depth of the second, 0
    where nothing is, and `grays` [H,W] are both photos, below 0 where they aren't known.
    """
    import torch

    from .cpu.geometry import LEAST_FACING
    from .cpu.multiview import HALF, MOST_AWAY, NOISE

    like: dict[str, Any] = {"dtype": alpha.dtype, "device": alpha.device}
    (own_k, other_k), (own, other) = (torch.as_tensor(m[:2], **like) for m in (cameras.K, cameras.cam_from_world))
    between = other @ torch.linalg.inv(own)
    rotation, translation = between[:3, :3], between[:3, 3]
    height, width = alpha.shape
    row, column = (i.ravel() for i in torch.meshgrid(torch.arange(HALF, height - HALF), torch.arange(HALF, width - HALF), indexing="ij"))
    pixel = torch.stack([column, row], dim=-1) + torch.full((2,), 0.5, **like)
    ray, normal = _rays(pixel, own_k), sums[2:, row, column].T
    point = (middle + sums[0, row, column] / alpha[row, column])[:, None] * ray
    counts = alpha[row, column] > 0.5
    for seen_from in (torch.zeros(3, **like), -rotation.T @ translation):
        toward = point - seen_from
        counts &= -(normal * toward).sum(dim=1) > 0.1 * torch.linalg.norm(normal, dim=1) * torch.linalg.norm(toward, dim=1)
    there = _projected(point @ rotation.T + translation, other_k)
    far, found = _sampled(other_depth, there, 1e-6)
    (slope,) = torch.autograd.grad(far.sum(), there, retain_graph=True)
    found &= (slope * other_k.diagonal()[:2]).abs().amax(dim=1) * float(LEAST_FACING) < far.detach()
    back = _projected((far[:, None] * _rays(there, other_k) - translation) @ rotation, own_k)
    away = torch.linalg.norm(back - pixel, dim=1)
    counts &= found & (away < MOST_AWAY)
    share = torch.exp(-away).detach()
    offset = torch.cartesian_prod(*[torch.arange(-HALF, HALF + 1)] * 2)
    rays = _rays(pixel[:, None] + offset.flip(1), own_k)
    on_plane = rays * ((normal * point).sum(dim=1)[:, None] / torch.einsum("pc,pqc->pq", normal, rays))[..., None]
    here = grays[0][row[:, None] + offset[:, 0], column[:, None] + offset[:, 1]]
    shown, known = _sampled(grays[1], _projected(on_plane @ rotation.T + translation, other_k), 0.0)
    a, b = (patch - patch.mean(dim=1, keepdim=True) for patch in (here, shown))
    alike = (a * b).sum(dim=1) / torch.sqrt(((a * a).sum(dim=1) + float(NOISE)) * ((b * b).sum(dim=1) + float(NOISE)))
    compared = counts & known.all(dim=1) & (here >= 0).all(dim=1)
    return (share * (1 - alike))[compared].sum(), (share * away)[counts].sum()


def _rays(pixels: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.cat([(pixels - k[:2, 2]) / torch.diagonal(k)[:2], torch.ones_like(pixels[..., :1])], dim=-1)


def _projected(points: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    return points[..., :2] / points[..., 2:] * k.diagonal()[:2] + k[:2, 2]


def _sampled(plane: torch.Tensor, pixels: torch.Tensor, least: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Values of a plane [H,W] between its pixels, and whether all four around are inside of it and at least `least`."""
    import torch

    size = torch.tensor(plane.shape[::-1])
    corner = torch.floor(pixels.detach() - 0.5).long()
    inside = ((corner >= 0) & (corner < size - 1)).all(dim=-1)
    x, y = torch.minimum(corner.clamp(min=0), size - 2).unbind(dim=-1)
    fine = torch.stack([plane[y + j, x + i] for j in (0, 1) for i in (0, 1)]).amin(dim=0) >= least
    grid = (2 * pixels / size - 1).reshape(1, 1, -1, 2)
    values = torch.nn.functional.grid_sample(plane[None, None], grid, mode="bilinear", align_corners=False)
    return values.reshape(pixels.shape[:-1]), inside & fine
