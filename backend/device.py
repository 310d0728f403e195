"""Which device computes, with how many threads and how much memory, and where files of ours may lie."""

from __future__ import annotations

import atexit
import importlib.util
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from . import folders, kernel_cache, limits, private
from .errors import ReifyError

log = logging.getLogger(__name__)

COMPILING = "Compiling, once"  # as progress calls it
WORTH_A_WORD_S = 0.3


@dataclass(frozen=True)
class Device:
    """Where a job computes, in a form that can be shown to the user."""

    kind: str  # "cpu", or the name of a way to compute on a graphics card
    name: str  # "CPU, 2 threads", or the name of the graphics card and what runs on it
    threads: int
    free_bytes: int  # memory that can be used without swapping
    why: str  # one sentence: why this one was chosen
    warning: str = ""  # one sentence for the user where a graphics card is there and goes unused


@dataclass(frozen=True)
class Way:
    """A way to compute on a graphics card."""

    name: str  # as settings name it
    what: str  # what runs, in the user's words
    problem: Callable[[], str]  # why it can't be used here, "" where it works; may take seconds


def choose(preference: str, leave_free: int = 0, ways: Sequence[Way] = ()) -> Device:
    """The device for a job: "cpu", one of the `ways` by its name, or "auto" for the first of them that works and else the CPU.

    `leave_free` cores are kept for Blender. Raises ReifyError where the way that was asked for doesn't work.
    """
    threads = max(1, available_threads() - leave_free)
    processor = Device("cpu", f"CPU, {threads} thread{'s' * (threads > 1)}", threads, free_memory(), "The CPU was chosen in the settings.")
    if preference == "cpu":
        return processor
    if importlib.util.find_spec("torch") is None:
        if preference == "auto":
            return replace(processor, why="The CPU computes: torch, which graphics cards need, isn't installed.")
        raise ReifyError(
            "The graphics card can't be used: torch isn't installed.",
            "Install torch in Reify's preferences, or choose the CPU as the device.",
        )
    if reason := no_card():
        if preference == "auto":
            return replace(processor, why=f"There is no graphics card to compute on: {reason}.")
        raise ReifyError(f"The graphics card can't be used: {reason}.", "Choose the CPU, or Auto, as the device.")
    import torch

    problems = []
    for way in ways:
        if preference not in ("auto", way.name):
            continue
        if not (problem := way.problem()):
            free_bytes, _total = torch.cuda.mem_get_info()
            return Device(way.name, f"{torch.cuda.get_device_name()}, {way.what}", threads, free_bytes, f"It works with {way.what}.")
        problems.append(f"{way.what}: {problem}")
    reason = "; ".join(problems)
    if preference != "auto":
        raise ReifyError(f"The graphics card can't be used ({reason}).", "Choose the CPU, or Auto, as the device.")
    warning = f"The CPU trains, because the graphics card can't be used ({reason})."
    return replace(processor, why=warning, warning=warning)


def available_threads() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory() -> int:
    """Bytes of main memory that can be used without swapping, within what this process may have; 4 GiB where the system doesn't tell."""
    return max(0, min(_free_of_machine(), limits.left()))


def _free_of_machine() -> int:
    if sys.platform == "linux":
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return _windows_free_memory()
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        # macOS tells only the total in-process; half of it is what a busy desktop usually has left.
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 4 << 30


def cache_folder(chosen: Path | None = None) -> Path:
    """Where stages, checkpoints and compiled kernels are kept: what REIFY_CACHE says, else the `chosen` place, else the user's own."""
    if override := os.environ.get("REIFY_CACHE"):
        return Path(override)
    return user_cache_folder() if chosen is None else chosen


def user_cache_folder() -> Path:
    """Where the system keeps what programs can make again for this user."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "reify" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "reify"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "reify"


def user_data_folder() -> Path:
    """Where programs keep what they were given for this user and can't make again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "reify"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "reify"
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / "reify"


def prepare_numba() -> None:
    """Point numba's cache of compiled kernels at our cache folder; call before kernels are imported."""
    import numba

    numba.config.CACHE_DIR = str(kernel_folder())
    kernel_cache.use()
    _watch_compiling()


def compiling_seconds() -> float:
    """Seconds that this process has spent compiling kernels."""
    return _Compiling.seconds + (time.monotonic() - _Compiling.began if _Compiling.depth else 0.0)


def is_compiling() -> bool:
    """True while this process compiles a kernel, and has for long enough to be worth a word."""
    return _Compiling.depth > 0 and time.monotonic() - _Compiling.began > WORTH_A_WORD_S


class _Compiling:
    """What numba tells of compiling; only one thread at a time does."""

    seconds = began = 0.0
    depth = 0  # kernels within kernels


@cache
def _watch_compiling() -> None:
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, event: object) -> None:
            if _Compiling.depth == 0:
                _Compiling.began = time.monotonic()
            _Compiling.depth += 1

        def on_end(self, event: object) -> None:
            _Compiling.depth -= 1
            if _Compiling.depth == 0:
                _Compiling.seconds += time.monotonic() - _Compiling.began

    event.register("numba:compile", Listener())


@cache
def kernel_folder() -> Path:
    """Where compiled kernels lie, in folders that `kernel_cache` names: in the cache, or where others can write there, in the user's own.

    A kernel is read as pickle, which runs what it says: so the folder is one that nobody else can write to, and at last a temporary one.
    """
    for place in (cache_folder(), user_cache_folder()):
        with suppress(OSError):
            return private.folder_in(place, "kernels")
    log.warning("Compiled kernels aren't kept: there is no folder that only this user can write to")
    temporary = folders.temporary()
    atexit.register(temporary.__exit__, None, None, None)
    return temporary.__enter__()


def split(work: Callable[[int, int], None], count: int, *, parts: int = 0, least: int = 1) -> None:
    """Call `work(first, last)` on ranges that together cover `count`, in one thread a core; for kernels that release the GIL.

    Made of threads of our own because numba's own may not be started from two threads at once, and because kernels without
    `parallel=True` compile several times faster. `parts` ranges (by default one a thread) hold `least` items or more.
    """
    from concurrent.futures import ThreadPoolExecutor

    threads = available_threads()
    parts = max(1, min(max(parts, threads), count // max(least, 1)))
    bounds = [count * i // parts for i in range(parts + 1)]
    if parts == 1:
        return work(0, count)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))


def no_card() -> str:
    """Why torch, which must be there, can't compute on a graphics card; "" where it can."""
    import torch

    if torch.version.cuda is None:
        return "the installed torch is one without CUDA"
    if torch.cuda.is_available():
        return ""
    return _driver_problem() or "torch finds no NVIDIA card"


def _driver_problem() -> str:
    """What CUDA has against the graphics driver, "" where it says nothing."""
    import torch

    try:
        torch.cuda.init()  # unlike `is_available` it says why
    except (RuntimeError, AssertionError) as error:
        said = str(error)
        if "too old" in said or "insufficient" in said:
            return "its driver is too old for the installed torch, and must be updated"
    return ""


def _windows_free_memory() -> int:
    import ctypes

    class MemoryStatus(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong), *((name, ctypes.c_ulonglong) for name in "abcdefg")]

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status.b)  # total physical, available physical, …
