"""How much memory this process may still take: the limits of its address space (RLIMIT_AS, `ulimit -v`) and of its control group."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

UNLIMITED = 1 << 62


def left(proc: Path = Path("/proc/self"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes, the least that one of the limits leaves; UNLIMITED where there is none, or the system doesn't tell."""
    if sys.platform == "win32":
        return UNLIMITED
    return min([UNLIMITED, *_of_address_space(proc), *_of_groups(proc, groups)])


def _of_address_space(proc: Path) -> Iterator[int]:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        with suppress(OSError, ValueError):
            yield soft - int((proc / "statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def _of_groups(proc: Path, groups: Path) -> Iterator[int]:
    """What the control group and each that it lies in leave, in versions 2 and 1; files that were read can be dropped, and don't count."""
    try:
        lines = (proc / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, most, used, dropped = (
            (groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            if controllers
            else (groups, "memory.max", "memory.current", "inactive_file")
        )
        place = root / path.lstrip("/")
        for folder in (place, *place.parents):
            if folder != root and root not in folder.parents:
                break
            with suppress(OSError, ValueError):  # "max" is no limit
                stat = dict(entry.split() for entry in (folder / "memory.stat").read_text().splitlines())
                yield int((folder / most).read_text()) - int((folder / used).read_text()) + int(stat.get(dropped, 0))
