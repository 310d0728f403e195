"""Which device computes, with how many threads and how much memory, and where files of ours may lie."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Device:
    """Where a job computes, in a form that can be shown to the user."""

    kind: str  # "cpu" or "cuda"
    name: str  # "AMD EPYC, 2 threads" or the name of the graphics card
    threads: int
    free_bytes: int  # memory that can be used without swapping
    why: str  # one sentence: why this one was chosen


def choose(preference: str = "auto", leave_free: int = 0) -> Device:
    """The device for a job: "cpu", "cuda", or "auto" for CUDA where it works and the CPU elsewhere.

    `leave_free` cores are kept for Blender. Raises ReifyError where CUDA was asked for and isn't usable.
    """
    from .errors import ReifyError

    threads = max(1, available_threads() - leave_free)
    cuda, why_not = _cuda() if preference != "cpu" else (None, "The CPU was chosen in the preferences")
    if cuda is not None:
        name, free_bytes = cuda
        return Device("cuda", name, threads, free_bytes, "CUDA and gsplat work here")
    if preference == "cuda":
        raise ReifyError(f"CUDA can't be used: {why_not}.", "Choose the CPU, or Auto, as the device.")
    return Device("cpu", f"CPU, {threads} thread{'s' * (threads > 1)}", threads, free_memory(), why_not)


def available_threads() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory() -> int:
    """Bytes of main memory that can be used without swapping; 4 GiB where the system doesn't tell."""
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


def cache_folder() -> Path:
    """Where stages, checkpoints and compiled kernels are kept; REIFY_CACHE overrides the system's place."""
    if override := os.environ.get("REIFY_CACHE"):
        return Path(override)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "reify" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "reify"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "reify"


def prepare_numba(threads: int = 0) -> None:
    """Point numba's cache of compiled kernels at our cache folder and set its threads; call before kernels are imported."""
    import numba

    numba.config.CACHE_DIR = str(cache_folder() / "kernels")
    numba.set_num_threads(min(threads or available_threads(), numba.config.NUMBA_NUM_THREADS))


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


def _cuda() -> tuple[tuple[str, int] | None, str]:
    try:
        import torch
    except ImportError:
        return None, "torch isn't installed"
    if not torch.cuda.is_available():
        return None, "torch finds no CUDA device"
    try:
        from gsplat.cuda._wrapper import _make_lazy_cuda_func  # noqa: F401
    except ImportError:
        return None, "gsplat isn't installed"
    free_bytes, _total = torch.cuda.mem_get_info()
    return (torch.cuda.get_device_name(), free_bytes), ""


def _windows_free_memory() -> int:
    import ctypes

    class MemoryStatus(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong), *((name, ctypes.c_ulonglong) for name in "abcdefg")]

    status = MemoryStatus(length=ctypes.sizeof(MemoryStatus))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
    return int(status.b)  # total physical, available physical, …
