"""What a job needs before it can start: packages, weights and memory; and which of that is missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .environment import Environment

WEIGHTS = "weights"  # folder of pretrained weights, inside the user's


@dataclass(frozen=True)
class Weights:
    """Pretrained weights: a file or folder `name` in the user's folder of weights."""

    name: str
    bytes: int  # on the disk, about as many as are downloaded
    license: str  # in plain words, as "MIT" or "not for commercial use"
    way: str = ""  # one sentence: how they are got; "": they are to be put into that folder
    found: Callable[[Environment], bool] | None = field(default=None, compare=False)  # whether they are there; None: in that folder
    digests: Callable[[Environment], Mapping[str, str]] | None = field(default=None, compare=False)  # SHA-256 by file, of what is there


@dataclass(frozen=True)
class Memory:
    """Main memory at the peak of a job, estimated."""

    bytes: int
    setting: str = ""  # path of the setting that it grows with; halving that is the way out where memory is short


@dataclass(frozen=True)
class Needs:
    """All of it; falsy where it is nothing, as what is missing may be."""

    packages: tuple[str, ...] = ()  # modules that must be importable
    weights: tuple[Weights, ...] = ()
    memory: Memory | None = None  # None where there is no estimate

    def __bool__(self) -> bool:
        return bool(self.packages or self.weights or self.memory)


def missing(needs: Needs, environment: Environment) -> Needs:
    """The part of `needs` that isn't there: packages are looked up without importing them, memory is what is free now."""
    short = needs.memory is not None and needs.memory.bytes > environment.free_memory()
    return Needs(
        packages=tuple(name for name in needs.packages if not _is_importable(name)),
        weights=tuple(weights for weights in needs.weights if not _is_here(weights, environment)),
        memory=needs.memory if short else None,
    )


def digests(needs: Needs, environment: Environment) -> dict[str, str]:
    """The SHA-256 of each file of the weights that are there, by "name/file"."""
    known = ((weights.name, weights.digests(environment)) for weights in needs.weights if weights.digests is not None)
    return {f"{name}/{file}": digest for name, files in known for file, digest in files.items()}


def _is_importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a module inside a package that isn't there
        return False


def _is_here(weights: Weights, environment: Environment) -> bool:
    if weights.found is not None:
        return weights.found(environment)
    return environment.user_folder is not None and (environment.user_folder / WEIGHTS / weights.name).exists()
