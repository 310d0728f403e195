"""Installing the engine from a folder of tiny wheels that the tests make: no network, the real pip, seconds."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
from reify.backend.engine import builds, explain, install, pip_settings, place, process, requirements
from reify.backend.engine.requirements import ENGINE, TORCH, Part
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs import store
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job, Progress
from reify.backend.values import Photos

GOOD = "__version__ = '1.0'\nimport numpy\n"
BROKEN = "raise ImportError('libgone.so.1: cannot open shared object file')\n"


def make_wheel(folder: Path, name: str, source: str, needs: str = "numpy", padding: int = 0, version: str = "1.0") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        f"{name}/__init__.py": source,
        f"{name}/data.bin": "x" * padding,
        f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: {needs}\n",
        f"{name}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{file},sha256={digest},{len(text)}")
        wheel.writestr(f"{name}-{version}.dist-info/RECORD", "\n".join([*lines, f"{name}-{version}.dist-info/RECORD,,"]))
    return path


def make_part(like: Part, listed: Path, text: str, **changes: Any) -> Part:
    """A part of the engine that consists of what a list of the test's own names."""
    listed.write_text(text)
    return replace(like, listed=listed, formerly_with=None, **changes)


def lock_of(found: place.Place, wheels: Path) -> str:
    """A lock of the wheels in a folder that a place's list names."""
    names = {requirement.name for requirement in found.requirements}
    made = {wheel.name.split("-")[0].replace("_", "-"): hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels.glob("*.whl")}
    return "# made by hand\n" + "".join(f"{name}==1.0 \\\n    --hash=sha256:{made.get(name, '0' * 64)}\n" for name in sorted(names))


def from_folder(found: place.Place, wheels: Path) -> install.Plan:
    """A plan to install from a folder of wheels, which the lock knows."""
    locked = found.part.listed.with_suffix(".lock")
    locked.write_text(lock_of(found, wheels))
    return install.Plan(replace(found, part=replace(found.part, locked=locked)), online=False, wheels=wheels)


def make_index(folder: Path, wheels: Path) -> str:
    """The address of a package index that has the wheels of a folder."""
    for wheel in wheels.glob("*.whl"):
        page = folder / wheel.name.split("-")[0].replace("_", "-") / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f'<a href="{wheel.as_uri()}">{wheel.name}</a>')
    return folder.as_uri()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[place.Place]:
    """A place whose engine consists of two tiny packages."""
    text = "reify-one==1.0  # reify_one>=1.0: a test\nreify-two==1.0 # reify_two>=1.0: a test\n"
    found = place.Place(tmp_path / "größer 🎨" / "engine", make_part(ENGINE, tmp_path / "engine.txt", text))
    yield found
    found.leave()
    for module in ("reify_one", "reify_two"):
        sys.modules.pop(module, None)


@pytest.fixture
def torch_here(here: place.Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[place.Place]:
    """The place of the second part beside it, whose torch is a tiny package."""
    monkeypatch.setattr(install, "TORCH", "reify-three")
    text = "reify-three==1.0  # reify_three>=1.0: a test\n"
    found = replace(here, part=make_part(TORCH, tmp_path / "torch.txt", text))
    yield found
    found.leave()
    sys.modules.pop("reify_three", None)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    for name in ("reify_one", "reify_two"):
        make_wheel(tmp_path / "wheels", name, GOOD)
    return tmp_path / "wheels"


def test_an_engine_from_a_folder_of_wheels_works_and_leaves_numpy_to_blender(here: place.Place, wheels: Path) -> None:
    import numpy

    assert here.state() is place.State.ABSENT
    versions = install.install(from_folder(here, wheels), job=Job())
    assert here.state() is place.State.READY
    assert versions["reify_one"] == "1.0" and versions["numpy"] == numpy.__version__
    assert not list(here.folder.glob("numpy*"))
    assert not here.partial.exists()
    import reify_one  # type: ignore[import-not-found]

    assert Path(reify_one.__file__).is_relative_to(here.folder)
    assert sys.path[-1] == str(here.folder)


def test_removing_the_engine_leaves_nothing_behind(here: place.Place, wheels: Path) -> None:
    install.install(from_folder(here, wheels), job=Job())
    install.uninstall(here)
    assert here.state() is place.State.ABSENT
    assert str(here.folder) not in sys.path
    assert not list(here.root.iterdir())


def test_an_installation_cut_off_half_way_is_seen_and_repaired(here: place.Place, wheels: Path) -> None:
    make_wheel(here.partial, "leftover", GOOD)
    assert here.state() is place.State.UNFINISHED
    install.install(from_folder(here, wheels), job=Job())
    assert here.state() is place.State.READY
    assert not list(here.folder.glob("leftover*"))


def test_pip_ends_when_the_process_that_started_it_is_killed(tmp_path: Path, wheels: Path) -> None:
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=subprocess.PIPE); time.sleep(60)"
    wait = tmp_path / "ended"
    trial = f'{{"path": {[str(tmp_path), *sys.path]!r}, "modules": ["slow_to_import"]}}'.replace("'", '"')
    (tmp_path / "slow_to_import.py").write_text(f"import time; time.sleep(3); open({str(wait)!r}, 'w')")
    parent = subprocess.Popen([sys.executable, "-c", code, str(process.CHILD), "try", trial])
    time.sleep(1.0)
    parent.kill()
    parent.wait()
    time.sleep(3.0)
    assert not wait.exists()


