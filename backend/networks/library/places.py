"""Where weights lie: in Reify's own folder, in folders that a studio shares, in the cache of the Hugging Face Hub."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ReifyError
from ...formats.confined import file_inside
from ...jobs.environment import Environment
from ...jobs.needs import WEIGHTS, Weights
from ...reading import is_file, read_json
from .entry import Entry, File, Hub

STAMP = "entry.json"  # of an entry's folder, written last: what its files are, and where they came from
BLOCK = 1 << 20  # bytes that are hashed between two reports


@dataclass(frozen=True)
class Found:
    """An entry's weights, ready to be loaded."""

    folder: Path  # that holds the stamp
    files: Mapping[str, Path]  # by name; used in place they lie elsewhere
    sha256: Mapping[str, str]
    origin: str  # where they came from, for people


def own_folder(environment: Environment) -> Path:
    """The folder that weights are fetched into; raises ReifyError where there is none."""
    if environment.user_folder is None:
        raise ReifyError("There is no folder for weights.", "Give the environment a user folder.")
    return environment.user_folder / WEIGHTS


def folders(environment: Environment) -> tuple[Path, ...]:
    """All folders of weights, Reify's own first."""
    own = () if environment.user_folder is None else (own_folder(environment),)
    return (*own, *environment.weights_folders)


def folders_named() -> tuple[Path, ...]:
    """Folders of weights that the environment variable REIFY_WEIGHTS names, as farms set it; parted like those of PATH."""
    return tuple(Path(name).expanduser() for name in os.environ.get("REIFY_WEIGHTS", "").split(os.pathsep) if name)


def find(entry: Entry, environment: Environment) -> Found | None:
    """An entry's weights where they are, whole by the sizes of their files; None where they aren't. Nothing is hashed."""
    own = None if environment.user_folder is None else own_folder(environment)
    return next((found for place in folders(environment) if (found := _in_folder(entry, place, place == own)) is not None), None)


def need(entry: Entry, environment: Environment) -> Found:
    """The same; raises ReifyError with the way to get them where they are missing."""
    found = find(entry, environment)
    if found is None:
        raise ReifyError(f"The weights of {entry.title} aren't there.", way_to(entry))
    return found


def as_need(entry: Entry) -> Weights:
    """An entry among what a method needs."""

    def digests(environment: Environment) -> Mapping[str, str]:
        found = find(entry, environment)
        return {} if found is None else found.sha256

    def is_here(environment: Environment) -> bool:
        return find(entry, environment) is not None

    return Weights(entry.id, entry.bytes, entry.license.name, way=way_to(entry), found=is_here, digests=digests)


def way_to(entry: Entry) -> str:
    """One sentence: how an entry's weights are fetched."""
    return f"Get {entry.title} in Reify's Models panel, or by `reify models get {entry.id}`."


def lying_about(file: File, environment: Environment) -> Iterator[Path]:
    """Files of the right name and size outside of Reify's own folder: a studio's, and what the hub's own programs have fetched.

    None where the publisher names no hash that a file could be known by.
    """
    if not file.sha256:
        return iter(())
    candidates = [folder / file.name for folder in environment.weights_folders]
    hubs = [mirror for mirror in file.mirrors if isinstance(mirror, Hub)]
    candidates += [
        hub_cache() / f"models--{hub.repository.replace('/', '--')}" / "snapshots" / hub.revision / Path(hub.path) for hub in hubs
    ]
    return (path for path in candidates if is_file(path) and file.fits(path.stat().st_size))


def hub_cache() -> Path:
    """Where the Hugging Face Hub's own programs keep what they fetch."""
    if chosen := os.environ.get("HF_HUB_CACHE"):
        return Path(chosen)
    return hub_home() / "hub"


def hub_home() -> Path:
    """The folder of the hub's cache and token."""
    if chosen := os.environ.get("HF_HOME"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "huggingface"


def sha256_of(path: Path, progress: Callable[[float], None] = lambda fraction: None) -> str:
    """A file's hash; `progress` hears the fraction that is read. Raises OSError."""
    digest, size, done = hashlib.sha256(), max(1, path.stat().st_size), 0
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            done += len(block)
            progress(done / size)
    return digest.hexdigest()


def _in_folder(entry: Entry, place: Path, own: bool) -> Found | None:
    """An entry in a folder of weights. Only a stamp in Reify's `own` may name files elsewhere, which it does of those used in place."""
    folder = place / entry.id
    try:
        stamp: Any = read_json(folder / STAMP)
        named = {name: str(about["path"]) for name, about in stamp["files"].items()}
        if not own and not all(file_inside(path, folder, (place,)) for path in named.values()):
            return None
        files = {name: folder / path for name, path in named.items()}  # an absolute path stays as it is
        whole = all(is_file(files[name]) and files[name].stat().st_size == about["bytes"] for name, about in stamp["files"].items())
        if not whole or stamp["fingerprint"] != entry.fingerprint:
            return None
        return Found(folder, files, {name: about["sha256"] for name, about in stamp["files"].items()}, stamp["origin"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # a stamp that somebody has edited
        return None
