"""Who draws splats into the viewport: the processor's rasterizer, or shaders of the graphics card.

Both have the same three verbs, which is all that `drawing` knows of them: `drawer` makes what the drawing thread computes with, `take`
brings what that has computed to the graphics card, `layer` gives the picture that is laid over the scene. The card is chosen where it has
drawn a few splats as they must look, by `card_check`.
"""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import gpu

from ...backend.splats.view import View
from .compositing import Layer
from .pace import Pace

if TYPE_CHECKING:
    from .worker import Drawer, Wish

log = logging.getLogger(__name__)
Array = Any
AUTO, CARD, PROCESSOR = "AUTO", "CARD", "PROCESSOR"


class Way(Protocol):
    """What draws splats."""

    needs_depth: bool  # whether the drawing thread must know the depth of the scene

    def drawer(self) -> Drawer:
        """What the drawing thread computes with; called in that thread."""
        ...

    def pace(self) -> Pace:
        """How finely a region is drawn while its view moves."""
        ...

    def take(self, region: int, wish: Wish, computed: Any) -> None:
        """Bring what the drawing thread has computed for a region to the graphics card."""
        ...

    def layer(self, region: int, view: View, places: list[Array], timed: bool) -> tuple[Layer, float] | None:
        """The newest picture of a region, and the seconds that it took where that was `timed` or known, else 0; None before the first.

        `view` is the one of now, with the scene's depth; `places` are world_from_object of the newest wish's clouds, of now.
        """
        ...

    def is_whole(self, region: int) -> bool:
        """Whether the region's next picture would be no better than its last."""
        ...

    def forget(self, region: int) -> None:
        """Let go of a region that is gone."""
        ...


@dataclass(frozen=True)
class Choice:
    """Who draws, and why."""

    kind: str  # CARD or PROCESSOR, "" where nobody can
    why: str  # one sentence
    detail: str = ""  # what a driver said, or did


def choose(preference: str) -> tuple[Way | None, Choice]:
    """Who draws from now on; needs the context of a draw handler. None where nobody can."""
    if preference == PROCESSOR:
        return without_card("The processor draws splats, as it was chosen.")
    if preference != CARD and gpu.platform.device_type_get() == "SOFTWARE":
        return without_card("The processor draws splats: there is no graphics card.")
    from .card import Card
    from .card_check import check

    try:
        wrong = check()
        if not wrong:
            return Card(), Choice(CARD, "The graphics card draws splats: it has drawn a test picture right.")
    except Exception as error:  # whatever a driver says: the processor draws then
        log.exception("the graphics card can't draw splats")
        return without_card("The processor draws splats, because the graphics card can't.", f"{type(error).__name__}: {error}")
    return without_card("The processor draws splats, because the graphics card drew a test picture wrong.", wrong)


def without_card(why: str, detail: str = "") -> tuple[Way | None, Choice]:
    """The processor, where what it computes with is installed."""
    if importlib.util.find_spec("numba") is None:
        return None, Choice("", why, detail)
    return Processor(), Choice(PROCESSOR, why, detail)


class Processor:
    """Pictures come whole from the drawing thread, and are moved along with the view until the next one comes."""

    needs_depth = True

    def __init__(self) -> None:
        self._layers: dict[int, tuple[Layer, float]] = {}

    def drawer(self) -> Drawer:
        """The rasterizer of scenes."""
        from ...backend.splats.rasterizers import of_scene

        return of_scene()

    def pace(self) -> Pace:
        """Coarser pixels first, then fewer splats."""
        return Pace()

    def take(self, region: int, wish: Wish, computed: Any) -> None:
        """Upload a picture."""
        height, width = computed.packed.shape[:2]
        flat = computed.packed.reshape(-1)
        texture = gpu.types.GPUTexture((width, height), format="RG32F", data=gpu.types.Buffer("FLOAT", len(flat), flat))
        corner, rows = (computed.left_px, computed.bottom_px), -(-wish.view.height // wish.step)
        layer = Layer(texture, True, replace(wish.view, depth=None), wish.step, corner, rows)
        self._layers[region] = layer, computed.seconds

    def layer(self, region: int, view: View, places: list[Array], timed: bool) -> tuple[Layer, float] | None:
        """The picture that came last."""
        return self._layers.get(region)

    def is_whole(self, region: int) -> bool:
        """A picture comes in one piece."""
        return True

    def forget(self, region: int) -> None:
        """Drop its picture."""
        self._layers.pop(region, None)
