"""CUDA C++ to machine code by NVRTC, the compiler library that torch's CUDA wheels bring along: no nvcc, no C++ compiler.

By ctypes instead of `torch.cuda._compile_kernel`, which is private, came with torch 2.8 and compiles one kernel at a time.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ... import device
from ...files import writing

OPTIONS = ("--std=c++17", "--use_fast_math")
BINARIES = 8  # compiled for different cards and versions of the code, that are kept
PATTERNS = ("nvrtc64_*.dll", "libnvrtc.so.*")


class Unusable(Exception):
    """Why kernels can't be compiled or run here, as the rest of a sentence that begins with "because"."""


class Compiler:
    """NVRTC, once loaded."""

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        if isinstance(path, Path):
            # NVRTC asks for this one by name only, which finds it once it is loaded.
            for builtins in sorted(path.parent.glob("*nvrtc-builtins*")):
                if ".alt." not in builtins.name:
                    ctypes.CDLL(str(builtins))
        self._library = ctypes.CDLL(self.path)
        self._library.nvrtcGetErrorString.restype = ctypes.c_char_p

    def version(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._check(self._library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
        return major.value, minor.value

    def architectures(self) -> list[int]:
        """The graphics architectures that it compiles for, such as 89 for sm_89, in rising order."""
        count = ctypes.c_int()
        self._check(self._library.nvrtcGetNumSupportedArchs(ctypes.byref(count)))
        found = (ctypes.c_int * count.value)()
        self._check(self._library.nvrtcGetSupportedArchs(found))
        return sorted(found)

    def target(self, capability: int) -> str:
        """What to compile for: the card's own code, or for cards that are newer than NVRTC, code that the driver translates."""
        known = self.architectures()
        if capability in known:
            return f"sm_{capability}"
        older = [architecture for architecture in known if architecture < capability]
        if not older:
            raise Unusable(f"this version of CUDA no longer knows cards as old as yours (sm_{capability})")
        return f"compute_{older[-1]}"

    def compile(self, source: str, target: str, options: Sequence[str] = OPTIONS) -> bytes:
        """Machine code (CUBIN for a target sm_NN, PTX for compute_NN) of a text without includes.

        Raises Unusable with the compiler's words.
        """
        library, program = self._library, ctypes.c_void_p()
        self._check(library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"reify.cu", 0, None, None))
        try:
            flags = [f"--gpu-architecture={target}".encode(), *(option.encode() for option in options)]
            if library.nvrtcCompileProgram(program, len(flags), (ctypes.c_char_p * len(flags))(*flags)):
                raise Unusable(f"NVRTC doesn't compile the kernels:\n{self._text(program, 'ProgramLog').decode(errors='replace')}")
            return self._text(program, "CUBIN" if target.startswith("sm_") else "PTX")
        finally:
            library.nvrtcDestroyProgram(ctypes.byref(program))

    def _text(self, program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._check(getattr(self._library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
        text = ctypes.create_string_buffer(size.value)
        self._check(getattr(self._library, f"nvrtcGet{what}")(program, text))
        return text.raw

    def _check(self, code: int) -> None:
        if code:
            raise Unusable(f"NVRTC fails: {self._library.nvrtcGetErrorString(code).decode()}")


def compiler() -> Compiler:
    """NVRTC as torch or NVIDIA's own wheel brought it; raises Unusable where there is none."""
    for path in libraries():
        try:
            return Compiler(path)
        except OSError:  # made for another system, or a part of it is missing
            continue
    raise Unusable("NVRTC, CUDA's compiler library, isn't installed; it comes with torch's CUDA version")


def compiled(source: str, capability: int) -> bytes:
    """Machine code for a card of this compute capability (89 for 8.9), from the cache where it was compiled before."""
    nvrtc = compiler()
    target = nvrtc.target(capability)
    key = hashlib.sha256(repr((source, target, OPTIONS, nvrtc.version())).encode()).hexdigest()
    path = device.cache_folder() / "kernels" / f"cuda-{key[:32]}.bin"
    if not path.is_file():
        binary = nvrtc.compile(source, target)
        with writing(path) as partial:
            partial.write_bytes(binary)
        for old in sorted(path.parent.glob("cuda-*.bin"), key=os.path.getmtime)[:-BINARIES]:
            old.unlink(missing_ok=True)
    return path.read_bytes()


def libraries() -> Iterator[Path | str]:
    """Where NVRTC may be, that of torch's own version of CUDA first: torch's folder, NVIDIA's wheels, the system."""
    found = [path for folder in _folders() for pattern in PATTERNS for path in sorted(folder.glob(pattern)) if ".alt." not in path.name]
    major = _torch_cuda().partition(".")[0]
    names = (f"nvrtc64_{major}0_0.dll", f"libnvrtc.so.{major}")
    yield from sorted(found, key=lambda path: path.name not in names)
    if major:
        yield names[0] if sys.platform == "win32" else names[1]


def _folders() -> Iterator[Path]:
    for package, patterns in (("torch", ("lib",)), ("nvidia", ("*/lib", "*/bin", "*/bin/x86_64"))):
        spec = importlib.util.find_spec(package)
        for root in (spec.submodule_search_locations or ()) if spec is not None else ():
            for pattern in patterns:
                yield from sorted(Path(root).glob(pattern))


def _torch_cuda() -> str:
    try:
        import torch
    except ImportError:
        return ""
    return torch.version.cuda or ""
