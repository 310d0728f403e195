"""Small runs of the command line and of the installer, to be killed, interrupted, starved and run beside each other.

A run of photos takes some seconds and has all stages; it has a cache, an output and a temporary folder of its own, so that what it leaves
can be looked at. Compiled kernels are shared.
"""

from __future__ import annotations

import filecmp
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..backend import device
from ..tests.capture import layouts

STAGES = ("Reading photos", "Finding cameras", "Training splats", "Extracting surface", "Cleaning mesh", "Texturing")
OUTPUTS = ("a.glb", "a.ply")
SMALL = (
    *("--training-steps", "120", "--training-long-side-px", "96", "--surface-long-side-px", "96", "--surface-max-voxels", "1"),
    *("--texture-size-px", "256", "--mesh-faces", "2000", "--training-device", "cpu"),
)
OF_BLENDER = "blender_"  # begins the temporary folder of a Blender, which a killed one leaves
# Blender prints those of its own exporters.
OWN_TRACEBACK = re.compile(rf'File "({re.escape(str(Path(__file__).resolve().parents[1]))}|[^"]*/reify/)')
LONGEST_S = 300.0  # of a run on a busy machine; what takes longer hangs
INSTALLING = """
import sys
from dataclasses import replace
from pathlib import Path
from reify.backend.engine import install, place
from reify.backend.engine.requirements import ENGINE
from reify.backend.jobs.job import Job
root = Path(sys.argv[1])
part = replace(ENGINE, listed=root / "engine.txt", locked=root / "lock.txt", formerly_with=None)
here = place.Place(root / "engine", part)
def tell(event):
    print(getattr(event, "text", ""), file=sys.stderr, flush=True)
install.install(install.Plan(here, online=False, wheels=root / "wheels"), job=Job(listener=tell))
assert here.state() is place.State.READY
"""


@dataclass
class Run:
    """A process, and what it has said."""

    process: subprocess.Popen[str]
    lines: list[str]
    began: dict[str, float]  # when each stage was first named

    def wait_for(self, stage: str) -> bool:
        """Wait until a stage is named; False where the process ends before."""
        while stage not in self.began and self.process.poll() is None:
            time.sleep(0.01)
        return stage in self.began

    def ended(self) -> int:
        """The exit code; -1 for one that hangs, which is killed."""
        try:
            return self.process.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -1

    @property
    def words(self) -> str:
        """All that it has said."""
        return "".join(self.lines)


def start(command: Sequence[str], stages: Sequence[str], **environment: str) -> Run:
    """A process of this Python, whose words are followed."""
    process = subprocess.Popen(
        [sys.executable, *command], env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    run = Run(process, [], {})

    def follow() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            run.lines.append(line)
            for stage in stages:
                if stage in line:
                    run.began.setdefault(stage, time.monotonic())

    threading.Thread(target=follow, daemon=True).start()
    return run


class Photos:
    """Runs of one capture in a folder of their own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        layouts.nerfstudio(root / "capture")

    def start(self, name: str, cache: str = "") -> Run:
        """A run whose output, cache and temporary files lie in folders of its name; `cache` names another one's."""
        out, kept, temporary = self.root / name, self.root / f"{cache or name}-cache", self.root / f"{name}-tmp"
        for folder in (out, kept, temporary):
            folder.mkdir(exist_ok=True)
        if not (kept / "kernels").is_symlink():
            (kept / "kernels").symlink_to(device.kernel_folder().resolve(), target_is_directory=True)
        files = [word for output in OUTPUTS for word in ("-o", str(out / output))]
        command = ["-m", "reify", "run", "photos", str(self.root / "capture"), *files, *SMALL]
        return start(command, STAGES, REIFY_CACHE=str(kept), TMPDIR=str(temporary))

    def whole(self, name: str = "whole") -> dict[str, float]:
        """Run it undisturbed, to compare with; the seconds of each stage. Raises RuntimeError where even that fails.

        One that isn't looked at compiles the kernels before, however long that takes.
        """
        self.start(f"{name}-compiling").process.wait()
        run = self.start(name)
        if code := run.ended():
            raise RuntimeError(f"an undisturbed run ended with {code}: {run.words[-2000:]}")
        times = [*(run.began.get(stage, 0.0) for stage in STAGES), time.monotonic()]
        return {stage: max(0.0, end - begin) for stage, begin, end in zip(STAGES, times, times[1:], strict=False)}

    def fault(self, name: str, run: Run, ended_well: bool = True) -> str:
        """What is wrong with a run that has ended; "" for nothing. One that needn't have ended well may have made nothing."""
        code, out = run.ended(), self.root / name
        found = {path.name for path in out.iterdir()}
        if OWN_TRACEBACK.search(run.words) or code == -1:
            return f"code {code}: {run.words[-600:]}"
        if ended_well and (code or found != set(OUTPUTS)):
            return f"code {code}, made {sorted(found)}: {run.words[-600:]}"
        if left := found - set(OUTPUTS):
            return f"left {sorted(left)}"
        changed = [file for file in found if not filecmp.cmp(out / file, self.root / "whole" / file, shallow=False)]
        if changed:
            return f"{', '.join(changed)} is another one"
        temporary = {path.name for path in (self.root / f"{name}-tmp").iterdir() if not path.name.startswith(OF_BLENDER)}
        if ended_well and temporary:
            return f"left {sorted(temporary)} among the temporary files"
        return ""


class Installs:
    """Installations of two tiny wheels."""

    STAGES = ("Starting pip", "Unpacking", "Trying it out")

    def __init__(self, root: Path) -> None:
        from ..backend.engine.requirements import ENGINE
        from ..tests.engine import test_engine as made

        self.root = root
        for name in ("reify_one", "reify_two"):
            made.make_wheel(root / "wheels", name, made.GOOD, padding=2_000_000)
        text = "reify-one==1.0  # reify_one>=1.0: a bench\nreify-two==1.0 # reify_two>=1.0: a bench\n"
        part = made.make_part(ENGINE, root / "engine.txt", text)
        (root / "lock.txt").write_text(made.lock_of(made.place.Place(root / "engine", part), root / "wheels"))

    def start(self) -> Run:
        """An installation."""
        return start(["-c", INSTALLING, str(self.root)], self.STAGES)

    def files(self) -> dict[str, int]:
        """The installed files with their sizes, but for what holds times and versions of pip."""
        files = (path for path in (self.root / "engine").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {str(path.relative_to(self.root)): path.stat().st_size for path in files if path.name != "install.log"}


def moments(stages: dict[str, float], count: int, seed: int = 0) -> list[tuple[str, float]]:
    """Seeded moments in turn over all stages: the stage, and the seconds after its beginning."""
    rng = random.Random(seed)
    names = list(stages)
    return [(names[index % len(names)], rng.uniform(0.0, stages[names[index % len(names)]])) for index in range(count)]
