"""What a method needs and isn't there, as the panels ask for it at every redraw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..scene import preferences

if TYPE_CHECKING:
    from ..backend.jobs.needs import Needs
    from ..backend.methods import Method


def missing(method: Method, settings: Any) -> Needs:
    """What a job with these settings needs and isn't there."""
    return method.missing(settings, preferences.environment())


def check(method: Method, settings: Any) -> None:
    """Raise ReifyError, with the way to get it, where something of it is missing."""
    method.check(settings, preferences.environment())


def fitting(method: Method, settings: Any) -> Any | None:
    """The settings with less of what takes the memory, so that it is enough; None where that isn't possible."""
    return method.fitting(settings, preferences.environment())


def installed(method: Method) -> bool:
    """True where the packages are there that it needs with its own settings: without the engine it can't be used at all."""
    return not missing(method, method.settings()).packages
