"""Rendering splats on an NVIDIA card by our own kernels, gradients of that, and whole training steps.

Everything large stays on the card. A step waits for it twice: for the number of entries in the tiles' lists, after which the rest can be
allocated, and for the loss; where neighboring views are compared once more, for how many pixels are covered. Every sum has one owner and
one order, so results repeat bit by bit, as on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ...rendering.buffers import Buffers, Color, Cotangents, Gradients
from ...rendering.losses import DepthDistortion, NormalConsistency
from ...rendering.protocol import Step, check_current
from ...rendering.targets import Target
from ...values import Cameras, Rendering, Splats
from .. import columns, layout
from ..cpu import intermediates
from ..cpu.descent import CONTROL
from ..cpu.rasterizer import LOSSES, check_pinhole, control_row
from ..step import SplatStep, StepFigures, fuses, photometric_of, weight_of
from .comparison import PIXELS, Photos, compare_geometry, compare_photo, compare_views, expected_depth, exposed, exposed_back
from .failures import explained
from .rows import DeviceRows, named
from .source import BACK_WARPS, BUCKET, MOST_COLUMNS, PULL
from .view import Launch, Launcher, View

Array = Any
ENTRY = -(-(intermediates.SIGNAL + 1) // 4) * 4  # floats of a gradient row without depth and normals; they are read and written in fours
SHORT_TILES = 1 << 15  # fewer tiles fit into 16 bits
SHARES = 4  # blocks that share a tile's list on the way back


@dataclass(frozen=True, eq=False)
class Tape:
    """Renderings, and the version of the parameters that they are of."""

    views: tuple[View, ...]
    version: int


class CudaRasterizer(DeviceRows):
    """Splats on a card."""

    def __init__(self, splats: Splats, capacity: int, sh_degree: int, launch: Launch, *, device: str = "cuda") -> None:
        """`launch` runs kernels: `driver.Kernels` on a card, what stands in for it in tests. Raises ReifyError where the card fails."""
        super().__init__(splats, capacity, sh_degree, device, torch.float32)
        assert self.width <= MOST_COLUMNS
        self._launcher, self._device = Launcher(launch, device), device
        self._photos = Photos(device)

    @explained()
    def render(self, cameras: Cameras, background: Color = (0.0, 0.0, 0.0), *, geometry: bool = True) -> tuple[tuple[Buffers, ...], Tape]:
        """What each of the cameras sees, float32 on the card, and the tape; see `protocol.Renderable` and `CpuRasterizer.render`."""
        check_pinhole(cameras)
        behind = np.asarray(background, np.float32)
        views = tuple(self.draw(layout.camera_row(cameras, i), behind, self.bases, geometry) for i in range(len(cameras)))
        return tuple(self._buffers(view, background) for view in views), Tape(views, self._version)

    @explained()
    def pull_back(
        self,
        tape: Tape,
        v_rgb: Cotangents | None = None,
        v_alpha: Cotangents | None = None,
        v_depth: Cotangents | None = None,
        v_normal: Cotangents | None = None,
    ) -> Gradients:
        """Gradients of the parameters, summed over the tape's cameras, and `stats` for densification; see `protocol.Renderable`."""
        check_current(tape.version, self._version)
        rows, stats = torch.zeros(self.count, self.width, **self._place), torch.zeros(self.count, columns.STATS, **self._place)
        for i, view in enumerate(tape.views):
            image, alpha, depth, normal = (None if v is None else v[i] for v in (v_rgb, v_alpha, v_depth, v_normal))
            image = torch.zeros_like(view.image) if image is None else image.permute(2, 0, 1).contiguous()
            v_planes = None
            if view.geometry is not None:
                v_planes = torch.zeros(intermediates.SURFACE, view.height, view.width, **self._place)
                if depth is not None:  # which is the blended plane plus middle times alpha
                    v_planes[intermediates.DEPTHS] = depth
                    alpha = view.middle * depth + (0 if alpha is None else alpha)
                if normal is not None:
                    v_planes[intermediates.NORMALS :] = torch.einsum("cw,hkw->chk", self._rotation(view.camera), normal)
            rows += self.gradients(view, image, None if alpha is None else alpha.contiguous(), v_planes, stats)
        return Gradients(named(rows, self.bases), {"stats": stats})

    def fuses(self, step: Step) -> bool:
        """Whether `step` computes exactly what `step.losses` ask for."""
        return fuses(step, LOSSES)

    @explained()
    def step(self, target: Target, step: SplatStep) -> StepFigures:
        """Render one view, compare it with its photo, and take one Adam step.

        Raises ValueError for losses that it doesn't fuse, ReifyError where the card fails.
        """
        ssim_share = photometric_of(step, LOSSES).ssim_share
        width, height = (int(v) for v in target.camera.size_px[0])
        photo = self._photos.of(target)
        background = np.asarray(step.background, np.float32)
        wanted = self._launcher.new(3, height, width)
        pixels = height * width
        self._launcher.each(pixels, "fill_target", photo.rgb, photo.alpha, photo.weight, background, wanted)
        regularized = weight_of(step, DepthDistortion) > 0 or weight_of(step, NormalConsistency) > 0
        view = self.draw(layout.camera_row(target.camera), background, step.bases, regularized or step.keep_depth)
        picture = view.image if step.exposure is None else exposed(view, background, step.exposure)
        v_image, error, sums = compare_photo(self._launcher, view, picture, wanted, photo, ssim_share)
        v_alpha, v_exposure = None, None
        if step.exposure is not None:
            v_image, v_alpha, v_exposure = exposed_back(view, background, step.exposure, v_image)
        v_geometry, shape_loss = None, torch.zeros(1, dtype=torch.float64, device=self._device)
        if view.geometry is not None:
            v_alpha = torch.zeros(height, width, device=self._device) if v_alpha is None else v_alpha
            v_geometry, shape_loss = compare_geometry(self._launcher, view, photo, step, v_alpha)
            if step.neighbor is not None:
                shape_loss += compare_views(
                    self._launcher, view, photo, self._photos.of(step.neighbor.target), step, step.neighbor, v_geometry, v_alpha
                )
        entry_gradients = self._entry_gradients(view, v_image, v_alpha, v_geometry, error, step.absolute)
        numbers = (layout.rates_row(step.rates, self.bases), control_row(step), step.seed)
        v_camera = self._pull_back(view, entry_gradients, *numbers, None, self._tensors[2], step.camera_gradient)
        self._version += 1
        found = torch.cat([v for v in (sums, shape_loss, v_exposure, v_camera) if v is not None]).cpu().numpy()  # one wait for all
        ssim, l1, square = (float(v) / (3 * photo.known) for v in found[:3])
        ssim -= pixels / photo.known - 1  # unknown pixels agree perfectly in both pictures
        return StepFigures(
            (1 - ssim_share) * l1 + ssim_share * (1 - ssim) + float(found[3]),
            square,
            view.visible,
            len(view.members),
            found[4:10] if step.exposure is not None else None,
            found[-6:] if step.camera_gradient else None,
            expected_depth(view).cpu().numpy() if step.keep_depth else None,
        )

    @explained()
    def rasterize(self, cameras: Cameras, index: int, background: Color, geometry: bool) -> Rendering:
        """Render camera `index` as `render.rasterize` does; raises ReifyError where the card fails."""
        check_pinhole(cameras)
        view = self.draw(layout.camera_row(cameras, index), np.asarray(background, np.float32), self.bases, geometry)
        buffers = self._buffers(view, background)
        rgb, alpha = buffers.rgb.cpu().numpy(), buffers.alpha.cpu().numpy()
        info: dict[str, Any] = {"visible": view.visible, "entries": len(view.members)}
        if view.geometry is None or buffers.depth is None or buffers.normal is None:
            return Rendering(rgb, alpha, info=info)
        info["expected_depth"] = np.where(alpha > 1e-4, buffers.depth.cpu().numpy() / np.maximum(alpha, 1e-4), 0).astype(np.float32)
        length = torch.linalg.norm(buffers.normal, dim=2, keepdim=True)
        normal = torch.where(length > 1e-6, buffers.normal / length, 0.0).cpu().numpy()
        return Rendering(rgb, alpha, view.geometry[intermediates.SURFACE].cpu().numpy(), normal, info)

    @explained()
    def strongest_weights(self, target: Target) -> Array:
        """Largest blending weight [N] that each splat reaches in any known pixel of a view."""
        strongest = torch.zeros(self.count, device=self._device)
        known = (self._photos.of(target).weight, strongest)
        self.draw(layout.camera_row(target.camera), np.zeros(3, np.float32), 1, strongest=known)
        return strongest.cpu().numpy()

    def draw(
        self,
        camera: Array,
        background: Array,
        bases: int,
        geometric: bool = False,
        strongest: tuple[torch.Tensor | None, torch.Tensor | None] = (None, None),
    ) -> View:
        """Project, sort and blend what a camera's row sees; depth and normals where `geometric`.

        `strongest` are a mask [H,W] and, for the largest weight of each splat, an array [N] of zeros.
        """
        width, height = (int(v) for v in camera[columns.SIZE : columns.SIZE + 2])
        n, across, down = self.count, -(-width // intermediates.TILE), -(-height // intermediates.TILE)
        projected, boxes = self._launcher.new(n, intermediates.PROJECTED), self._launcher.new(n, 4, kind=torch.int16)
        shapes = self._launcher.new(n, intermediates.DISC) if self.surfels or geometric else None
        counts, first_rows, depths = self._launcher.new(n, kind=torch.int32), self._launcher.new(n, kind=torch.int32), self._launcher.new(n)
        splats = (self._tensors[0], self.width, bases, camera, across, down, self.antialiased)
        self._launcher.each(n, self._name("project"), *splats, projected, shapes, boxes, counts, depths)
        nearest, order = torch.sort(depths, stable=True)
        ends, seen = torch.cumsum(counts[order], 0), torch.count_nonzero(counts)
        amid = nearest.take(seen // 2) if n else seen
        entries, visible, middle = torch.stack([counts.sum().double(), seen.double(), amid.double()]).tolist()
        entries, visible, middle = int(entries), int(visible), middle if visible else 0.0
        entry_tiles, members = self._launcher.new(entries, kind=torch.int32), self._launcher.new(entries, kind=torch.int32)
        self._launcher.each(n, "list_tiles", order, ends, counts, projected, boxes, across, first_rows, entry_tiles, members)
        if across * down < SHORT_TILES:
            entry_tiles = entry_tiles.to(torch.int16)  # half the passes of the radix sort
        tiles, places = torch.sort(entry_tiles, stable=True)
        tile_start = torch.searchsorted(tiles, torch.arange(across * down + 1, dtype=tiles.dtype, device=self._device))
        view = View(
            camera=camera,
            width=width,
            height=height,
            bases=bases,
            tiles=(across, down),
            projected=projected,
            shapes=shapes,
            middle=middle,
            counts=counts,
            first_rows=first_rows,
            members=members,
            places=places,
            tile_start=tile_start,
            states=self._launcher.new(entries // BUCKET + across * down, PIXELS, 4),
            geometry=self._launcher.new(intermediates.GEOMETRY, height, width) if geometric else None,
            geometry_states=self._launcher.new(entries // BUCKET + across * down, intermediates.SURFACE, PIXELS) if geometric else None,
            image=self._launcher.new(3, height, width),
            transmittance=self._launcher.new(height, width),
            used=self._launcher.new(height, width, kind=torch.int32),
            finished=self._launcher.new(across * down, kind=torch.int32),
            visible=visible,
        )
        results = (view.image, view.transmittance, view.used, view.finished, view.states, view.geometry, view.geometry_states)
        grid, block = (across * down, 1, 1), (PIXELS, 1, 1)
        self._launcher(self._name("blend", geometric), grid, block, *self._lists(view), background, *results, *strongest)
        return view

    def gradients(
        self,
        view: View,
        v_image: torch.Tensor,
        v_alpha: torch.Tensor | None = None,
        v_planes: torch.Tensor | None = None,
        stats: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Gradients [N,W] of the parameters, from those of the picture [3,H,W], of its alpha [H,W] and of its planes [SURFACE,H,W].

        Those of the planes, see intermediates.py, count after a `geometric` drawing only. To `stats` [N,STATS] what a step gathers with
        absolute gradients is added.
        """
        if v_planes is None and view.geometry is not None:
            v_planes = torch.zeros_like(view.geometry[: intermediates.SURFACE])
        out = torch.zeros(self.count, self.width, device=self._device)
        stats = torch.zeros(self.count, columns.STATS, device=self._device) if stats is None else stats
        error = torch.zeros(view.height, view.width, device=self._device)
        numbers = (np.zeros(self.width, np.float32), np.zeros(CONTROL, np.float32), 0)
        self._pull_back(view, self._entry_gradients(view, v_image, v_alpha, v_planes, error, True), *numbers, out, stats, False)
        return out

    def close(self) -> None:
        """Give the card's memory back."""
        self._photos.clear()
        super().close()

    def _buffers(self, view: View, background: Color) -> Buffers:
        rgb, alpha = view.image.permute(1, 2, 0).contiguous(), 1 - view.transmittance
        if view.geometry is None:
            return Buffers(rgb, alpha, None, None, background)
        depth = view.geometry[intermediates.DEPTHS] + view.middle * alpha
        in_camera = view.geometry[intermediates.NORMALS : intermediates.SURFACE]
        return Buffers(rgb, alpha, depth, torch.einsum("cw,chk->hkw", self._rotation(view.camera), in_camera), background)

    def _rotation(self, camera: Array) -> torch.Tensor:
        """Rotation [3,3] of a camera row's cam_from_world."""
        return torch.as_tensor(camera[columns.ROTATION : columns.TRANSLATION].reshape(3, 3), device=self._device)

    def _entry_gradients(
        self,
        view: View,
        v_image: torch.Tensor,
        v_alpha: torch.Tensor | None,
        v_geometry: torch.Tensor | None,
        error: torch.Tensor,
        absolute: bool,
    ) -> torch.Tensor:
        geometric = view.geometry is not None
        out = self._launcher.new(len(view.members), intermediates.GRADIENT if geometric else ENTRY)
        rendered = (view.image, view.transmittance, view.used, view.finished, view.states, view.geometry, view.geometry_states)
        grid, block = (view.tiles[0] * view.tiles[1], SHARES, 1), (BACK_WARPS * BUCKET, 1, 1)
        back = (v_image, v_alpha, v_geometry, error, absolute, out)
        self._launcher(self._name("blend_back", geometric), grid, block, *self._lists(view), *rendered, *back)
        return out

    def _pull_back(
        self,
        view: View,
        entry_gradients: torch.Tensor,
        rates: Array,
        control: Array,
        seed: int,
        out: torch.Tensor | None,
        stats: torch.Tensor,
        camera_gradient: bool,
    ) -> torch.Tensor | None:
        """Take the step, or fill `out`; returns the gradient [6] by the camera's motion where it is asked for."""
        rows, moments, _stats = self._tensors
        blocks = -(-self.count // PULL)
        motions = self._launcher.new(blocks, 6) if camera_gradient else None
        learning = np.zeros(MOST_COLUMNS, np.float32)
        learning[: self.width] = rates
        self._launcher(
            self._name("pull_back"),
            (blocks, 1, 1),
            (PULL, 1, 1),
            self.count,
            rows,
            moments,
            self.width,
            view.bases,
            view.camera,
            self.antialiased,
            view.projected,
            view.shapes,
            view.counts,
            view.first_rows,
            entry_gradients.shape[1],
            entry_gradients,
            learning,
            control,
            seed >> 32,
            seed & 0xFFFFFFFF,
            out,
            stats,
            motions,
        )
        return None if motions is None else motions.sum(0, dtype=torch.float64)

    def _lists(self, view: View) -> tuple[Any, ...]:
        lists = (view.tile_start, view.places, view.members, view.projected, view.shapes)
        return view.tiles[0], view.width, view.height, *lists, view.middle

    def _name(self, kernel: str, geometric: bool = False) -> str:
        """The kernel for these splats."""
        return ("surfel_" if self.surfels else "") + kernel + ("_geometry" if geometric else "")
