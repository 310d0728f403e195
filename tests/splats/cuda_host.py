"""The CUDA kernels as C++ on the CPU, by `cuda_host.h`: what a test can know of them without a graphics card."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pytest

LETTERS = {"float32": "F", "int32": "I", "int64": "L", "int16": "S", "uint8": "B"}


# As much of the graphics driver's library as `cuda.driver` asks for; the module's code is not looked at.
_DRIVER = """
static int the_context, the_module;
extern "C" int cuCtxGetCurrent(void** context) { *context = &the_context; return 0; }
extern "C" int cuCtxSetCurrent(void* context) { return context == &the_context ? 0 : 201; }
extern "C" int cuModuleLoadData(void** module, const void* image) { *module = &the_module; return memcmp(image, "ELF", 3) ? 200 : 0; }
extern "C" int cuGetErrorString(int code, const char** text) { *text = code == 200 ? "bad image" : "other"; return 0; }
extern "C" int cuModuleGetFunction(void** function, void* module, const char* name)
{
    if (module != &the_module) return 400;
    *function = new std::string(name);
    return 0;
}
extern "C" int cuLaunchKernel(
    void* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void* stream,
    void** values, void** extra)
{
    if (stream != (void*)0x123456789a || extra || shared) return 1;
    const unsigned grid[] = {gx, gy, gz}, block[] = {bx, by, bz};
    const std::string& name = *(std::string*)function;
"""


class HostKernels:
    """Stands in for `cuda.driver.Kernels`: compiles the very same source with the system's C++ compiler and runs it block by block."""

    def __init__(self, folder: Path) -> None:
        """Skips the test where there is no compiler, or no fibers."""
        compiler = shutil.which("g++") or shutil.which("clang++")
        if sys.platform == "win32" or compiler is None:
            pytest.skip("there is no g++ or clang++ to compile the CUDA kernels for the CPU with")
        from reify.backend.splats.cuda.source import KERNELS, source

        doors = "\n".join(
            f'extern "C" const char* run_{name}(const char* letters, const unsigned* grid, const unsigned* block, void** values)'
            f" {{ host::problem.clear(); host::launch({name}, letters, grid, block, values); return host::problem.c_str(); }}"
            for name in KERNELS
        )
        doors += _DRIVER + "".join(
            f'    if (name == "{name}") return *run_{name}(nullptr, grid, block, values) != 0;\n' for name in KERNELS
        )
        doors += "    return 500;\n}\n"
        text, library = folder / "kernels.cpp", folder / "kernels.so"
        text.write_text(f"{(Path(__file__).parent / 'cuda_host.h').read_text()}\n{source()}\n{doors}\n")
        options = ["-std=c++17", "-O2", "-fPIC", "-shared", "-Wall", "-Wno-unknown-pragmas", "-U_FORTIFY_SOURCE"]
        done = subprocess.run([compiler, *options, str(text), "-o", str(library)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "warning" not in done.stderr, done.stderr
        self._library = self.driver = ctypes.CDLL(str(library))

    @contextmanager
    def backwards(self) -> Iterator[None]:
        """Run threads and blocks in the other order, which shows a missing barrier."""
        self._library.run_backwards(1)
        yield
        self._library.run_backwards(0)

    def __call__(self, name: str, grid: tuple[int, int, int], block: tuple[int, int, int], *arguments: object) -> None:
        from reify.backend.splats.cuda.driver import packed

        assert block[1:] == (1, 1)
        pointers, _values = packed(arguments)
        run = getattr(self._library, f"run_{name}")
        run.restype = ctypes.c_char_p
        triple = ctypes.c_uint * 3
        problem = run("".join(map(_letter, arguments)).encode(), triple(*grid), triple(*block), pointers)
        assert not problem, f"{name}: {problem.decode()}"


def _letter(argument: object) -> str:
    """The type of an argument as `cuda_host.h` names it; 0 fits any pointer."""
    if argument is None:
        return "0"
    if isinstance(argument, np.ndarray):
        return f"<{argument.nbytes}>"
    if hasattr(argument, "dtype"):
        return LETTERS[str(argument.dtype).removeprefix("torch.")]
    return "f" if isinstance(argument, float) else "i"


@cache
def _built() -> HostKernels:
    with tempfile.TemporaryDirectory() as folder:
        return HostKernels(Path(folder))


@pytest.fixture(scope="session")
def host_kernels():
    """The kernels on the CPU."""
    pytest.importorskip("torch")
    return _built()


def card_kernels():
    """The kernels on the graphics card; skips the test where there is none."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("there is no NVIDIA card")
    from reify.backend.splats.cuda.driver import Kernels

    return Kernels()
