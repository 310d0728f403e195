"""Which build of torch a machine wants, from what can be seen without importing anything."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Build:
    """One build of torch."""

    id: str  # "cpu", "cuda" or "mps"
    title: str
    index: str  # URL of PyTorch's own index where only that has it; else empty, and the lock has its hashes
    gib: float  # that installing it takes on the disk, with what is downloaded
    local: str = ""  # label of its version in that index: "cpu" in 2.13.0+cpu
    megabytes: int = 0  # to download, with all that it needs, where it comes from that index; else the lock says


CPU = Build("cpu", "CPU", "https://download.pytorch.org/whl/cpu", 1.1, "cpu", 203)
CPU_WINDOWS = Build("cpu", "CPU", "", 1.1)
CUDA = Build("cuda", "NVIDIA graphics card (CUDA)", "", 9.0)
CUDA_WINDOWS = Build("cuda", "NVIDIA graphics card (CUDA)", "https://download.pytorch.org/whl/cu130", 7.0, "cu130")
MPS = Build("mps", "Apple processor", "", 0.7)


def fitting(preference: str = "auto", platform: str = sys.platform) -> tuple[Build, str]:
    """The build for this machine, and one sentence saying why; `preference` may be "cpu" or "cuda".

    An AMD card gets the CPU's build: Reify has no kernels for ROCm, so the larger one would bring nothing.
    """
    if platform == "darwin":
        return MPS, "macOS has one build for every Mac"
    cpu, cuda = (CPU_WINDOWS, CUDA_WINDOWS) if platform == "win32" else (CPU, CUDA)
    if preference == "cuda":
        return cuda, "CUDA was chosen"
    if preference == "cpu":
        return cpu, "The CPU was chosen"
    if has_nvidia_driver(platform):
        return cuda, "An NVIDIA driver is installed"
    return cpu, "There is no NVIDIA driver"


def has_nvidia_driver(platform: str = sys.platform) -> bool:
    """True where an NVIDIA driver is installed and has found a card."""
    if platform == "linux":
        return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()
    return shutil.which("nvidia-smi") is not None
