"""Checkpoints as authors publish them, read as data: tensors by name, and nothing that a pickle could run."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from ..reading import DAMAGED
from ..values import Array

# What torch raises beside: its unpickler trusts opcodes to fit each other, and offsets to lie in the file.
UNFIT = (pickle.UnpicklingError, TypeError, AttributeError, AssertionError, MemoryError, OSError)


def tensors_of(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pth or .ckpt file by name, mapped into memory; raises ValueError where it can't be read or holds something else.

    Files of PyTorch before 1.6 are refused: what they claim to hold would take memory before it is found missing.
    """
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (*DAMAGED, *UNFIT) as error:
        raise ValueError(f"{path.name} is damaged: {str(error)[:200]}") from error
    if not isinstance(loaded, dict) or not all(isinstance(name, str) and isinstance(array, Tensor) for name, array in loaded.items()):
        raise ValueError(f"{path.name} holds something else than tensors by name")
    return loaded


def arrays_of(path: Path) -> dict[str, Array]:
    """The arrays of a .safetensors file by name; raises ValueError where it can't be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (SafetensorError, *DAMAGED, *UNFIT) as error:
        raise ValueError(f"{path.name} is damaged: {str(error)[:200]}") from error
