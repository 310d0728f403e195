"""`python3 dev.py bench SUITE`: one JSON line per figure on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import pkgutil
import platform
import sys
from pathlib import Path
from typing import Any

from ..backend.device import available_threads


def main() -> int:
    """Run the suite that is named on the command line."""
    suites = sorted(info.name for info in pkgutil.iter_modules([str(Path(__file__).parent)]) if not info.name.startswith("_"))
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("suite", choices=suites)
    parser.add_argument("parts", nargs="*", help="only these parts of a suite that has parts")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only the figures whose name contains this, where a suite can leave out others"
    )
    arguments = parser.parse_args()
    out = sys.stdout
    machine = f"{platform.processor() or platform.machine()}, {available_threads()} threads"

    def emit(figure: str, value: float, unit: str, **more: Any) -> None:
        if arguments.only in figure:
            print(json.dumps({"figure": figure, "value": value, "unit": unit, **more, "machine": machine}), file=out, flush=True)

    module = importlib.import_module(f"..bench.{arguments.suite}", __package__)
    parts = getattr(module, "PARTS", {})
    if unknown := [part for part in arguments.parts if part not in parts]:
        parser.error(f"{arguments.suite} has no part {unknown[0]}; there is {', '.join(parts) or 'none'}")
    with contextlib.redirect_stdout(sys.stderr):
        module.run(emit, tuple(arguments.parts)) if parts else module.run(emit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
