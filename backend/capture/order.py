"""Files in the order that people count in."""

from __future__ import annotations

import re
from typing import Any


def natural_key(text: str) -> tuple[Any, ...]:
    """A sorting key that puts photo 9 before photo 10, and that no two different texts share."""
    parts = re.split(r"(\d+)", text.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part), text
