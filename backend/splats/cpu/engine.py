"""One training step, and renderings, on the CPU: the order in which the kernels run and the memory they share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...values import Splats
from ..engine import Neighbor, Step, StepFigures, Target
from ..surfels import flattened
from . import blending, geometry, loss, multiview, planes, projection, surfel_blending, surfels, tiles
from .layout import (
    BASE_COLOR,
    DEPTHS,
    DISC,
    GEOMETRY,
    GRADIENT,
    LOG_SCALE,
    MARGIN,
    MEAN,
    NORMALS,
    OPACITY,
    PROJECTED,
    QUATERNION,
    ROTATION,
    SH,
    SIZE,
    STATS,
    SURFACE,
    TILE,
    TRANSLATION,
    channel_width,
    row_width,
)
from .team import Team

Array = Any
_NOTHING = np.zeros((0, 0), np.float32)
_NO_ALPHA = np.zeros((0, 0), np.uint8)
_NO_PLANE = np.zeros(0, np.float32)
_NO_PLANES = np.zeros((0, 0, 0), np.float32)
_CHUNKS = 32  # of the depth order, for building the tiles' lists in parallel
_SPLATS = projection.RANGE
_ROWS = 16


@dataclass
class Frame:
    """Pictures of one size and what the kernels write beside them; planar, with zero margins."""

    width: int
    height: int
    tiles_x: int = field(init=False)
    tiles_y: int = field(init=False)

    def __post_init__(self) -> None:
        self.tiles_x, self.tiles_y = -(-self.width // TILE), -(-self.height // TILE)
        plane = (self.width + 2 * MARGIN) * (self.height + 2 * MARGIN)
        self.image, self.target, self.v_image = (np.zeros(3 * plane, np.float32) for _ in range(3))
        self.maps = np.zeros(9 * plane, np.float32)
        self.transmittance, self.error = np.zeros(plane, np.float32), np.zeros(plane, np.float32)
        self.finished = np.zeros(self.tiles_x * self.tiles_y, np.int32)
        self.tile_start = np.zeros(self.tiles_x * self.tiles_y + 1, np.int64)
        self.histogram = np.zeros((_CHUNKS, self.tiles_x * self.tiles_y), np.int32)
        self.sums = np.zeros((3, self.height))
        self.exposed, self.v_alpha = np.zeros(3 * plane, np.float32), np.zeros(plane, np.float32)
        self.exposure_sums = np.zeros((self.height, 6))

    @cached_property
    def geometry(self) -> Array:
        """Planes of depth and normals, see `layout`."""
        return np.zeros((GEOMETRY, self.height, self.width), np.float32)

    @cached_property
    def v_geometry(self) -> Array:
        """Their gradients."""
        return np.zeros((SURFACE, self.height, self.width), np.float32)

    @cached_property
    def bends(self) -> Array:
        """What `geometry.compare` leaves for `geometry.compare_back`."""
        return np.zeros((6, self.height, self.width), np.float32)

    def picture(self, planar: Array) -> Array:
        """A planar picture with margins as [H,W,3]."""
        planes = planar.reshape(3, self.height + 2 * MARGIN, self.width + 2 * MARGIN)
        return np.ascontiguousarray(planes[:, MARGIN:-MARGIN, MARGIN:-MARGIN].transpose(1, 2, 0))

    def single(self, planar: Array) -> Array:
        """A single plane with margins as [H,W]."""
        return planar.reshape(self.height + 2 * MARGIN, self.width + 2 * MARGIN)[MARGIN:-MARGIN, MARGIN:-MARGIN].copy()


class CpuEngine:
    """Splats in training: parameters in rows [capacity, row width], Adam's moments and statistics beside them."""

    def __init__(self, splats: Splats, capacity: int, sh_degree: int, threads: int, training: bool = True) -> None:
        """Splats only to be rendered, without `training`, need no moments and take a third of the memory."""
        self.team = Team(threads)
        self.bases = (sh_degree + 1) ** 2
        self.width = row_width(self.bases)
        self.antialiased, self.surfels = splats.antialiased, splats.surfels
        self.capacity = max(capacity, len(splats))
        self.parameters = np.zeros((self.capacity, self.width), np.float32)
        self.moments = np.zeros((self.capacity if training else 0, 2, self.width), np.float32)
        self.stats = np.zeros((self.capacity, STATS), np.float32)
        self.count = 0
        self._projected = np.zeros((self.capacity, PROJECTED), np.float32)
        self._discs = np.zeros((self.capacity if self.surfels else 0, DISC), np.float32)
        self._planes = np.zeros((0, planes.PLANE), np.float32)  # of splats that aren't surfels, made when they are first asked for
        self._middle = np.float32(0)
        self._boxes = np.zeros((self.capacity, tiles.BOX), np.int16)
        self._counts = np.zeros(self.capacity, np.int32)
        self._depths = np.zeros(self.capacity, np.float32)
        self._offsets = np.zeros(self.capacity, np.int64)
        self._keys = np.zeros((2, self.capacity), np.uint32)
        self._order = np.zeros((2, self.capacity), np.int32)
        self._members, self._rows = np.zeros(0, np.int32), np.zeros(0, np.int32)
        self._gradients = np.zeros(0, np.float32)
        self._frames: dict[tuple[int, int], Frame] = {}
        self.put(splats)

    def put(self, splats: Splats) -> None:
        """Replace all splats, with fresh moments and statistics."""
        self.count = len(splats)
        self.moments[:], self.stats[:] = 0, 0
        self.parameters[: self.count] = rows_of(splats, self.bases)

    def splats(self) -> Splats:
        """A copy of the splats as they are."""
        return splats_of(self.parameters[: self.count], self.bases, self.antialiased, self.surfels)

    def step(self, target: Target, step: Step) -> StepFigures:
        """Render one view, compare it with its photo, and take one Adam step."""
        frame = self._frame(target.rgb.shape[1], target.rgb.shape[0])
        camera = sized(target.camera, frame)
        alpha = target.alpha if target.alpha is not None else _NO_ALPHA
        background = np.asarray(step.background, np.float32)
        size = (frame.width, frame.height)
        self.team.run(loss.fill_target, frame.height, _ROWS, *size, target.rgb, alpha, background, frame.target)
        geometric = step.distortion_weight > 0 or step.normal_weight > 0 or step.keep_depth
        self.render(frame, camera, background, step.bases, geometric)
        picture, v_alpha = frame.image, _NO_PLANE
        lighting = (frame.image, frame.transmittance, background, step.exposure)
        if step.exposure is not None:
            picture, v_alpha = frame.exposed, frame.v_alpha
            self.team.run(loss.expose, frame.height, _ROWS, *size, *lighting, picture)
        known = frame.width * frame.height
        if target.weight is not None:
            known = max(1, int(np.count_nonzero(target.weight > 127)))
            for planar in (frame.target, picture):
                self.team.run(loss.keep_known, frame.height, _ROWS, *size, target.weight, planar)
        l1_weight = np.float32((1 - step.ssim_weight) / (3 * known))
        ssim_weight = np.float32(step.ssim_weight / (3 * known))
        self.team.run(loss.similarity, frame.height, _ROWS, *size, picture, frame.target, frame.maps, frame.sums[0])
        back = (picture, frame.target, frame.maps, l1_weight, ssim_weight, frame.v_image, frame.error, frame.sums[1], frame.sums[2])
        self.team.run(loss.loss_back, frame.height, _ROWS, *size, *back)
        if target.weight is not None:
            self.team.run(loss.keep_known, frame.height, _ROWS, *size, target.weight, frame.v_image)
        if step.exposure is not None:
            self.team.run(loss.expose_back, frame.height, _ROWS, *size, *lighting, frame.v_image, v_alpha, frame.exposure_sums)
        shape_loss, depth = 0.0, None
        if geometric:
            if step.exposure is None:
                v_alpha = frame.v_alpha
                v_alpha[:] = 0
            shape_loss = self._compare_geometry(frame, camera, step, target.weight, v_alpha, known)
            if step.neighbor is not None:
                shape_loss += self._compare_views(frame, camera, target, step.neighbor, step.seed, v_alpha, known)
            if step.keep_depth:
                depth = self._mean_depth(frame)
        v_camera = np.zeros((-(-self.count // _SPLATS) if step.camera_gradient else 0, 6))
        self._pull_back(frame, camera, step, _NOTHING, v_alpha, v_camera, geometric)
        ssim, l1, square = frame.sums.sum(axis=1) / (3 * known)
        if target.weight is not None:  # pixels that aren't known agree perfectly in both pictures
            ssim -= frame.width * frame.height / known - 1
        return StepFigures(
            float((1 - step.ssim_weight) * l1 + step.ssim_weight * (1 - ssim) + shape_loss),
            float(square),
            self.visible,
            self.entries,
            frame.exposure_sums.sum(axis=0) if step.exposure is not None else None,
            v_camera.sum(axis=0) if step.camera_gradient else None,
            depth,
        )

    def gradients(
        self, frame: Frame, camera: Array, bases: int, v_image: Array, v_alpha: Array | None = None, v_geometry: Array | None = None
    ) -> Array:
        """Gradients [N, row width] of the parameters after `render`, from those of the picture [H,W,3] and its alpha [H,W].

        Those of the planes of geometry [SURFACE,H,W], see `layout`, count after a `geometric` rendering only.
        """
        frame.v_image[:] = 0
        frame.v_image.reshape(3, frame.height + 2 * MARGIN, -1)[:, MARGIN:-MARGIN, MARGIN:-MARGIN] = v_image.transpose(2, 0, 1)
        planar_alpha = _NO_PLANE
        if v_alpha is not None:
            planar_alpha = np.zeros_like(frame.transmittance)
            planar_alpha.reshape(frame.height + 2 * MARGIN, -1)[MARGIN:-MARGIN, MARGIN:-MARGIN] = v_alpha
        out = np.zeros((self.count, self.width), np.float32)
        if v_geometry is not None:
            frame.v_geometry[:] = v_geometry
        step = Step(bases=bases, learning=np.zeros(self.width, np.float32))
        self._pull_back(frame, camera, step, out, planar_alpha, np.zeros((0, 6)), v_geometry is not None)
        return out

    def render(self, frame: Frame, camera: Array, background: Array, bases: int, geometric: bool = False) -> None:
        """Project, sort and blend into `frame`; depth and normals too where `geometric`."""
        n, tiles_x, tiles_y = self.count, frame.tiles_x, frame.tiles_y
        projected = self._projected
        before = (self.parameters, bases, camera, tiles_x, tiles_y, self.antialiased, projected)
        found = (self._boxes, self._counts, self._depths)
        if self.surfels:
            self.team.run(surfels.project, n, _SPLATS, *before, self._discs, *found)
        else:
            self.team.run(projection.project, n, _SPLATS, *before, *found)
        if geometric and not self.surfels:
            self._find_planes(camera)
        self.visible, self.entries = tiles.visible_order(
            self._counts[:n], self._depths.view(np.uint32), self._offsets, self._keys[0], self._order[0], self._keys[1], self._order[1]
        )
        self._grow(self.entries)
        order, boxes, chunk = self._order[0], self._boxes, max(1, -(-self.visible // _CHUNKS))
        self.team.run(tiles.count_by_chunk, _CHUNKS, 1, chunk, self.visible, order, boxes, projected, tiles_x, frame.histogram)
        tiles.start_tiles(frame.histogram, _CHUNKS, frame.tile_start)
        self.team.run(
            tiles.fill_tiles,
            _CHUNKS,
            1,
            chunk,
            self.visible,
            order,
            boxes,
            projected,
            self._offsets,
            tiles_x,
            frame.histogram,
            self._members,
            self._rows,
        )
        lists = (frame.width, frame.height, frame.tile_start, self._members, projected)
        pictures = (frame.image, frame.transmittance, frame.finished)
        self._middle = self._depths[order[self.visible // 2]] if self.visible else np.float32(0)
        kernels = surfel_blending if self.surfels else blending
        kernel = kernels.blend_geometry if geometric else kernels.blend
        sums = frame.geometry if geometric else _NO_PLANES
        shapes = self._discs if self.surfels else self._planes
        self.team.run(kernel, tiles_x * tiles_y, tiles_x, tiles_x, *lists, shapes, background, self._middle, *pictures, sums)

    def geometry(self, frame: Frame, camera: Array) -> tuple[Array, Array, Array]:
        """Depth of the surface, weighted sum of depths and weighted sum of normals in the world, after a `geometric` rendering."""
        alpha = 1 - frame.single(frame.transmittance)
        normal = frame.geometry[NORMALS:SURFACE].transpose(1, 2, 0) @ camera[ROTATION:TRANSLATION].reshape(3, 3)
        return frame.geometry[SURFACE].copy(), frame.geometry[DEPTHS] + self._middle * alpha, normal

    def strongest_weights(self, target: Target) -> Array:
        """Largest blending weight [N] that each splat reaches in any known pixel of a view."""
        frame = self._frame(target.rgb.shape[1], target.rgb.shape[0])
        self.render(frame, sized(target.camera, frame), np.zeros(3, np.float32), 1)
        entries = np.zeros(self.entries, np.float32)
        before = (frame.width, frame.height, frame.tile_start, self._members, self._rows, frame.finished, self._projected)
        known = target.weight if target.weight is not None else _NO_ALPHA
        count, row = frame.tiles_x * frame.tiles_y, frame.tiles_x
        if self.surfels:
            self.team.run(surfel_blending.strongest, count, row, row, *before, self._discs, known, entries)
        else:
            self.team.run(blending.strongest, count, row, row, *before, known, entries)
        weights = np.zeros(self.count, np.float32)
        seen = np.flatnonzero(self._counts[: self.count])
        if len(seen):
            weights[seen] = np.maximum.reduceat(entries, self._offsets[seen])
        return weights

    @contextmanager
    def edited(self) -> Iterator[None]:
        """What an engine on another device needs before and after a strategy changes the arrays; nothing here."""
        yield

    def close(self) -> None:
        """End the threads."""
        self.team.close()

    def _frame(self, width: int, height: int) -> Frame:
        if (width, height) not in self._frames:
            self._frames[width, height] = Frame(width, height)
        return self._frames[width, height]

    def _find_planes(self, camera: Array) -> None:
        if len(self._planes) == 0:
            self._planes = np.zeros((self.capacity, planes.PLANE), np.float32)
        self.team.run(planes.depth_planes, self.count, _SPLATS, self.parameters, camera, self._counts, self._projected, self._planes)

    def _compare_geometry(self, frame: Frame, camera: Array, step: Step, known: Array | None, v_alpha: Array, pixels: int) -> float:
        size = (frame.width, frame.height)
        weights = (np.float32(step.distortion_weight / pixels), np.float32(step.normal_weight / pixels))
        sums = np.zeros((2, frame.height))
        blended = (frame.geometry, frame.transmittance)
        back = (frame.v_geometry, v_alpha)
        of = (known if known is not None else _NO_ALPHA, camera, self._middle, *weights)
        self.team.run(geometry.compare, frame.height, _ROWS, *size, *blended, *of, *back, frame.bends, sums)
        self.team.run(geometry.compare_back, frame.height, _ROWS, *size, *blended, camera, frame.bends, *back)
        return float(sums.sum())

    def _compare_views(
        self, frame: Frame, camera: Array, target: Target, neighbor: Neighbor, seed: int, v_alpha: Array, known: int
    ) -> float:
        covered = int(np.count_nonzero(frame.single(frame.transmittance) < 0.5))
        spacing = max(1, round((covered / multiview.PIXELS) ** 0.5))
        offset_y, offset_x = divmod(seed % (spacing * spacing), spacing)
        weights = (np.float32(neighbor.photo_weight * spacing**2 / known), np.float32(neighbor.depth_weight * spacing**2 / known))
        other = (neighbor.target.camera, self._gray(neighbor.target), neighbor.depth)
        of = (camera, self._gray(target), multiview.relative_motion(camera, neighbor.target.camera))
        lines = -(-frame.height // spacing)
        sums = np.zeros((2, lines))
        grid = (spacing, offset_x, offset_y, frame.geometry, frame.transmittance, self._middle)
        self.team.run(multiview.compare, lines, _ROWS // 4, *grid, *of, *other, *weights, frame.v_geometry, v_alpha, sums)
        return float(sums.sum())

    def _gray(self, target: Target) -> Array:
        gray = np.empty(target.rgb.shape[:2], np.float32)
        known = [_NO_ALPHA if plane is None else plane for plane in (target.alpha, target.weight)]
        self.team.run(multiview.to_gray, len(gray), _ROWS, target.rgb, *known, gray)
        return gray

    def _mean_depth(self, frame: Frame) -> Array:
        alpha = 1 - frame.single(frame.transmittance)
        solid = alpha > geometry.LEAST_ALPHA
        return np.where(solid, self._middle + frame.geometry[DEPTHS] / np.where(solid, alpha, 1), 0).astype(np.float32)

    def _pull_back(
        self, frame: Frame, camera: Array, step: Step, out: Array, v_alpha: Array, v_camera: Array, geometric: bool = False
    ) -> None:
        shared = (frame.tiles_x * frame.tiles_y, frame.tiles_x, frame.tiles_x)
        lists = (frame.width, frame.height, frame.tile_start, self._members, self._rows, self._projected)
        pictures = (frame.image, frame.transmittance, frame.finished)
        before = (self.parameters, self.moments, step.bases, camera, self.antialiased, self._projected)
        after = (self._counts, self._offsets, self._gradients, step.learning, control_row(step), step.seed, out, self.stats, v_camera)
        sums, v_sums = (frame.geometry, frame.v_geometry) if geometric else (_NO_PLANES, _NO_PLANES)
        back = (sums, frame.v_image, v_alpha, v_sums, frame.error, self._gradients)
        kernels, shapes = (surfel_blending, self._discs) if self.surfels else (blending, self._planes)
        self.team.run(kernels.blend_back[step.absolute, geometric], *shared, *lists, shapes, self._middle, *pictures, *back)
        flat = projection.pull_back_geometry if geometric else projection.pull_back
        self.team.run(surfels.pull_back if self.surfels else flat, self.count, _SPLATS, *before, shapes, *after)

    def _grow(self, entries: int) -> None:
        if entries > len(self._members):
            size = int(entries * 1.3) + 1024
            self._members, self._rows = np.zeros(size, np.int32), np.zeros(size, np.int32)
            self._gradients = np.zeros(size * GRADIENT, np.float32)


def sized(camera: Array, frame: Frame) -> Array:
    """A camera row with the frame's size."""
    row = camera.copy()
    row[SIZE : SIZE + 2] = frame.width, frame.height
    return row


def control_row(step: Step) -> Array:
    """A step's numbers as `projection.pull_back` takes them."""
    row = np.zeros(projection.CONTROL, np.float32)
    row[projection.BETA1], row[projection.BETA2], row[projection.EPSILON] = step.beta1, step.beta2, 1e-15
    row[projection.BIAS1], row[projection.BIAS2] = 1 / (1 - step.beta1**step.count), 1 / (1 - step.beta2**step.count)
    row[projection.OPACITY_WEIGHT], row[projection.SCALE_WEIGHT] = step.opacity_weight, step.scale_weight
    row[projection.NEEDLE_WEIGHT], row[projection.NEEDLE_LIMIT] = step.needle_weight, step.needle_limit
    row[projection.NOISE] = step.noise
    return row


def rows_of(splats: Splats, bases: int) -> Array:
    """Splats as parameter rows [N, row width] for `bases` SH bases."""
    rows = np.zeros((len(splats), row_width(bases)), np.float32)
    rows[:, MEAN : MEAN + 3], rows[:, OPACITY] = splats.means, splats.opacity_logits
    rows[:, QUATERNION : QUATERNION + 4], rows[:, LOG_SCALE : LOG_SCALE + 3] = splats.quats, splats.log_scales
    rows[:, BASE_COLOR : BASE_COLOR + 3] = splats.sh[:, 0]
    kept, channel = min(bases, splats.sh.shape[1]) - 1, channel_width(bases)
    rows[:, SH:].reshape(len(splats), 3, channel)[:, :, :kept] = splats.sh[:, 1 : kept + 1].transpose(0, 2, 1)
    return rows


def splats_of(rows: Array, bases: int, antialiased: bool, surfels: bool = False) -> Splats:
    """Parameter rows [N, row width] as Splats, with unit quaternions."""
    quats, log_scales = rows[:, QUATERNION : QUATERNION + 4], rows[:, LOG_SCALE : LOG_SCALE + 3]
    return Splats(
        means=rows[:, MEAN : MEAN + 3].copy(),
        quats=quats / np.maximum(np.linalg.norm(quats, axis=1, keepdims=True), 1e-12),
        log_scales=flattened(log_scales) if surfels else log_scales.copy(),
        opacity_logits=rows[:, OPACITY].copy(),
        sh=sh_of(rows, bases),
        antialiased=antialiased,
        surfels=surfels,
    )


def sh_of(rows: Array, bases: int) -> Array:
    """The SH coefficients [N,K,3] in parameter rows (or in their gradients)."""
    rest = rows[:, SH:].reshape(len(rows), 3, -1)[:, :, : bases - 1].transpose(0, 2, 1)
    return np.concatenate([rows[:, None, BASE_COLOR : BASE_COLOR + 3], rest], axis=1)
