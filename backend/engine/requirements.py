"""What belongs to the engine: its parts, and the packages of each, read from the lists that the installer, dev.py and tests share."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LISTS, LOCKS = Path(__file__).parents[2] / "requirements", Path(__file__).parent
SIZES = "# Megabytes to download: "  # begins the line of a lock that says so for each platform


@dataclass(frozen=True)
class Part:
    """What is installed, updated and removed in one go, into a folder of its own."""

    name: str
    title: str  # as preferences and panels call it
    use: str  # one sentence: what it is for
    way: str  # one sentence: what to do where it is missing
    listed: Path  # its packages
    locked: Path  # these and all that they need, with hashes; made by `dev.py lock`
    gib: float  # that installing it takes on the disk, with what is downloaded; of torch its build says so
    formerly_with: Path | None = None  # list of what older versions installed into the same folder
    wheels: Path | None = None  # hashes of wheels that the package index doesn't have, with their names


ENGINE = Part(
    "engine",
    "Engine",
    "The engine computes splats, meshes and pictures on the processor: numba, pycolmap and others. It is installed once.",
    "Install the engine in Reify's preferences, or by `reify install`.",
    LISTS / "engine.txt",
    LOCKS / "lock.txt",
    gib=0.8,
    formerly_with=LISTS / "torch.txt",
)
TORCH = Part(
    "torch",
    "Graphics Card and Learned Methods",
    "Torch computes on graphics cards and runs learned methods; everything else does without it.",
    "Install torch in Reify's preferences, or by `reify install torch`.",
    LISTS / "torch.txt",
    LOCKS / "lock_torch.txt",
    gib=0.0,
    wheels=LOCKS / "wheels_torch.txt",
)
PARTS = (ENGINE, TORCH)

_LINE = (  # compiled when the first list is read, not at Blender's start
    r"(?P<name>[\w-]+)==(?P<version>[\w.]+)\s*"
    r"(?:;\s*python_version\s*<\s*\"(?P<below>[\d.]+)\"\s*)?"
    r"#\s*(?P<module>\w+)>=(?P<oldest>[\d.]+):\s*(?P<use>.+)"
)


@dataclass(frozen=True)
class Requirement:
    """One package of the engine."""

    name: str  # of the distribution: "scikit-image"
    version: str  # that is installed
    module: str  # that is imported: "skimage"
    oldest: str  # version that serves where the system has the package already
    use: str  # what for
    below: str = ""  # there are no wheels for this Python and above

    @property
    def pinned(self) -> str:
        """As pip wants it."""
        return f"{self.name}=={self.version}"

    @property
    def applies(self) -> bool:
        """True where it exists for this Python."""
        return not self.below or sys.version_info[:2] < _numbers(self.below)

    def found(self, besides: Path | None = None) -> str | None:
        """The version that can be imported and is new enough, None where there is none; nothing is imported.

        What lies below the folder `besides` doesn't count.
        """
        import importlib.metadata  # here, because it takes 10 ms at Blender's start
        from importlib.machinery import PathFinder

        path = [entry for entry in sys.path if besides is None or not Path(entry).is_relative_to(besides)]
        if PathFinder.find_spec(self.module, path) is None:
            return None
        distribution = next(iter(importlib.metadata.distributions(name=self.name, path=path)), None)
        # Linux distributions may strip what tells the version; the module is there.
        version = distribution.version if distribution else self.version
        return version if _numbers(version) >= _numbers(self.oldest) else None


def read(path: Path = ENGINE.listed) -> tuple[Requirement, ...]:
    """Every requirement that applies to this Python; raises ValueError for a line that isn't in the form of the file."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if (match := re.match(_LINE, line)) is None:
            raise ValueError(f"{path.name} has a line in an unknown form: {line}")
        found.append(Requirement(**{key: value or "" for key, value in match.groupdict().items()}))
    return tuple(requirement for requirement in found if requirement.applies)


def locked(path: Path, without: Collection[str], prefixes: tuple[str, ...] = ()) -> str:
    """The lock as pip wants it, for all platforms, leaving out packages named in `without`, or whose names begin so."""
    skipped = {normal(name) for name in without}
    entries = re.split(r"^(?=[\w])", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = [(normal(re.split(r"[=#]", entry)[0]), entry) for entry in entries]
    return "".join(entry for name, entry in named if name not in skipped and not name.startswith(prefixes))


def hashes(path: Path) -> dict[str, frozenset[str]]:
    """The SHA-256 that a lock has for the wheels of each package, by its normal name."""
    entries = re.split(r"^(?=[\w])", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {normal(re.split(r"[=#\s]", entry)[0]): frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)) for entry in entries}


def hashes_of_wheels(path: Path, start: str) -> frozenset[str]:
    """The SHA-256 of wheels that a list in the form of sha256sum has for this Python, system and processor, whose names begin so."""
    named = f"{start}-cp{sys.version_info[0]}{sys.version_info[1]}-"
    system, machine = platform_key().split("-")
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    fitting = [(known, wheel) for known, wheel in lines if wheel.startswith(named) and wheel.endswith(f"{machine}.whl")]
    return frozenset(known for known, wheel in fitting if wheel.rpartition("-")[2].startswith((system, f"many{system}")))


@cache
def megabytes(lock: Path, platform: str | None = None) -> int:
    """What a lock's packages take to download on a platform, this one by default; 0 where that isn't known."""
    first = (line for line in lock.read_text(encoding="utf-8").splitlines() if line.startswith(SIZES))
    sizes = dict(entry.split() for entry in next(first, SIZES).removeprefix(SIZES).split(", ") if entry)
    return int(sizes.get(platform or platform_key(), 0))


def platform_key() -> str:
    """The system and processor, as a lock's sizes name them: "linux-x86_64"."""
    import sysconfig  # here, because it takes 5 ms

    system, *_version, machine = sysconfig.get_platform().split("-")
    return f"{system}-{machine}"


def parts_of(modules: Iterable[str]) -> tuple[Part, ...]:
    """The parts that bring these modules, in the order in which they are installed."""
    wanted = set(modules)
    return tuple(part for part in PARTS if wanted & {requirement.module for requirement in read(part.listed)})


def missing(requirements: Sequence[Requirement]) -> tuple[Requirement, ...]:
    """Those that can't be imported or are too old."""
    return tuple(requirement for requirement in requirements if requirement.found() is None)


def normal(name: str) -> str:
    """A package's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
