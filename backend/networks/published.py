"""Checkpoints as authors publish them, read as data: tensors by name, and nothing that a pickle could run."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

# What torch raises where a checkpoint is damaged, beside RuntimeError: its unpickler trusts the opcodes to fit each other.
DAMAGED = (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, IndexError, TypeError, AttributeError, OverflowError, MemoryError)


def tensors_of(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pth or .ckpt file by name, mapped into memory; raises OSError, or ValueError where it is damaged or holds more."""
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except DAMAGED as error:
        raise ValueError(f"{path.name} is damaged: {str(error)[:200]}") from error
    if not isinstance(loaded, dict) or not all(isinstance(name, str) and isinstance(array, Tensor) for name, array in loaded.items()):
        raise ValueError(f"{path.name} holds something else than tensors by name")
    return loaded
