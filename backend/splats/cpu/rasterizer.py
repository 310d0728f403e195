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
from .. import layout
from ..step import FUSED, Neighbor, SplatStep, StepFigures, fuses, loss_of, photometric_of, weight_of
from . import blending, descent, frame, geometry, loss, multiview, planes, projection, surfel_blending, surfels, tiles
from .intermediates import DEPTHS, GRADIENT, NORMALS, SURFACE
from .team import Team

Array = Any
LOSSES = (*FUSED, DepthDistortion, NormalConsistency, MultiviewPhotometric, MultiviewGeometric)
BLACK = (0.0, 0.0, 0.0)
_NOTHING = np.zeros((0, 0), np.float32)
_NO_MASK = np.zeros((0, 0), np.uint8)
_NO_PLANE = np.zeros(0, np.float32)
_NO_PLANES = np.zeros((0, 0, 0), np.float32)
_NO_MOTIONS = np.zeros((0, 6))
_SPLATS = projection.RANGE
_ROWS = 16


@dataclass(frozen=True, eq=False)
class Tape:
    """Renderings, and the version of the parameters that they are of."""

    drawings: tuple[frame.Drawing, ...]
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
        self.stats = np.zeros((self.capacity, layout.STATS), np.float32)
        self._version = 0  # of the parameters
        self._scratch = frame.Scratch(self.capacity)
        self._lists = frame.Lists(self.capacity, self.surfels)
        self._frames: dict[tuple[int, int], frame.Frame] = {}
        self._comparisons: dict[tuple[int, int], frame.Comparison] = {}

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
                frame.Frame(*(int(v) for v in cameras.size_px[i])),
                frame.Lists(self.count, self.surfels),
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
        rows, stats = np.zeros((self.count, self.width), np.float32), np.zeros((self.count, layout.STATS), np.float32)
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
        one, comparison = self._frame(target.camera)
        camera, background = layout.camera_row(target.camera), np.asarray(step.background, np.float32)
        alpha = target.alpha if target.alpha is not None else _NO_MASK
        size = (one.width, one.height)
        self.team.run(loss.fill_target, one.height, _ROWS, *size, target.rgb, alpha, background, comparison.target)
        drawing = self._draw(one, self._lists, camera, background, step.bases, keep_depth or regularized)
        picture, v_alpha = one.image, _NO_PLANE
        lighting = (one.image, one.transmittance, background, step.exposure)
        if step.exposure is not None:
            picture, v_alpha = comparison.exposed, comparison.v_alpha
            self.team.run(loss.expose, one.height, _ROWS, *size, *lighting, picture)
        known = one.width * one.height
        if target.weight is not None:
            known = max(1, int(np.count_nonzero(target.weight > 127)))
            for planar in (comparison.target, picture):
                self.team.run(loss.keep_known, one.height, _ROWS, *size, target.weight, planar)
        ssim, l1, square = self._compare_photo(comparison, picture, one, photometric.ssim_share, known)
        if target.weight is not None:
            self.team.run(loss.keep_known, one.height, _ROWS, *size, target.weight, comparison.v_image)
            ssim -= one.width * one.height / known - 1  # unknown pixels agree perfectly in both pictures
        if step.exposure is not None:
            back = (comparison.v_image, v_alpha, comparison.exposure_sums)
            self.team.run(loss.expose_back, one.height, _ROWS, *size, *lighting, *back)
        shape_loss, depth = 0.0, None
        if drawing.geometric:
            if step.exposure is None:
                v_alpha = comparison.v_alpha
                v_alpha[:] = 0
            shape_loss = self.compare_geometry(drawing, comparison, step, target.weight, known)
            if step.neighbor is not None:
                shape_loss += self._compare_views(drawing, comparison, target, step, step.neighbor, known)
            if keep_depth:
                depth = _expected_depth(drawing)
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
        one, _comparison = self._frame(cameras, index)
        camera = layout.camera_row(cameras, index)
        drawing = self._draw(one, self._lists, camera, np.asarray(background, np.float32), self.bases, geometry)
        info: dict[str, Any] = {"visible": drawing.lists.visible, "entries": drawing.lists.entries}
        rgb, alpha = one.picture(one.image), one.alpha
        if not geometry:
            return Rendering(rgb, alpha, info=info)
        expected = one.geometry[DEPTHS] + drawing.lists.middle * alpha
        normal = one.geometry[NORMALS:SURFACE].transpose(1, 2, 0) @ _rotation(camera)
        length = np.linalg.norm(normal, axis=2, keepdims=True)
        normal /= np.where(length > 1e-6, length, np.inf)
        info["expected_depth"] = np.where(alpha > 1e-4, expected / np.maximum(alpha, 1e-4), 0).astype(np.float32)
        return Rendering(rgb, alpha, one.geometry[SURFACE].copy(), normal, info)

    def strongest_weights(self, target: Target) -> Array:
        """Largest blending weight [N] that each splat reaches in any known pixel of a view."""
        one, _comparison = self._frame(target.camera)
        drawing = self._draw(one, self._lists, layout.camera_row(target.camera), np.zeros(3, np.float32), 1, False)
        lists = drawing.lists
        entries = np.zeros(lists.entries, np.float32)
        before = (one.width, one.height, one.tile_start, lists.members, lists.rows, one.finished, lists.projected)
        known = target.weight if target.weight is not None else _NO_MASK
        count, row = one.tiles_x * one.tiles_y, one.tiles_x
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
        drawing: frame.Drawing,
        v_rgb: Array | None = None,
        v_alpha: Array | None = None,
        v_planes: Array | None = None,
        stats: Array | None = None,
    ) -> Array:
        """Gradients [N,W] of the parameters from those of a picture [H,W,3], its alpha [H,W] and its blended planes [SURFACE,H,W].

        Those of the planes, see intermediates.py, count after a geometric drawing only. To `stats` [N,STATS] what a step gathers with
        absolute gradients is added.
        """
        cotangents = frame.Cotangents(drawing.frame)
        if v_rgb is not None:
            drawing.frame.inner(cotangents.v_image, 3)[:] = np.asarray(v_rgb).transpose(2, 0, 1)
        planar_alpha = _NO_PLANE
        if v_alpha is not None:
            planar_alpha = cotangents.v_alpha
            drawing.frame.inner(planar_alpha, 1)[0] = v_alpha
        if v_planes is not None:
            cotangents.v_geometry[:] = v_planes
        rows = np.zeros((self.count, self.width), np.float32)
        stats = np.zeros((self.count, layout.STATS), np.float32) if stats is None else stats
        numbers = (np.zeros(self.width, np.float32), np.zeros(descent.CONTROL, np.float32), 0)
        self._back(drawing, cotangents, planar_alpha, v_planes is not None, True, *numbers, rows, stats, _NO_MOTIONS)
        return rows

    def compare_geometry(
        self, drawing: frame.Drawing, comparison: frame.Comparison, step: SplatStep, known: Array | None, pixels: int
    ) -> float:
        """The weighted losses on depth and normals in the mean over `pixels`; writes v_geometry and adds to v_alpha."""
        one = drawing.frame
        size = (one.width, one.height)
        weights = (np.float32(weight_of(step, DepthDistortion) / pixels), np.float32(weight_of(step, NormalConsistency) / pixels))
        sums = np.zeros((2, one.height))
        blended = (one.geometry, one.transmittance)
        back = (comparison.v_geometry, comparison.v_alpha)
        of = (known if known is not None else _NO_MASK, drawing.camera, drawing.lists.middle, *weights)
        self.team.run(geometry.compare, one.height, _ROWS, *size, *blended, *of, *back, comparison.bends, sums)
        self.team.run(geometry.compare_back, one.height, _ROWS, *size, *blended, drawing.camera, comparison.bends, *back)
        return float(sums.sum())

    def _frame(self, cameras: Cameras, index: int = 0) -> tuple[frame.Frame, frame.Comparison]:
        """The memory for pictures of a camera's size, which is kept."""
        width, height = (int(v) for v in cameras.size_px[index])
        if (width, height) not in self._frames:
            self._frames[width, height] = frame.Frame(width, height)
            self._comparisons[width, height] = frame.Comparison(self._frames[width, height])
        return self._frames[width, height], self._comparisons[width, height]

    def _draw(self, one: frame.Frame, lists: frame.Lists, camera: Array, background: Array, bases: int, geometric: bool) -> frame.Drawing:
        """Project, sort and blend into a frame; depth and normals too where `geometric`."""
        n, tiles_x, scratch = self.count, one.tiles_x, self._scratch
        projected, boxes, counts = lists.projected, scratch.boxes, lists.counts
        before = (self.parameters, bases, camera, tiles_x, one.tiles_y, self.antialiased, projected)
        if self.surfels:
            self.team.run(surfels.project, n, _SPLATS, *before, lists.shapes, boxes, counts, scratch.depths)
        else:
            self.team.run(projection.project, n, _SPLATS, *before, boxes, counts, scratch.depths)
        if geometric and not self.surfels:
            lists.add_planes(len(counts))
            self.team.run(planes.depth_planes, n, _SPLATS, self.parameters, camera, counts, projected, lists.shapes)
        keys, order = scratch.keys, scratch.order
        lists.visible, lists.entries = tiles.visible_order(
            counts[:n], scratch.depths.view(np.uint32), lists.offsets, keys[0], order[0], keys[1], order[1]
        )
        lists.grow(lists.entries)
        chunk = max(1, -(-lists.visible // frame.CHUNKS))
        sorted_splats = (chunk, lists.visible, order[0], boxes, projected)
        self.team.run(tiles.count_by_chunk, frame.CHUNKS, 1, *sorted_splats, tiles_x, one.histogram)
        tiles.start_tiles(one.histogram, frame.CHUNKS, one.tile_start)
        self.team.run(tiles.fill_tiles, frame.CHUNKS, 1, *sorted_splats, lists.offsets, tiles_x, one.histogram, lists.members, lists.rows)
        lists.middle = scratch.depths[order[0, lists.visible // 2]] if lists.visible else np.float32(0)
        kernels = surfel_blending if self.surfels else blending
        kernel = kernels.blend_geometry if geometric else kernels.blend
        self.team.run(
            kernel,
            tiles_x * one.tiles_y,
            tiles_x,
            tiles_x,
            *(one.width, one.height, one.tile_start, lists.members, projected, lists.shapes, background, lists.middle),
            *(one.image, one.transmittance, one.finished, one.geometry if geometric else _NO_PLANES),
        )
        return frame.Drawing(one, lists, camera, bases, geometric)

    def _back(
        self,
        drawing: frame.Drawing,
        cotangents: frame.Cotangents,
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
        one, lists = drawing.frame, drawing.lists
        entry_rows = self._scratch.entry_rows(len(lists.members) * GRADIENT)
        sums, v_sums = (one.geometry, cotangents.v_geometry) if geometric else (_NO_PLANES, _NO_PLANES)
        self.team.run(
            (surfel_blending if self.surfels else blending).blend_back[absolute, geometric],
            one.tiles_x * one.tiles_y,
            one.tiles_x,
            one.tiles_x,
            *(one.width, one.height, one.tile_start, lists.members, lists.rows, lists.projected, lists.shapes, lists.middle),
            *(one.image, one.transmittance, one.finished, sums),
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

    def _compare_photo(
        self, comparison: frame.Comparison, picture: Array, one: frame.Frame, ssim_share: float, known: int
    ) -> tuple[float, float, float]:
        """SSIM, absolute and squared differences in the mean over `known` pixels; writes v_image and error."""
        size = (one.width, one.height)
        weights = (np.float32((1 - ssim_share) / (3 * known)), np.float32(ssim_share / (3 * known)))
        ssim, l1, square = comparison.sums
        self.team.run(loss.similarity, one.height, _ROWS, *size, picture, comparison.target, comparison.maps, ssim)
        back = (picture, comparison.target, comparison.maps, *weights, comparison.v_image, comparison.error, l1, square)
        self.team.run(loss.loss_back, one.height, _ROWS, *size, *back)
        return tuple(comparison.sums.sum(axis=1) / (3 * known))

    def _compare_views(
        self, drawing: frame.Drawing, comparison: frame.Comparison, target: Target, step: SplatStep, neighbor: Neighbor, known: int
    ) -> float:
        """The weighted multi-view losses, from every n-th pixel of every n-th row so that a step compares about as many; adds gradients."""
        one = drawing.frame
        covered = int(np.count_nonzero(one.single(one.transmittance) < 0.5))
        spacing = max(1, round((covered / multiview.PIXELS) ** 0.5))
        offset_y, offset_x = divmod(step.seed % (spacing * spacing), spacing)
        kinds = (MultiviewPhotometric, MultiviewGeometric)
        weights = (np.float32(weight_of(step, kind) * spacing**2 / known) for kind in kinds)
        other_camera = layout.camera_row(neighbor.target.camera)
        other = (other_camera, self._gray(neighbor.target), neighbor.depth)
        of = (drawing.camera, self._gray(target), multiview.relative_motion(drawing.camera, other_camera))
        lines = -(-one.height // spacing)
        sums = np.zeros((2, lines))
        grid = (spacing, offset_x, offset_y, one.geometry, one.transmittance, drawing.lists.middle)
        back = (comparison.v_geometry, comparison.v_alpha)
        self.team.run(multiview.compare, lines, _ROWS // 4, *grid, *of, *other, *weights, *back, sums)
        return float(sums.sum())

    def _gray(self, target: Target) -> Array:
        assert target.rgb is not None
        gray = np.empty(target.rgb.shape[:2], np.float32)
        known = [_NO_MASK if plane is None else plane for plane in (target.alpha, target.weight)]
        self.team.run(multiview.to_gray, len(gray), _ROWS, target.rgb, *known, gray)
        return gray


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
    return camera[layout.ROTATION : layout.TRANSLATION].reshape(3, 3)


def _buffers(drawing: frame.Drawing, background: Color) -> Buffers:
    one = drawing.frame
    rgb, alpha = one.picture(one.image), one.alpha
    if not drawing.geometric:
        return Buffers(rgb, alpha, None, None, background)
    depth = one.geometry[DEPTHS] + drawing.lists.middle * alpha
    normal = one.geometry[NORMALS:SURFACE].transpose(1, 2, 0) @ _rotation(drawing.camera)
    return Buffers(rgb, alpha, depth, normal, background)


def _expected_depth(drawing: frame.Drawing) -> Array:
    """Expected depth [H,W], 0 where less than half of the light is stopped."""
    alpha = drawing.frame.alpha
    solid = alpha > geometry.LEAST_ALPHA
    return np.where(solid, drawing.lists.middle + drawing.frame.geometry[DEPTHS] / np.where(solid, alpha, 1), 0).astype(np.float32)
