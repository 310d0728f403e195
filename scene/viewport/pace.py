"""How finely splats are drawn while a view moves: as much as fits into the time of a frame, by what the last frames took."""

from __future__ import annotations

from dataclasses import dataclass

FRAME_S = 0.05  # 20 frames a second while the view moves
STEPS = (2, 3, 4)  # pixels that one of the picture stands for, finest first
LEAST_SPLATS = 50_000  # that are drawn in any case
SLACK = 0.6  # of the frame's time: below it, more is tried


@dataclass
class Pace:
    """The step and the share of the splats for the next frame of a moving view."""

    step: int = 0
    share: float = 1.0
    steps: tuple[int, ...] = STEPS

    def __post_init__(self) -> None:
        self.step = self.step or self.steps[0]

    def note(self, step: int, share: float, drawn: int, seconds: float) -> None:
        """Take note of what a frame of `drawn` splats took; only one that was drawn as asked for tells anything.

        Pixels are given up first, then the least important splats; they come back the other way round.
        """
        if (step, share) != (self.step, self.share):
            return
        place = self.steps.index(step)
        if seconds > FRAME_S:
            if place + 1 < len(self.steps):
                self.step = self.steps[place + 1]
            else:
                self.share = min(1.0, max(share * max(0.5, FRAME_S / seconds * 0.9), share * LEAST_SPLATS / max(drawn, 1)))
        elif seconds < SLACK * FRAME_S:
            if share < 1.0:
                self.share = min(1.0, share * 1.25)
            elif place > 0 and seconds * (self.steps[place] / self.steps[place - 1]) ** 2 < FRAME_S:
                self.step = self.steps[place - 1]
