"""The plain torch twin of the kernels: the reference of the tests, on any device, with gradients by autograd.

Every splat is evaluated at every pixel, so it is for tiny scenes only. In float64 it says what is right; the equations are those of
`cpu/projection.py` and `cpu/blending.py`, without tiles and without an end when no light is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..rendering.buffers import Buffers, Color
from ..values import Cameras, Splats

if TYPE_CHECKING:
    import torch

    from ..rendering.torch_renderable import TorchRenderable

Array = Any
BLUR, LOW_PASS, NEAR, LEAST_ALPHA, MOST_ALPHA = 0.3, 5.0, 0.01, 1 / 255, 0.999


def parameters_of(splats: Splats, *, device: str = "cpu") -> dict[str, torch.Tensor]:
    """The splats' arrays as float64 leaves that require gradients, by their names in `Splats`."""
    import torch

    names = ("means", "quats", "log_scales", "opacity_logits", "sh")
    return {name: torch.tensor(np.asarray(getattr(splats, name)), dtype=torch.float64, device=device, requires_grad=True) for name in names}


def renderable(splats: Splats) -> TorchRenderable:
    """Splats or surfels behind the protocol of everything that can be rendered, in float64."""
    from ..rendering.torch_renderable import TorchRenderable

    draw_planes = render_surfels if splats.surfels else render_planes

    def draw(parameters, cameras: Cameras, index: int, background: Color, geometry: bool) -> Buffers:
        rgb, alpha, sums = draw_planes(parameters, cameras, index, background=background, antialiased=splats.antialiased)
        rotation = sums.new_tensor(cameras.cam_from_world[index, :3, :3])
        depth, normal = (sums[0], sums[2:].permute(1, 2, 0) @ rotation) if geometry else (None, None)
        return Buffers(rgb, alpha, depth, normal)

    return TorchRenderable(parameters_of(splats), draw)


