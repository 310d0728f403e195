"""What runs in the child process: pip, the trial of what it installed, compiling. Standard library only, and run as a script.

    python child.py pip PIP-ARGUMENTS...
    python child.py try '{"path": [...], "modules": [...]}'      prints one line of JSON
    python child.py compile '{"path": [...], "package": "reify", "root": "…", "program": "splats"}'    see backend/compiling.py

It ends when its standard input does, so that a Blender which is killed leaves no pip behind that goes on writing.
"""

import importlib
import importlib.util
import json
import os
import runpy
import sys
import threading
import types
from pathlib import Path


def main() -> None:
    """Do what the command line says."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    task, *arguments = sys.argv[1:]
    if task == "pip":
        _pip(arguments)
    elif task == "compile":
        _compile(**json.loads(arguments[0]))
    else:
        print(json.dumps(_try(**json.loads(arguments[0]))))


def _compile(path: list[str], package: str, root: str, program: str) -> None:
    """Run a program of the package's `backend.compiling`, without the package's own __init__, which needs Blender.

    numba finds a compiled kernel's module by its name, so the package has the name by which Blender knows it.
    """
    os.environ["REIFY_COMPILES"] = program  # see kernels.py
    sys.path[:] = path if package else [root, *path]
    parts = package.split(".") if package else []
    for end in range(1, len(parts) + 1):
        stand_in = types.ModuleType(".".join(parts[:end]))
        stand_in.__path__ = [root] if end == len(parts) else []
        sys.modules[stand_in.__name__] = stand_in
    importlib.import_module(".".join([*parts, "backend", "compiling"])).main(program)


def _end_with_parent() -> None:
    # The file descriptor, not sys.stdin: a thread that sits in a buffered read blocks Python's own exit.
    while os.read(0, 1):
        pass
    os._exit(1)


def _pip(arguments: list[str]) -> None:
    if importlib.util.find_spec("pip") is None:
        sys.path.insert(0, str(_bundled_pip()))
    import pip

    if tuple(int(part) for part in pip.__version__.split(".")[:2]) >= (24, 1):
        arguments = [*arguments, *(["--progress-bar=raw"] if arguments[0] in ("install", "download") else [])]
    sys.argv = ["pip", *arguments]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)


def _bundled_pip() -> Path:
    """The wheel from which Python would install pip; it runs from there, so nothing is installed into Blender."""
    places = [Path("/usr/share/python-wheels")]
    if found := importlib.util.find_spec("ensurepip"):
        places.insert(0, Path(str(found.origin)).parent / "_bundled")
    wheels = [wheel for place in places for wheel in sorted(place.glob("pip-*.whl"))]
    if not wheels:
        sys.exit("There is no pip")
    return wheels[-1]


def _try(path: list[str], modules: list[str]) -> dict[str, str]:
    """Import every module and run a kernel of those that have some; returns their versions."""
    sys.path[:] = path
    versions = {}
    for name in modules:
        module = importlib.import_module(name)
        versions[name] = str(getattr(module, "__version__", ""))
        if name == "torch":
            versions["device"] = _try_torch(module)
        elif name == "numba":
            _try_numba(module)
    import numpy

    return {**versions, "numpy": numpy.__version__}


def _try_torch(torch) -> str:  # type: ignore[no-untyped-def]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    weights = torch.ones(8, 8, device=device, requires_grad=True)
    (weights @ weights).sum().backward()
    if float(weights.grad.sum()) != 1024.0:
        raise ArithmeticError(f"torch computes wrongly on {device}")
    if torch.from_numpy(__import__("numpy").arange(4.0)).sum() != 6.0:
        raise ArithmeticError("torch and numpy don't understand each other")
    return device


def _try_numba(numba) -> None:  # type: ignore[no-untyped-def]
    if numba.njit(lambda count: count * (count + 1) // 2)(100) != 5050:
        raise ArithmeticError("numba computes wrongly")


if __name__ == "__main__":
    main()
