"""What belongs to the engine, read from requirements/engine.txt: the one list that the installer, dev.py and tests share."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).with_name("lock.txt")  # these and all that they need, with hashes; made by `dev.py lock`
LIST = Path(__file__).parents[2] / "requirements" / "engine.txt"
_LINE = re.compile(
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

        What lies in the folder `besides` doesn't count.
        """
        import importlib.metadata  # here, because it takes 10 ms at Blender's start
        from importlib.machinery import PathFinder

        path = [entry for entry in sys.path if besides is None or entry != str(besides)]
        if PathFinder.find_spec(self.module, path) is None:
            return None
        distribution = next(iter(importlib.metadata.distributions(name=self.name, path=path)), None)
        # Linux distributions may strip what tells the version; the module is there.
        version = distribution.version if distribution else self.version
        return version if _numbers(version) >= _numbers(self.oldest) else None


def read(path: Path = LIST) -> tuple[Requirement, ...]:
    """Every requirement that applies to this Python; raises ValueError for a line that isn't in the form of the file."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if (match := _LINE.match(line)) is None:
            raise ValueError(f"{path.name} has a line in an unknown form: {line}")
        found.append(Requirement(**{key: value or "" for key, value in match.groupdict().items()}))
    return tuple(requirement for requirement in found if requirement.applies)


def locked(path: Path, without: Collection[str], prefixes: tuple[str, ...] = ()) -> str:
    """The lock as pip wants it, for all platforms, leaving out packages named in `without`, or whose names begin so."""
    skipped = {_normal(name) for name in without}
    entries = re.split(r"^(?=[\w])", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = [(_normal(re.split(r"[=#]", entry)[0]), entry) for entry in entries]
    return "".join(entry for name, entry in named if name not in skipped and not name.startswith(prefixes))


def missing(requirements: Sequence[Requirement]) -> tuple[Requirement, ...]:
    """Those that can't be imported or are too old."""
    return tuple(requirement for requirement in requirements if requirement.found() is None)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
