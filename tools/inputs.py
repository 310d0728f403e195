"""docs/inputs.md: what is read of each program's layout, found out by reading one small scene in all of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..backend.capture.read import CaptureSettings, read_photos
from ..backend.capture.roles import DEPTHS
from ..backend.formats import endings
from ..backend.jobs.job import Job
from ..backend.values import Capture, Photos, Report
from ..tests.capture.layouts import LAYOUTS, Layout

COLUMNS = ("layout or program", "photos", "poses", "intrinsics", "masks", "depth", "points")
NONE = "–"
HEAD = """\
# What may go in

Made by `python3 dev.py docs`, which has one small scene written down as each program does and reads it; don't edit this page. The tests
read the same scenes, and look that a cornered object lands where the pictures show it: upright, and not mirrored.

## Layouts and programs

Choose the folder; what it is shows by what lies in it.
"""
TAIL = """
- Depth "to points": the maps agree with the cameras, so training starts from their points. "Not used": they are told from the photos, and
  counted.
- Masks "cut out": what is black is empty space around the subject. "Hide": it is left out of the comparison with the photos. The setting
  **Masks** chooses one of them for all.
- Of panoramas six views each are cut, which share the place they were taken from.
- Phones and scanners measure: with their poses the result has its size in meters.

## Where cameras are looked for

In the folder, up to four folders below it (`sparse/*`, `dense/*/sparse`, `distorted/sparse/*`, the folder of an unpacked zip), and, where
only the folder of pictures was chosen, beside it. Model and pictures may also be chosen as two sources, wherever they lie. Of several
models the one counts that knows most of the photos. **Results** says which cameras were used, or that none were found; **Use Given
Cameras** switched off has them found from the photos.

## Names

Pictures, masks and depth maps are found by the names that the program wrote, even where these fit only nearly: in another case or Unicode
form, with backslashes, drives and folders of another computer, with another ending, URL-encoded, or in a Chinese, Japanese, Korean or
Western encoding. Where several files fit equally, or none, that picture is left out and named.

## What is damaged

A bad frame, an unknown lens, damaged points, a byte order mark or a missing file cost what they belong to and nothing else: the rest is
used, and a warning says what was left out. Whatever lies in the folder and isn't used is counted by reason in the report and in
**Results**.

## Large coordinates

Positions in UTM, ECEF and the like lose an offset in double precision before anything is rounded to 32 bits. The report and the empty
keep it, and exports add it again.

## Endings
"""


def page() -> str:
    """The page as Markdown."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(_row, LAYOUTS)]
    lines = [HEAD, *(f"| {' | '.join(row)} |" for row in rows), TAIL]
    for what, found in (
        ("Pictures", (*endings.PILLOW, ".exr")),
        ("With the package pi_heif", endings.HEIF),
        ("Videos", endings.VIDEOS),
        ("Camera files, by what is in them", endings.CAMERAS),
        ("With the package rawpy", endings.RAW),
        ("Told from photos and not read", (*endings.UNREAD_PICTURES, *endings.UNREAD_VIDEOS)),
    ):
        lines.append(f"- {what}: {' '.join(f'`{ending}`' for ending in found)}")
    return "\n".join(lines) + "\n"


def _row(layout: Layout) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(prefix="reify-layout-") as folder:
        layout.write(Path(folder) / "scan")
        job = Job()
        capture = job.stage("Reading", read_photos, Photos((Path(folder) / "scan" / layout.source,)), CaptureSettings(video_frames=8))
        return layout.name, *_cells(capture, job.report)


def _cells(capture: Capture, report: Report) -> tuple[str, ...]:
    said = report.choices
    photos = "sharp frames" if "frames" in said else "views of each" if "panoramas" in said else "yes"
    poses = "yes" if capture.cameras is not None else NONE
    known = capture.cameras is not None or all(photo.rig for photo in capture.photos)
    intrinsics = "yes" if known else "EXIF" if all(photo.focal_px for photo in capture.photos) else NONE
    masked = [photo for photo in capture.photos if photo.mask is not None or photo.has_alpha]
    masks = NONE if not masked else "cut out" if all(photo.mask_is_subject for photo in masked) else "hide"
    to_points = "to start from" in said.get("depth", "")
    depth = "to points" if to_points else "not used" if "depth" in said or DEPTHS in said.get("left out", "") else NONE
    points = "yes" if capture.points is not None and not to_points else NONE
    return photos, poses, intrinsics, masks, depth, points
