"""Two things that aren't splats behind the protocol, as small as can be: a mesh with vertex colors, in numpy; a field, in torch."""

from __future__ import annotations

import numpy as np
from reify.backend.geometry.raster import rasterize_mesh
from reify.backend.rendering.buffers import Buffers, Gradients
from reify.backend.rendering.protocol import check_current, check_same


class ColoredMesh:
    """A mesh whose vertex colors are fitted; each pixel shows the nearest triangle, so that its shape has no gradient."""

    def __init__(self, mesh, colors):
        self.mesh, self.colors = mesh, np.array(colors, np.float64)
        self.moments, self.version = np.zeros((2, *self.colors.shape)), 0

    def named_parameters(self):
        return {"vertex_srgb": self.colors.copy()}

    def assign(self, parameters):
        check_same({"vertex_srgb": self.colors}, parameters)
        if not np.array_equal(parameters["vertex_srgb"], self.colors):
            self.colors, self.version = np.array(parameters["vertex_srgb"], np.float64), self.version + 1

    def render(self, cameras, background=(0.0, 0.0, 0.0), *, geometry=True):
        fragments = [rasterize_mesh(self.mesh, cameras, i) for i in range(len(cameras))]
        return tuple(self._shown(f, background, geometry) for f in fragments), (fragments, self.version)

    def _shown(self, fragments, background, geometry):
        alpha = fragments.hit.astype(np.float64)
        corners, weights = self._corners(fragments)
        rgb = (self.colors[corners] * weights[..., None]).sum(axis=2) * alpha[..., None] + (1 - alpha[..., None]) * background
        if not geometry:
            return Buffers(rgb, alpha, None, None, background)
        triangles = self.mesh.vertices[self.mesh.faces].astype(np.float64)
        normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return Buffers(rgb, alpha, alpha * fragments.depth, alpha[..., None] * normals[fragments.face], background)

    def _corners(self, fragments):
        second, third = fragments.barycentric[..., 0], fragments.barycentric[..., 1]
        return self.mesh.faces[fragments.face], np.stack([1 - second - third, second, third], axis=-1)

    def pull_back(self, tape, v_rgb=None, v_alpha=None, v_depth=None, v_normal=None):
        fragments, version = tape
        check_current(version, self.version)
        v_colors = np.zeros_like(self.colors)
        for i, one in enumerate(fragments):
            if v_rgb is not None and v_rgb[i] is not None:
                corners, weights = self._corners(one)
                np.add.at(v_colors, corners, (weights * one.hit[..., None])[..., None] * v_rgb[i][:, :, None])
        return Gradients({"vertex_srgb": v_colors})

    def descend(self, gradients, step):
        gradient = gradients.parameters["vertex_srgb"]
        self.moments[0] += (1 - step.beta1) * (gradient - self.moments[0])
        self.moments[1] += (1 - step.beta2) * (gradient**2 - self.moments[1])
        first, second = self.moments[0] / (1 - step.beta1**step.count), self.moments[1] / (1 - step.beta2**step.count)
        self.colors -= step.rates["vertex_srgb"] * first / (np.sqrt(second) + 1e-15)
        self.version += 1


def field(side=10, samples=32, near=1.5, far=3.5, extent=0.8):
    """A grid [side^3] of densities and colors, volume-rendered by emission and absorption; normals are those of the density's gradient."""
    import torch
    from reify.backend.rendering.torch_renderable import TorchRenderable

    def sampled(grid, points):
        size = points.shape[:-1]
        values = torch.nn.functional.grid_sample(grid[None], points.reshape(1, -1, 1, 1, 3) / extent, align_corners=True)
        return values.reshape(len(grid), *size)

    def draw(parameters, cameras, index, background, geometry):
        k, pose = (torch.tensor(m[index]) for m in (cameras.K, cameras.cam_from_world))
        width, height = (int(v) for v in cameras.size_px[index])
        y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        rays = torch.stack([(x - k[0, 2]) / k[0, 0], (y - k[1, 2]) / k[1, 1], torch.ones(height, width)], dim=-1).double()
        z = torch.linspace(near, far, samples, dtype=torch.float64)
        points = (z[:, None, None, None] * rays - pose[:3, 3]) @ pose[:3, :3]
        step = (far - near) / (samples - 1) * rays.norm(dim=-1)
        density = torch.nn.functional.softplus(sampled(parameters["density"][None], points)[0])
        opacity = 1 - torch.exp(-density * step)
        through = torch.cumprod(torch.cat([torch.ones(1, height, width, dtype=torch.float64), 1 - opacity]), dim=0)
        weight = opacity * through[:-1]
        color = torch.sigmoid(sampled(parameters["color"], points))
        rgb = (weight * color).sum(dim=1).permute(1, 2, 0) + through[-1][..., None] * torch.tensor(background, dtype=torch.float64)
        if not geometry:
            return Buffers(rgb, 1 - through[-1], None, None)
        slope = torch.stack(torch.gradient(parameters["density"], dim=(2, 1, 0)))  # the grid's axes are z y x
        normal = -torch.nn.functional.normalize(sampled(slope, points), dim=0, eps=1e-9)
        return Buffers(rgb, 1 - through[-1], (weight * z[:, None, None]).sum(dim=0), (weight * normal).sum(dim=1).permute(1, 2, 0))

    generator = torch.Generator().manual_seed(0)
    parameters = {
        "density": torch.randn(side, side, side, generator=generator, dtype=torch.float64),
        "color": torch.randn(3, side, side, side, generator=generator, dtype=torch.float64),
    }
    return TorchRenderable(parameters, draw)
