"""Compiled kernels on torch's CUDA context: loading them and launching them on torch's stream, by the driver's own library."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import numpy as np
import torch

from .nvrtc import Unusable, compiled
from .source import source

Array = Any
Shape = tuple[int, int, int]


class Kernels:
    """The kernels of `source`, compiled for the current card."""

    def __init__(self) -> None:
        """Raises Unusable where they can't be compiled or loaded."""
        torch.zeros(1, device="cuda")  # makes torch's context, and makes it current in this thread
        major, minor = torch.cuda.get_device_capability()
        try:
            self._driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        except OSError as error:
            raise Unusable("the graphics driver's CUDA library isn't found") from error
        self._driver.cuLaunchKernel.argtypes = [ctypes.c_void_p, *[ctypes.c_uint] * 7, *[ctypes.c_void_p] * 3]
        self._context, self._module = ctypes.c_void_p(), ctypes.c_void_p()
        self._functions: dict[str, ctypes.c_void_p] = {}
        self._check(self._driver.cuCtxGetCurrent(ctypes.byref(self._context)))
        self._check(self._driver.cuModuleLoadData(ctypes.byref(self._module), compiled(source(), 10 * major + minor)))

    def __call__(self, name: str, grid: Shape, block: Shape, *arguments: Any) -> None:
        """Launch a kernel; nothing happens where the grid is empty. `arguments` as `packed` takes them."""
        if 0 in grid:
            return
        self._check(self._driver.cuCtxSetCurrent(self._context))  # each job has a thread of its own
        if name not in self._functions:
            function = ctypes.c_void_p()
            self._check(self._driver.cuModuleGetFunction(ctypes.byref(function), self._module, name.encode()))
            self._functions[name] = function
        pointers, _values = packed(arguments)
        stream = torch.cuda.current_stream().cuda_stream
        self._check(self._driver.cuLaunchKernel(self._functions[name], *grid, *block, 0, stream, pointers, None))

    def _check(self, code: int) -> None:
        if code:
            text = ctypes.c_char_p()
            self._driver.cuGetErrorString(code, ctypes.byref(text))
            raise Unusable(f"the graphics driver refuses: {(text.value or b'unknown error').decode()}")


def packed(arguments: tuple[Any, ...]) -> tuple[ctypes.Array, list[Any]]:
    """Arguments as a kernel launch takes them, an array of pointers to values, and the values, to be kept until the launch.

    Tensors (contiguous) and None become pointers, ints and bools 32-bit integers, floats float32; float32 arrays are passed by value.
    """
    values: list[Any] = []
    for argument in arguments:
        if argument is None:
            values.append(ctypes.c_void_p())
        elif isinstance(argument, torch.Tensor):
            assert argument.is_contiguous()
            values.append(ctypes.c_void_p(argument.data_ptr()))
        elif isinstance(argument, np.ndarray):
            assert argument.dtype == np.float32
            values.append((ctypes.c_float * argument.size)(*argument))
        else:
            values.append(ctypes.c_float(argument) if isinstance(argument, float) else ctypes.c_int(argument))
    return (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values)), values