def test_other_pinned_versions_make_the_engine_outdated_and_installing_replaces_it(here: place.Place, wheels: Path) -> None:
    install.install(from_folder(here, wheels), job=Job())
    shutil.copy(make_wheel(wheels / "more", "reify_three", GOOD), wheels)
    here.part.listed.write_text(here.part.listed.read_text() + "reify-three==1.0 # reify_three>=1.0: a test\n")
    assert here.state() is place.State.OUTDATED
    install.install(from_folder(here, wheels), job=Job())
    assert here.state() is place.State.READY
    assert (here.folder / "reify_one").is_dir() and (here.folder / "reify_three").is_dir()


def test_an_engine_that_does_not_work_never_gets_its_name(here: place.Place, wheels: Path) -> None:
    make_wheel(wheels, "reify_two", BROKEN)
    with pytest.raises(ReifyError, match="libgone.so.1"):
        install.install(from_folder(here, wheels), job=Job())
    assert here.state() is place.State.ABSENT
    assert "libgone.so.1" in here.log.read_text()


def test_a_failed_upgrade_leaves_the_engine_that_was_there(here: place.Place, wheels: Path) -> None:
    install.install(from_folder(here, wheels), job=Job())
    here.part.listed.write_text(here.part.listed.read_text() + "reify-three==1.0 # reify_three>=1.0: a test\n")
    with pytest.raises(ReifyError, match="There is no reify-three==1.0 for this Python"):
        install.install(from_folder(here, wheels), job=Job())
    assert here.state() is place.State.OUTDATED
    assert (here.folder / "reify_one").is_dir()


def test_canceling_ends_pip_within_half_a_second_and_leaves_nothing(here: place.Place, wheels: Path) -> None:
    make_wheel(wheels, "reify_two", "import time; time.sleep(30)")
    asked: list[float] = []

    def listen(event: object) -> None:
        if getattr(event, "text", "") == "Trying it out" and not asked:
            asked.append(time.monotonic())
            job.cancel()

    job = Job(listener=listen)
    with pytest.raises(Cancelled):
        install.install(from_folder(here, wheels), job=job)
    assert time.monotonic() - asked[0] < 1.0
    assert here.state() is place.State.ABSENT and not here.partial.exists()


def test_what_the_system_has_is_not_installed_again(here: place.Place, wheels: Path) -> None:
    here.part.listed.write_text(here.part.listed.read_text() + "pytest==99.0 # pytest>=7.0: a test\n")
    install.install(from_folder(here, wheels), job=Job())
    assert here.state() is place.State.READY
    assert not list(here.folder.glob("*pytest*"))


def test_a_system_that_has_everything_needs_no_engine(tmp_path: Path) -> None:
    part = make_part(ENGINE, tmp_path / "engine.txt", "pytest==99.0 # pytest>=7.0: a test\n")
    assert place.Place(tmp_path / "engine", part).state() is place.State.SYSTEM
    part.listed.write_text("pytest==99.0 # pytest>=99.0: a test\n")
    assert place.Place(tmp_path / "engine", part).state() is place.State.ABSENT


