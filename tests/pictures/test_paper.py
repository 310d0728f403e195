"""Photos of drawings: the figure is cut out of any paper, light and table, and outlines are filled."""

from __future__ import annotations

import numpy as np
import pytest
from reify.backend.jobs.job import Job
from reify.backend.pictures.background import plain_background
from reify.backend.pictures.cutout import CutoutSettings, finished, found_in
from reify.backend.values import Array, Picture

from .drawings import photographed

# Paper, light, how far it is turned, the table that it lies on.
PHOTOS = [
    ("plain", "lamp", 0, ""), ("plain", "shadow", 0, ""), ("plain", "hand", 0, ""), ("plain", "dim", 0, ""),
    ("lined", "even", 0, ""), ("lined", "lamp", 3, ""), ("margin", "dim", -4, ""), ("squared", "dim", 0, ""), ("squared", "shadow", 2, ""),
    ("brown", "even", 0, ""), ("brown", "lamp", 0, ""),
    ("plain", "lamp", 8, "wooden"), ("plain", "dim", -12, "dark"), ("lined", "dim", 5, "wooden"), ("brown", "even", 8, "white"),
]  # fmt: skip


def cut_out(photo: Array) -> tuple[Array, Job]:
    job = Job()
    found = Picture("drawing", photo, found_in(photo, None, "drawing", CutoutSettings(), None, job))
    return finished(found, CutoutSettings(), job).coverage > 0.5, job


@pytest.mark.parametrize(("sheet", "lit", "turned", "table"), PHOTOS)
def test_a_photographed_drawing_is_cut_out_whole(sheet: str, lit: str, turned: float, table: str) -> None:
    drawing = ("pale", "with gaps")[PHOTOS.index((sheet, lit, turned, table)) % 2]
    photo, truth = photographed(drawing, sheet, lit, turned, table)
    found, job = cut_out(photo)
    overlap = (found & truth).sum() / (found | truth).sum()
    assert overlap > 0.93, f"{overlap:.2f}, {job.report.choices}"
    assert not job.report.warnings


@pytest.mark.parametrize(("sheet", "lit"), [("plain", "lamp"), ("squared", "dim"), ("lined", "even")])
@pytest.mark.parametrize("drawing", ["filled", "pencil"])
def test_strong_colors_and_closed_outlines_are_cut_out_whole(drawing: str, sheet: str, lit: str) -> None:
    photo, truth = photographed(drawing, sheet, lit)
    found, _ = cut_out(photo)
    assert (found & truth).sum() / (found | truth).sum() > 0.93


def test_what_was_taken_off_is_said() -> None:
    _, job = cut_out(photographed("filled", "lined", "even")[0])
    assert "printed lines" in job.report.choices["cut-out"]
    _, job = cut_out(photographed("filled", "plain", "even", 5, "wooden")[0])
    assert "the table around the sheet" in job.report.choices["cut-out"]


def test_a_gap_between_letters_is_not_filled() -> None:
    photo = np.full((200, 400, 3), 255, np.uint8)
    for left in range(20, 380, 20):
        photo[60:140, left : left + 6] = 0
    found, _ = cut_out(photo)
    assert np.array_equal(found, photo[..., 0] < 128)


def test_a_letter_that_is_open_stays_open() -> None:
    photo = np.full((300, 300, 3), 255, np.uint8)
    photo[50:250, 60:70], photo[50:60, 60:220], photo[240:250, 60:220] = 0, 0, 0
    found, _ = cut_out(photo)
    assert np.array_equal(found, photo[..., 0] < 128)


def test_a_plain_rectangle_is_the_subject_and_no_sheet_with_nothing_on_it() -> None:
    srgb = np.full((40, 40, 3), 255, np.uint8)
    srgb[4:36, 4:12] = 51
    coverage, why = plain_background(srgb)
    assert coverage is not None, why
    assert coverage[6:34, 6:10].min() > 0.9 and coverage[:, 14:].max() < 0.1