def render(
    parameters: dict[str, torch.Tensor],
    cameras: Cameras,
    index: int,
    *,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    antialiased: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Picture [H,W,3] and alpha [H,W] of pinhole camera `index`.

    `parameters` may also hold a "probe" [N], which becomes a fourth channel of the picture over a background of zero.
    """
    picture, alpha, _weights_and_shapes = _rendered(parameters, cameras, index, background, antialiased)
    return picture, alpha


def render_planes(
    parameters: dict[str, torch.Tensor],
    cameras: Cameras,
    index: int,
    *,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    antialiased: bool = False,
    middle: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Picture [H,W,3], alpha [H,W], and the sums [5,H,W] by weight of depth less `middle`, of its square, and of the normal.

    Depth and normal are those of each splat's plane of greatest density, as in `cpu/planes.py`; normals are in camera space, towards
    the camera.
    """
    import torch

    picture, alpha, (weight, dx, dy, covariance, with_depth, k, local, towards) = _rendered(
        parameters, cameras, index, background, antialiased
    )
    slope = torch.linalg.solve(covariance, with_depth)
    depth = local[:, 2, None, None] + slope[:, 0, None, None] * dx + slope[:, 1, None, None] * dy
    depth = torch.clamp(depth, min=NEAR) - middle
    flat = slope * torch.diagonal(k)[:2] / local[:, 2:]
    normal = torch.nn.functional.normalize(torch.cat([flat, -1 - (flat * towards).sum(dim=1, keepdim=True)], dim=1), dim=1)
    sums = [(weight * depth).sum(dim=0), (weight * depth * depth).sum(dim=0), *torch.einsum("nhw,nc->chw", weight, normal)]
    return picture, alpha, torch.stack(sums)


def _rendered(parameters, cameras, index, background, antialiased):
    """Picture, alpha, and what the planes of splats need: weights, offsets from the centers and shapes."""
    import torch

    means = parameters["means"]
    like: dict[str, Any] = {"dtype": means.dtype, "device": means.device}
    pose, k, (width, height), kept, local = _front_to_back(means, cameras, index)
    xy = torch.stack([k[0, 0] * local[:, 0] / local[:, 2] + k[0, 2], k[1, 1] * local[:, 1] / local[:, 2] + k[1, 2]], dim=1)
    towards = _towards(local, k, width, height)
    spread = _spread(parameters, kept, local, towards, pose, k)
    sharp = spread[:, :2] @ spread[:, :2].transpose(1, 2)
    covariance = sharp + BLUR * torch.eye(2, **like)
    alpha = torch.sigmoid(parameters["opacity_logits"][kept])
    if antialiased:
        alpha = alpha * torch.sqrt(torch.clamp(torch.linalg.det(sharp) / torch.linalg.det(covariance), min=1e-12))
    alpha = torch.clamp(alpha, max=MOST_ALPHA)
    color = colors(parameters["sh"][kept], means[kept] + pose[:3, :3].T @ pose[:3, 3])
    behind = list(background)
    if "probe" in parameters:
        color = torch.cat([color, parameters["probe"][kept, None]], dim=1)
        behind.append(0.0)
    columns = torch.arange(width, **like) + 0.5
    rows = torch.arange(height, **like) + 0.5
    dx = columns[None, None, :] - xy[:, 0, None, None]
    dy = rows[None, :, None] - xy[:, 1, None, None]
    conic = torch.linalg.inv(covariance)
    power = -0.5 * (conic[:, 0, 0, None, None] * dx * dx + conic[:, 1, 1, None, None] * dy * dy) - conic[:, 0, 1, None, None] * dx * dy
    strength = alpha[:, None, None] * torch.exp(power)
    strength = torch.where(strength >= LEAST_ALPHA, strength, torch.zeros_like(strength))
    through = torch.cumprod(torch.cat([torch.ones(1, height, width, **like), 1 - strength]), dim=0)
    weight = strength * through[:-1]
    picture = torch.einsum("nhw,nc->hwc", weight, color) + through[-1][..., None] * torch.tensor(behind, **like)
    with_depth = (spread[:, :2] @ spread[:, 2, :, None])[:, :, 0]
    return picture, 1 - through[-1], (weight, dx, dy, covariance, with_depth, k, local, towards)


def render_surfels(
    parameters: dict[str, torch.Tensor],
    cameras: Cameras,
    index: int,
    *,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    antialiased: bool = False,
    middle: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """As `render_planes`, of surfels.

    Each ray is cut with each surfel's plane (Huang et al. 2024, section 4.1); normals are in camera space, towards the camera.
    """
    import torch

    means = parameters["means"]
    like: dict[str, Any] = {"dtype": means.dtype, "device": means.device}
    pose, k, (width, height), kept, local = _front_to_back(means, cameras, index)
    axes = pose[:3, :3] @ rotations(parameters["quats"][kept])
    scales = torch.exp(parameters["log_scales"][kept])
    x = (torch.arange(width, **like) + 0.5 - k[0, 2]) / k[0, 0]
    y = (torch.arange(height, **like) + 0.5 - k[1, 2]) / k[1, 1]
    rays = torch.stack([x.expand(height, width), y[:, None].expand(height, width), torch.ones(height, width, **like)], dim=-1)
    depth = (axes[:, :, 2] * local).sum(dim=1)[:, None, None] / torch.einsum("nc,hwc->nhw", axes[:, :, 2], rays)
    offset = depth[..., None] * rays - local[:, None, None]
    on_disc = sum((torch.einsum("nhwc,nc->nhw", offset, axes[:, :, i]) / scales[:, i, None, None]) ** 2 for i in range(2))
    dx = k[0, 0] * (x[None, None, :] - (local[:, 0] / local[:, 2])[:, None, None])
    dy = k[1, 1] * (y[None, :, None] - (local[:, 1] / local[:, 2])[:, None, None])
    on_picture = LOW_PASS * (dx * dx + dy * dy)
    seen = (depth > 0) & (on_disc <= on_picture)
    depth = torch.where(seen, depth, local[:, 2, None, None].expand_as(depth)) - middle
    alpha = torch.sigmoid(parameters["opacity_logits"][kept])
    if antialiased:
        zero = torch.zeros_like(local[:, 2])
        ax, ay = k[0, 0] / local[:, 2], k[1, 1] / local[:, 2]
        rows = [ax, zero, -ax * local[:, 0] / local[:, 2], zero, ay, -ay * local[:, 1] / local[:, 2]]
        shape = torch.stack(rows, dim=1).reshape(-1, 2, 3) @ (axes[:, :, :2] * scales[:, None, :2])
        alpha = alpha * torch.clamp(LOW_PASS * torch.abs(torch.linalg.det(shape)), max=1)
    alpha = torch.clamp(alpha, max=MOST_ALPHA)
    strength = alpha[:, None, None] * torch.exp(-0.5 * torch.where(seen, on_disc, on_picture))
    strength = torch.where(strength >= LEAST_ALPHA, strength, torch.zeros_like(strength))
    through = torch.cumprod(torch.cat([torch.ones(1, height, width, **like), 1 - strength]), dim=0)
    weight = strength * through[:-1]
    color = colors(parameters["sh"][kept], means[kept] + pose[:3, :3].T @ pose[:3, 3])
    picture = torch.einsum("nhw,nc->hwc", weight, color) + through[-1][..., None] * torch.tensor(background, **like)
    normal = axes[:, :, 2] * -torch.sign((axes[:, :, 2] * local).sum(dim=1, keepdim=True))
    sums = [(weight * depth).sum(dim=0), (weight * depth * depth).sum(dim=0), *torch.einsum("nhw,nc->chw", weight, normal)]
    return picture, 1 - through[-1], torch.stack(sums)


def _front_to_back(means: torch.Tensor, cameras: Cameras, index: int) -> tuple[Any, ...]:
    """Pose, intrinsics and size of a camera, indices of the splats in front of it by depth, and their positions in camera space [N,3]."""
    import torch

    pose, k = (torch.as_tensor(m[index], dtype=means.dtype, device=means.device) for m in (cameras.cam_from_world, cameras.K))
    local = means @ pose[:3, :3].T + pose[:3, 3]
    kept = torch.nonzero(local[:, 2] > NEAR)[:, 0]
    kept = kept[torch.argsort(local[kept, 2], stable=True)]
    return pose, k, tuple(int(v) for v in cameras.size_px[index]), kept, local[kept]


def _towards(local, k, width, height):
    """Projected centers at focal length 1 [N,2], clamped to 1.3 fields of view."""
    import torch

    fx, fy, cx, cy = k[0, 0], k[1, 1], k[0, 2], k[1, 2]
    depth = local[:, 2]
    ux = torch.clamp(local[:, 0] / depth, -cx / fx - 0.15 * width / fx, (width - cx) / fx + 0.15 * width / fx)
    uy = torch.clamp(local[:, 1] / depth, -cy / fy - 0.15 * height / fy, (height - cy) / fy + 0.15 * height / fy)
    return torch.stack([ux, uy], dim=1)


def _spread(parameters, kept, local, towards, pose, k):
    """Derivative [N,3,3] of (x pixel, y pixel, depth) by a splat's own unit coordinates."""
    import torch

    depth = local[:, 2]
    zero, one = torch.zeros_like(depth), torch.ones_like(depth)
    ax, ay = k[0, 0] / depth, k[1, 1] / depth
    jacobian = torch.stack([ax, zero, -ax * towards[:, 0], zero, ay, -ay * towards[:, 1], zero, zero, one], dim=1).reshape(-1, 3, 3)
    axes = rotations(parameters["quats"][kept]) * torch.exp(parameters["log_scales"][kept])[:, None, :]
    return jacobian @ pose[:3, :3] @ axes


def rotations(quats: torch.Tensor) -> torch.Tensor:
    """Rotation matrices [N,3,3] of quaternions [N,4] w x y z of any length."""
    import torch

    quats = torch.nn.functional.normalize(quats, dim=1)
    w, x, y, z = quats.unbind(dim=1)
    return torch.stack(
        [
            1 - 2 * (y * y + z * z),
            2 * (x * y - w * z),
            2 * (x * z + w * y),
            2 * (x * y + w * z),
            1 - 2 * (x * x + z * z),
            2 * (y * z - w * x),
            2 * (x * z - w * y),
            2 * (y * z + w * x),
            1 - 2 * (x * x + y * y),
        ],
        dim=1,
    ).reshape(-1, 3, 3)


def colors(sh: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Colors [N,3], not below zero, of SH coefficients [N,K,3] seen along directions [N,3] of any length."""
    import torch

    x, y, z = torch.nn.functional.normalize(direction, dim=1).unbind(dim=1)
    one = torch.ones_like(x)
    shapes = [0.28209479177387814 * one]
    if sh.shape[1] > 1:
        shapes += [0.4886025119029199 * v for v in (-y, z, -x)]
    if sh.shape[1] > 4:
        shapes += [
            1.0925484305920792 * x * y,
            -1.0925484305920792 * y * z,
            0.31539156525252005 * (2 * z * z - x * x - y * y),
            -1.0925484305920792 * x * z,
            0.5462742152960396 * (x * x - y * y),
        ]
    if sh.shape[1] > 9:
        shapes += [
            -0.5900435899266435 * y * (3 * x * x - y * y),
            2.890611442640554 * x * y * z,
            -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
            0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
            1.445305721320277 * z * (x * x - y * y),
            -0.5900435899266435 * x * (x * x - 3 * y * y),
        ]
    return torch.clamp(0.5 + torch.einsum("nk,nkc->nc", torch.stack(shapes, dim=1), sh[:, : len(shapes)]), min=0)
