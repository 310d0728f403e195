"""`python3 dev.py lock`: the engine's packages and all that these need, with the hashes of their wheels for every platform.

Made by uv from the pinned list, in one file for all platforms and Pythons. It holds what the Python package index has; what PyTorch's own
index has, torch for the CPU on Linux and for CUDA on Windows, isn't in it: there torch alone is installed by its version.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..backend.engine.requirements import LIST, LOCK

NUMPY = 'numpy==1.26.4 ; python_version < "3.13"\nnumpy>=2.1 ; python_version >= "3.13"\n'  # Blender's, which is never installed
HEADER = "# Made by `python3 dev.py lock` from requirements/engine.txt.\n"


def main() -> int:
    """Write the lock anew; returns uv's exit code."""
    if (uv := shutil.which("uv")) is None:
        print("There is no uv, which resolves for other platforms. Install it: pip install uv", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        constraints, made = Path(temporary, "numpy.txt"), Path(temporary, "lock.txt")
        constraints.write_text(NUMPY)
        command = [uv, "pip", "compile", str(LIST), "--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
        command += ["--constraint", str(constraints), "--no-emit-package", "numpy", "--only-binary", ":all:"]
        command += ["--no-annotate", "--no-header", "--default-index", "https://pypi.org/simple", "--output-file", str(made)]
        code = subprocess.call(command, stdout=subprocess.DEVNULL)
        if code == 0:
            LOCK.write_text(HEADER + "".join(line for line in made.read_text().splitlines(True) if not line.startswith("#")))
    return code


if __name__ == "__main__":
    sys.exit(main())
