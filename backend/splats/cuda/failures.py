"""What goes wrong on a graphics card in the middle of training, in the user's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...errors import ReifyError
from .nvrtc import Unusable


@contextmanager
def explained() -> Iterator[None]:
    """Turn what torch and the driver raise for a card into ReifyError; also a decorator."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ReifyError(
            "The graphics card's memory is full.", "Close other programs that use it, allow fewer splats, or choose the CPU as the device."
        ) from error
    except (Unusable, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "CUDA" not in str(error):
            raise
        reason = str(error).strip().splitlines()[0]
        raise ReifyError(f"The graphics card failed: {reason}.", "Start Blender again, and choose the CPU as the device.") from error
