"""Install, verify, replace and remove a part of the engine. pip runs in a child process, Blender's own Python is never written to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .. import folders
from ..errors import ReifyError
from ..files import write_text
from ..jobs.job import Job
from ..reading import parse_json
from . import kernels, requirements
from .builds import CPU, Build
from .explain import explained, from_os
from .place import STAMP, Place, discard
from .process import child_of, lines_of
from .requirements import Requirement

TORCH, COMPILER = "torch", "numba"
ONLY_FOR_CUDA = ("cuda-", "nvidia-", "triton")  # beginnings of names: what the lock has for the package index's own torch alone
TORCH_SHARE = 0.95  # of the download is torch itself, where it comes from PyTorch's own index
COMPRESSION = 2.5  # size of packages on the disk over that of their wheels, where the lock doesn't say what is downloaded
DOWNLOADED = 0.85  # share of one call of pip that downloading is
UNPACKED = 0.93  # share of installing without compiling that is over when the packages are in the folder
COMPILED_FROM = 0.5  # share of the installation that is over when kernels are compiled, where the part has a compiler
TRYING = "Trying it out"
UNCHECKED = "This build of torch can't be compared with a known checksum: whoever it comes from, PyTorch's site or a folder, is trusted."
_DOWNLOAD = re.compile(r"Downloading (?:\S*/)?(?P<name>[\w.]+)-\d\S* (?:\((?P<size>[\d.]+) (?P<unit>[kMG]?)B\))?")
_UNITS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_BYTES = re.compile(r"Progress (?P<done>\d+) of (?P<total>\d+)")


@dataclass(frozen=True)
class Plan:
    """What to install, where, and from where."""

    place: Place
    build: Build = CPU
    online: bool = True  # False: nothing may touch the network
    wheels: Path | None = None  # a folder of wheels to install from instead of the network
    python: str = sys.executable

    @property
    def has_torch(self) -> bool:
        """True where torch is to be installed, so that the build matters."""
        return self.place.has(TORCH)

    @property
    def apart(self) -> Requirement | None:
        """Torch, where only PyTorch's own index has the build, so that it is installed by a call of pip of its own; else None."""
        found = (requirement for requirement in self.place.requirements if requirement.name == TORCH)
        return next(found, None) if self.build.index else None

    @property
    def hashes_apart(self) -> frozenset[str]:
        """The SHA-256 that its wheel may have; none where they aren't known for this Python."""
        if self.apart is None or self.place.part.wheels is None:
            return frozenset()
        return requirements.hashes_of_wheels(self.place.part.wheels, f"{self.apart.name}-{self.apart.version}+{self.build.local}")

    @property
    def unchecked(self) -> str:
        """One sentence to show before installing where something comes without a hash to compare it with; else empty."""
        return UNCHECKED if self.apart is not None and not self.hashes_apart else ""

    @property
    def gib(self) -> float:
        """About how much installing takes on the disk."""
        return self.build.gib if self.has_torch else self.place.part.gib

    @property
    def megabytes(self) -> int:
        """About how much is downloaded; 0 where that isn't known."""
        if self.has_torch and self.build.index:
            return self.build.megabytes
        return requirements.megabytes(self.place.part.locked)


def install(plan: Plan, *, job: Job) -> dict[str, str]:
    """Install or replace a part of the engine; returns the versions of what works now.

    It grows in `<folder>.partial`, is tried out in a child process, and gets its name only then: whatever
    happens before, what was there stays. Then the kernels are compiled, where it brings numba.
    Raises ReifyError with the way out, Cancelled on request.
    """
    if not plan.place.has(COMPILER):
        return _installed(plan, job)
    with job.span(COMPILED_FROM):
        versions = _installed(plan, job)
    with job.span(1.0):
        kernels.compile_missing(job=job)
    job.progress(1.0, "Installed")
    return versions


def _installed(plan: Plan, job: Job) -> dict[str, str]:
    place = plan.place
    _check(plan)
    provided = _provided(place.requirements, place.root)
    wanted = [requirement for requirement in place.requirements if requirement.name not in provided]
    try:
        place.root.mkdir(parents=True, exist_ok=True)
        discard(place.partial)
        folders.make_own(place.partial)
        with contextlib.ExitStack() as undo:
            undo.callback(folders.delete, place.partial, place.root)
            place.log.unlink(missing_ok=True)
            with job.span(UNPACKED):
                _run_pip(plan, wanted, provided, job)
            _drop_stand_ins(place.partial, provided)
            with job.span(1.0, TRYING):
                versions = _try(plan, place.partial, job)
            stamp = {"fingerprint": place.fingerprint, "build": plan.build.id, "versions": versions}
            write_text(place.partial / STAMP, json.dumps(stamp))
            discard(place.folder)
            place.partial.rename(place.folder)
        with contextlib.suppress(OSError):  # of another installation, which is at it
            discard(place.root / "downloads")
    except OSError as error:
        raise from_os(error, place.root) from error
    place.use()
    job.progress(1.0, "Installed")
    return versions


