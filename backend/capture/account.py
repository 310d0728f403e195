"""What lies in a capture's folders and isn't used: counted by reason, and told where it could have mattered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from ..errors import ReifyError
from ..formats import endings
from ..formats.names import examples
from ..jobs.job import Job
from . import quality, roles
from .roles import Contents

KINDS = "JPEG, PNG, TIFF, WebP or EXR"
NO_CAMERA, NO_PHOTO, NO_FIT = "photos without a camera", "masks of no photo", "masks that don't fit"
MADE_BY_PROGRAMS = (*endings.CAMERAS, ".ply", ".db", ".ini")  # models, logs and settings: not worth counting


class Account:
    """Gathers warnings and what was left out, for one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._left_out: Counter[str] = Counter()
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        """Tell the user, and keep it for the capture."""
        self.warnings.append(text)
        self._job.warn(text)

    def report(self) -> None:
        """Say in the report what wasn't used."""
        if left_out := +self._left_out:
            self._job.record_choice("left out", ", ".join(f"{count} {what}" for what, count in left_out.items()))

    def folder(self, contents: Contents, used: Collection[Path] = (), masks_wanted: bool = True) -> None:
        """Count what of a folder isn't photos, nor `used`."""
        for what, files in contents.left_out.items():
            self._left_out[what] += sum(path not in used and not endings.has(path, MADE_BY_PROGRAMS) for path in files)
        for what, files in ((roles.DEPTHS, contents.depths), (roles.CONFIDENCES, contents.confidences)):
            self._left_out[what] += sum(path not in used for path in files)
        if not masks_wanted:
            self._left_out[roles.MASKS] += len(contents.masks)
        if contents.unread:
            self._left_out[roles.UNREAD] += len(contents.unread)
            self.warn(unread(contents.unread))

    def copies(self, count: int) -> None:
        """Photos in place of which others of the same name were used."""
        self._left_out[roles.COPIES] += count

    def photos_without_camera(self, paths: Sequence[Path], title: str, total: int) -> None:
        """Photos that the camera file called `title` doesn't know."""
        if paths:
            self._left_out[NO_CAMERA] += len(paths)
            names = examples([path.name for path in paths])
            self.warn(f"Photos without a camera in {title} are left out: {len(paths)} of {total} ({names}).")

    def masks(self, unused: Sequence[str], without: Sequence[Path], total: int) -> None:
        """Masks that belong to no photo or to several, and photos without one where others have one."""
        if unused:
            self._left_out[NO_PHOTO] += len(unused)
            self.warn(f"Masks of no photo, or of several, are left out: {len(unused)} ({examples(unused)}).")
        if 0 < len(without) < total:
            self.warn(f"Photos without a mask: {len(without)} of {total} ({examples([path.name for path in without])}).")

    def weak(self, found: Sequence[tuple[str, str]], total: int, left_out: bool) -> None:
        """Photos by name with what is the matter with them, of `total`; told with what to do, and counted where they are left out."""
        if left_out:
            for what in quality.ADVICE:
                if names := [name for name, fault in found if fault == what]:
                    self._left_out[f"photos that are {what}"] += len(names)
                    self.warn(f"Photos that are {what} are left out: {len(names)} of {total} ({examples(names)}).")
            return
        for sentence in quality.sentences(found, total):
            self.warn(sentence)
        if found:
            self._job.record_choice("weak photos", ", ".join(f"{name} {what}" for name, what in found))

    def misfits(self, masks: Sequence[str]) -> None:
        """Masks that can't be used, each with the reason."""
        if masks:
            self._left_out[NO_FIT] += len(masks)
            self.warn(f"Masks that don't fit their photo are left out: {len(masks)} ({examples(masks)}).")

    def videos(self, paths: Sequence[Path], told: bool = True) -> None:
        """Videos beside photos."""
        if paths:
            self._left_out[roles.VIDEOS] += len(paths)
        if paths and told:
            names = examples([path.name for path in paths])
            self.warn(f"Videos beside the photos aren't used: {len(paths)} ({names}). Choose them as sources, too.")


def unread(files: Sequence[Path]) -> str:
    """A sentence about pictures in formats that aren't read."""
    if all(endings.has(path, endings.HEIF) for path in files):
        return f"Skipped: {len(files)} HEIC pictures such as {files[0].name}, which need the package pi_heif. Convert them to JPEG."
    return f"Skipped: {len(files)} files such as {files[0].name}, a format that isn't read. Convert them to JPEG."


def nothing_in(contents: Contents) -> ReifyError:
    """Why there is nothing to begin with in a folder, with what it holds instead."""
    kinds = {
        **{what: len(files) for what, files in contents.left_out.items() if what != roles.OTHERS},
        roles.MASKS: len(contents.masks),
        roles.DEPTHS: len(contents.depths),
        roles.CONFIDENCES: len(contents.confidences),
    }
    what = f"There are no photos in {contents.root}."
    held = [f"{count} {kind}" for kind, count in kinds.items() if count]
    if contents.unread:
        what = f"{what} {unread(contents.unread)}"
    elif held:
        what = f"{what} It holds {', '.join(held)}."
    return ReifyError(what, f"Choose a folder that holds {KINDS} photos, or a video.")
