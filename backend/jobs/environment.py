"""What a job is run with: the same value for the panel, the command line, Python and the farm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import device
from .cache import Cache


@dataclass(frozen=True)
class Environment:
    """Resources and permissions of a job. They don't change what a stage computes, so they aren't in its key."""

    cache: Cache | None = None  # finished stages and checkpoints; None: nothing is kept
    device: str = "auto"  # what computes where the settings say "auto": "cpu", "auto" or the name of a `device.Way`
    memory_bytes: int | None = None  # most main memory that it may plan with; None: what is free when it asks
    online: bool = False  # whether it may fetch what it needs, as weights, from the network
    user_folder: Path | None = None  # what Reify keeps for the user beside results; None where there is no such place
    weights_folders: tuple[Path, ...] = ()  # of pretrained weights beside the user's own, as a studio shares them; only read
    temporary_folder: Path | None = None  # for what goes when the job ends; None: the system's

    def free_memory(self) -> int:
        """Bytes of main memory that a stage may plan with: what is free now, within the limit."""
        free = device.free_memory()
        return free if self.memory_bytes is None else min(free, self.memory_bytes)
