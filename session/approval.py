"""What is cut out of a picture, shown before networks take minutes over it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..backend.errors import ReifyError
from ..scene import preferences, thumbnail
from . import live

if TYPE_CHECKING:
    from ..backend.methods import Method
    from ..backend.methods._picture_look import Look


def asked_for(method: Method, settings: Any, sources: tuple[Path, ...]) -> Look | None:
    """What is to be looked at before a job is started; None where that is in the panel already, or no network makes an object of it.

    The thumbnail shows it. Raises ReifyError where nothing can be cut out, or something is missing that the job needs.
    """
    from ..backend.bodies.from_pictures import OF_ONE_OBJECT
    from ..backend.methods._picture_look import Looker
    from ..backend.values import Pictures

    if Pictures not in method.takes or settings.method not in OF_ONE_OBJECT or not sources or live.is_on():
        return None
    environment = preferences.environment()
    method.check(settings, environment)
    look = Looker(environment=environment).look(sources, settings)
    if look.overlay is None or look.problem:
        raise ReifyError(look.problem)
    thumbnail.show(look.overlay)
    return look