def test_nothing_touches_the_network_while_online_access_is_off(here: place.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    with pytest.raises(ReifyError, match="online access is off"):
        install.install(install.Plan(here, online=False), job=Job())


def test_too_little_space_is_said_before_anything_starts(here: place.Place, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**29))
    with pytest.raises(ReifyError, match=r"needs 0\.8 GB, and 0\.5 GB are free"):
        install.install(install.Plan(here), job=Job())


def test_a_file_where_the_folder_should_be_is_one_clear_sentence(here: place.Place, wheels: Path) -> None:
    here.root.parent.mkdir(parents=True)
    here.root.write_text("in the way")
    with pytest.raises(ReifyError, match="can't be used"):
        install.install(from_folder(here, wheels), job=Job())


def test_a_damaged_wheel_is_one_clear_sentence(here: place.Place, wheels: Path) -> None:
    (wheels / "reify_two-1.0-py3-none-any.whl").write_bytes((wheels / "reify_two-1.0-py3-none-any.whl").read_bytes()[:200])
    with pytest.raises(ReifyError, match="package is damaged"):
        install.install(from_folder(here, wheels), job=Job())


def test_an_empty_folder_of_wheels_is_one_clear_sentence(here: place.Place, tmp_path: Path) -> None:
    with pytest.raises(ReifyError, match="no wheels"):
        install.install(install.Plan(here, online=False, wheels=tmp_path), job=Job())


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk filled up"),
        ("WARNING: Retrying … NewConnectionError('…')\nERROR: No matching distribution found for torch==2.13.0", "network isn't there"),
        ("WARNING: … ProxyError('Cannot connect to proxy.', …)\nERROR: No matching distribution found for torch", "proxy refuses"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", "certificate"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'", "can't be written"),
        ("ERROR: No matching distribution found for OpenEXR==3.5.3", "no OpenEXR==3.5.3 for this Python"),
        ("ERROR: ResolutionImpossible: for help visit …", "don't fit Blender's own numpy"),
        ("There is no pip", "has no pip"),
        ("ERROR: something new", "something new"),
    ],
)
def test_every_way_pip_fails_is_one_sentence_with_a_way_out(output: str, says: str, tmp_path: Path) -> None:
    error = explain.explained(output, tmp_path, tmp_path / "install.log")
    assert says in error.what
    assert error.fix.endswith(".") or "install.log" in error.fix


def test_the_engines_list_names_what_the_methods_need() -> None:
    from reify.backend.methods import all_methods

    listed = {requirement.module for requirement in requirements.read()}
    needed = {package for method in all_methods().values() for package in method.needed(method.settings()).packages}
    assert needed <= listed
    assert "torch" not in listed


@pytest.mark.parametrize("device", ["cpu", "auto", "cuda", "gsplat"])
def test_only_training_on_a_card_that_was_asked_for_needs_torch(device: str) -> None:
    from reify.backend import settings as settings_of
    from reify.backend.methods import method_called

    method = method_called("photos")
    settings = settings_of.with_values(method.settings(), {"training.device": device})
    assert ("torch" in method.needed(settings).packages) == (device in ("cuda", "gsplat"))


def test_a_method_that_needs_torch_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from reify.backend import methods
    from reify.backend import settings as settings_of

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else ModuleSpec(name, None))
    method = methods.method_called("photos")
    settings = settings_of.with_values(method.settings(), {"training.device": "cuda"})
    with pytest.raises(ReifyError) as raised:
        method.perform(Photos((Path("nowhere"),)), settings, Job())
    assert raised.value.what == "From Photos needs packages that aren't installed: torch."
    assert raised.value.fix == TORCH.way == "Install torch in Reify's preferences, or by `reify install torch`."
    assert not method.missing(method.settings(), Environment())


def test_a_line_in_an_unknown_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "engine.txt").write_text("torch>=2\n")
    with pytest.raises(ValueError, match="unknown form"):
        requirements.read(tmp_path / "engine.txt")