def uninstall(place: Place) -> None:
    """Remove a part of the engine and all that installing it left; raises ReifyError where the system refuses."""
    place.leave()
    try:
        for folder in (place.folder, place.partial, place.root / "downloads"):
            discard(folder)
        place.log.unlink(missing_ok=True)
    except OSError as error:
        raise ReifyError(f"The engine can't be removed: {error}.", "Close other Blenders that use it, and try again.") from error


def _check(plan: Plan) -> None:
    if plan.wheels is not None:
        if not any(plan.wheels.glob("*.whl")):
            raise ReifyError(f"There are no wheels in {plan.wheels}.", "Choose a folder that holds .whl files for this system.")
    elif not plan.online:
        raise ReifyError(
            "Blender's online access is off.", "Allow it in Preferences › System › Network, or install from a folder of wheels."
        )
    existing = next(folder for folder in (plan.place.root, *plan.place.root.parents) if folder.exists())
    free_gib = shutil.disk_usage(existing).free / 2**30
    if plan.wheels is None and free_gib < plan.gib:
        raise ReifyError(
            f"Installing needs {plan.gib:.1f} GB, and {free_gib:.1f} GB are free in {existing}.",
            "Free some space, and install again.",
        )


def _provided(requirements: Sequence[Requirement], root: Path) -> dict[str, str]:
    """What Blender or the system has already, outside of the engine's own folders, with its version; numpy always."""
    import numpy

    found = {requirement.name: requirement.found(besides=root) for requirement in requirements}
    return {"numpy": numpy.__version__, **{name: version for name, version in found.items() if version}}


def _run_pip(plan: Plan, wanted: Sequence[Requirement], provided: Mapping[str, str], job: Job) -> None:
    """Install what is wanted, and all that it needs, by the lock with its hashes, whether from the network or from a folder of wheels.

    Torch of PyTorch's own index is installed by its own call of pip, from that index or folder only, with --no-deps; the lock holds its
    dependencies. Where its hash isn't known, which `Plan.unchecked` says beforehand, it is pinned by its version alone, and the network
    must prove to be PyTorch's.
    """
    if not wanted:
        return
    source = [] if plan.wheels is None else ["--no-index", "--find-links", str(plan.wheels)]
    expected = plan.megabytes * 1e6 or plan.gib * 2**30 / COMPRESSION
    apart = [requirement for requirement in wanted if requirement == plan.apart]
    if plan.wheels is not None and _check_wheels(plan, plan.wheels):
        apart = []
    if apart and plan.unchecked:
        job.warn(plan.unchecked)
    with tempfile.TemporaryDirectory(prefix="reify-") as temporary:
        folder = Path(temporary)
        for requirement in apart:
            with job.span(TORCH_SHARE):
                index = source or ["--index-url", plan.build.index]
                _pip(plan, [*pinned_apart(plan, requirement, folder), *index], TORCH_SHARE * expected, job, hashed=not plan.unchecked)
            expected *= 1.0 - TORCH_SHARE
        given = {**provided, **{requirement.name: requirement.version for requirement in apart}}
        claims = "\n".join(_hashed(_stand_in(folder, *item)) for item in given.items())
        lock = requirements.locked(plan.place.part.locked, given, ONLY_FOR_CUDA if TORCH in given else ())
        pinned = _written(folder / "requirements.txt", f"{lock}\n{claims}")
        with job.span(1.0):
            _pip(plan, ["--requirement", pinned, "--require-hashes", "--find-links", str(folder), *source], expected, job)
        _drop_stand_ins(plan.place.partial, [requirement.name for requirement in apart])


def pinned_apart(plan: Plan, requirement: Requirement, folder: Path) -> list[str]:
    """What pip is told to install of PyTorch's own index; a list with hashes, where they are known, is written into the folder."""
    if not plan.hashes_apart:
        return [requirement.pinned, "--no-deps"]
    hashes = " ".join(f"--hash=sha256:{known}" for known in sorted(plan.hashes_apart))
    listed = _written(folder / "apart.txt", f"{requirement.pinned}+{plan.build.local} {hashes}\n")
    return ["--requirement", listed, "--require-hashes", "--no-deps"]


