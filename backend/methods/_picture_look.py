"""What an artist sees of pictures before anything runs: what is cut out, how and why, and a coarse body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..bodies.from_pictures import LEARNED, Settings, chosen_for, cutout_of, preview_mesh
from ..errors import ReifyError
from ..formats.images import resize
from ..jobs.environment import Environment
from ..jobs.job import Job
from ..pictures.cutout import CutoutSettings, finished, found_in, scaled
from ..pictures.read import read_parts, read_picture
from ..reading import exists
from ..settings import file_of
from ..values import Array, Mesh, Picture, Report
from .image import one_by_one, seen_from

LONG_SIDE_PX = 512  # of what is cut out for a look
CUT_AWAY = np.array([170.0, 30.0, 45.0])  # color that covers what is cut away, as over masks in painting programs
COVER = 0.6

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Look:
    """What came of a look; what couldn't be made is None, and `problem` says why."""

    overlay: Array | None = None  # [H,W,3] uint8: the picture with a red cover over what is cut away
    mesh: Mesh | None = None
    reason: str = ""  # the method that was chosen, and why; empty where none had to be
    notes: tuple[str, ...] = ()  # what else was chosen and why, a sentence each
    warnings: tuple[str, ...] = ()
    problem: str = ""


class Looker:
    """Looks at pictures again and again, for one thread: what a changed setting doesn't touch isn't done again."""

    def __init__(self, long_side_px: int = LONG_SIDE_PX, environment: Environment | None = None) -> None:
        self.long_side_px = long_side_px
        self.environment = environment  # where the weights of learned cut-outs lie
        self._kept: dict[str, tuple[Any, Any]] = {}

    def look(self, sources: Sequence[Path], settings: Settings) -> Look:
        """The first of the jobs that `sources` make, or what is wrong with it."""
        look = Look()
        try:
            views = seen_from(one_by_one(sources, settings)[0].sources, settings)
            cuts = [self._cut(place, path, cutout_of(settings)) for place, path in enumerate(views.values())]
            keys, pictures = tuple(key for key, _, _ in cuts), [replace(cut[1], view=view) for view, cut in zip(views, cuts, strict=True)]
            look = Look(
                self._once("overlay", keys, lambda: _side_by_side([overlay_of(picture) for picture in pictures])),
                notes=tuple(f"{what.capitalize()}: {chosen}." for what, chosen in cuts[0][2].choices.items()),
                warnings=tuple(text for _, _, report in cuts for text in report.warnings),
            )
            method, why = self._once("method", (keys, settings.method), lambda: chosen_for(pictures, settings))
            look = replace(look, reason=f"{method.capitalize()}, because {why}." if why else "")
            return look if method in LEARNED else replace(look, mesh=preview_mesh(pictures, replace(settings, method=method)))
        except ReifyError as error:
            return replace(look, problem=f"{error.what} {error.fix}".strip())

    def _cut(self, place: int, path: Path, settings: CutoutSettings) -> tuple[Any, Picture, Report]:
        """What it depends on, the picture with its subject's coverage, and what was chosen."""
        strokes = file_of(settings.strokes)
        wanted = (_stamp(path), settings.by, settings.enclosed, settings.box, strokes and _stamp(strokes))
        found, scale, report = self._once(f"found {place}", wanted, lambda: self._found(path, settings, strokes))
        key = (wanted, settings)

        def finish() -> tuple[Picture, Report]:
            job = Job()
            job.describe(choices=report.choices, warnings=report.warnings)
            return finished(found, scaled(settings, scale), job), job.report

        return (key, *self._once(f"finished {place}", key, finish))

    def _found(self, path: Path, settings: CutoutSettings, strokes: Path | None) -> tuple[Picture, float, Report]:
        """The picture made small with the coverage as it was found, how small, and what was chosen."""
        job = Job(self.environment)
        srgb, alpha = read_picture(path, job)
        pixels = resize(srgb if alpha is None else np.dstack([srgb, alpha]), self.long_side_px)
        scale = pixels.shape[1] / srgb.shape[1]
        srgb, alpha = np.ascontiguousarray(pixels[..., :3]), None if alpha is None else pixels[..., 3]
        coverage = found_in(srgb, alpha, path.name, scaled(settings, scale), strokes, job)
        return Picture(path.stem, srgb, coverage, read_parts(path, coverage.shape)), scale, job.report

    def _once(self, slot: str, key: Any, make: Callable[[], Value]) -> Value:
        if slot not in self._kept or self._kept[slot][0] != key:
            self._kept[slot] = (key, make())
        return self._kept[slot][1]


def overlay_of(picture: Picture) -> Array:
    """The picture with a red cover over what isn't its subject, [H,W,3] uint8."""
    share = COVER * (1.0 - picture.coverage[..., None])
    return (picture.srgb + share * (CUT_AWAY - picture.srgb) + 0.5).astype(np.uint8)


def _side_by_side(pictures: Sequence[Array]) -> Array:
    height = max(len(picture) for picture in pictures)
    return np.concatenate([np.pad(picture, ((0, height - len(picture)), (0, 0), (0, 0))) for picture in pictures], axis=1)


def _stamp(path: Path) -> tuple[Path, int]:
    """A file, and when it was changed; -1 where there is none."""
    return path, path.stat().st_mtime_ns if exists(path) else -1