def test_the_build_of_torch_follows_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "has_nvidia_driver", lambda platform: True)
    assert builds.fitting(platform="linux")[0] is builds.CUDA
    assert builds.fitting("cpu", platform="linux")[0] is builds.CPU
    assert builds.fitting(platform="win32")[0] is builds.CUDA_WINDOWS
    assert builds.fitting("cpu", platform="win32")[0] is builds.CPU_WINDOWS
    monkeypatch.setattr(builds, "has_nvidia_driver", lambda platform: False)
    assert builds.fitting(platform="linux")[0] is builds.CPU
    assert builds.fitting(platform="darwin")[0] is builds.MPS


@pytest.mark.parametrize("raw", [False, True])
def test_the_bar_follows_the_download_whether_pip_tells_every_byte_or_only_sizes(raw: bool, tmp_path: Path) -> None:
    lines = [
        "Collecting numba==0.68.1",
        "  Downloading numba-0.68.1-cp311-cp311-win_amd64.whl.metadata (2.9 kB)",
        "Downloading numba-0.68.1-cp311-cp311-win_amd64.whl (60.0 MB)",
        *(f"Progress {done} of 60000000" for done in (20_000_000, 60_000_000) if raw),
        "Downloading https://somewhere/packages/av-18.1.0-cp311-cp311-win_amd64.whl (36.0 MB)",
        *(f"Progress {done} of 36000000" for done in (36_000_000,) if raw),
        "Downloading tifffile-2026.3.3-py3-none-any.whl (4.0 MB)",
    ]
    code = "import sys, time\nfor line in sys.argv[1:]:\n    print(line, flush=True)"
    seen: list[tuple[str, float]] = []
    job = Job(listener=lambda event: seen.append((event.text.partition(",")[0], event.fraction)) if isinstance(event, Progress) else None)
    with (
        subprocess.Popen([sys.executable, "-c", code, *lines], stdout=subprocess.PIPE, text=True) as child,
        (tmp_path / "log").open("w") as log,
    ):
        install._watch(child, log, 100e6, job)
    reached = dict(seen)
    assert reached["Downloading av"] == pytest.approx((0.96 if raw else 0.6) * install.DOWNLOADED, abs=1e-3)
    assert reached["Downloading tifffile"] == pytest.approx(0.96 * install.DOWNLOADED, abs=1e-3)