def _check_wheels(plan: Plan, folder: Path) -> bool:
    """True where a folder of wheels holds the package index's own torch, which is installed like all else.

    Raises ReifyError with the names of those that are neither what the lock knows nor, for want of a hash, taken on trust.
    """
    known = requirements.hashes(plan.place.part.locked)
    apart = plan.apart.name if plan.apart is not None else ""
    fine, unknown = set(), {}
    for wheel in sorted(folder.glob("*.whl")):
        name = requirements.normal(wheel.name.partition("-")[0])
        if name not in known:
            continue
        digest = _sha256(wheel)
        if digest in known[name]:
            fine.add(name)
        elif name != apart or digest not in plan.hashes_apart:
            unknown[name] = wheel.name
    of_index = bool(apart) and apart in fine
    refused = [wheel for name, wheel in unknown.items() if name not in fine and not (name == apart and plan.unchecked)]
    if refused:
        what = f"{folder} holds packages that aren't those that Reify knows: {', '.join(refused)}."
        raise ReifyError(what, "Download them again as the manual says, or install from the network.")
    return of_index


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _pip(plan: Plan, what: Sequence[str], expected: float, job: Job, *, hashed: bool = True) -> None:
    """Install into the growing folder; `expected` is about how many bytes are downloaded. Raises ReifyError where pip gives up.

    What isn't `hashed` comes only from a host whose certificate is good, whatever the user's settings trust.
    """
    place = plan.place
    arguments = ["install", "--target", str(place.partial), "--only-binary", ":all:", "--no-compile", "--no-user", "--no-input"]
    arguments += ["--disable-pip-version-check", "--retries", "2", "--timeout", "20", "--cache-dir", str(place.root / "downloads")]
    with child_of(plan.python, ["pip", *arguments, *what], proven=not hashed) as child, place.log.open("a", encoding="utf-8") as log:
        output = _watch(child, log, expected, job)
    if child.returncode != 0:
        raise explained(output, place.root, place.log)


def _written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def _stand_in(folder: Path, name: str, version: str) -> Path:
    """Write a wheel that holds nothing but the claim that `name` is there.

    With it pip neither downloads nor installs what Blender has, and yet chooses everything else to fit that version.
    """
    local = f"{version.partition('+')[0]}+provided"  # a local version is preferred to the same version elsewhere
    stem = f"{name.replace('-', '_')}-{local}"
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {local}\n")
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: reify\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def _claimed(wheel: Path) -> str:
    """The requirement that makes pip take a stand-in."""
    return "==".join(wheel.name.split("-")[:2])


def _hashed(wheel: Path) -> str:
    return f"{_claimed(wheel)} --hash=sha256:{_sha256(wheel)}"


def _drop_stand_ins(folder: Path, provided: Iterable[str]) -> None:
    for name in provided:
        for claim in folder.glob(f"{name.replace('-', '_')}-*+provided.dist-info"):
            folders.delete(claim, folder)


def _watch(child: subprocess.Popen[str], log: IO[str], expected: float, job: Job) -> str:
    """Follow pip to its end, telling the job how far it is; returns everything it printed."""
    finished = current = announced = 0.0  # bytes; pip before 24.1 only announces how large a file is
    fraction, text, output = 0.0, "Starting pip", []
    for line in lines_of(child):
        if progress := _BYTES.search(line):
            current, total = float(progress["done"]), float(progress["total"])
            text = f"{text.partition(',')[0]}, {current / 1e6:.0f} of {total / 1e6:.0f} MB"
        elif line:
            output.append(line)
            log.write(line)
            log.flush()
            if download := _DOWNLOAD.search(line):
                finished, current = finished + (current or announced), 0.0
                announced = float(download["size"] or 0) * _UNITS[download["unit"] or ""]
                text = f"Downloading {download['name']}"
            elif line.startswith("Installing collected packages"):
                fraction, text = DOWNLOADED, "Unpacking"
        if fraction < DOWNLOADED:
            fraction = DOWNLOADED * min((finished + current) / expected, 0.99)
        job.progress(fraction, text)
    child.wait()
    return "".join(output)


def _try(plan: Plan, folder: Path, job: Job) -> dict[str, str]:
    """Import everything and run a kernel in a child process that sees what Blender will see."""
    modules = [requirement.module for requirement in plan.place.requirements]
    path = [entry for entry in sys.path if entry not in ("", str(plan.place.folder))]
    request = json.dumps({"path": [*path, str(folder)], "modules": modules})
    output = []
    with child_of(plan.python, ["try", request]) as child:
        for number, line in enumerate(lines_of(child)):
            job.progress(min(0.01 * number, 1.0), TRYING)
            output.append(line)
    with plan.place.log.open("a", encoding="utf-8") as log:
        log.writelines(output)
    said = [line for line in output if line.strip()]
    if child.returncode != 0 or not said:
        last = said[-1].strip() if said else "no word"
        raise ReifyError(
            f"What was installed doesn't work here: {last}.",
            f"Update the system and the graphics driver, and install again; the log tells more: {plan.place.log}",
        )
    return {key: str(value) for key, value in parse_json(said[-1]).items()}
