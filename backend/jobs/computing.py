"""How torch is set in the threads that compute: the same in the queue's worker, in threads beside it, and in a script's own thread.

Gradients are off where a stage doesn't turn them on, tensors are made on the CPU where it names no device, and operations are repeatable
where torch can. Most jobs never load torch: so what a thread is in want of is set when some stage does.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

_thread = threading.local()  # `modes`: those of the thread, while it computes
_lock = threading.Lock()
_computing = 0  # threads


@contextmanager
def computing() -> Iterator[None]:
    """Set the calling thread for work of a job; what it had set for itself comes back at the end."""
    if getattr(_thread, "modes", None) is not None:
        yield
        return
    _thread.modes = modes = _Modes()
    _watch(1)
    try:
        modes.set()
        yield
    finally:
        _thread.modes = None
        modes.undo()
        _watch(-1)


def follow() -> None:
    """Set torch for the calling thread, if it computes and another one has loaded torch since it began."""
    modes = getattr(_thread, "modes", None)
    if modes is not None:
        modes.set()


class _Modes:
    """What is set for one thread."""

    def __init__(self) -> None:
        self._undo: ExitStack | None = None

    def set(self) -> None:
        torch = sys.modules.get("torch")
        if self._undo is not None or torch is None or getattr(torch.__spec__, "_initializing", False):
            return
        self._undo = ExitStack()
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS may add up in another order each time
        self._undo.callback(torch.set_grad_enabled, torch.is_grad_enabled())
        torch.set_grad_enabled(False)
        if torch.get_default_device().type != "cpu":  # setting it costs a little at each call
            self._undo.enter_context(torch.device("cpu"))
        self._undo.enter_context(_repeatable(torch))

    def undo(self) -> None:
        if self._undo is not None:
            self._undo.close()


class _Repeatable:
    """Torch's switch for repeatable operations, which holds for all threads: on while any thread computes."""

    threads = 0
    before: tuple[bool, bool, bool]


@contextmanager
def _repeatable(torch: Any) -> Iterator[None]:
    fills = torch.utils.deterministic
    with _lock:
        if _Repeatable.threads == 0:
            warns = torch.is_deterministic_algorithms_warn_only_enabled()
            _Repeatable.before = (torch.are_deterministic_algorithms_enabled(), warns, fills.fill_uninitialized_memory)
            torch.use_deterministic_algorithms(True, warn_only=True)
            fills.fill_uninitialized_memory = False  # which takes time, and only shows defects
        _Repeatable.threads += 1
    try:
        yield
    finally:
        with _lock:
            _Repeatable.threads -= 1
            if _Repeatable.threads == 0:
                enabled, warns, fills.fill_uninitialized_memory = _Repeatable.before
                torch.use_deterministic_algorithms(enabled, warn_only=warns)


class _TorchFinder(MetaPathFinder):
    """Finds torch as the others do, and sets it in the thread that has loaded it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != "torch" or getattr(_thread, "finding", False):
            return None
        _thread.finding = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            _thread.finding = False
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_set(module: Any) -> None:
            load(module)
            module.__spec__._initializing = False  # but for this it is loaded
            follow()

        spec.loader.exec_module = load_and_set  # type: ignore[method-assign]
        return spec


_finder = _TorchFinder()


def _watch(threads: int) -> None:
    """Have torch's loading seen while any thread computes."""
    global _computing
    with _lock:
        _computing += threads
        if _computing == 1 and threads == 1:
            sys.meta_path.insert(0, _finder)
        elif _computing == 0:
            sys.meta_path.remove(_finder)
