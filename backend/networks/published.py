"""Checkpoints as authors publish them, read as data: tensors by name, and nothing that a pickle could run."""

from __future__ import annotations

import contextlib
import pickle
import re
from collections import deque
from pathlib import Path
from typing import Any

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
    loaded = _read(path)
    if not _are_tensors(loaded):
        raise ValueError(f"{path.name} holds something else than tensors by name")
    return loaded


def parts_of(path: Path) -> dict[str, dict[str, Tensor]]:
    """The same of a file that holds several networks by name."""
    loaded = _read(path)
    if not isinstance(loaded, dict) or not all(isinstance(name, str) and _are_tensors(part) for name, part in loaded.items()):
        raise ValueError(f"{path.name} holds something else than networks by name")
    return loaded


def arrays_of(path: Path) -> dict[str, Array]:
    """The arrays of a .safetensors file by name; raises ValueError where it can't be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (SafetensorError, *DAMAGED, *UNFIT) as error:
        raise ValueError(f"{path.name} is damaged: {str(error)[:200]}") from error


def _read(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (*DAMAGED, *UNFIT) as error:
        raise ValueError(f"{path.name} is damaged: {str(error)[:200]}") from error


def _are_tensors(loaded: Any) -> bool:
    return isinstance(loaded, dict) and all(isinstance(name, str) and isinstance(array, Tensor) for name, array in loaded.items())


def mappings_of(text: str) -> dict[str, Any]:
    """The nested mappings of a YAML file as configurations have them: words, numbers and lists of these; raises ValueError for more."""
    said = [(len(line) - len(line.lstrip()), line.strip()) for line in (re.sub(r"(^|\s)#.*", "", each) for each in text.splitlines())]
    lines = deque(each for each in said if each[1])
    found = _block(lines) if lines else {}
    if lines or not isinstance(found, dict):
        raise ValueError("the configuration can't be read")
    return found


def _block(lines: deque[tuple[int, str]]) -> Any:
    """The list or mapping that begins in the first of lines, each with its indent; they are taken off."""
    indent, first = lines[0]
    if first.startswith("- "):
        listed = []
        while lines and lines[0][0] == indent and lines[0][1].startswith("- "):
            listed.append(_value(lines.popleft()[1][2:].strip()))
        return listed
    mapping: dict[str, Any] = {}
    while lines and lines[0][0] == indent and not lines[0][1].startswith("- "):
        name, colon, value = lines.popleft()[1].partition(":")
        if not colon:
            raise ValueError("the configuration can't be read")
        opens = bool(lines) and (lines[0][0] > indent or (lines[0][0] == indent and lines[0][1].startswith("- ")))
        mapping[name] = _block(lines) if opens and not value.strip() else _value(value.strip())
    return mapping


def _value(said: str) -> Any:
    if said.startswith("[") and said.endswith("]"):
        return [_value(each.strip()) for each in said[1:-1].split(",") if each.strip()]
    words = {"": None, "true": True, "false": False, "null": None, "~": None}
    if said.lower() in words:
        return words[said.lower()]
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(said)
    return said.strip("'\"")
