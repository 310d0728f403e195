"""`python3 dev.py lock`: the locks of the engine's parts: all packages that each needs, with the hashes of their wheels.

Made by uv from the pinned lists, each in one file for all platforms and Pythons, with the size of the download on the first line.
They hold what the Python package index has. The hashes of what only PyTorch's own index has, torch for the CPU on Linux and for CUDA
on Windows, are in backend/engine/wheels_torch.txt.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

from ..backend.engine.requirements import ENGINE, PARTS, SIZES, Part

NUMPY = 'numpy==1.26.4 ; python_version < "3.13"\nnumpy>=2.1 ; python_version >= "3.13"\n'  # Blender's, which is never installed
PYTHONS = ((3, 11), (3, 13))  # of Blenders
LINUX = [*(f"manylinux_2_{glibc}_x86_64" for glibc in range(28, 4, -1)), *(f"manylinux{of}_x86_64" for of in (2014, 2010, 1))]
# As `requirements.platform_key` calls them: the markers' values, and the platform tags of wheels that run there, the best first.
PLATFORMS: Mapping[str, tuple[dict[str, str], list[str]]] = {
    "linux-x86_64": ({"sys_platform": "linux", "platform_machine": "x86_64"}, LINUX),
    "macosx-arm64": ({"sys_platform": "darwin", "platform_machine": "arm64"}, list(mac_platforms((14, 0), "arm64"))),
    "win-amd64": ({"sys_platform": "win32", "platform_machine": "AMD64"}, ["win_amd64"]),
}

Package = dict[str, Any]  # as pylock.toml describes it


def main() -> int:
    """Write the locks anew; returns uv's exit code."""
    if (uv := shutil.which("uv")) is None:
        print("There is no uv, which resolves for other platforms. Install it: pip install uv", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        made, constraints = Path(temporary, "pylock.toml"), Path(temporary, "constraints.txt")
        constraints.write_text(NUMPY)
        for part in PARTS:
            command = [uv, "pip", "compile", str(part.listed), "--universal", "--python-version", "3.11", "--quiet"]
            command += ["--constraint", str(constraints), "--no-emit-package", "numpy", "--only-binary", ":all:"]
            command += ["--default-index", "https://pypi.org/simple", "--format", "pylock.toml", "--output-file", str(made)]
            if code := subprocess.call(command, stdout=subprocess.DEVNULL):
                return code
            packages = tomllib.loads(made.read_text())["packages"]
            part.locked.write_text(_lock(part, packages))
            if part is ENGINE:  # what both parts need is one version
                constraints.write_text("\n".join([NUMPY, *map(_pin, packages)]))
            made.unlink()
    return 0


def _lock(part: Part, packages: Sequence[Package]) -> str:
    known = ", ".join(f"{name} {size}" for name in PLATFORMS if (size := megabytes(packages, name)))
    lines = [f"# Made by `python3 dev.py lock` from requirements/{part.listed.name}.", f"{SIZES}{known}"]
    for package in packages:
        hashes = sorted(f"--hash=sha256:{wheel['hashes']['sha256']}" for wheel in package["wheels"])
        lines.append(" \\\n    ".join([_pin(package), *hashes]))
    return "\n".join([*lines, ""])


def _pin(package: Package) -> str:
    marker = package.get("marker", "")
    return f"{package['name']}=={package['version']}" + (f" ; {marker}" if marker else "")


def megabytes(packages: Iterable[Package], platform: str) -> int:
    """Size of the download on a platform, the larger one of those for `PYTHONS`; 0 where a package has no wheel for it."""
    values, tags = PLATFORMS[platform]
    sizes = []
    for python in PYTHONS:
        environment = {**values, "python_version": "{}.{}".format(*python), "python_full_version": "{}.{}.0".format(*python)}
        order = [*cpython_tags(python, platforms=tags), *compatible_tags(python, "cp{}{}".format(*python), tags)]
        wanted = [package for package in packages if "marker" not in package or Marker(package["marker"]).evaluate(environment)]
        sizes.append([_size(package, {tag: rank for rank, tag in enumerate(order)}) for package in wanted])
    return 0 if any(0 in each for each in sizes) else -(-max(map(sum, sizes)) // 10**6)


def _size(package: Package, ranks: Mapping[Tag, int]) -> int:
    """Bytes of the wheel that pip would choose; 0 where none fits."""
    fitting = []
    for wheel in package["wheels"]:
        tags = parse_wheel_filename(wheel["url"].rpartition("/")[2])[3]
        fitting += [(ranks[tag], wheel["size"]) for tag in tags if tag in ranks]
    return int(min(fitting)[1]) if fitting else 0


if __name__ == "__main__":
    sys.exit(main())
