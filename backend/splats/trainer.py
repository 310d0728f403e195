"""Splats in training: steps on the views in turn, densification, pruning, repair, checkpoints.

Import it after `device.prepare_numba()`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..device import Device
from ..errors import Cancelled, ReifyError
from ..jobs.store import load_arrays, save_arrays
from ..rendering import loop
from ..rendering.fitting import take_step
from ..rendering.losses import (
    Anisotropy,
    DepthDistortion,
    Loss,
    MultiviewGeometric,
    MultiviewPhotometric,
    NormalConsistency,
    OpacityDecay,
    Photometric,
    ScaleDecay,
)
from ..rendering.protocol import Figures
from ..rendering.targets import Target, Targets
from ..values import Cameras, Splats, Views
from . import strategy
from .columns import LOG_SCALE, MEAN
from .corrections import Corrections
from .cpu.rasterizer import CpuRasterizer
from .rasterizers import trainable
from .schedule import AGREE_FROM, DENSIFY_STEPS, GROW_UNTIL, PRUNINGS, USELESS, Schedule
from .settings import TrainingSettings
from .step import Neighbor, SplatStep, StepFigures
from .view_selection import DepthMemory, neighbors_of

if TYPE_CHECKING:
    from ..jobs.job import Job

Array = Any
CHECK_STEPS = 100  # between looks for broken splats
FARTHEST = 1e5  # in extents: splats farther out or wider than that have exploded
NOISE = 5e5  # factor of the learning rate (Kheradmand et al. 2024, eq. 9)
NOISE_UNTIL = 0.9  # of the budget
SETBACK = 0.3  # of the learning rates are left after training has diverged and gone back
CHECKPOINT = "training.safetensors"
ARRAYS = ("parameters", "moments", "stats")  # of the rasterizer
CORRECTIONS = ("exposures", "poses", "adam", "turns")
DEPTH = "depth "  # and the place of a training view


class Trainer:
    """One training run; `losses` are scored beside those that the settings ask for."""

    def __init__(
        self,
        views: Views,
        indices: tuple[int, ...],
        start: Splats,
        settings: TrainingSettings,
        schedule: Schedule,
        device: Device,
        seed: int,
        job: Job,
        losses: tuple[Loss, ...] = (),
    ) -> None:
        """Raises ValueError where `losses` stand beside what only the fused step computes."""
        if losses and (settings.exposure or settings.refine_cameras or start.surfels):
            raise ValueError("exposures, poses and surfels are trained by the fused step, which computes no further losses")
        self.settings, self.schedule, self.seed, self.job = settings, schedule, seed, job
        self.losses, self.threads = losses, device.threads
        self.targets = Targets(views, indices, schedule.keep_bytes)
        poses = views.cameras.cam_from_world[list(indices)]
        self.corrections = Corrections(poses, schedule.extent, exposure=settings.exposure, cameras=settings.refine_cameras)
        self.rasterizer = trainable(device, start, schedule.most, settings.sh_degree)
        self.depths: DepthMemory | None = None
        if start.surfels and (settings.photo_agreement_weight > 0 or settings.depth_agreement_weight > 0):
            if settings.refine_cameras:  # their gradients would lack what comparing adds
                job.warn("Neighboring photos aren't compared while cameras are corrected.")
            else:
                self.depths = DepthMemory(neighbors_of(views.cameras, indices), schedule.depth_bytes)
        self.clock = loop.Clock()
        self.square = 0.0  # running mean of the squared error
        self.broken = 0
        self.prunings = 0
        self.setbacks = 0
        if self._load():
            job.record_choice("resumed", f"at step {self.clock.steps}")

    def run(self) -> Splats:
        """Train to the end of the schedule, and leave out what can't be seen."""
        self.mend()
        loop.run(self, self.schedule.budget, job=self.job)
        if self.prunings < len(PRUNINGS):  # ended early
            try:
                self._prune(USELESS)
            except Cancelled:
                self.save()
                raise
        self.mend()
        with self.rasterizer.edited():
            strategy.keep(self.rasterizer, strategy.opacities(self.rasterizer) > strategy.DEAD_OPACITY)
        (self.job.folder / CHECKPOINT).unlink(missing_ok=True)
        self.job.metric("steps", self.clock.steps)
        return self.rasterizer.splats()

    def cameras(self) -> Cameras:
        """The views' cameras, those of the training views with their corrected poses."""
        cam_from_world = self.targets.views.cameras.cam_from_world.copy()
        cam_from_world[list(self.targets.indices)] = self.corrections.poses
        return dataclasses.replace(self.targets.views.cameras, cam_from_world=cam_from_world)

    def close(self) -> None:
        """Give back the rasterizer's threads or memory."""
        self.rasterizer.close()

    def step(self, fraction: float) -> dict[str, float]:
        """Take one step on one view; returns the loss, the running PSNR and the number of splats."""
        factor = self.schedule.factor(fraction)
        self.targets.keep_only(factor)
        if self.prunings < len(PRUNINGS) and fraction >= PRUNINGS[self.prunings][0]:
            self._prune(PRUNINGS[self.prunings][1])
            self.prunings += 1
        rng = np.random.default_rng((self.seed, self.clock.steps))
        figures = self._fit(fraction, factor, rng)
        self.clock.steps += 1
        if np.isfinite(figures.square):
            self.square = figures.square if self.square == 0 else 0.95 * self.square + 0.05 * figures.square
        if not np.isfinite(figures.loss) or self.clock.steps % CHECK_STEPS == 0:
            self.mend()
        self._densify(fraction, rng)
        psnr = -10 * np.log10(max(self.square, 1e-10))
        return {"loss": figures.loss, "psnr": float(psnr), "splats": self.rasterizer.count}

    def preview(self) -> Splats:
        """The splats as they are."""
        return self.rasterizer.splats()

    def _fit(self, fraction: float, factor: int, rng: np.random.Generator) -> Figures:
        step, settings = self.clock.steps, self.settings
        place = self._place(step)
        target = self._target(place, factor)
        background = (0.0, 0.0, 0.0) if target.alpha is None else (1.0, 1.0, 1.0)
        if settings.random_background:
            background = tuple(rng.random(3))
        views_agree = self.depths is not None and fraction >= AGREE_FROM
        figures = take_step(
            self.rasterizer,
            (target,),
            SplatStep(
                rates=self.schedule.rates(fraction, step, SETBACK**self.setbacks),
                losses=(*self._losses(fraction, views_agree), *self.losses),
                bases=self.schedule.active_bases(fraction),
                count=step + 1,
                seed=((self.seed << 32) + step) % (1 << 62),
                background=background,
                noise=NOISE if settings.strategy == "mcmc" and fraction < NOISE_UNTIL else 0.0,
                absolute=settings.strategy == "classic",
                neighbor=self._neighbor(place, factor, rng) if views_agree else None,
                keep_depth=views_agree,
                exposure=self.corrections.exposure(place),
                camera_gradient=settings.refine_cameras,
            ),
        )
        if isinstance(figures, StepFigures):
            self.corrections.learn(place, figures, fraction, self.schedule.expected_steps(fraction, step) / len(self.targets))
            if self.depths is not None and figures.depth is not None:
                self.depths.keep(place, figures.depth)
        return figures

    def _losses(self, fraction: float, views_agree: bool) -> tuple[Loss, ...]:
        """What the settings ask to be minimized at a fraction of training."""
        settings, extent, count = self.settings, self.schedule.extent, max(self.rasterizer.count, 1)
        surface_weight = self.schedule.surface_weight(fraction)
        losses: list[Loss] = [
            OpacityDecay(settings.opacity_weight / count),
            ScaleDecay(settings.scale_weight / count / extent),
            Anisotropy(settings.needle_weight / count),
            DepthDistortion(surface_weight * settings.distortion_weight / extent**2),
            NormalConsistency(surface_weight * settings.normal_weight),
        ]
        if views_agree:
            losses += MultiviewPhotometric(settings.photo_agreement_weight), MultiviewGeometric(settings.depth_agreement_weight)
        return Photometric(ssim_share=settings.ssim_weight), *(loss for loss in losses if loss.weight > 0)

    def _densify(self, fraction: float, rng: np.random.Generator) -> None:
        """Change the number, places and order of splats where it is time for that."""
        if self.clock.steps % DENSIFY_STEPS == 0 and fraction < 0.9:
            wanted = self.schedule.wanted(fraction, self.clock.steps) if fraction < GROW_UNTIL + 0.05 else 0
            with self.rasterizer.edited():
                if self.settings.strategy == "mcmc":
                    strategy.relocate(self.rasterizer, rng)
                    strategy.grow(self.rasterizer, wanted, rng)
                else:
                    strategy.clone_and_split(self.rasterizer, wanted, self.schedule.extent, rng)
                self.rasterizer.stats[: self.rasterizer.count] = 0
        if self.clock.steps % (10 * DENSIFY_STEPS) == 0:
            with self.rasterizer.edited():
                strategy.by_place(self.rasterizer)

    def _target(self, place: int, factor: int) -> Target:
        target = self.targets.get(place, factor)
        return dataclasses.replace(target, camera=self.corrections.camera(place, target.camera))

    def _neighbor(self, place: int, factor: int, rng: np.random.Generator) -> Neighbor | None:
        assert self.depths is not None
        found = self.depths.neighbor(place, rng)
        return None if found is None else Neighbor(self._target(found[0], factor), found[1])

    def _prune(self, part: float) -> None:
        """Remove the splats whose weight in no training view reaches that part of `least_share` (RadSplat, Niemeyer et al. 2024)."""
        least = part * self.settings.least_share
        if least == 0:
            return
        self.mend()
        rasterizer = judge = self.rasterizer
        if not hasattr(judge, "strongest_weights"):
            judge = CpuRasterizer(rasterizer.splats(), rasterizer.count, self.settings.sh_degree, self.threads, training=False)
        strongest = np.zeros(rasterizer.count, np.float32)
        try:
            for place in range(len(self.targets)):
                self.job.progress(self.schedule.budget.fraction(self.clock), "Removing splats that hardly matter")
                strongest = np.maximum(strongest, judge.strongest_weights(self._target(place, 1)))
        finally:
            if judge is not rasterizer:
                judge.close()
        with rasterizer.edited():  # where everything is faint, its strongest tenth stays
            strategy.keep(rasterizer, strongest >= min(least, float(np.quantile(strongest, 0.9))))

    def _place(self, step: int) -> int:
        """Which training view a step uses: every view once, in an order that changes each round."""
        count = len(self.targets)
        order = np.random.default_rng((self.seed, 1 << 40, step // count)).permutation(count)
        return int(order[step % count])

    def mend(self) -> None:
        """Remove splats that aren't finite or have exploded; where these are most, go back to the last checkpoint.

        Raises ReifyError where there is none, or the second time.
        """
        with self.rasterizer.edited():
            good = self._sound()
            lost = self.rasterizer.count - int(np.count_nonzero(good))
            diverged = lost * 2 > self.rasterizer.count
            if lost and not diverged:
                strategy.keep(self.rasterizer, good)
        if diverged:
            self._go_back()
        elif lost:
            if self.broken == 0:
                self.job.warn("Some splats grew beyond all bounds during training and were removed.")
            self.broken += lost

    def _sound(self) -> Array:
        """Which splats [N] are finite, in reach and no larger than that."""
        parameters, moments = self.rasterizer.parameters[: self.rasterizer.count], self.rasterizer.moments[: self.rasterizer.count]
        finite = np.isfinite(parameters.sum(axis=1)) & np.isfinite(moments.sum(axis=(1, 2)))
        near = np.abs(parameters[:, MEAN : MEAN + 3]).max(axis=1) < FARTHEST * self.schedule.extent
        small = parameters[:, LOG_SCALE : LOG_SCALE + 3].max(axis=1) < np.log(FARTHEST * self.schedule.extent)
        return finite & near & small

    def _go_back(self) -> None:
        if self.setbacks or not self._load():
            raise ReifyError(
                "Training diverged: most splats are broken.", "Check that the photos and cameras belong together, or report this capture."
            )
        self.setbacks += 1
        self.job.warn(f"Training diverged; it went back to step {self.clock.steps} and goes on in smaller steps.")

    def save(self) -> None:
        """Write everything that training goes on from into the job's folder."""
        rasterizer = self.rasterizer
        with rasterizer.edited():
            kept = {name: getattr(rasterizer, name)[: rasterizer.count].copy() for name in ARRAYS}
        arrays = {
            **kept,
            **{name: getattr(self.corrections, name) for name in CORRECTIONS},
            **({f"{DEPTH}{place}": depth for place, depth in self.depths.known.items()} if self.depths is not None else {}),
            "clock": np.array([self.clock.steps, self.clock.seconds, self.square, self.broken, self.prunings, self.setbacks], np.float64),
        }
        with self.job.keeping():
            save_arrays(arrays, self.job.folder / CHECKPOINT)

    def _load(self) -> bool:
        path: Path = self.job.folder / CHECKPOINT
        if not path.is_file():
            return False
        try:
            arrays, _checksums = load_arrays(path)
        except (OSError, ValueError):
            self.job.warn("The checkpoint of this training is damaged; it starts anew.")
            return False
        count = len(arrays["parameters"])
        if count > self.rasterizer.capacity or arrays["parameters"].shape[1] != self.rasterizer.width:
            self.job.warn("The checkpoint of this training doesn't fit in memory now; it starts anew.")
            return False
        with self.rasterizer.edited():
            self.rasterizer.count = count
            for name in ARRAYS:
                getattr(self.rasterizer, name)[:count] = arrays[name]
        for name in CORRECTIONS:
            getattr(self.corrections, name)[:] = arrays[name]
        if self.depths is not None:
            for name in (name for name in arrays if name.startswith(DEPTH)):
                self.depths.keep(int(name.removeprefix(DEPTH)), arrays[name])
        steps, self.clock.seconds, self.square, *counts = (float(v) for v in arrays["clock"])
        self.clock.steps = int(steps)
        self.broken, self.prunings, self.setbacks = (int(v) for v in counts)
        return True
