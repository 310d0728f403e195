"""What is declared of pretrained weights, in values that are read by the panel, the command line, the docs and the loader."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum


class Proof(Enum):
    """How far a model of ours was compared with its original; never more than was done."""

    REAL_WEIGHTS = "verified with real weights"
    ARCHITECTURE = "architecture verified"
    PAPER = "after the paper"


@dataclass(frozen=True)
class License:
    """Under which terms weights may be used."""

    name: str  # "MIT"
    words: str  # what that means, in one or two plain sentences
    by: str  # whose weights they are, to be named where the license asks for it
    address: str  # of the terms


@dataclass(frozen=True)
class Web:
    """A file at an address, or in pieces that follow each other at several."""

    addresses: tuple[str, ...]
    piece_bytes: int = 0  # of each piece but the last; 0 for a single one

    @property
    def name(self) -> str:
        """For messages."""
        return self.addresses[0].split("/")[2]


@dataclass(frozen=True)
class Hub:
    """A file in a repository of the Hugging Face Hub, at a revision."""

    repository: str  # "owner/name"
    revision: str  # full hash of a commit
    path: str

    @property
    def name(self) -> str:
        """For messages."""
        return self.repository


@dataclass(frozen=True)
class Package:
    """A file, or pieces that follow each other, in a package of a registry: "pypi" (a wheel) or "npm" (a tarball)."""

    registry: str
    project: str
    version: str
    members: tuple[str, ...]  # paths in the archive

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.project} {self.version}"

    @property
    def archive(self) -> str:
        """Name of the archive, as `npm pack` and `pip download` write it."""
        if self.registry == "npm":
            return f"{self.project.lstrip('@').replace('/', '-')}-{self.version}.tgz"
        return f"{self.project.replace('-', '_')}-{self.version}-py3-none-any.whl"


Mirror = Web | Hub | Package


@dataclass(frozen=True)
class File:
    """A published file.

    Where its publisher names no hash, `sha256` is empty and `bytes` about right: then what came is checked by the names and shapes of its
    arrays alone, when it is converted.
    """

    name: str
    bytes: int
    sha256: str
    mirrors: tuple[Mirror, ...]  # the same content everywhere; the first that answers is taken


ALL = "all of it"  # is on the device at once


@dataclass(frozen=True)
class Stage:
    """What of a model is on the device at a time."""

    title: str
    parameters: int
    card_dtype: str = "float16"  # of its weights on a graphics card
    working_bytes: int = 0  # beside its weights, at the most

    @property
    def processor_bytes(self) -> int:
        """Of its weights on the processor, where they are float32."""
        return 4 * self.parameters

    @property
    def card_bytes(self) -> int:
        """Of its weights on a graphics card."""
        return (2 if self.card_dtype == "float16" else 4) * self.parameters


@dataclass(frozen=True)
class Entry:
    """The weights of one model."""

    id: str  # the word on the command line, and the name of its folder
    title: str
    use: str  # one sentence: what it is good for
    source: str  # the paper
    parameters: int
    dtype: str  # of most of the weights
    files: tuple[File, ...]
    license: License
    proof: Proof
    converts: str = ""  # module of backend/networks whose `convert` makes arrays of the files; "": they are .safetensors already
    packages: tuple[str, ...] = ()  # modules that converting needs
    stages: tuple[Stage, ...] = ()  # in their order, where not all of it is on the device at once

    @property
    def plan(self) -> tuple[Stage, ...]:
        """What is on the device when it runs, stage by stage."""
        return self.stages or (Stage(ALL, self.parameters),)

    @property
    def bytes(self) -> int:
        """About how many are downloaded, and taken on the disk."""
        return sum(file.bytes for file in self.files)

    @property
    def fingerprint(self) -> str:
        """Changes with the content of the published files and the way they are converted."""
        parts = [self.id, self.converts, *(file.sha256 for file in self.files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
