"""Rendering splats on the CPU, gradients of that, and whole training steps: the order in which the kernels run.

A whole step keeps its memory from call to call and writes no gradient of the parameters' size; each tape of `render` has memory of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...rendering.buffers import Buffers, Color, Cotangents, Gradients
from ...rendering.losses import (
    Anisotropy,
    DepthDistortion,
    MultiviewGeometric,
    MultiviewPhotometric,
    NormalConsistency,
    OpacityDecay,
    ScaleDecay,
)
from ...rendering.protocol import Step, check_current, check_same
from ...rendering.targets import Target
from ...values import Cameras, Rendering, Splats
from .. import columns, layout
from ..step import FUSED, SplatStep, StepFigures, fuses, loss_of, photometric_of, weight_of
from . import blending, descent, loss, planes, projection, surfel_blending, surfels
from .comparison import NO_MASK, ROWS, Comparison, compare_geometry, compare_photo, compare_views, expected_depth
from .frame import Drawing, Frame, Lists, PlanarCotangents, Scratch, sort_into_tiles
from .intermediates import DEPTHS, GRADIENT, NORMALS, SURFACE
from .team import Team

Array = Any
LOSSES = (*FUSED, DepthDistortion, NormalConsistency, MultiviewPhotometric, MultiviewGeometric)
BLACK = (0.0, 0.0, 0.0)
_NOTHING = np.zeros((0, 0), np.float32)
_NO_PLANE = np.zeros(0, np.float32)
_NO_PLANES = np.zeros((0, 0, 0), np.float32)
_NO_MOTIONS = np.zeros((0, 6))
_SPLATS = projection.RANGE


@dataclass(frozen=True, eq=False)
class Tape:
    """Renderings, and the version of the parameters that they are of."""

    drawings: tuple[Drawing, ...]
    version: int


class CpuRasterizer:
    """Splats on the CPU: parameters in rows [capacity, W], Adam's moments and statistics beside them."""

    def __init__(self, splats: Splats, capacity: int, sh_degree: int, threads: int, training: bool = True) -> None:
        """Splats only to be rendered, without `training`, need no moments and take a third of the memory."""
        self.team = Team(threads)
        self.bases = (sh_degree + 1) ** 2
        self.width = layout.row_width(self.bases)
        self.antialiased, self.surfels = splats.antialiased, splats.surfels
        self.capacity = max(capacity, len(splats))
        self.count = len(splats)
        self.parameters = np.zeros((self.capacity, self.width), np.float32)
        self.parameters[: self.count] = layout.rows_of(splats, self.bases)
        self.moments = np.zeros((self.capacity if training else 0, 2, self.width), np.float32)
        self.stats = np.zeros((self.capacity, columns.STATS), np.float32)
        self._version = 0  # of the parameters
        self._scratch = Scratch(self.capacity)
        self._lists = Lists(self.capacity, self.surfels)
        self._frames: dict[tuple[int, int], Frame] = {}
        self._comparisons: dict[tuple[int, int], Comparison] = {}

    def splats(self) -> Splats:
        """A copy of the splats as they are."""
        return layout.splats_of(self.parameters[: self.count], self.bases, self.antialiased, self.surfels)

    def named_parameters(self) -> dict[str, Array]:
        """The parameters as they are, by their names in `Splats`; copies, with quaternions of any length."""
        return layout.named(self.parameters[: self.count].copy(), self.bases)

    def assign(self, parameters: Mapping[str, Array]) -> None:
        """Set all parameters; tapes become invalid where a value changes. Raises ValueError for other names or shapes."""
        check_same(layout.named(self.parameters[: self.count], self.bases), parameters)
        rows = layout.rows_from(parameters)
        if not np.array_equal(rows, self.parameters[: self.count]):
            self.parameters[: self.count] = rows
            self._version += 1

    def render(self, cameras: Cameras, background: Color = BLACK, *, geometry: bool = True) -> tuple[tuple[Buffers, ...], Tape]:
        """What each of the cameras sees, float32, and the tape; see `protocol.Renderable`.

        `depth` and `normal` are of the planes in which splats are densest along each ray, or of surfels; see planes.py and surfels.py.
        """
        check_pinhole(cameras)
        drawings = tuple(
            self._draw(
                Frame(*(int(v) for v in cameras.size_px[i])),
                Lists(self.count, self.surfels),
                layout.camera_row(cameras, i),
                np.asarray(background, np.float32),
                self.bases,
                geometry,
            )
            for i in range(len(cameras))
        )
        return tuple(_buffers(drawing, background) for drawing in drawings), Tape(drawings, self._version)

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
        rows, stats = np.zeros((self.count, self.width), np.float32), np.zeros((self.count, columns.STATS), np.float32)
        for i, drawing in enumerate(tape.drawings):
            image, alpha, depth, normal = (None if v is None else v[i] for v in (v_rgb, v_alpha, v_depth, v_normal))
            v_planes = None
            if drawing.geometric and (depth is not None or normal is not None):
                v_planes = np.zeros((SURFACE, drawing.frame.height, drawing.frame.width), np.float32)
                if depth is not None:  # which is the blended plane plus middle times alpha
                    v_planes[DEPTHS] = depth
                    alpha = drawing.lists.middle * depth + (0 if alpha is None else alpha)
                if normal is not None:
                    v_planes[NORMALS:] = (normal @ _rotation(drawing.camera).T).transpose(2, 0, 1)
            rows += self.gradients(drawing, image, alpha, v_planes, stats)
        return Gradients(layout.named(rows, self.bases), {"stats": stats})

    def descend(self, gradients: Gradients, step: Step) -> None:
        """Take one step of Adam, with the regularizers and the noise of `step`, of the splats that have a gradient."""
        rows = layout.rows_from(gradients.parameters)
        seed = step.seed if isinstance(step, SplatStep) else 0
        learning, control = layout.rates_row(step.rates, self.bases), control_row(step)
        self.team.run(
            descent.descend, self.count, _SPLATS, self.parameters, self.moments, rows, learning, control, seed, self.bases, self.surfels
        )
        if "stats" in gradients.statistics:
            self.stats[: self.count] += gradients.statistics["stats"]
        self._version += 1

    def fuses(self, step: Step) -> bool:
        """Whether `step` computes exactly what `step.losses` ask for."""
        return fuses(step, LOSSES)

    def step(self, target: Target, step: SplatStep) -> StepFigures:
        """Render one view, compare it with its photo, and take one Adam step. Raises ValueError for losses that it doesn't fuse."""
        photometric = photometric_of(step, LOSSES)
        assert target.rgb is not None
        keep_depth, regularized = step.keep_depth, weight_of(step, DepthDistortion) > 0 or weight_of(step, NormalConsistency) > 0
        frame, comparison = self._frame(target.camera)
        camera, background = layout.camera_row(target.camera), np.asarray(step.background, np.float32)
        alpha = target.alpha if target.alpha is not None else NO_MASK
        size = (frame.width, frame.height)
        self.team.run(loss.fill_target, frame.height, ROWS, *size, target.rgb, alpha, background, comparison.target)
        drawing = self._draw(frame, self._lists, camera, background, step.bases, keep_depth or regularized)
        picture, v_alpha = frame.image, _NO_PLANE
        lighting = (frame.image, frame.transmittance, background, step.exposure)
        if step.exposure is not None:
            picture, v_alpha = comparison.exposed, comparison.v_alpha
            self.team.run(loss.expose, frame.height, ROWS, *size, *lighting, picture)
        known = frame.width * frame.height
        if target.weight is not None:
            known = max(1, int(np.count_nonzero(target.weight > 127)))
            for planar in (comparison.target, picture):
                self.team.run(loss.keep_known, frame.height, ROWS, *size, target.weight, planar)
        ssim, l1, square = compare_photo(self.team, comparison, picture, frame, photometric.ssim_share, known)
        if target.weight is not None:
            self.team.run(loss.keep_known, frame.height, ROWS, *size, target.weight, comparison.v_image)
            ssim -= frame.width * frame.height / known - 1  # unknown pixels agree perfectly in both pictures
        if step.exposure is not None:
            back = (comparison.v_image, v_alpha, comparison.exposure_sums)
            self.team.run(loss.expose_back, frame.height, ROWS, *size, *lighting, *back)
        shape_loss, depth = 0.0, None
        if drawing.geometric:
            if step.exposure is None:
                v_alpha = comparison.v_alpha
                v_alpha[:] = 0
            shape_loss = compare_geometry(self.team, drawing, comparison, step, target.weight, known)
            if step.neighbor is not None:
                shape_loss += compare_views(self.team, drawing, comparison, target, step, step.neighbor, known)
            if keep_depth:
                depth = expected_depth(drawing)
        v_camera = np.zeros((-(-self.count // _SPLATS), 6)) if step.camera_gradient else _NO_MOTIONS
        numbers = (layout.rates_row(step.rates, self.bases), control_row(step), step.seed)
        self._back(drawing, comparison, v_alpha, drawing.geometric, step.absolute, *numbers, _NOTHING, self.stats, v_camera)
        self._version += 1
        return StepFigures(
            float((1 - photometric.ssim_share) * l1 + photometric.ssim_share * (1 - ssim) + shape_loss),
            float(square),
            self._lists.visible,
            self._lists.entries,
            comparison.exposure_sums.sum(axis=0) if step.exposure is not None else None,
            v_camera.sum(axis=0) if step.camera_gradient else None,
            depth,
        )

    def rasterize(self, cameras: Cameras, index: int, background: Color, geometry: bool) -> Rendering:
        """Render camera `index` as `render.rasterize` does."""
        check_pinhole(cameras)
        frame, _comparison = self._frame(cameras, index)
        camera = layout.camera_row(cameras, index)
        drawing = self._draw(frame, self._lists, camera, np.asarray(background, np.float32), self.bases, geometry)
        info: dict[str, Any] = {"visible": drawing.lists.visible, "entries": drawing.lists.entries}
        rgb, alpha = frame.picture(frame.image), frame.alpha
        if not geometry:
            return Rendering(rgb, alpha, info=info)
        expected = frame.geometry[DEPTHS] + drawing.lists.middle * alpha
        normal = frame.geometry[NORMALS:SURFACE].transpose(1, 2, 0) @ _rotation(camera)
        length = np.linalg.norm(normal, axis=2, keepdims=True)
        normal /= np.where(length > 1e-6, length, np.inf)
        info["expected_depth"] = np.where(alpha > 1e-4, expected / np.maximum(alpha, 1e-4), 0).astype(np.float32)
        return Rendering(rgb, alpha, frame.geometry[SURFACE].copy(), normal, info)

    def strongest_weights(self, target: Target) -> Array:
        """Largest blending weight [N] that each splat reaches in any known pixel of a view."""
        frame, _comparison = self._frame(target.camera)
        drawing = self._draw(frame, self._lists, layout.camera_row(target.camera), np.zeros(3, np.float32), 1, False)
        lists = drawing.lists
        entries = np.zeros(lists.entries, np.float32)
        before = (frame.width, frame.height, frame.tile_start, lists.members, lists.rows, frame.finished, lists.projected)
        known = target.weight if target.weight is not None else NO_MASK
        count, row = frame.tiles_x * frame.tiles_y, frame.tiles_x
        if self.surfels:
            self.team.run(surfel_blending.strongest, count, row, row, *before, lists.shapes, known, entries)
        else:
            self.team.run(blending.strongest, count, row, row, *before, known, entries)
        weights = np.zeros(self.count, np.float32)
        seen = np.flatnonzero(lists.counts[: self.count])
        if len(seen):
            weights[seen] = np.maximum.reduceat(entries, lists.offsets[seen])
        return weights

    @contextmanager
    def edited(self) -> Iterator[None]:
        """Inside, the arrays and `count` may be changed; tapes become invalid."""
        self._version += 1
        yield

    def rest(self) -> None:
        """End the threads; they start again where they are needed."""
        self.team.close()

    def close(self) -> None:
        """End the threads."""
        self.team.close()

    def gradients(
        self,
        drawing: Drawing,
        v_rgb: Array | None = None,
        v_alpha: Array | None = None,
        v_planes: Array | None = None,
        stats: Array | None = None,
    ) -> Array:
        """Gradients [N,W] of the parameters from those of a picture [H,W,3], its alpha [H,W] and its blended planes [SURFACE,H,W].

        Those of the planes, see intermediates.py, count after a geometric drawing only. To `stats` [N,STATS] what a step gathers with
        absolute gradients is added.
        """
        cotangents = PlanarCotangents(drawing.frame)
        if v_rgb is not None:
            drawing.frame.inner(cotangents.v_image, 3)[:] = np.asarray(v_rgb).transpose(2, 0, 1)
        planar_alpha = _NO_PLANE
        if v_alpha is not None:
            planar_alpha = cotangents.v_alpha
            drawing.frame.inner(planar_alpha, 1)[0] = v_alpha
        if v_planes is not None:
            cotangents.v_geometry[:] = v_planes
        rows = np.zeros((self.count, self.width), np.float32)
        stats = np.zeros((self.count, columns.STATS), np.float32) if stats is None else stats
        numbers = (np.zeros(self.width, np.float32), np.zeros(descent.CONTROL, np.float32), 0)
        self._back(drawing, cotangents, planar_alpha, v_planes is not None, True, *numbers, rows, stats, _NO_MOTIONS)
        return rows

    def _frame(self, cameras: Cameras, index: int = 0) -> tuple[Frame, Comparison]:
        """The memory for pictures of a camera's size, which is kept."""
        width, height = (int(v) for v in cameras.size_px[index])
        if (width, height) not in self._frames:
            self._frames[width, height] = Frame(width, height)
            self._comparisons[width, height] = Comparison(self._frames[width, height])
        return self._frames[width, height], self._comparisons[width, height]

    def _draw(self, frame: Frame, lists: Lists, camera: Array, background: Array, bases: int, geometric: bool) -> Drawing:
        """Project, sort and blend into a frame; depth and normals too where `geometric`."""
        n, tiles_x, scratch = self.count, frame.tiles_x, self._scratch
        projected, boxes, counts = lists.projected, scratch.boxes, lists.counts
        before = (self.parameters, bases, camera, tiles_x, frame.tiles_y, self.antialiased, projected)
        if self.surfels:
            self.team.run(surfels.project, n, _SPLATS, *before, lists.shapes, boxes, counts, scratch.depths)
        else:
            self.team.run(projection.project, n, _SPLATS, *before, boxes, counts, scratch.depths)
        if geometric and not self.surfels:
            lists.add_planes(len(counts))
            self.team.run(planes.depth_planes, n, _SPLATS, self.parameters, camera, counts, projected, lists.shapes)
        sort_into_tiles(self.team, n, scratch, lists, tiles_x, frame.histogram, frame.tile_start)
        lists.middle = scratch.depths[scratch.order[0, lists.visible // 2]] if lists.visible else np.float32(0)
        kernels = surfel_blending if self.surfels else blending
        kernel = kernels.blend_geometry if geometric else kernels.blend
        self.team.run(
            kernel,
            tiles_x * frame.tiles_y,
            tiles_x,
            tiles_x,
            *(frame.width, frame.height, frame.tile_start, lists.members, projected, lists.shapes, background, lists.middle),
            *(frame.image, frame.transmittance, frame.finished, frame.geometry if geometric else _NO_PLANES),
        )
        return Drawing(frame, lists, camera, bases, geometric)

    def _back(
        self,
        drawing: Drawing,
        cotangents: PlanarCotangents,
        v_alpha: Array,
        geometric: bool,
        absolute: bool,
        learning: Array,
        control: Array,
        seed: int,
        out: Array,
        stats: Array,
        v_camera: Array,
    ) -> None:
        """Gradients of the parameters into `out` or, where that is empty, into a step of Adam."""
        frame, lists = drawing.frame, drawing.lists
        entry_rows = self._scratch.entry_rows(len(lists.members) * GRADIENT)
        sums, v_sums = (frame.geometry, cotangents.v_geometry) if geometric else (_NO_PLANES, _NO_PLANES)
        self.team.run(
            (surfel_blending if self.surfels else blending).blend_back[absolute, geometric],
            frame.tiles_x * frame.tiles_y,
            frame.tiles_x,
            frame.tiles_x,
            *(frame.width, frame.height, frame.tile_start, lists.members, lists.rows, lists.projected, lists.shapes, lists.middle),
            *(frame.image, frame.transmittance, frame.finished, sums),
            *(cotangents.v_image, v_alpha, v_sums, cotangents.error, entry_rows),
        )
        flat = projection.pull_back_geometry if geometric else projection.pull_back
        self.team.run(
            surfels.pull_back if self.surfels else flat,
            self.count,
            _SPLATS,
            *(self.parameters, self.moments, drawing.bases, drawing.camera, self.antialiased, lists.projected, lists.shapes),
            *(lists.counts, lists.offsets, entry_rows, learning, control, seed, out, stats, v_camera),
        )


def control_row(step: Step) -> Array:
    """A step's numbers as the kernels of descent.py take them."""
    row = np.zeros(descent.CONTROL, np.float32)
    row[descent.BETA1], row[descent.BETA2], row[descent.EPSILON] = step.beta1, step.beta2, 1e-15
    row[descent.BIAS1], row[descent.BIAS2] = 1 / (1 - step.beta1**step.count), 1 / (1 - step.beta2**step.count)
    row[descent.OPACITY_WEIGHT], row[descent.SCALE_WEIGHT] = weight_of(step, OpacityDecay), weight_of(step, ScaleDecay)
    if (anisotropy := loss_of(step, Anisotropy)) is not None:
        row[descent.NEEDLE_WEIGHT], row[descent.NEEDLE_LIMIT] = anisotropy.weight, anisotropy.log_limit
    row[descent.NOISE] = step.noise if isinstance(step, SplatStep) else 0.0
    return row


def check_pinhole(cameras: Cameras) -> None:
    """Raise ValueError for cameras with lens distortion."""
    if not cameras.is_pinhole:
        raise ValueError("splats are rendered through pinhole cameras only; undistort the views first")


def _rotation(camera: Array) -> Array:
    """Rotation [3,3] of a camera row's cam_from_world."""
    return camera[columns.ROTATION : columns.TRANSLATION].reshape(3, 3)


def _buffers(drawing: Drawing, background: Color) -> Buffers:
    frame = drawing.frame
    rgb, alpha = frame.picture(frame.image), frame.alpha
    if not drawing.geometric:
        return Buffers(rgb, alpha, None, None, background)
    depth = frame.geometry[DEPTHS] + drawing.lists.middle * alpha
    normal = frame.geometry[NORMALS:SURFACE].transpose(1, 2, 0) @ _rotation(drawing.camera)
    return Buffers(rgb, alpha, depth, normal, background)
