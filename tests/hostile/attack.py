"""A process that reads mutated files, so that a crash, a hang or gigabytes end it alone: `python -m … FIRST END FOLDER READER …`.

Each line of its output is JSON: the reader and the seed that is tried next, and each fault. It ends itself after LONGEST_S on one input,
and has MOST_BYTES beyond what it starts with.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reify.tests.hostile.mutations import mutated

if TYPE_CHECKING:
    from reify.tests.hostile.readers import Reader

LONGEST_S = 5.0  # one input, of processor time: other programs may hold a machine up
GIVEN_UP_S = 60.0  # one input, by the clock
MOST_BYTES = 1 << 30
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGING = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.truncate", "shutil.rmtree", "shutil.move")
RUNNING = ("subprocess.Popen", "os.system", "os.exec", "socket.connect", "pickle.find_class")


def main(seeds: range, folder: Path, names: list[str]) -> None:
    """Read the mutations by these seeds of the files of readers; the faults are printed."""
    warnings.simplefilter("ignore")
    from reify.tests.hostile.readers import READERS

    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    watched: list[str] = []
    sys.addaudithook(_hook(folder, watched))
    for number, name in enumerate(names):
        reader = READERS[name]
        _limit_memory(None)
        own = folder / str(number)
        own.mkdir()
        path = reader.make(own)
        sound = path.read_bytes()
        with contextlib.suppress(*reader.expected):  # the sound file: what it imports and starts doesn't count
            reader.read(path)
        _limit_memory(MOST_BYTES)
        for seed in seeds:
            print(json.dumps({"reader": name, "seed": seed}), file=out, flush=True)
            if fault := _attempt(reader, path, mutated(sound, seed), watched):
                print(json.dumps({"reader": name, "seed": seed, "kind": fault[0], "what": fault[1]}), file=out, flush=True)
    print(json.dumps({"done": True}), file=out, flush=True)


def _attempt(reader: Reader, path: Path, data: bytes, watched: list[str]) -> tuple[str, str] | None:
    """The kind of fault that reading these bytes shows, and what it was; None where it ended well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    watched.clear()
    faulthandler.dump_traceback_later(GIVEN_UP_S, exit=True)
    started = time.process_time()
    try:
        reader.read(path)
    except reader.expected as error:
        if isinstance(error.__cause__, MemoryError):
            return "memory", str(error)
    except MemoryError as error:
        return "memory", "".join(traceback.format_exception(error)[-3:])
    except BaseException as error:
        return "traceback", "".join(traceback.format_exception(error)[-3:])
    finally:
        faulthandler.cancel_dump_traceback_later()
    if (seconds := time.process_time() - started) > LONGEST_S:
        return "time", f"{seconds:.1f} s"
    return ("outside", str(watched[:3])) if watched else None


def _hook(folder: Path, seen: list[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that notes whatever is written, deleted or started outside of a folder."""
    inside = str(folder.resolve()) + os.sep

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in RUNNING:
            seen.append(event)
            return
        path, *_, flags = (*arguments, 0) if len(arguments) < 2 else arguments
        if event not in CHANGING and not (event == "open" and isinstance(flags, int) and flags & WRITING):
            return
        with contextlib.suppress(Exception):
            where = os.path.realpath(os.fsdecode(path)) + os.sep
            if not isinstance(path, int) and not where.startswith((inside, os.devnull)):
                seen.append(f"{event} {where}")

    return hook


def _limit_memory(more: int | None) -> None:
    """Let the process take so many bytes more than it has, where the system can hold it to that; None takes the limit away."""
    if sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (hard if more is None else used + more, hard))


if __name__ == "__main__":
    main(range(int(sys.argv[1]), int(sys.argv[2])), Path(sys.argv[3]), sys.argv[4:])
