from __future__ import annotations

from reify.scene.viewport.pace import FRAME_S, LEAST_SPLATS, STEPS, Pace


def after(count: int, seconds_per_pixel: float, seconds_per_splat: float, frames: int = 60) -> Pace:
    pace = Pace()
    for _ in range(frames):
        drawn = round(count * pace.share)
        pace.note(pace.step, pace.share, drawn, seconds_per_pixel / pace.step**2 + seconds_per_splat * drawn)
    return pace


def test_what_is_quick_is_drawn_whole_and_as_finely_as_a_moving_view_gets():
    assert after(48_000, 0.04, 1e-7) == Pace(STEPS[0], 1.0)


def test_pixels_are_given_up_before_splats():
    pace = after(100_000, 0.3, 1e-7)
    assert pace.step > STEPS[0] and pace.share == 1.0


def test_of_very_many_splats_so_many_are_drawn_that_the_frame_lasts():
    count = 5_000_000
    pace = after(count, 0.05, 1e-7)
    assert pace.step == STEPS[-1]
    assert 0.5 * FRAME_S < 0.05 / pace.step**2 + 1e-7 * count * pace.share <= 1.25 * FRAME_S


def test_on_a_slow_machine_a_least_number_is_drawn_in_any_case():
    assert round(1_000_000 * after(1_000_000, 1.0, 1e-5).share) == LEAST_SPLATS
    assert after(10_000, 1.0, 1e-4).share == 1.0


def test_a_frame_that_was_asked_for_before_the_last_change_tells_nothing():
    pace = Pace()
    pace.note(STEPS[-1], 1.0, 1000, 10.0)
    assert pace == Pace()
