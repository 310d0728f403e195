"""The training loop: steps, densification, progress, previews, checkpoints, repair. Import it after `device.prepare_numba()`."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..device import Device
from ..errors import Cancelled, ReifyError
from ..values import Cameras, Splats, Views
from . import strategy
from .corrections import Corrections
from .cpu.engine import CpuEngine
from .cpu.layout import LOG_SCALE, MEAN
from .engine import Neighbor, Step, StepFigures, Target
from .multiview import DepthMemory, neighbors_of
from .schedule import AGREE_FROM, DENSIFY_STEPS, GROW_UNTIL, PRUNINGS, USELESS, Schedule
from .targets import Targets
from .train import CHECK_STEPS, CHECKPOINT_SECONDS, PREVIEW_SECONDS, REPORT_SECONDS, TrainingSettings

if TYPE_CHECKING:
    from ..jobs.job import Job
    from .cuda.engine import CudaEngine
    from .cuda.torch_engine import TorchEngine

Array = Any
FARTHEST = 1e5  # in extents, that a splat may be off or wide
CHECKPOINT = "training.safetensors"
ARRAYS = ("parameters", "moments", "stats")  # of the engine
CORRECTIONS = ("exposures", "poses", "adam", "turns")
DEPTH = "depth "  # and the place of a training view


class Loop:
    """One training run."""

    def __init__(
        self,
        views: Views,
        indices: tuple[int, ...],
        start: Splats,
        settings: TrainingSettings,
        schedule: Schedule,
        chosen: Device,
        seed: int,
        job: Job,
    ) -> None:
        self.seed = seed
        self.settings, self.schedule, self.job, self.threads = settings, schedule, job, chosen.threads
        self.targets = Targets(views, indices, schedule.keep_bytes)
        poses = views.cameras.cam_from_world[list(indices)]
        self.corrections = Corrections(poses, schedule.extent, exposure=settings.exposure, cameras=settings.refine_cameras)
        self.engine = _engine(start, schedule.most, settings.sh_degree, chosen)
        self.depths: DepthMemory | None = None
        if start.surfels and (settings.photo_agreement_weight > 0 or settings.depth_agreement_weight > 0):
            if settings.refine_cameras:  # their gradients would lack what comparing adds
                job.warn("Neighboring photos aren't compared while cameras are corrected.")
            else:
                self.depths = DepthMemory(neighbors_of(views.cameras, indices), schedule.depth_bytes)
        self.steps_done = 0
        self.elapsed = 0.0
        self.square = 0.0  # running mean squared error
        self.broken = 0
        self.prunings = 0
        self.setbacks = 0
        if self._load():
            job.choose("resumed", f"at step {self.steps_done}")

    def run(self) -> Splats:
        """Train to the end of the schedule."""
        self._repair()
        clock = time.monotonic()
        reported = previewed = saved = clock
        factor = 0
        try:
            while (fraction := self.schedule.fraction(self.steps_done, self.elapsed)) < 1 and not self.job.keep_requested:
                if (wanted := self.schedule.factor(fraction)) != factor:
                    self.targets.drop(factor)
                    factor = wanted
                if self.prunings < len(PRUNINGS) and fraction >= PRUNINGS[self.prunings][0]:
                    self._prune(PRUNINGS[self.prunings][1])
                    self.prunings += 1
                figures = self._step(fraction, factor)
                now = time.monotonic()
                if now - reported > REPORT_SECONDS:
                    text = f"step {self.steps_done}"
                    psnr = -10 * np.log10(max(self.square, 1e-10))
                    self.job.progress(fraction, text, loss=figures.loss, psnr=float(psnr), splats=self.engine.count)
                    reported = now
                if now - previewed > PREVIEW_SECONDS:
                    self.job.preview(self.engine.splats())
                    previewed = now
                if now - saved > CHECKPOINT_SECONDS:
                    self._repair()  # what is gone back to must be sound
                    self._save()
                    saved = now
                # A pause, or a laptop that slept, isn't training time.
                self.elapsed += min(time.monotonic() - clock, 5.0)
                clock = time.monotonic()
            if self.prunings < len(PRUNINGS):  # ended early
                self._prune(USELESS)
        except Cancelled:
            self._save()
            raise
        self._repair()
        with self.engine.edited():
            strategy.keep(self.engine, strategy.opacities(self.engine) > strategy.DEAD_OPACITY)
        (self.job.folder / CHECKPOINT).unlink(missing_ok=True)
        self.job.metric("steps", self.steps_done)
        return self.engine.splats()

    def cameras(self) -> Cameras:
        """The views' cameras, those of the training views where training has put them."""
        cam_from_world = self.targets.views.cameras.cam_from_world.copy()
        cam_from_world[list(self.targets.indices)] = self.corrections.poses
        return dataclasses.replace(self.targets.views.cameras, cam_from_world=cam_from_world)

    def close(self) -> None:
        """Give back the engine's threads or memory."""
        self.engine.close()

    def _step(self, fraction: float, factor: int) -> StepFigures:
        step, settings, engine = self.steps_done, self.settings, self.engine
        rng = np.random.default_rng((self.seed, step))
        place = self._place(step)
        target = self._target(place, factor)
        background = (0.0, 0.0, 0.0) if target.alpha is None else (1.0, 1.0, 1.0)
        if settings.random_background:
            background = tuple(rng.random(3))
        count = max(engine.count, 1)
        views_agree = self.depths is not None and fraction >= AGREE_FROM
        figures = engine.step(
            target,
            Step(
                bases=self.schedule.active_bases(fraction),
                learning=self.schedule.learning(fraction, step) * np.float32(0.3**self.setbacks),
                count=step + 1,
                seed=((self.seed << 32) + step) % (1 << 62),
                background=background,
                ssim_weight=settings.ssim_weight,
                opacity_weight=settings.opacity_weight / count,
                scale_weight=settings.scale_weight / count / self.schedule.extent,
                needle_weight=settings.needle_weight / count,
                distortion_weight=self.schedule.surface_weight(fraction) * settings.distortion_weight / self.schedule.extent**2,
                normal_weight=self.schedule.surface_weight(fraction) * settings.normal_weight,
                noise=5e5 if settings.strategy == "mcmc" and fraction < 0.9 else 0.0,
                absolute=settings.strategy == "classic",
                neighbor=self._neighbor(place, factor, rng) if views_agree else None,
                keep_depth=views_agree,
                exposure=self.corrections.exposure(place),
                camera_gradient=settings.refine_cameras,
            ),
        )
        self.corrections.learn(place, figures, fraction, self.schedule.expected_steps(fraction, step) / len(self.targets))
        if self.depths is not None and figures.depth is not None:
            self.depths.keep(place, figures.depth)
        self.steps_done += 1
        if np.isfinite(figures.square):
            self.square = figures.square if self.square == 0 else 0.95 * self.square + 0.05 * figures.square
        if not np.isfinite(figures.loss) or self.steps_done % CHECK_STEPS == 0:
            self._repair()
        if self.steps_done % DENSIFY_STEPS == 0 and fraction < 0.9:
            wanted = self.schedule.wanted(fraction, self.steps_done) if fraction < GROW_UNTIL + 0.05 else 0
            with engine.edited():
                if settings.strategy == "mcmc":
                    strategy.relocate(engine, rng)
                    strategy.grow(engine, wanted, rng)
                else:
                    strategy.clone_and_split(engine, wanted, self.schedule.extent, rng)
                engine.stats[: engine.count] = 0
        if self.steps_done % (10 * DENSIFY_STEPS) == 0:
            with engine.edited():
                strategy.by_place(engine)
        return figures

    def _target(self, place: int, factor: int) -> Target:
        target = self.targets.get(place, factor)
        return dataclasses.replace(target, camera=self.corrections.camera(place, target.camera))

    def _neighbor(self, place: int, factor: int, rng: np.random.Generator) -> Neighbor | None:
        assert self.depths is not None
        found = self.depths.neighbor(place, rng)
        if found is None:
            return None
        other, depth = found
        weights = (self.settings.photo_agreement_weight, self.settings.depth_agreement_weight)
        return Neighbor(self._target(other, factor), depth, *weights)

    def _prune(self, part: float) -> None:
        """Remove the splats that nowhere in the training views reach that part of `least_share` (RadSplat, Niemeyer et al. 2024)."""
        least = part * self.settings.least_share
        if least == 0:
            return
        self._repair()
        engine = judge = self.engine
        if not hasattr(judge, "strongest_weights"):
            judge = CpuEngine(engine.splats(), engine.count, self.settings.sh_degree, self.threads, training=False)
        strongest = np.zeros(engine.count, np.float32)
        try:
            for place in range(len(self.targets)):
                self.job.progress(self.schedule.fraction(self.steps_done, self.elapsed), "Removing splats that hardly matter")
                strongest = np.maximum(strongest, judge.strongest_weights(self._target(place, 1)))
        finally:
            if judge is not engine:
                judge.close()
        with engine.edited():  # where everything is faint, its strongest tenth stays
            strategy.keep(engine, strongest >= min(least, float(np.quantile(strongest, 0.9))))

    def _place(self, step: int) -> int:
        """Which training view a step uses: every view once, in an order that changes each round."""
        count = len(self.targets)
        order = np.random.default_rng((self.seed, 1 << 40, step // count)).permutation(count)
        return int(order[step % count])

    def _repair(self) -> None:
        """Remove splats that aren't finite or have exploded; where these are most, go back to the last checkpoint.

        Raises ReifyError where there is none, or the second time.
        """
        with self.engine.edited():
            good = self._sound()
            lost = self.engine.count - int(np.count_nonzero(good))
            diverged = lost * 2 > self.engine.count
            if lost and not diverged:
                strategy.keep(self.engine, good)
        if diverged:
            self._go_back()
        elif lost:
            if self.broken == 0:
                self.job.warn("Some splats grew beyond all bounds during training and were removed.")
            self.broken += lost

    def _sound(self) -> Array:
        """Which splats [N] are finite, in reach and no larger than that."""
        parameters, moments = self.engine.parameters[: self.engine.count], self.engine.moments[: self.engine.count]
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
        self.job.warn(f"Training diverged; it went back to step {self.steps_done} and goes on in smaller steps.")

    def _save(self) -> None:
        from safetensors.numpy import save_file

        engine = self.engine
        with engine.edited():
            kept = {name: getattr(engine, name)[: engine.count].copy() for name in ARRAYS}
        arrays = {
            **kept,
            **{name: getattr(self.corrections, name) for name in CORRECTIONS},
            **({f"{DEPTH}{place}": depth for place, depth in self.depths.known.items()} if self.depths is not None else {}),
            "clock": np.array([self.steps_done, self.elapsed, self.square, self.broken, self.prunings, self.setbacks], np.float64),
        }
        partial = self.job.folder / (CHECKPOINT + ".partial")
        save_file(arrays, partial)
        os.replace(partial, self.job.folder / CHECKPOINT)

    def _load(self) -> bool:
        path: Path = self.job.folder / CHECKPOINT
        if not path.is_file():
            return False
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            arrays = load_file(path)
        except (SafetensorError, OSError):
            self.job.warn("The checkpoint of this training is damaged; it starts anew.")
            return False
        count = len(arrays["parameters"])
        if count > self.engine.capacity or arrays["parameters"].shape[1] != self.engine.width:
            self.job.warn("The checkpoint of this training doesn't fit in memory now; it starts anew.")
            return False
        with self.engine.edited():
            self.engine.count = count
            for name in ARRAYS:
                getattr(self.engine, name)[:count] = arrays[name]
        for name in CORRECTIONS:
            getattr(self.corrections, name)[:] = arrays[name]
        if self.depths is not None:
            for name in (name for name in arrays if name.startswith(DEPTH)):
                self.depths.keep(int(name.removeprefix(DEPTH)), arrays[name])
        steps, self.elapsed, self.square, *counts = (float(v) for v in arrays["clock"])
        self.steps_done = int(steps)
        self.broken, self.prunings, self.setbacks = (int(v) for v in counts)
        return True


def _engine(start: Splats, capacity: int, sh_degree: int, chosen: Device) -> CpuEngine | CudaEngine | TorchEngine:
    if chosen.kind == "cpu":
        return CpuEngine(start, capacity, sh_degree, chosen.threads)
    from .cuda import engine_of

    return engine_of(chosen.kind, start, capacity, sh_degree)