@pytest.fixture
def locked(here: place.Place, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> install.Plan:
    """A plan to install from an index of the test's own, with the hashes of its wheels."""
    lines = [
        f"{wheel.name.split('-')[0].replace('_', '-')}==1.0 ; python_version >= '3.0' \\\n    --hash=sha256:{'0' * 64} \\\n"
        f"    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
        for wheel in sorted(wheels.glob("*.whl"))
    ]
    (tmp_path / "lock.txt").write_text("# made by hand\n" + "".join(lines) + f"pytest==99.0 \\\n    --hash=sha256:{'0' * 64}\n")
    here.part.listed.write_text(here.part.listed.read_text() + "pytest==99.0 # pytest>=7.0: what the system has\n")
    monkeypatch.setenv("PIP_INDEX_URL", make_index(tmp_path / "simple", wheels))
    return install.Plan(replace(here, part=replace(here.part, locked=tmp_path / "lock.txt")), builds.MPS)


def test_wheels_from_the_network_must_have_the_hashes_of_the_lock(locked: install.Plan) -> None:
    install.install(locked, job=Job())
    assert locked.place.state() is place.State.READY
    assert not list(locked.place.folder.glob("numpy*")) and not list(locked.place.folder.glob("pytest*"))


def test_a_wheel_with_another_hash_is_refused_though_it_is_a_good_one(locked: install.Plan, wheels: Path) -> None:
    make_wheel(wheels, "reify_two", GOOD + "# somebody else's\n")
    with pytest.raises(ReifyError, match="A downloaded package is damaged"):
        install.install(locked, job=Job())
    assert locked.place.state() is place.State.ABSENT


def test_a_torch_of_another_index_comes_by_itself_and_all_else_with_the_hashes_of_the_lock(
    locked: install.Plan, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "TORCH", "reify-one")
    make_wheel(wheels, "reify_one", "__version__ = '1.0+cpu'\nimport reify_two\n", needs="numpy, reify-two, nvidia-something")
    lock = locked.place.part.locked
    lock.write_text(lock.read_text() + f"nvidia-something==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    plan = replace(locked, build=replace(builds.CPU, index=make_index(wheels.parent / "torch", wheels)))
    assert install.install(plan, job=Job())["reify_one"] == "1.0+cpu"
    assert plan.place.state() is place.State.READY
    assert not list(plan.place.folder.glob("*+provided*"))
    install.uninstall(plan.place)
    make_wheel(wheels, "reify_two", GOOD + "# somebody else's\n")
    with pytest.raises(ReifyError, match="A downloaded package is damaged"):
        install.install(plan, job=Job())


def test_a_tampered_wheel_in_a_folder_is_shown_and_not_installed(here: place.Place, wheels: Path) -> None:
    plan = from_folder(here, wheels)
    make_wheel(wheels, "reify_two", GOOD + "# somebody else's\n")
    with pytest.raises(ReifyError, match="aren't those that Reify knows: reify_two-1.0-py3-none-any.whl"):
        install.install(plan, job=Job())
    assert here.state() is place.State.ABSENT


def test_what_the_lock_does_not_name_in_a_folder_is_left_there(here: place.Place, wheels: Path) -> None:
    plan = from_folder(here, wheels)
    make_wheel(wheels, "reify_three", BROKEN)
    install.install(plan, job=Job())
    assert here.state() is place.State.READY and not list(here.folder.glob("reify_three*"))


def known_wheel(listed: Path, wheel: Path) -> None:
    """Write the list of wheels that only PyTorch's index has: this one, under the name that it would have for this Python and system."""
    system, machine = requirements.platform_key().split("-")
    tags = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    name = f"{'-'.join(wheel.name.split('-')[:2]).replace('_', '-', 1)}-{tags}-{tags}-{system}_{machine}.whl"
    listed.write_text(f"# made by hand\n{hashlib.sha256(wheel.read_bytes()).hexdigest()}  {name}\n")


@pytest.fixture
def apart(locked: install.Plan, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> install.Plan:
    """A plan whose torch comes from an index of its own, with a known hash."""
    monkeypatch.setattr(install, "TORCH", "reify-two")
    known_wheel(tmp_path / "known.txt", make_wheel(tmp_path / "own", "reify_two", GOOD, version="1.0+cpu"))
    build = replace(builds.CPU, index=make_index(tmp_path / "torch", tmp_path / "own"))
    return replace(locked, build=build, place=replace(locked.place, part=replace(locked.place.part, wheels=tmp_path / "known.txt")))


def test_a_torch_of_its_own_index_must_have_a_known_hash(apart: install.Plan, tmp_path: Path) -> None:
    assert not apart.unchecked
    job = Job()
    install.install(apart, job=job)
    assert apart.place.state() is place.State.READY and not job.report.warnings
    assert [found.name for found in apart.place.folder.glob("reify_two-*")] == ["reify_two-1.0+cpu.dist-info"]
    install.uninstall(apart.place)
    make_wheel(tmp_path / "own", "reify_two", GOOD + "# somebody else's\n", version="1.0+cpu")
    with pytest.raises(ReifyError, match="A downloaded package is damaged"):
        install.install(apart, job=Job())
    assert apart.place.state() is place.State.ABSENT


def test_a_torch_in_a_folder_must_have_a_known_hash_where_there_is_one(apart: install.Plan, wheels: Path, tmp_path: Path) -> None:
    (wheels / "reify_two-1.0-py3-none-any.whl").unlink()
    shutil.copy(tmp_path / "own/reify_two-1.0+cpu-py3-none-any.whl", wheels)
    plan = replace(apart, online=False, wheels=wheels)
    install.install(plan, job=Job())
    install.uninstall(plan.place)
    make_wheel(wheels, "reify_two", GOOD + "# somebody else's\n", version="1.0+cpu")
    with pytest.raises(ReifyError, match=r"aren't those that Reify knows: reify_two-1.0\+cpu"):
        install.install(plan, job=Job())


@pytest.mark.parametrize("from_folder_of_wheels", [False, True])
def test_a_torch_whose_hash_is_not_known_is_installed_only_after_a_word(
    apart: install.Plan, wheels: Path, tmp_path: Path, from_folder_of_wheels: bool
) -> None:
    (tmp_path / "known.txt").write_text("# none for this Python\n")
    make_wheel(tmp_path / "own", "reify_two", GOOD)
    make_wheel(wheels, "reify_two", GOOD + "# another build\n")
    plan, job = replace(apart, wheels=wheels if from_folder_of_wheels else None), Job()
    assert plan.unchecked == install.UNCHECKED
    install.install(plan, job=job)
    assert plan.place.state() is place.State.READY and job.report.warnings == (install.UNCHECKED,)


def test_what_has_no_known_hash_comes_only_from_hosts_with_a_good_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TRUSTED_HOST", "download.pytorch.org")
    assert pip_settings.environment(sys.executable, process.CHILD)["PIP_TRUSTED_HOST"] == "download.pytorch.org"
    assert "PIP_TRUSTED_HOST" not in pip_settings.environment(sys.executable, process.CHILD, proven=True)


def test_every_build_of_torch_has_known_hashes_but_that_for_windows_cards_before_python_3_13(monkeypatch: pytest.MonkeyPatch) -> None:
    version = requirements.read(TORCH.listed)[0].version
    assert version in TORCH.wheels.read_text()
    for python in ((3, 11), (3, 13), (3, 14)):
        monkeypatch.setattr(sys, "version_info", (*python, 0, "final", 0))
        for build, key in ((builds.CPU, "linux-x86_64"), (builds.CPU, "linux-aarch64"), (builds.CUDA_WINDOWS, "win-amd64")):
            monkeypatch.setattr(requirements, "platform_key", lambda key=key: key)
            known = install.Plan(place.Place(Path(), TORCH), build).hashes_apart
            assert len(known) == (1 if build is builds.CPU or python == (3, 13) else 0)
    for build in (builds.CUDA, builds.CPU_WINDOWS, builds.MPS):
        assert not build.index and not install.Plan(place.Place(Path(), TORCH), build).unchecked


@pytest.mark.parametrize("of_torch", [False, True])
@pytest.mark.parametrize("way", ["PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "a file of settings"])
def test_packages_of_further_places_that_pip_was_told_of_are_never_installed(
    locked: install.Plan, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, of_torch: bool
) -> None:
    decoys = tmp_path / "decoys"
    make_wheel(decoys, "reify_two", "raise SystemExit('a decoy ran')")
    if of_torch:
        monkeypatch.setattr(install, "TORCH", "reify-two")
        locked = replace(locked, build=replace(builds.CPU, index=make_index(tmp_path / "torch", wheels)))
    if way == "a file of settings":
        (tmp_path / "pip.conf").write_text(f"[global]\nfind-links = {decoys}\nextra-index-url = {make_index(tmp_path / 'more', decoys)}\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    else:
        monkeypatch.setenv(way, str(decoys) if way == "PIP_FIND_LINKS" else make_index(tmp_path / "more", decoys))
    assert install.install(locked, job=Job())["reify_two"] == "1.0"


def test_proxies_certificates_and_a_mirror_of_the_user_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    monkeypatch.setenv("PIP_CERT", "/of/the/environment")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    settings = "[global]\nindex-url = https://mirror/simple\nproxy = http://proxy:2\ncert = /of/the/file\nconstraint = /x\ntarget = /y\n"
    (tmp_path / "pip.conf").write_text(settings + "[install]\nretries = 7\nuser = yes\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    found = pip_settings.environment(sys.executable, process.CHILD)
    kept = {key: value for key, value in found.items() if key.startswith("PIP_") or key == "HTTPS_PROXY"}
    assert {"PIP_INDEX_URL": "https://mirror/simple", "PIP_PROXY": "http://proxy:2", "PIP_RETRIES": "7"}.items() <= kept.items()
    assert (kept["PIP_CERT"], kept["HTTPS_PROXY"], kept["PIP_CONFIG_FILE"]) == ("/of/the/environment", "http://proxy:1", os.devnull)
    assert not {"PIP_CONSTRAINT", "PIP_TARGET", "PIP_USER", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"} & set(kept)


@pytest.mark.parametrize("part", requirements.PARTS, ids=lambda part: part.name)
def test_the_lock_is_of_the_listed_versions_and_holds_no_numpy(part: Part) -> None:
    text = requirements.locked(part.locked, ())
    for requirement in requirements.read(part.listed):
        assert re.search(rf"^{re.escape(requirement.pinned)}[ ;]", text, re.MULTILINE | re.IGNORECASE), (
            f"run dev.py lock: {requirement.pinned}"
        )
    assert "\nnumpy==" not in text
    first = requirements.read(part.listed)[0].name
    assert f"\n{first}==" in text and f"\n{first}==" not in requirements.locked(part.locked, [first])


def test_the_engines_own_lock_holds_nothing_of_torch_and_takes_less_than_200_megabytes() -> None:
    names = set(re.findall(r"^([\w-]+)==", ENGINE.locked.read_text(), re.MULTILINE))
    assert names and not names & {"torch", "sympy", "networkx", "triton"}
    for platform in ("linux-x86_64", "macosx-arm64", "win-amd64"):
        assert 50 < requirements.megabytes(ENGINE.locked, platform) < 200
        assert requirements.megabytes(TORCH.locked, platform) > 100
    assert requirements.megabytes(ENGINE.locked, "linux-riscv64") == 0


def test_the_engine_installs_without_torch_which_is_added_later_and_removed_alone(
    here: place.Place, torch_here: place.Place, wheels: Path
) -> None:
    make_wheel(wheels, "reify_three", GOOD)
    install.install(from_folder(here, wheels), job=Job())
    assert (here.state(), torch_here.state()) == (place.State.READY, place.State.ABSENT)
    assert not list(here.folder.glob("reify_three*"))
    kept = sorted((path, path.stat().st_mtime_ns) for path in here.folder.rglob("*"))
    versions = install.install(from_folder(torch_here, wheels), job=Job())
    assert versions["reify_three"] == "1.0" and "reify_one" not in versions
    assert (here.state(), torch_here.state()) == (place.State.READY, place.State.READY)
    assert not list(torch_here.folder.glob("reify_one*")) and sys.path[-2:] == [str(here.folder), str(torch_here.folder)]
    install.uninstall(torch_here)
    assert (here.state(), torch_here.state()) == (place.State.READY, place.State.ABSENT)
    assert sorted((path, path.stat().st_mtime_ns) for path in here.folder.rglob("*")) == kept


def test_torch_that_does_not_work_leaves_the_engine_as_it_was(here: place.Place, torch_here: place.Place, wheels: Path) -> None:
    make_wheel(wheels, "reify_three", BROKEN)
    install.install(from_folder(here, wheels), job=Job())
    with pytest.raises(ReifyError, match="libgone.so.1"):
        install.install(from_folder(torch_here, wheels), job=Job())
    assert (here.state(), torch_here.state()) == (place.State.READY, place.State.ABSENT)


def test_an_engine_of_an_older_version_that_brought_torch_along_stays_valid(
    here: place.Place, torch_here: place.Place, wheels: Path
) -> None:
    make_wheel(wheels, "reify_three", GOOD)
    both = here.part.listed.with_name("both.txt")
    older = replace(here, part=make_part(here.part, both, torch_here.part.listed.read_text() + here.part.listed.read_text()))
    install.install(from_folder(older, wheels), job=Job())
    newer = replace(here, part=replace(here.part, formerly_with=torch_here.part.listed))
    assert newer.folder == older.folder and newer.state() is place.State.READY
    assert torch_here.state() is place.State.SYSTEM  # nothing to install
    assert here.state() is place.State.OUTDATED
    torch_here.part.listed.write_text(torch_here.part.listed.read_text().replace("==1.0", "==2.0"))
    assert newer.state() is place.State.OUTDATED


def test_the_stamp_that_an_older_version_wrote_is_known(tmp_path: Path) -> None:
    pinned = [requirement.pinned for requirement in (*requirements.read(TORCH.listed), *requirements.read(ENGINE.listed))]
    here = place.Place(tmp_path)
    here.folder.mkdir()
    (here.folder / place.STAMP).write_text(json.dumps({"fingerprint": store.digest(pinned), "build": "cpu", "versions": {}}))
    assert here.state() is place.State.READY


@pytest.mark.slow
def test_the_trial_runs_the_kernels_of_the_real_engine(tmp_path: Path) -> None:
    import numba
    import torch

    for part, module in ((ENGINE, numba), (TORCH, torch)):
        versions = install._try(install.Plan(place.Place(tmp_path, part)), tmp_path, Job())
        assert versions[module.__name__] == module.__version__
    assert versions["device"] in ("cpu", "cuda")
